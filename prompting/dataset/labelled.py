"""Samples' labels as a review reads and changes them: one sample, one update, and never over somebody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ..errors import PromptingError
from .declared import note
from .declaring import add_fields
from .everywhere import these_samples
from .lock import editing
from .names import FinalFields, labels_key
from .owned import label_fields
from .present import prefixes


class Labelled:
    """The labels of one name in a dataset; of those that an earlier version took over some fields may be missing.

    Args:
        dataset: the dataset
        name: of the labels
    """

    def __init__(self, dataset: fo.Dataset, name: str):
        self.dataset, self.name, self.fields = dataset, name, FinalFields.of(name)

    @property
    def there(self) -> list[str]:
        """Those of the fields that the dataset has."""
        return [name for name in self.fields.everything if self.dataset.has_sample_field(name)]

    @property
    def targets(self) -> dict[int, str]:
        """What the mask's values mean."""
        return {int(value): label for value, label in (self.dataset.mask_targets.get(self.fields.mask) or {}).items()}

    def prefixes(self) -> list[str]:
        """Those of which there are results, the one that the labels came from last first."""
        sources = self.dataset.get_run_info(labels_key(self.name)).config.sources
        ours = [dict(source).get("prefix") for source in reversed(sources)]
        return sorted(
            prefixes(self.dataset), key=lambda prefix: ours.index(prefix) if prefix in ours else len(ours)
        ) or ["sam2"]

    def find(self, sample_id: str) -> Mapping[str, Any] | None:
        """A sample's label as the database has it, its file, its tags and when it was changed last; None without."""
        if not ObjectId.is_valid(sample_id):
            return None
        paths = dict.fromkeys((*self.there, "filepath", "tags", "last_modified_at"), 1)
        return self.dataset._sample_collection.find_one({"_id": ObjectId(sample_id)}, paths)

    def raw(self, sample: fo.Sample | str) -> Mapping[str, Any]:
        """The same of one that has a label.

        Raises:
            PromptingError: there is no such sample, or it has none
        """
        sample_id = str(sample) if isinstance(sample, (str, ObjectId)) else getattr(sample, "id", None)
        if not isinstance(sample_id, str):
            raise PromptingError(f"A decision is on a sample or on its id, not on {sample!r:.50}.", "sample")
        raw = self.find(sample_id)
        if raw is None:
            raise PromptingError(f"There is no sample {sample_id!r} in this dataset.")
        if raw.get(self.fields.mask) is None:
            raise PromptingError(f"{raw['filepath']} has no label in {self.name!r}.")
        return raw

    def read(self, raw: Mapping[str, Any], more: Sequence[str] = ()) -> fo.Sample:
        """The sample, with its label and some more fields, as far as nobody deleted them."""
        there = [name for name in more if self.dataset.has_sample_field(name)]
        return these_samples(self.dataset, str(raw["_id"])).select_fields([*self.there, *there]).first()

    def detections(self, sample: fo.Sample) -> list[fo.Detection]:
        """The label's instances."""
        found = self.value(sample, self.fields.instances)
        return list(found.detections) if found else []

    def value(self, sample: fo.Sample, name: str) -> Any:
        """What a field holds; None where there is no such field."""
        return sample[name] if name in self.there else None

    def of(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """A sample's label alone, of what :meth:`find` gives."""
        return {name: raw[name] for name in self.there if name in raw}

    def stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of fields as the database holds them, of those fields that there are."""
        kept = {name: value for name, value in values.items() if name in self.there}
        return {name: value.to_mongo() if isinstance(value, fo.Label) else value for name, value in kept.items()}

    def update(self, raw: Mapping[str, Any], change: Mapping[str, Mapping]) -> None:
        """Change a sample, as MongoDB's operators say.

        Raises:
            PromptingError: it isn't as it was read any more
        """
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        change = {**change, "$set": {**change.get("$set", {}), "last_modified_at": now}}
        unchanged = {"_id": raw["_id"], "last_modified_at": raw.get("last_modified_at")}
        if not self.dataset._sample_collection.update_one(unchanged, change).matched_count:
            raise PromptingError(f"{raw['filepath']} was changed by somebody else just now; look at it again.")
        fo.Sample._reload_docs(self.dataset._sample_collection_name, sample_ids=[str(raw["_id"])])

    def declare_status(self) -> None:
        """Labels that an earlier version took over have none."""
        status = self.fields.status
        if status not in self.there:
            with editing(self.dataset):
                note(self.dataset, self.name, [status])
                add_fields(self.dataset, {status: label_fields(self.name)[status]})
