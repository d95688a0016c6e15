"""What a person decided on labels, one decision after the other, so that each can be taken back.

It is kept in FiftyOne's execution store, in the same database: it goes with the dataset, and is no part of it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import bson
import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

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
    """

    number: int
    sample_id: str
    what: str
    before: Mapping = field(repr=False)  # masks' bytes
    after: str = field(repr=False)
    tag: str | None = None

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

    def add(self, sample_id: str, what: str, before: Mapping, after: str, tag: str | None = None) -> Decision:
        """Keep a decision, before it is carried out, as the last."""
        value = {"sample_id": sample_id, "what": what, "before": _packed(before), "after": after, "tag": tag}
        number = max(self._numbers(), default=0) + 1
        while not self._store.set_if_absent(f"{number:08d}", value):  # somebody else decides at the same time
            number += 1
        return Decision(number, sample_id, what, before, after, tag)

    def last(self) -> Decision | None:
        """The latest that wasn't taken back."""
        numbers = self._numbers()
        value = self._store.get(f"{max(numbers):08d}") if numbers else None
        if value is None:
            return None
        before = _unpacked(value["before"])
        return Decision(max(numbers), value["sample_id"], value["what"], before, value["after"], value["tag"])

    def forget(self, decision: Decision) -> None:
        """It was taken back, or never carried out."""
        self._store.delete(f"{decision.number:08d}")

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

    def forget_all(self) -> None:
        """The labels are gone."""
        self._store.clear()

    def __len__(self) -> int:
        return len(self._numbers())

    def _numbers(self) -> list[int]:
        return [int(key) for key in self._store.list_keys() if key.isdigit()]


def _packed(label: Mapping) -> str:
    """As the store can tell its listeners in JSON."""
    return base64.b64encode(bson.encode(label)).decode()


def _unpacked(text: str) -> dict:
    return bson.decode(base64.b64decode(text))


def fingerprint(values: Mapping) -> str:
    """By what values of fields, as the database has them, are known to be the same."""
    return hashlib.sha256(bson.encode(dict(sorted(values.items())))).hexdigest()
