"""The benchmarks measure what they say, and run for real on the bundled models."""

import itertools
import json
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from benchmarks import finish, floor, large, large_judging, precision, scale, scheduling, stages, sweep, timing, weights
from prompting.errors import ModelUnavailable
from prompting.final.enough import Enough
from prompting.models import catalogue
from prompting.prompts.strategies import UNTAUGHT
from prompting.segmentation.precision import fast_precisions
from prompting.segmentation.prompt import Prompt


def told(function) -> float:
    """A clock that believes what it is told."""
    return function()


def test_contestants_take_turns_and_are_made_ready_outside_the_clock():
    happened = []

    def contestant(name):
        @contextmanager
        def prepared():
            happened.append(f"ready {name}")
            yield lambda: happened.append(f"run {name}") or 1.0
            happened.append(f"close {name}")

        return prepared

    def clock(function):
        happened.append("start")
        seconds = function()
        happened.append("stop")
        return seconds

    times = timing.interleaved({"a": contestant("a"), "b": contestant("b")}, rounds=2, warm_up=1, clock=clock)
    turn = [[f"ready {name}", "start", f"run {name}", "stop", f"close {name}"] for name in "ab"]
    assert happened == 3 * (turn[0] + turn[1])
    assert times == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_scheduling_loses_what_pages_and_failures_cost_and_no_more():
    times, rng = np.full(800, 0.1), np.random.default_rng
    two = scheduling.Machines(workers=2, failures=0, page_seconds=0.0, spread=0.0)
    assert abs(scheduling.simulate(times, 8, two, rng(0)).total) < 1e-9  # 50 pages each, of the same length
    costly = scheduling.Machines(workers=2, failures=0, page_seconds=0.1, spread=0.0)
    assert scheduling.simulate(times, 1, costly, rng(0)).total == pytest.approx(1)
    assert scheduling.simulate(times, 800, two, rng(0)).end == pytest.approx(1)  # one of the two has nothing to do
    failing = scheduling.Machines(workers=2, failures=300, start_seconds=1.0, page_seconds=0.0, spread=0.0)
    found = scheduling.simulate(times, 8, failing, rng(0))
    assert 0 < found.again <= found.total


def test_a_machine_that_slows_down_leaves_the_ratio_alone():
    slower = {name: itertools.count(1) for name in "ab"}
    contestants = {
        "a": timing.plain(lambda: 1.0 * next(slower["a"])),
        "b": timing.plain(lambda: 3.0 * next(slower["b"])),
    }
    times = timing.interleaved(contestants, rounds=4, clock=told)
    assert times == {"a": [2.0, 3.0, 4.0, 5.0], "b": [6.0, 9.0, 12.0, 15.0]}
    assert timing.ratio(times, "b", "a") == timing.Spread(3.0, 3.0, 3.0)


def test_a_contestant_that_takes_threads_away_takes_them_from_nobody_else():
    before, seen = torch.get_num_threads(), []

    def greedy():
        torch.set_num_threads(before + 1)
        return 1.0

    contestants = {
        "greedy": timing.plain(greedy),
        "next": timing.plain(lambda: seen.append(torch.get_num_threads()) or 1.0),
    }
    with pytest.warns(UserWarning, match="'greedy' set torch's threads"):
        timing.interleaved(contestants, rounds=1, clock=told)
    assert seen == [before, before]


def test_operations_of_products_convolutions_and_attention_are_counted():
    a, b = torch.rand(8, 16), torch.rand(16, 4)
    assert floor.operations(lambda: a @ b) == 2 * 8 * 16 * 4
    q = torch.rand(1, 2, 32, 8)
    attention = floor.operations(lambda: torch.nn.functional.scaled_dot_product_attention(q, q, q))
    assert attention == 2 * (2 * 2 * 32 * 32 * 8)


@pytest.fixture
def unwarmed(monkeypatch):
    """Times that nobody reads: no round before the first that counts."""
    monkeypatch.setattr(timing, "interleaved", partial(timing.interleaved, warm_up=0))


def test_floor_of_nano(tmp_path, capsys, monkeypatch, unwarmed):
    monkeypatch.setitem(floor.SIDES, "cpu", (256, 512))
    floor.main(["--sam2", "nano", "--rounds", "1", "--device", "cpu", "--json", str(tmp_path / "floor.json")])
    runs = json.loads((tmp_path / "floor.json").read_text())["runs"]
    assert [run["precision"] for run in runs] == list(fast_precisions("cpu"))
    for run in runs:
        assert 8 < run["encoder_gflop"] < 10
        assert min(run["share"]) > 0
    assert "encoder GFLOP/s" in capsys.readouterr().out


def test_sweep_of_nano(tmp_path, capsys, unwarmed):
    path = tmp_path / "sweep.json"
    sweep.main(["--sam2", "nano", "--limit", "1", "--rounds", "1", "--device", "cpu", "--json", str(path)])
    measured = json.loads(path.read_text())["nano"]
    assert [len(strategies) for strategies in measured["strategies"]] == [1, 3, 7]
    seconds = {name: of[0] for name, of in measured["seconds"].items()}
    assert set(measured["seconds_before_first_picture"]) == set(seconds) - {sweep.ENCODE}
    assert 0 < seconds[sweep.ENCODE] < seconds["7 float32"]
    assert "times encode only" in capsys.readouterr().out


def test_precision_compares_every_strategy_with_float32(tmp_path, unwarmed):
    path = tmp_path / "precision.json"
    precision.main(["--limit", "1", "--rounds", "1", "--device", "cpu", "--json", str(path)])
    measured = json.loads(path.read_text())
    assert set(measured["iou_with_float32"]["bfloat16"]) == set(UNTAUGHT)
    assert all(values == [1.0] for values in measured["iou_with_float32"]["float32"].values())
    assert np.mean(list(measured["iou_with_float32"]["bfloat16"].values())) > 0.97
    assert measured["iou_with_truth"]["bfloat16"]["yolo_box"][0] > 0.8


def test_scale_tells_where_the_time_went(capsys):
    scale.main(["--measure", "4", "--sizes", "4", "--strategies", "yolo_box", "--device", "cpu"])
    measured = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert measured["samples"] == measured["window"] == 4
    assert set(measured["stages"]) == set(stages.STAGES) - {"paint"}
    assert all(seconds > 0 for seconds in measured["stages"].values())
    assert 0.8 * measured["seconds"] < sum(measured["stages"].values()) <= measured["seconds"]
    # pictures are read and masks painted by other threads
    assert measured["stages_behind"]["read"] > 0 and measured["stages_behind"]["paint"] > 0
    assert measured["peak_megabytes"] > 200


def test_scale_measures_small_sizes_before_and_after_the_large_one():
    assert scale.there_and_back([100, 1000, 10000]) == [100, 1000, 10000, 1000, 100]
    assert scale.there_and_back([16]) == [16]


def test_scale_compares_what_the_sizes_took_on_average():
    def run(samples: int, seconds: float, peak: float) -> dict:
        about = {"model": "nano", "precision": "float32", "strategies": ["yolo_box"], "device": "cpu", "pictures": 2}
        windows = {"window": 10, "seconds_of_first_window": 1.0, "seconds_of_last_window": 2.0}
        stages = {"stages": {"encode": seconds / 2, "read": seconds / 4}, "stages_behind": {"write": seconds / 10}}
        measured = {"samples": samples, "seconds": seconds, "peak_megabytes": peak, "seconds_before_first_picture": 1.0}
        return {**about, **windows, **stages, **measured}

    runs = [run(10, 1.0, 1000.0), run(100, 12.0, 1010.0), run(10, 2.0, 990.0)]
    small, large = scale.growth(runs).rows
    assert small[:6] == ("10", "0.15 (0.1–0.2)", "1.00", "0.1", "0.2", "1,000")
    assert large[:3] == ("100", "0.12 (0.12–0.12)", "0.80") and large[6] == "1.01"
    for row in scale.shares(runs).rows:
        cells = dict(zip(scale.shares(runs).columns, row, strict=True))
        assert (cells["encode"], cells["read"], cells["other"]) == ("50.0%", "25.0%", "25.0%")
        assert (cells["own"], cells["behind"]) == ("50.0%", "10.0%")


def test_a_stage_counts_without_the_stages_inside_it(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(stages.time, "perf_counter", lambda: next(clock))
    watch = stages.Watch()
    with watch.stage("outer"):  # 0 to 5
        with watch.stage("inner"):  # 1 to 2
            pass
        with watch.stage("inner"):  # 3 to 4
            pass
    assert watch.waited == {"outer": 3, "inner": 2}


@pytest.fixture
def random_tiny(monkeypatch):
    """The official architecture as it is where no download succeeds."""

    def offline(name):
        if name in catalogue.SAM2_ZOO:
            raise ModelUnavailable("no connection")
        return Path(name)

    monkeypatch.setattr(catalogue, "_sam2_checkpoint", offline)
    with weights.timed_sam2(weights.TINY, "cpu") as sam2:
        yield sam2


def test_where_the_official_weights_are_out_of_reach_random_ones_say_so_and_draw_people(random_tiny):
    assert random_tiny.about == "sam2.1-hiera-tiny with random weights"
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    encoded = random_tiny.segmenter.encode([picture])[0]
    box = Prompt("person", box=np.array([20, 10, 40, 50], np.float32))
    cut = box.with_click((30.0, 30.0), 0)
    click = Prompt("person", np.array([[60.0, 30.0]], np.float32), np.array([1]))
    drawn = random_tiny.segmenter.decode(encoded, [box, cut, click]).masks
    whole, holed, around = (mask.full() for mask in drawn)
    assert whole.sum() == pytest.approx(np.pi / 4 * 20 * 40 * 0.8, rel=0.05)
    assert whole[30, 30] and not holed[30, 30]
    assert around[30, 60] and not around[30, 20]
    assert all(cv2.connectedComponents(mask.astype(np.uint8))[0] == 2 for mask in (whole, holed, around))


def test_large_pictures_and_crowds_are_measured_in_time_and_memory(tmp_path, capsys):
    sizes, prompts, rest = ["--sizes", "0.2", "0.4"], ["--prompts", "3"], ["--limit", "1", "--rounds", "1"]
    large.main([*sizes, *prompts, *rest, "--sam2", "nano", "--device", "cpu", "--json", str(tmp_path / "large.json")])
    measured = json.loads((tmp_path / "large.json").read_text())
    for one in measured["strategies"]["nano"]["sizes"].values():
        assert len(one) == 1
        assert one[0]["all"] > sum(one[0][part] for part in large.MODELS) > 0
    assert set(measured["crowds"]) == set(measured["megabytes"]) == {"3"}
    assert min(measured["megabytes"].values()) > 100
    table = capsys.readouterr().out
    assert "own / encoder" in table and "peak MB at 0.4 MP" in table


@pytest.mark.parametrize("count", [10, 1000])
def test_a_crowd_covers_half_a_picture_and_stays_inside(count):
    boxes = np.array([d.bounding_box for d in large.crowd((3000, 4000), count).detections])
    assert len(boxes) == count
    assert (boxes[:, 2:].prod(axis=1) * count).mean() == pytest.approx(0.5, rel=0.1)
    assert (boxes >= 0).all() and (boxes[:, :2] + boxes[:, 2:] <= 1 + 1e-9).all()


@pytest.mark.parametrize("people", large_judging.GRIDS)
def test_a_scene_has_as_many_people_as_it_says_and_the_size(people):
    picture, masks = large_judging.scene(people, 0.5)
    assert len(masks) == people and all(mask.any() and mask.shape == picture.shape[:2] for mask in masks)
    assert picture.shape[0] * picture.shape[1] == pytest.approx(5e5, rel=0.05)
    assert np.max(np.sum(masks, axis=0)) == 1  # nobody stands in front of anybody


@pytest.mark.parametrize(("settled_at", "after"), [((8, 9), 8), ((30,), 30), ((), 80)])
def test_who_asks_after_each_picture_stops_at_the_first_that_settles_it(settled_at, after):
    def tell(count: int):
        return Enough("a", "b", count, 80, 0.02, 0.01 if count in settled_at else -0.01, 0.05, 40, 20, 80)

    count, told = finish.first_settled(tell, 80)
    assert count == after and (told is None) == (not settled_at)
