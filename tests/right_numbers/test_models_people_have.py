"""A model is what its file holds: a checkpoint that was trained again is another one, be its path the same."""

import os
import re
import shutil
import uuid
import weakref

import fiftyone as fo
import numpy as np
import pytest
import skimage.io
import torch
from safetensors.torch import load_file, save_file

from prompting.dataset.records import recorded
from prompting.models import catalogue, checkpoints
from prompting.models.checkpoints import YOLO_DETECT, YOLO_SEGMENT
from prompting.models.files import sha256_of
from prompting.models.slot import one_model
from prompting.priors.base import Picture
from prompting.priors.yolo import YoloPrior
from prompting.runs.explanation import explain
from tests.copies import copy_of

OVERWRITE = r"overwrite them all or choose another prefix\.$"


def retrain(path, sign: float = -1.0) -> None:
    """Another training's weights in the same file, of the same size."""
    stored = torch.load(path, weights_only=False)
    with torch.no_grad():
        for parameter in stored["model"].model[-1].parameters():
            parameter.mul_(sign)
    torch.save(stored, path)


# --- in one process ---


def test_a_retrained_detector_is_loaded_again(own_yolo, photographs, no_models):
    picture = Picture("bus", "bus.jpg", skimage.io.imread(photographs / "bus.jpg"))
    old = catalogue.load_yolo(str(own_yolo))
    assert catalogue.load_yolo(str(own_yolo)) is old
    assert len(YoloPrior(old, ["person"]).find([picture])[0]) >= 3
    retrain(own_yolo)
    new = catalogue.load_yolo(str(own_yolo))
    assert new is not old
    assert YoloPrior(new, ["person"]).find([picture]) == [[]]


def test_a_retrained_sam2_is_loaded_again(tmp_path, monkeypatch, no_models):
    """Read by its content; how large it is built doesn't matter here."""
    path = tmp_path / "sam2.pt"
    monkeypatch.setattr("prompting.models.catalogue.build_official_sam2", lambda path: torch.load(path))
    monkeypatch.setattr("prompting.segmentation.segmenter.Segmenter", lambda model, device, name: model["weight"])
    torch.save({"weight": torch.zeros(3)}, path)
    assert not catalogue.load_sam2(str(path), "cpu").any()
    torch.save({"weight": torch.ones(3)}, path)
    assert catalogue.load_sam2(str(path), "cpu").all()


def test_retrained_bundled_weights_are_loaded_again(tmp_path, monkeypatch, no_models):
    """Who trains nano anew sees the new one, of CLIP too."""
    path = tmp_path / "nano_clip.safetensors"
    shutil.copy(catalogue.NANO_CLIP, path)
    monkeypatch.setattr(catalogue, "NANO_CLIP", path)
    old = catalogue.load_clip("nano", "cpu")
    assert catalogue.load_clip("nano", "cpu") is old
    state = load_file(path)
    state["logit_scale"] = state["logit_scale"] * 0
    save_file(state, path)
    assert catalogue.load_clip("nano", "cpu")[0].logit_scale == 0


def test_an_official_checkpoint_that_was_exchanged_is_not_loaded(tmp_path, monkeypatch, no_models):
    """Its SHA-256 is looked at again when the file changes."""
    shutil.copy(checkpoints.checkpoint(YOLO_DETECT), tmp_path)
    monkeypatch.setenv("SAM2_PROMPTING_WEIGHTS", str(tmp_path))
    catalogue.load_yolo("nano")
    (tmp_path / YOLO_DETECT).write_bytes(b"something else")
    with pytest.raises(ValueError, match="is not YOLO's official checkpoint"):
        catalogue.load_yolo("nano")


def test_a_file_of_the_same_size_is_another_by_its_time(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"one")
    first = sha256_of(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 2))
    assert sha256_of(path) != first
    assert sha256_of(tmp_path / "none.pt") is sha256_of(tmp_path) is None


def test_the_last_model_is_let_go_before_the_next_is_loaded(tmp_path):
    made = weakref.WeakSet()

    @one_model(lambda name: (tmp_path / name,))
    def load(name):
        assert not made, "two models at once"
        model = type("Weights", (), {})()
        made.add(model)
        return model

    load("a")
    load("a")
    load("b")  # not there yet
    (tmp_path / "b").write_text("fetched")
    load("b")


# --- in another process: what the record says ---


@pytest.fixture
def half_done(dataset, apply_strategies, nano, own_yolo):
    """Three of six photographs done with a detector of one's own."""
    call = {**nano, "strategies": ["yolo_box"], "yolo_model": str(own_yolo), "progress": False}
    apply_strategies(dataset[:3], **call)
    return dataset, call


def test_other_weights_under_the_same_path_are_refused(half_done, apply_strategies, own_yolo):
    dataset, call = half_done
    assert recorded(dataset, "sam2", "yolo_box")["yolo_sha256"] == sha256_of(own_yolo)
    apply_strategies(dataset[:4], existing="skip", **call)
    retrain(own_yolo)
    other = r"4 samples .*other weights than yolo_model=.*mine\.pt' has now \(SHA-256"
    with pytest.raises(ValueError, match=other):
        apply_strategies(dataset, existing="skip", **call)
    with pytest.raises(ValueError, match=OVERWRITE):
        apply_strategies(dataset[:2], existing="overwrite", **call)
    assert dataset.count("sam2_yolo_box_status") == 4
    apply_strategies(dataset, existing="overwrite", **call)


def test_the_weights_that_were_taken_are_named_where_others_are_asked_for(half_done, apply_strategies):
    """One asks for the bundled detector where the dataset has the results of another: which, to go on?"""
    dataset, call = half_done
    apply_strategies(dataset[:4], existing="skip", **call)
    with pytest.raises(ValueError, match=rf"but with those of yolo_model='{re.escape(str(call['yolo_model']))}': ask"):
        apply_strategies(dataset, existing="skip", **{**call, "yolo_model": YOLO_SEGMENT})


def test_the_same_weights_in_another_place_are_the_same(half_done, apply_strategies, own_yolo):
    dataset, call = half_done
    moved = own_yolo.rename(own_yolo.with_name("moved.pt"))
    apply_strategies(dataset[:4], existing="skip", **{**call, "yolo_model": str(moved)})
    apply_strategies(dataset[:5], existing="skip", **{**call, "yolo_model": "nano"})
    assert dataset.count("sam2_yolo_box_status") == 5


def test_records_of_earlier_versions_know_no_weights_and_are_not_refused_for_that(applied, apply_strategies, nano):
    run = applied.get_run_info("sam2_yolo_box")
    for name in ("sam2_sha256", "yolo_sha256", "yolo_imgsz"):
        delattr(run.config, name)
    applied.update_run_config("sam2_yolo_box", run.config)
    applied[:2].set_field("sam2_yolo_box_status", None).save("sam2_yolo_box_status")
    apply_strategies(applied, strategies=["yolo_box"], existing="skip", progress=False, **nano)
    assert recorded(applied, "sam2", "yolo_box")["yolo_sha256"] == checkpoints.SHA256[YOLO_DETECT]


def test_every_strategy_records_the_weights_that_it_takes_and_no_others(applied):
    clip, yolo = (recorded(applied, "sam2", name) for name in ("clip_point", "yolo_box"))
    assert clip["sam2_sha256"] == yolo["sam2_sha256"] == sha256_of(catalogue.NANO_SAM2)
    assert clip["clip_sha256"] == sha256_of(catalogue.NANO_CLIP)
    assert yolo["yolo_sha256"] == checkpoints.SHA256[YOLO_DETECT]
    assert "yolo_sha256" not in clip
    assert "clip_sha256" not in yolo


def test_errors_are_explained_by_the_weights_that_made_them_and_no_others(explained_once):
    dataset = copy_of(explained_once)
    try:
        run = dataset.get_run_info("sam2_yolo_box")
        run.config.sam2_sha256 = "0" * 64
        dataset.update_run_config("sam2_yolo_box", run.config)
        with pytest.raises(ValueError, match=r"'yolo_box' were made with other weights than 'nano' has now"):
            list(explain(dataset, ["yolo_box"], device="cpu"))
        with pytest.raises(ValueError, match="were made by different SAM 2 models"):
            list(explain(dataset, device="cpu"))
    finally:
        dataset.delete()


# --- results whose record stayed behind ---


def copied_by_add_collection(applied, photographs):
    copy = fo.Dataset()
    copy.add_collection(applied)
    return copy


def merged(applied, photographs):
    copy = fo.Dataset()
    copy.add_samples([fo.Sample(filepath=path) for path in applied.values("filepath")[:4]])
    copy.merge_samples(applied.exists("sam2_yolo_box_status"))
    return copy


def cloned_from_a_view(applied, photographs):
    return applied[:4].clone()


@pytest.mark.parametrize("copied", [copied_by_add_collection, merged, cloned_from_a_view])
def test_copied_results_are_of_unknown_origin(applied, photographs, copied, apply_strategies, nano, tmp_path):
    copy = copied(applied, photographs)
    try:
        assert not copy.list_runs()
        call = {**nano, "strategies": ["yolo_box"], "progress": False}
        copy.add_sample(fo.Sample(filepath=shutil.copy(photographs / "coffee.png", tmp_path)))
        with pytest.raises(ValueError, match=f"samples keep results of 'yolo_box' of unknown origin.*{OVERWRITE}"):
            apply_strategies(copy, existing="skip", **call)
        with pytest.raises(ValueError, match="of unknown origin"):
            apply_strategies(copy[:1], existing="overwrite", **call)
        apply_strategies(copy[:2], prefix="other", **call)
        apply_strategies(copy, existing="overwrite", **call)
        apply_strategies(copy, existing="skip", **call)  # known now
    finally:
        copy.delete()


def test_a_cloned_dataset_keeps_its_record(applied, apply_strategies, nano):
    applied[:2].set_field("sam2_yolo_box_status", None).save("sam2_yolo_box_status")
    apply_strategies(applied, strategies=["yolo_box"], existing="skip", progress=False, **nano)


def test_renamed_results_are_of_unknown_origin(applied, apply_strategies, nano):
    for name in [name for name in applied.get_field_schema() if name.startswith("sam2_yolo_box")]:
        applied.rename_sample_field(name, name.replace("sam2_", "mine_"))
    with pytest.raises(ValueError, match="of unknown origin"):
        apply_strategies(applied, strategies=["yolo_box"], prefix="mine", existing="skip", progress=False, **nano)


def test_results_whose_record_was_deleted_are_of_unknown_origin(applied, apply_strategies, nano):
    applied.delete_run("sam2_yolo_box")
    with pytest.raises(ValueError, match="of unknown origin"):
        apply_strategies(applied, strategies=["yolo_box"], existing="skip", progress=False, **nano)


def test_scores_of_copied_results_can_still_be_had(applied, evaluate_strategies):
    copy = applied.view().clone(f"copy-{uuid.uuid4().hex[:8]}")
    try:
        table = evaluate_strategies(copy, "ground_truth", progress=False)
        assert np.isfinite(table["yolo_box"].mean_iou)
    finally:
        copy.delete()
