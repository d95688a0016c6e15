"""Why a strategy fails: the parts of its loss, from what the same SAM 2 makes of the truth's boxes.

Runs after an evaluation, encodes each picture once more, and needs no prior.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..analysis.attribution import PARTS, attribute, attribute_masks, largest_part
from ..analysis.explanation import Explanation
from ..analysis.robustness import Trial, curves, probe
from ..dataset import appearance, checks
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.completeness import PARTS as PARTS_OF_RESULTS
from ..dataset.declaring import add_fields
from ..dataset.judgements import load_comparison, save_curves, truth_reading
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import StrategyFields, comparison_key, error_field, evaluation_key, truth_field
from ..dataset.pages import samples_by_page
from ..dataset.present import masks_there, name_of
from ..dataset.records import recorded
from ..dataset.saving import writing
from ..dataset.storage import DONE
from ..dataset.truth import read_truth
from ..errors import PromptingError, Stopped
from ..pixels.masks import resize_mask
from ..segmentation.precision import FLOAT32
from .asking_again import attempts_of, attempts_there, ceilings_of, image_of
from .assembly import load_segmenter, sam2_weights, usable_device
from .progress import Pace, Progress, before_the_first

MOST_PROBED = 10
"""Of a crowded picture, the largest instances alone are probed for robustness: each takes some 40 prompts."""


def explain(
    samples: foc.SampleCollection,
    strategies: Sequence[str] | None = None,
    prefix: str = "sam2",
    device: str = "auto",
    robustness: bool = False,
    seed: int = 0,
) -> Iterator[Progress | Explanation]:
    """Split each evaluated picture's loss into parts, and store them in ``<prefix>_<strategy>_error``.

    Args:
        samples: a dataset or view; samples that weren't evaluated are left out
        strategies: which, by default all that were evaluated
        prefix: of the strategies' fields
        device: a torch device, or ``auto``
        robustness: also measure how much error in a prompt SAM 2 bears
        seed: of the disturbances

    Yields:
        progress after each picture, and the :class:`Explanation` at the end

    Raises:
        PromptingError: nothing was evaluated, or the masks were made by different SAM 2 models
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`); what was explained stays
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, prefix, "explaining errors") as hold:
        yield from _explain(samples, strategies, prefix, device, robustness, seed, hold)


def _explain(samples, strategies, prefix: str, device: str, robustness: bool, seed: int, hold: Hold):
    names, gt_field = _evaluated(samples._dataset, strategies, prefix)
    view = _explainable(samples, names, prefix)
    classes = list(samples._dataset.mask_targets[StrategyFields.of(prefix, names[0]).mask].values())
    truth = yield from _truth(view, gt_field, classes, prefix)
    device = usable_device(device)
    prompted = _prompted(samples._dataset, names, prefix)
    model = segmenter = None
    if robustness and not prompted:
        raise PromptingError(
            "Disturbing prompts asks the SAM 2 of a strategy, and none of these is one; explain a strategy too.",
            "robustness",
        )
    if prompted:
        model = _common_model(samples._dataset, prompted, prefix, device)
        segmenter = load_segmenter(model, device, _common_precision(samples._dataset, prompted, prefix))
    with editing(samples._dataset):
        kinds = _declare(samples._dataset, names, prefix)
        appearance.arrange(samples._dataset, prefix)
    total = len(view)
    pace = Pace(total)
    hold.tell(0, total)
    yield Progress(0, total, 0)

    trials: list[Trial] = []
    sums, failed = {name: dict.fromkeys(PARTS, 0.0) for name in names}, 0
    rng = np.random.default_rng(seed)
    fields = [gt_field, truth_field(prefix)]
    for name in names:
        of = StrategyFields.of(prefix, name)
        fields += [of.mask, of.instances, *filter(view.has_sample_field, of.prompts)]
    chosen, done = view.select_fields(fields), 0
    with writing(samples._dataset) as writer:
        for done, sample in enumerate(samples_by_page(chosen, view.values("id")), start=1):
            target = sample[truth_field(prefix)].get_mask()
            image = image_of(sample, target.shape)
            if image is None:
                failed += 1
            else:
                regions, errors, values = truth.regions(sample[gt_field], *target.shape), {}, range(1, len(classes) + 1)
                if segmenter:
                    encoded = segmenter.encode([image], [target.shape])[0]  # a large one is smaller than its masks
                    ceilings = ceilings_of(segmenter, encoded, regions, classes)
                for name in names:
                    of = StrategyFields.of(prefix, name)
                    found = resize_mask(sample[of.mask].get_mask(), *target.shape)
                    if name in prompted:
                        attempts = attempts_of(sample, of, segmenter, encoded, classes)
                        parts = attribute(found, target, attempts, ceilings, values)
                    else:
                        there = [(region, classes.index(region.label) + 1) for region in regions]
                        attempts = attempts_there(sample, of, target.shape, classes)
                        parts = attribute_masks(found, target, attempts, there, values)
                    errors[error_field(prefix, name)] = kinds[name](parts)
                    for part, value in parts.items():
                        sums[name][part] += value
                if robustness and regions:
                    largest = sorted(regions, key=lambda region: -region.mask.area)[:MOST_PROBED]
                    trials += probe(segmenter, encoded, largest, rng)
                writer.write(sample.id, errors)
            progress = Progress(done, total, failed + len(writer.refused), pace.left(done))
            hold.tell(done, total, progress.seconds_left)
            yield progress
            if done < total and hold.asked_to_stop.is_set():
                break
    if done < total and hold.asked_to_stop.is_set():
        raise Stopped(
            f"Stopped on request: {done} of {total} samples are explained, and keep it; explain errors again to have"
            " the others and the table."
        )

    explained = done - failed
    means = {name: {part: total / max(1, explained) for part, total in parts.items()} for name, parts in sums.items()}
    explanation = Explanation(means, curves(trials) if trials else (), explained, failed)
    if robustness:
        with editing(samples._dataset):
            save_curves(samples._dataset, prefix, model, explanation.curves)
    yield explanation


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
    view = samples.exists(f"{truth_field(prefix)}.mask")
    for name in names:
        view = view.match(fo.ViewField(StrategyFields.of(prefix, name).status).is_in(DONE))
        view = view.exists(f"{evaluation_key(prefix, name)}_iou")
    if not len(view):
        raise PromptingError("None of these samples was evaluated with all of these strategies; evaluate them first.")
    prompted = _prompted(samples._dataset, names, prefix)
    require(view, prefix, prompted, PARTS_OF_RESULTS)
    require(view, prefix, [name for name in names if name not in prompted], (MASK, INSTANCES))
    return view


def _common_model(dataset: fo.Dataset, names: Sequence[str], prefix: str, device: str) -> str:
    """The one SAM 2 that made the masks; by its weights where they are recorded, else by its name.

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
    was, now = next(iter(hashes.values()), None), sam2_weights(model, device)
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


def _declare(dataset: fo.Dataset, names: Sequence[str], prefix: str) -> dict[str, Callable[[dict[str, float]], object]]:
    """Declare the strategies' documents; what makes one of each picture's parts, by the strategies' names."""
    paths = {name: error_field(prefix, name) for name in names}
    documents = dict.fromkeys(paths.values(), (fo.EmbeddedDocumentField, fo.Classification))
    parts = {f"{path}.{part}": (fo.FloatField, None) for path in paths.values() for part in PARTS}
    add_fields(dataset, {**documents, **parts})
    labelled = {name: dataset.get_field(path).document_type is fo.Classification for name, path in paths.items()}
    return {name: _label if labelled[name] else _document for name in names}


def _label(parts: dict[str, float]) -> fo.Classification:
    return fo.Classification(label=largest_part(parts), **parts)


def _document(parts: dict[str, float]) -> fo.DynamicEmbeddedDocument:
    """As earlier versions declared it: a field's type can't be changed, and the parts are read alike."""
    return fo.DynamicEmbeddedDocument(**parts)
