"""``make check`` runs what needs no database and no model, and all of that."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDS_NOTHING = "tests/analysis/test_error_map.py"
IMPORTS_FIFTYONE = "tests/dataset/test_pages.py"


def test_whoever_asks_for_fiftyone_or_a_process_is_skipped_and_nobody_else():
    command = [sys.executable, "-m", "pytest", "-v", "-rs", NEEDS_NOTHING, IMPORTS_FIFTYONE, __file__]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PURE": "1"}, capture_output=True, text=True)
    assert "3 passed, 2 skipped" in done.stdout, done.stdout
    assert f"{NEEDS_NOTHING}::test_of_one_class_the_hits_share_of_all_is_the_iou PASSED" in done.stdout
    assert "imports fiftyone" in done.stdout and "starts a process" in done.stdout
