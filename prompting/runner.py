"""One pass over pictures: encode once, find regions once a prior, then prompt, decode and refine for each strategy.

    pictures -> segmenter.encode (once) -> priors (once each) -> strategies: prompts -> decode -> refine -> masks

Knows nothing of FiftyOne: pictures go in, :class:`PictureResult` come out, in
the same order.
"""

from __future__ import annotations

import sys
import time
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from . import memory
from .errors import PromptError
from .masks import paint
from .priors.base import Picture, Prior
from .refine import refine
from .regions import Region
from .results import NO_PROMPT, OK, PictureResult, StrategyResult
from .segmenter import EncodedImage, Segmenter
from .strategies import Strategy


class Runner:
    """Applies strategies to pictures.

    Args:
        segmenter: SAM 2
        priors: the priors that the strategies name
        strategies: what to apply
        classes: class i becomes mask value i + 1
        seed: of all randomness, together with each picture's ``seed_key``
        rounds: corrective clicks for a strategy, where it isn't the strategy's own number
    """

    def __init__(
        self,
        segmenter: Segmenter,
        priors: Mapping[str, Prior],
        strategies: Sequence[Strategy],
        classes: Sequence[str],
        seed: int = 0,
        rounds: Mapping[str, int] | None = None,
    ):
        self.segmenter, self.priors, self.strategies = segmenter, priors, tuple(strategies)
        self.classes, self.seed, self.rounds = tuple(classes), seed, dict(rounds or {})
        self._largest_batch = sys.maxsize

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
        height, width = picture.image.shape[:2]
        error = (
            f"error: not enough memory for this picture of {width} x {height} pixels; free some, make the picture"
            " smaller, or choose a smaller model"
        )
        wanted = [strategy.name for strategy in self.strategies if strategy.name not in picture.skip]
        failed = (StrategyResult(name, None, (), np.zeros(0), error, 0.0, 0) for name in wanted)
        return PictureResult(picture.key, tuple(failed))

    def _at_once(self, batch: list[Picture]) -> Iterator[PictureResult]:
        start = time.perf_counter()
        encoded = self.segmenter.encode([picture.image for picture in batch])
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
            results = tuple(
                self._apply(
                    strategy,
                    picture,
                    encoded[i],
                    found[strategy.prior, i],
                    encode_seconds + prior_seconds[strategy.prior],
                )
                for strategy in self.strategies
                if strategy.name not in picture.skip
            )
            heatmaps = (getattr(found.get((name, i)), "heatmap", None) for name in self.priors)
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
        strategy: Strategy,
        picture: Picture,
        encoded: EncodedImage,
        regions: list[Region] | PromptError,
        shared_seconds: float,
    ) -> StrategyResult:
        start = time.perf_counter()
        shape = picture.image.shape[:2]
        # every strategy draws from its own stream: leaving one out doesn't change the others
        rng = np.random.default_rng([self.seed, zlib.crc32(f"{picture.seed_key}\0{strategy.name}".encode())])
        try:
            if isinstance(regions, PromptError):
                raise regions
            prompts, targets = self._prompts(strategy, regions, shape, rng)
            if not prompts:
                mask = np.zeros(shape, np.uint8)
                seconds = shared_seconds + time.perf_counter() - start
                return StrategyResult(strategy.name, mask, (), np.zeros(0), NO_PROMPT, seconds, 0)
            rounds = self.rounds.get(strategy.name, strategy.rounds) if all(t is not None for t in targets) else 0
            refined = refine(self.segmenter, encoded, prompts, targets, rounds)
        except PromptError as error:
            seconds = shared_seconds + time.perf_counter() - start
            return StrategyResult(strategy.name, None, (), np.zeros(0), f"error: {error}", seconds, 0)
        ious = refined.decoded.predicted_iou
        values = [self.classes.index(p.label) + 1 for p in prompts]
        mask = paint(refined.decoded.masks, ious, values, shape)
        seconds = shared_seconds + time.perf_counter() - start
        return StrategyResult(
            strategy.name,
            mask,
            tuple(refined.prompts),
            ious,
            OK,
            seconds,
            refined.decoder_calls,
            refined.decoded.masks,
            refined.rounds,
        )

    def _prompts(self, strategy: Strategy, regions: list[Region], shape: tuple[int, int], rng: np.random.Generator):
        """One prompt a region, and the mask it is refined against (None where the prior has none)."""
        avoid = {label: _occupied(regions, label, shape) for label in {region.label for region in regions}}
        prompts = [strategy.prompter(region, avoid[region.label], rng) for region in regions]
        return prompts, [region.mask for region in regions]


def _occupied(regions: Sequence[Region], label: str, shape: tuple[int, int]) -> np.ndarray:
    occupied = np.zeros(shape, bool)
    for region in regions:
        if region.label == label and region.mask is not None:
            occupied |= region.mask
    return occupied
