"""Masks, boxes, prompts and results of all kinds, for the properties."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.pixels.masks import paint
from prompting.prompts.refine import Round
from prompting.prompts.strategies import strategy_of
from prompting.results import OK, StrategyResult
from prompting.segmentation.prompt import POSITIVE, Prompt

MANY = settings(max_examples=100)
FEW = settings(max_examples=12)
SHAPES = st.tuples(st.integers(1, 24), st.integers(1, 24))
SEEDS = st.integers(0, 2**32 - 1)
SAID = tuple(
    strategy_of(f"field:{prompt}")
    for prompt in ("point", "box", "points", "box+3n", "box+points", "box-20+1p", "9p9b", "box50+20p20o", "1p1n")
)
"""Strategies that say a region in all ways."""


@st.composite
def masks(draw, shapes=SHAPES) -> np.ndarray:
    """A (H, W) bool mask of one of the kinds that break recipes, or a random one, in any memory layout."""
    shape = draw(shapes) if isinstance(shapes, st.SearchStrategy) else shapes
    height, width = shape
    mask = np.zeros(shape, bool)
    kind = draw(st.sampled_from(["empty", "full", "pixel", "rows", "columns", "edge", "frame", "rectangle", "random"]))
    if kind == "full":
        mask[:] = True
    elif kind == "pixel":
        mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    elif kind == "rows":
        mask[draw(st.integers(0, 1)) :: draw(st.integers(2, 4))] = True
    elif kind == "columns":
        mask[:, draw(st.integers(0, 1)) :: draw(st.integers(2, 4))] = True
    elif kind == "edge":
        np.rot90(mask, draw(st.integers(0, 3)))[0, draw(st.integers(0, 5)) :] = True
    elif kind == "frame":
        mask[[0, -1]] = mask[:, [0, -1]] = True
    elif kind == "rectangle":
        x1, x2 = sorted(draw(st.tuples(st.integers(0, width), st.integers(0, width))))
        y1, y2 = sorted(draw(st.tuples(st.integers(0, height), st.integers(0, height))))
        mask[y1:y2, x1:x2] = True
    elif kind == "random":
        mask = draw(arrays(bool, shape))
    if draw(st.booleans()):
        return np.asfortranarray(mask)
    return np.pad(mask, 1)[1:-1, 1:-1] if draw(st.booleans()) else mask


@st.composite
def several_masks(draw, most: int = 4) -> np.ndarray:
    """(N, H, W) bool, N of 1 or more."""
    shape = draw(SHAPES)
    return np.stack([draw(masks(shape)) for _ in range(draw(st.integers(1, most)))])


def pairs():
    """Two masks of one size."""
    return SHAPES.flatmap(lambda shape: st.tuples(masks(shape), masks(shape)))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def on(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether each point lies on the mask; a point outside the picture is an error."""
    x, y = points.astype(int).T
    assert (points >= 0).all()
    return mask[y, x]


@st.composite
def boxes(draw, height: int, width: int) -> np.ndarray:
    """A box (4,) float32 xyxy with area inside the picture, often touching its edges."""
    x = sorted(draw(st.lists(st.floats(0, width, width=32), min_size=2, max_size=2, unique=True)))
    y = sorted(draw(st.lists(st.floats(0, height, width=32), min_size=2, max_size=2, unique=True)))
    return np.array([x[0], y[0], x[1], y[1]], np.float32)


@st.composite
def prompts(draw, height: int, width: int) -> Prompt:
    """A good prompt: a box, clicks, or both, of float32 as SAM 2 takes them, with corrective clicks or without."""
    box = draw(st.none() | boxes(height, width))
    clicks = st.tuples(st.floats(0, width, width=32), st.floats(0, height, width=32), st.sampled_from([0, 1]))
    given_clicks = draw(st.lists(clicks, max_size=6))
    if box is None:
        given_clicks.append((draw(st.floats(0, width, width=32)), draw(st.floats(0, height, width=32)), POSITIVE))
    coords = np.array([click[:2] for click in given_clicks], np.float32).reshape(-1, 2)
    prompt = Prompt(draw(st.sampled_from(["person", "dog"])), coords, np.array([c[2] for c in given_clicks], int), box)
    for x, y, label in draw(st.lists(clicks, max_size=3)):
        prompt = prompt.with_click((x, y), label)
    return prompt


def result_of(stack: np.ndarray, made_by, rounds: tuple[Round, ...] = (), strategy: str = "clip_iterative"):
    ious = np.linspace(0.9, 0.1, len(stack)).astype(np.float32)
    mask = paint(stack, ious, [1] * len(stack), stack.shape[1:])
    return StrategyResult(strategy, mask, tuple(made_by), ious, OK, 0.1, 1, stack, rounds)


@st.composite
def results(draw) -> StrategyResult:
    """A result of any masks and prompts, its rounds the masks upside down."""
    stack = draw(several_masks())
    made_by = [draw(prompts(*stack.shape[1:])) for _ in stack]
    return result_of(stack, made_by, tuple(Round(i, 0, mask[::-1]) for i, mask in enumerate(stack)))
