"""Labels as people and other programs leave them: what means nothing gives no prompt, what can't be read says so."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from PIL import Image

NAN, INF = float("nan"), float("inf")
BOX = [0.08, 0.02, 0.8, 0.96]


@pytest.fixture
def picture(astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "astronaut.png")
    return tmp_path / "astronaut.png"


def person(box=tuple(BOX), **attributes) -> fo.Detection:
    return fo.Detection(label="person", bounding_box=list(box), **attributes)


def labelled(dataset_of, picture, *labels: fo.Label, **targets) -> fo.Dataset:
    """A sample with each label in ``truth``."""
    dataset = dataset_of()
    dataset.add_samples([fo.Sample(str(picture), truth=label) for label in labels])
    dataset.mask_targets = targets
    dataset.save()
    return dataset


def refused(call, *args, **kwargs) -> str:
    """The sentence of a PromptingError (FiftyOne loads the plugin under a name of its own, with its own class)."""
    with pytest.raises(ValueError) as error:
        call(*args, **kwargs)
    assert type(error.value).__name__ in ("PromptingError", "PromptError") and "\n" not in str(error.value)
    return str(error.value)


# boxes

NOTHING = {
    "outside": [1.2, 0.2, 0.3, 0.3], "far outside": [-5e5, 0, 0.1, 0.1], "no width": [0.2, 0.2, 0, 0.5],
    "no height": [0.2, 0.2, 0.5, 0], "reversed": [0.9, 0.9, -0.5, -0.5], "NaN": [NAN, 0.1, 0.5, 0.5],
    "all NaN": [NAN] * 4, "infinite": [0, 0, INF, 1], "in pixels of a huge picture": [0, 0, 1e9, 1e9],
    "less than a pixel": [0.5, 0.5, 1e-4, 1e-4], "three numbers": [0.1, 0.1, 0.5], "no numbers": [],
}  # fmt: skip


def test_boxes_that_mean_nothing_give_no_prompt_and_spoil_none(dataset_of, run, mask_of, picture):
    alone = [fo.Detections(detections=[person(box)]) for box in NOTHING.values()]
    among = fo.Detections(detections=[*map(person, NOTHING.values()), person()])
    dataset = labelled(dataset_of, picture, fo.Detections(detections=[person()]), among, *alone)
    assert run(dataset).failed == 0
    first, second, *others = dataset
    assert mask_of(first).any() and np.array_equal(mask_of(first), mask_of(second))
    for sample, name in zip(others, NOTHING, strict=True):
        assert sample.sam2_field_box_status == "no_prompt", name
        assert not mask_of(sample).any()


def test_box_that_leaves_the_picture_is_cut_at_its_edges(dataset_of, run, mask_of, picture):
    leaving, cut = person([-0.5, -0.5, 1.2, 2]), person([0, 0, 0.7, 1])
    dataset = labelled(dataset_of, picture, *(fo.Detections(detections=[d]) for d in (leaving, cut)))
    run(dataset)
    a, b = dataset
    assert np.array_equal(mask_of(a), mask_of(b)) and mask_of(a).any()


def test_empty_and_missing_labels_give_no_prompt(dataset_of, run, picture):
    dataset = labelled(dataset_of, picture, fo.Detections(detections=[person()]), fo.Detections(), None)
    assert run(dataset).failed == 0
    assert dataset.values("sam2_field_box_status") == ["ok", "no_prompt", "no_prompt"]


def test_keypoints_of_the_wrong_kind_are_told_on_their_sample_alone(dataset_of, run, picture):
    good = fo.Keypoint(label="person", points=[(0.5, 0.5), (NAN, NAN)])
    outside = fo.Keypoint(label="person", points=[(1.5, 0.5)])
    uneven = fo.Keypoint(label="person", points=[(0.5, 0.5)], sam_labels=[1, 1])
    dataset = labelled(dataset_of, picture, *(fo.Keypoints(keypoints=[k]) for k in (good, outside, uneven)))
    assert run(dataset, "field_points").failed == 1
    first, second, third = dataset.values("sam2_field_points_status")
    assert (first, second) == ("ok", "no_prompt")
    assert third == "error: sam_labels has 2 entries for 1 points."


# masks

BIG = np.zeros((480, 640), np.uint8)
BIG[20:450, 60:560] = 1


SHAPES = {
    "smaller": BIG[::8, ::8], "larger": BIG.repeat(3, 0).repeat(2, 1), "a line": BIG[240:241],
    "bool": BIG.astype(bool), "wide numbers": BIG.astype(np.int32), "channels": BIG[..., None].repeat(3, 2),
}  # fmt: skip


def test_segmentation_of_any_size_and_type_is_prompted_from_and_scored(
    dataset_of, run, mask_of, evaluate_strategies, picture
):
    dataset = labelled(dataset_of, picture, *(fo.Segmentation(mask=mask) for mask in SHAPES.values()))
    assert run(dataset).failed == 0
    (row,) = evaluate_strategies(dataset, "truth", progress=False).rows
    assert row.support == len(SHAPES) * 240 * 320
    for sample, (name, mask) in zip(dataset, SHAPES.items(), strict=True):
        truth = sample.sam2_truth.get_mask()
        assert truth.shape == mask_of(sample).shape == (240, 320)
        assert truth.mean() == pytest.approx((mask > 0).mean(), abs=0.02), name


def test_mask_without_pixels_is_told_on_its_sample_alone(dataset_of, run, picture):
    good, none = fo.Segmentation(mask=BIG), fo.Segmentation(mask=np.zeros((0, 5), np.uint8))
    dataset = labelled(dataset_of, picture, good, none)
    assert run(dataset).failed == 1
    assert dataset.values("sam2_field_box_status") == ["ok", "error: A mask has no pixels."]


def test_mask_file_that_is_gone_is_told_on_its_sample_alone(dataset_of, run, picture, tmp_path):
    on_disk = {"there": tmp_path / "there.png", "gone": tmp_path / "gone.png", "text": tmp_path / "text.png"}
    Image.fromarray(BIG * 255).save(on_disk["there"])
    on_disk["text"].write_text("no mask")
    dataset = labelled(dataset_of, picture, *(fo.Segmentation(mask_path=str(path)) for path in on_disk.values()))
    assert run(dataset).failed == 2
    first, *bad = dataset.values("sam2_field_box_status")
    assert first == "ok"
    for status, name in zip(bad, ("gone", "text")):
        assert status.startswith("error: A mask can't be read") and str(on_disk[name]) in status


@pytest.mark.parametrize("kind", ["Segmentation", "Detections"])
def test_truth_whose_file_is_gone_is_refused_by_name_before_any_score(
    dataset_of, run, evaluate_strategies, picture, tmp_path, kind
):
    paths = [tmp_path / "there.png", tmp_path / "gone.png"]
    for path in paths:
        Image.fromarray(BIG * 255).save(path)
    if kind == "Segmentation":
        labels = [fo.Segmentation(mask_path=str(path)) for path in paths]
    else:
        labels = [fo.Detections(detections=[person(mask_path=str(path))]) for path in paths]
    dataset = labelled(dataset_of, picture, *labels)
    assert run(dataset).failed == 0
    paths[1].unlink()
    before = sorted(dataset.get_field_schema()), dataset.list_evaluations()
    assert str(paths[1]) in refused(evaluate_strategies, dataset, "truth", progress=False)
    assert (sorted(dataset.get_field_schema()), dataset.list_evaluations()) == before


def test_picture_that_was_replaced_by_one_of_another_size_is_scored_and_not_explained(
    dataset_of, run, mask_of, evaluate_strategies, astronaut, picture
):
    dataset = labelled(dataset_of, picture, fo.Segmentation(mask=BIG))
    run(dataset, "clip_box")
    Image.fromarray(astronaut[:100, :90]).save(picture)
    run(dataset, "yolo_box")
    foo.get_operator("@promptlab/sam2-prompting/measure_agreement")(dataset, progress=False)
    assert mask_of(dataset.first(), "clip_box").shape != mask_of(dataset.first(), "yolo_box").shape
    comparison = evaluate_strategies(dataset, "truth", progress=False)
    assert len({row.support for row in comparison.rows}) == 1
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    explanation = explain(dataset, strategies=["clip_box"], progress=False, device="cpu")
    assert (explanation.images, explanation.failed) == (0, 1)


# classes

ODD = [
    "traffic light", "a.b.c", "$set", "it's \"quoted\"", "back\\slash", "小さい人 🙂", "<b>bold</b>", "100%", "x" * 255,
    "null", "0", "None",
]  # fmt: skip


def test_classes_of_any_name_are_masked_scored_and_explained(
    dataset_of, run, mask_of, evaluate_strategies, picture, tmp_path
):
    places = np.linspace(0, 0.9, len(ODD))
    detections = [
        fo.Detection(label=name, bounding_box=[x, 0.1, 0.07, 0.8], mask=np.ones((2, 2), bool))
        for name, x in zip(ODD, places)
    ]
    dataset = labelled(dataset_of, picture, fo.Detections(detections=detections))
    assert run(dataset, "field_box", "field_point", classes=ODD).failed == 0
    dataset.reload()
    assert list(dataset.mask_targets["sam2_field_box"].values()) == ODD
    assert {d.label for d in dataset.first().sam2_field_box_instances.detections} <= set(ODD)
    comparison = evaluate_strategies(dataset, "truth", progress=False)
    assert dataset.load_evaluation_results("sam2_eval_field_box").classes[1:].tolist() == ODD
    assert all(row.instances for row in comparison.rows)
    explanation = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")(dataset, progress=False)
    assert explanation.images == 1
    paths = foo.get_operator("@promptlab/sam2-prompting/export_comparison")(dataset, tmp_path / "report")
    assert "<b>bold</b>" not in paths[0].read_text()
    assert mask_of(dataset.first()).max() <= len(ODD)


def test_class_with_a_comma_can_be_given_as_a_list(dataset_of, run, picture):
    detection = fo.Detection(label="man, old", bounding_box=BOX)
    dataset = labelled(dataset_of, picture, fo.Detections(detections=[detection]))
    run(dataset, classes=["man, old"])
    assert dataset.first().sam2_field_box_status == "ok"


def test_class_without_a_name_is_refused(dataset_of, run, picture):
    dataset = labelled(dataset_of, picture, fo.Detections(detections=[person()]))
    with pytest.raises(ValueError, match="classes must be a list of names"):
        run(dataset, classes=["person", " ", ""])


def test_names_that_evaluation_uses_itself_are_classes_too(dataset_of, run, evaluate_strategies, picture):
    scores = []
    for names in (["person", "dog"], ["background", "ignored"]):
        boxes = ([0.1, 0.1, 0.3, 0.8], [0.6, 0.1, 0.3, 0.8])
        mask = np.ones((2, 2), bool)
        detections = [fo.Detection(label=n, bounding_box=box, mask=mask) for n, box in zip(names, boxes)]
        dataset = labelled(dataset_of, picture, fo.Detections(detections=detections))
        run(dataset, classes=names)
        (row,) = evaluate_strategies(dataset, "truth", progress=False).rows
        scores.append((row.mean_iou, row.pooled_iou, row.dice, row.precision, row.recall))
    assert scores[0] == scores[1]


# metadata


def test_metadata_decide_nothing(dataset_of, run, mask_of, picture):
    swapped, wrong = fo.ImageMetadata(width=240, height=320), fo.ImageMetadata(width=1, height=1, num_channels=1)
    dataset = labelled(dataset_of, picture, *(fo.Detections(detections=[person()]) for _ in range(4)))
    dataset.set_values("metadata", [None, swapped, wrong, fo.ImageMetadata()])
    assert run(dataset, "field_box", "yolo_box").failed == 0
    first, *others = map(mask_of, dataset)
    assert first.shape == (240, 320)
    assert all(np.array_equal(first, other) for other in others)
