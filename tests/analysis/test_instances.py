"""One-to-one matching of instances: by hand, against all possible matchings, and against COCO's evaluation."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from prompting.analysis.instances import InstanceScores, Matches, match, pairwise_iou, pooled

HEIGHT, WIDTH = 40, 60


def box(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    """A filled box as a mask."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def encoded(mask: np.ndarray) -> dict:
    return coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))


def scene(seed: int) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Predictions, truths that don't overlap, and a crowd: shifted boxes, some twice, some nowhere near."""
    rng = np.random.default_rng(seed)
    truths = [box(x, y, x + 8, y + 14) for x in range(2, 50, 12) for y in (2, 22)]
    predicted = []
    for truth in truths:
        for _ in range(rng.integers(0, 3)):
            predicted.append(np.roll(truth, rng.integers(-4, 5, 2), (0, 1)))
    predicted += [box(x, 0, x + 10, 12) for x in rng.integers(0, 50, 3)]
    crowd = box(30, 0, 60, 18)
    kept = [truth for truth in truths if not (truth & crowd).any()]
    return predicted, kept, crowd


def test_everyone_found_once():
    people = [box(0, 0, 10, 10), box(20, 0, 30, 10)]
    assert match(people[::-1], people) == Matches((1.0, 1.0), truths=2, predictions=2, misses=0, duplicates=0)


def test_misses_duplicates_and_false_positives_by_hand():
    truths = [box(0, 0, 10, 10), box(20, 0, 30, 10)]
    predicted = [box(0, 0, 10, 9), box(0, 0, 10, 10), box(40, 20, 50, 30)]
    assert match(predicted, truths) == Matches((1.0,), truths=2, predictions=3, misses=1, duplicates=1)


def test_iou_at_the_threshold_matches_and_below_it_does_not():
    assert match([box(0, 0, 10, 5)], [box(0, 0, 10, 10)]).ious == (0.5,)
    assert match([box(0, 0, 10, 4)], [box(0, 0, 10, 10)]).ious == ()
    assert match([box(0, 0, 10, 4)], [box(0, 0, 10, 10)], threshold=0.4).ious == (0.4,)


def test_two_good_pairs_are_better_than_one_perfect_pair():
    # each prediction matches the left truth; only the first matches the right one too
    left, right = box(0, 0, 20, 10), box(4, 0, 24, 10)
    predicted = [left, box(0, 0, 15, 10)]
    assert pairwise_iou(predicted, [left, right])[0] == pytest.approx([1, 16 / 24])
    assert pairwise_iou(predicted, [left, right])[1] == pytest.approx([15 / 20, 11 / 24])
    assert match(predicted, [left, right]).ious == pytest.approx((16 / 24, 15 / 20))


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        ([], [], Matches((), 0, 0, 0, 0)),
        ([], [box(0, 0, 5, 5)], Matches((), 1, 0, 1, 0)),
        ([box(0, 0, 5, 5)], [], Matches((), 0, 1, 0, 0)),
        ([box(0, 0, 0, 0)], [box(0, 0, 5, 5)], Matches((), 1, 1, 1, 0)),
    ],
    ids=["nobody", "none found", "nobody there", "an empty mask"],
)
def test_nothing_on_either_side(predicted, truth, expected):
    assert match(predicted, truth) == expected
    assert match(predicted, truth, np.zeros((HEIGHT, WIDTH), bool)) == expected


def test_a_prediction_of_which_half_is_in_a_crowd_is_ignored():
    person, crowd = box(0, 0, 10, 10), box(30, 0, 40, 10)
    assert match([person, box(31, 0, 39, 9)], [person], crowd).predictions == 1
    assert match([person, box(25, 0, 35, 10)], [person], crowd).predictions == 1
    assert match([person, box(24, 0, 34, 10)], [person], crowd).predictions == 2
    assert match([person, box(31, 0, 39, 9)], [person]).predictions == 2


def test_a_prediction_that_matches_a_person_counts_wherever_the_crowd_is():
    person = box(0, 0, 10, 10)
    assert match([person], [person], box(0, 0, 30, 10)) == Matches((1.0,), 1, 1, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_other_matching_has_more_pairs_or_the_same_with_more_iou(data):
    corner = st.tuples(st.integers(0, 6), st.integers(0, 6))
    draw = st.lists(corner.map(lambda xy: box(xy[0], xy[1], xy[0] + 10, xy[1] + 10)), min_size=1, max_size=4)
    predicted, truth = data.draw(draw), data.draw(draw)
    ious = pairwise_iou(predicted, truth)
    ious = ious if len(predicted) <= len(truth) else ious.T
    candidates = []
    for columns in permutations(range(ious.shape[1]), ious.shape[0]):
        kept = [ious[i, j] for i, j in enumerate(columns) if ious[i, j] >= 0.5]
        candidates.append((len(kept), round(sum(kept), 9)))
    found = match(predicted, truth)
    assert (len(found.ious), round(sum(found.ious), 9)) == max(candidates)
    assert found.misses == len(truth) - len(found.ious)
    assert found.duplicates <= len(predicted) - len(found.ious)


@pytest.mark.parametrize("seed", range(5))
def test_iou_is_that_of_pycocotools(seed):
    predicted, truths, crowd = scene(seed)
    expected = coco_mask.iou([encoded(m) for m in predicted], [encoded(m) for m in truths], [0] * len(truths))
    assert pairwise_iou(predicted, truths) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(10))
def test_matches_and_ignored_predictions_are_as_many_as_in_cocos_evaluation(seed):
    predicted, truths, crowd = scene(seed)
    annotations = [
        {"id": i + 1, "image_id": 1, "category_id": 1, "iscrowd": int(i == len(truths)), "area": int(mask.sum()),
         "bbox": [0, 0, 1, 1], "segmentation": encoded(mask)}
        for i, mask in enumerate([*truths, crowd])
    ]  # fmt: skip
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": 1, "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 1}],
        "annotations": annotations,
    }
    truth.createIndex()
    found = [{"image_id": 1, "category_id": 1, "score": 0.5, "segmentation": encoded(mask)} for mask in predicted]
    evaluation = COCOeval(truth, truth.loadRes(found), "segm")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    image = next(image for image in evaluation.evalImgs if image and image["aRng"] == evaluation.params.areaRng[0])
    ignored = image["dtIgnore"][0].astype(bool)
    ours = match(predicted, truths, crowd)
    assert ours.predictions == np.count_nonzero(~ignored)
    assert len(ours.ious) == np.count_nonzero((image["dtMatches"][0] > 0) & ~ignored)


def test_images_are_pooled_by_hand():
    scores = pooled([Matches((0.5, 0.9), 3, 4, 1, 2), Matches((), 1, 0, 1, 0), Matches((1.0,), 1, 1, 0, 0)])
    assert scores.recall == pytest.approx(3 / 5)
    assert scores.precision == pytest.approx(3 / 5)
    assert scores.mean_iou == pytest.approx(0.8)
    assert (scores.truths, scores.predictions, scores.misses, scores.duplicates) == (5, 5, 2, 2)


def test_ratios_of_nothing_are_unknown():
    assert pooled([]) == InstanceScores(None, None, None, 0, 0, 0, 0)
    missed = pooled([Matches((), 2, 0, 2, 0)])
    assert (missed.recall, missed.precision, missed.mean_iou) == (0, None, None)
