"""Reviewing labels picture by picture: what a person decides on each, written at once, and how to take it back.

A decision is one update of one sample, so that no end of the process leaves half
of one. The strategies' own fields are read, never written.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..analysis.metrics import image_iou
from ..dataset import checks
from ..dataset.decisions import Decision, Decisions, fingerprint
from ..dataset.finals import ACCEPTED_BY, EXPECTATION, SOURCE, values
from ..dataset.labelled import Labelled
from ..dataset.names import ACCEPTED, EDITED, SENT, TO_REVIEW, StrategyFields, evaluation_key
from ..dataset.present import name_of, strategies_in
from ..dataset.queue import Queue
from ..dataset.storage import DONE
from ..errors import PromptError, PromptingError
from ..final.candidates import Choice
from ..labels.instances import instance_window
from ..labels.stored import label_map_of
from ..pixels.masks import Window, paint, taken_out
from .deciding import decide
from .looks import Drawn, Instance, Look, Other, Standing


class Review:
    """A review of labels that were finished or taken over from a strategy, the worst expected first.

    All that it knows is in the dataset, so that it goes on wherever it was left, in the App as from Python. Labels of
    which nothing is expected come before those (:class:`prompting.dataset.queue.Queue`), in the samples' own order.
    Samples are given as such, or by their ids.

    Args:
        samples: a dataset, or the view that is to be reviewed
        name: of the labels
        tag: of pictures that are sent to annotation; they wait there, and nobody is asked about them until it is gone
        session: whose decisions :meth:`undo` takes back; None: a new one

    Raises:
        PromptingError: there are no such labels, or the tag has no name
    """

    def __init__(
        self, samples: foc.SampleCollection, name: str = "labels", tag: str = SENT, session: str | None = None
    ):
        checks.check_collection(samples)
        checks.check_labels(samples._dataset, name)
        self.dataset, self.name, self.tag = samples._dataset, name, checks.check_tag(tag, SENT)
        self._labels = Labelled(samples._dataset, name)
        self._queue = Queue(self._labels, checks.with_all_fields(samples), self.tag)
        self._fields, self._decisions = self._labels.fields, Decisions(samples._dataset, name)
        self.session, self._seen = session or uuid.uuid4().hex, {}

    def standing(self) -> Standing:
        """How far it is."""
        counts = self._queue.counts()
        waiting = sum(count for (_, sent), count in counts.items() if sent)
        unseen = self._queue.unseen()
        judged = counts[ACCEPTED, False] - unseen, counts[EDITED, False]
        return Standing(self.name, counts.total(), *judged, sent=waiting, unseen=unseen)

    def queue(self) -> list[str]:
        """The ids of the samples that nobody decided on, the worst expected first."""
        return self._queue.ids()

    def after(self, sample_id: str | None) -> str | None:
        """The next in the queue after a sample, from its beginning after the last; None where no other is left."""
        return self._queue.after(sample_id)

    def look(self, sample: fo.Sample | str) -> Look:
        """What there is to know of a sample: its label, and what can be taken instead. A decision on it is refused from
        then on if somebody else changed the label since.

        Raises:
            PromptingError: it isn't there, or has no label
        """
        labels, raw = self._labels, self._labels.raw(sample)
        there = [(prefix, name) for prefix in labels.prefixes() for name in strategies_in(self.dataset, prefix)]
        others = [key for key in there if key[1] not in self._fields.everything]  # they may be a row of the tables
        of = {key: StrategyFields.of(*key) for key in others}
        of = {key: one for key, one in of.items() if self._whole(one)}
        scores = {key: f"{evaluation_key(*key)}_iou" for key in of}
        paths = [path for key, one in of.items() for path in (*_needed(one), one.score, scores[key])]
        shown = labels.read(raw, paths)
        label_map, classes = label_map_of(shown[self._fields.mask]), list(labels.targets) or [1]
        done = {key: one for key, one in of.items() if shown[one.status] in DONE and shown[one.mask] is not None}
        self.saw(shown.id, fingerprint(labels.of(raw)))
        return Look(
            shown.id,
            shown.filepath,
            labels.value(shown, self._fields.status) or TO_REVIEW,
            self._unseen(raw),
            labels.value(shown, self._fields.source),
            labels.value(shown, self._fields.expected_iou),
            self.tag in shown.tags,
            tuple(map(_instance, labels.detections(shown))),
            tuple(chain.from_iterable(_other(shown, *one, scores[one[0]], label_map, classes) for one in done.items())),
            self._seen[shown.id],
        )

    def saw(self, sample_id: str, seen: str) -> None:
        """A person looked at a label elsewhere: what :class:`Look` had of it."""
        self._seen[sample_id] = seen

    def masks(self, sample: fo.Sample | str, of: tuple[str, str] | None = None) -> Drawn:
        """What is drawn of a sample: its label, or what a strategy has for it.

        Args:
            sample: which
            of: the prefix and the name of a strategy; None for the label

        Raises:
            PromptingError: it isn't there, or has no label
        """
        fields = StrategyFields.of(*of) if of else self._fields
        if of and not self._whole(fields):
            raise PromptingError(f"Fields of {of[1]!r} were deleted; look at another one's masks.", "strategy")
        shown = self._labels.read(self._labels.raw(sample), [fields.mask, fields.instances])
        found = shown[fields.instances] if shown.has_field(fields.instances) else None
        label_map, detections = label_map_of(shown[fields.mask]), found.detections if found else []
        windows = [_window(one, label_map.shape[:2]) for one in detections]
        return Drawn(shown.filepath, label_map, {one.id: window for one, window in zip(detections, windows)})

    def accept(self, sample: fo.Sample | str) -> Decision | None:
        """The label is good. One that a person accepted or edited stays what it is, and None is returned; one that was
        accepted for what is expected of it has been looked at now.

        Raises:
            PromptingError: as of every decision: no such sample, no label, or somebody changed it just now
        """
        raw = self._raw(sample)
        mask, unseen = raw[self._fields.mask], self._unseen(raw)
        if raw.get(self._fields.status) in (ACCEPTED, EDITED) and not unseen:
            return None
        seen = {self._fields.mask: {key: value for key, value in mask.items() if key != ACCEPTED_BY}} if unseen else {}
        return self._decide(raw, "accepted", {**seen, self._fields.status: ACCEPTED})

    def take(self, sample: fo.Sample | str, strategy: str, prefix: str | None = None) -> Decision:
        """Replace the label by another strategy's masks: by a copy of them, for the strategy keeps its own.

        Args:
            sample: which
            strategy: its name or spelling
            prefix: of its fields; by default that of the labels

        Raises:
            PromptingError: it has no result there, or masks of other classes
        """
        raw, prefix = self._raw(sample), prefix or self._labels.prefixes()[0]
        strategy = checks.check_applied(self.dataset, prefix, name_of(self.dataset, prefix, strategy))
        of = StrategyFields.of(prefix, strategy)
        if not self._whole(of):
            raise PromptingError(f"Fields of {strategy!r} were deleted; take another one's masks.", "strategy")
        shown = self._labels.read(raw, _needed(of))
        if shown[of.status] not in DONE or shown[of.mask] is None:
            raise PromptingError(f"{strategy!r} has no result for {shown.filename}; take another one's.", "strategy")
        theirs = {int(value): label for value, label in (self.dataset.mask_targets.get(of.mask) or {}).items()}
        if theirs != self._labels.targets:
            raise PromptingError(
                f"The masks of {strategy!r} have the classes {theirs}, and the labels have {self._labels.targets}; take"
                " another one's.",
                "strategy",
            )
        made = values(shown, Choice((strategy,)), self._fields, prefix, expected=None)
        changes = {**self._labels.stored(made), self._fields.status: EDITED}
        return self._decide(raw, f"replaced by {strategy}'s", changes)

    def drop(self, sample: fo.Sample | str, *instances: fo.Detection | str) -> Decision:
        """Take instances out of the label: what lies beneath them in the mask is seen again.

        Args:
            sample: which
            *instances: their Detections, or the ids of these

        Raises:
            PromptingError: the label has no such instances
        """
        raw = self._raw(sample)
        shown = self._labels.read(raw)
        detections = self._labels.detections(shown)
        asked = {str(getattr(one, "id", one)) for one in instances}
        dropped = [one for one in detections if one.id in asked]
        if not asked or len(dropped) != len(asked):
            raise PromptingError(f"The label of {shown.filename} has no such instances; look at it again.", "instances")
        left = [one for one in detections if one.id not in asked]
        made = {self._fields.instances: fo.Detections(detections=left), self._fields.expected_iou: None}
        sources = list(dict.fromkeys(one.get_attribute_value(SOURCE, None) for one in left))
        if sources and None not in sources:
            made[self._fields.source] = ", ".join(sources)
        mask = fo.Segmentation(mask=self._without(shown, dropped, left)).to_mongo()["mask"]
        changes = {**self._labels.stored(made), self._fields.mask: {**raw[self._fields.mask], "mask": mask}}
        changes[self._fields.mask].pop("mask_path", None)
        what = f"edited: {len(dropped)} instance{'s' * (len(dropped) != 1)} dropped"
        return self._decide(raw, what, {**changes, self._fields.status: EDITED})

    def annotate(self, sample: fo.Sample | str) -> Decision | None:
        """Send a picture to annotation: it gets the tag, and waits; None where it has the tag already."""
        raw = self._raw(sample)
        return None if self.tag in (raw.get("tags") or ()) else self._decide(raw, "sent to annotation", {}, self.tag)

    def last(self, anybodys: bool = False) -> Decision | None:
        """What :meth:`undo` would take back; None where there is nothing."""
        return self._decisions.last(None if anybodys else self.session)

    def undo(self, anybodys: bool = False) -> Decision | None:
        """Take the last decision of this session back that wasn't yet; that decision, or None where there is none.

        Args:
            anybodys: the last one of whoever, as of a session that has ended

        Raises:
            PromptingError: the label was changed since by something else, and stays as it is
        """
        while decision := self.last(anybodys):
            self._seen.pop(decision.sample_id, None)
            raw = self._labels.find(decision.sample_id)
            taken_back = raw is not None and self._take_back(raw, decision)
            self._decisions.forget(decision)
            if taken_back:
                return decision
        return None

    def __len__(self) -> int:
        """How many pictures have a label."""
        return self._queue.counts().total()

    def __str__(self) -> str:
        return str(self.standing())

    def __repr__(self) -> str:
        return f"<Review: {self}>"

    def _whole(self, of: StrategyFields) -> bool:
        """Whether a strategy has all fields that it takes to have its masks instead of the label."""
        return all(map(self.dataset.has_sample_field, _needed(of)))

    def _unseen(self, raw: Mapping) -> bool:
        """Whether a label was accepted for what is expected of it, and nobody decided on it."""
        return raw.get(self._fields.status) == ACCEPTED and raw[self._fields.mask].get(ACCEPTED_BY) == EXPECTATION

    def _decide(self, raw: Mapping, what: str, changes: Mapping, tag: str | None = None) -> Decision:
        self._seen.pop(str(raw["_id"]), None)
        return decide(self._labels, raw, what, changes, tag=tag, session=self.session)

    def _raw(self, sample: fo.Sample | str) -> Mapping:
        """A sample whose label is as it was when it was looked at, if it was."""
        raw = self._labels.raw(sample)
        seen = self._seen.get(str(raw["_id"]))
        if seen is not None and seen != fingerprint(self._labels.of(raw)):
            raise PromptingError(f"Somebody changed the label of {raw['filepath']} meanwhile; look at it again.")
        return raw

    def _take_back(self, raw: Mapping, decision: Decision) -> bool:
        """Whether there was something to take back: the process may have ended before or after it was carried out."""
        if decision.tag:
            there = decision.tag in (raw.get("tags") or ())
            if there:
                self._labels.update(raw, {"$pull": {"tags": decision.tag}})
            return there
        now = self._labels.of(raw)
        if fingerprint(now) == fingerprint(decision.before):
            return False
        if fingerprint(now) != decision.after:
            self._decisions.forget(decision)
            raise PromptingError(
                f"{raw['filepath']} was {decision.what}, and its label was changed by something else since: that can't"
                " be taken back any more, but what was decided before it can."
            )
        gone = dict.fromkeys(set(now) - set(decision.before), "")
        self._labels.update(raw, {"$set": decision.before, **({"$unset": gone} if gone else {})})
        return True

    def _without(self, shown: fo.Sample, dropped: Sequence[fo.Detection], left: Sequence[fo.Detection]) -> np.ndarray:
        """The label's mask without some of its instances."""
        label_map = label_map_of(shown[self._fields.mask])
        value_of = {label: value for value, label in self._labels.targets.items()}
        shape = label_map.shape[:2]
        windows = [_window(one, shape) for one in left]
        sure = [one.confidence or 0.0 for one in left]
        beneath = paint(windows, sure, [value_of.get(one.label, 1) for one in left], shape)
        for one in dropped:
            label_map = taken_out(label_map, _window(one, shape), beneath)
        return label_map


def _needed(of: StrategyFields) -> tuple[str, ...]:
    return of.mask, of.instances, of.status


def _window(detection: fo.Detection, shape: tuple[int, int]) -> Window:
    return instance_window(detection, *shape) or Window.empty(shape)


def _instance(detection: fo.Detection) -> Instance:
    width, height = detection.bounding_box[2:]
    source = detection.get_attribute_value(SOURCE, None)
    return Instance(detection.id, detection.label, source, detection.confidence, float(np.clip(width * height, 0, 1)))


def _other(
    shown: fo.Sample,
    key: tuple[str, str],
    of: StrategyFields,
    measured: str,
    label_map: np.ndarray,
    classes: Sequence[int],
) -> Iterator[Other]:
    """What a strategy has instead; nothing where its mask's file is gone: it can't be taken."""
    prefix, strategy = key
    found, scored = shown[of.instances], shown.has_field(of.score)
    try:
        overlap = image_iou(label_map_of(shown[of.mask]), label_map, classes)
    except PromptError:
        return
    count = len(found.detections) if found else 0
    score = shown[of.score] if scored else None
    yield Other(strategy, prefix, count, score, overlap, shown[measured] if shown.has_field(measured) else None)
