"""Whatever the arrays are, points lie inside where they must, boxes are valid, labels match, and nothing raises."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from prompting import labels, prompters, storage
from prompting.analysis.attribution import PARTS, Attempt, Ceiling, attribute
from prompting.errors import PromptError
from prompting.masks import intersection_over_union, paint, resize_mask
from prompting.metrics import IGNORED, boundary_iou, image_iou, pooled_scores
from prompting.plan import Plan
from prompting.priors.base import Picture
from prompting.priors.clip import _starts
from prompting.priors.fields import FieldPrior, instance_mask
from prompting.prompts import NEGATIVE, POSITIVE, Prompt
from prompting.refine import TOLERANCE, next_click
from prompting.regions import Region, box_of, components
from prompting.results import NO_PROMPT, OK, Round, StrategyResult
from prompting.sampling import centroid, deepest_point, grow_box, ring_points, spread_points, tight_box
from prompting.storage import StrategyFields
from prompting.truth import paint_instances

MANY = settings(max_examples=100, deadline=None)
FEW = settings(max_examples=25, deadline=None)
SHAPES = st.tuples(st.integers(1, 24), st.integers(1, 24))
SEEDS = st.integers(0, 2**32 - 1)
PROMPTERS = (prompters.point, prompters.box, prompters.points, prompters.box_negatives, prompters.box_points)


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


# sampling


@MANY
@given(masks())
def test_deepest_point_is_as_deep_as_any(mask):
    (x, y), depth = deepest_point(mask)
    depths = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    assert depth == pytest.approx(depths.max(), abs=1e-4)
    if mask.any():
        assert depths[int(y), int(x)] == pytest.approx(depth, abs=1e-4)


@MANY
@given(masks())
def test_centroid_lies_in_the_masks_box_and_an_empty_mask_has_none(mask):
    points = centroid(mask)
    if not mask.any():
        assert points.shape == (0, 2)
        return
    x1, y1, x2, y2 = box_of(mask)
    assert x1 <= points[0, 0] <= x2 - 1 and y1 <= points[0, 1] <= y2 - 1


@MANY
@given(pairs(), st.integers(0, 8), SEEDS)
def test_ring_points_spare_the_mask_and_all_that_is_to_be_avoided(pair, count, seed):
    mask, avoid = pair
    points = ring_points(mask, avoid, count, rng(seed))
    assert points.shape == (len(points), 2) and len(points) <= count
    assert not on(mask | avoid, points).any()
    assert len(np.unique(points, axis=0)) == len(points)


@MANY
@given(masks(), st.integers(1, 6), SEEDS)
def test_memory_layout_makes_no_difference(mask, count, seed):
    plain = np.array(mask, order="C")
    assert np.array_equal(spread_points(mask, count, rng(seed)), spread_points(plain, count, rng(seed)))
    assert np.array_equal(ring_points(mask, mask, count, rng(seed)), ring_points(plain, plain, count, rng(seed)))
    assert np.array_equal(box_of(mask), box_of(plain))
    assert np.array_equal(components(mask, 0), components(plain, 0))
    assert deepest_point(mask) == deepest_point(plain)


@st.composite
def boxes(draw, height: int, width: int) -> np.ndarray:
    """A box (4,) float32 xyxy with area inside the picture, often touching its edges."""
    x = sorted(draw(st.lists(st.floats(0, width, width=32), min_size=2, max_size=2, unique=True)))
    y = sorted(draw(st.lists(st.floats(0, height, width=32), min_size=2, max_size=2, unique=True)))
    return np.array([x[0], y[0], x[1], y[1]], np.float32)


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), boxes(*s))), st.floats(0, 3))
def test_grown_box_contains_the_box_and_stays_in_the_picture(picture, margin):
    (height, width), box = picture
    grown = grow_box(box, margin, height, width)
    assert grown.dtype == np.float32
    assert (grown[:2] <= box[:2]).all() and (grown[2:] >= box[2:]).all()
    Prompt("person", box=grown).check(height, width)


# regions


@MANY
@given(masks())
def test_box_is_the_tightest_there_is(mask):
    assume(mask.any())
    x1, y1, x2, y2 = box_of(mask).astype(int)
    inside = mask[y1:y2, x1:x2]
    assert inside.sum() == mask.sum()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


@MANY
@given(masks(), st.floats(0, 1))
def test_components_are_large_enough_apart_and_ordered(mask, smallest):
    parts = components(mask, smallest)
    areas = [int(part.sum()) for part in parts]
    assert areas == sorted(areas, reverse=True)
    assert all(area >= smallest * mask.size for area in areas)
    for part in parts:
        assert not (part & ~mask).any()
        assert len(components(part, 0)) == 1


# prompters


@MANY
@given(pairs(), st.sampled_from(PROMPTERS), SEEDS)
def test_prompt_of_any_mask_is_good_or_refused_in_words(pair, prompter, seed):
    mask, others = pair
    height, width = mask.shape
    avoid = mask | others
    if not mask.any():
        with pytest.raises(PromptError):
            prompter(Region("person", mask=mask), avoid, rng(seed)).check(height, width)
        return
    prompt = prompter(Region("person", mask=mask), avoid, rng(seed))
    prompt.check(height, width)
    positives = prompt.point_coords[prompt.point_labels == POSITIVE]
    negatives = prompt.point_coords[prompt.point_labels == NEGATIVE]
    assert not on(avoid, negatives).any()
    if prompter is not prompters.point:  # the centroid may lie off a bent shape
        assert on(mask, positives).all()
    if prompt.box is not None:
        tight = box_of(mask)
        assert (prompt.box[:2] <= tight[:2]).all() and (prompt.box[2:] >= tight[2:]).all()


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), boxes(*s))), st.sampled_from(PROMPTERS))
def test_prompt_of_any_box_is_good_or_refused_in_words(picture, prompter):
    (height, width), box = picture
    try:
        prompt = prompter(Region("person", box=box), np.zeros((height, width), bool), rng(0))
    except PromptError:
        assert prompter not in (prompters.point, prompters.box)
        return
    prompt.check(height, width)


# prompts


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


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), prompts(*s))))
def test_rounds_count_the_corrective_clicks_at_the_end(picture):
    (height, width), prompt = picture
    prompt.check(height, width)
    first = len(prompt.point_labels) - prompt.corrections
    assert prompt.point_rounds.tolist() == [0] * first + list(range(1, prompt.corrections + 1))
    assert len(prompt.point_coords) == len(prompt.point_labels)


@MANY
@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=4),
    st.lists(st.integers(-2, 3), max_size=4),
    st.none() | st.lists(st.floats(), max_size=5),
    SHAPES,
)
def test_check_passes_what_is_inside_and_refuses_all_else_in_words(coords, point_labels, box, shape):
    height, width = shape
    coords, point_labels = np.array(coords, float).reshape(-1, 2), np.array(point_labels, int)
    prompt = Prompt("person", coords, point_labels, None if box is None else np.array(box))
    try:
        prompt.check(height, width)
    except PromptError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return
    assert (coords >= 0).all() and (coords <= (width, height)).all() and len(coords) == len(point_labels)
    assert box is not None or POSITIVE in point_labels
    assert box is None or (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height)


# refinement


@MANY
@given(pairs())
def test_next_click_lies_on_the_error_that_its_label_names(pair):
    mask, target = pair
    missing, excess, area = target & ~mask, mask & ~target, max(1, target.sum())
    click = next_click(mask, target)
    assert (click is None) == (max(missing.sum(), excess.sum()) < TOLERANCE * area)
    if click is not None:
        (x, y), label = click
        assert (missing if label == POSITIVE else excess)[int(y), int(x)]
        Prompt("person", box=np.array([0, 0, *mask.shape[::-1]])).with_click((x, y), label).check(*mask.shape)


# masks and scores


@MANY
@given(several_masks(), SEEDS)
def test_every_pixel_has_the_value_of_the_best_mask_that_covers_it(stack, seed):
    ious = rng(seed).permutation(len(stack)) / len(stack)
    values = rng(seed).integers(1, 256, len(stack))
    painted = paint(stack, ious, values, stack.shape[1:])
    best = np.where(stack, ious[:, None, None], -1).argmax(axis=0)
    assert np.array_equal(painted, np.where(stack.any(axis=0), values[best], 0))


@MANY
@given(pairs())
def test_iou_is_that_of_the_single_class_and_one_just_for_equal_masks(pair):
    a, b = pair
    iou = intersection_over_union(a, b)
    assert iou == intersection_over_union(b, a) == pytest.approx(image_iou(a.astype(np.uint8), b.astype(np.uint8), [1]))
    assert 0 <= iou <= 1
    assert (iou == 1) == np.array_equal(a, b)


@MANY
@given(pairs(), masks((24, 24)), st.sampled_from([image_iou, boundary_iou]))
def test_what_is_found_on_ignored_pixels_changes_no_score(pair, crowd, score):
    truth, found = (mask.astype(np.uint8) for mask in pair)
    ignored = crowd[: truth.shape[0], : truth.shape[1]]
    truth[ignored] = IGNORED
    otherwise = np.where(ignored, 1 - found, found)
    assert score(found, truth, [1]) == score(otherwise, truth, [1])
    assert 0 <= score(found, truth, [1]) <= 1


@MANY
@given(arrays(np.int64, (3, 3), elements=st.integers(0, 10**12)))
def test_pooled_scores_are_shares_or_undefined(confusion):
    scores = pooled_scores(confusion)
    assert set(scores) == {"iou", "dice", "precision", "recall"}
    assert all(np.isnan(value) or 0 <= value <= 1 for value in scores.values())
    assert np.isnan(scores["iou"]) or scores["iou"] <= scores["dice"] + 1e-12


@MANY
@given(several_masks(), SEEDS)
def test_error_parts_add_up_whatever_the_masks(stack, seed):
    draw = rng(seed)
    shape = stack.shape[1:]
    truth = paint(stack, draw.random(len(stack)), [1] * len(stack), shape)
    ceilings = [Ceiling(Region("person", mask=m, box=None), 1, m[::-1], 0.5) for m in stack if m.any()]
    centre = Prompt("person", np.array([[shape[1] / 2, shape[0] / 2]], np.float32), np.array([1]))
    attempts = [Attempt(centre, 1, m[:, ::-1], float(draw.random()), ((m, 0.5), (m[::-1], 0.4))) for m in stack]
    found = paint([a.mask for a in attempts], [a.predicted_iou for a in attempts], [1] * len(stack), shape)
    parts = attribute(found, truth, attempts, ceilings, [1])
    assert tuple(parts) == PARTS
    assert sum(parts.values()) == pytest.approx(1 - image_iou(found, truth, [1]))


# labels and storage


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


def same_prompt(a: Prompt, b: Prompt) -> bool:
    points = np.array_equal(a.point_coords, b.point_coords) and np.array_equal(a.point_labels, b.point_labels)
    boxes_too = (a.box is None) == (b.box is None) and (a.box is None or np.array_equal(a.box, b.box))
    return a.label == b.label and points and boxes_too


@pytest.fixture(scope="module")
def sample():
    """A sample in a real dataset that strategies may write to."""
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample("picture.png"))
    storage.declare_fields(dataset, Plan(strategies=("clip_iterative",), sam2_model="nano", device="cpu"))
    yield dataset.first()
    dataset.delete()


@FEW
@given(result=results())
def test_what_is_stored_comes_back_as_it_was(sample, result):
    plan = Plan(strategies=("clip_iterative",), sam2_model="nano", device="cpu")
    fields, shape = StrategyFields.of(plan.prefix, result.strategy), result.mask.shape
    storage.write(sample, result, plan)
    sample.save()
    sample.reload(hard=True)
    assert np.array_equal(sample[fields.mask].get_mask(), result.mask)
    back = {d.index: instance_mask(d, *shape) for d in sample[fields.instances].detections}
    assert sorted(back) == [i for i, mask in enumerate(result.masks) if mask.any()]
    assert all(np.array_equal(mask, result.masks[i]) for i, mask in back.items())
    rounds = {d.index: instance_mask(d, *shape) for d in sample[fields.rounds].detections}
    assert all(np.array_equal(mask, result.rounds[i].mask) for i, mask in rounds.items())
    asked = labels.prompts_of(sample[fields.boxes], sample[fields.points], *shape)
    assert list(asked) == list(range(len(result.prompts)))
    assert all(same_prompt(asked[i], prompt) for i, prompt in enumerate(result.prompts))
    assert sample[fields.status] == OK and sample[fields.score] == pytest.approx(result.score)


@FEW
@given(masks())
def test_no_prompt_is_stored_as_an_empty_mask_of_the_pictures_size(sample, mask):
    plan = Plan(strategies=("clip_iterative",), sam2_model="nano", device="cpu")
    nothing = StrategyResult("clip_iterative", np.zeros(mask.shape, np.uint8), (), np.zeros(0), NO_PROMPT, 0.1, 0)
    storage.write(sample, nothing, plan)
    fields = StrategyFields.of(plan.prefix, "clip_iterative")
    assert sample[fields.mask].get_mask().shape == mask.shape
    assert labels.prompts_of(sample[fields.boxes], sample[fields.points], *mask.shape) == {}


@MANY
@given(results())
def test_clicks_for_the_eye_are_all_the_points_each_once_with_its_colour_and_round(result):
    height, width = result.mask.shape
    shown = [
        (keypoint.index, polarity, keypoint.label, *np.array(xy, np.float32))
        for polarity, field in zip((POSITIVE, NEGATIVE), labels.clicks(result), strict=True)
        for keypoint in field.keypoints
        for xy in np.array(keypoint.points) * (width, height)
    ]
    there = [
        (i, label, f"round {number}", *xy)
        for i, prompt in enumerate(result.prompts)
        for xy, label, number in zip(prompt.point_coords, prompt.point_labels, prompt.point_rounds, strict=True)
    ]
    assert sorted(shown) == sorted(there)


@MANY
@given(st.integers(1, 20_000), st.integers(0, 19_999), st.integers(1, 20_000), st.booleans())
@example(9000, 8998, 1, True)
def test_instances_of_large_pictures_come_back_to_the_pixel(side, start, length, lying):
    """A strip, so that pictures of any size are cheap."""
    assume(start < side)
    strip = np.zeros((side, 2) if lying else (2, side), bool)
    (strip if lying else strip.T)[start : start + length, 1] = True
    click = Prompt("person", np.array([[0, 0]], np.float32), np.array([1]))
    (detection,) = labels.instances(result_of(strip[None], [click])).detections
    assert np.array_equal(instance_mask(detection, *strip.shape), strip)


# what datasets hold


ANY_NUMBER = st.floats() | st.floats(-2, 2) | st.integers(-3, 3)


@MANY
@given(st.lists(ANY_NUMBER, max_size=5) | st.lists(ANY_NUMBER, min_size=4, max_size=4), masks(), SHAPES, st.booleans())
@example([0, 0, 1e300, 1e300], np.ones((2, 2), bool), (3, 3), False)
@example([-1e5, -1e5, 2e5, 2e5], np.ones((2, 2), bool), (3, 3), False)
def test_any_detection_gives_a_good_prompt_or_none(box, mask, shape, has_mask):
    height, width = shape
    detection = fo.Detection(label="person", bounding_box=box, mask=mask if has_mask else None)
    found = FieldPrior(["person"]).regions(fo.Detections(detections=[detection]), height, width)
    for region in found:
        Prompt("person", box=region.box).check(height, width)
        assert region.mask is None or (region.mask.shape == shape and region.mask.any())
    laid = instance_mask(detection, height, width)
    assert laid is None or (laid.shape == shape and laid.dtype == bool)
    painted = paint_instances(fo.Detections(detections=[detection]), height, width, {"person": 1})
    assert np.array_equal(painted, np.zeros(shape) if laid is None else laid)


@MANY
@given(st.lists(st.tuples(ANY_NUMBER, ANY_NUMBER), max_size=5), st.none() | st.lists(st.integers(-1, 2), max_size=5))
def test_any_keypoint_gives_a_good_prompt_none_or_a_refusal(points, sam_labels):
    extra = {} if sam_labels is None else {"sam_labels": sam_labels}
    keypoints = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=points, **extra)])
    try:
        for region in FieldPrior(["person"]).regions(keypoints, 10, 20):
            prompters.points(region, np.zeros((10, 20), bool), rng(0)).check(10, 20)
    except PromptError as error:
        assert "sam_labels has" in str(error) or "outside the picture" in str(error)


@MANY
@given(several_masks(), st.lists(st.booleans(), min_size=4, max_size=4))
def test_truth_shows_people_over_crowds(stack, crowds):
    height, width = stack.shape[1:]
    whole = [0, 0, 1, 1]
    people = [
        fo.Detection(label="person", bounding_box=whole, mask=mask, iscrowd=int(crowd))
        for mask, crowd in zip(stack, crowds)
    ]
    painted = paint_instances(fo.Detections(detections=people), height, width, {"person": 7})
    crowded = np.array(crowds[: len(stack)])
    expected = np.where(stack[crowded].any(axis=0), IGNORED, 0)
    expected[stack[~crowded].any(axis=0)] = 7
    assert np.array_equal(painted, expected)


@MANY
@given(st.integers(1, 3), SHAPES, SHAPES)
def test_stretched_mask_shows_what_lies_under_the_middle_of_each_pixel(seed, given_shape, wanted):
    mask = rng(seed).integers(0, 256, given_shape).astype(np.uint8)
    resized = resize_mask(mask, *wanted)
    assert resized.shape == wanted and resized.dtype == mask.dtype
    for y in range(wanted[0]):
        for x in range(wanted[1]):
            row = (2 * y + 1) * given_shape[0] // (2 * wanted[0])
            column = (2 * x + 1) * given_shape[1] // (2 * wanted[1])
            assert resized[y, x] == mask[row, column]


@MANY
@given(masks(), SHAPES)
def test_any_segmentation_is_cut_into_parts_of_the_pictures_size(mask, shape):
    picture = Picture("key", "key", np.zeros((*shape, 3), np.uint8), fo.Segmentation(mask=mask.astype(np.uint8)))
    (found,) = FieldPrior(["person"]).find([picture])
    covered = np.sum([np.zeros(shape), *(region.mask for region in found)], axis=0)
    assert np.array_equal(covered, resize_mask(mask, *shape))
    for region in found:
        assert np.array_equal(region.box, box_of(region.mask))
        Prompt("person", box=tight_box(region.mask)).check(*shape)


# CLIP's windows


@MANY
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 400))
def test_windows_cover_the_length_and_stay_inside(window, step, beyond):
    step, length = min(step, window), window + beyond
    starts = _starts(length, window, step)
    covered = np.zeros(length, bool)
    for start in starts:
        assert 0 <= start <= length - window
        covered[start : start + window] = True
    assert covered.all() and starts == sorted(set(starts))
