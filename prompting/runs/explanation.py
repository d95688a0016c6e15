"""Why a strategy fails: the parts of its loss, from what the same SAM 2 makes of the truth's boxes.

Runs after an evaluation, encodes each picture once more, and needs no prior.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import fiftyone as fo
import fiftyone.core.collections as foc

from ..analysis.attribution import PARTS
from ..analysis.explanation import Explanation
from ..analysis.robustness import curves
from ..dataset import appearance, checks
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.completeness import PARTS as PARTS_OF_RESULTS
from ..dataset.declaring import add_fields
from ..dataset.judgements import load_comparison, save_curves, truth_reading
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import StrategyFields, comparison_key, error_field, evaluation_key, truth_field
from ..dataset.present import masks_there, name_of
from ..dataset.records import recorded
from ..dataset.sent import Sent, one_of_each_folder
from ..dataset.storage import DONE
from ..dataset.truth import read_truth
from ..errors import PromptingError, Stopped
from ..segmentation.precision import FLOAT32
from .assembly import sam2_weights, usable_device
from .crew import HERE, Crew, Engine, pace
from .explaining import Explained, Explaining
from .progress import Progress, before_the_first


def explain(
    samples: foc.SampleCollection,
    strategies: Sequence[str] | None = None,
    prefix: str = "sam2",
    device: str = "auto",
    robustness: bool = False,
    seed: int = 0,
    engine: Engine = HERE,
) -> Iterator[Progress | Explanation]:
    """Split each evaluated picture's loss into parts, and store them in ``<prefix>_<strategy>_error``.

    Args:
        samples: a dataset or view; samples that weren't evaluated are left out
        strategies: which, by default all that were evaluated
        prefix: of the strategies' fields
        device: a torch device, or ``auto``
        robustness: also measure how much error in a prompt SAM 2 bears
        seed: of the disturbances
        engine: who does it

    Yields:
        progress after each picture, and the :class:`Explanation` at the end

    Raises:
        PromptingError: nothing was evaluated, or the masks were made by different SAM 2 models
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`); what was explained stays
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, prefix, "explaining errors") as hold:
        names, gt_field = _evaluated(samples._dataset, strategies, prefix)
        view = _explainable(samples, names, prefix)
        with engine.crew(samples._dataset, hold) as crew:
            yield from _explain(view, names, gt_field, prefix, device, robustness, seed, crew, hold)


def _explain(view, names, gt_field, prefix: str, device: str, robustness: bool, seed: int, crew: Crew, hold: Hold):
    dataset, ids = view._dataset, view.values("id")
    classes = list(dataset.mask_targets[StrategyFields.of(prefix, names[0]).mask].values())
    truth = yield from _truth(view, gt_field, classes, prefix)
    device = crew.ask(usable_device, device)
    prompted = _prompted(dataset, names, prefix)
    model = precision = None
    if robustness and not prompted:
        raise PromptingError(
            "Disturbing prompts asks the SAM 2 of a strategy, and none of these is one; explain a strategy too.",
            "robustness",
        )
    if prompted:
        model = _common_model(dataset, prompted, prefix, device, crew.ask)
        precision = _common_precision(dataset, prompted, prefix)
    if crew.many:
        read = [gt_field, truth_field(prefix), *_masks(names, prefix)]
        crew.see([*one_of_each_folder(view, ids), *one_of_each_folder(view, ids, read)])
    told = Sent(view), tuple(names), tuple(prompted), prefix, tuple(classes), truth, model, device, precision
    crew.open(Explaining(*told, robustness, seed))
    with editing(dataset):
        _declare(dataset, names, prefix)
        appearance.arrange(dataset, prefix)
    total, done, failed, found = len(ids), 0, 0, {}
    rate = pace(crew, total)
    hold.tell(0, total)
    yield Progress(0, total, 0)
    with closing(crew.outcomes(dict.fromkeys(ids))) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            found[outcome.sample_id] = outcome.value
            failed += outcome.value.parts is None
            progress = Progress(done, total, failed + len(crew.refused), rate.left(done), rate.each_second)
            hold.tell(done, total, progress.seconds_left)
            yield progress
    if done < total and hold.asked_to_stop.is_set():
        raise Stopped(
            f"Stopped on request: {done} of {total} samples are explained, and keep it; explain errors again to have"
            " the others and the table."
        )
    explanation = _together([found[one] for one in ids if one in found], names)
    if robustness:
        with editing(dataset):
            save_curves(dataset, prefix, model, explanation.curves)
    yield explanation


def _together(pictures: Sequence[Explained], names: Sequence[str]) -> Explanation:
    """What was found on all pictures, in their order."""
    explained = [picture for picture in pictures if picture.parts is not None]
    count = max(1, len(explained))
    sums = {name: dict.fromkeys(PARTS, 0.0) for name in names}
    for picture in explained:
        for name, parts in picture.parts.items():
            for part, value in parts.items():
                sums[name][part] += value
    means = {name: {part: value / count for part, value in parts.items()} for name, parts in sums.items()}
    trials = [trial for picture in explained for trial in picture.trials]
    return Explanation(means, curves(trials) if trials else (), len(explained), len(pictures) - len(explained))


def _masks(names: Sequence[str], prefix: str) -> list[str]:
    of = [StrategyFields.of(prefix, name) for name in names]
    return [field for fields in of for field in (fields.mask, fields.instances)]


def check_explanation(
    samples: foc.SampleCollection, strategies: Sequence[str] | None = None, prefix: str = "sam2"
) -> None:
    """Refuse what :func:`explain` would refuse, as far as the database alone tells.

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    names, _ = _evaluated(samples._dataset, strategies, prefix)
    _explainable(samples, names, prefix)
    prompted = _prompted(samples._dataset, names, prefix)
    if prompted:
        _common_model(samples._dataset, prompted, prefix, "cpu")  # a recorded name is never auto
        _common_precision(samples._dataset, prompted, prefix)


def _prompted(dataset: fo.Dataset, names: Sequence[str], prefix: str) -> list[str]:
    """Without masks that were there already, which no SAM 2 of ours was asked for."""
    there = masks_there(dataset, prefix)
    return [name for name in names if name not in there]


def _evaluated(dataset: fo.Dataset, strategies: Sequence[str] | None, prefix: str) -> tuple[list[str], str]:
    """The strategies to explain and the field with the truth."""
    comparison = load_comparison(dataset, prefix)
    if comparison is None:
        raise PromptingError(f"Nothing was evaluated with the prefix {prefix!r}; evaluate the strategies first.")
    there = [row.strategy for row in comparison.rows]
    names = [strategies] if isinstance(strategies, str) else list(strategies or there)
    names = [name if name in there else name_of(dataset, prefix, name) for name in names]
    missing = [name for name in names if name not in there]
    if missing:
        raise PromptingError(f"{missing[0]!r} was not evaluated; evaluate it, or choose from {', '.join(there)}.")
    return names, dataset.get_run_info(comparison_key(prefix)).config.gt_field


def _truth(view, gt_field: str, classes: Sequence[str], prefix: str):
    """The truth, read as it was for the evaluation: masks of fewer pictures may look to be encoded otherwise."""
    reading, ignored = truth_reading(view._dataset, prefix)
    known = reading.encoding if reading is not None and reading.classes == tuple(classes) else None
    steps = read_truth(view, gt_field, classes, ignored, truth_field(prefix), known)
    return before_the_first(steps, len(view))


def _explainable(samples: foc.SampleCollection, names: Sequence[str], prefix: str):
    view = samples.exists(truth_field(prefix))
    for name in names:
        view = view.match(fo.ViewField(StrategyFields.of(prefix, name).status).is_in(DONE))
        view = view.exists(f"{evaluation_key(prefix, name)}_iou")
    if not len(view):
        raise PromptingError("None of these samples was evaluated with all of these strategies; evaluate them first.")
    prompted = _prompted(samples._dataset, names, prefix)
    require(view, prefix, prompted, PARTS_OF_RESULTS)
    require(view, prefix, [name for name in names if name not in prompted], (MASK, INSTANCES))
    return view


def _common_model(
    dataset: fo.Dataset,
    names: Sequence[str],
    prefix: str,
    device: str,
    ask: Callable = lambda function, *args: function(*args),
) -> str:
    """The one SAM 2 that made the masks; by its weights where they are recorded, else by its name.

    Args:
        ask: has a function called where the file is

    Raises:
        PromptingError: several, or none is recorded, or its file holds other weights now
    """
    records = {name: recorded(dataset, prefix, name) or {} for name in names}
    made_by = {name: record.get("sam2_model") for name, record in records.items()}
    hashes = {name: record["sam2_sha256"] for name, record in records.items() if record.get("sam2_sha256")}
    # earlier versions recorded no hash: there the name decides
    if len(set(hashes.values())) > 1 or (len(hashes) < len(names) and len(set(made_by.values())) > 1):
        told = hashes if len(set(made_by.values())) == 1 else made_by
        raise PromptingError(f"The masks were made by different SAM 2 models ({told}); explain them one by one.")
    model = made_by[names[0]]
    if model is None:
        raise PromptingError(f"It is not recorded which SAM 2 made the masks of {names[0]!r}; apply it again.")
    was, now = next(iter(hashes.values()), None), ask(sam2_weights, model, device)
    if was and now and was != now:
        raise PromptingError(
            f"The masks of {names[0]!r} were made with other weights than {model!r} has now (SHA-256 {was[:12]}…, now"
            f" {now[:12]}…); put the file back, or apply the strategies again."
        )
    return model


def _common_precision(dataset: fo.Dataset, names: Sequence[str], prefix: str) -> str:
    made_with = {name: (recorded(dataset, prefix, name) or {}).get("encoder_precision", FLOAT32) for name in names}
    if len(set(made_with.values())) > 1:
        raise PromptingError(f"The masks were made at different precisions ({made_with}); explain them one by one.")
    return made_with[names[0]]


def _declare(dataset: fo.Dataset, names: Sequence[str], prefix: str) -> None:
    """Declare the strategies' documents."""
    paths = [error_field(prefix, name) for name in names]
    documents = dict.fromkeys(paths, (fo.EmbeddedDocumentField, fo.Classification))
    parts = {f"{path}.{part}": (fo.FloatField, None) for path in paths for part in PARTS}
    add_fields(dataset, {**documents, **parts})
