"""The pictures that a person wants to look at next."""

import math

import numpy as np
import pytest

from prompting.analysis import selections
from prompting.analysis.comparison import Comparison, Row
from prompting.analysis.findings import Findings

NAN = math.nan


def findings(iou: dict[str, list[float]] | None = None, **known) -> Findings:
    """Of four samples, a to d."""
    iou = {name: np.array(values, float) for name, values in (iou or {}).items()}
    names = tuple(iou) or ("clip_box", "yolo_box")
    rows = [Row(n, 4, 9, float(np.mean(iou[n])), 0, 1, 0, 0, 0, 0, 0, 0, None, None) for n in iou]
    given = {
        "prefix": "sam2",
        "strategies": names,
        "comparison": Comparison.of(rows, iou, names[0]) if rows else None,
        "sample_ids": list("abcd"),
        "status": {name: ["ok"] * 4 for name in names},
        "score": {name: np.full(4, 0.5) for name in names},
        "iou": iou,
        "errors": {},
        "agreement": np.full(4, NAN),
        "instances": np.full(4, NAN),
        "size": np.full(4, NAN),
    }
    return Findings(**given | known)


def test_a_beats_b_where_it_is_better_by_more_than_a_tie_the_largest_difference_first():
    found = findings({"clip_box": [0.6, 0.5, 0.9, 0.2], "yolo_box": [0.5, 0.495, 0.3, 0.7]})
    assert selections.a_beats_b(found, "clip_box", "yolo_box").sample_ids == ["c", "a"]
    assert selections.a_beats_b(found, "yolo_box", "clip_box").sample_ids == ["d"]
    assert selections.a_beats_b(found, "clip_box", "yolo_box").title == "clip_box beats yolo_box"


def test_worst_are_those_with_the_lowest_iou():
    found = findings({"clip_box": [0.6, NAN, 0.9, 0.2]})
    assert selections.worst(found, "clip_box").sample_ids == ["d", "a", "c"]
    assert selections.worst(found, "clip_box", 2).sample_ids == ["d", "a"]


def test_worst_are_those_with_the_lowest_predicted_iou_where_there_is_no_truth():
    found = findings(score={"clip_box": np.array([0.6, NAN, 0.9, 0.2])})
    assert selections.worst(found, "clip_box").sample_ids == ["d", "a", "c"]


def test_images_without_prompt_begin_with_the_largest_people():
    status = {"clip_box": ["no_prompt", "ok", "no_prompt", None]}
    found = findings(status=status, size=np.array([0.1, 0.9, 0.4, 0.8]))
    assert selections.no_prompt(found, "clip_box").sample_ids == ["c", "a"]
    assert selections.no_prompt(findings(status=status), "clip_box").sample_ids == ["a", "c"]


def test_pictures_that_could_not_be_processed_are_those_with_an_error():
    status = {"clip_box": ["no_prompt", "error: not an image", "ok", None]}
    assert selections.unmade(findings(status=status), "clip_box").sample_ids == ["b"]


def test_all_fail_where_the_best_of_all_is_below_a_half():
    found = findings({"clip_box": [0.4, 0.1, 0.9, 0.2], "yolo_box": [0.3, 0.6, 0.3, 0.1]})
    assert selections.all_fail(found).sample_ids == ["d", "a"]


def test_disputed_images_begin_with_the_least_agreement():
    found = findings(agreement=np.array([0.7, NAN, 1.0, 0.2]))
    assert selections.disagree(found).sample_ids == ["d", "a"]
    assert selections.disagree(found, 1).sample_ids == ["d"]


@pytest.mark.parametrize("select", [selections.all_fail, selections.disagree])
def test_nothing_is_selected_where_nothing_is_known(select):
    assert select(findings({"clip_box": [0.9, 0.9, 0.9, 0.9]})).sample_ids == []
