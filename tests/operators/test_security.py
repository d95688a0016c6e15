"""What a hostile request or dataset tries, and doesn't get."""

import asyncio
import pickle
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionError, execute_or_delegate_operator

from prompting import trust
from prompting.errors import PromptingError
from prompting.models.catalogue import load_sam2, load_yolo

PLUGIN = "@promptlab/sam2-prompting"
SCRIPT = "<img src=x onerror=alert(1)>"


class Payload:
    """What runs where it is unpickled."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


@pytest.fixture
def payload(tmp_path) -> tuple[Path, Path]:
    """A checkpoint that leaves a proof when it is unpickled."""
    proof, checkpoint = tmp_path / "proof", tmp_path / "evil.pt"
    checkpoint.write_bytes(pickle.dumps(Payload(proof)))
    pickle.loads(checkpoint.read_bytes())
    assert proof.exists(), "the payload is none"
    proof.unlink()
    return checkpoint, proof


@pytest.mark.parametrize("load", [lambda path: load_sam2(path, "cpu"), load_yolo])
def test_a_pickle_that_runs_code_is_not_run(load, payload, monkeypatch):
    monkeypatch.delenv(trust.CHECKPOINTS, raising=False)
    checkpoint, proof = payload
    with pytest.raises(PromptingError):
        load(str(checkpoint))
    assert not proof.exists()


def messages(operator: str, dataset, **params) -> str:
    """All that the App is told."""
    request = {"dataset_name": dataset.name, "params": params}
    result = asyncio.run(execute_or_delegate_operator(f"{PLUGIN}/{operator}", request, exhaust=True))
    return str(result.to_json())


@pytest.mark.parametrize("folder", ["/etc/report", "~/.ssh", "~/a/../b"])
def test_the_app_can_not_have_a_report_written_where_it_may_not_be(folder, applied_once, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(trust.WRITTEN, raising=False)
    ctx = foo.ExecutionContext({"dataset_name": applied_once.name, "params": {"folder": folder}})
    form = foo.get_operator(f"{PLUGIN}/export_comparison").resolve_type(ctx, "inputs").to_json()["type"]["properties"]
    assert form["problem"]["invalid"]
    with pytest.raises(ExecutionError, match="Path: problem"):  # a request without a form is held against it, too
        messages("export_comparison", applied_once, folder=folder)
    assert list(tmp_path.iterdir()) == []


def test_the_app_has_no_pickle_loaded(dataset, payload, nano):
    checkpoint, proof = payload
    params = {**nano, "strategies": ["yolo_box"], "classes": "person", "existing": "error"}
    with pytest.raises(ExecutionError, match="is a pickle, which can run code"):  # the form refuses it
        messages("apply_strategies", dataset, **{**params, "yolo_model": str(checkpoint)})
    messages("apply_strategies", dataset, **{**params, "sam2_model": str(checkpoint)})
    assert not proof.exists()


def test_what_a_dataset_holds_is_text_in_the_plots(explained_once):
    """Plotly reads a little HTML."""
    from prompting.analysis import figures
    from prompting.analysis.slices import slices_of
    from prompting.dataset.findings import load_findings

    findings = load_findings(explained_once)
    groups = slices_of([SCRIPT] * len(findings.sample_ids))
    drawn = figures.slices(findings, groups, findings.evaluated, dark=True)
    assert SCRIPT not in str(drawn) and "&lt;img" in str(drawn)


def test_class_names_are_text_in_the_fields(dataset, apply_strategies, nano):
    sample = dataset.first()
    sample.ground_truth.detections[0].label = SCRIPT
    sample.save()
    apply_strategies(
        dataset[:1], strategies=["field_box"], prompt_field="ground_truth", classes=[SCRIPT], progress=False, **nano
    )
    assert fo.load_dataset(dataset.name).mask_targets["sam2_field_box"] == {1: SCRIPT}
