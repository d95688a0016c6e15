"""The report's page: one HTML file that holds its script and its pictures in itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import fiftyone as fo
from PIL import Image

from ..analysis.findings import Findings
from ..analysis.palette import NEGATIVE, POSITIVE, TRUTH
from ..dataset.everywhere import these_samples
from ..dataset.names import StrategyFields, truth_field
from ..errors import PromptingError
from ..pixels.images import read_bounded
from ..results import NO_PROMPT
from . import content
from .finished import finished_sections
from .pictures import (
    CLASS_COLOURS,
    data_uri,
    hexadecimal,
    shrink,
    strategy_picture,
    truth_picture,
)
from .telling import Example, telling
from .verdict import verdict

WIDTH, HEIGHT = 420, 420
"""A picture fits into so many pixels; the page shows it at half that width or less."""
ENOUGH = 16 * WIDTH * HEIGHT
"""So many pixels of a photograph are read: a JPEG decodes to a half or a quarter of its size in a part of the time."""


@dataclass(frozen=True)
class Cell:
    """A picture as a data URI (None: the file can't be read), a title and what is said below it."""

    picture: str | None
    title: str
    caption: str


@dataclass(frozen=True)
class Strip:
    """One photograph: its number in the dataset (from 1), its file's name, its id, and a cell a strategy."""

    number: int
    name: str
    sample_id: str
    reason: str
    cells: tuple[Cell, ...]


def render(findings: Findings, dataset: fo.Dataset, when: datetime) -> str:
    """The whole page; whatever comes from the dataset is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chosen_by, examples = telling(findings)
    sections = [*content.sections(findings), *finished_sections(dataset._dataset)]
    drawn = any(section.figures for section in sections)
    return environment.get_template("template.html.j2").render(
        dataset=dataset._dataset.name,
        when=when.strftime("%d %B %Y, %H:%M %Z"),
        findings=findings,
        truth=content.truth_of(findings, dataset),
        verdict=verdict(findings),
        missing=content.missing(findings),
        sections=sections,
        status=content.status_table(findings),
        parameters=content.parameter_table(findings, dataset),
        chosen_by=chosen_by,
        strips=_strips(findings, dataset, examples),
        legend=_legend(findings, dataset),
        plotly=get_plotlyjs() if drawn else "",
    )


def _legend(findings: Findings, dataset: fo.Dataset) -> list[tuple[str, str]]:
    """(colour, meaning) of masks, of strategies (their boxes, and their masks of a single class) and of clicks."""
    classes: dict[int, str] = {}
    for name in findings.strategies:
        classes |= dataset.mask_targets.get(StrategyFields.of(findings.prefix, name).mask) or {}
    if len(classes) > 1:
        named = [
            (hexadecimal(CLASS_COLOURS[(int(i) - 1) % len(CLASS_COLOURS)]), name) for i, name in sorted(classes.items())
        ]
    else:
        named = [(TRUTH, f"{name}: the truth") for name in classes.values()]
    strategies = [(findings.colour_of(name), name) for name in findings.strategies]
    return [*named, *strategies, (POSITIVE, "positive click"), (NEGATIVE, "negative click")]


def _strips(findings: Findings, dataset: fo.Dataset, examples: list[Example]) -> list[Strip]:
    ids = [findings.sample_ids[example.row] for example in examples]
    strips = []
    for sample_id, example in zip(ids, examples):
        fields = [truth_field(findings.prefix)]
        for name in example.strategies:
            of = StrategyFields.of(findings.prefix, name)
            fields += [of.mask, *of.prompts]
        there = [field for field in fields if dataset.has_sample_field(field)]
        # one by one, with just the masks that are drawn: a dozen large pictures' masks are gigabytes
        strips += [
            _strip(findings, sample, example) for sample in these_samples(dataset, sample_id).select_fields(there)
        ]
    return strips


def _strip(findings: Findings, sample: fo.Sample, example: Example) -> Strip:
    try:
        image = shrink(Image.fromarray(read_bounded(sample.filepath, ENOUGH)[0]), WIDTH, HEIGHT)
    except PromptingError:
        image = None
    cells = [_first_cell(findings, sample, image)]
    for name in example.strategies:
        picture = (
            None
            if image is None
            else data_uri(strategy_picture(sample, image, name, findings.prefix, findings.colour_of(name)))
        )
        cells.append(Cell(picture, name, _caption(findings, name, example.row)))
    return Strip(example.row + 1, os.path.basename(sample.filepath), sample.id, example.reason, tuple(cells))


def _first_cell(findings: Findings, sample: fo.Sample, image: Image.Image | None) -> Cell:
    field = truth_field(findings.prefix)
    title = "truth" if sample.has_field(field) and sample[field] is not None else "photograph"
    return Cell(None if image is None else data_uri(truth_picture(sample, image, findings.prefix)), title, "")


def _caption(findings: Findings, strategy: str, row: int) -> str:
    iou, score = findings.iou.get(strategy), findings.score[strategy][row]
    parts = [] if iou is None or iou[row] != iou[row] else [f"IoU {iou[row]:.2f}"]
    status = findings.status[strategy][row]
    if status == NO_PROMPT:
        parts.append("no prompt")
    elif status is None:
        parts.append("not applied")
    elif score == score:
        parts.append(f"predicted {score:.2f}")
    else:
        parts.append(status)
    return ", ".join(parts)
