"""The report's files: what is in them, and that nothing is written over."""

import csv
import json
import os
import resource
import stat

import numpy as np
import pytest

from prompting.analysis.attribution import PARTS
from prompting.dataset.findings import load_findings
from prompting.errors import PromptingError
from prompting.report import export, files

NAMES = ["comparison.html", "comparison.csv", "comparison.json"]


@pytest.fixture
def written(findings, explained, tmp_path):
    return {path.suffix: path for path in export(findings, explained, tmp_path / "report")}


def listing(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_folder_is_made_and_holds_the_three_files_and_nothing_else(written, tmp_path):
    assert sorted(os.listdir(tmp_path / "report")) == sorted(NAMES)
    assert [path.name for path in written.values()] == NAMES


def test_the_files_can_be_read_by_whom_the_umask_lets(written):
    umask = os.umask(0)
    os.umask(umask)
    assert {stat.S_IMODE(path.stat().st_mode) for path in written.values()} == {0o666 & ~umask}


def test_the_csv_has_every_sample_and_strategy_once(written, explained):
    rows = list(csv.DictReader(written[".csv"].open(encoding="utf-8")))
    keys = {(row["sample_id"], row["strategy"]) for row in rows}
    assert keys == {(i, s) for i in explained.values("id") for s in ("clip_point", "yolo_box")}
    assert len(rows) == len(keys) == 12
    assert {row["file_name"] for row in rows} == {sample.filename for sample in explained}


def test_the_csv_has_the_dataset_s_numbers(written, explained):
    rows = {(r["sample_id"], r["strategy"]): r for r in csv.DictReader(written[".csv"].open(encoding="utf-8"))}
    for sample in explained:
        row = rows[sample.id, "clip_point"]
        assert float(row["iou"]) == sample["sam2_eval_clip_point_iou"]
        assert float(row["agreement"]) == sample["sam2_agreement"]
        assert row["status"] == sample["sam2_clip_point_status"]
        assert (row["score"] == "") == (sample["sam2_clip_point_score"] is None)
        assert sum(float(row[part]) for part in PARTS) == pytest.approx(1 - float(row["iou"]))


def test_cells_are_empty_where_nothing_is_known(applied, tmp_path):
    _, path, _ = export(load_findings(applied), applied, tmp_path)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert {row["iou"] for row in rows} == {row["miss"] for row in rows} == {row["agreement"] for row in rows} == {""}
    assert all(row["status"] for row in rows)


def test_the_json_has_tables_and_curves_and_no_nan(written, findings):
    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(written[".json"].read_text(encoding="utf-8"), parse_constant=refuse)
    best = findings.comparison.rows[0]
    assert document["comparison"]["rows"][0]["strategy"] == best.strategy
    assert document["comparison"]["rows"][0]["mean_iou"] == best.mean_iou
    assert len(document["robustness"]) == len(findings.curves) > 0
    assert document["runs"]["yolo_box"]["sam2_model"] == "nano"
    losses = document["errors"]["clip_point"]
    assert sum(losses.values()) == pytest.approx(1 - np.mean(findings.iou["clip_point"]))


def test_numbers_that_are_not_known_become_null():
    assert files._plain({"a": [float("nan"), 1.0], "b": (float("inf"),)}) == {"a": [None, 1.0], "b": [None]}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_there_is_kept_and_nothing_is_written(findings, explained, tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(PromptingError, match=f"{name} is there already"):
        export(findings, explained, tmp_path)
    assert listing(tmp_path) == {name: b"precious"}


def test_overwriting_when_asked_replaces_the_files_and_leaves_others(findings, explained, tmp_path):
    for name in (*NAMES, "other.txt"):
        (tmp_path / name).write_text("old")
    export(findings, explained, tmp_path, overwrite=True)
    after = listing(tmp_path)
    assert after.pop("other.txt") == b"old"
    assert sorted(after) == sorted(NAMES)
    assert b"old" not in after.values()


def test_a_file_that_appears_while_the_pictures_are_drawn_is_kept(findings, explained, tmp_path, monkeypatch):
    def slow(*args):
        (tmp_path / "comparison.csv").write_text("precious")
        return "<html>"

    monkeypatch.setattr(files.page, "render", slow)
    with pytest.raises(PromptingError, match="is there already"):
        export(findings, explained, tmp_path)
    assert listing(tmp_path) == {"comparison.csv": b"precious"}


def test_a_disk_that_fills_leaves_the_old_report_whole(findings, explained, tmp_path):
    export(findings, explained, tmp_path)
    before = listing(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["comparison.html"]) // 2, limits[1]))
    try:
        with pytest.raises(PromptingError, match="can't be written to"):
            export(findings, explained, tmp_path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("make", "folder", "words"),
    [
        (lambda root: None, "missing/report", "is not there; make it first"),
        (lambda root: (root / "report").write_text(""), "report", "is a file"),
        (lambda root: (root / "comparison.csv").mkdir(), ".", "is a folder"),
    ],
    ids=["no parent", "a file", "a folder in the place of a file"],
)
def test_places_that_cannot_hold_a_report_are_refused_before_anything_is_written(
    findings, explained, tmp_path, make, folder, words
):
    make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PromptingError, match=words):
        export(findings, explained, tmp_path / folder, overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("folder", ["", "  "])
def test_a_folder_has_to_be_named(folder):
    with pytest.raises(PromptingError, match="Name a folder"):
        files.check_paths(folder, overwrite=True)


@pytest.mark.parametrize("name", ["../comparison", "a/b", ""])
def test_a_name_cannot_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(PromptingError, match="without folders"):
        files.check_paths(tmp_path, overwrite=True, name=name)


def test_a_home_directory_s_tilde_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.check_paths("~/report", overwrite=False)[0] == tmp_path / "report" / "comparison.html"
