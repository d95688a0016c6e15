"""A strategy's masks as a person's own labels."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.names import StrategyFields
from prompting.dataset.records import recorded

FIELDS = StrategyFields.of("sam2", "yolo_box")


@pytest.fixture(scope="module")
def use_as_labels():
    return foo.get_operator("@promptlab/sam2-prompting/use_as_labels")


def test_labels_are_the_masks_the_instances_and_the_classes(applied, use_as_labels):
    taken = use_as_labels(applied, "yolo_box", "mine", progress=False)
    assert str(taken) == "6 samples have the masks of 'yolo_box' as labels in 'mine' and 'mine_instances'."
    assert applied.mask_targets["mine"] == applied.mask_targets[FIELDS.mask] == {1: "person"}
    for sample in applied:
        assert np.array_equal(sample["mine"].get_mask(), sample[FIELDS.mask].get_mask())
        copies, originals = sample["mine_instances"].detections, sample[FIELDS.instances].detections
        assert [c.label for c in copies] == [o.label for o in originals]
        for copy, original in zip(copies, originals, strict=True):
            assert np.array_equal(copy.mask, original.mask) and copy.bounding_box == original.bounding_box
            assert copy.id != original.id
    assert applied.count("mine_instances.detections") > 0


def test_where_they_came_from_is_recorded_each_time(applied, use_as_labels):
    use_as_labels(applied[:2], "yolo_box", "mine", progress=False)
    use_as_labels(applied[2:], "clip_point", "mine", progress=False)
    first, second = applied.get_run_info("mine_labels").config.sources
    assert (first["strategy"], first["samples"]) == ("yolo_box", 2)
    assert (second["strategy"], second["samples"]) == ("clip_point", 4)
    assert first["parameters"]["sam2_model"] == recorded(applied, "sam2", "yolo_box")["sam2_model"]


def test_labels_are_never_replaced_unasked(applied, use_as_labels):
    use_as_labels(applied[:2], "yolo_box", "mine", progress=False)
    before = applied.values("mine.id")
    with pytest.raises(ValueError, match=r"2 of 6 samples have a label in 'mine' or 'mine_instances'; replace"):
        use_as_labels(applied, "clip_point", "mine", progress=False)
    assert applied.values("mine.id") == before
    taken = use_as_labels(applied, "clip_point", "mine", overwrite=True, progress=False)
    assert taken.replaced == 2 and applied.count("mine") == 6


def test_an_evaluation_takes_them_as_truth(applied, use_as_labels, evaluate_strategies):
    """Against its own masks a strategy has nothing to lose."""
    use_as_labels(applied, "yolo_box", "mine", progress=False)
    for truth in ("mine", "mine_instances"):
        table = evaluate_strategies(applied, truth, overwrite=True, progress=False)
        assert table["yolo_box"].mean_iou == pytest.approx(1)
        assert table["clip_point"].mean_iou < 1


def test_samples_without_a_result_are_left_as_they_are(applied, use_as_labels):
    applied[:1].set_values(FIELDS.status, ["error: gone"])
    taken = use_as_labels(applied, "yolo_box", "mine", progress=False)
    assert (len(taken.sample_ids), taken.without) == (5, 1)
    assert applied.first()["mine"] is None


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"strategy": "nobody"}, "Unknown strategy"),
        ({"strategy": "clip_box"}, "no results of 'clip_box'"),
        ({"name": "my labels"}, "can't be a field's name"),
        ({"name": ""}, "can't be a field's name"),
        ({"name": "_mine"}, "can't be a field's name"),
        ({"name": "ground_truth"}, "'ground_truth' exists and is of another type; choose another name"),
        ({"name": "tags"}, "'tags' exists and is of another type"),
        ({"name": "sam2_yolo_box"}, "a field of the strategies' results"),
        ({"name": "sam2_clip_box", "overwrite": True}, "a field of the strategies' results"),
        ({"name": "sam2_truth"}, "a field of the strategies' results"),
        ({"prefix": "sam3"}, "with the prefix 'sam3'"),
    ],
)
def test_bad_requests_write_nothing(applied, use_as_labels, params, says):
    before = applied.get_field_schema()
    with pytest.raises(ValueError, match=says):
        use_as_labels(applied, **{"strategy": "yolo_box", "name": "mine", "progress": False, **params})
    assert applied.get_field_schema() == before and "mine_labels" not in applied.list_runs()


def test_the_instances_field_may_be_somebodys_too(applied, use_as_labels):
    applied.add_sample_field("mine_instances", fo.StringField)
    with pytest.raises(ValueError, match="'mine_instances' exists and is of another type; choose another name"):
        use_as_labels(applied, "yolo_box", "mine", progress=False)


def test_labels_of_other_classes_are_not_mixed(applied, use_as_labels):
    use_as_labels(applied[:2], "yolo_box", "mine", progress=False)
    applied.mask_targets["mine"] = {1: "dog"}
    applied.save()
    with pytest.raises(ValueError, match="2 other samples keep labels in 'mine' with the classes 1: dog"):
        use_as_labels(applied[2:], "yolo_box", "mine", progress=False)
