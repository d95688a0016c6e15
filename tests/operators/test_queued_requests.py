"""A request that Python queues has the shape of the form's answers, whatever Python gave, and means the same."""

import sys
from dataclasses import replace
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
from bson import ObjectId
from fiftyone.operators.delegated import DelegatedOperationService

from prompting.dataset.references import reference_ids
from prompting.prompts.strategies import strategies_named, strategy_of
from tests.queued import newest, work_off_newest

REFERRING = {"strategies": ["reference_box_points"], "reference_field": "ground_truth"}


def requests(dataset, folder: Path) -> list[dict]:
    """Each parameter as Python gives it, those that only some strategies have with such a one."""
    ids = dataset[:2].values("id")
    references = "reference", np.array(ids), (ObjectId(i) for i in ids), dataset[:2]
    clip, yolo, field = ({"strategies": (name,)} for name in ("clip_box", "yolo_box", "field_points"))
    return [
        *({**REFERRING, "references": one} for one in references),
        {"strategies": ["clip_box", strategy_of("yolo:box+5p3n@2")], "existing": "overwrite"},
        {**clip, "classes": ["person", "bag, red"], "phrases": {"person": ["a man", "one, two"]}},
        {**clip, "classes": "person", "background": ["wall", "sky, blue"], "heatmap": True, "keep_rounds": True},
        {**clip, "background": "wall, sky"},
        {**yolo, "yolo_confidence": 0.5, "yolo_imgsz": 320, "batch_size": 2, "seed": 3},
        {**yolo, "prefix": "other", "device": "cpu", "encoder_precision": "float32", "compile": True},
        {**yolo, "mask_dir": folder / "masks", "rel_dir": Path(dataset.first().filepath).parent},
        {**field, "prompt_field": "ground_truth", "field_rounds": 1, "points_field": "points"},
    ]


def test_every_parameter_is_queued_as_python_gives_it_and_means_the_same(
    dataset, apply_strategies, nano, tmp_path, monkeypatch
):
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path))
    package = type(foo.get_operator(apply_strategies.uri)).__module__.rpartition(".")[0]
    answers, service, told = sys.modules[f"{package}.apply_answers"], DelegatedOperationService(), set()
    dataset[:2].tag_samples("reference")
    points = [fo.Keypoint(label="person", points=[(0.5, 0.5)])]
    dataset.set_values("points", [fo.Keypoints(keypoints=points)] * len(dataset))
    for given in requests(dataset, tmp_path):
        told |= given.keys() | nano.keys()
        apply_strategies(dataset, delegate=True, **{**nano, **given})
        queued = newest()
        plan = answers.plan_of(queued.context.request_params["params"])
        service.delete_operation(queued.id)
        wanted = {"existing": "error", **nano, **given}
        wanted["strategies"] = [strategy.name for strategy in strategies_named(wanted["strategies"])]
        if "references" in given:
            assert reference_ids(dataset, plan.references) == dataset[:2].values("id")
            wanted["references"], plan = "these", replace(plan, references="these")
        assert plan == answers.plan_of(wanted), given
    assert told == set(answers.PARAMETERS)


def test_what_is_queued_with_a_view_of_references_is_done(dataset, apply_strategies, nano):
    """It takes longer than five seconds where nothing has loaded the models yet."""
    apply_strategies(dataset[2:3], delegate=True, **REFERRING, references=dataset[:2], background=["wall"], **nano)
    work_off_newest()
    dataset.reload()
    record = dataset.get_run_info("sam2_reference_box_points").config
    assert set(record.references) == set(dataset[:2].values("id")) and record.background == ["wall"]
    assert dataset.exists("sam2_reference_box_points").values("id") == dataset[2:3].values("id")
