"""Finished labels in the report: what is promised of them, how the rules did, and whether expectations are right."""

from __future__ import annotations

import fiftyone as fo

from ..analysis.expected_figure import expected_figure
from ..dataset.finals import final_names, load_findings
from .content import Section


def finished_sections(dataset: fo.Dataset) -> list[Section]:
    """One for each name under which labels were finished with a truth."""
    found = {name: load_findings(dataset, name) for name in final_names(dataset)}
    return [
        Section(
            f"Finished labels: {name}",
            " ".join(map(str, one.promises)),
            (one.trial.table(),),
            (expected_figure(one.expected, one.true),),
        )
        for name, one in found.items()
        if one is not None
    ]
