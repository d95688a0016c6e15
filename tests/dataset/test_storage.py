"""What is stored where, and what is kept when something goes wrong. No model runs here."""

import fiftyone as fo
import numpy as np
import pytest

from prompting.dataset import checks, records, storage
from prompting.dataset.completeness import undone
from prompting.dataset.names import StrategyFields
from prompting.plan import Plan
from prompting.prompts.strategies import AUTOMATIC, STRATEGIES, UNTAUGHT
from prompting.results import NO_PROMPT, OK, StrategyResult
from prompting.segmentation.prompt import Prompt
from tests.storing import declare, write

PLAN = Plan(strategies=("clip_box_points", "yolo_box"), sam2_model="nano", device="cpu")
FIELDS = StrategyFields.of("sam2", "clip_box_points")


@pytest.fixture
def three():
    """Three samples without anything."""
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(f"{name}.png") for name in "cab"])
    yield dataset
    dataset.delete()


def result(strategy: str = "clip_box_points", status: str = OK, **changed) -> StrategyResult:
    """A mask of 20 x 40 pixels, made by a box and by two clicks."""
    prompts = (
        Prompt("person", box=np.array([4, 2, 24, 12], np.float32)),
        Prompt("dog", np.array([[10, 5], [40, 20]], np.float32), np.array([1, 0])),
    )
    mask = np.zeros((20, 40), np.uint8)
    mask[2:12, 4:24] = 1
    given = {"label_map": mask, "prompts": prompts, "predicted_iou": np.array([0.5, 0.75], np.float32), **changed}
    return StrategyResult(strategy, **given, status=status, seconds=0.1, decoder_calls=1)


def failure(status: str = "error: gone") -> StrategyResult:
    return result(status=status, label_map=None, prompts=(), predicted_iou=np.zeros(0))


def stored(dataset, *results) -> fo.Sample:
    """The first sample after these results were written to it one after the other."""
    declare(dataset, PLAN)
    for one in results:
        write(dataset.first(), one, PLAN)
    dataset.reload()
    return dataset.first()


def test_no_two_strategies_share_a_field():
    names = [name for strategy in STRATEGIES for name in StrategyFields.of("sam2", strategy).everything]
    assert len(names) == len(set(names)) > 8 * len(STRATEGIES)


def test_no_strategy_has_a_field_that_would_always_be_empty():
    kinds = ("boxes", "positive", "negative", "rounds")
    has = {}
    for strategy in UNTAUGHT:
        plan = Plan(strategies=(strategy,), sam2_model="nano", device="cpu", prompt_field="given")
        fields, written = StrategyFields.of("sam2", strategy), storage.written_fields(plan, strategy)
        has[strategy] = {kind for kind in kinds if getattr(fields, kind) in written}
    assert has["clip_point"] == has["field_point"] == {"positive"}
    assert has["clip_box"] == has["yolo_box"] == has["field_box"] == {"boxes"}
    assert has["clip_points"] == has["field_points"] == {"positive", "negative"}
    assert has["clip_box_neg"] == {"boxes", "negative"}
    assert has["clip_box_points"] == has["clip_iterative"] == {"boxes", "positive", "negative"}


def test_corrected_prompts_have_clicks_and_rounds_are_kept_on_request():
    asked = {"sam2_model": "nano", "device": "cpu", "prompt_field": "given", "field_rounds": 2}
    fields = StrategyFields.of("sam2", "field_box")
    clicks = {fields.boxes, fields.positive, fields.negative}
    written = set(storage.written_fields(Plan(strategies=("field_box",), **asked), "field_box"))
    assert clicks < written and fields.rounds not in written
    assert fields.rounds in storage.written_fields(Plan(("field_box",), **asked, keep_rounds=True), "field_box")


def test_masks_come_back_as_they_were(three):
    mask = stored(three, result())[FIELDS.mask].get_mask()
    np.testing.assert_array_equal(mask, result().mask)
    assert mask.dtype == np.uint8


def test_boxes_come_back_relative_with_their_labels_and_scores(three):
    (box,) = stored(three, result())[FIELDS.boxes].detections
    assert box.bounding_box == pytest.approx([4 / 40, 2 / 20, 20 / 40, 10 / 20])
    assert (box.label, box.predicted_iou) == ("person", 0.5)


def test_clicks_come_back_relative_with_sam_labels(three):
    sample = stored(three, result())
    assert [k.sam_labels for k in sample[FIELDS.positive].keypoints] == [[1]]
    assert [k.sam_labels for k in sample[FIELDS.negative].keypoints] == [[0]]
    (clicks,) = storage.clicks_in(sample, FIELDS).keypoints
    assert clicks.points == [pytest.approx((0.25, 0.25)), pytest.approx((1, 1))]
    assert (clicks.label, clicks.sam_labels, clicks.predicted_iou) == ("dog", [1, 0], 0.75)


def test_the_score_is_the_mean_predicted_iou(three):
    assert stored(three, result())[FIELDS.score] == pytest.approx(0.625)


def test_no_prompt_is_a_result_with_an_empty_mask_and_no_score(three):
    nothing = result(status=NO_PROMPT, label_map=np.zeros((20, 40), np.uint8), prompts=(), predicted_iou=np.zeros(0))
    sample = stored(three, nothing)
    assert sample[FIELDS.mask].get_mask().shape == (20, 40)
    assert sample[FIELDS.positive].keypoints == sample[FIELDS.boxes].detections == []
    assert (sample[FIELDS.status], sample[FIELDS.score]) == (NO_PROMPT, None)


def test_an_error_is_a_status_and_nothing_else(three):
    sample = stored(three, failure())
    assert sample[FIELDS.status] == "error: gone"
    assert sample[FIELDS.mask] is sample[FIELDS.positive] is sample[FIELDS.boxes] is None


def test_an_error_gives_way_to_a_result_and_to_the_latest_error(three):
    assert stored(three, failure(), failure("error: cut"))[FIELDS.status] == "error: cut"
    assert stored(three, failure(), result())[FIELDS.status] == OK


@pytest.mark.parametrize("status", [OK, NO_PROMPT])
def test_an_error_never_replaces_a_result(three, status):
    sample = stored(three, result(status=status), failure())
    assert sample[FIELDS.status] == status
    assert sample[FIELDS.mask].get_mask().any()


def test_declared_fields_have_their_types_and_mask_targets(three):
    declare(three, PLAN)
    three.reload()
    assert three.mask_targets[FIELDS.mask] == {1: "person"}
    for name, (field_type, document_type) in storage.written_fields(PLAN, "clip_box_points").items():
        field = three.get_field(name)
        assert isinstance(field, field_type)
        assert getattr(field, "document_type", None) is document_type
    checks.check_fields(three, PLAN)  # declared and empty is not in the way


def test_what_is_undone_is_told_sample_by_sample(three):
    declare(three, PLAN)
    first, second, third = three.values("id")
    box = fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1])])
    for strategy, statuses in {"clip_box_points": [OK, NO_PROMPT, "error: gone"], "yolo_box": [OK, None, None]}.items():
        fields = StrategyFields.of("sam2", strategy)
        three.set_values(fields.status, statuses)
        for sample, status in zip(three, statuses):
            if status in (OK, NO_PROMPT):
                sample[fields.mask] = fo.Segmentation(mask=np.zeros((2, 2), np.uint8))
            if status == OK:
                sample[fields.instances], sample[fields.boxes] = fo.Detections(), box
            sample.save()
    skip = Plan(**{**PLAN.__dict__, "existing": "skip"})
    assert undone(three, skip) == {second: {"clip_box_points"}, third: frozenset()}
    assert list(undone(three, PLAN)) == [first, second, third]
    assert undone(three.select(first), skip) == {}


def test_what_a_view_hides_is_seen_again_and_what_it_leaves_out_is_not(three):
    declare(three, PLAN)
    for view in (three.select_fields("tags"), three.exclude_fields(FIELDS.status), three.view()):
        shown = checks.with_all_fields(view.skip(1).sort_by("filepath"))
        assert shown.has_sample_field(FIELDS.status)
        assert [sample.filename for sample in shown] == ["a.png", "b.png"]


def test_parameters_that_differ_from_the_records_are_found(three):
    assert records.first_difference(three, PLAN, "clip_box_points") is None
    records.register(three, PLAN, "clip_box_points")
    three.reload()
    assert records.first_difference(three, PLAN, "clip_box_points") is None
    other = Plan(**{**PLAN.__dict__, "background": ("wall",)})
    assert records.first_difference(three, other, "clip_box_points") == ("background", None, ["wall"])


def test_what_does_not_concern_a_strategy_is_no_difference(three):
    records.register(three, PLAN, "clip_box_points")
    other = {
        **PLAN.__dict__,
        "strategies": AUTOMATIC,
        "device": "cuda",
        "batch_size": 8,
        "prompt_field": "people",
        "yolo_model": "yolo26x.pt",
        "yolo_confidence": 0.5,
    }
    assert records.first_difference(three, Plan(**other), "clip_box_points") is None


def test_phrases_come_back_from_the_record_equal(three):
    plan = Plan(**{**PLAN.__dict__, "phrases": {"person": ("a man", "a woman")}, "background": ("wall", "sky")})
    records.register(three, plan, "clip_box_points")
    records.add_cost(three, plan.prefix, "clip_box_points", {"seconds_per_image": 0.5})
    three.reload()
    assert records.first_difference(three, plan, "clip_box_points") is None
    record = records.recorded(three, "sam2", "clip_box_points")
    assert record["phrases"] == {"person": ["a man", "a woman"]}
    assert record["seconds_per_image"] == 0.5
    assert records.recorded(three, "sam2", "yolo_box") is None


def test_instance_masks_are_found_in_the_database_and_on_disk(three, tmp_path):
    box = {"label": "person", "bounding_box": [0, 0, 1, 1]}
    three.set_values("given", [fo.Detections(detections=[fo.Detection(**box)]) for _ in range(3)])
    assert not checks.has_instance_masks(three, "given")
    for mask in ({"mask": np.ones((2, 2), bool)}, {"mask_path": str(tmp_path / "mask.png")}):
        three.set_values("given", [fo.Detections(detections=[fo.Detection(**box, **mask)])] * 3)
        assert checks.has_instance_masks(three, "given")
