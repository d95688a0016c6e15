"""One pass: a picture is read, encoded, looked at and decoded no more often than it takes."""

import time

import pytest

from prompting.priors.base import Picture
from prompting.prompts.strategies import UNTAUGHT
from prompting.results import OK
from tests.runner.people import BUS, by_name, people


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


def test_no_more_pictures_are_read_than_a_batch_holds(make_runner, pictures):
    read = []

    def reading():
        for picture in pictures.values():
            read.append(picture.key)
            yield picture

    results = make_runner(["field_box"]).run(reading(), batch_size=1)
    next(results)
    assert len(read) == 1


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


def test_all_people_of_a_picture_are_decoded_in_one_call(make_runner, pictures, calls):
    (result,) = next(make_runner(["yolo_box"]).run([pictures["bus.jpg"]])).results
    assert len(result.prompts) >= 3
    assert result.decoder_calls == calls["decoder"] == 1


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
