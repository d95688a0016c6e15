"""Results that an earlier version wrote are read, skipped, evaluated, explained and replaced.

The fixture is what version 7ea2cb6 made of four of the demo's photographs with three strategies, evaluated and
explained, as FiftyOne's own exporter wrote it, without the pictures: those come out of installed packages.
"""

import uuid
import zipfile
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from PIL import Image

from prompting.dataset import storage
from prompting.dataset.findings import load_findings
from prompting.dataset.judgements import load_comparison
from prompting.dataset.names import StrategyFields
from prompting.report.pictures import strategy_picture

FIXTURE = Path(__file__).parent / "fixtures" / "results_of_7ea2cb6.zip"
STRATEGIES = ("clip_points", "clip_iterative", "yolo_box")


@pytest.fixture(scope="module")
def imported(photographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("earlier")
    zipfile.ZipFile(FIXTURE).extractall(folder)
    dataset = fo.Dataset.from_dir(
        dataset_dir=str(folder), dataset_type=fo.types.FiftyOneDataset, name=f"earlier-{uuid.uuid4().hex[:8]}"
    )
    dataset.set_values("filepath", [str(photographs / Path(path).name) for path in dataset.values("filepath")])
    yield dataset
    dataset.delete()


@pytest.fixture
def earlier(imported):
    dataset = imported.clone()
    yield dataset
    dataset.delete()


def test_scores_and_parts_of_the_loss_are_found(imported):
    findings = load_findings(imported)
    assert set(findings.evaluated) == set(findings.errors) == set(STRATEGIES)
    for name in STRATEGIES:
        parts = np.sum(list(findings.errors[name].values()), axis=0)
        np.testing.assert_allclose(parts, 1 - findings.iou[name], atol=1e-4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_prompts_are_found(imported, strategy):
    fields = StrategyFields.of("sam2", strategy)
    for sample in imported:
        prompts = storage.prompts_in(sample, fields, 400, 600)
        assert bool(prompts) == (sample[fields.status] == "ok")
        assert all((prompt.box is None) == (strategy == "clip_points") for prompt in prompts.values())
        assert all(len(prompt.point_labels) > 0 for prompt in prompts.values() if strategy == "clip_points")
        image = Image.new("RGB", (300, 200))
        assert strategy_picture(sample, image, strategy, "sam2").size == image.size


def test_what_is_done_is_skipped_and_what_is_overwritten_leaves_no_old_prompt(earlier, apply_strategies, nano):
    given = {**nano, "encoder_precision": "float32", "progress": False}
    done = apply_strategies(earlier, strategies=["clip_points", "yolo_box"], existing="skip", **given)
    assert done.total == 0
    before = {sample.id: storage.clicks_in(sample, CLICKS) for sample in earlier}
    apply_strategies(earlier, strategies=["clip_points"], existing="overwrite", **given)
    earlier.reload()
    for sample in earlier:
        assert sample[CLICKS.points] is None
        now = storage.clicks_in(sample, CLICKS).keypoints
        assert [k.sam_labels for k in now] == [k.sam_labels for k in before[sample.id].keypoints]
        for one, other in zip(now, before[sample.id].keypoints, strict=True):
            assert np.allclose(one.points, other.points)


CLICKS = StrategyFields.of("sam2", "clip_points")


def test_evaluating_and_explaining_again_gives_the_same_numbers(earlier, evaluate_strategies):
    old, parts = load_comparison(earlier), load_findings(earlier).errors
    evaluate_strategies(earlier, "ground_truth", progress=False)
    for row in load_comparison(earlier).rows:
        assert row.mean_iou == pytest.approx(old[row.strategy].mean_iou, abs=1e-6)
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    explain(earlier, progress=False)
    earlier.reload()
    assert earlier.has_field("sam2_yolo_box_error.miss")
    for name, now in load_findings(earlier).errors.items():
        for part, values in now.items():
            np.testing.assert_allclose(values, parts[name][part], atol=1e-3)
