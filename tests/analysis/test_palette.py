"""Colours: a strategy's own everywhere, and told apart by people with any colour vision."""

from itertools import combinations

import numpy as np
import pytest
from PIL import ImageColor
from skimage.color import deltaE_ciede2000, rgb2lab

from prompting.analysis import palette
from prompting.analysis.palette import (
    NEGATIVE,
    POSITIVE,
    STRATEGY_COLOURS,
    TRUTH,
    colour_of,
    colours_of,
    ink_on,
    is_second,
)
from prompting.prompts.strategies import STRATEGIES

# Machado, Oliveira and Fernandes (2009), full strength, on linear RGB
SEEN_BY = {
    "anybody": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopes": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def difference(one: str, other: str, eyes: str) -> float:
    """CIEDE2000; 2 is just seen side by side."""
    rgb = np.array([ImageColor.getrgb(one), ImageColor.getrgb(other)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SEEN_BY[eyes].T, 0, 1)
    back = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return float(deltaE_ciede2000(*rgb2lab(back)))


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_strategies_look_different_to_everybody(eyes):
    colours = [*map(colour_of, STRATEGIES), TRUTH]
    assert min(difference(a, b, eyes) for a, b in combinations(colours, 2)) > 8


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_positive_and_negative_clicks_look_different_to_everybody(eyes):
    assert difference(POSITIVE, NEGATIVE, eyes) > 30


def test_the_palette_holds_that_of_okabe_and_ito():
    published = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
    assert published < set(STRATEGY_COLOURS)


def test_a_strategy_of_the_table_has_its_colour_whatever_it_is_shown_with():
    for name in STRATEGIES:
        assert colour_of(name) == colour_of(name, ["mine", "clip_box"]) and not is_second(name)


def test_unknown_strategies_are_coloured_by_their_names_and_avoid_what_is_taken():
    assert colour_of("mine") == colour_of("mine", ["mine"])
    few = ["clip_box", "yolo_box", "mine", "yours", "theirs"]
    assert len({colour_of(name, few) for name in few}) == len(few)
    assert all(is_second(name) for name in ("mine", "yours"))
    assert colours_of(few, {"mine": "#123456"})["mine"] == "#123456"
    assert len(set(colours_of(few, {"mine": colour_of("yolo_box")}).values())) == len(few)
    many = [f"s{i}" for i in range(30)]
    assert {colour_of(name, many) for name in many} <= set(STRATEGY_COLOURS)


def test_text_on_a_colour_has_the_better_contrast():
    assert ink_on(palette.YELLOW) == "#000000" and ink_on(palette.WINE) == "#ffffff"
