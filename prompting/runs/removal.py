"""Removing what the plugin made of a prefix, or of one strategy, and nothing else.

Each part is found by the plugin's own names alone, whatever else is there or
gone: a removal that was killed, or that somebody began by hand, is finished by
the next. Labels that a person took over, tags and files stay.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np
from bson import DBRef

from ..dataset import app_traces, appearance, owned, saved_views
from ..dataset.judgements import load_comparison, replace_comparison
from ..dataset.lock import editing, run_lock
from ..dataset.names import comparison_key, evaluation_key
from ..dataset.present import name_of, strategies_in
from ..errors import PromptingError
from ..prompts.strategies import BASELINE
from .progress import Progress

STAYS = "All else stays: other fields, labels that were taken over from a strategy, tags, and files on disk."


@dataclass(frozen=True)
class Removal:
    """What goes, or went.

    Attributes:
        prefix: of the results
        strategy: None for all that the prefix has
        fields, evaluations, runs, saved_views: their names
        app: in words, what the App was told of them: colours, groups in the sidebar, ticks, mask targets
        done: whether it is gone
    """

    prefix: str
    strategy: str | None
    fields: tuple[str, ...]
    evaluations: tuple[str, ...]
    runs: tuple[str, ...]
    saved_views: tuple[str, ...]
    app: tuple[str, ...]
    done: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any((self.fields, self.evaluations, self.runs, self.saved_views, self.app))

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Kind of thing -> what of it, without the kinds of which there is nothing."""
        kinds = {
            "fields": self.fields,
            "evaluations": self.evaluations,
            "records": self.runs,
            "saved views": self.saved_views,
            "in the App": self.app,
        }
        return {kind: names for kind, names in kinds.items() if names}

    def what(self) -> str:
        """Whose results, in words."""
        of = f"{self.strategy} with the prefix" if self.strategy else "all strategies with the prefix"
        return f"the results of {of} {self.prefix}"

    def __str__(self) -> str:
        """Markdown."""
        lines = [f"{'Removed' if self.done else 'To be removed'}: {self.what()}.", ""]
        for kind, names in self.parts().items():
            listed = f"- **{kind}** ({len(names)}): {', '.join(names)}"
            lines += textwrap.wrap(listed, 110, subsequent_indent="  ", break_long_words=False)
        return "\n".join([*lines, "", STAYS])


def find_results(dataset: fo.Dataset, prefix: str = "sam2", strategy: str | None = None) -> Removal:
    """What :func:`remove_results` would remove; nothing is changed.

    Raises:
        PromptingError: no dataset, an unknown strategy, or nothing there
    """
    if not isinstance(dataset, fo.Dataset):
        raise PromptingError(
            f"Results are removed from a whole dataset, not from {dataset!r:.50}; pass the dataset itself."
        )
    if strategy is not None:
        strategy = name_of(dataset, prefix, strategy)
    dataset._reload()
    found = _find(dataset, prefix, strategy)
    if not found:
        others = [other for other in owned.prefixes_left(dataset) if other != prefix]
        whose = f" of {strategy!r}" if strategy else ""
        there = f"; there are results with {', '.join(map(repr, others))}" if others else ""
        raise PromptingError(f"There are no results{whose} with the prefix {prefix!r} to remove{there}.")
    return found


def remove_results(
    dataset: fo.Dataset, prefix: str = "sam2", strategy: str | None = None
) -> Iterator[Progress | Removal]:
    """Remove a prefix's fields, evaluations, records, saved views, and what the App was told of them.

    Args:
        dataset: the dataset
        prefix: of the results
        strategy: only what is of this one; the table of the others is kept without it

    Yields:
        progress, and what was removed at the end

    Raises:
        PromptingError: nothing there, or a run that is alive is writing it
    """
    found = find_results(dataset, prefix, strategy)
    with run_lock(dataset, prefix, "removing results") as hold:
        steps = list(_steps(dataset, found))
        for done, step in enumerate(steps):
            hold.tell(done, len(steps))
            hold.check()
            yield Progress(done, len(steps), 0)
            with editing(dataset):
                step()
        yield Progress(len(steps), len(steps), 0)
    dataset.reload()
    yield Removal(**{**vars(found), "done": True})


def _steps(dataset: fo.Dataset, found: Removal):
    """The records go last: as long as anything is left, they say under which prefix."""
    for name in found.saved_views:
        yield lambda name=name: name in dataset.list_saved_views() and dataset.delete_saved_view(name)
    for key in found.evaluations:  # with their fields, as FiftyOne knows them
        yield lambda key=key: _delete_run(dataset, dataset._doc.evaluations, key, dataset.delete_evaluation)
    yield lambda: _delete_fields(dataset, owned.fields_there(dataset, found.prefix, found.strategy))
    yield lambda: _forget(dataset, found.prefix, found.strategy)
    if found.strategy:
        yield lambda: _leave_out(dataset, found.prefix, found.strategy)
    for key in found.runs:
        yield lambda key=key: _delete_run(dataset, dataset._doc.runs, key, dataset.delete_run)


def _delete_run(dataset: fo.Dataset, references: MutableMapping, key: str, delete: Callable[[str], None]) -> None:
    """A run or an evaluation; the reference alone where FiftyOne was killed after the run: it deletes no such."""
    if isinstance(references.get(key), DBRef):
        del references[key]
    elif key in references:
        delete(key)


def _find(dataset: fo.Dataset, prefix: str, strategy: str | None) -> Removal:
    alone = not set(owned.prefixes_left(dataset)) - {prefix}
    views = [name for name in saved_views.kept(dataset, prefix, alone) if strategy is None or strategy in name.split()]
    return Removal(
        prefix,
        strategy,
        tuple(owned.fields_there(dataset, prefix, strategy)),
        tuple(owned.evaluations_there(dataset, prefix, strategy)),
        tuple(owned.runs_there(dataset, prefix, strategy)),
        tuple(views),
        tuple(app_traces.traces(dataset, prefix, owned.own_names(dataset, prefix, strategy))),
    )


def _delete_fields(dataset: fo.Dataset, names: Sequence[str]) -> None:
    if names:
        dataset.delete_sample_fields(list(names))


def _forget(dataset: fo.Dataset, prefix: str, strategy: str | None) -> None:
    app_traces.forget(dataset, prefix, owned.own_names(dataset, prefix, strategy))
    for other in [prefix, *owned.prefixes_left(dataset)]:  # or the App would tick all that is left at once
        if names := strategies_in(dataset, other):
            appearance.show(dataset, other, names[0])
            break


def _leave_out(dataset: fo.Dataset, prefix: str, strategy: str) -> None:
    """The table of the others; compared with another baseline where it was this one."""
    stored = load_comparison(dataset, prefix)
    if stored is None or strategy not in (row.strategy for row in stored.rows):
        return
    left = replace(stored, rows=tuple(row for row in stored.rows if row.strategy != strategy))
    if not left.rows:
        dataset.delete_run(comparison_key(prefix))
    elif left.baseline == strategy:
        names = [row.strategy for row in left.rows]
        columns = dataset.values([f"{evaluation_key(prefix, name)}_iou" for name in names])
        scored = np.array(columns, float)
        scored = scored[:, ~np.isnan(scored).any(axis=0)]
        baseline = BASELINE if BASELINE in names else names[0]
        replace_comparison(dataset, prefix, left.with_baseline(dict(zip(names, scored)), baseline))
    else:
        replace_comparison(dataset, prefix, left)
