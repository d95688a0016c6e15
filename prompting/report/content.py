"""What the report says, before anything of how it looks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from ..analysis import figures
from ..analysis.attribution import PARTS
from ..analysis.comparison import Row, interval, p_value
from ..analysis.explanation import Explanation
from ..analysis.figure_style import Figure
from ..analysis.findings import Findings
from ..analysis.robustness import as_table
from ..analysis.slices import slices_of
from ..analysis.tables import Table
from ..dataset.names import comparison_key
from ..dataset.present import in_words
from ..dataset.records import indifferent_to, recorded
from ..results import NO_PROMPT, OK

PARAMETERS = (
    "classes",
    "sam2_model",
    "clip_model",
    "yolo_model",
    "yolo_confidence",
    "prompt_field",
    "points_field",
    "field_rounds",
    "references",
    "reference_field",
    "phrases",
    "background",
    "seed",
    "device",
    "versions",
)


@dataclass(frozen=True)
class Section:
    """A heading, and tables and figures about one question."""

    title: str
    text: str
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]


def sections(findings: Findings) -> list[Section]:
    """All that there is data for, the most important first."""
    found = [*_comparison(findings), *_explanation(findings), *_slices(findings), *_trust(findings)]
    found += _robustness(findings)
    return [section for section in found if section.tables or section.figures]


def summary(findings: Findings) -> str:
    """The result in two sentences."""
    best = findings.best
    if best is None:
        return "These strategies were not scored against a ground truth, so it is not known which is the best."
    sure = f" (95 % interval {interval(best.low, best.high)})" if best.low is not None else ""
    rows = findings.comparison.rows
    alike = [row.strategy for row in rows if row.mean_iou == best.mean_iou and row.strategy not in findings.finished]
    has = f"{' and '.join(alike)} have" if len(alike) > 1 else f"{best.strategy} has"
    first = f"{has} the highest mean IoU, {best.mean_iou:.3f}{sure}, over"
    first += f" {_count(best.images, 'image')}{findings.comparison.but_for()}."
    above = [row for row in rows[: rows.index(best)] if row.mean_iou > best.mean_iou]
    finished = "".join(
        f" The labels {row.strategy!r}, finished from strategies, reach {row.mean_iou:.3f}." for row in above
    )
    return first + _against(best, findings.comparison.baseline) + finished


def missing(findings: Findings) -> list[str]:
    """What isn't known yet, and what to do about it."""
    sentences = []
    if findings.outdated:
        names = ", ".join(findings.outdated)
        sentences.append(f"Applied again after the evaluation: {names}. Evaluate again, for these scores may be old.")
    if findings.comparison is None:
        sentences.append(
            "No evaluation: with a ground truth in the dataset, run “SAM 2: evaluate prompting strategies”"
            " and export again."
        )
    elif explanation_of(findings) is None:
        sentences.append("Whose fault the losses are is not known: run “SAM 2: explain errors” and export again.")
    if findings.comparison is not None and not findings.curves:
        sentences.append(
            "How wrong a prompt may be was not measured: run “SAM 2: explain errors” and let it disturb the truth's"
            " prompts."
        )
    if np.isnan(findings.agreement).all() and len(findings.strategies) > 1:
        sentences.append(
            "Agreement, which needs no truth, was not measured: run “SAM 2: measure agreement between strategies”."
        )
    if len(findings.strategies) == 1:
        sentences.append("There is a single strategy: apply another one to have something to compare it with.")
    return sentences


def status_table(findings: Findings) -> Table:
    """How many pictures each strategy was applied to, and how that went."""
    rows = []
    for name in findings.strategies:
        of = findings.status[name]
        failed = sum(status is not None and status not in (OK, NO_PROMPT) for status in of)
        counts = (of.count(OK), of.count(NO_PROMPT), failed, of.count(None))
        rows.append((name, in_words(name), *map(str, counts)))
    return Table(
        f"The strategies on {_count(len(findings.sample_ids), 'picture')}",
        "No prompt: nothing was found to point SAM 2 at, so the mask is empty.",
        ("strategy", "what it does", "masks", "no prompt", "failed", "not applied"),
        tuple(rows),
    )


def parameter_table(findings: Findings, dataset: fo.Dataset) -> Table:
    """The parameters of the latest runs, each value with the strategies that it made a difference to."""
    runs = runs_of(findings, dataset)
    rows = []
    for parameter in PARAMETERS:
        of = {name: run.get(parameter) for name, run in runs.items() if _concerns(parameter, name)}
        values: dict[str, list[str]] = {}
        for name, value in of.items():
            if value not in (None, {}, []):
                told = f"{len(value)} pictures" if parameter == "references" else _text(value)
                values.setdefault(told, []).append(name)
        for text, names in values.items():
            rows.append((parameter.replace("_", " "), text, "all" if len(names) == len(runs) else ", ".join(names)))
    return Table(
        "Models and parameters", "As recorded by the latest runs.", ("parameter", "value", "strategies"), tuple(rows)
    )


def runs_of(findings: Findings, dataset: fo.Dataset) -> dict[str, dict]:
    """What each strategy's latest run recorded."""
    runs = {name: recorded(dataset, findings.prefix, name) for name in findings.strategies}
    return {name: run for name, run in runs.items() if run}


def truth_of(findings: Findings, dataset: fo.Dataset) -> str | None:
    """The field that the strategies were scored against."""
    key = comparison_key(findings.prefix)
    return dataset.get_run_info(key).config.gt_field if findings.comparison and key in dataset.list_runs() else None


def explanation_of(findings: Findings) -> Explanation | None:
    """Each part of the loss, the mean over the images that were explained."""
    counts = {name: int(np.sum(~np.isnan(of[PARTS[0]]))) for name, of in findings.errors.items()}
    explained = {name: findings.errors[name] for name, count in counts.items() if count}
    parts = {name: {part: float(np.nanmean(of[part])) for part in PARTS} for name, of in explained.items()}
    return Explanation(parts, (), max(counts.values()), 0) if parts else None


def _comparison(findings: Findings) -> Iterator[Section]:
    comparison = findings.comparison
    if comparison is None or not comparison.rows:
        return
    names, baseline = findings.evaluated, comparison.baseline
    drawn = [figures.mean_iou_bars(comparison, False, findings.colours)]
    if len(names) > 1:
        other = baseline if baseline in names[1:] else names[1]
        drawn.append(figures.scatter(findings, names[0], other, dark=False))
    yield Section("Which strategy is best?", "", tuple(comparison.tables()), _filled(*drawn))


def _explanation(findings: Findings) -> Iterator[Section]:
    explanation = explanation_of(findings)
    if explanation:
        figure = figures.error_bars(findings, dark=False)
        yield Section("Whose fault are the losses?", "", (explanation.table(),), _filled(figure))


def _slices(findings: Findings) -> Iterator[Section]:
    if not findings.iou:
        return
    names = findings.evaluated
    size = "Mean IoU by the size of the largest instance (% of the picture)"
    by_size, by_count = slices_of(np.round(100 * findings.size, 1)), slices_of(findings.instances)
    drawn = (
        figures.slices(findings, by_size, names, dark=False, intervals=True, title=size),
        figures.slices(findings, by_count, names, False, True, "Mean IoU by the number of instances in the truth"),
    )
    text = "Quarters of the pictures where there are many values; whiskers are 95 % intervals, n counts pictures."
    yield Section("Where is a strategy better, and where worse?", text, (), _filled(*drawn))


def _trust(findings: Findings) -> Iterator[Section]:
    agreement = _filled(figures.agreement(findings, dark=False))
    if findings.comparison is None:
        text = "Agreement needs no truth: pictures with little of it are those to look at, and to label, first."
        yield Section("Where do the strategies disagree?", text, (), agreement)
        return
    reliability = _filled(figures.reliability(findings.comparison, findings.evaluated, False, findings.colours))
    text = (
        "A reliable score lies on the dotted line; larger dots are more pictures. Agreement needs no truth: where"
        " pictures with little of it have a low IoU, it finds the hard ones in data without labels."
    )
    yield Section("Which scores can be trusted without a truth?", text, (), (*reliability, *agreement))


def _robustness(findings: Findings) -> Iterator[Section]:
    if findings.curves:
        figure = figures.robustness(findings.curves, dark=False)
        yield Section("How wrong may a prompt be?", "", (as_table(findings.curves),), _filled(figure))


def _filled(*drawn: Figure) -> tuple[Figure, ...]:
    return tuple(figure for figure in drawn if figure["data"])


def _against(best: Row, baseline: str) -> str:
    versus = best.difference
    if versus is None:
        return ""
    p = p_value(versus.p)
    sure = f" (95 % interval {interval(versus.low, versus.high, '+')}" if versus.low is not None else ""
    sure += (f", p {p if p.startswith('<') else '= ' + p})" if p else ")") if sure else ""
    return (
        f" Against {baseline} that is {versus.mean:+.3f}{sure}:"
        f" better on {versus.wins} images, the same on {versus.ties}, worse on {versus.losses}."
    )


def _concerns(parameter: str, strategy: str) -> bool:
    return parameter not in indifferent_to(strategy)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
