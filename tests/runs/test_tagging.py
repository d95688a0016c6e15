"""Tagging the worst: on real results."""

import fiftyone.operators as foo
import pytest

from prompting.dataset.names import StrategyFields, evaluation_key

IOU = f"{evaluation_key('sam2', 'clip_point')}_iou"


@pytest.fixture(scope="module")
def tag_worst():
    return foo.get_operator("@promptlab/sam2-prompting/tag_worst")


def test_the_lowest_ious_get_the_tag_and_nobody_else(explained, tag_worst):
    worst = tag_worst(explained, "clip_point", count=2, progress=False)
    order = explained.sort_by(IOU).values("id")
    assert list(worst.sample_ids) == order[:2] and worst.by == "IoU"
    assert set(explained.match_tags("annotate").values("id")) == set(order[:2])
    assert str(worst).startswith("2 samples tagged 'annotate': the lowest IoU (")


def test_below_a_threshold_there_may_be_fewer(explained, tag_worst):
    ious = sorted(explained.values(IOU))
    worst = tag_worst(explained, "clip_point", count=6, below=ious[3], tag="look", progress=False)
    assert list(worst.scores) == [iou for iou in ious if iou < ious[3]]
    assert explained.count_sample_tags() == {"look": len(worst.scores)}
    none = tag_worst(explained, "clip_point", below=1e-9, tag="none", progress=False)
    if not none.sample_ids:
        assert "is below the threshold" in str(none)


def test_where_nothing_was_evaluated_the_predicted_iou_counts(applied, tag_worst):
    worst = tag_worst(applied, "yolo_box", count=3, progress=False)
    assert worst.by == "predicted IoU"
    assert (
        list(worst.scores)
        == sorted(value for value in applied.values(StrategyFields.of("sam2", "yolo_box").score) if value is not None)[
            :3
        ]
    )


def test_old_scores_are_said_to_be_old(explained, tag_worst, apply_strategies, nano):
    assert "old" not in str(tag_worst(explained, "yolo_box", count=1, progress=False))
    apply_strategies(explained, strategies=["yolo_box"], existing="overwrite", progress=False, **nano)
    said = str(tag_worst(explained, "yolo_box", count=1, progress=False))
    assert said.endswith("These scores are old: the strategy was applied again since; evaluate it again first.")
    assert "old" not in str(tag_worst(explained, "clip_point", count=1, progress=False))


def test_a_view_is_all_that_is_looked_at_and_tags_stay(explained, tag_worst):
    view = explained[3:]
    explained[:1].tag_samples("annotate")
    worst = tag_worst(view, "clip_point", count=1, progress=False)
    assert set(worst.sample_ids) <= set(view.values("id"))
    assert explained.count_sample_tags() == {"annotate": 2}


def test_samples_that_were_not_scored_are_told(explained, tag_worst):
    explained[:2].set_values(IOU, [None, None])
    worst = tag_worst(explained, "clip_point", progress=False)
    assert (worst.scored, worst.unscored) == (4, 2)
    assert "2 samples have none and are left out" in str(worst)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"strategy": "nobody"}, "Unknown strategy"),
        ({"strategy": "clip_box"}, "no results of 'clip_box'"),
        ({"count": 0}, "count must be a whole number above 0, not 0"),
        ({"count": 2.5}, "whole number"),
        ({"below": 80}, "The threshold must be an IoU"),
        ({"tag": "  "}, "The tag needs a name"),
        ({"prefix": "sam3"}, "with the prefix 'sam3'"),
    ],
)
def test_bad_requests_tag_nobody(explained, tag_worst, params, says):
    with pytest.raises(ValueError, match=says):
        tag_worst(explained, **{"strategy": "clip_point", "progress": False, **params})
    assert not explained.count_sample_tags()
