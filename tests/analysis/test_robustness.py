"""Robustness: prompts are disturbed by as much as is said, and SAM 2's answers get worse."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.io
from hypothesis import given
from hypothesis import strategies as st

from prompting.analysis import robustness
from prompting.analysis.robustness import Curve, Trial, as_table, curves, jittered, probe, scaled, shifted
from prompting.pixels.masks import Window
from prompting.pixels.regions import Region
from prompting.segmentation.prompt import Prompt

ROOT = Path(__file__).parents[2]
BOX = np.array([100, 50, 200, 250], np.float32)
HEIGHT, WIDTH = 400, 300
AREA = 1000


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def people_in(name: str, shape: tuple[int, int]) -> list[Region]:
    """Our hand-made masks of the people in one of the demo's photographs."""
    stored = json.loads((ROOT / "demo" / "annotations.json").read_text())
    image_id = next(image["id"] for image in stored["images"] if image["file_name"] == name)
    people = []
    for annotation in stored["annotations"]:
        if annotation["image_id"] == image_id and not annotation.get("iscrowd"):
            mask = np.zeros(shape, np.uint8)
            for polygon in annotation["segmentation"]:
                cv2.fillPoly(mask, [np.array(polygon).reshape(-1, 2).round().astype(np.int32)], 1)
            people.append(Region("person", box=Window.of(mask > 0).box, mask=mask > 0))
    return people


@pytest.fixture(scope="module")
def bus(photographs) -> np.ndarray:
    return skimage.io.imread(photographs / "bus.jpg")


@pytest.fixture(scope="module")
def people(bus) -> list[Region]:
    return people_in("bus.jpg", bus.shape[:2])


@pytest.fixture(scope="module")
def encoded(nano_segmenter, bus):
    return nano_segmenter.encode([bus])[0]


@pytest.fixture(scope="module")
def trials(nano_segmenter, encoded, people) -> list[Trial]:
    return probe(nano_segmenter, encoded, people, rng())


class Counting:
    """A segmenter that remembers how many prompts each call had."""

    def __init__(self, segmenter):
        self.segmenter, self.calls = segmenter, []

    def decode(self, encoded, prompts):
        self.calls.append(len(prompts))
        return self.segmenter.decode(encoded, prompts)


def test_every_person_is_tried_in_every_way(trials, people):
    expected = {
        (prompt, change, severity): len(people)
        for prompt, changes in {
            "box": ("jitter", "scale"),
            "point": ("shift",),
            "points": ("shift",),
            "box_points": ("jitter", "scale", "shift"),
        }.items()
        for change, severity in [(None, 0.0), *((c, s) for c in changes for s in robustness.SEVERITIES[c])]
    }
    assert Counter((t.prompt, t.change, t.severity) for t in trials) == expected
    assert len(trials) == 31 * len(people)


def test_undisturbed_trial_is_what_the_prompt_itself_gives(nano_segmenter, encoded, people, trials):
    from prompting.pixels.masks import intersection_over_union
    from prompting.prompts.prompters import prompt_of
    from prompting.prompts.strategies import STRATEGIES

    prompts = [prompt_of(STRATEGIES["field_box"], person, person.mask, rng()) for person in people]
    masks = nano_segmenter.decode(encoded, prompts).masks
    expected = [intersection_over_union(mask, person.mask) for mask, person in zip(masks, people, strict=True)]
    assert [t.iou for t in trials if t.prompt == "box" and t.change is None] == pytest.approx(expected, abs=1e-3)


def test_answers_get_worse_as_prompts_do(trials):
    found = {(curve.prompt, curve.change): curve for curve in curves(trials)}
    for key in (("box", "jitter"), ("point", "shift")):
        assert found[key].severity[0] == 0.0
        assert found[key].mean_iou[-1] < found[key].mean_iou[0]


def test_each_iou_is_with_the_persons_own_mask(trials):
    """Each of several people is found by its own box: with the union of all, none would score well."""
    assert min(t.iou for t in trials if t.prompt == "box" and t.change is None) > 0.5


def test_trials_know_how_large_the_person_is(trials, people):
    assert {t.area for t in trials} == {person.mask.area for person in people}


def test_same_seed_gives_the_same_trials(nano_segmenter, encoded, people, trials):
    assert probe(nano_segmenter, encoded, people, rng()) == trials
    assert probe(nano_segmenter, encoded, people, rng(1)) != trials


def test_few_decoder_calls_of_bounded_size(nano_segmenter, encoded, people, monkeypatch):
    counting = Counting(nano_segmenter)
    probe(counting, encoded, people, rng())
    assert sum(counting.calls) == 31 * len(people)
    assert max(counting.calls) <= 32
    assert len(counting.calls) <= 4 + 31 * len(people) / 32
    monkeypatch.setattr(robustness, "PIXELS_AT_ONCE", 3 * encoded.height * encoded.width)
    probe(counting, encoded, people[:1], rng())
    assert counting.calls[-1] <= 3


def test_picture_without_people_needs_no_segmenter():
    empty = Region("person", box=BOX, mask=np.zeros((HEIGHT, WIDTH), bool))
    assert probe(None, None, [], rng()) == []
    assert probe(None, None, [empty, Region("person", box=BOX)], rng()) == []


def test_jitter_moves_each_edge_by_a_share_of_its_side():
    assert jittered(BOX, np.array([-0.1, 0.2, 0.05, 0.0]), HEIGHT, WIDTH).tolist() == [90, 90, 205, 250]


def test_scale_keeps_the_centre():
    assert scaled(BOX, 0.2, HEIGHT, WIDTH).tolist() == [90, 30, 210, 270]
    assert scaled(BOX, -0.2, HEIGHT, WIDTH).tolist() == [110, 70, 190, 230]


def test_shift_moves_every_point_by_the_distance():
    coords = np.array([[100, 100], [200, 200]], np.float32)
    moved = shifted(coords, 10.0, np.array([0.0, np.pi / 2]), HEIGHT, WIDTH)
    assert moved == pytest.approx(np.array([[110, 100], [200, 210]]), abs=1e-4)


@given(
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.floats(1, WIDTH),
    st.floats(1, HEIGHT),
    st.lists(st.floats(-0.2, 0.2), min_size=4, max_size=4),
    st.floats(0, 100),
)
def test_disturbed_prompts_are_ones_that_sam2_takes(x, y, w, h, draws, distance):
    box = np.array([x, y, min(x + w, WIDTH), min(y + h, HEIGHT)], np.float32)
    points = shifted(box.reshape(2, 2), distance, np.array(draws[:2]) * 30, HEIGHT, WIDTH)
    for wrong in (jittered(box, np.array(draws), HEIGHT, WIDTH), scaled(box, draws[0], HEIGHT, WIDTH)):
        Prompt("person", points, np.array([1, 0]), wrong).check(HEIGHT, WIDTH)
        assert (wrong[2:] - wrong[:2] > 0.999).all()


def test_people_are_averaged_and_severity_zero_belongs_to_every_curve():
    made = [Trial("box", None, 0.0, iou, AREA) for iou in (1.0, 0.8)]
    made += [Trial("box", "jitter", 0.1, iou, AREA) for iou in (0.7, 0.5)]
    made += [Trial("box", "scale", s, iou, AREA) for s, iou in ((-0.1, 0.4), (-0.1, 0.6), (0.1, 0.3), (0.1, 0.3))]
    jitter, scale = curves(made)
    assert (jitter.change, jitter.severity, jitter.count) == ("jitter", (0.0, 0.1), 2)
    assert jitter.mean_iou == pytest.approx((0.9, 0.6))
    assert scale.severity == (-0.1, 0.0, 0.1)
    assert scale.mean_iou == pytest.approx((0.5, 0.9, 0.3))
    assert all(low <= mean <= high for low, mean, high in zip(scale.low, scale.mean_iou, scale.high, strict=True))
    assert scale.low[0] < scale.high[0]


def test_single_person_has_no_interval():
    (curve,) = curves([Trial("point", None, 0.0, 0.9, AREA), Trial("point", "shift", 0.1, 0.5, AREA)])
    assert curve.low == curve.high == curve.mean_iou


def test_no_trials_give_no_curves():
    assert curves([]) == ()


def test_curve_survives_json(trials):
    for curve in curves(trials):
        assert Curve.from_dict(json.loads(json.dumps(curve.to_dict()))) == curve


def test_curves_can_be_read_without_torch():
    script = "import sys, prompting.analysis.robustness; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_table_has_a_line_a_curve_and_says_how_much_was_lost():
    made = [
        Trial("box", None, 0.0, 0.9, AREA),
        Trial("box", "jitter", 0.1, 0.6, AREA),
        Trial("box", "scale", -0.1, 0.95, AREA),
    ]
    table = as_table(curves(made))
    assert table.columns == ("prompt", "change", "-10%", "undisturbed", "+10%")
    assert table.rows == (
        ("box", "jitter", "", "0.900", "0.600 (-0.300)"),
        ("box", "scale", "0.950 (+0.050)", "0.900", ""),
    )
