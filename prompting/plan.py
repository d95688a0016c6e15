"""What a person asks for: every parameter of a run, checked before any work starts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path

from .errors import PromptingError
from .prompts.strategies import AUTOMATIC, STRATEGIES, strategies_named
from .prompts.strategy import CLIP, FIELD, OF_MAPS, REFERENCE, YOLO, Strategy
from .segmentation.precision import AUTO, PRECISIONS
from .spelling import begins_fields, same_name, spelled

SKIP, OVERWRITE, ERROR = "skip", "overwrite", "error"
EXISTING = (SKIP, OVERWRITE, ERROR)
PACKAGES = ("fiftyone", "torch", "sam2", "open_clip_torch", "ultralytics-opencv-headless", "ultralytics", "numpy")


@dataclass(frozen=True)
class Plan:
    """The parameters of a run.

    Attributes:
        strategies: their names, given as names, spellings or values
        classes: class i becomes mask value i + 1
        sam2_model, clip_model, yolo_model: names, see :mod:`prompting.models.catalogue`
        device: a torch device, or ``auto``
        encoder_precision: of SAM 2's encoder and of CLIP's patches, ``float32``, ``bfloat16``, or ``auto``, see
            :mod:`prompting.segmentation.precision`
        prefix: of all fields written
        seed: of all randomness
        existing: what to do with samples that have results: ``skip`` them, ``overwrite`` them, or stop (``error``)
        prompt_field: the field that ``field_*`` strategies take their prompts from
        points_field: Keypoints that belong to the boxes of ``prompt_field``: its instances have both
        field_rounds: corrective clicks for ``field_*`` strategies, where the field has masks
        references: labelled pictures that show ``reference_*`` strategies what to look for: a tag, or ids of samples
        reference_field: the field with their masks
        references_sha256: what those are: a digest of their files' names and masks, ``+``, and one of what is in the
            files; known once they are read
        phrases: a class's phrases for CLIP, instead of the vocabulary's
        background: background phrases for CLIP, instead of the vocabulary's
        yolo_confidence: detections below it are dropped
        yolo_imgsz: the side in pixels to which the detector's pictures are letterboxed; None or ``auto``: at which
            its checkpoint was trained
        batch_size: pictures encoded at once; None or ``auto``: by the device and the model
        compile: let ``torch.compile`` make SAM 2's encoder faster, which takes minutes before the first picture;
            recorded, for with bfloat16 it rounds elsewhere
        heatmap: also store what CLIP sees, as a Heatmap
        keep_rounds: also store the mask that each instance had before and after each corrective click
        mask_dir: the folder for masks, as PNG files; None: they go into the samples' documents
        rel_dir: the folder below which the pictures lie, whose own folders are made again in ``mask_dir``
    """

    strategies: tuple[str, ...] = AUTOMATIC
    classes: tuple[str, ...] = ("person",)
    sam2_model: str = AUTO
    clip_model: str = AUTO
    yolo_model: str = AUTO
    device: str = AUTO
    encoder_precision: str = AUTO
    prefix: str = "sam2"
    seed: int = 0
    existing: str = ERROR
    prompt_field: str | None = None
    points_field: str | None = None
    field_rounds: int = 0
    references: str | tuple[str, ...] | None = None
    reference_field: str | None = None
    references_sha256: str | None = None
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    background: tuple[str, ...] | None = None
    yolo_confidence: float = 0.25
    yolo_imgsz: int | None = None
    batch_size: int | None = None
    heatmap: bool = False
    keep_rounds: bool = False
    compile: bool = False
    mask_dir: str | None = None
    rel_dir: str | None = None

    def __post_init__(self) -> None:
        """Check everything that can be checked without a model or a dataset.

        Raises:
            PromptingError: the first thing that is wrong
        """
        names = tuple(strategy.name for strategy in strategies_named(self.strategies))
        object.__setattr__(self, "strategies", names)
        object.__setattr__(self, "classes", _classes(self.classes))
        if self.background is not None:
            object.__setattr__(self, "background", _phrases("background", self.background))
        if len(self.classes) > 254:
            raise PromptingError("At most 254 classes fit into a mask of 8 bits.", "classes")
        if not begins_fields(self.prefix) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.prefix):
            raise PromptingError(
                f"The prefix {self.prefix!r} can't begin field names: use lower-case letters, digits, and single _"
                " between them.",
                "prefix",
            )
        if self.existing not in EXISTING:
            raise PromptingError(f"existing must be one of {', '.join(EXISTING)}, not {self.existing!r}.", "existing")
        if self.encoder_precision not in (AUTO, *PRECISIONS):
            known = ", ".join((AUTO, *PRECISIONS))
            raise PromptingError(
                f"encoder_precision must be one of {known}, not {self.encoder_precision!r}.", "encoder_precision"
            )
        if self.uses(FIELD) and not self.prompt_field:
            raise PromptingError(
                "The field_* strategies need prompt_field: a field with boxes, masks or keypoints.", "prompt_field"
            )
        object.__setattr__(self, "points_field", self.points_field or None)
        self._check_references()
        mask_dir, rel_dir = mask_folders(self.mask_dir, self.rel_dir)
        object.__setattr__(self, "mask_dir", mask_dir)
        object.__setattr__(self, "rel_dir", rel_dir)
        for name in ("seed", "field_rounds", "batch_size", "yolo_imgsz"):
            if name in ("batch_size", "yolo_imgsz") and getattr(self, name) in (None, AUTO):
                object.__setattr__(self, name, None)
            elif not isinstance(getattr(self, name), int):
                raise PromptingError(f"{name} must be a whole number, not {getattr(self, name)!r}.", name)
        if not isinstance(self.yolo_confidence, (int, float)):
            raise PromptingError(f"yolo_confidence must be a number, not {self.yolo_confidence!r}.", "yolo_confidence")
        for name, least in (("batch_size", 1), ("field_rounds", 0), ("seed", 0)):
            if getattr(self, name) is not None and getattr(self, name) < least:
                raise PromptingError(f"{name} must be at least {least}, not {getattr(self, name)}.", name)
        if self.yolo_imgsz is not None and not 32 <= self.yolo_imgsz <= 8192:
            raise PromptingError(f"yolo_imgsz must lie in 32..8192 pixels, not {self.yolo_imgsz}.", "yolo_imgsz")
        if not 0 <= self.yolo_confidence <= 1:
            raise PromptingError(f"yolo_confidence must lie in 0..1, not {self.yolo_confidence}.", "yolo_confidence")
        if self.heatmap and not self.uses(CLIP):
            raise PromptingError("heatmap stores what CLIP sees, and none of these strategies asks CLIP.", "heatmap")
        if not isinstance(self.phrases, Mapping):
            raise PromptingError(f"phrases must map classes to lists of phrases, not {self.phrases!r}.", "phrases")
        unknown = [name for name in self.phrases if spelled(name, self.classes) is None]
        if unknown:
            raise PromptingError(f"phrases names {unknown[0]!r}, which is not among the classes.", "phrases")
        _refuse_one_under_two_names("phrases", tuple(self.phrases))
        given = {spelled(name, self.classes): list(_phrases("phrases", p)) for name, p in self.phrases.items() if p}
        object.__setattr__(self, "phrases", given)

    def _check_references(self) -> None:
        given = self.references
        if isinstance(given, str):
            object.__setattr__(self, "references", given if given.strip(" ,\t\n") else None)
        elif given is not None:
            given = list(given) if isinstance(given, Iterable) else given
            object.__setattr__(self, "references", None if given == [] else _names("references", given))
        if not self.uses(REFERENCE):
            return
        if not self.references:
            raise PromptingError(
                "The reference_* strategies need references: a tag, a view, or ids of a few labelled pictures.",
                "references",
            )
        if not self.reference_field:
            raise PromptingError(
                "The reference_* strategies need reference_field: the field with the masks of the references.",
                "reference_field",
            )

    @property
    def chosen(self) -> list[Strategy]:
        return strategies_named(self.strategies)

    def uses(self, prior: str) -> bool:
        """Whether any chosen strategy takes its prompts from this prior."""
        return any(strategy.prior == prior for strategy in self.chosen)

    @property
    def uses_clip(self) -> bool:
        """Whether any chosen strategy needs CLIP, with words or with reference pictures."""
        return any(strategy.prior in OF_MAPS for strategy in self.chosen)

    def rounds_of(self, strategy: Strategy) -> int:
        """Corrective clicks for a strategy: its own number, and ``field_rounds`` for the built-in ones of a field."""
        built_in = strategy.prior == FIELD and strategy.name in STRATEGIES
        return self.field_rounds if built_in else strategy.rounds

    @property
    def detects_masks(self) -> bool:
        """Whether any strategy needs more of a detector than its boxes: ``auto`` and ``nano`` are then for masks."""
        return any(strategy.prior == YOLO and strategy.needs_more_than_boxes for strategy in self.chosen)

    @property
    def least_confidence(self) -> float:
        """The detector's confidence that any of the strategies still takes."""
        asked = [strategy.confidence for strategy in self.chosen if strategy.prior == YOLO]
        return min((self.yolo_confidence if one is None else one for one in asked), default=self.yolo_confidence)

    @property
    def mask_targets(self) -> dict[int, str]:
        """Mask values and their classes, without the background."""
        return {i + 1: name for i, name in enumerate(self.classes)}

    def record(self) -> dict:
        """Everything that decides what a strategy's masks look like, as plain JSON, with the packages' versions."""
        record = asdict(self)
        for name in ("strategies", "existing", "batch_size", "heatmap", "keep_rounds", "mask_dir", "rel_dir"):
            record.pop(name)
        record["versions"] = {name: v for name in PACKAGES if (v := _version(name))}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in record.items()}


def mask_folders(mask_dir: object, rel_dir: object) -> tuple[str | None, str | None]:
    """``mask_dir`` and ``rel_dir`` as absolute paths, None for empty ones.

    Raises:
        PromptingError: no folder's name, or ``rel_dir`` alone
    """
    given = {"mask_dir": mask_dir, "rel_dir": rel_dir}
    for name, folder in given.items():
        if folder is not None and not isinstance(folder, (str, PathLike)):
            raise PromptingError(f"{name} must be a folder's path, not {folder!r:.50}.", name)
        said = str(folder or "").strip()
        given[name] = str(Path(said).expanduser().absolute()) if said else None
    if given["rel_dir"]:  # it is compared with the pictures' paths, which FiftyOne writes so
        given["rel_dir"] = os.path.normpath(given["rel_dir"])
    if given["rel_dir"] and not given["mask_dir"]:
        raise PromptingError("rel_dir says which folders are made again in mask_dir; name that too.", "mask_dir")
    return given["mask_dir"], given["rel_dir"]


def _names(what: str, values: Sequence[str]) -> tuple[str, ...]:
    values = (values,) if isinstance(values, str) or not isinstance(values, Iterable) else tuple(values)
    if not values:
        raise PromptingError(f"{what} must be a list of names, one at least, and there is none.", what)
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise PromptingError(f"{what} must be a list of names, one at least, not {list(values)!r}.", what)
    return tuple(dict.fromkeys(value.strip() for value in values))


def _classes(values: Sequence[str]) -> tuple[str, ...]:
    names = _names("classes", values)
    _refuse_one_under_two_names("classes", names)
    return names


def _refuse_one_under_two_names(what: str, names: tuple[str, ...]) -> None:
    """To CLIP and to people, names that differ by case or spaces alone are one class: two would fight over it."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(same_name(name), name)
        if other != name:
            raise PromptingError(f"{what} has {other!r} and {name!r}, which are one class; ask for one of them.", what)


def _phrases(what: str, values: Sequence[str]) -> tuple[str, ...]:
    """Phrases, each once: CLIP reads lower case, and a phrase that is there twice counts twice."""
    there: dict[str, str] = {}
    for phrase in _names(what, values):
        there.setdefault(same_name(phrase), phrase)
    return tuple(there.values())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
