"""What a person decided on labels, one decision after the other, so that each can be taken back.

It is kept in FiftyOne's execution store, in the same database: it goes with the dataset, and is no part of it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import bson
import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from .mask_files import paths_in

STORE = "sam2_prompting.review"


@dataclass(frozen=True)
class Decision:
    """One decision on one sample; ``print`` it.

    Attributes:
        number: one more than that of the decision before it
        sample_id: of what
        what: it was, in words, such as ``accepted``
        before: field name -> what it held, as the database has it
        after: the :func:`fingerprint` of what the same fields hold since
        tag: that the sample got; None for none
        session: in which it was taken; empty where that isn't kept, as of what came back from annotation
    """

    number: int
    sample_id: str
    what: str
    before: Mapping = field(repr=False)  # masks' bytes
    after: str = field(repr=False)
    tag: str | None = None
    session: str = ""

    @property
    def key(self) -> str:
        """In the store."""
        return f"{self.number:08d}" + (f".{self.session}" if self.session else "")

    def __str__(self) -> str:
        return f"{self.sample_id} was {self.what}."


class Decisions:
    """The decisions on labels of one name, whoever took them.

    Args:
        dataset: of the labels
        name: their field
    """

    def __init__(self, dataset: fo.Dataset, name: str):
        self._store = ExecutionStore.create(f"{STORE}.{name}", dataset_id=dataset._doc.id)

    def add(
        self, sample_id: str, what: str, before: Mapping, after: str, tag: str | None = None, session: str = ""
    ) -> Decision:
        """Keep a decision, before it is carried out, as the last."""
        value = {"sample_id": sample_id, "what": what, "before": _packed(before), "after": after, "tag": tag}
        number = max((number for number, _ in self._numbers()), default=0) + 1
        decision = Decision(number, sample_id, what, before, after, tag, session)
        while not self._store.set_if_absent(decision.key, value):  # the same session decides at the same time
            decision = replace(decision, number=decision.number + 1)
        return decision

    def last(self, session: str | None = None) -> Decision | None:
        """The latest that wasn't taken back: of a session, or of none that is kept; None: of any."""
        there = [one for one in self._numbers() if session is None or one[1] in (session, "")]
        if not there:
            return None
        number, whose = max(there)
        value = self._store.get(Decision(number, "", "", {}, "", session=whose).key)
        if value is None:
            return None
        before = _unpacked(value["before"])
        return Decision(number, value["sample_id"], value["what"], before, value["after"], value["tag"], whose)

    def forget(self, decision: Decision) -> None:
        """It was taken back, or never carried out."""
        self._store.delete(decision.key)

    def keep_before(self, run: str, before: Mapping[str, Mapping]) -> dict[str, Mapping]:
        """Keep what labels are before FiftyOne loads a run's over them: sample id -> label.

        Returns:
            the same; of those that a loading which was broken off had kept already, what they were before that one
        """
        for sample_id, label in before.items():
            self._store.set_if_absent(f"{run}.{sample_id}", _packed(label))
        return {sample_id: _unpacked(self._store.get(f"{run}.{sample_id}")) for sample_id in before}

    def forget_before(self, run: str, sample_id: str) -> None:
        """The sample's label is whole again."""
        self._store.delete(f"{run}.{sample_id}")

    def mask_files(self) -> Iterator[str]:
        """The files of masks that labels were in before: taken back, a decision names them again."""
        for key in self._store.list_keys():
            value = self._store.get(key)
            yield from paths_in(_unpacked(value["before"] if isinstance(value, Mapping) else value))

    def forget_all(self) -> None:
        """The labels are gone."""
        self._store.clear()

    def __len__(self) -> int:
        return len(self._numbers())

    def _numbers(self) -> list[tuple[int, str]]:
        """Number and session of each; the other keys begin with the name of an annotation run, no digit."""
        parts = (key.partition(".") for key in self._store.list_keys())
        return [(int(number), session) for number, _, session in parts if number.isdigit()]


def _packed(label: Mapping) -> str:
    """As the store can tell its listeners in JSON."""
    return base64.b64encode(bson.encode(label)).decode()


def _unpacked(text: str) -> dict:
    return bson.decode(base64.b64decode(text))


def fingerprint(values: Mapping) -> str:
    """By what values of fields, as the database has them, are known to be the same."""
    return hashlib.sha256(bson.encode(dict(sorted(values.items())))).hexdigest()
