"""Learning which strategy to take: where there is something to learn, and where there isn't."""

import numpy as np
import pytest

from prompting.final.features import FEATURES
from prompting.final.learned import Learned, Model
from prompting.final.lessons import Lessons

FOUND, PREDICTED = FEATURES.index("found"), FEATURES.index("predicted")


def pictures(count: int, telling: float, seed: int = 0) -> Lessons:
    """Two strategies as good as each other; how good each is on a picture the predicted IoU tells, more or less."""
    rng = np.random.default_rng(seed)
    ious = rng.beta(4, 2, (count, 2))
    features = np.full((count, 2, len(FEATURES)), np.nan)
    features[..., FOUND] = 1
    features[..., PREDICTED] = telling * ious + (1 - telling) * rng.beta(4, 2, (count, 2))
    ids = tuple(f"{seed}-{i}" for i in range(count))
    return Lessons(("a", "b"), ids, ious, features)


def reached(learned: Learned, lessons: Lessons) -> float:
    taken = [learned.take(*each) for each in zip(lessons.ids, lessons.features)]
    return float(lessons.ious[np.arange(len(taken)), taken].mean())


def test_what_the_features_tell_is_learned():
    lessons, others = pictures(60, telling=0.8), pictures(200, telling=0.8, seed=1)
    learned = Learned.fit(lessons)
    assert reached(learned, others) > others.ious.mean() + 0.8 * (others.ceiling.mean() - others.ious.mean())
    assert reached(learned, lessons) > lessons.ious.mean() + 0.05


def test_where_nothing_is_to_be_learned_the_cascade_of_the_best_is_taken():
    lessons = pictures(60, telling=0)
    better = Lessons(lessons.names, lessons.ids, np.clip(lessons.ious + np.array([0, 0.15]), 0, 1), lessons.features)
    learned = Learned.fit(better)
    taken = [learned.take(f"other {i}", one) for i, one in enumerate(better.features)]
    assert np.mean(taken) > 0.9


def test_where_the_best_finds_nobody_the_next_one_is_taken():
    lessons = pictures(30, telling=0)
    model = Model(Model.fit(lessons.features, lessons.ious, lessons.ids).ridge, (1, 0), np.inf)
    features = lessons.features[:3].copy()
    features[0, 1, FOUND] = 0
    features[1, :, FOUND] = 0
    assert model.take(features).tolist() == [0, 0, 1]


def test_no_picture_is_chosen_for_by_a_model_that_saw_its_truth():
    lessons = pictures(40, telling=0.8)
    fold = lessons.fold_of[lessons.ids[5]]
    ious = lessons.ious.copy()
    ious[5] = ious[5][::-1]
    other = Lessons(lessons.names, lessons.ids, ious, lessons.features)
    here = [i for i, one in enumerate(lessons.ids) if lessons.fold_of[one] == fold]
    one, two = Learned.fit(lessons).models[fold], Learned.fit(other).models[fold]
    assert np.array_equal(one.take(lessons.features[here]), two.take(lessons.features[here]))
    assert one.ridge.predict(np.ones((1, len(FEATURES) + 2))) == pytest.approx(
        two.ridge.predict(np.ones((1, len(FEATURES) + 2))), abs=1e-12
    )


def test_the_same_pictures_teach_the_same_in_any_dataset():
    """Ids are others wherever pictures are imported; their names are not."""
    lessons, others = pictures(60, telling=0.6), pictures(50, telling=0.6, seed=1)
    files = tuple(f"{i}.jpg" for i in range(60))
    taken = []
    for name in ("here", "there"):
        ids = tuple(f"{name} {i}" for i in range(60))
        learned = Learned.fit(Lessons(lessons.names, ids, lessons.ious, lessons.features, files))
        taken.append([learned.take(one, known) for one, known in zip(ids, lessons.features)])
        taken[-1] += [learned.take(f"{name} {i} too", known) for i, known in enumerate(others.features)]
    assert taken[0] == taken[1]
