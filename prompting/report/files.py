"""Writing the report: all of its files or none, and nothing over what is there without being asked."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import fiftyone as fo

from ..analysis.attribution import PARTS
from ..analysis.findings import Findings
from ..errors import PromptingError
from ..folders import check_folder
from . import content, page

SHELF = "sam2-prompting-reports"
"""The folder of reports for which nobody named one; it is made with the first."""
COLUMNS = ("sample_id", "file_name", "strategy", "status", "score", "iou", *PARTS, "agreement", "left_out", "taught")
REFERENCE = "reference"
"""In the last column but one: the picture has no score, for a strategy learned from it; in the last, it has one."""


def export(
    findings: Findings, dataset: fo.Dataset, folder: str | Path, overwrite: bool = False, name: str = "comparison"
) -> list[Path]:
    """Write the comparison as ``<name>.html`` (one page that needs no network), ``.csv`` and ``.json``.

    The CSV has one row a sample and strategy, empty where something isn't known; of ``reference`` pictures, on which a
    strategy learned, and which therefore have no score, ``left_out`` says so, and ``taught`` of those that were scored
    nevertheless. The JSON has the tables and curves.

    Args:
        findings: of the dataset
        dataset: for the photographs, masks and the recorded parameters
        folder: where to write; it is made if its parent is there
        overwrite: replace files of these names
        name: of the files, without a suffix

    Returns:
        the three paths

    Raises:
        PromptingError: files that are there already, or a folder that can't be written to
    """
    paths = check_paths(folder, overwrite, name)
    when = datetime.now().astimezone()
    texts = (page.render(findings, dataset, when), as_csv(findings, dataset), as_json(findings, dataset, when))
    check_paths(folder, overwrite, name)  # the pictures took a while
    _write(dict(zip(paths, texts, strict=True)))
    return paths


def check_paths(folder: str | Path, overwrite: bool, name: str = "comparison") -> list[Path]:
    """The files that an export writes, with absolute paths.

    Raises:
        PromptingError: why it can't
    """
    if not name or Path(name).name != name:
        raise PromptingError(f"The report's name {name!r} must be a file's name without folders.")
    folder = check_folder(folder, "the report", SHELF)
    paths = [folder / f"{name}.{suffix}" for suffix in ("html", "csv", "json")]
    for path in paths:
        if path.is_dir():
            raise PromptingError(f"{path} is a folder; name another one to write the report to.")
        if path.exists() and not overwrite:
            raise PromptingError(f"{path} is there already; name another folder, or choose overwrite to replace it.")
    return paths


def as_csv(findings: Findings, dataset: fo.Dataset) -> str:
    """One row a sample and strategy."""
    names = dict(zip(*dataset.values(["id", "filepath"])))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    left_out, taught = findings.left_out, findings.taught
    for row, sample_id in enumerate(findings.sample_ids):
        why = [REFERENCE if one[row] else "" for one in (left_out, taught)]
        for strategy in findings.strategies:
            numbers = (
                findings.score.get(strategy),
                findings.iou.get(strategy),
                *(findings.errors.get(strategy, {}).get(part) for part in PARTS),
                findings.agreement,
            )
            cells = ("" if n is None or math.isnan(n[row]) else float(n[row]) for n in numbers)
            file_name = os.path.basename(names.get(sample_id, ""))
            writer.writerow((sample_id, file_name, strategy, findings.status[strategy][row] or "", *cells, *why))
    return text.getvalue()


def as_json(findings: Findings, dataset: fo.Dataset, when: datetime) -> str:
    """The tables' numbers, the curves, and the parameters of each strategy's run."""
    explanation = content.explanation_of(findings)
    document = {
        "dataset": dataset._dataset.name,
        "exported": when.isoformat(timespec="seconds"),
        "prefix": findings.prefix,
        "samples": len(findings.sample_ids),
        "ground_truth": content.truth_of(findings, dataset),
        "comparison": findings.comparison.to_dict() if findings.comparison else None,
        "errors": explanation.parts if explanation else None,
        "robustness": [curve.to_dict() for curve in findings.curves],
        "runs": content.runs_of(findings, dataset),
    }
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(texts: dict[Path, str]) -> None:
    """Write all beside their places first, so that a full disk leaves nothing half."""
    parts = {path: path.with_name(f".{path.name}.{uuid.uuid4().hex}.part") for path in texts}
    folder = next(iter(texts)).parent
    try:
        folder.mkdir(exist_ok=True, parents=folder.parent.name == SHELF)
        for path, part in parts.items():
            part.write_text(texts[path], encoding="utf-8", newline="")
        for path, part in parts.items():
            os.replace(part, path)
    except OSError as error:
        raise PromptingError(f"The report can't be written to {folder} ({error}); name another folder.") from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
