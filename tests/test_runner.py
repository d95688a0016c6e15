"""One pass: every picture is encoded once, and no strategy, batch or neighbour changes another's result."""

import time

import cv2
import fiftyone as fo
import numpy as np
import pytest
import skimage.io
import torch

from prompting.models import catalogue
from prompting.pixels.masks import intersection_over_union
from prompting.priors.base import Picture
from prompting.priors.clip import ClipPrior, ClipSettings
from prompting.priors.fields import FieldPrior
from prompting.priors.yolo import YoloPrior
from prompting.prompts.strategies import UNTAUGHT, strategies_named
from prompting.results import NO_PROMPT, OK
from prompting.runner import Runner

ASTRONAUT = [0.03, 0.04, 0.66, 0.96]
BUS = [[0.06, 0.37, 0.24, 0.47], [0.27, 0.37, 0.16, 0.43], [0.82, 0.36, 0.17, 0.46]]


def people(*boxes, with_masks: bool = True) -> fo.Detections:
    """Labels as a person may have drawn them: boxes with an oval in each."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    mask = {"mask": x**2 + y**2 < 1} if with_masks else {}
    return fo.Detections(detections=[fo.Detection(label="person", bounding_box=list(b), **mask) for b in boxes])


@pytest.fixture(scope="module")
def pictures(photographs) -> dict[str, Picture]:
    labels = {"bus.jpg": people(*BUS), "astronaut.png": people(ASTRONAUT), "coffee.png": fo.Detections()}
    return {name: Picture(name, name, skimage.io.imread(photographs / name), label) for name, label in labels.items()}


@pytest.fixture(scope="module")
def priors() -> dict:
    return {
        "clip": ClipPrior(*catalogue.load_clip("nano", "cpu"), ["person"], ClipSettings(scales=(1.0,))),
        "yolo": YoloPrior(catalogue.load_yolo("nano"), ["person"]),
        "field": FieldPrior(["person"]),
    }


@pytest.fixture(scope="module")
def make_runner(nano_segmenter, priors):
    def make(names=tuple(UNTAUGHT), classes=("person",), replaced=None, **settings) -> Runner:
        return Runner(nano_segmenter, {**priors, **(replaced or {})}, strategies_named(names), classes, **settings)

    return make


@pytest.fixture(scope="module")
def everything(make_runner, pictures) -> dict[str, dict]:
    """Every strategy on every picture: picture -> strategy -> result."""
    return by_name(make_runner().run(pictures.values(), batch_size=1))


def by_name(results) -> dict[str, dict]:
    return {result.key: {r.strategy: r for r in result.results} for result in results}


@pytest.mark.parametrize("names", [["yolo_box"], list(UNTAUGHT)], ids=["one strategy", "all strategies"])
def test_picture_is_encoded_once_however_many_strategies_look_at_it(make_runner, pictures, calls, names):
    list(make_runner(names).run([pictures["astronaut.png"]]))
    assert calls["encoder"] == [1]


def test_pictures_are_encoded_a_batch_at_a_time(make_runner, pictures, calls):
    list(make_runner(["field_box"]).run(pictures.values(), batch_size=2))
    assert calls["encoder"] == [2, 1]


def test_each_prior_looks_once_a_batch(make_runner, pictures, priors):
    looked = []

    class Counting:
        def find(self, batch):
            looked.append(len(batch))
            return priors["field"].find(batch)

    runner = make_runner(["field_box", "field_point", "field_points"], replaced={"field": Counting()})
    list(runner.run(pictures.values(), batch_size=3))
    assert looked == [3]


def test_results_come_in_the_pictures_and_the_tables_order(everything, pictures):
    assert list(everything) == list(pictures)
    for results in everything.values():
        assert list(results) == list(UNTAUGHT)


def test_no_more_pictures_are_read_than_a_batch_holds(make_runner, pictures):
    read = []

    def reading():
        for picture in pictures.values():
            read.append(picture.key)
            yield picture

    results = make_runner(["field_box"]).run(reading(), batch_size=1)
    next(results)
    assert len(read) == 1


def test_mask_is_a_label_map_of_the_pictures_size(everything, pictures):
    for name, results in everything.items():
        for result in results.values():
            assert result.mask.shape == pictures[name].image.shape[:2]
            assert result.mask.dtype == np.uint8
            assert set(np.unique(result.mask)) <= {0, 1}


def test_every_strategy_finds_the_astronaut(everything):
    for result in everything["astronaut.png"].values():
        assert result.status == OK
        assert result.mask.any()
        assert len(result.prompts) == len(result.predicted_iou) >= 1
        assert result.score == pytest.approx(result.predicted_iou.mean())
        assert result.seconds > 0


def test_picture_without_a_person_has_an_empty_mask_and_says_so(everything):
    for result in everything["coffee.png"].values():
        assert result.status == NO_PROMPT
        assert not result.mask.any()
        assert result.prompts == ()
        assert result.score is None
        assert result.decoder_calls == 0


def test_same_seed_gives_the_same_bytes(make_runner, pictures, everything):
    again = by_name(make_runner().run([pictures["bus.jpg"]]))["bus.jpg"]
    for name, result in again.items():
        before = everything["bus.jpg"][name]
        assert np.array_equal(result.mask, before.mask)
        assert np.array_equal(result.predicted_iou, before.predicted_iou)
        for one, other in zip(result.prompts, before.prompts, strict=True):
            assert np.array_equal(one.point_coords, other.point_coords)


def test_another_seed_draws_other_clicks(make_runner, pictures, everything):
    other = by_name(make_runner(["clip_points"], seed=1).run([pictures["bus.jpg"]]))["bus.jpg"]["clip_points"]
    before = everything["bus.jpg"]["clip_points"]
    assert not np.array_equal(other.prompts[0].point_coords, before.prompts[0].point_coords)


def test_clicks_hang_on_the_files_name_and_not_on_the_samples_id(make_runner, pictures, everything):
    bus = pictures["bus.jpg"]
    moved = Picture("another id", bus.seed_key, bus.image, bus.label)
    renamed = Picture(bus.key, "another.jpg", bus.image, bus.label)
    moved, renamed = (r.results[0].prompts[0] for r in make_runner(["clip_points"]).run([moved, renamed]))
    before = everything["bus.jpg"]["clip_points"].prompts[0]
    assert np.array_equal(moved.point_coords, before.point_coords)
    assert not np.array_equal(renamed.point_coords, before.point_coords)


@pytest.mark.parametrize("name", UNTAUGHT)
def test_strategy_alone_gives_what_it_gives_among_others(make_runner, pictures, everything, name):
    """To the last float: a decoder call of more prompts adds up in another order."""
    for picture in ("astronaut.png", "bus.jpg"):
        (alone,) = next(make_runner([name]).run([pictures[picture]])).results
        among = everything[picture][name]
        assert (alone.status, alone.decoder_calls) == (among.status, among.decoder_calls)
        assert [prompt.said for prompt in alone.prompts] == [prompt.said for prompt in among.prompts]
        assert intersection_over_union(alone.mask > 0, among.mask > 0) >= 0.999
        for one, other in zip(alone.masks, among.masks, strict=True):
            assert intersection_over_union(one, other) >= 0.999
        assert np.allclose(alone.predicted_iou, among.predicted_iou, atol=1e-3)


def test_strategies_share_decoder_calls(make_runner, pictures, calls, nano_segmenter, monkeypatch):
    """A box is a box, whoever drew it: the detector's and CLIP's go together, before any corrections."""
    monkeypatch.setattr(nano_segmenter, "at_once", 64)
    names = ["clip_box", "clip_iterative", "yolo_box", "field_box"]
    results = by_name(make_runner(names).run([pictures["bus.jpg"]]))["bus.jpg"]
    assert all(len(result.prompts) for result in results.values())
    assert calls["decoder"] == max(result.decoder_calls for result in results.values()) > 1


def test_time_of_a_shared_call_goes_to_whose_prompts_were_in_it(make_runner, pictures):
    bus = pictures["bus.jpg"]
    few = Picture(bus.key, bus.seed_key, bus.image, people(BUS[0]))
    runner = make_runner(["yolo_box", "field_box"])
    decode, spent = runner.segmenter.decode, []

    def timed(*args, **kwargs):
        start = time.perf_counter()
        decoded = decode(*args, **kwargs)
        spent.append((time.perf_counter() - start, len(decoded)))
        return decoded

    runner.segmenter.decode = timed
    try:
        results = next(runner.run([few])).results
    finally:
        del runner.segmenter.decode
    assert len(spent) == 1
    for result in results:
        assert result.seconds >= spent[0][0] * len(result.prompts) / spent[0][1]


def test_batch_does_not_change_a_result(make_runner, pictures, everything):
    names = ["clip_points", "clip_box", "yolo_box", "field_points"]
    for name, results in by_name(make_runner(names).run(pictures.values(), batch_size=3)).items():
        for strategy, result in results.items():
            alone = everything[name][strategy]
            assert result.status == alone.status
            assert len(result.prompts) == len(alone.prompts)
            assert intersection_over_union(result.mask > 0, alone.mask > 0) > 0.995


def test_all_people_of_a_picture_are_decoded_in_one_call(make_runner, pictures, calls):
    (result,) = next(make_runner(["yolo_box"]).run([pictures["bus.jpg"]])).results
    assert len(result.prompts) >= 3
    assert result.decoder_calls == calls["decoder"] == 1


def test_iterative_strategy_corrects_at_most_three_times(everything):
    for name in ("bus.jpg", "astronaut.png"):
        assert 1 <= everything[name]["clip_iterative"].decoder_calls <= 4
        assert everything[name]["clip_box"].decoder_calls == 1


def test_field_strategies_are_corrected_as_often_as_asked(make_runner, pictures, calls):
    runner = make_runner(["field_box"], rounds={"field_box": 2})
    (result,) = next(runner.run([pictures["bus.jpg"]])).results
    assert 2 <= result.decoder_calls <= 3
    assert result.decoder_calls == calls["decoder"]


def test_boxes_without_masks_are_not_corrected(make_runner, pictures):
    bus = pictures["bus.jpg"]
    picture = Picture(bus.key, bus.seed_key, bus.image, people(*BUS, with_masks=False))
    (result,) = next(make_runner(["field_box"], rounds={"field_box": 2}).run([picture])).results
    assert (result.status, result.decoder_calls) == (OK, 1)


def test_two_classes_have_two_values(make_runner, pictures):
    classes = ["person", "bus"]
    prior = YoloPrior(catalogue.load_yolo("nano"), classes)
    runner = make_runner(["yolo_box"], classes, replaced={"yolo": prior})
    (result,) = next(runner.run([pictures["bus.jpg"]])).results
    assert set(np.unique(result.mask)) == {0, 1, 2}
    for value, label in enumerate(classes, start=1):
        inside = np.zeros(result.mask.shape, bool)
        for prompt in result.prompts:
            if prompt.label == label:
                x1, y1, x2, y2 = prompt.box.astype(int)
                inside[y1:y2, x1:x2] = True
        assert inside[result.mask == value].mean() > 0.75


def test_strategy_that_cannot_say_a_region_fails_alone(make_runner, pictures):
    """Boxes without masks: nothing to spread clicks over."""
    astronaut = pictures["astronaut.png"]
    picture = Picture(astronaut.key, astronaut.seed_key, astronaut.image, people(ASTRONAUT, with_masks=False))
    results = by_name(make_runner(["field_box", "field_point", "field_points"]).run([picture]))[picture.key]
    failed = results["field_points"]
    assert failed.status.startswith("error: This strategy spreads clicks over a mask")
    assert failed.mask is None
    assert failed.prompts == ()
    assert results["field_box"].status == results["field_point"].status == OK


def test_a_label_whose_points_are_all_outside_the_picture_gives_no_prompt(make_runner, pictures):
    outside = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(1.5, 0.5)])])
    good = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.4, 0.7)])])
    image = pictures["astronaut.png"].image
    batch = [Picture("bad", "bad", image, outside), Picture("good", "good", image, good)]
    bad, fine = (result.results[0] for result in make_runner(["field_point"]).run(batch, batch_size=2))
    assert (bad.status, fine.status) == (NO_PROMPT, OK)


@pytest.mark.parametrize(
    "label",
    [
        fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.4, 0.7)], sam_labels=[1, 0])]),
        fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.4, 0.7)], sam_labels=[None])]),
        fo.Detections(detections=[fo.Detection(label="person", bounding_box=ASTRONAUT, mask_path="/nowhere.png")]),
        fo.Segmentation(mask_path="/nowhere.png"),
    ],
    ids=["too many sam_labels", "no sam_labels", "lost instance mask", "lost mask"],
)
@pytest.mark.parametrize("batch_size", [1, 2])
def test_bad_label_fails_alone(make_runner, pictures, label, batch_size):
    good = pictures["astronaut.png"]
    batch = [Picture("bad", "bad", good.image, label), good]
    bad, fine = (result.results[0] for result in make_runner(["field_point"]).run(batch, batch_size=batch_size))
    assert bad.status.startswith("error: ")
    assert bad.mask is None
    assert fine.status == OK


def test_strategies_that_a_picture_has_already_are_skipped(make_runner, pictures, everything):
    bus = pictures["bus.jpg"]
    picture = Picture(bus.key, bus.seed_key, bus.image, bus.label, frozenset({"clip_point", "field_box"}))
    runner = make_runner(["clip_point", "clip_points", "field_box", "yolo_box"])
    results = by_name(runner.run([picture]))["bus.jpg"]
    assert list(results) == ["clip_points", "yolo_box"]
    assert np.array_equal(results["clip_points"].mask, everything["bus.jpg"]["clip_points"].mask)


def test_prior_is_not_asked_where_all_its_strategies_are_skipped(make_runner, pictures, priors):
    class Counted:
        asked: list = []

        def find(self, batch):
            self.asked += [picture.key for picture in batch]
            return priors["clip"].find(batch)

    bus, coffee = pictures["bus.jpg"], pictures["coffee.png"]
    done = Picture(bus.key, bus.seed_key, bus.image, bus.label, frozenset({"clip_box"}))
    runner = make_runner(["clip_box", "yolo_box"], replaced={"clip": Counted()})
    results = by_name(runner.run([done, coffee], batch_size=2))
    assert Counted.asked == ["coffee.png"]
    assert {name: list(made) for name, made in results.items()} == {
        "bus.jpg": ["yolo_box"],
        "coffee.png": ["clip_box", "yolo_box"],
    }


def test_no_pictures_no_results(make_runner):
    assert list(make_runner().run([])) == []


# large pictures


def enlarged(picture: Picture, times: int) -> Picture:
    image = cv2.resize(picture.image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return Picture(picture.key, picture.seed_key, image, picture.label)


@pytest.mark.parametrize("name", ["astronaut.png", "bus.jpg"])
def test_an_enlarged_picture_gets_the_same_masks_enlarged(make_runner, pictures, everything, name):
    """As nearly as SAM 2 sees the same: clicks are drawn from other pixels, and CLIP's regions have smoother edges."""
    times = 8 if name == "astronaut.png" else 4
    (large,) = make_runner().run([enlarged(pictures[name], times)])
    for result in large.results:
        small = everything[name][result.strategy]
        assert result.mask.shape == tuple(side * times for side in small.mask.shape)
        assert len(result.prompts) == len(small.prompts)
        same = intersection_over_union(result.mask > 0, small.mask.repeat(times, 0).repeat(times, 1) > 0)
        assert same > (0.95 if result.strategy in ("field_box", "field_point", "yolo_box") else 0.8)
        for prompt, other in zip(result.prompts, small.prompts, strict=True):
            prompt.check(*result.mask.shape)
            if prompt.box is not None:
                assert prompt.box == pytest.approx(other.box * times, abs=0.02 * times * max(small.mask.shape))


def test_masks_have_the_size_of_a_picture_that_was_read_smaller(make_runner, pictures, everything):
    bus = pictures["bus.jpg"]
    size = tuple(side * 5 for side in bus.image.shape[:2])
    (large,) = make_runner().run([Picture(bus.key, bus.seed_key, bus.image, bus.label, size=size)])
    for result in large.results:
        assert result.mask.shape == size and all(mask.shape == size for mask in result.masks)
        small = everything["bus.jpg"][result.strategy]
        same = intersection_over_union(result.mask[2::5, 2::5] > 0, small.mask > 0)
        assert same > (0.95 if result.strategy in ("field_box", "field_point", "yolo_box") else 0.8)
        blocks = result.mask[2::5, 2::5].repeat(5, 0).repeat(5, 1)
        assert not result.mask.any() or not np.array_equal(result.mask, blocks), "enlarged, and not drawn at its size"


def test_a_crowd_on_a_large_picture_is_held_in_windows_of_bits(make_runner, pictures):
    image = enlarged(pictures["astronaut.png"], 6).image
    boxes = [(x / 10, y / 10, 0.04, 0.08) for x in range(10) for y in range(10)]
    (result,) = next(make_runner(["field_box"]).run([Picture("a", "a", image, people(*boxes))])).results
    assert len(result.masks) == 100 and result.decoder_calls == 1
    assert sum(mask.held.packed.nbytes for mask in result.masks if mask.any()) < 100 * image[..., 0].size / 2 / 8


# memory


@pytest.fixture
def room_for(nano_segmenter, monkeypatch):
    """A function that leaves the encoder room for so many pictures; a device that is full can't be had at will."""
    encode = nano_segmenter.encode

    def limit(pictures: int, seen: list[int]):
        def limited(images, shapes):
            seen.append(len(images))
            if len(images) > pictures:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return encode(images, shapes)

        monkeypatch.setattr(nano_segmenter, "encode", limited)

    return limit


def test_batch_that_is_too_large_is_halved_for_the_rest_of_the_run(make_runner, pictures, room_for, everything):
    seen: list[int] = []
    room_for(1, seen)
    several = [Picture(f"{i}", p.seed_key, p.image, p.label) for i in range(2) for p in pictures.values()]
    with pytest.warns(UserWarning, match="Not enough memory for 4 pictures at once; going on with 2"):
        results = by_name(make_runner(["field_box"]).run(several, batch_size=4))
    assert len(results) == 2  # six pictures of two keys
    assert seen == [4, 2, 1, 1, 2, 1, 1, 1, 1]
    kept = list(make_runner(["field_box"]).run(several, batch_size=1))
    for result, picture in zip(kept, several, strict=True):
        name = next(n for n, p in pictures.items() if p.seed_key == picture.seed_key)
        assert np.array_equal(result.results[0].mask, everything[name]["field_box"].mask)


def test_picture_that_is_too_large_by_itself_fails_alone(make_runner, pictures, nano_segmenter, monkeypatch):
    encode = nano_segmenter.encode

    def no_room_for_the_bus(images, shapes):
        if any(image.shape == pictures["bus.jpg"].image.shape for image in images):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")
        return encode(images, shapes)

    monkeypatch.setattr(nano_segmenter, "encode", no_room_for_the_bus)
    with pytest.warns(UserWarning, match="Not enough memory for 3 pictures"):
        results = by_name(make_runner(["field_box"]).run(pictures.values(), batch_size=3))
    height, width = pictures["bus.jpg"].image.shape[:2]
    said = f"error: not enough memory for this picture of {width} x {height} pixels"
    assert results["bus.jpg"]["field_box"].status.startswith(said)
    assert results["bus.jpg"]["field_box"].mask is None
    assert results["astronaut.png"]["field_box"].status == OK


def test_other_errors_are_not_taken_for_a_lack_of_memory(make_runner, pictures, nano_segmenter, monkeypatch):
    def broken(images, shapes):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(nano_segmenter, "encode", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(make_runner(["field_box"]).run(pictures.values()))
