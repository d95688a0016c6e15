"""Real results to report on: two strategies on the demo's photographs, as applied, and as evaluated and explained."""

from __future__ import annotations

import shutil
import uuid

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from prompting.findings import Findings, load_findings

STRATEGIES = ["clip_point", "yolo_box"]


@pytest.fixture(scope="session")
def applied_once(photographs, apply_strategies, nano):
    from demo.dataset import make_dataset

    dataset = make_dataset(f"report-{uuid.uuid4().hex[:8]}", photographs)
    apply_strategies(dataset, strategies=STRATEGIES, progress=False, **nano)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="session")
def explained_once(applied_once, evaluate_strategies):
    dataset = applied_once.clone()
    evaluate_strategies(dataset, "ground_truth", progress=False)
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    explain(dataset, robustness=True, progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture
def applied(applied_once):
    """A dataset with results that nobody scored; of the test's own."""
    dataset = applied_once.clone()
    yield dataset
    dataset.delete()


@pytest.fixture
def explained(explained_once):
    """A dataset with everything that there is to report; of the test's own."""
    dataset = explained_once.clone()
    yield dataset
    dataset.delete()


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
