"""What happens to samples whose labels are finished, in this process or a worker elsewhere: read, choose, write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..dataset import finals
from ..dataset.finals import Earlier
from ..dataset.mask_files import MaskFiles
from ..dataset.names import FinalFields, StrategyFields
from ..dataset.pages import samples_by_page
from ..dataset.saving import writing
from ..dataset.sent import Sent
from ..errors import Stopped
from ..final.candidates import Choice
from ..final.rules import chooser
from .crew import Outcome
from .finish_plan import FinishPlan
from .lessons import Learning

NOTHING = "no result of the strategies is there any more"
MEANWHILE = "somebody labelled it, or decided on it, meanwhile"


@dataclass(frozen=True)
class Labelling:
    """The job of finishing labels; an outcome's value is None, or why the sample has no label of this run.

    Where a person was quicker, that shows only when labels are written, some at once: such a sample has a second
    outcome, which holds.

    Attributes:
        sent: the samples
        plan: strategies by their names
        names: of the strategies that are looked at
        learning: what labelled pictures taught; None without a truth
        files: where masks go; None: into the samples' documents
    """

    sent: Sent
    plan: FinishPlan
    names: tuple[str, ...]
    learning: Learning | None
    files: MaskFiles | None

    def open(self, check: Callable[[], None]) -> _Labeller:
        """No model is asked, and nothing has to be loaded."""
        return _Labeller(self, check)

    def fail(self, items: Mapping[str, Earlier | None], why: str) -> Iterator[Outcome]:
        """One that nobody could do is left as it is."""
        yield from (Outcome(sample_id, why) for sample_id in items)


class _Labeller:
    """The work: ids of samples, each with the label that it has, get another one, if nobody was quicker."""

    about = None

    def __init__(self, job: Labelling, check: Callable[[], None]):
        self._job, self._check = job, check
        self._choose = job.learning.choose if job.learning else chooser(job.plan.rule, job.plan.strategies)
        self.refused: Mapping[str, str] = {}

    def do(self, items: Mapping[str, Earlier | None]) -> Iterator[Outcome]:
        job, plan, samples = self._job, self._job.plan, self._job.sent.samples()
        dataset, fields = samples._dataset, FinalFields.of(plan.name)
        scores = [StrategyFields.of(plan.prefix, name).score for name in job.names]
        there = [name for name in scores if dataset.has_sample_field(name)]
        view = samples.select_fields([*finals.fields_read(dataset, plan.prefix, job.names), *there])
        with writing(dataset, files=job.files) as writer:
            self.refused = writer.refused
            for sample in samples_by_page(view, list(items)):
                try:
                    self._check()
                except Stopped:
                    break
                values = self._label(sample, fields, there)
                if values is not None:
                    before = items[sample.id]
                    only = before.condition(fields) if before else finals.unlabelled(fields)
                    writer.write(sample.id, values, sample.filepath, only)
                yield Outcome(sample.id, NOTHING if values is None else None)
        yield from (Outcome(sample_id, MEANWHILE) for sample_id in writer.passed_over)

    def _label(self, sample: fo.Sample, fields: FinalFields, there: Sequence[str]) -> Mapping[str, object] | None:
        """What is written of a sample; None where it lacks a result."""
        plan, learning = self._job.plan, self._job.learning
        found = finals.found_in(sample, plan.prefix, self._job.names)
        choice = self._choose(sample.id, found)
        if choice is None:
            return None
        if learning is None:
            return finals.values(sample, choice, fields, plan.prefix, _guess(sample, choice, plan, there))
        expected = learning.expected(sample.id, choice, found)
        return finals.values(sample, choice, fields, plan.prefix, expected, plan.accept_from, learning.made_by)


def _guess(sample: fo.Sample, choice: Choice, plan: FinishPlan, there: Sequence[str]) -> float | None:
    """SAM 2's own guess, the mean of the instances: without any truth that is all there is."""
    if choice.candidates is not None:
        known = [one.predicted_iou for one in choice.candidates if one.predicted_iou is not None]
        return float(np.mean(known)) if known else None
    score = StrategyFields.of(plan.prefix, choice.sources[0]).score
    return sample[score] if score in there else None
