"""Whether a request makes sense for a dataset: everything that can be known before work starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.patches as fop
import fiftyone.core.video as fov

from ..errors import PromptingError
from ..labels.encoding import Encoding
from ..plan import ERROR, OVERWRITE, SKIP, Plan
from ..prompts.strategy import FIELD, OTHERS
from ..spelling import begins_fields
from .completeness import whole
from .everywhere import all_samples, these_samples
from .label_fields import has_instance_masks, label_type_of
from .learned_from import prompts_learned_otherwise
from .names import FinalFields, StrategyFields, heatmap_field, instances_field, run_key
from .owned import labels_there, strangers
from .present import name_of
from .reading import read
from .records import HASH_OF, REFERENCES, first_difference, recorded
from .storage import has_result, written_fields


def check_collection(samples: foc.SampleCollection) -> None:
    """Refuse what holds no pictures.

    Raises:
        PromptingError: no dataset or view at all, an empty one, videos, groups, 3D, or a view of patches or frames
    """
    if not isinstance(samples, foc.SampleCollection):
        raise PromptingError(
            f"This needs a FiftyOne dataset or view, not {samples!r:.50}; fo.load_dataset(name) opens a dataset."
        )
    if isinstance(samples, (fop.PatchesView, fop.EvaluationPatchesView)):
        raise PromptingError("A view of patches has no pictures of its own; leave the patches view and try again.")
    if isinstance(samples, fov.FramesView):
        raise PromptingError(
            "A view of a video's frames keeps no results; save the frames as pictures and make a dataset of them."
        )
    if samples.media_type == "group":
        raise PromptingError(
            "The samples are grouped; choose pictures with view.select_group_slices(…) or one slice in the App, and"
            " undo a grouping by a field with view.flatten()."
        )
    if not samples.limit(1).values("id"):  # counted for real: a database that crashed may have lost its tally
        raise PromptingError("There are no samples in this view; select some or clear the filters.")
    if samples.media_type != "image":
        raise PromptingError(
            f"SAM 2 strategies work on images, and these samples are of type {samples.media_type!r} by the endings of"
            " their files' names; choose a dataset of images."
        )


def with_all_fields(samples: foc.SampleCollection) -> foc.SampleCollection:
    """The same samples with the fields that the view hides: results are results, shown or not."""
    view = samples._dataset.view()
    for stage in samples.view()._stages:
        if not isinstance(stage, (fo.SelectFields, fo.ExcludeFields)):
            view = view.add_stage(stage)
    return view


def with_whole_labels(samples: foc.SampleCollection, altered: str | None = None) -> foc.SampleCollection:
    """The same samples with all fields and all labels in them: what filters labels, as the App's sidebar does, chooses
    samples here, for a mask shows everybody.

    Args:
        samples: a dataset or view
        altered: a field that stays as the view filters, maps or sets it
    """
    dataset, changes = samples._dataset, []
    for stage in samples.view()._stages:
        if paths := stage.get_edited_fields(dataset):
            changes.append((stage, {path.partition(".")[0] for path in paths}))
    if not changes:
        return with_all_fields(samples)
    view = these_samples(dataset, samples.values("id"))
    for stage, fields in changes:
        if fields == {altered}:
            view = view.add_stage(stage)
    return view


def check_applied(dataset: fo.Dataset, prefix: str, strategy: str) -> str:
    """Refuse a strategy that has no results.

    Args:
        dataset: the dataset
        prefix: of its fields
        strategy: its name or spelling

    Returns:
        its name

    Raises:
        PromptingError: there is none of that name, or it wasn't applied with this prefix
    """
    name = name_of(dataset, prefix, strategy)
    if not dataset.has_sample_field(StrategyFields.of(prefix, name).status):
        raise PromptingError(f"There are no results of {name!r} with the prefix {prefix!r}; apply it first.")
    return name


def check_name(name: str) -> None:
    """Refuse a name for labels that FiftyOne can't keep fields of.

    Raises:
        PromptingError: what it may be
    """
    if not begins_fields(name) or not name.isascii() or name.startswith("_"):
        raise PromptingError(
            f"{name!r} can't be a field's name: begin with a letter, and use letters from a to z, digits, and single _"
            " between them, such as 'labels'.",
            "name",
        )


def check_labels(dataset: fo.Dataset, name: str, instances: bool = False) -> None:
    """Refuse labels that aren't there.

    Args:
        dataset: the dataset
        name: of the labels
        instances: their instances are needed too

    Raises:
        PromptingError: no labels of that name, or somebody deleted their fields
    """
    there = [one for one in labels_there(dataset) if dataset.has_sample_field(one)]
    if name not in there:
        if name in dataset.get_field_schema() and dataset.has_sample_field(FinalFields.of(name).status):
            raise PromptingError(
                f"The labels {name!r} have no record, which stays behind when samples are copied or fields renamed;"
                " finish into them again with existing='skip', which keeps them and makes one.",
                "name",
            )
        known = f"; there are {', '.join(map(repr, there))}" if there else ""
        raise PromptingError(f"There are no labels {name!r}{known}; finish some first.", "name")
    if instances and not dataset.has_sample_field(instances_field(name)):
        raise PromptingError(f"The labels {name!r} have no instances: {instances_field(name)!r} is gone.", "name")


def check_fields(
    samples: foc.SampleCollection,
    plan: Plan,
    settle: Callable[[Plan, str], tuple[Plan, Mapping[str, str]]] = lambda plan, _: (plan, {}),
) -> None:
    """Refuse to write over fields that mean something else, or over results without being asked.

    Args:
        samples: a dataset or view
        plan: with or without ``auto``
        settle: what a plan means for a strategy on this machine: the plan without ``auto``, and the SHA-256 of the
            strategy's weights. Asked only where results stay beside new ones, for it takes torch

    Raises:
        PromptingError: a field of another type; results that exist under ``existing="error"``; results of other
            parameters that would stay beside the new ones under the same name
    """
    dataset = samples._dataset
    schema = dataset.get_field_schema()
    if plan.heatmap:
        _check_type(schema, heatmap_field(plan.prefix), fo.EmbeddedDocumentField, fo.Heatmap)
    for strategy in plan.strategies:
        fields = StrategyFields.of(plan.prefix, strategy)
        written = written_fields(plan, strategy)
        for name, (field_type, document_type) in written.items():
            _check_type(schema, name, field_type, document_type)
        check_strangers(dataset, written, fields.status, run_key(plan.prefix, strategy))
        if fields.status not in schema:
            continue
        here = samples.match(has_result(fields))
        if plan.existing == ERROR and len(here):
            raise PromptingError(
                f"{len(here)} samples have results of {strategy!r} already; choose existing={SKIP!r} to keep them,"
                f" existing={OVERWRITE!r} to replace them, or another prefix.",
                "existing",
            )
        again = here if plan.existing == OVERWRITE else here.match(~whole(samples, fields))
        kept = len(all_samples(dataset).match(has_result(fields))) - len(again)
        # settled only now: a form asks before there is anything to compare with
        parameter, reason = why_not_beside(dataset, *settle(plan, strategy), strategy) if kept else (None, None)
        if reason:
            raise PromptingError(
                f"{kept} samples keep results of {strategy!r} {reason}; overwrite them all or choose another prefix.",
                parameter,
            )


def why_not_beside(
    dataset: fo.Dataset, plan: Plan, weights: Mapping[str, str], strategy: str
) -> tuple[str | None, str | None]:
    """Why new results may not stand beside those that a dataset keeps, under one record: (parameter, reason).

    Args:
        dataset: of the results
        plan: without ``auto``
        weights: the SHA-256 of the strategy's models
        strategy: one of the plan's
    """
    if recorded(dataset, plan.prefix, strategy) is None:
        return "existing", (
            "of unknown origin, without the run's record (it stays behind when samples are copied or fields renamed)"
        )
    difference = first_difference(dataset, plan, strategy, weights)
    if difference is None and prompts_learned_otherwise(dataset, plan, strategy):
        return "prompt_field", (
            f"whose prompts learned from other reference pictures than those in {plan.prompt_field!r} by now"
        )
    if difference is None:
        return None, None
    name, old, new = difference
    if name == REFERENCES:
        return "references", "that learned from other reference pictures, or from other masks of these"
    if name in HASH_OF.values():
        model = next(parameter for parameter, hashed in HASH_OF.items() if hashed == name)
        was, now = (recorded(dataset, plan.prefix, strategy) or {}).get(model), getattr(plan, model)
        others = f", but with those of {model}={was!r}: ask for these to go on" if was and was != now else ""
        return model, (
            f"made with other weights than {model}={now!r} has now (SHA-256 {old[:12]}…, now {new[:12]}…){others}"
        )
    return name, f"made with {name}={old!r}, not {new!r}"


def check_prompt_field(samples: foc.SampleCollection, plan: Plan, most: int | None = None) -> Encoding | None:
    """Whether the prompt field has what the ``field_*`` strategies need.

    All its masks are decoded once to see how they are encoded, which takes milliseconds a picture where SAM 2 takes a
    second; a form looks at a few. Masks that are missing or can't be read are left to their samples' status.

    Args:
        samples: a dataset or view
        plan: what to do
        most: look at the masks of so many samples only

    Returns:
        how the masks of a Segmentation field are encoded; None for other fields

    Raises:
        PromptingError: no such field, of a wrong type, without the classes, without masks or boxes, or with masks,
            boxes or points that can't be understood
    """
    if not plan.uses(FIELD):
        return None
    name = plan.prompt_field
    label_type = label_type_of(samples, name)
    if label_type not in (fo.Detections, fo.Keypoints, fo.Segmentation):
        raise PromptingError(
            f"prompt_field {name!r} must hold Detections, Keypoints or a Segmentation.", "prompt_field"
        )
    if plan.points_field:
        _check_points_field(samples, plan, label_type)
    asking = [strategy for strategy in plan.chosen if strategy.prior == FIELD]
    boxed = next((strategy for strategy in asking if strategy.has_box), None)
    if label_type is fo.Keypoints and boxed:
        raise PromptingError(
            f"{boxed.name} needs boxes, and {name!r} holds keypoints; use field_point or field_points."
        )
    around = next((one for one in asking if one.negatives and one.negatives_on != OTHERS), None)
    if label_type is fo.Keypoints and around:
        raise PromptingError(
            f"{around.spelling} clicks around masks or boxes, and {name!r} holds keypoints; click on others, as 1p2o."
        )
    reading = read(samples, name, plan.classes, strict=False, most=most)
    spread = next((strategy for strategy in asking if strategy.has_clicks and strategy.positives != 0), None)
    masks = label_type is fo.Segmentation or (label_type is fo.Detections and has_instance_masks(samples, name))
    if label_type is fo.Detections and spread and not plan.points_field and not masks:
        raise PromptingError(
            f"{spread.name} spreads clicks over instance masks, and the detections of {name!r} have none;"
            " use field_box or field_point."
        )
    corrected = next((strategy for strategy in asking if strategy.rounds), None)
    if corrected and not masks:
        raise PromptingError(
            f"{corrected.spelling} corrects masks by the field's own, and {name!r} has none; leave out @."
        )
    return reading.encoding


def _check_points_field(samples: foc.SampleCollection, plan: Plan, label_type: type) -> None:
    """Boxes of one field and points of another: refuse fields that hold something else."""
    name = plan.points_field
    if label_type_of(samples, name) is not fo.Keypoints:
        raise PromptingError(f"points_field {name!r} must hold Keypoints.", "points_field")
    if label_type is not fo.Detections:
        raise PromptingError(
            f"The keypoints of points_field {name!r} belong to boxes: prompt_field must hold Detections, and"
            f" {plan.prompt_field!r} doesn't; with keypoints alone, choose them as prompt_field.",
            "points_field",
        )
    read(samples, name, plan.classes, strict=False)


def check_judge(prefix: str, strategies: Sequence[str], gt_field: str | None) -> None:
    """Refuse a truth that is one of the strategies' own results: by itself each is without a fault.

    Raises:
        PromptingError: whose it is
    """
    whose = next((name for name in strategies if gt_field in StrategyFields.of(prefix, name).everything), None)
    if whose:
        raise PromptingError(
            f"{gt_field!r} is a result of {whose!r}, which would be perfect by itself; name a truth, or other"
            " strategies.",
            "gt_field",
        )


def check_tag(tag: str, example: str) -> str:
    """A tag without blanks around it. MongoDB keeps a number just as well, and FiftyOne can't open the sample then.

    Raises:
        PromptingError: no text, or none but blanks
    """
    if not isinstance(tag, str) or not tag.strip():
        raise PromptingError(f"The tag needs a name, such as {example!r}, not {tag!r}.", "tag")
    return tag.strip()


def check_whole(value: int, name: str, least: int = 1) -> int:
    """A whole number, NumPy's too.

    Raises:
        PromptingError: it is none, or less than ``least``
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        above = "above 0" if least == 1 else f"of {least} or more"
        raise PromptingError(f"{name} must be a whole number {above}, not {value!r}.", name)
    return int(value)


def check_iou(value: float, what: str, name: str) -> float:
    """An IoU that somebody asks for, NumPy's numbers too.

    Raises:
        PromptingError: it is none
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value <= 1:
        raise PromptingError(f"{what} must be an IoU, above 0 and at most 1, not {value!r}.", name)
    return float(value)


def check_type(
    dataset: fo.Dataset, name: str, field_type: type, document_type: type | None, instead: str = "prefix"
) -> None:
    """Refuse to write a field that means something else.

    Args:
        dataset: the dataset
        name: of the field
        field_type, document_type: what it is to be
        instead: what to choose another one of

    Raises:
        PromptingError: it exists, of another type
    """
    _check_type(dataset.get_field_schema(), name, field_type, document_type, instead)


def check_strangers(
    dataset: fo.Dataset, fields: Iterable[str], declared_with: str, key: str, instead: str = "choose another prefix"
) -> None:
    """Refuse to write over what a person has under a name that we give; see
    :func:`prompting.dataset.owned.strangers`.

    Args:
        dataset, fields, declared_with, key: as there
        instead: what else to do

    Raises:
        PromptingError: there is some
    """
    if theirs := strangers(dataset, fields, declared_with, key):
        raise PromptingError(
            f"{theirs[0]!r} is a field of your own, which would be written over; rename it"
            f" (dataset.rename_sample_field), or {instead}.",
            "prefix",
        )


def _check_type(
    schema: dict[str, fo.Field], name: str, field_type: type, document_type: type | None, instead: str = "prefix"
) -> None:
    there = schema.get(name)
    fits = isinstance(there, field_type) and getattr(there, "document_type", None) is document_type
    if there is not None and not fits:
        said = f"The field {name!r} exists and is of another type; choose another {instead}."
        raise PromptingError(said, instead)
