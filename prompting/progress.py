"""What a run tells while it works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a run is: samples that are done, all samples, and those of the done that failed."""

    done: int
    total: int
    failed: int
