"""A sweep scores what applying and evaluating would, encodes each picture once, and stores nothing but the study."""

import time
import uuid
from dataclasses import replace

import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.stopping import request_stop
from prompting.dataset.studies import save_study
from tests.copies import copy_of

GRID = {"priors": ["yolo"], "prompts": ["box", "box+points"], "positives": [0], "negatives": [3], "margins": [None, 10]}


@pytest.fixture(scope="module")
def sweep():
    return foo.get_operator("@promptlab/sam2-prompting/sweep_strategies")


@pytest.fixture(scope="module")
def swept(applied_once, sweep, nano):
    """Four strategies on the demo's photographs, none of which is stored but yolo_box, which was."""
    dataset = copy_of(applied_once, f"swept-{uuid.uuid4().hex[:8]}")
    before = set(dataset.get_field_schema())
    study = sweep(dataset, "ground_truth", **GRID, racing=False, progress=False, **nano)
    dataset.reload()
    assert set(dataset.get_field_schema()) == before
    yield dataset, study
    dataset.delete()


def test_scores_are_those_of_applying_and_evaluating(swept, apply_strategies, evaluate_strategies, nano):
    dataset, study = swept
    copy = dataset.clone()
    apply_strategies(copy, strategies=["yolo:box+3n"], progress=False, **nano)
    evaluate_strategies(copy, "ground_truth", progress=False)
    copy.reload()
    assert set(study.names) == {"yolo_box", "yolo_box10", "yolo_box_3n", "yolo_box10_3n"}
    for name in ("yolo_box", "yolo_box_3n"):
        known = dict(zip((s.filename for s in copy), copy.values(f"sam2_eval_{name}_iou")))
        row = study.ious[study.names.index(name)]
        assert row.tolist() == pytest.approx([known[file] for file in study.files], abs=1e-6)
    copy.delete()


def test_a_picture_is_encoded_once_for_all(made_once, sweep, nano, monkeypatch):
    from fiftyone.plugins.orgs.promptlab.sam2_prompting.prompting.segmentation import segmenter

    encoded = []
    whole = segmenter.Segmenter.encode

    def counted(self, images, *rest):
        encoded.extend(images)
        return whole(self, images, *rest)

    monkeypatch.setattr(segmenter.Segmenter, "encode", counted)
    dataset = copy_of(made_once)
    sweep(dataset, "ground_truth", **GRID, progress=False, **nano)
    assert len(encoded) == len(dataset)
    dataset.delete()


def test_the_study_is_kept_and_its_best_can_be_applied(swept, sweep, apply_strategies, nano):
    dataset, study = swept
    again = sweep.last(dataset)
    assert again.best == study.best and str(again) == str(study)
    copy = dataset.limit(1).clone()
    apply_strategies(copy, strategies=[study.best, study.leader], existing="overwrite", progress=False, **nano)
    assert copy.has_field(f"sam2_{study.best.name}_status")
    foo.get_operator("@promptlab/sam2-prompting/remove_results")(copy, confirm=True, progress=False)
    assert not copy.list_runs()
    copy.delete()


def test_a_stopped_sweep_is_taken_up_where_it_ended(swept, sweep, nano, monkeypatch):
    from fiftyone.plugins.orgs.promptlab.sam2_prompting.prompting.runs import sweep as sweeping

    monkeypatch.setattr(sweeping, "BATCH", 2)
    dataset, whole = copy_of(swept[0]), swept[1]
    dataset.delete_run("sam2_study")
    added = sweeping._Scores.add

    def stopping(self, *given):
        added(self, *given)
        if len(self.looked_at) == 3:
            request_stop(dataset, "sam2")
            time.sleep(1.5)  # a run looks for it once a second

    monkeypatch.setattr(sweeping._Scores, "add", stopping)
    given = {**GRID, "racing": False, "progress": False, **nano}
    with pytest.raises(ValueError, match=r"Stopped on request: \d of 6 pictures are scored, and kept"):
        sweep(dataset, "ground_truth", **given)
    monkeypatch.setattr(sweeping._Scores, "add", added)
    part = sweep.last(dataset)
    assert 3 <= len(part.files) < 6
    study = sweep(dataset, "ground_truth", **given)
    assert study.files[: len(part.files)] == part.files and len(set(study.files)) == 6
    for name in study.names:
        here = dict(zip(study.files, study.ious[study.names.index(name)]))
        there = dict(zip(whole.files, whole.ious[whole.names.index(name)]))
        assert [here[file] for file in sorted(here)] == pytest.approx([there[file] for file in sorted(there)], abs=1e-6)
    monkeypatch.setattr(sweeping, "Sweeping", None)  # what is there needs no model, and nobody who works
    assert str(sweep(dataset, "ground_truth", **given)) == str(study)
    dataset.delete()


def test_a_stopped_sweep_of_other_truths_begins_anew(swept, sweep, nano, monkeypatch):
    from fiftyone.plugins.orgs.promptlab.sam2_prompting.prompting.runs import sweep as sweeping

    dataset, whole = copy_of(swept[0]), swept[1]
    half = replace(whole, ious=whole.ious[:, :3], calls=whole.calls[:, :3], files=whole.files[:3])
    results = dataset.load_run_results("sam2_study")
    asked = dataset.get_run_info("sam2_study").config.asked
    looked_at, added = [], sweeping._Scores.add

    def counted(self, sample_id, *rest):
        looked_at.append(sample_id)
        added(self, sample_id, *rest)

    monkeypatch.setattr(sweeping._Scores, "add", counted)
    given = {**GRID, "racing": False, "progress": False, **nano}
    for changed in (False, True):
        save_study(dataset, "sam2", half, asked, results.sample_ids, results.seen[:3])
        if changed:
            sample = dataset[results.sample_ids[1]]
            sample.ground_truth.detections = []
            sample.save()
        looked_at.clear()
        study = sweep(dataset, "ground_truth", **given)
        assert len(looked_at) == (6 if changed else 3)
    row = study.files.index(dataset[results.sample_ids[1]].filename)
    assert not np.allclose(study.ious[:, row], whole.ious[:, whole.files.index(study.files[row])])
    dataset.delete()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"positives": [40]}, "positives is a whole number"),
        ({"positives": "1, many"}, "positives are whole numbers with commas between them, not '1, many'"),
        ({"strategies": ["yolo:bax"]}, "has a mistake at 'bax'"),
        ({"error_rate": 0.7}, "error_rate must lie between 0 and 0.5"),
        ({"gt_field": "nobody"}, "no label field 'nobody'"),
        ({"priors": ["field"]}, "need prompt_field"),
        ({"prompts": ["points"], "yolo_model": "yolo26n.pt"}, "clicks on masks or keypoints"),
        ({"worth": -1}, "worth is a difference of IoU"),
        ({"classes": []}, "classes must be a list of names"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_any_work(made_once, sweep, nano, given, said):
    with pytest.raises(ValueError, match=said):
        sweep(made_once, **{"gt_field": "ground_truth", "progress": False, **nano, **given})
    assert "sam2_study" not in made_once.list_runs()


def test_another_methods_run_of_the_studys_key_is_left_alone(dataset, sweep, nano):
    dataset.register_run("sam2_study", dataset.init_run(method="mine", kept="this"))
    assert sweep.last(dataset) is None
    with pytest.raises(ValueError, match="has a run 'sam2_study' that isn't this plugin's; rename it"):
        sweep(dataset, "ground_truth", progress=False, prompts=["box"], **nano)
    assert dataset.get_run_info("sam2_study").config.kept == "this"


def test_a_picture_that_cannot_be_read_is_left_out_for_all_and_told(dataset, sweep, nano):
    sample = dataset.first()
    sample.filepath = "/nowhere/gone.jpg"
    sample.save()
    study = sweep(dataset, "ground_truth", progress=False, prompts=["box"], **nano)
    assert len(study.files) == 5 and "gone.jpg" not in study.files
    assert "1 picture was left out; the first is gone.jpg: the picture can't be read" in str(study)
    dataset.set_values("filepath", [f"/nowhere/{i}.jpg" for i in range(len(dataset))])
    with pytest.raises(ValueError, match=r"No picture could be scored: \d.jpg: the picture can't be read"):
        sweep(dataset, "ground_truth", progress=False, prompts=["box"], margins=[10], **nano)


def test_a_view_of_few_pictures_is_nothing_to_choose_by(made_once, sweep, nano):
    with pytest.raises(ValueError, match="at least 5 pictures"):
        sweep(made_once.limit(4), "ground_truth", progress=False, prompts=["box"], **nano)


def test_racing_leaves_those_that_run_the_scores_that_they_have(swept, sweep, nano):
    """So few pictures stop nobody: the race is the study."""
    dataset = copy_of(swept[0])
    raced = sweep(dataset, "ground_truth", **GRID, progress=False, **nano)
    assert np.array_equal(raced.ious, swept[1].ious)
    dataset.delete()
