"""Masks in files: what reads them reads the same as from the database, and nobody's file is written over or removed."""

import os
import random
import signal
import time
import warnings
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.analysis.attribution import PARTS
from prompting.dataset import mask_files, mask_sweep, records
from prompting.dataset.lock import run_lock
from prompting.dataset.mask_files import MaskFiles
from prompting.dataset.names import StrategyFields, run_key
from prompting.dataset.rendered import files_beside
from prompting.dataset.saving import writing
from prompting.errors import PromptingError
from prompting.labels.instances import instance_window
from prompting.labels.stored import label_map_of
from prompting.plan import Plan
from prompting.runs.application import apply
from prompting.runs.outlining import outline_labels
from prompting.runs.removal import remove_results
from prompting.runs.review import Review
from tests.copies import copy_of
from tests.operators.asking import form
from tests.operators.asking import run as run_as_the_app

PLUGIN = "@promptlab/sam2-prompting"
NAMES = ("clip_point", "yolo_box")
FIELDS = StrategyFields.of("sam2", "yolo_box")
OURS = [name for one in NAMES for name in mask_sweep.strategy_paths("sam2", one)]


def run(operator: str, dataset, *args, **params):
    return foo.get_operator(f"{PLUGIN}/{operator}")(dataset, *args, progress=False, **params)


def files(folder) -> set[Path]:
    return {path for path in Path(folder).rglob("*") if path.is_file()}


def named(dataset) -> set[Path]:
    """All files that its documents name."""
    return {Path(path) for sample in dataset._sample_collection.find() for path in mask_files.paths_in(sample)}


def masks(dataset, fields: StrategyFields = FIELDS) -> dict[str, list[bytes]]:
    """Each picture's mask and its instances', with their types and sizes."""
    read = {}
    for sample in dataset.select_fields([fields.mask, fields.instances]):
        label_map, found = label_map_of(sample[fields.mask]), sample[fields.instances]
        windows = [instance_window(one, *label_map.shape) for one in (found.detections if found else ())]
        read[sample.filename] = [one.tobytes() for one in (label_map, *(window.full() for window in windows))]
        assert label_map.dtype == np.uint8
    return read


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("masks")


@pytest.fixture(scope="module")
def on_disk_once(made_once, nano, folder):
    """What ``applied_once`` is, with all masks in files; nobody changes it."""
    dataset = copy_of(made_once)
    run("apply_strategies", dataset, strategies=list(NAMES), mask_dir=folder, **nano)
    yield dataset
    dataset.delete()


@pytest.fixture
def on_disk(applied, tmp_path):
    """One strategy's on three of the photographs, and the folder that they are in, as a run leaves them."""
    dataset, key = applied, run_key("sam2", "yolo_box")
    dataset.delete_samples(dataset[3:])
    place = MaskFiles.of(dataset, str(tmp_path), None)
    with writing(dataset, files=place) as writer:
        for sample in dataset:
            writer.write(sample.id, {name: sample[name] for name in (FIELDS.mask, FIELDS.instances)}, sample.filepath)
    config = dataset.get_run_info(key).config
    config.mask_dirs, config.asked = [str(tmp_path)], {**config.asked, "mask_dir": str(tmp_path)}
    dataset.update_run_config(key, config)
    return dataset, tmp_path


def again(nano, **params) -> Plan:
    return Plan(**{**nano, "strategies": ("yolo_box",), "existing": "skip", **params})


# the same, wherever masks are


def test_masks_are_those_of_the_database_to_the_byte(on_disk_once, applied_once, folder):
    for one in NAMES:
        assert masks(on_disk_once, StrategyFields.of("sam2", one)) == masks(
            applied_once, StrategyFields.of("sam2", one)
        )
    assert files(folder) == named(on_disk_once)
    assert all("mask" not in sample[FIELDS.mask] for sample in on_disk_once._sample_collection.find())
    for path in files(folder):
        own, field, digits, name = path.relative_to(folder).parts
        assert (own, name[22:24]) == (str(on_disk_once._doc.id), digits) and field in OURS
    for sample, other in zip(on_disk_once, applied_once, strict=True):  # as FiftyOne reads them, too
        for one, same in zip(sample[FIELDS.instances].detections, other[FIELDS.instances].detections, strict=True):
            assert np.array_equal(one.get_mask(), same.get_mask())


def test_all_that_reads_masks_reads_the_same(on_disk_once, explained_once, folder, tmp_path):
    """The rendered truth too, which goes beside the strategies' masks."""
    ours, theirs = copy_of(on_disk_once), copy_of(explained_once)
    run("evaluate_strategies", ours, "ground_truth")
    assert set(map(Path, ours.values("sam2_truth.mask_path"))) == files(folder / str(ours._doc.id))
    run("explain_strategies", ours)
    for dataset in (ours, theirs):
        run("measure_agreement", dataset)
        run("show_errors", dataset, "yolo_box")
        run("finish_labels", dataset, "union", list(NAMES), name="mine")
    scores = [
        "sam2_eval_yolo_box_iou",
        "sam2_eval_clip_point_boundary_iou",
        "sam2_agreement",
        *(f"sam2_clip_point_error.{part}" for part in PARTS),
    ]
    for name in scores:
        assert ours.values(name) == theirs.values(name), name
    assert any(ours.values(scores[0]))
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a["sam2_overlay"].mask, b["sam2_overlay"].mask)
        assert np.array_equal(a["mine"].mask, b["mine"].mask)
    export = foo.get_operator(f"{PLUGIN}/export_comparison")
    (page, table, _), (_, same, _) = export(ours, tmp_path / "a"), export(theirs, tmp_path / "b")
    written = same.read_text()
    for here, there in zip(ours.values("id"), theirs.values("id")):  # whose samples another worker may have made
        written = written.replace(there, here)
    assert table.read_text() == written and page.stat().st_size > 100_000
    list(remove_results(ours))
    assert files(folder) == named(on_disk_once)
    ours.delete()
    theirs.delete()


def test_they_leave_fiftyone_as_from_the_database(on_disk_once, applied_once, tmp_path):
    for at, dataset in (("a", on_disk_once), ("b", applied_once)):
        kind = fo.types.ImageSegmentationDirectory
        dataset.export(str(tmp_path / at), dataset_type=kind, label_field=FIELDS.mask, export_media=False)
    pictures = sorted(path.relative_to(tmp_path / "a") for path in files(tmp_path / "a"))
    assert len(pictures) == 6
    for path in pictures:
        a, b = (fo.Segmentation(mask_path=str(tmp_path / at / path)).get_mask() for at in "ab")
        assert np.array_equal(a, b)


def test_pictures_keep_their_folders_below_rel_dir(on_disk_once, tmp_path):
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(f"/data/{name}.jpg") for name in ("day/1", "day/late/1", "2")])
    there = MaskFiles.of(dataset, str(tmp_path), "/data")
    paths = [there.write("f", one.id, one.filepath, "0" * 24, np.eye(3, dtype=bool)) for one in dataset]
    assert [Path(path).relative_to(tmp_path / str(dataset._doc.id) / "f").parent for path in paths] == [
        Path("day"),
        Path("day/late"),
        Path(),
    ]
    assert Plan(mask_dir=tmp_path, rel_dir="/data/day/../").rel_dir == "/data"
    with pytest.raises(PromptingError, match=r"is no folder of /data/2.jpg, nor of 0 others of 3 pictures"):
        MaskFiles.of(dataset, str(tmp_path), "/data/day")
    dataset.delete()


@pytest.mark.parametrize("top", [1, 254, 255, 65535])
def test_a_file_holds_every_value_of_a_label_map(top, tmp_path):
    values = np.array([[0, 1, top]], np.uint8 if top < 256 else np.int64)
    path = MaskFiles(str(tmp_path)).write("f", "1" * 24, "", "0" * 24, values)
    read = fo.Segmentation(mask_path=path).get_mask()
    assert np.array_equal(read, values) and read.dtype == (np.uint8 if top < 256 else np.uint16)


# what is asked for


def test_a_folder_that_can_not_be_is_refused_before_any_work(applied_once, tmp_path, nano):
    (tmp_path / "file").write_text("somebody's")
    own = tmp_path / "mine" / str(applied_once._doc.id)
    own.parent.mkdir()
    own.write_text("somebody's")
    wrong = {
        tmp_path / "file": "is a file",
        tmp_path / "not" / "there": "is not there; make it first",
        own.parent: "is a file",
    }
    for folder, words in wrong.items():
        with pytest.raises(PromptingError, match=words) as refused:
            next(apply(applied_once, again(nano, mask_dir=folder, existing="overwrite")))
        assert refused.value.parameter == "mask_dir"
    for given, words in (({"rel_dir": "/data"}, "name that too"), ({"mask_dir": 3}, "must be a folder's path")):
        with pytest.raises(PromptingError, match=words):
            Plan(**given)


def test_the_app_may_write_masks_where_it_may_write_reports(applied_once, nano, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAM2_PROMPTING_REPORTS", raising=False)
    params = {"strategies": ["yolo_box"], "classes": "person", "existing": "overwrite", "advanced": True, **nano}
    for folder in ("/etc/masks", "~/.hidden", "~/a/../b"):
        asked = form("apply_strategies", applied_once, {**params, "mask_dir": folder})
        assert asked["problem"]["invalid"] and asked["mask_dir"]["invalid"]
        for name, more in (("apply_strategies", params), ("finish_labels", {"strategy": "yolo_box"})):
            with pytest.raises(ValueError, match=r"may be written|hidden|goes up"):
                run_as_the_app(name, applied_once, {**more, "mask_dir": folder})
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path))
    asked = form("apply_strategies", applied_once, {**params, "mask_dir": str(tmp_path / "masks")})
    assert "problem" not in asked and "rel_dir" in asked


def test_labels_begin_with_the_folder_of_the_strategies_masks(on_disk, monkeypatch):
    dataset, folder = on_disk
    for allowed, begins in ((folder, str(folder)), (folder / "elsewhere", None)):
        monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(allowed))
        assert form("finish_labels", dataset)["mask_dir"]["default"] == begins


# done again


def test_results_that_are_there_are_kept_and_one_whose_file_is_gone_is_done_again(on_disk, nano):
    dataset, folder = on_disk
    before, there = masks(dataset), files(folder)
    assert [step.total for step in apply(dataset, again(nano, mask_dir=folder))] == [0]
    asked = {
        FIELDS.mask: ("mask", lambda: run("evaluate_strategies", dataset, "ground_truth")),
        FIELDS.instances: ("instances", lambda: run("finish_labels", dataset, "one", "yolo_box")),
    }
    for field, (what, ask) in asked.items():
        Path(paths(dataset, field)[0]).unlink()
        with pytest.raises(ValueError, match=f"1 of 3 samples have no {what} of 'yolo_box' any more, the first"):
            ask()
        assert list(apply(dataset, again(nano, mask_dir=folder)))[-1].total == 1
        dataset.reload()
        assert masks(dataset) == before
        assert files(folder) == named(dataset) and len(files(folder)) == len(there)


def test_what_is_replaced_leaves_no_file_and_nobody_elses_goes(on_disk, nano):
    dataset, folder = on_disk
    before, there = masks(dataset), files(folder)
    theirs = [next(iter(there)).with_name("somebody.png"), folder / "notes.txt"]
    for path in theirs:
        path.write_text("somebody's")
    left = next(iter(there)).with_name(f".{'a' * 24}_{'b' * 24}.part")
    left.write_text("half")
    list(apply(dataset, again(nano, existing="overwrite", mask_dir=folder)))
    dataset.reload()
    assert masks(dataset) == before
    assert files(folder) == {*named(dataset), *theirs} and not files(folder) & there
    list(apply(dataset, again(nano, existing="overwrite")))  # into the database
    dataset.reload()
    assert masks(dataset) == before and files(folder) == set(theirs)


def test_a_folder_that_is_gone_in_the_middle_ends_the_run_with_a_sentence(on_disk, nano, monkeypatch):
    dataset, folder = on_disk
    before, put, calls = masks(dataset), mask_files._put, []

    def full(path, data):
        calls.append(path)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        put(path, data)

    monkeypatch.setattr(mask_files, "_put", full)
    with pytest.raises(PromptingError, match=r"Masks can't be written to .*No space left"):
        list(apply(dataset, again(nano, existing="overwrite", mask_dir=folder)))
    monkeypatch.undo()
    dataset.reload()
    assert masks(dataset) == before  # old or new, all of it
    assert records.is_unswept(dataset, "sam2_yolo_box") and files(folder) > named(dataset)
    assert list(apply(dataset, again(nano)))[-1].total == 0  # there was nothing to do but this
    assert files(folder) == named(dataset) and not records.is_unswept(dataset, "sam2_yolo_box")


def test_what_an_evaluation_renders_goes_beside_the_strategies_masks(on_disk, tmp_path, monkeypatch):
    """The truth, its instances, and another model's masks; from the App only where the App may write."""
    dataset, folder = on_disk
    dataset.clone_sample_field("ground_truth", "theirs")
    asked, before = dict(strategies=["yolo_box"], fields=["theirs"]), files(folder)
    run("evaluate_strategies", dataset, "ground_truth", patches=True, **asked)
    there = {name: set(map(Path, paths(dataset, name))) for name in ("sam2_truth", "sam2_theirs", "sam2_truth_objects")}
    assert all(there.values()) and files(folder) == named(dataset)
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path / "elsewhere"))
    run_as_the_app("evaluate_strategies", dataset, {"gt_field": "ground_truth", "advanced": True, **asked})
    dataset.reload()
    assert not paths(dataset, "sam2_truth") and not paths(dataset, "sam2_theirs")
    assert files(folder) == named(dataset) == before | there["sam2_truth_objects"]
    assert files_beside(dataset, "sam2", ["yolo_box"]).folder == str(folder / str(dataset._doc.id))
    folder.rename(tmp_path.with_name("moved"))  # and the documents changed, say
    assert files_beside(dataset, "sam2", ["yolo_box"]) is None


# removed


def test_results_whose_record_is_gone_go_with_their_files(on_disk):
    dataset, folder = on_disk
    dataset.delete_run("sam2_yolo_box")
    assert len(run("remove_results", dataset).files) == 2
    list(remove_results(dataset))
    assert not files(folder)


def test_removing_takes_these_files_alone(on_disk, nano):
    dataset, folder = on_disk
    run("finish_labels", dataset, "one", "yolo_box", name="mine", mask_dir=folder)
    kept = {Path(path) for one in ("mine", "mine_instances") for path in paths(dataset, one)}
    theirs = folder / str(dataset._doc.id) / FIELDS.mask / "theirs.png"
    theirs.write_text("somebody's")
    found = run("remove_results", dataset)
    assert len(found.files) == 2 and "files of masks in" in str(found)
    next(iter(files(folder) - kept - {theirs})).unlink()  # by hand
    list(remove_results(dataset))
    assert files(folder) == {*kept, theirs} and not (folder / str(dataset._doc.id) / FIELDS.instances).exists()
    theirs.unlink()
    list(remove_results(dataset, labels="mine"))
    assert list((folder).rglob("*")) == [theirs.parent.parent, theirs.parent]  # which isn't empty of itself


def paths(dataset, field: str) -> list[str]:
    several = dataset.get_field(field).document_type is fo.Detections
    found = dataset.values(f"{field}.detections.mask_path" if several else f"{field}.mask_path", unwind=several)
    return [path for path in found if path]


def test_what_another_dataset_names_stays(on_disk, nano):
    dataset, folder = on_disk
    before, there = masks(dataset), files(folder)
    clone = dataset.clone()
    dataset.clone_sample_field(FIELDS.mask, "kept")
    *_, removed = remove_results(dataset)
    assert f"{len(there)} files of masks stay" in str(removed) and clone.name in str(removed)
    assert masks(clone) == before and files(folder) == there
    list(apply(clone, again(nano, existing="overwrite", mask_dir=folder)))  # goes to a folder of its own
    clone.reload()
    assert masks(clone) == before and files(folder) == {*there, *named(clone)}
    *_, removed = remove_results(clone)
    assert files(folder) == there
    assert all(Path(path).exists() for path in paths(dataset, "kept"))
    clone.delete()


def test_a_folder_that_is_not_there_is_told(on_disk):
    dataset, folder = on_disk
    away = folder.with_name(f"{folder.name}-away")
    folder.rename(away)
    *_, removed = remove_results(dataset)
    assert f"The folder {folder} isn't there" in str(removed) and not dataset.has_sample_field(FIELDS.mask)


# finished labels


def test_a_review_takes_back_what_was_in_files(on_disk, nano):
    dataset, folder = on_disk
    run("finish_labels", dataset, "one", "yolo_box", name="mine", mask_dir=folder)
    list(remove_results(dataset))
    review, one = Review(dataset, "mine"), dataset.first().id
    before = review.masks(one).label_map
    assert before.any()
    review.drop(one, *[found.id for found in review.look(one).instances])
    assert not review.masks(one).label_map.any()
    run("apply_strategies", dataset, strategies=["yolo_box"], mask_dir=folder, **nano)
    dataset.set_values("mine_status", ["edited", "to review", "to review"])
    run("finish_labels", dataset, "one", "yolo_box", name="mine", mask_dir=folder, existing="overwrite")
    dataset.set_values("mine_status", ["edited", "to review", "to review"])
    assert files(folder) >= named(dataset) and len(files(folder)) > len(named(dataset))  # Undo's
    review.undo()
    assert np.array_equal(review.masks(one).label_map, before)
    Path(dataset.first()["mine"].mask_path).unlink()
    with pytest.raises(PromptingError, match="A mask can't be read"):
        review.look(one)
    with pytest.raises(PromptingError, match="1 of 3 samples have no file of their mask in 'mine' any more"):
        outline_labels(dataset, "mine")


# killed


def test_a_process_that_is_killed_at_random_moments_leaves_every_sample_whole(on_disk):
    """Results of the same pictures, written again and again; orphans are all that may be left."""
    dataset, folder = on_disk
    place, rng, killed = MaskFiles.of(dataset, str(folder), None), random.Random(0), 0
    samples = [(sample.id, sample[FIELDS.mask].get_mask()) for sample in dataset]
    for _ in range(12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                write_forever(dataset, samples, place)
            finally:
                os._exit(0)
        time.sleep(rng.uniform(0.02, 0.25))
        os.kill(pid, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0
        for sample in dataset._sample_collection.find({}, {FIELDS.mask: 1, FIELDS.score: 1}):
            label_map = label_map_of(fo.Segmentation(mask_path=sample[FIELDS.mask]["mask_path"]))
            assert label_map.max() == (sample[FIELDS.score] if sample[FIELDS.score] > 1 else label_map.max())
    assert killed == 12
    dataset.reload()
    with run_lock(dataset, "sam2", "sweeping"):
        mask_sweep.sweep_strategies(dataset, "sam2", ["yolo_box"])
    assert files(folder) == named(dataset)


def write_forever(dataset, samples, place):
    """Masks of one value each time, and the value beside."""
    for value in range(2, 250):
        with writing(dataset, files=place) as writer:
            for sample_id, mask in samples:
                filled = np.full_like(mask, value)
                writer.write(sample_id, {FIELDS.mask: fo.Segmentation(mask=filled), FIELDS.score: float(value)})
