"""One pass over pictures: encode once, find regions once a prior, then prompt, decode and refine for each strategy.

    pictures -> segmenter.encode (once) -> priors (once each) -> strategies: prompts
             -> all of a picture's prompts: decode -> refine, in as few calls as shapes allow -> masks

Knows nothing of FiftyOne: pictures go in, :class:`PictureResult` come out, in
the same order.
"""

from __future__ import annotations

import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

import numpy as np

from .errors import PromptError
from .pixels.label_map import LabelMap
from .pixels.masks import Window, union
from .pixels.regions import Region
from .priors.base import Picture, Prior
from .prompts.prompters import filled_box, prompt_of
from .prompts.refine import Refined, Task, refine_all
from .prompts.strategies import STRATEGIES
from .prompts.strategy import Strategy
from .results import NO_PROMPT, OK, PictureResult, StrategyResult
from .segmentation import memory
from .segmentation.segmenter import EncodedImage, Segmenter


@dataclass(frozen=True)
class _Ask:
    """What a strategy wants decoded of a picture (None: nothing), its status so far, what it took to find out, and how
    sure the prior is of each instance."""

    task: Task | None
    status: str
    seconds: float
    confidences: tuple[float, ...] = ()


class Runner:
    """Applies strategies to pictures.

    Args:
        segmenter: SAM 2
        priors: the priors that the strategies name
        strategies: what to apply
        classes: class i becomes mask value i + 1
        seed: of all randomness, together with each picture's ``seed_key``
        rounds: corrective clicks for a strategy, where it isn't the strategy's own number
        least: prior -> the confidence below which its regions are dropped, where a strategy says none
        between: called before each picture's prompts are decoded; what it raises ends the run
        keep_rounds: also draw the masks between corrective clicks
    """

    def __init__(
        self,
        segmenter: Segmenter,
        priors: Mapping[str, Prior],
        strategies: Sequence[Strategy],
        classes: Sequence[str],
        seed: int = 0,
        rounds: Mapping[str, int] | None = None,
        between: Callable[[], None] = lambda: None,
        keep_rounds: bool = True,
        least: Mapping[str, float] = MappingProxyType({}),
    ):
        self.segmenter, self.priors, self.strategies = segmenter, priors, tuple(strategies)
        self.classes, self.seed, self.rounds = tuple(classes), seed, dict(rounds or {})
        self.least = dict(least)
        self._largest_batch, self._between, self._keep_rounds = sys.maxsize, between, keep_rounds

    def run(self, pictures: Iterable[Picture], batch_size: int = 1) -> Iterator[PictureResult]:
        """Results in the pictures' order; at most ``batch_size`` pictures are in memory at once.

        Where that is too much, batches are halved for the rest of the run, with a warning; a picture that is too large
        by itself fails, and the run goes on.
        """
        batch: list[Picture] = []
        for picture in pictures:
            batch.append(picture)
            if len(batch) >= min(batch_size, self._largest_batch):
                yield from self._batch(batch)
                batch = []
        if batch:
            yield from self._batch(batch)

    def _batch(self, batch: list[Picture]) -> Iterator[PictureResult]:
        """A batch's results; where memory runs out, those of its halves; a picture alone then fails."""
        try:
            results = list(self._at_once(batch))
        except Exception as error:
            if not memory.ran_out(error):
                raise
            results = None  # and leave the block, for the error holds on to what filled the memory
        if results is None:
            memory.release()
            if len(batch) == 1:
                results = [self._too_large(batch[0])]
            else:
                half = (len(batch) + 1) // 2
                self._largest_batch = half
                warnings.warn(
                    f"Not enough memory for {len(batch)} pictures at once; going on with {half}.", stacklevel=2
                )
                results = chain(self._batch(batch[:half]), self._batch(batch[half:]))
        yield from results

    def _too_large(self, picture: Picture) -> PictureResult:
        wanted = [strategy.name for strategy in self.strategies if strategy.name not in picture.skip]
        failed = (StrategyResult.without_memory(name, picture.shape) for name in wanted)
        return PictureResult(picture.key, tuple(failed))

    def _at_once(self, batch: list[Picture]) -> Iterator[PictureResult]:
        start = time.perf_counter()
        memory.require_room(len(batch), self.segmenter.name)
        encoded = self.segmenter.encode([picture.image for picture in batch], [picture.shape for picture in batch])
        encode_seconds = (time.perf_counter() - start) / len(batch)
        found: dict[tuple[str, int], list[Region] | PromptError] = {}
        prior_seconds: dict[str, float] = {}
        for name in dict.fromkeys(strategy.prior for strategy in self.strategies):
            rows = [i for i, picture in enumerate(batch) if self._needs(picture, name)]
            if rows:
                start = time.perf_counter()
                regions = self._find(self.priors[name], [batch[i] for i in rows])
                prior_seconds[name] = (time.perf_counter() - start) / len(rows)
                found.update({(name, i): regions[row] for row, i in enumerate(rows)})
        for i, picture in enumerate(batch):
            self._between()
            regions = {name: found[name, i] for name in prior_seconds if (name, i) in found}
            memory.require_room(0, self.segmenter.name)
            shared = {name: encode_seconds + prior_seconds[name] for name in regions}
            results = self._apply(picture, encoded[i], regions, shared)
            heatmaps = (getattr(regions.get(name), "heatmap", None) for name in self.priors)
            yield PictureResult(picture.key, results, next((h for h in heatmaps if h is not None), None))

    def _needs(self, picture: Picture, prior: str) -> bool:
        """Whether any strategy that the picture doesn't skip asks this prior."""
        return any(s.prior == prior and s.name not in picture.skip for s in self.strategies)

    def _find(self, prior: Prior, batch: list[Picture]) -> list[list[Region] | PromptError]:
        """The prior's regions of each picture, or why it couldn't say: one bad label never ends a run."""
        try:
            return list(prior.find(batch))
        except Exception as error:
            if memory.ran_out(error):
                raise
            if len(batch) > 1:
                return [self._find(prior, [picture])[0] for picture in batch]
            if isinstance(error, PromptError):
                return [error]
            return [PromptError(f"no prompts could be found ({type(error).__name__}: {error})")]

    def _apply(
        self,
        picture: Picture,
        encoded: EncodedImage,
        regions: Mapping[str, list[Region] | PromptError],
        shared_seconds: Mapping[str, float],
    ) -> tuple[StrategyResult, ...]:
        """All strategies' results for a picture: their prompts, decoded together."""
        asked = {
            strategy.name: self._ask(strategy, picture, regions[strategy.prior])
            for strategy in self.strategies
            if strategy.name not in picture.skip
        }
        tasks = {name: ask.task for name, ask in asked.items() if ask.task is not None}
        answers = refine_all(self.segmenter, encoded, tuple(tasks.values()), self._keep_rounds)
        refined = dict(zip(tasks, answers, strict=True))
        prior_of = {strategy.name: strategy.prior for strategy in self.strategies}
        return tuple(
            self._result(name, picture, ask, refined.get(name), shared_seconds[prior_of[name]])
            for name, ask in asked.items()
        )

    def _ask(self, strategy: Strategy, picture: Picture, regions: list[Region] | PromptError) -> _Ask:
        """What a strategy wants decoded, or why it can't say."""
        start = time.perf_counter()
        task, status, confidences = None, NO_PROMPT, ()
        try:
            if isinstance(regions, PromptError):
                raise regions
            prompts, sure = self._prompts(strategy, picture, regions)
            targets, confidences = [region.mask for region in sure], tuple(region.confidence for region in sure)
            for prompt in prompts:  # here, where a bad one fails its strategy alone
                prompt.check(*picture.shape)
            rounds = self.rounds.get(strategy.name, strategy.rounds) if all(t is not None for t in targets) else 0
            if prompts:
                task, status = Task(prompts, targets, rounds), OK
        except PromptError as error:
            status = f"error: {error}"
        return _Ask(task, status, time.perf_counter() - start, confidences)

    def _result(
        self, name: str, picture: Picture, ask: _Ask, refined: Refined | None, shared_seconds: float
    ) -> StrategyResult:
        seconds = shared_seconds + ask.seconds
        if refined is None:
            nothing = LabelMap.empty(picture.shape) if ask.status == NO_PROMPT else None
            return StrategyResult(name, nothing, (), np.zeros(0), ask.status, seconds, 0)
        values = [self.classes.index(prompt.label) + 1 for prompt in refined.prompts]
        return StrategyResult(
            name,
            LabelMap(refined.masks, refined.predicted_iou, values, picture.shape),
            tuple(refined.prompts),
            refined.predicted_iou,
            OK,
            seconds + refined.seconds,
            refined.decoder_calls,
            refined.masks,
            refined.rounds,
            ask.confidences,
        )

    def _prompts(self, strategy: Strategy, picture: Picture, regions: list[Region]):
        """One prompt a region that is sure enough, and those regions."""
        least = strategy.confidence or self.least.get(strategy.prior, 0.0)
        chosen = [(i, region) for i, region in enumerate(regions) if region.confidence >= least]
        sure = [region for _, region in chosen]
        avoid = {}
        if strategy.has_clicks and strategy.negatives != 0:
            avoid = {label: _occupied(sure, label) for label in {region.label for region in sure}}
        draws, prompts = _Draws(self.seed, picture.seed_key, strategy), []
        for i, region in chosen:
            others = [other for other in sure if other is not region]
            prompts.append(prompt_of(strategy, region, avoid.get(region.label), *draws.of(i), others))
        return prompts, sure


class _Draws:
    """The random numbers of a strategy's prompts in a picture.

    A built-in strategy has a stream of its own: leaving one out doesn't change the others. All others of a prior share
    one for each instance and each kind of click, so that two which differ by a number of clicks differ by nothing else:
    three positive clicks are the first three of five.
    """

    def __init__(self, seed: int, seed_key: str, strategy: Strategy):
        built_in = strategy.name in STRATEGIES
        said = strategy.name if built_in else f"{strategy.prior}:"
        self._seed = [seed, zlib.crc32(f"{seed_key}\0{said}".encode())]
        self._own = np.random.default_rng(self._seed) if built_in else None

    def of(self, instance: int) -> tuple[np.random.Generator, np.random.Generator]:
        """Those of the clicks inside and outside of an instance."""
        if self._own is not None:
            return self._own, self._own
        return tuple(np.random.default_rng([*self._seed, instance, kind]) for kind in (0, 1))


def _occupied(regions: Sequence[Region], label: str) -> Window | None:
    """All regions of a class in one mask, the boxes of those without a mask filled; None where nothing is known."""
    alike = [region for region in regions if region.label == label]
    windows = [
        filled_box(region) if region.mask is None else region.mask
        for region in alike
        if region.mask is not None or (region.box is not None and region.shape is not None)
    ]
    return union(windows) if windows else None
