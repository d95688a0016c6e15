"""Runs on datasets that people have: one sample too large stops nobody, and what is missing is found and done again."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset import saving
from prompting.dataset.completeness import undone
from prompting.dataset.names import StrategyFields
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.runs.agreement import measure_steps
from prompting.runs.application import apply
from prompting.runs.evaluation import evaluate
from prompting.runs.explanation import explain
from tests.copies import copy_of

MEGABYTE = 2**20
FIELDS = StrategyFields.of("sam2", "yolo_box")


@pytest.fixture
def copy(applied_once):
    """Two strategies' results, to be spoilt."""
    dataset = copy_of(applied_once)
    yield dataset
    dataset.delete()


def plan(nano, *strategies: str, **params) -> Plan:
    return Plan(**{**nano, "strategies": strategies or ("yolo_box",), "existing": "skip", **params})


def filled(dataset, size: int, at: int = 1) -> fo.Sample:
    """One sample whose document has nearly so many bytes, of something that somebody else put there."""
    dataset.add_sample_field("bulk", fo.StringField)
    sample = dataset[dataset.values("id")[at]]
    sample["bulk"] = "x" * (size - bytes_of(dataset, sample) - 50)
    sample.save()
    return sample


def bytes_of(dataset, sample) -> int:
    (size,) = dataset._sample_collection.aggregate(
        [{"$match": {"_id": sample._id}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
    )
    return size["size"]


# a document of 16 MB


def test_a_sample_too_large_for_its_result_says_so_and_the_others_are_done(dataset, nano):
    full = filled(dataset, 16 * MEGABYTE - 500)
    last = list(apply(dataset, plan(nano)))[-1]
    assert (last.done, last.total, last.failed) == (6, 6, 1)
    statuses = dict(zip(dataset.values("id"), dataset.values(FIELDS.status)))
    said = statuses.pop(full.id)
    assert said.startswith("error: ") and "16 MB" in said and "(mask_dir)" in said
    assert set(statuses.values()) == {"ok", "no_prompt"}
    assert len(dataset.exists(f"{FIELDS.mask}.mask")) == 5


def test_what_a_document_has_no_room_for_has_room_in_files(dataset, nano, tmp_path):
    """Two runs of one request on the photograph of a bus and four people."""
    at = [sample.filename for sample in dataset].index("bus.jpg")
    full = filled(dataset, 16 * MEGABYTE - 6000, at)
    assert list(apply(dataset.select(full.id), plan(nano)))[-1].failed == 1
    assert list(apply(dataset.select(full.id), plan(nano, mask_dir=tmp_path)))[-1].failed == 0
    dataset.reload()
    assert dataset[full.id][FIELDS.status] == "ok" and dataset[full.id][FIELDS.mask].get_mask().any()
    assert len(list(tmp_path.rglob("*.png"))) == 1 + len(dataset[full.id][FIELDS.instances].detections)


def test_skip_retries_that_one_alone_and_ends_again(dataset, nano):
    full = filled(dataset, 16 * MEGABYTE - 500)
    list(apply(dataset, plan(nano)))
    assert list(undone(dataset, plan(nano))) == [full.id]
    last = list(apply(dataset, plan(nano)))[-1]
    assert (last.done, last.total, last.failed) == (1, 1, 1)
    dataset._sample_collection.update_one({"_id": full._id}, {"$unset": {"bulk": 1}})  # somebody made room
    assert list(apply(dataset, plan(nano)))[-1].failed == 0
    assert set(dataset.values(FIELDS.status)) == {"ok", "no_prompt"}


def test_of_several_strategies_those_that_fit_are_kept_and_an_earlier_result_is_not_called_an_error(copy, nano):
    before = masks(copy)
    names, refused = copy.values("id"), []
    with saving.writing(
        copy,
        [("sam2_yolo_box_score", "sam2_yolo_box_status"), ("sam2_clip_point_score",)],
        lambda sample_id, fields, why: refused.append((sample_id, fields, why)),
    ) as writer:
        for sample_id in names:
            bulky = {"sam2_yolo_box_status": "x" * 17 * MEGABYTE} if sample_id == names[0] else {}
            writer.write(sample_id, {"sam2_clip_point_score": 0.25, **bulky})
    assert [(sample_id, fields) for sample_id, fields, _ in refused] == [
        (names[0], ["sam2_yolo_box_score", "sam2_yolo_box_status"])
    ]
    assert copy.values("sam2_clip_point_score") == [0.25] * 6
    assert set(copy.values(FIELDS.status)) <= {"ok", "no_prompt"} and masks(copy) == before


@pytest.mark.parametrize("value", ["\ud800", "half of a pair: \udfff"])
def test_a_value_that_mongodb_can_not_hold_loses_nobody_elses_results(copy, value):
    with saving.writing(copy) as writer:
        for i, sample_id in enumerate(copy.values("id")):
            status = {"sam2_yolo_box_status": value} if i == 2 else {}
            writer.write(sample_id, {"sam2_yolo_box_score": float(i), **status})
    assert list(writer.refused.values()) == [writer.refused[copy.values("id")[2]]]
    assert "can't store" in next(iter(writer.refused.values()))
    assert [score for i, score in enumerate(copy.values("sam2_yolo_box_score")) if i != 2] == [0.0, 1.0, 3.0, 4.0, 5.0]


def test_a_number_that_is_none_is_stored(copy):
    with saving.writing(copy) as writer:
        for sample_id in copy.values("id"):
            writer.write(sample_id, {"sam2_yolo_box_score": float("nan")})
    assert not writer.refused and np.isnan(copy.values("sam2_yolo_box_score")).all()


def test_a_sample_that_is_deleted_while_the_run_goes_on_is_nobodys_error(dataset, nano):
    steps = apply(dataset, plan(nano))
    next(steps)
    dataset.delete_samples([dataset.values("id")[4]])
    last = list(steps)[-1]
    assert last.failed == 0
    assert set(dataset.values(FIELDS.status)) == {"ok", "no_prompt"} and len(dataset) == 5


def test_a_database_that_fails_is_not_taken_for_a_document_too_large():
    from pymongo.errors import AutoReconnect, BulkWriteError

    full_disk = BulkWriteError({"writeErrors": [{"index": 0, "code": 14031, "errmsg": "no space"}]})
    assert saving._reason(full_disk) is None and saving._reason(AutoReconnect("gone")) is None


def test_evaluation_leaves_a_sample_out_whose_document_has_no_room_for_the_truth(copy):
    full = filled(copy, 16 * MEGABYTE - 5000)
    with pytest.warns(UserWarning, match=r"1 samples are left out, the first of them .*16 MB"):
        comparison = evaluate(copy, "ground_truth", ["yolo_box"])
    assert comparison["yolo_box"].images == 5
    assert copy[full.id]["sam2_eval_yolo_box_iou"] is None


def test_agreement_goes_on_past_a_document_without_any_room(copy):
    filled(copy, 16 * MEGABYTE)
    assert list(measure_steps(copy))[-1].done == 6
    assert sum(value is not None for value in copy.values("sam2_agreement")) >= 5


# what is missing


def no_mask_field(dataset):
    dataset.delete_sample_field(FIELDS.mask)
    return 6


def one_mask_cleared(dataset):
    dataset.select(dataset.values("id")[1]).set_values(FIELDS.mask, [None])
    return 1


def one_mask_without_pixels(dataset):
    dataset._sample_collection.update_one({"_id": dataset.first()._id}, {"$unset": {f"{FIELDS.mask}.mask": 1}})
    dataset.reload()
    return 1


def no_instances(dataset):
    dataset.delete_sample_field(FIELDS.instances)
    return dataset.values(FIELDS.status).count("ok")


def one_without_prompts(dataset):
    dataset.match(fo.ViewField(FIELDS.status) == "ok").limit(1).set_values(FIELDS.boxes, [None])
    return 1


def no_status(dataset):
    dataset.limit(2).clear_sample_field(FIELDS.status)
    return 2


def one_mask_in_a_file_that_is_gone(dataset):
    sample = dataset.last()
    sample[FIELDS.mask] = fo.Segmentation(mask_path="/nowhere/mask.png")
    sample.save()
    return 1


SPOIL = [
    no_mask_field, one_mask_cleared, one_mask_without_pixels, one_mask_in_a_file_that_is_gone, no_instances,
    one_without_prompts, no_status,
]  # fmt: skip


def masks(dataset) -> list[bytes]:
    return [sample[FIELDS.mask].get_mask().tobytes() for sample in dataset]


@pytest.mark.parametrize("spoil", SPOIL)
def test_what_is_missing_is_done_again_and_nothing_else(copy, nano, spoil):
    before = masks(copy)
    count = spoil(copy)
    last = list(apply(copy, plan(nano)))[-1]
    assert (last.total, last.failed) == (count, 0)
    assert masks(copy) == before and undone(copy, plan(nano)) == {}


def test_results_that_are_whole_are_left_alone(copy, nano):
    assert undone(copy, plan(nano, "yolo_box", "clip_point")) == {}


@pytest.mark.parametrize(
    "spoil",
    [no_mask_field, one_mask_cleared, one_mask_without_pixels, one_mask_in_a_file_that_is_gone, no_instances],
)
def test_evaluating_says_what_is_missing_and_what_to_do(copy, spoil):
    part = "instances" if spoil is no_instances else "mask"
    count = spoil(copy)
    with pytest.raises(PromptingError, match=rf"{count} of 6 samples have no {part} of 'yolo_box' any more, the first"):
        evaluate(copy, "ground_truth")


@pytest.mark.parametrize("spoil", [no_mask_field, one_mask_cleared])
def test_agreement_and_export_say_the_same(copy, tmp_path, spoil):
    spoil(copy)
    with pytest.raises(PromptingError, match=r"samples have no mask of 'yolo_box' any more, .* existing='skip'"):
        list(measure_steps(copy))
    export = foo.get_operator("@promptlab/sam2-prompting/export_comparison")
    with pytest.raises(ValueError, match=r"samples have no mask of 'yolo_box' any more, .* existing='skip'"):
        export(copy, tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("spoil", [one_mask_cleared, no_instances, one_without_prompts])
def test_explaining_says_the_same(explained_once, spoil):
    dataset = copy_of(explained_once)
    spoil(dataset)
    with pytest.raises(PromptingError, match=r"samples have no \w+ of 'yolo_box' any more, the first of them /"):
        next(explain(dataset, device="cpu"))
    dataset.delete()
