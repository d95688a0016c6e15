"""What happens to pictures whose loss is explained, in this process or a worker elsewhere."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np

from ..analysis.attribution import attribute, attribute_masks, largest_part
from ..analysis.robustness import Trial, probe
from ..dataset.names import StrategyFields, error_field, truth_field
from ..dataset.pages import samples_by_page
from ..dataset.saving import writing
from ..dataset.sent import Sent
from ..dataset.truth import Truth
from ..errors import Stopped
from ..labels.stored import label_map_of
from ..pixels.masks import resize_mask
from .asking_again import attempts_of, attempts_there, ceilings_of, image_of
from .assembly import load_segmenter
from .crew import Outcome

MOST_PROBED = 10
"""Of a crowded picture, the largest instances alone are probed for robustness: each takes some 40 prompts."""


@dataclass(frozen=True)
class Explained:
    """What was found on a picture.

    Attributes:
        parts: strategy -> part -> its share of the loss; None where the picture could not be read
        trials: how disturbed prompts did
    """

    parts: Mapping[str, Mapping[str, float]] | None
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True)
class Explaining:
    """The job of explaining errors; an outcome's value is :class:`Explained`.

    Attributes:
        sent: the samples, evaluated with all of these strategies
        names: the strategies
        prompted: those of them that prompted SAM 2
        prefix: of the fields
        classes: class i has the value i + 1
        truth: what they were evaluated against
        model, device, precision: of the SAM 2 that is asked again; a model of None: none is
        robustness: also disturb the truth's prompts
        seed: of the disturbances, together with each file's name
    """

    sent: Sent
    names: tuple[str, ...]
    prompted: tuple[str, ...]
    prefix: str
    classes: tuple[str, ...]
    truth: Truth
    model: str | None
    device: str
    precision: str | None
    robustness: bool
    seed: int

    def open(self, check: Callable[[], None]) -> _Explainer:
        """Load SAM 2."""
        return _Explainer(self, load_segmenter(self.model, self.device, self.precision) if self.model else None, check)

    def fail(self, items: Mapping[str, None], why: str) -> Iterator[Outcome]:
        """One that nobody could do is one that can't be read."""
        yield from (Outcome(sample_id, Explained(None)) for sample_id in items)


class _Explainer:
    """The work: each picture is encoded once more, and SAM 2 asked with the truth's boxes."""

    about = None

    def __init__(self, job: Explaining, segmenter, check: Callable[[], None]):
        self._job, self._segmenter, self._check = job, segmenter, check
        self.refused: Mapping[str, str] = {}

    def do(self, items: Mapping[str, None]) -> Iterator[Outcome]:
        job, samples = self._job, self._job.sent.samples()
        fields = [job.truth.field, truth_field(job.prefix)]
        for name in job.names:
            of = StrategyFields.of(job.prefix, name)
            fields += [of.mask, of.instances, *filter(samples.has_sample_field, of.prompts)]
        kinds = {name: _kind(samples._dataset, error_field(job.prefix, name)) for name in job.names}
        with writing(samples._dataset) as writer:
            self.refused = writer.refused
            for sample in samples_by_page(samples.select_fields(fields), list(items)):
                try:
                    self._check()
                except Stopped:
                    return
                found = self._explained(sample)
                if found.parts is not None:
                    errors = {error_field(job.prefix, name): kinds[name](parts) for name, parts in found.parts.items()}
                    writer.write(sample.id, errors)
                yield Outcome(sample.id, found)

    def _explained(self, sample: fo.Sample) -> Explained:
        job, segmenter, encoded = self._job, self._segmenter, None
        target = label_map_of(sample[truth_field(job.prefix)])
        image = image_of(sample, target.shape)
        if image is None:
            return Explained(None)
        regions = job.truth.regions(sample[job.truth.field], *target.shape)
        classes, values, parts = list(job.classes), range(1, len(job.classes) + 1), {}
        if segmenter:
            encoded = segmenter.encode([image], [target.shape])[0]  # a large one is smaller than its masks
            ceilings = ceilings_of(segmenter, encoded, regions, classes)
        for name in job.names:
            of = StrategyFields.of(job.prefix, name)
            found = resize_mask(label_map_of(sample[of.mask]), *target.shape)
            if name in job.prompted:
                attempts = attempts_of(sample, of, segmenter, encoded, classes)
                parts[name] = attribute(found, target, attempts, ceilings, values)
            else:
                there = [(region, classes.index(region.label) + 1) for region in regions]
                attempts = attempts_there(sample, of, target.shape, classes)
                parts[name] = attribute_masks(found, target, attempts, there, values)
        return Explained(parts, self._probed(sample, encoded, regions))

    def _probed(self, sample: fo.Sample, encoded, regions) -> tuple[Trial, ...]:
        if not self._job.robustness or not regions:
            return ()
        largest = sorted(regions, key=lambda region: -region.mask.area)[:MOST_PROBED]
        # of each picture's own: in whatever order, and by whomever, they are done
        rng = np.random.default_rng([self._job.seed, zlib.crc32(Path(sample.filepath).name.encode())])
        return tuple(probe(self._segmenter, encoded, largest, rng))


def _kind(dataset: fo.Dataset, field: str) -> Callable[[Mapping[str, float]], object]:
    """What makes a document of a picture's parts."""
    return _label if dataset.get_field(field).document_type is fo.Classification else _document


def _label(parts: Mapping[str, float]) -> fo.Classification:
    return fo.Classification(label=largest_part(parts), **parts)


def _document(parts: Mapping[str, float]) -> fo.DynamicEmbeddedDocument:
    """As earlier versions declared it: a field's type can't be changed, and the parts are read alike."""
    return fo.DynamicEmbeddedDocument(**parts)
