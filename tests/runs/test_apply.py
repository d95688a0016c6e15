"""Applying strategies: what is written, what is left alone, and what is refused before anything is touched."""

import asyncio
import shutil
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import execute_or_delegate_operator
from PIL import Image

from demo.dataset import make_dataset
from prompting.dataset import storage
from prompting.dataset.names import StrategyFields
from prompting.errors import PromptingError
from prompting.labels.instances import instance_mask
from prompting.models.catalogue import load_sam2
from prompting.pixels.images import read_image
from prompting.pixels.label_map import LabelMap
from prompting.plan import Plan
from prompting.prompts.strategies import AUTOMATIC, STRATEGIES
from prompting.results import NO_PROMPT, OK
from prompting.runs.application import apply
from prompting.segmentation.precision import PRECISIONS, resolve_precision
from tests.telling import told

APPLY = "@promptlab/sam2-prompting/apply_strategies"
PEOPLE, NOBODY = ("bus.jpg", "zidane.jpg", "astronaut.png", "camera.png"), ("chelsea.png", "coffee.png")
PRECISION = resolve_precision("auto", "cpu")
OTHER_PRECISION = next(name for name in PRECISIONS if name != PRECISION)
QUICK = {"strategies": ("field_box",), "prompt_field": "ground_truth"}  # needs neither CLIP nor YOLO


def run(samples, **params) -> list:
    """Apply with the bundled models; every Progress."""
    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    return list(apply(samples, Plan(**{**models, **params})))


def named(samples, *names: str):
    """The samples of these files."""
    return samples.match(F.any([F("filepath").ends_with(name) for name in names]))


def mask(sample, strategy: str, prefix: str = "sam2") -> np.ndarray:
    return sample[StrategyFields.of(prefix, strategy).mask].get_mask()


def masks(samples, strategy: str) -> dict[str, bytes]:
    return {sample.filename: mask(sample, strategy).tobytes() for sample in samples}


def content(samples) -> list[dict]:
    """All that is stored in samples, but for fields that hold nothing and the time of the last change."""
    return [
        {name: value for name, value in sample.to_dict().items() if value is not None and name != "last_modified_at"}
        for sample in samples
    ]


def state(dataset) -> tuple:
    return sorted(dataset.get_field_schema()), dataset.list_runs(), dict(dataset.mask_targets), content(dataset)


@contextmanager
def counted(module: str = "prompting.models.catalogue"):
    """A list that grows by the number of pictures whenever the image encoder runs."""
    encoder, sizes = sys.modules[module].load_sam2("nano", "cpu").model.image_encoder.trunk, []
    hook = encoder.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    yield sizes
    hook.remove()


@pytest.fixture(scope="module")
def encoded() -> list[int]:
    """Pictures in each call of the image encoder while ``applied`` was made."""
    return []


@pytest.fixture(scope="module")
def applied(photographs, encoded):
    """The demo's dataset with all ten strategies applied; not to be written to."""
    dataset = make_dataset(f"applied-{uuid.uuid4().hex[:8]}", photographs)
    load_sam2("nano", "cpu")
    with counted() as sizes:
        run(dataset, strategies=tuple(STRATEGIES), prompt_field="ground_truth", keep_rounds=True)
    encoded.extend(sizes)
    yield dataset
    dataset.delete()


@pytest.fixture
def copy(applied):
    """A copy of ``applied`` to write to."""
    dataset = applied.clone()
    yield dataset
    dataset.delete()


# what is written


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_sample_gets_fields_of_the_right_types(applied, strategy):
    fields = StrategyFields.of("sam2", strategy)
    plan = Plan(strategies=(strategy,), prompt_field="ground_truth", keep_rounds=True)
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


# which samples, and what of them


def test_only_the_samples_of_the_view_change(dataset):
    view = dataset[1:3]
    others = dataset.exclude(view.values("id"))
    before = content(others)
    run(view, **QUICK)
    assert content(others) == before
    assert dataset.values("sam2_field_box_status") == [None, OK, OK, None, None, None]


def test_only_the_selected_samples_change(dataset):
    chosen = dataset.values("id")[1:3]
    before = content(dataset.exclude(chosen))
    immediately(dataset, selected=chosen, view_target="SELECTED_SAMPLES", **QUICK)
    assert content(dataset.exclude(chosen)) == before
    assert dataset.values("sam2_field_box_status") == [None, OK, OK, None, None, None]


def test_other_fields_of_the_samples_stay(dataset):
    before = content(dataset)
    run(dataset, **QUICK)
    after = content(dataset)
    assert [{name: new[name] for name in old} for old, new in zip(before, after, strict=True)] == before


def test_a_slice_of_groups_is_processed_whole(photographs):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    for name in PEOPLE[:2]:
        group = fo.Group()
        for place in ("left", "right"):
            dataset.add_sample(fo.Sample(str(photographs / name), group=group.element(place)))
    try:
        steps = run(dataset.select_group_slices("right"), strategies=("yolo_box",))
        assert steps[-1].done == steps[-1].total == 2
        assert dataset.select_group_slices(["left", "right"]).values("sam2_yolo_box_status") == [None, OK, None, OK]
    finally:
        dataset.delete()


def test_prompts_that_the_view_filters_out_are_not_given(dataset):
    (bus,) = named(dataset, "bus.jpg")
    widest = max(detection.bounding_box[2] for detection in bus.ground_truth.detections)
    view = dataset.select(bus.id).filter_labels("ground_truth", F("bounding_box")[2] >= widest)
    run(view, **QUICK)
    bus.reload()
    assert len(bus.sam2_field_box_prompt_boxes.detections) == 1
    assert len(bus.ground_truth.detections) == 4


def test_pictures_are_read_as_the_app_shows_them(tmp_path, photographs):
    upright = read_image(str(photographs / "bus.jpg"))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    Image.fromarray(np.rot90(upright)).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(str(tmp_path / "turned.png")), upright)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_pictures_of_any_mode_are_read_as_rgb(tmp_path, photographs, mode):
    path = tmp_path / "picture.tiff"
    Image.open(photographs / "astronaut.png").convert(mode).save(path)
    image = read_image(str(path))
    assert image.shape == (512, 512, 3) and image.dtype == np.uint8
    assert 50 < image.mean() < 200


def test_sixteen_bits_are_scaled_and_not_clipped_to_white(tmp_path):
    gradient = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    Image.fromarray(gradient).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(str(tmp_path / "deep.png"))[0, :, 1], np.arange(256))


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


def immediately(dataset, view=None, **params):
    """Execute as the App does."""
    nano = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    request = {"dataset_name": dataset.name}
    if "selected" in params:
        request["selected"] = params.pop("selected")
    if view is not None:
        request["view"] = view._serialize()
    params = {"classes": "person", "existing": "error", **nano, **params, "strategies": list(params["strategies"])}
    request["params"] = params
    result = asyncio.run(execute_or_delegate_operator(APPLY, request, exhaust=True))
    assert result.error is None, result.error
    return result


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


def test_in_the_app_progress_is_told_after_every_picture(dataset, nano):
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


# what is refused


def refuses(samples, words: str, **params) -> None:
    """The request is refused in one sentence with these words, and the dataset is as it was."""
    dataset = samples._dataset
    before = state(dataset)
    with pytest.raises(PromptingError) as refusal:
        run(samples, **params)
    message = str(refusal.value)
    assert words in message
    assert message[-1] in ".…" and "\n" not in message and ". " not in message
    dataset.reload()
    assert state(dataset) == before


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"strategies": ("clip_circle",)}, "Unknown strategy 'clip_circle'; choose from clip_point"),
        ({"strategies": ()}, "Choose at least one strategy"),
        ({"prefix": "My masks"}, "The prefix 'My masks' can't begin field names"),
        ({"existing": "merge"}, "existing must be one of skip, overwrite, error"),
        ({"classes": ()}, "classes must be a list of names"),
        ({"strategies": ("yolo_box",), "classes": ("unicorn",)}, "doesn't know the class 'unicorn'"),
        ({"strategies": ("field_box",)}, "need prompt_field"),
        ({**QUICK, "prompt_field": "boxes"}, "There is no label field 'boxes'; the dataset has: ground_truth"),
        ({**QUICK, "prompt_field": "filepath"}, "There is no label field 'filepath'"),
        ({**QUICK, "classes": ("bus",)}, "has no label 'bus'; it has: person"),
        ({**QUICK, "sam2_model": "sam2.1-hiera-nano"}, "Unknown SAM 2 model 'sam2.1-hiera-nano'"),
        ({"clip_model": "ViT-B-16"}, "Unknown CLIP model 'ViT-B-16'"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_touched(dataset, params, words):
    refuses(dataset, words, **params)


def test_unknown_parameters_are_named(dataset, apply_strategies, nano):
    with pytest.raises(TypeError, match="unexpected keyword argument 'strategy'"):
        apply_strategies(dataset, strategy="clip_box", **nano)
    assert dataset.list_runs() == []


@pytest.mark.parametrize(
    ("strategy", "label", "words"),
    [
        ("field_box", fo.Classification(label="person"), "must hold Detections, Keypoints or a Segmentation"),
        ("field_box", fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.5, 0.5)])]), "needs boxes"),
        (
            "field_points",
            fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1])]),
            "and the detections of 'given' have none; use field_box or field_point",
        ),
    ],
)
def test_a_field_that_can_not_give_such_prompts_is_refused(dataset, strategy, label, words):
    dataset.set_values("given", [label] * len(dataset))
    refuses(dataset, words, strategies=(strategy,), prompt_field="given")


def test_mask_targets_of_the_field_must_have_the_class_and_be_values(dataset):
    dataset.set_values("given", [fo.Segmentation(mask=np.ones((4, 4), np.uint8))] * len(dataset))
    for targets, words in (({1: "dog"}, "have no 'person'; they have: dog"), ({"#ff6d04": "person"}, "name none")):
        dataset.mask_targets["given"] = targets
        dataset.save()
        refuses(dataset, words, strategies=("field_points",), prompt_field="given")


def test_a_field_of_another_type_is_not_written_over(dataset):
    dataset.add_sample_field("sam2_field_box_score", fo.StringField)
    refuses(dataset, "'sam2_field_box_score' exists and is of another type; choose another prefix", **QUICK)


def test_views_without_pictures_are_refused(dataset):
    refuses(dataset.match(F("filepath") == "none"), "no samples in this view", **QUICK)
    refuses(dataset.to_patches("ground_truth"), "leave the patches view", **QUICK)


def test_videos_are_refused(tmp_path):
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(str(tmp_path / "film.mp4")))
    refuses(dataset, "work on images, and these samples are of type 'video'", strategies=("yolo_box",))
    dataset.delete()


def test_groups_are_refused(photographs):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    dataset.add_sample(fo.Sample(str(photographs / "bus.jpg"), group=fo.Group().element("left")))
    refuses(dataset, "The samples are grouped; choose pictures with", strategies=("yolo_box",))
    dataset.delete()


def test_official_models_that_can_not_be_had_name_the_bundled_one(dataset, monkeypatch):
    import fiftyone.zoo

    def offline(name):
        raise ConnectionError("no network")

    monkeypatch.setattr(fiftyone.zoo, "download_zoo_model", offline)
    refuses(dataset, "use the bundled one: sam2_model='nano'", **QUICK, sam2_model="sam2.1-hiera-tiny")


# pictures that can't be read


@pytest.fixture
def damaged(photographs, tmp_path):
    """Two good pictures and three bad ones between them."""
    for name in PEOPLE[:2]:
        shutil.copy(photographs / name, tmp_path / name)
    (tmp_path / "cut.jpg").write_bytes((photographs / "bus.jpg").read_bytes()[:20_000])
    (tmp_path / "text.jpg").write_text("no picture at all")
    paths = [tmp_path / name for name in ("bus.jpg", "cut.jpg", "text.jpg", "missing.jpg", "zidane.jpg")]
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(str(path)) for path in paths])
    yield dataset
    dataset.delete()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_unreadable_pictures_are_reported_and_the_others_are_done(damaged, batch_size):
    steps = run(damaged, strategies=("yolo_box",), batch_size=batch_size)
    assert (steps[-1].done, steps[-1].total, steps[-1].failed) == (5, 5, 3)
    first, *bad, last = damaged.values("sam2_yolo_box_status")
    assert (first, last) == (OK, OK)
    assert all(status.startswith("error: the picture can't be read") for status in bad)
    assert "missing.jpg" in bad[2]
    assert len(damaged.exists("sam2_yolo_box")) == 2
    config = damaged.get_run_info("sam2_yolo_box").config
    assert (config.images, config.images_failed) == (2, 3)


def test_a_picture_that_can_be_read_again_is_done_by_skip(damaged):
    run(damaged, strategies=("yolo_box",))
    path = Path(damaged.first().filepath)
    shutil.copy(path, path.with_name("missing.jpg"))
    steps = run(damaged, strategies=("yolo_box",), existing="skip")
    assert (steps[-1].total, steps[-1].failed) == (3, 2)
    assert damaged.values("sam2_yolo_box_status")[3] == OK


def test_an_error_never_replaces_a_result(damaged):
    run(damaged[:1], strategies=("yolo_box",))
    before = damaged.first().to_dict()
    Path(damaged.first().filepath).unlink()
    steps = run(damaged[:1], strategies=("yolo_box",), existing="overwrite")
    assert steps[-1].failed == 1
    damaged.reload()
    after = damaged.first().to_dict()
    assert {**after, "last_modified_at": 0} == {**before, "last_modified_at": 0}


def test_a_mask_that_there_is_no_memory_to_paint_fails_alone(dataset, monkeypatch):
    """The fault is forced: it would take a limit that lies between deciding on a mask and painting it."""
    full, painted = LabelMap.full, []

    def run_out(self):
        painted.append(self)
        if len(painted) == 2:
            raise MemoryError
        return full(self)

    monkeypatch.setattr(LabelMap, "full", run_out)
    steps = run(dataset, strategies=("yolo_box",))
    assert (steps[-1].done, steps[-1].total, steps[-1].failed) == (6, 6, 1)
    statuses = dataset.values("sam2_yolo_box_status")
    assert statuses[1].startswith("error: not enough memory for this picture of ")
    assert {*statuses[:1], *statuses[2:]} == {OK, NO_PROMPT}
    assert len(dataset.exists("sam2_yolo_box")) == len(dataset.exists("sam2_yolo_box_instances")) == 5
    monkeypatch.undo()
    steps = run(dataset, strategies=("yolo_box",), existing="skip")
    assert (steps[-1].total, steps[-1].failed) == (1, 0)


def test_a_run_in_which_everything_failed_claims_no_cost(damaged):
    run(damaged[1:4], strategies=("yolo_box",))
    config = damaged.get_run_info("sam2_yolo_box").config
    assert (config.images, config.seconds_per_image, config.decoder_calls_per_image) == (0, None, None)


def test_automatic_strategies_are_the_default():
    assert Plan().strategies == AUTOMATIC
    assert not any(name.startswith("field_") for name in AUTOMATIC)


def test_form_that_leaves_the_models_to_the_plugin_can_finish_what_python_began(dataset, apply_strategies, nano):
    """``nano`` and ``auto`` are names of models, and not other models than those they mean."""
    apply_strategies(dataset[:2], strategies=["yolo_box"], progress=False, **nano)
    immediately(dataset, strategies=["yolo_box"], existing="skip")
    assert dataset.count_values("sam2_yolo_box_status").keys() == {OK, NO_PROMPT}
