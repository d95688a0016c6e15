"""What comes of a picture; no strategy, batch or neighbour changes another's result."""

import numpy as np
import pytest

from prompting.models import catalogue
from prompting.pixels.masks import intersection_over_union
from prompting.priors.base import Picture
from prompting.priors.yolo import YoloPrior
from prompting.prompts.strategies import UNTAUGHT
from prompting.results import NO_PROMPT, OK
from tests.runner.people import by_name


def test_results_come_in_the_pictures_and_the_tables_order(everything, pictures):
    assert list(everything) == list(pictures)
    for results in everything.values():
        assert list(results) == list(UNTAUGHT)


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


def test_batch_does_not_change_a_result(make_runner, pictures, everything):
    names = ["clip_points", "clip_box", "yolo_box", "field_points"]
    for name, results in by_name(make_runner(names).run(pictures.values(), batch_size=3)).items():
        for strategy, result in results.items():
            alone = everything[name][strategy]
            assert result.status == alone.status
            assert len(result.prompts) == len(alone.prompts)
            assert intersection_over_union(result.mask > 0, alone.mask > 0) > 0.995


def test_iterative_strategy_corrects_at_most_three_times(everything):
    for name in ("bus.jpg", "astronaut.png"):
        assert 1 <= everything[name]["clip_iterative"].decoder_calls <= 4
        assert everything[name]["clip_box"].decoder_calls == 1


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


def test_strategies_that_a_picture_has_already_are_skipped(make_runner, pictures, everything):
    bus = pictures["bus.jpg"]
    picture = Picture(bus.key, bus.seed_key, bus.image, bus.label, frozenset({"clip_point", "field_box"}))
    runner = make_runner(["clip_point", "clip_points", "field_box", "yolo_box"])
    results = by_name(runner.run([picture]))["bus.jpg"]
    assert list(results) == ["clip_points", "yolo_box"]
    assert np.array_equal(results["clip_points"].mask, everything["bus.jpg"]["clip_points"].mask)
