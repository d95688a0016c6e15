"""What was counted beforehand gives what FiftyOne's own evaluation gives, number by number."""

import fiftyone as fo
import fiftyone.utils.eval.segmentation as fous
import numpy as np
import pytest

from prompting.analysis.metrics import IGNORED, Target
from prompting.runs.counted import Count, CountedEvaluationConfig, scores_of

SHAPE = (30, 40)


def label_maps(seed: int, values) -> list[np.ndarray]:
    """Random label maps in patches: some of everything, one without any class, one all of one class."""
    rng = np.random.default_rng(seed)
    patches = [rng.choice(values, (6, 8)).repeat(5, axis=0).repeat(5, axis=1).astype(np.uint8) for _ in range(5)]
    return [*patches, np.zeros(SHAPE, np.uint8), np.full(SHAPE, values[1], np.uint8)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("classes", [["person"], ["person", "dog", "cat"]])
def test_fiftyones_own_evaluation_of_the_same_masks_says_the_same(classes):
    values = list(range(1, len(classes) + 1))
    truths = label_maps(0, [0, *values, IGNORED])
    found = label_maps(1, [0, *values])[::-1]
    dataset, mask_targets = fo.Dataset(), {0: "background", **dict(zip(values, classes, strict=True))}
    for i, (truth, predicted) in enumerate(zip(truths, found, strict=True)):
        masks = {"truth": fo.Segmentation(mask=truth), "found": fo.Segmentation(mask=predicted)}
        dataset.add_sample(fo.Sample(filepath=f"{i}.png", **masks))
    own = dataset.evaluate_segmentations("found", "truth", eval_key="own", mask_targets=mask_targets)
    counts = [Count(Target(s.truth.mask, values).confusion(s.found.mask), s.truth.id, s.found.id) for s in dataset]
    ours = dataset.evaluate_segmentations(
        "found", "truth", eval_key="ours", mask_targets=mask_targets, method=CountedEvaluationConfig, counts=counts
    )
    try:
        assert np.array_equal(ours.pixel_confusion_matrix, own.pixel_confusion_matrix)
        assert ours.metrics() == own.metrics()
        assert ours.report() == own.report()
        mine, theirs = ({k: v for k, v in r.serialize().items() if k != "timestamp"} for r in (ours, own))
        assert mine == theirs
        scores = [scores_of(count.confusion) for count in counts]
        for name in ("accuracy", "precision", "recall"):
            assert [score[name] for score in scores] == dataset.values(f"own_{name}")
        config, expected = (dataset.get_evaluation_info(key).config for key in ("ours", "own"))
        assert type(config) is fous.SimpleEvaluationConfig
        assert config.serialize() == expected.serialize()
        dataset.clear_cache()
        assert dataset.load_evaluation_results("ours").metrics() == own.metrics()
        dataset.delete_evaluation("ours")
        assert dataset.list_evaluations() == ["own"]
    finally:
        dataset.delete()
