"""A strategy is a value: who finds the instances, how each is said to SAM 2, and how often that is corrected."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..errors import PromptingError
from . import grammar

CLIP, YOLO, FIELD, REFERENCE = PRIORS = grammar.PRIORS
OF_MAPS = CLIP, REFERENCE
"""Priors whose regions are cut out of maps, and have no points of their own."""
POINT, BOX, POINTS, BOX_POINTS = PROMPTS = "point", "box", "points", "box+points"
RING, OTHERS, BOTH = PLACES = "ring", "others", "both"
INSIDE, OUTSIDE = "positive", "negative"
POSITIVES, NEGATIVES = 5, 3
"""How many clicks are spread where a prior has none of its own."""
MOST = {"positives": 20, "negatives": 20, "rounds": 5}
MARGINS = -20, 50


@dataclass(frozen=True)
class Strategy:
    """A prompting strategy.

    Attributes:
        prior: what finds the instances' regions: ``clip``, ``yolo``, ``field`` or ``reference``
        prompt: how each is said: ``point``, ``box``, ``points`` or ``box+points``
        positives: clicks spread inside, 0 to 20; with ``negatives`` of None too, the prior's own points, or 5 and 3
        negatives: clicks outside, 0 to 20
        negatives_on: where: in the ``ring`` around the region, on ``others`` next to it, or ``both``
        margin: percent of its sides by which the box is grown on each side, -20 to 50; None: as the prior gives it,
            a box around a region with 5 %, one that a detector or a person gave as it is
        rounds: corrective clicks an instance may get against the prior's region, 0 to 5
        confidence: regions of which the prior is less sure are dropped, 0.01 to 0.99; None: as the run says
        description: one line for forms and tables; it makes no other strategy

    Raises:
        PromptingError: what can't be, and which part says it

    Example:
        >>> Strategy("yolo", "box+points", positives=5, negatives=3, rounds=2).spelling
        'yolo:box+5p3n@2'
        >>> Strategy.parse("yolo:box+5p3n@2").name
        'yolo_box_5p3n_r2'
    """

    prior: str
    prompt: str = BOX
    positives: int | None = None
    negatives: int | None = None
    negatives_on: str = RING
    margin: int | None = None
    rounds: int = 0
    confidence: float | None = None
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name, known in (("prior", PRIORS), ("prompt", PROMPTS), ("negatives_on", PLACES)):
            if getattr(self, name) not in known:
                raise _refused(f"A strategy's {name} is one of {', '.join(known)}, not {getattr(self, name)!r}.")
        self._check_clicks()
        if self.margin is not None and not self.has_box:
            raise _refused(f"A margin of {self.margin} % needs a box, and the prompt is {self.prompt!r}.")
        if self.margin is not None:
            _check_whole("margin", self.margin, *MARGINS)
        _check_whole("rounds", self.rounds, 0, MOST["rounds"])
        if self.confidence is not None:
            sure = self.confidence if isinstance(self.confidence, (int, float)) else -1.0
            if not 0.01 <= sure <= 0.99 or round(sure, 2) != sure:
                raise _refused(
                    f"A strategy's confidence is a number of hundredths, 0.01 to 0.99, not {self.confidence!r}."
                )

    def _check_clicks(self) -> None:
        if not self.has_clicks:
            if self.positives is not None or self.negatives is not None or self.negatives_on != RING:
                wanted = POINTS if self.prompt == POINT else BOX_POINTS
                raise _refused(f"The prompt {self.prompt!r} has no clicks to be counted; {wanted!r} has.")
            return
        if self.positives is None and self.negatives is None and self.prior in OF_MAPS:
            object.__setattr__(self, "positives", POSITIVES)
            object.__setattr__(self, "negatives", NEGATIVES)
        if self.positives is not None or self.negatives is not None:
            for name in ("positives", "negatives"):
                object.__setattr__(self, name, 0 if getattr(self, name) is None else getattr(self, name))
                _check_whole(name, getattr(self, name), 0, MOST[name])
            if not self.has_box and not self.positives:
                raise _refused("Clicks outside alone say nothing: a strategy needs a box or a positive click.")
            if not self.positives and not self.negatives:
                raise _refused("No clicks at all were asked for; the prompt 'box' has none.")
        if self.negatives_on != RING and not self.negatives:
            raise _refused(f"negatives_on={self.negatives_on!r} needs a number of negatives.")

    @property
    def has_box(self) -> bool:
        return self.prompt in (BOX, BOX_POINTS)

    @property
    def has_clicks(self) -> bool:
        """Whether clicks are spread, or taken as the prior gives them."""
        return self.prompt in (POINTS, BOX_POINTS)

    @property
    def clicks(self) -> int:
        """How many clicks an instance gets at first, where its prior has none of its own."""
        if not self.has_clicks:
            return int(self.prompt == POINT)
        return POSITIVES + NEGATIVES if self.positives is None else self.positives + self.negatives

    @property
    def needs_masks(self) -> bool:
        """Whether it makes a difference to it that a prior tells its regions' masks, and not just their boxes."""
        return self.has_clicks or self.prompt == POINT or self.rounds > 0

    @property
    def needs_more_than_boxes(self) -> bool:
        """Whether it clicks inside what the prior found, or corrects by it: a box says nothing of either."""
        return (self.has_clicks and self.positives != 0) or self.rounds > 0

    @cached_property
    def spelling(self) -> str:
        """Its one spelling; see :mod:`prompting.prompts.grammar`."""
        return grammar.spell(self)

    @cached_property
    def name(self) -> str:
        """What it is called in tables and fields: a built-in one as it always was, another after its spelling."""
        return NAMES.get(self) or grammar.identifier(self.spelling)

    @classmethod
    def parse(cls, text: str) -> Strategy:
        """The strategy that a spelling means.

        Raises:
            PromptingError: which part can't be read, or can't be
        """
        said = grammar.read(text)
        try:
            return cls(**said)
        except PromptingError as error:
            raise _refused(f"The strategy {text!r} can't be: {error}") from None

    def gives(self, rounds: int | None = None) -> frozenset[str]:
        """What its prompts can have, of ``box``, ``positive`` and ``negative``; a corrective click may be either."""
        given = {BOX} if self.has_box else set()
        if self.prompt == POINT or (self.has_clicks and self.positives != 0):
            given.add(INSIDE)
        if self.has_clicks and self.negatives != 0:
            given.add(OUTSIDE)
        corrected = self.rounds if rounds is None else rounds
        return frozenset(given | {INSIDE, OUTSIDE}) if corrected else frozenset(given)

    def in_words(self) -> str:
        """Its description, or what its parts say."""
        return self.description or ", ".join(_words(self))

    def __str__(self) -> str:
        return self.spelling


_WHOSE = {
    CLIP: "each CLIP region",
    YOLO: "each YOLO detection",
    FIELD: "each label of a field",
    REFERENCE: "each region like those of the reference pictures",
}
_WHERE = {RING: "around", OTHERS: "on others next to it", BOTH: "on others and around"}


def _words(strategy: Strategy):
    sure = f" of {strategy.confidence:g} and more" if strategy.confidence else ""
    margin = "" if strategy.margin is None else f" with a margin of {strategy.margin} %"
    first = {POINT: "one click", BOX: f"box{margin}", POINTS: "clicks", BOX_POINTS: f"box{margin}"}[strategy.prompt]
    yield f"{first} for {_WHOSE[strategy.prior]}{sure}"
    if strategy.has_clicks and strategy.positives is None:
        yield "its own points, or 5 clicks inside and 3 around"
    if strategy.positives:
        yield f"{strategy.positives} inside"
    if strategy.negatives:
        yield f"{strategy.negatives} {_WHERE[strategy.negatives_on]}"
    if strategy.rounds:
        yield f"up to {strategy.rounds} corrective click{'s' if strategy.rounds > 1 else ''}"


def _check_whole(name: str, value, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _refused(f"A strategy's {name} is a whole number, {least} to {most}, not {value!r}.")


def _refused(said: str) -> PromptingError:
    return PromptingError(said, "strategies")


STRATEGIES: dict[str, Strategy] = {
    "clip_point": Strategy(CLIP, POINT, description="centroid of each CLIP region, the best of three masks"),
    "clip_box": Strategy(CLIP, BOX, description="tight box of each CLIP region, 5 % margin"),
    "clip_points": Strategy(CLIP, POINTS, 5, 3, description="5 clicks spread inside, 3 negative ones around"),
    "clip_box_neg": Strategy(CLIP, BOX_POINTS, 0, 3, description="box and 3 negative clicks around"),
    "clip_box_points": Strategy(CLIP, BOX_POINTS, 5, 3, description="box, 5 clicks inside, 3 negative ones around"),
    "clip_iterative": Strategy(
        CLIP, BOX, rounds=3, description="box, then up to 3 clicks where mask and CLIP disagree"
    ),
    "yolo_box": Strategy(YOLO, BOX, description="one box for each YOLO detection"),
    "field_box": Strategy(FIELD, BOX, description="boxes of a field of the dataset"),
    "field_point": Strategy(FIELD, POINT, description="one click for each label of a field"),
    "field_points": Strategy(FIELD, POINTS, description="clicks of a field: keypoints, or spread over its masks"),
    "reference_box_points": Strategy(
        REFERENCE, BOX_POINTS, 5, 3, description="box and clicks, as clip_box_points, of what looks like the references"
    ),
}
"""Those that have names of their own, values like any other: a new one is one entry."""
NAMES = {strategy: name for name, strategy in STRATEGIES.items()}
