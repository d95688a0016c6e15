"""What people open loads no model code: torch alone takes seconds to import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
OPERATORS = yaml.safe_load((ROOT / "fiftyone.yml").read_text())["operators"]
OPENED = """
import json, sys

def loaded():
    return [name for name in ("torch", "sam2", "open_clip", "ultralytics") if name in sys.modules]

found = {}
from prompting.plan import Plan
from prompting.models.availability import check_models, needed
assert len(needed(Plan())) == 3
check_models(Plan(sam2_model="nano", clip_model="nano", yolo_model="nano"))
found["models asked for"] = loaded()

import fiftyone as fo
from prompting.dataset.findings import load_findings
load_findings(fo.load_dataset(sys.argv[1]))
import prompting.analysis.figures, prompting.report.content
found["panel"] = loaded()

import fiftyone.operators as foo
import prompting.dataset.checks, prompting.dataset.storage, prompting.runs.evaluation
request = {"dataset_name": sys.argv[2], "params": {"strategies": ["clip_box", "yolo_box"]}}
operators = foo.list_operators(builtin=False, type="operator")
for operator in operators:
    operator.resolve_type(foo.ExecutionContext(request), "inputs")
found["forms"] = loaded()
print(json.dumps({"operators": len(operators), **found}))
"""


@pytest.fixture(scope="module")
def opened(explained_once, made_once) -> dict:
    """What a process has imported after each step."""
    datasets = [made.clone(persistent=True) for made in (explained_once, made_once)]  # or it would find nothing
    command = [sys.executable, "-c", OPENED, *(dataset.name for dataset in datasets)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=240)
    for dataset in datasets:
        dataset.delete()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("what", ["models asked for", "panel", "forms"])
def test_opening_it_loads_no_model_code(opened, what):
    assert opened[what] == [] and opened["operators"] == len(OPERATORS)
