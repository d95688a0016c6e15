"""Real results to report on."""

from __future__ import annotations

import shutil
import uuid

import fiftyone as fo
import pytest

from prompting.analysis.findings import Findings
from prompting.dataset.findings import load_findings


@pytest.fixture
def findings(explained) -> Findings:
    return load_findings(explained)


@pytest.fixture
def hostile(explained, photographs, tmp_path):
    """The same with names that are HTML: of the dataset, of a photograph and of the class."""
    script = "<script>alert(1)</script>"
    explained.name = f"{script} {uuid.uuid4().hex[:8]}"
    sample = next(sample for sample in explained if sample.filename == "bus.jpg")
    path = tmp_path / "<img src=x onerror=alert(2)>.jpg"
    shutil.copyfile(sample.filepath, path)
    sample.filepath = str(path)
    sample.save()
    for field in ("sam2_clip_point", "sam2_yolo_box"):
        explained.mask_targets[field] = {1: "<svg onload=alert(3)>"}
    explained.save()
    return fo.load_dataset(explained.name)


@pytest.fixture(autouse=True)
def allowed(monkeypatch, tmp_path):
    """From the App, reports may be written below the tests' folders."""
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path))
