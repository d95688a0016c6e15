"""What a person asks of a cluster, checked before anything is started."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import fiftyone as fo

from ..dataset.lock import Hold
from ..errors import PromptingError
from .address import host_and_port

if TYPE_CHECKING:
    from .members import Members

HOW_TO_INSTALL = "install it with `make setup EXTRA=ray` in a clone, or `pip install -r requirements-ray.txt`"


@dataclass(frozen=True)
class Cluster:
    """Workers by Ray: the engine of runs that asked for ``engine="ray"``.

    Attributes:
        workers: how many; None: as many as there is room for that nobody uses
        ray_address: of a cluster that runs already, ``host:port``, or ``auto`` for the one that this machine belongs
            to; None: the one that this process is connected to, else start Ray on this machine for the run
        cpus_per_worker: processors that a worker keeps from others, and threads that it computes with
        gpus_per_worker: GPUs of a worker; less than 1 where several share one; None: 1 where the cluster has any
    """

    workers: int | None = None
    ray_address: str | None = None
    cpus_per_worker: int = 1
    gpus_per_worker: float | None = None

    def __post_init__(self) -> None:
        """Check everything that can be checked without Ray.

        Raises:
            PromptingError: the first thing that is wrong
        """
        for name in ("workers", "cpus_per_worker"):
            value = getattr(self, name)
            if value is None and name == "workers":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise PromptingError(f"{name} must be a whole number, 1 at least, not {value!r}.", name)
        gpus = self.gpus_per_worker
        if gpus is not None and (isinstance(gpus, bool) or not isinstance(gpus, (int, float)) or not 0 <= gpus <= 64):
            raise PromptingError(
                f"gpus_per_worker must be a number from 0 on, such as 0.5, not {gpus!r}.", "gpus_per_worker"
            )
        if gpus is not None and gpus > 1 and gpus != int(gpus):
            raise PromptingError(f"gpus_per_worker may be a fraction below 1 alone, not {gpus!r}.", "gpus_per_worker")
        address = self.ray_address
        if address is not None and not isinstance(address, str):
            raise PromptingError(f"ray_address must be 'auto' or 'host:port', not {address!r}.", "ray_address")
        if address is not None and "://" in address:
            raise PromptingError(
                f"ray_address must be 'auto' or 'host:port', not {address!r}; start the run on a machine that belongs"
                " to the cluster (`ray start --address=…` makes it one).",
                "ray_address",
            )
        if address not in (None, "auto"):
            host_and_port(address)

    def check(self) -> None:
        """Refuse what only this machine tells.

        Raises:
            PromptingError: Ray isn't installed
        """
        if importlib.util.find_spec("ray") is None:
            raise PromptingError(f"engine='ray' needs Ray, which is not installed here; {HOW_TO_INSTALL}.", "engine")

    @contextmanager
    def crew(self, dataset: fo.Dataset, hold: Hold) -> Iterator[Members]:
        """Workers for a run; they are gone when the block ends.

        Args:
            dataset: that is worked on
            hold: the run's lock

        Raises:
            PromptingError: no Ray, no cluster, no room in it, or a node on which the work can't be done
            Stopped: somebody asked for it
        """
        self.check()
        from .connection import connected
        from .members import Members

        with connected(self.ray_address):
            crew = Members(hold)
            try:
                crew.gather(dataset, self.workers, self.cpus_per_worker, self.gpus_per_worker)
                yield crew
            finally:
                crew.dismiss()
