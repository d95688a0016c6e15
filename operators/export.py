"""``export_comparison``: the comparison as one HTML page, a CSV and a JSON."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator
from .words import LABELS


class ExportComparison(RunOperator):
    """Write the report."""

    about = dict(
        name="export_comparison",
        label="SAM 2: export the comparison",
        description="Export one HTML page with tables, plots and pictures, that opens anywhere; and the numbers as CSV"
        " and JSON",
        icon="summarize",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.present import strategies_in
        from ..prompting.errors import PromptingError, concerning
        from ..prompting.report.files import check_paths
        from ..prompting.report.folder import default_folder
        from ..prompting.trust import check_written_folder, written_folders

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Export the comparison of SAM 2 prompting strategies"))
        prefix = forms.ask_prefix(ctx, inputs)
        if not strategies_in(ctx.dataset, prefix):
            forms.show_problem(inputs, f"No strategy with the prefix {prefix!r} was applied to this dataset yet.")
            return form
        allowed = " or ".join(map(str, written_folders()))
        inputs.str(
            "folder",
            default=str(default_folder(ctx.dataset)),
            required=True,
            label=LABELS["folder"],
            description="On the machine that runs the App, below"
            f" {allowed} and not hidden; a last folder that isn't there is made",
        )
        inputs.bool("overwrite", default=False, label="Replace an earlier report in this folder")
        folder = ctx.params.get("folder")
        if folder is not None:
            try:
                with concerning("folder"):
                    check_written_folder(folder, "reports")
                    check_paths(folder, bool(ctx.params.get("overwrite")))
            except PromptingError as error:
                forms.show_error(inputs, error)
        return form

    def _steps(self, ctx):
        from ..prompting.analysis.tables import Table
        from ..prompting.trust import check_written_folder

        check_written_folder(ctx.params.get("folder") or "", "reports")
        yield forms.tell(ctx, 0.0, "drawing the pictures", stoppable=False)
        paths = _export(_flat(ctx), **forms.chosen(ctx.params, self.parameters))
        yield forms.tell(ctx, 1.0, f"written to {paths[0].parent}", stoppable=False)
        if not ctx.delegated:
            written = Table("The report was written", "", ("file",), tuple((str(path),) for path in paths))
            # the App's server shows files of its machine to whoever it shows the pictures
            link = ("Open the report", f"/media?filepath={quote(str(paths[0]))}")
            yield forms.show_tables(ctx, [written], link)

    def __call__(
        self, dataset, folder: str | Path | None = None, prefix: str = "sam2", overwrite: bool = False
    ) -> list[Path]:
        """Export from Python.

        Args:
            dataset: a dataset with results; of a grouped one a slice, ``dataset.select_group_slices(…)``
            folder: where to write; it is made if its parent is there; default:
                ``~/sam2-prompting-reports/<dataset>-<date>``
            prefix: of the strategies' fields
            overwrite: replace an earlier report in this folder

        Returns:
            the paths of the HTML, the CSV and the JSON file

        Raises:
            ValueError: no results, files that are there already, or a folder that can't be written to
        """
        return _export(dataset, folder, prefix, overwrite)


def _flat(ctx):
    """The dataset; of a grouped one, the slice that the App shows."""
    if ctx.dataset.media_type != "group":
        return ctx.dataset
    return ctx.dataset.select_group_slices(ctx.group_slice or ctx.dataset.default_group_slice)


def _export(dataset, folder: str | Path | None = None, prefix: str = "sam2", overwrite: bool = False) -> list[Path]:
    from ..prompting.dataset import checks
    from ..prompting.dataset.completeness import MASK, require
    from ..prompting.dataset.findings import load_findings
    from ..prompting.dataset.present import strategies_in
    from ..prompting.errors import PromptingError
    from ..prompting.report import export
    from ..prompting.report.files import check_paths
    from ..prompting.report.folder import default_folder

    checks.check_collection(dataset)
    if folder is None:
        folder = default_folder(dataset._dataset)
    if not strategies_in(dataset, prefix):
        raise PromptingError(f"There are no results with the prefix {prefix!r}; apply strategies first.")
    check_paths(folder, overwrite)
    require(dataset, prefix, strategies_in(dataset, prefix), [MASK])
    return export(load_findings(dataset, prefix), dataset, folder, overwrite)
