"""``export_comparison``: the comparison as one HTML page, a CSV and a JSON."""

from __future__ import annotations

from pathlib import Path

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator

PARAMETERS = ("folder", "prefix", "overwrite")


class ExportComparison(RunOperator):
    """Write the report."""

    about = dict(
        name="export_comparison",
        label="SAM 2: export the comparison",
        description="One HTML page with tables, plots and pictures, that opens anywhere; and the numbers as CSV"
        " and JSON",
        icon="summarize",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError
        from ..prompting.evaluation import strategies_in
        from ..prompting.report.files import check_paths
        from ..prompting.trust import check_report_folder

        inputs = types.Object()
        inputs.str("prefix", default="sam2", label="Field prefix", description="Of the strategies' fields")
        prefix = ctx.params.get("prefix") or "sam2"
        if not strategies_in(ctx.dataset, prefix):
            forms.show_problem(inputs, f"No strategy with the prefix {prefix!r} was applied to this dataset yet.")
            return types.Property(inputs)
        inputs.str(
            "folder",
            required=True,
            label="Folder",
            description="Where to write, on the machine that runs the App; a last folder that isn't there is made",
        )
        inputs.bool("overwrite", default=False, label="Replace an earlier report in this folder")
        folder = ctx.params.get("folder")
        if folder:
            try:
                check_report_folder(folder)
                check_paths(folder, bool(ctx.params.get("overwrite")))
            except PromptingError as error:
                forms.show_problem(inputs, str(error))
        return types.Property(inputs, view=types.View(label="Export the comparison of SAM 2 prompting strategies"))

    def _steps(self, ctx):
        from ..prompting.tables import Table
        from ..prompting.trust import check_report_folder

        check_report_folder(ctx.params.get("folder") or "")
        yield forms.tell(ctx, 0.0, "drawing the pictures")
        paths = _export(_flat(ctx), **forms.chosen(ctx.params, PARAMETERS))
        yield forms.tell(ctx, 1.0, f"written to {paths[0].parent}")
        if not ctx.delegated:
            written = Table("The report was written", "", ("file",), tuple((str(path),) for path in paths))
            yield forms.show_tables(ctx, [written])

    def __call__(self, dataset, folder: str | Path, prefix: str = "sam2", overwrite: bool = False) -> list[Path]:
        """Export from Python.

        Args:
            dataset: a dataset with results; of a grouped one a slice, ``dataset.select_group_slices(…)``
            folder: where to write; it is made if its parent is there
            prefix: of the strategies' fields
            overwrite: replace an earlier report in this folder

        Returns:
            the paths of the HTML, the CSV and the JSON file

        Raises:
            PromptingError: no results, files that are there already, or a folder that can't be written to
        """
        return _export(dataset, folder, prefix, overwrite)


def _flat(ctx):
    """The dataset; of a grouped one, the slice that the App shows."""
    if ctx.dataset.media_type != "group":
        return ctx.dataset
    return ctx.dataset.select_group_slices(ctx.group_slice or ctx.dataset.default_group_slice)


def _export(dataset, folder: str | Path = "", prefix: str = "sam2", overwrite: bool = False) -> list[Path]:
    from ..prompting import checks
    from ..prompting.completeness import MASK, require
    from ..prompting.errors import PromptingError
    from ..prompting.evaluation import strategies_in
    from ..prompting.findings import load_findings
    from ..prompting.report import export
    from ..prompting.report.files import check_paths

    checks.check_collection(dataset)
    if not strategies_in(dataset, prefix):
        raise PromptingError(f"There are no results with the prefix {prefix!r}; apply strategies first.")
    check_paths(folder, overwrite)
    require(dataset, prefix, strategies_in(dataset, prefix), [MASK])
    return export(load_findings(dataset, prefix), dataset, folder, overwrite)
