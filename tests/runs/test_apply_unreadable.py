"""Pictures that can't be read, or done, say why; the others are done."""

import shutil
from pathlib import Path

import fiftyone as fo
import pytest

from prompting.pixels.label_map import LabelMap
from prompting.results import NO_PROMPT, OK
from tests.runs.applying import (
    PEOPLE,
    run,
)

# pictures that can't be read


@pytest.fixture
def damaged(photographs, tmp_path):
    """Two good pictures and three bad ones between them."""
    for name in PEOPLE[:2]:
        shutil.copy(photographs / name, tmp_path / name)
    (tmp_path / "cut.jpg").write_bytes((photographs / "bus.jpg").read_bytes()[:20_000])
    (tmp_path / "text.jpg").write_text("no picture at all")
    paths = [tmp_path / name for name in ("bus.jpg", "cut.jpg", "text.jpg", "missing.jpg", "zidane.jpg")]
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(str(path)) for path in paths])
    yield dataset
    dataset.delete()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_unreadable_pictures_are_reported_and_the_others_are_done(damaged, batch_size):
    steps = run(damaged, strategies=("yolo_box",), batch_size=batch_size)
    assert (steps[-1].done, steps[-1].total, steps[-1].failed) == (5, 5, 3)
    first, *bad, last = damaged.values("sam2_yolo_box_status")
    assert (first, last) == (OK, OK)
    assert all(status.startswith("error: the picture can't be read") for status in bad)
    assert "missing.jpg" in bad[2]
    assert len(damaged.exists("sam2_yolo_box")) == 2
    config = damaged.get_run_info("sam2_yolo_box").config
    assert (config.images, config.images_failed) == (2, 3)


def test_a_picture_that_can_be_read_again_is_done_by_skip(damaged):
    run(damaged, strategies=("yolo_box",))
    path = Path(damaged.first().filepath)
    shutil.copy(path, path.with_name("missing.jpg"))
    steps = run(damaged, strategies=("yolo_box",), existing="skip")
    assert (steps[-1].total, steps[-1].failed) == (3, 2)
    assert damaged.values("sam2_yolo_box_status")[3] == OK


def test_an_error_never_replaces_a_result(damaged):
    run(damaged[:1], strategies=("yolo_box",))
    before = damaged.first().to_dict()
    Path(damaged.first().filepath).unlink()
    steps = run(damaged[:1], strategies=("yolo_box",), existing="overwrite")
    assert steps[-1].failed == 1
    damaged.reload()
    after = damaged.first().to_dict()
    assert {**after, "last_modified_at": 0} == {**before, "last_modified_at": 0}


def test_a_mask_that_there_is_no_memory_to_paint_fails_alone(dataset, monkeypatch):
    """The fault is forced: it would take a limit that lies between deciding on a mask and painting it."""
    full, painted = LabelMap.full, []

    def run_out(self):
        painted.append(self)
        if len(painted) == 2:
            raise MemoryError
        return full(self)

    monkeypatch.setattr(LabelMap, "full", run_out)
    steps = run(dataset, strategies=("yolo_box",))
    assert (steps[-1].done, steps[-1].total, steps[-1].failed) == (6, 6, 1)
    statuses = dataset.values("sam2_yolo_box_status")
    assert statuses[1].startswith("error: not enough memory for this picture of ")
    assert {*statuses[:1], *statuses[2:]} == {OK, NO_PROMPT}
    assert len(dataset.exists("sam2_yolo_box")) == len(dataset.exists("sam2_yolo_box_instances")) == 5
    monkeypatch.undo()
    steps = run(dataset, strategies=("yolo_box",), existing="skip")
    assert (steps[-1].total, steps[-1].failed) == (1, 0)


def test_a_run_in_which_everything_failed_claims_no_cost(damaged):
    run(damaged[1:4], strategies=("yolo_box",))
    config = damaged.get_run_info("sam2_yolo_box").config
    assert (config.images, config.seconds_per_image, config.decoder_calls_per_image) == (0, None, None)
