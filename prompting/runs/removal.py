"""Removing what the plugin made of a prefix, of one strategy, or of one name of finished labels, and nothing else.

Each part is found by the plugin's own names alone, whatever else is there or
gone: a removal that was killed, or that somebody began by hand, is finished by
the next. Labels go when they are named, and with no prefix; tags stay, and of files
all but those with masks that the plugin wrote and that no document names any more.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import fiftyone as fo
import numpy as np
from bson import DBRef
from fiftyone.core.evaluation import EvaluationMethod
from fiftyone.utils.eval.segmentation import SegmentationEvaluation

from ..dataset import app_traces, appearance, owned, saved_views
from ..dataset.decisions import Decisions
from ..dataset.everywhere import all_samples
from ..dataset.judgements import load_comparison, replace_comparison
from ..dataset.lock import editing, run_lock
from ..dataset.mask_sweep import folders_there, label_paths, strategy_paths, sweep
from ..dataset.names import FinalFields, comparison_key, evaluation_key, labels_key, run_key
from ..dataset.present import known_strategies, masks_there, name_of, strategies_in
from ..dataset.records import mask_dirs
from ..dataset.rendered import folders_of
from ..errors import PromptingError
from ..prompts.strategies import BASELINE
from .finishable import reviewed
from .progress import Progress

STAYS = "All else stays: other fields, finished labels that aren't named here, tags, and all other files on disk."


@dataclass(frozen=True)
class Whose:
    """Whose results go.

    Attributes:
        prefix: of the results
        strategy: one of the prefix's; None for all
        labels: a name of labels, which go in place of the prefix's results, with what was scored of them
    """

    prefix: str
    strategy: str | None = None
    labels: str | None = None

    def __str__(self) -> str:
        if self.labels:
            return f"the labels {self.labels!r}"
        of = f"{self.strategy} with the prefix" if self.strategy else "all strategies with the prefix"
        return f"the results of {of} {self.prefix}"

    def rows(self, dataset: fo.Dataset) -> list[tuple[str, str | None]]:
        """Prefix and strategy of all results: labels may stand as rows in the tables of several prefixes."""
        if self.labels is None:
            return [(self.prefix, self.strategy)]
        of, prefixes = FinalFields.of(self.labels), owned.prefixes_left(dataset)
        return [(p, field) for p in prefixes for field in (of.mask, of.instances) if field in masks_there(dataset, p)]


@dataclass(frozen=True)
class Removal:
    """What goes, or went.

    Attributes:
        whose: results
        fields, evaluations, runs, saved_views: their names
        emptied: in words, fields of labels that stay, for they also hold somebody's own
        app: in words, what the App was told of them: colours, groups in the sidebar, ticks, mask targets
        files: folders with their masks
        told: of files that stay, or of folders that aren't there
        done: whether it is gone
        decided: of the labels, how many a person accepted or edited
    """

    whose: Whose
    fields: tuple[str, ...]
    evaluations: tuple[str, ...]
    runs: tuple[str, ...]
    saved_views: tuple[str, ...]
    app: tuple[str, ...]
    emptied: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    done: bool = False
    decided: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any((self.fields, self.evaluations, self.runs, self.saved_views, self.app, self.emptied, self.files))

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Kind of thing -> what of it, without the kinds of which there is nothing."""
        kinds = {
            "fields": self.fields,
            "labels in fields that stay": self.emptied,
            "evaluations": self.evaluations,
            "records": self.runs,
            "saved views": self.saved_views,
            "files of masks in": self.files,
            "in the App": self.app,
        }
        return {kind: names for kind, names in kinds.items() if names}

    def what(self) -> str:
        """Whose results, in words."""
        return str(self.whose)

    def __str__(self) -> str:
        """Markdown."""
        lines = [f"{'Removed' if self.done else 'To be removed'}: {self.what()}.", ""]
        for kind, names in self.parts().items():
            listed = f"- **{kind}** ({len(names)}): {', '.join(names)}"
            lines += textwrap.wrap(listed, 110, subsequent_indent="  ", break_long_words=False)
        by_hand = f"{self.decided} of these labels {'was' if self.decided == 1 else 'were'} accepted or edited by hand."
        return "\n".join([*lines, "", *([by_hand] if self.decided else []), *self.told, STAYS])


def find_results(
    dataset: fo.Dataset, prefix: str = "sam2", strategy: str | None = None, labels: str | None = None
) -> Removal:
    """What :func:`remove_results` would remove; nothing is changed.

    Raises:
        PromptingError: no dataset, an unknown strategy, both a strategy and labels, or nothing there
    """
    if not isinstance(dataset, fo.Dataset):
        raise PromptingError(
            f"Results are removed from a whole dataset, not from {dataset!r:.50}; pass the dataset itself."
        )
    if not isinstance(prefix, str):
        raise PromptingError(f"A prefix is text, such as 'sam2', not {prefix!r:.50}.", "prefix")
    if labels is not None and strategy is not None:
        raise PromptingError("A strategy's results and labels are removed one after the other; give one of them.")
    if strategy is not None:
        strategy = name_of(dataset, prefix, strategy)
    dataset._reload()
    found = _find(dataset, Whose(prefix, strategy, labels))
    if not found and labels is not None:
        there = owned.labels_there(dataset)
        others = f"; there are {', '.join(map(repr, there))}" if there else ""
        raise PromptingError(f"There are no labels {labels!r} of the plugin's to remove{others}.", "labels")
    if not found:
        others = [other for other in owned.prefixes_left(dataset) if other != prefix]
        whose = f" of {strategy!r}" if strategy else ""
        there = f"; there are results with {', '.join(map(repr, others))}" if others else ""
        raise PromptingError(f"There are no results{whose} with the prefix {prefix!r} to remove{there}.")
    return found


def remove_results(
    dataset: fo.Dataset, prefix: str = "sam2", strategy: str | None = None, labels: str | None = None
) -> Iterator[Progress | Removal]:
    """Remove a prefix's fields, evaluations, records, saved views, and what the App was told of them.

    Args:
        dataset: the dataset
        prefix: of the results
        strategy: only what is of this one; the table of the others is kept without it
        labels: only the labels of this name, with what was scored of them and what was decided on them

    Yields:
        progress, and what was removed at the end

    Raises:
        PromptingError: nothing there, or a run that is alive is writing it
    """
    found = find_results(dataset, prefix, strategy, labels)
    with ExitStack() as locks:
        for one in _written_by(dataset, found.whose):
            hold = locks.enter_context(run_lock(dataset, one, "removing results"))
        steps, records, files = list(_steps(dataset, found)), list(_records(dataset, found)), _Files(dataset, found)
        steps = [*steps, files.sweep, *records]
        for done, step in enumerate(steps):
            hold.tell(done, len(steps))
            hold.check()
            yield Progress(done, len(steps), 0)
            with nullcontext() if step == files.sweep else editing(dataset):  # a million files take a while
                step()
        yield Progress(len(steps), len(steps), 0)
    dataset.reload()
    yield replace(found, told=tuple(files.told), done=True)


def _written_by(dataset: fo.Dataset, whose: Whose) -> list[str]:
    """The prefixes whose runs write what goes, sorted: nobody waits for what another one holds."""
    written = {prefix for prefix, _ in whose.rows(dataset)}
    key = labels_key(whose.labels) if whose.labels else None
    if key in dataset.list_runs() and not owned.half_deleted(dataset._doc.runs, [key]):
        written |= {source["prefix"] for source in dataset.get_run_info(key).config.sources}
    return sorted(written | ({whose.prefix} if not written else set()))


class _Files:
    """The files of masks that no document names once the fields are gone."""

    def __init__(self, dataset: fo.Dataset, found: Removal):
        self._dataset, self._folders, self.told = dataset, found.files, list(found.told)

    def sweep(self) -> None:
        swept = sweep(self._dataset, self._folders)
        for name, count in swept.named_by.items():
            self.told.append(f"{count} files of masks stay, for the dataset {name!r} names them.")


def _steps(dataset: fo.Dataset, found: Removal):
    """All but the records."""
    whose = found.whose
    for name in found.saved_views:
        yield lambda name=name: name in dataset.list_saved_views() and dataset.delete_saved_view(name)
    yield lambda: _delete_fields(dataset, _scores(dataset, found.evaluations))
    for key in found.evaluations:
        yield lambda key=key: _delete_run(dataset, dataset._doc.evaluations, key, partial(_delete_evaluation, dataset))
    mixed = owned.mixed_label_fields(dataset, whose.labels) if whose.labels else {}
    source = [FinalFields.of(whose.labels).source] if mixed else []  # goes last: it tells our labels from the others
    yield lambda: _empty(dataset, whose, mixed)
    own = {name: kind for name, kind in _own_fields(dataset, whose).items() if name not in source}
    yield lambda: _delete_fields(dataset, owned.of_their_types(dataset, own))
    yield lambda: _forget(dataset, whose)
    if whose.labels:
        yield lambda: Decisions(dataset, whose.labels).forget_all()
    for prefix, strategy in whose.rows(dataset):
        if strategy:
            yield lambda prefix=prefix, strategy=strategy: _leave_out(dataset, prefix, strategy)


def _records(dataset: fo.Dataset, found: Removal):
    """They go last: as long as anything is left, they say under which prefix, and where files are."""
    whose = found.whose
    mixed = owned.mixed_label_fields(dataset, whose.labels) if whose.labels else {}
    source = [FinalFields.of(whose.labels).source] if mixed else []
    for key in found.runs:
        after = source if whose.labels and key == labels_key(whose.labels) else ()
        yield lambda key=key, after=after: (
            _delete_run(dataset, dataset._doc.runs, key, dataset.delete_run),
            _delete_fields(dataset, after),
        )


def _delete_run(dataset: fo.Dataset, references: MutableMapping, key: str, delete: Callable[[str], None]) -> None:
    """A run or an evaluation; the reference alone where FiftyOne was killed after the run: it deletes no such."""
    if isinstance(references.get(key), DBRef):
        del references[key]
    elif key in references:
        delete(key)


def _scores(dataset: fo.Dataset, keys: Sequence[str]) -> list[str]:
    """The fields of segmentations' evaluations, as FiftyOne knows them.

    It deletes them one by one, each by going through all samples: all of them go at once, and before it.
    """
    whole = [key for key in keys if not isinstance(dataset._doc.evaluations.get(key), DBRef)]
    methods = {key: dataset.get_evaluation_info(key).config.build() for key in whole}
    of = [m.get_fields(dataset, key) for key, m in methods.items() if isinstance(m, SegmentationEvaluation)]
    return [name for name in dict.fromkeys(chain.from_iterable(of)) if dataset.has_sample_field(name)]


def _delete_evaluation(dataset: fo.Dataset, key: str) -> None:
    """One whose :func:`_scores` are gone; of patches, with what FiftyOne wrote into their instances."""
    scored = isinstance(dataset.get_evaluation_info(key).config.build(), SegmentationEvaluation)
    EvaluationMethod.delete_run(dataset, key, cleanup=not scored)


def _find(dataset: fo.Dataset, whose: Whose) -> Removal:
    rows, evaluations, runs, views = whose.rows(dataset), [], [], []
    for prefix, strategy in rows:
        alone = not set(owned.prefixes_left(dataset)) - {prefix}
        kept = saved_views.kept(dataset, prefix, alone)
        views += [name for name in kept if strategy is None or strategy in name.split()]
        evaluations += owned.evaluations_there(dataset, prefix, strategy)
        runs += owned.runs_there(dataset, prefix, strategy)
    own = _own_fields(dataset, whose)
    mixed = {}
    if whose.labels:
        runs += owned.label_runs_there(dataset, whose.labels)
        mixed = owned.mixed_label_fields(dataset, whose.labels) if runs else {}
    dirs, there = _mask_folders(dataset, whose)
    return Removal(
        whose,
        tuple(owned.of_their_types(dataset, own)),
        tuple(evaluations),
        tuple(runs),
        tuple(views),
        tuple(app_traces.traces(dataset, _groups_of(dataset, whose), owned.own_names(dataset, own))),
        tuple(f"{name} ({_but_for(count)})" for name, count in mixed.items()),
        tuple(there),
        tuple(
            f"The folder {one} isn't there; once it is again, files of these masks in"
            f" {os.path.join(one, str(dataset._doc.id))} are nobody's."
            for one in dirs
            if not os.path.isdir(one)
        ),
        decided=len(reviewed(dataset, FinalFields.of(whose.labels))) if whose.labels and runs else 0,
    )


def _but_for(count: int) -> str:
    return f"but for {count} that finishing didn't write" if count else "the field was there before"


def _mask_folders(dataset: fo.Dataset, whose: Whose) -> tuple[list[str], list[str]]:
    """The folders that runs wrote masks to, and those that are there of the fields that go."""
    if whose.labels:
        of = {labels_key(whose.labels): label_paths(whose.labels)} if owned.labels_there(dataset) else {}
    else:
        names = [whose.strategy] if whose.strategy else known_strategies(dataset, whose.prefix)
        of = {run_key(whose.prefix, name): strategy_paths(whose.prefix, name) for name in names}
    dirs = {key: found for key in of if (found := mask_dirs(dataset, [key]))}
    there = [folder for key, found in dirs.items() for folder in folders_there(dataset, found, of[key])]
    for prefix, name in whose.rows(dataset):  # rendered beside them, or without a record
        there += folders_of(dataset, prefix, [name] if name else known_strategies(dataset, prefix), shared=not name)
    return sorted({one for found in dirs.values() for one in found}), list(dict.fromkeys(there))


def _groups_of(dataset: fo.Dataset, whose: Whose) -> set[str]:
    """With what the names of groups in the sidebar begin."""
    return {prefix for prefix, _ in whose.rows(dataset)} | ({whose.labels} if whose.labels else set())


def _own_fields(dataset: fo.Dataset, whose: Whose) -> dict[str, tuple]:
    """All that may have been written; nothing of labels whose record doesn't say that they are ours."""
    own = {}
    for prefix, strategy in whose.rows(dataset):
        own |= owned.own_fields(dataset, prefix, strategy)
    if whose.labels and owned.label_runs_there(dataset, whose.labels):
        mixed = owned.mixed_label_fields(dataset, whose.labels)
        own |= {name: kind for name, kind in owned.own_label_fields(dataset, whose.labels).items() if name not in mixed}
    return own


def _empty(dataset: fo.Dataset, whose: Whose, fields: Collection[str]) -> None:
    """Our labels go, and the field and others' labels in it stay: all where nobody can tell them apart any more."""
    for field in fields if fields and dataset.has_sample_field(FinalFields.of(whose.labels).source) else ():
        ours = all_samples(dataset).exists(FinalFields.of(whose.labels).source).exists(field)
        ours.set_field(field, None, _allow_missing=True).save(field)


def _delete_fields(dataset: fo.Dataset, names: Sequence[str]) -> None:
    if names:
        dataset.delete_sample_fields(list(names))


def _forget(dataset: fo.Dataset, whose: Whose) -> None:
    own = owned.own_names(dataset, _own_fields(dataset, whose))
    app_traces.forget(dataset, _groups_of(dataset, whose), own)
    for other in [whose.prefix, *owned.prefixes_left(dataset)]:  # or the App would tick all that is left at once
        if names := strategies_in(dataset, other):
            appearance.show(dataset, other, names[0], replace=False)  # what is ticked of others stays
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
        columns = all_samples(dataset).values([f"{evaluation_key(prefix, name)}_iou" for name in names])
        scored = np.array(columns, float)
        scored = scored[:, ~np.isnan(scored).any(axis=0)]
        baseline = BASELINE if BASELINE in names else names[0]
        replace_comparison(dataset, prefix, left.with_baseline(dict(zip(names, scored)), baseline))
    else:
        replace_comparison(dataset, prefix, left)
