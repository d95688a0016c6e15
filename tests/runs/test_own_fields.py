"""What has the name of a field of finished labels, and the type too, may be a person's."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from tests.runs.discs import discs

PLUGIN = "@promptlab/sam2-prompting"
finish, review_labels, remove = (
    foo.get_operator(f"{PLUGIN}/{name}") for name in ("finish_labels", "review_labels", "remove_results")
)
HERS = {"labels_status": "done by Anna", "labels_source": "camera 3", "labels_expected_iou": 0.123}


@pytest.fixture
def dataset():
    made = discs(3, 0)
    yield made
    made.delete()


def give(dataset: fo.Dataset, name: str) -> None:
    kind = fo.FloatField if name == "labels_expected_iou" else fo.StringField
    dataset.add_sample_field(name, kind)
    dataset.set_values(name, [HERS[name]] * len(dataset))


@pytest.mark.parametrize("name", HERS)
def test_a_persons_own_field_is_never_written_over(dataset, name):
    give(dataset, name)
    with pytest.raises(ValueError, match=f"{name!r} is a field of your own.*choose another name"):
        finish(dataset, "one", "yolo_box", progress=False)
    assert dataset.distinct(name) == [HERS[name]] and not dataset.has_sample_field("labels")


@pytest.mark.parametrize("name", ["labels", "labels_instances"])
@pytest.mark.parametrize("existing", ["error", "skip", "overwrite"])
def test_labels_that_a_person_drew_are_neither_replaced_nor_filled_in(dataset, name, existing):
    hers = fo.Segmentation(mask=np.full((4, 4), 1, np.uint8))
    if name.endswith("instances"):
        hers = fo.Detections(detections=[fo.Detection(label="hers", bounding_box=[0, 0, 1, 1])])
    sample = dataset.last()
    sample[name] = hers
    sample.save()
    with pytest.raises(ValueError, match=f"{name!r} is a field of your own.*choose another name"):
        finish(dataset, "one", "yolo_box", existing=existing, reviewed=existing == "overwrite", progress=False)
    assert dataset.count(name) == 1 and not dataset.has_sample_field("labels_status")


def test_a_field_that_a_person_declared_is_filled_again_and_again(dataset):
    dataset.add_sample_field("labels", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    finish(dataset[:1], "one", "yolo_box", progress=False)
    finish(dataset, "one", "clip_box", existing="overwrite", progress=False)
    assert dataset.distinct("labels_source") == ["clip_box"] and dataset.count("labels") == 3


def test_a_removal_takes_what_finishing_declared_and_outlines_that_are_ours(dataset):
    dataset.set_values("labels_outlines", [fo.Polylines(polylines=[fo.Polyline(label="mine")])] * 3)
    before = dataset.get_field_schema().keys()
    finish(dataset, "one", "yolo_box", progress=False)
    with pytest.raises(ValueError, match="'labels_outlines' is a field of your own; rename or delete it"):
        review_labels.outlines(dataset)
    assert "labels_outlines" not in remove(dataset, labels="labels").fields
    remove(dataset, labels="labels", confirm=True, progress=False)
    assert dataset.get_field_schema().keys() == before and dataset.distinct("labels_outlines.polylines.label") == [
        "mine"
    ]
    dataset.delete_sample_field("labels_outlines")
    finish(dataset, "one", "yolo_box", progress=False)
    for _ in range(2):
        review_labels.outlines(dataset)
    assert "labels_outlines" in remove(dataset, labels="labels", confirm=True, progress=False).fields
    assert not [name for name in dataset.get_field_schema() if name.startswith("labels")]


def test_an_empty_field_of_a_persons_own_is_filled_and_stays(dataset):
    dataset.add_sample_field("labels", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    finish(dataset, "one", "yolo_box", progress=False)
    assert "labels (the field was there before)" in str(remove(dataset, labels="labels"))
    remove(dataset, labels="labels", confirm=True, progress=False)
    assert [name for name in dataset.get_field_schema() if name.startswith("labels")] == ["labels"]
    assert dataset.count("labels") == 0


def test_labels_that_were_copied_without_their_record_are_ours_again(dataset):
    finish(dataset, "one", "yolo_box", progress=False)
    copy = dataset.view().clone()
    copy.delete_runs()
    finish(copy, "one", "clip_box", existing="overwrite", progress=False)
    remove(copy, labels="labels", confirm=True, progress=False)
    assert not [name for name in copy.get_field_schema() if name.startswith("labels")]
    copy.delete()


def test_a_record_of_an_earlier_version_stands_for_all_fields_of_the_names(dataset):
    finish(dataset, "one", "yolo_box", progress=False)
    config = dataset.get_run_info("labels_labels").config
    del config.declared
    dataset.update_run_config("labels_labels", config)
    finish(dataset, "one", "clip_box", existing="overwrite", progress=False)
    review_labels.outlines(dataset)
    remove(dataset, labels="labels", confirm=True, progress=False)
    assert not [name for name in dataset.get_field_schema() if name.startswith("labels")]


@pytest.mark.parametrize("name", ["sam2_clip_points", "sam2_clip_points_instances"])
def test_results_are_never_written_over_a_persons_own(dataset, apply_strategies, nano, name):
    hers = fo.Segmentation(mask=np.full((4, 4), 7, np.uint8))
    if name.endswith("instances"):
        hers = fo.Detections(detections=[fo.Detection(label="hers", bounding_box=[0, 0, 1, 1])])
    dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=type(hers))
    sample = dataset.last()
    sample[name] = hers
    sample.save()
    with pytest.raises(ValueError, match=f"{name!r} is a field of your own.*rename it.* or choose another prefix"):
        apply_strategies(dataset, strategies=["clip_points"], progress=False, existing="overwrite", **nano)
    assert not dataset.has_sample_field("sam2_clip_points_status") and dataset.count(name) == 1


def test_masks_that_are_there_and_the_truth_are_never_rendered_over_a_persons_own(dataset, evaluate_strategies):
    hers = [fo.Segmentation(mask=np.full((4, 4), 7, np.uint8)) for _ in dataset]
    dataset.set_values("seg", hers)
    dataset.set_values("sam2_seg", hers)
    with pytest.raises(ValueError, match=r"'sam2_seg' is a field of your own.*give the masks of 'seg' another name"):
        evaluate_strategies(dataset, "gt", strategies=["yolo_box"], fields=["seg"], progress=False)
    for name in dataset.get_field_schema():
        if name.startswith("sam2_truth"):
            dataset.delete_sample_field(name)
    dataset.set_values("sam2_truth", hers)
    with pytest.raises(ValueError, match="'sam2_truth' is a field of your own"):
        evaluate_strategies(dataset, "gt", strategies=["yolo_box"], progress=False)
    assert all((mask == 7).all() for name in ("sam2_seg", "sam2_truth") for mask in dataset.values(f"{name}.mask"))
