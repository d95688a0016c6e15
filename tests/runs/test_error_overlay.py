"""Errors shown on the pictures: on real photographs, in FiftyOne."""

from itertools import combinations

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from PIL import ImageColor

from prompting.analysis.error_map import EXCESS, HIT, MISSED, WRONG_CLASS
from prompting.dataset.names import StrategyFields, overlay_field, truth_field
from prompting.pixels.masks import IGNORED
from prompting.runs.error_overlay import COLOURS
from tests.analysis.test_palette import SEEN_BY, difference

OVERLAY = overlay_field("sam2")


@pytest.fixture(scope="module")
def show_errors():
    return foo.get_operator("@promptlab/sam2-prompting/show_errors")


def values_of(sample: fo.Sample) -> np.ndarray:
    """(H, W): which of the colours each pixel has, 0 where it has none."""
    mask = sample[OVERLAY].get_mask()
    return sum(value * (mask == ImageColor.getrgb(colour)).all(axis=-1) for value, colour in COLOURS.items())


def test_what_is_seen_is_the_mask_against_the_truth(explained, show_errors):
    assert show_errors(explained, "yolo_box", progress=False) == OVERLAY
    seen = set()
    for sample in explained:
        errors, truth = values_of(sample), sample[truth_field("sam2")].get_mask()
        mask = sample[StrategyFields.of("sam2", "yolo_box").mask].get_mask()
        counts = truth != IGNORED
        assert np.array_equal(np.isin(errors, (HIT, EXCESS))[counts], (mask > 0)[counts])
        assert np.array_equal(np.isin(errors, (HIT, MISSED))[counts], (truth > 0)[counts])
        assert not errors[~counts].any()
        seen |= set(np.unique(errors))
    assert seen == {0, HIT, MISSED, EXCESS}


def test_it_is_in_colours_that_all_can_tell_apart_and_says_what_they_mean(explained, show_errors):
    show_errors(explained, "yolo_box", progress=False)
    words = {HIT: "hit", MISSED: "missed", EXCESS: "excess"}
    assert explained.mask_targets[OVERLAY] == {COLOURS[value].lower(): word for value, word in words.items()}
    assert "yolo_box" in explained.get_field(OVERLAY).description
    for eyes in SEEN_BY:
        assert min(difference(a, b, eyes) for a, b in combinations(COLOURS.values(), 2)) > 8


def test_another_strategy_or_other_pictures_take_the_fields_place(explained, show_errors):
    show_errors(explained, "yolo_box", progress=False)
    show_errors(explained[:2], "clip_point", progress=False)
    assert explained.count(OVERLAY) == 2
    assert "clip_point" in explained.get_field(OVERLAY).description


def test_a_wrong_class_is_a_value_of_its_own(dataset, apply_strategies, evaluate_strategies, show_errors, nano):
    apply_strategies(dataset, strategies=["yolo_box"], classes=["person", "dog"], progress=False, **nano)
    for sample in dataset.iter_samples(autosave=True):  # everybody is a dog to the strategy
        label = sample[StrategyFields.of("sam2", "yolo_box").mask]
        label.mask = np.where(label.get_mask() == 1, 2, 0).astype(np.uint8)
    evaluate_strategies(dataset, "ground_truth", progress=False)
    show_errors(dataset, "yolo_box", progress=False)
    assert dataset.mask_targets[OVERLAY][COLOURS[WRONG_CLASS].lower()] == "wrong class"
    values = {int(value) for sample in dataset for value in np.unique(values_of(sample))}
    assert values == {0, MISSED, EXCESS, WRONG_CLASS}


@pytest.mark.parametrize(
    ("change", "strategy", "says"),
    [
        (lambda d: d, "yolo_bx", "Unknown strategy 'yolo_bx'"),
        (lambda d: d, "clip_box", "no results of 'clip_box'"),
        (lambda d: d.exists(truth_field("sam2"), False), "yolo_box", "no samples in this view"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_is_written(explained, show_errors, change, strategy, says):
    with pytest.raises(ValueError, match=says):
        show_errors(change(explained), strategy, progress=False)
    assert not explained.has_sample_field(OVERLAY)


def test_without_an_evaluation_there_is_no_truth_to_show(applied_once, show_errors):
    with pytest.raises(ValueError, match="evaluate strategies first"):
        show_errors(applied_once, "yolo_box", progress=False)


def test_a_persons_field_of_that_name_is_left_alone(explained, show_errors):
    explained.add_sample_field(OVERLAY, fo.StringField)
    with pytest.raises(ValueError, match="exists and is of another type"):
        show_errors(explained, "yolo_box", progress=False)
