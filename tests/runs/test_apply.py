"""Applying strategies: what is written, and what becomes of results that are there already."""

import asyncio
import uuid

import cv2
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import execute_or_delegate_operator
from PIL import Image

from demo.dataset import make_dataset
from prompting.dataset import storage
from prompting.dataset.names import StrategyFields
from prompting.errors import PromptingError
from prompting.labels.instances import instance_mask
from prompting.models.catalogue import load_sam2
from prompting.plan import Plan
from prompting.prompts.strategies import AUTOMATIC, STRATEGIES
from prompting.results import NO_PROMPT, OK
from prompting.runs.application import apply
from tests.copies import copy_of
from tests.runs.applying import (
    APPLY,
    NOBODY,
    OTHER_PRECISION,
    PEOPLE,
    PRECISION,
    QUICK,
    counted,
    immediately,
    mask,
    masks,
    named,
    refuses,
    run,
    state,
)
from tests.telling import told, untimed


@pytest.fixture(scope="module")
def encoded() -> list[int]:
    """Pictures in each call of the image encoder while ``applied`` was made."""
    return []


@pytest.fixture(scope="module")
def applied(photographs, encoded):
    """The demo's dataset with all strategies applied; not to be written to."""
    dataset = make_dataset(f"applied-{uuid.uuid4().hex[:8]}", photographs)
    load_sam2("nano", "cpu")
    with counted() as sizes:
        given = {"prompt_field": "ground_truth", "reference_field": "ground_truth"}
        references = named(dataset, "bus.jpg", "zidane.jpg").values("id")
        run(dataset, strategies=tuple(STRATEGIES), references=references, keep_rounds=True, **given)
    encoded.extend(sizes)
    yield dataset
    dataset.delete()


@pytest.fixture
def copy(applied):
    """A copy of ``applied`` to write to."""
    dataset = copy_of(applied)
    yield dataset
    dataset.delete()


# what is written


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_sample_gets_fields_of_the_right_types(applied, strategy):
    fields = StrategyFields.of("sam2", strategy)
    given = {"prompt_field": "ground_truth", "references": "reference", "reference_field": "ground_truth"}
    plan = Plan(strategies=(strategy,), keep_rounds=True, **given)
    written = storage.written_fields(plan, strategy)
    assert not [name for name in fields.everything if applied.has_sample_field(name) != (name in written)]
    for sample in applied:
        for name, (_, label_type) in written.items():
            assert label_type is None or isinstance(sample[name], label_type)
        assert sample[fields.status] in (OK, NO_PROMPT)
        assert (sample[fields.score] is None) == (sample[fields.status] == NO_PROMPT)
        array = sample[fields.mask].get_mask()
        assert array.dtype == np.uint8
        assert array.shape == Image.open(sample.filepath).size[::-1]
        assert set(np.unique(array)) <= {0, 1}
    assert applied.mask_targets[fields.mask] == {1: "person"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_instances_add_up_to_the_mask(applied, strategy):
    for sample in applied:
        whole = mask(sample, strategy) > 0
        parts = [
            instance_mask(d, *whole.shape) for d in sample[StrategyFields.of("sam2", strategy).instances].detections
        ]
        assert np.array_equal(np.logical_or.reduce([np.zeros_like(whole), *parts]), whole)


def test_each_corrected_instance_shows_its_rounds_and_the_last_is_its_mask(applied):
    fields, seen = StrategyFields.of("sam2", "clip_iterative"), 0
    for sample in named(applied, *PEOPLE):
        shape = mask(sample, "clip_iterative").shape
        final = {d.index: instance_mask(d, *shape) for d in sample[fields.instances].detections}
        last = {d.index: instance_mask(d, *shape) for d in sample[fields.rounds].detections}  # in order: the last stays
        assert all(np.array_equal(last[i], final[i]) for i in final)
        clicked = sample[fields.positive].keypoints + sample[fields.negative].keypoints
        assert {k.label for k in clicked} <= {d.label for d in sample[fields.rounds].detections}
        seen += len(clicked)
    assert seen


def test_what_clip_sees_is_stored_on_request(dataset):
    before = set(dataset.get_field_schema())
    run(dataset, strategies=("clip_box",), heatmap=True)
    assert "sam2_clip_map" in set(dataset.get_field_schema()) - before
    for sample in named(dataset, *PEOPLE):
        shown = sample.sam2_clip_map.map
        assert shown.dtype == np.uint8 and max(shown.shape) == 320
        region = cv2.resize(mask(sample, "clip_box"), shown.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        assert shown[region].mean() > shown[~region].mean()
    with pytest.raises(PromptingError, match="heatmap stores what CLIP sees, and none of these strategies asks CLIP"):
        Plan(strategies=("yolo_box",), heatmap=True)


def test_heatmap_is_not_stored_unasked(applied):
    assert not applied.has_sample_field("sam2_clip_map")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_people_are_found_where_there_are_people(applied, strategy):
    found = [mask(sample, strategy).any() for sample in named(applied, *PEOPLE)]
    assert sum(found) >= 3


@pytest.mark.parametrize("strategy", ["clip_point", "clip_iterative", "yolo_box", "field_box"])
def test_pictures_without_people_get_an_empty_mask_and_say_so(applied, strategy):
    for sample in named(applied, *NOBODY):
        fields = StrategyFields.of("sam2", strategy)
        assert sample[fields.status] == NO_PROMPT
        assert not mask(sample, strategy).any()
        assert storage.prompts_in(sample, fields, 100, 100) == {}


def test_all_strategies_together_encode_each_picture_once(applied, encoded):
    assert encoded == [1] * len(applied)


def test_clicks_can_be_read_by_others(applied):
    fields = StrategyFields.of("sam2", "clip_points")
    keypoints = [keypoint for sample in applied for keypoint in storage.clicks_in(sample, fields).keypoints]
    assert keypoints
    for keypoint in keypoints:
        assert keypoint.label == "person"
        assert set(keypoint.sam_labels) == {0, 1}
        assert len(keypoint.sam_labels) == len(keypoint.points)
        assert (np.array(keypoint.points) >= 0).all() and (np.array(keypoint.points) <= 1).all()


def test_boxes_can_be_read_by_others(applied):
    for strategy in ("clip_box", "yolo_box", "field_box"):
        for detection in applied.values(f"sam2_{strategy}_prompt_boxes.detections", unwind=True):
            if detection is not None:
                x, y, w, h = detection.bounding_box
                assert detection.label == "person"
                assert min(x, y) >= 0 and min(w, h) > 0 and max(x + w, y + h) <= 1 + 1e-6


def test_yolo_gives_one_prompt_for_each_person(applied):
    (bus,) = named(applied, "bus.jpg")
    assert 3 <= len(bus.sam2_yolo_box_prompt_boxes.detections) <= 5


def test_truths_boxes_are_the_prompts_of_field_box(applied):
    (bus,) = named(applied, "bus.jpg")
    given = [detection.bounding_box for detection in bus.ground_truth.detections]
    used = [detection.bounding_box for detection in bus.sam2_field_box_prompt_boxes.detections]
    assert len(used) == len(given) == 4


def test_the_run_is_recorded_with_all_that_decided_it(applied):
    assert sorted(applied.list_runs(method="sam2_prompting")) == sorted(f"sam2_{name}" for name in STRATEGIES)
    assert applied.list_runs(strategy="clip_box") == ["sam2_clip_box"]
    config = applied.get_run_info("sam2_clip_iterative").config
    assert (config.sam2_model, config.clip_model, config.yolo_model, config.device) == (
        "nano", "nano", "yolo26n.pt", "cpu",
    )  # fmt: skip
    assert (config.classes, config.seed, config.prefix, config.prompt_field) == (["person"], 0, "sam2", "ground_truth")
    assert config.yolo_confidence == 0.25 and config.background is None and config.phrases == {}
    assert {"fiftyone", "torch", "sam2", "open_clip_torch", "numpy"} <= config.versions.keys()
    assert (config.images, config.images_failed) == (6, 0)
    assert config.images_without_prompt == 2
    assert config.seconds_per_image > 0
    assert 4 / 6 <= config.decoder_calls_per_image <= 16 / 6


def test_progress_counts_every_picture(dataset):
    steps = run(dataset[:2], **QUICK)
    assert [(step.done, step.total, step.failed) for step in steps] == [(0, 2, 0), (1, 2, 0), (2, 2, 0)]


# the same input gives the same output


def test_the_same_seed_gives_the_same_masks_and_clicks(applied, dataset):
    run(dataset, strategies=("field_points",), prompt_field="ground_truth")
    assert masks(dataset, "field_points") == masks(applied, "field_points")
    points = "sam2_field_points_positive.keypoints.points"
    assert dataset.values(points) == applied.values(points)


def test_another_seed_gives_other_clicks(applied, dataset):
    run(dataset, strategies=("field_points",), prompt_field="ground_truth", seed=1)
    points = "sam2_field_points_positive.keypoints.points"
    assert dataset.values(points) != applied.values(points)


def test_order_company_and_batch_size_change_nothing(applied, dataset):
    run(dataset.sort_by("filepath", reverse=True)[:3], strategies=("yolo_box", "clip_points"), batch_size=3)
    done = dataset.exists("sam2_clip_points")
    assert len(done) == 3
    references = {sample.filename: sample for sample in applied}
    for strategy in ("yolo_box", "clip_points"):
        for sample in done:
            differing = np.mean(mask(sample, strategy) != mask(references[sample.filename], strategy))
            assert differing < 1e-3  # sums in another order, no more


def test_app_python_and_delegation_give_the_same_masks(applied, photographs, apply_strategies, nano):
    choice = {"strategies": ["field_points", "yolo_box"], "prompt_field": "ground_truth"}
    made = {
        path: make_dataset(f"{path}-{uuid.uuid4().hex[:8]}", photographs) for path in ("app", "python", "delegated")
    }
    views = {path: dataset[:3] for path, dataset in made.items()}
    try:
        immediately(made["app"], views["app"], **choice)
        last = apply_strategies(views["python"], progress=False, **choice, **nano)
        assert (last.done, last.total, last.failed) == (3, 3, 0)
        queued = apply_strategies(views["delegated"], delegate=True, **choice, **nano)
        assert queued.delegated
        assert not made["delegated"].has_sample_field("sam2_yolo_box")
        DelegatedOperationService().execute_queued_operations()
        for strategy in choice["strategies"]:
            expected = masks(applied[:3], strategy)
            for path, dataset in made.items():
                assert masks(dataset.exists(f"sam2_{strategy}"), strategy) == expected, path
    finally:
        for dataset in made.values():
            dataset.delete()


def test_delegation_takes_what_python_takes(dataset, apply_strategies, nano):
    apply_strategies(dataset[:1], strategies="yolo_box", classes=["person", "bus"], delegate=True, **nano)
    DelegatedOperationService().execute_queued_operations()
    assert dataset.mask_targets["sam2_yolo_box"] == {1: "person", 2: "bus"}
    assert dataset.count_values("sam2_yolo_box_status")[OK] == 1


def test_a_hopeless_request_is_not_delegated(dataset, apply_strategies):
    queued = len(DelegatedOperationService().list_operations())
    with pytest.raises(ValueError, match="Unknown strategy"):
        apply_strategies(dataset, strategies=["clip_circle"], delegate=True)
    assert len(DelegatedOperationService().list_operations()) == queued


def test_in_the_app_progress_is_told_after_every_picture(dataset, nano, monkeypatch):
    untimed(monkeypatch)
    params = {"strategies": ["field_box"], "prompt_field": "ground_truth", "classes": "person", "existing": "error"}
    request = {"dataset_name": dataset.name, "view": dataset[:2]._serialize(), "params": {**params, **nano}}

    messages = [message.body for message in asyncio.run(execute_or_delegate_operator(APPLY, request)).result]
    progress = told(messages)
    assert [label.split(",")[0] for _, label in progress[-3:]] == [f"{i} of 2 samples" for i in (0, 1, 2)]
    assert [share for share, _ in progress[-3:]] == [0, 0.5, 1]
    assert any(message.operator_uri.endswith("reload_dataset") for message in messages)


# several classes


def test_class_i_has_the_value_i_plus_one(dataset):
    view = named(dataset, "bus.jpg")
    run(view, strategies=("yolo_box",), classes=("person", "bus"))
    (bus,) = view
    array = mask(bus, "yolo_box")
    assert set(np.unique(array)) == {0, 1, 2}
    # the bus fills the upper half, the people stand before it
    assert np.count_nonzero(array[300:600] == 2) > np.count_nonzero(array[300:600] == 1)
    assert {detection.label for detection in bus.sam2_yolo_box_prompt_boxes.detections} == {"person", "bus"}
    assert dataset.mask_targets["sam2_yolo_box"] == {1: "person", 2: "bus"}


# results that exist


def test_error_refuses_when_a_targeted_sample_has_results(dataset):
    run(dataset[:1], **QUICK)
    before = state(dataset)
    with pytest.raises(PromptingError, match=r"1 samples have results of 'field_box'.*existing='skip'"):
        run(dataset, **QUICK)
    assert state(dataset) == before
    assert run(dataset[1:2], **QUICK)[-1].done == 1  # the others are none of its business


def test_results_that_the_view_hides_are_in_the_way_too(dataset):
    run(dataset[:1], **QUICK)
    with pytest.raises(PromptingError, match="1 samples have results"):
        run(dataset.select_fields("ground_truth"), **QUICK)


def test_skip_does_the_missing_and_leaves_the_others_byte_for_byte(dataset):
    run(dataset[:2], **QUICK)
    before = [sample.to_dict() for sample in dataset[:2]]
    with counted() as sizes:
        steps = run(dataset, existing="skip", **QUICK)
    assert [sample.to_dict() for sample in dataset[:2]] == before
    assert (steps[-1].done, sum(sizes)) == (4, 4)
    assert None not in dataset.values("sam2_field_box_status")
    with counted() as sizes:
        assert [(step.done, step.total) for step in run(dataset, existing="skip", **QUICK)] == [(0, 0)]
    assert sizes == []


def test_skip_does_a_new_strategy_and_keeps_the_old_one(dataset):
    run(dataset[:2], **QUICK)
    before = dataset.values("sam2_field_box_prompt_boxes.detections.id")
    run(dataset[:2], **{**QUICK, "strategies": ("field_box", "field_point")}, existing="skip")
    assert dataset.values("sam2_field_box_prompt_boxes.detections.id") == before
    assert dataset[:2].values("sam2_field_point_status") == [OK, OK]


def test_overwrite_replaces(dataset):
    run(dataset[:1], **QUICK)
    dataset.set_values("sam2_field_box_score", [-1.0] + [None] * 5)
    run(dataset[:1], existing="overwrite", **QUICK)
    assert dataset.first().sam2_field_box_score > 0


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"classes": ("person", "bus")}, "made with classes="),
        ({"sam2_model": "sam2.1-hiera-tiny"}, "made with sam2_model='nano'"),
        ({"seed": 3}, "made with seed=0, not 3"),
        ({"encoder_precision": OTHER_PRECISION}, f"made with encoder_precision={PRECISION!r}"),
        ({"field_rounds": 2}, "made with field_rounds=0"),
    ],
)
@pytest.mark.parametrize("existing", ["skip", "overwrite"])
def test_results_of_other_parameters_are_not_mixed_under_one_name(copy, other, words, existing):
    refuses(copy[:2], words, **QUICK, **other, existing=existing)


@pytest.mark.parametrize(
    "unused", [{"clip_model": "ViT-B-16/openai"}, {"yolo_model": "yolo26x.pt"}, {"background": "wall"}]
)
def test_parameters_that_a_strategy_does_not_use_are_no_difference(copy, unused):
    assert run(copy[:2], **QUICK, **unused, existing="overwrite")[-1].done == 2


def test_overwriting_all_of_them_may_change_the_parameters(copy):
    run(copy, **QUICK, seed=3, existing="overwrite")
    assert copy.get_run_info("sam2_field_box").config.seed == 3


def test_prefixes_stand_side_by_side(dataset):
    run(dataset[:1], **QUICK)
    run(dataset[:1], **QUICK, prefix="second", classes=("person", "bus"))
    sample = dataset.first()
    assert sample.sam2_field_box_status == sample.second_field_box_status == OK
    assert dataset.mask_targets["sam2_field_box"] == {1: "person"}
    assert dataset.mask_targets["second_field_box"] == {1: "person", 2: "bus"}
    assert dataset.list_runs(method="sam2_prompting") == ["sam2_field_box", "second_field_box"]


def test_a_run_that_is_stopped_keeps_what_it_did_and_can_go_on(dataset):
    steps = apply(dataset, Plan(sam2_model="nano", device="cpu", **QUICK))
    while next(steps).done < 3:
        pass
    steps.close()
    dataset.reload()
    assert dataset.values("sam2_field_box_status")[3:] == [None] * 3
    assert len(dataset.exists("sam2_field_box")) == 3
    assert run(dataset, existing="skip", **QUICK)[-1].total == 3


def test_automatic_strategies_are_the_default():
    assert Plan().strategies == AUTOMATIC
    assert not any(name.startswith("field_") for name in AUTOMATIC)


def test_form_that_leaves_the_models_to_the_plugin_can_finish_what_python_began(dataset, apply_strategies, nano):
    """``nano`` and ``auto`` are names of models, and not other models than those they mean."""
    apply_strategies(dataset[:2], strategies=["yolo_box"], progress=False, **nano)
    immediately(dataset, strategies=["yolo_box"], existing="skip")
    assert dataset.count_values("sam2_yolo_box_status").keys() == {OK, NO_PROMPT}
