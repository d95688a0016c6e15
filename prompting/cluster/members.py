"""A run's workers, each an actor of Ray's: started, asked, and ended with the run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import fiftyone as fo
import ray
from ray.exceptions import RayError, RayTaskError

from ..dataset.lock import Hold
from ..errors import PromptingError, Stopped, first_line
from ..steps import Steps
from . import actor
from .connection import free_room, has_gpus, room
from .desk import unseen
from .home import home
from .pages import Pages
from .round import Round

LOOK_SECONDS, START_SECONDS = 0.5, 300.0


@dataclass(eq=False)
class Member:
    """A worker.

    Attributes:
        handle: the actor, which Ray starts anew, on another node if need be, where it was killed
        node: where it was last seen
    """

    handle: Any
    node: str = "that isn't known yet"


class Members:
    """All workers of a run: the crew that :mod:`prompting.runs.crew` describes.

    Args:
        hold: the run's lock
    """

    def __init__(self, hold: Hold):
        self._hold = hold
        self._members: list[Member] = []
        self._paths: list[str] = []
        self._desk = self._job = self._opened = None
        self.refused: dict[str, str] = {}
        self.many, self.repeated = True, False

    def gather(self, dataset: fo.Dataset, workers: int | None, cpus: int, gpus: float | None) -> None:
        """Start the workers, and wait until each is ready.

        Args:
            dataset: that is worked on
            workers: how many; None: as many as there is room for
            cpus, gpus: of each; None: one GPU where the cluster has any

        Raises:
            PromptingError: no room for them, or a node on which they can't work
            Stopped: somebody asked for it
        """
        gpus = float(has_gpus()) if gpus is None else gpus
        most, of = room(cpus, gpus), f"{cpus} CPU" + (f" and {gpus:g} GPU" if gpus else "")
        count = workers or max(free_room(cpus, gpus), 1)
        if count > most:
            raise PromptingError(
                f"Ray has room for {most} workers of {of} each here, and not for {count}; ask for fewer or smaller"
                " ones, or add nodes.",
                "workers",
            )
        ray.cloudpickle.register_pickle_by_value(actor)
        try:
            size = {"num_cpus": cpus, "num_gpus": gpus}
            kind = ray.remote(actor.Worker).options(**size, max_restarts=-1, scheduling_strategy="SPREAD")
            here = home()
            self._members = [Member(kind.remote(here, cpus)) for _ in range(count)]
        finally:
            ray.cloudpickle.unregister_pickle_by_value(actor)
        self._desk = ray.put((dataset.name, str(dataset._doc.id), self._hold.key, self._hold.token))
        begun = self._all(self.begin, self._members, START_SECONDS)
        for member, (node, refusal) in zip(self._members, begun, strict=True):
            member.node = node
            if refusal:
                raise PromptingError(refusal, "ray_address")

    def dismiss(self) -> None:
        """End the workers."""
        for member in self._members:
            ray.kill(member.handle)
        self._members = []

    def ask(self, function: Callable, *args) -> Any:
        return self._alike(self._everywhere("ask", function, *args))

    def see(self, paths: Sequence[str]) -> None:
        seen = self._everywhere("sees", list(paths))
        anybody = [os.access(path, os.R_OK) or any(there) for path, there in zip(paths, zip(*seen))]
        # what nobody sees is gone, and an error of its pictures; unless it is all that there is
        self._paths = [path for path, there in zip(paths, anybody) if there] or list(paths)
        for member, there in zip(self._members, seen, strict=True):
            if gone := set(self._paths) - {path for path, sees in zip(paths, there) if sees}:
                raise unseen(member.node, min(gone))

    def open(self, job) -> Any:
        self._job, self._opened = job, ray.put((job, self._paths))
        # one on each node first: models that have to be fetched are fetched once
        first = list({member.node: member for member in self._members}.values())
        others = [member for member in self._members if member not in first]
        return self._alike(self._all(self.open_again, first) + self._all(self.open_again, others))

    def opening(self, job) -> Steps[Any]:
        """Of what workers learn, and how far they are, nothing is heard."""
        yield from ()
        return self.open(job)

    def outcomes(self, items: Mapping[str, Any], at_once: int = 1) -> Iterator:
        pages = Pages(items, at_once, len(self._members))
        return Round(self, self._members, self._hold, self._job, pages).outcomes()

    def begin(self, member: Member):
        """A reference to what a worker says when it is ready, or can't be."""
        return member.handle.begin.remote([self._desk])

    def open_again(self, member: Member):
        """A reference to what a worker says when it has loaded what the job takes."""
        return member.handle.call.remote("open", [self._opened])

    def do(self, member: Member, items: Mapping[str, Any]):
        """A reference to what comes of a page."""
        return member.handle.call.remote("do", [ray.put((dict(items),))])

    def _everywhere(self, method: str, *args) -> list:
        boxed = ray.put(args)
        return self._all(lambda member: member.handle.call.remote(method, [boxed]), self._members)

    def _all(self, submit: Callable, members: Sequence[Member], within: float | None = None) -> list:
        """What members say, in their order."""
        waited, said = {submit(member): member for member in members}, {}
        end = None if within is None else time.monotonic() + within
        while waited:
            self._hold.check()
            ready, _ = ray.wait(list(waited), timeout=LOOK_SECONDS)
            for ref in ready:
                member = waited.pop(ref)
                said[member] = _answer(ref, member)
            if waited and end is not None and time.monotonic() > end:
                raise PromptingError(
                    f"{len(waited)} of {len(members)} workers could not be started within {within:.0f} s: others may"
                    " use the cluster (`ray status` tells); ask for fewer workers, or try again later.",
                    "workers",
                )
        return [said[member] for member in members]

    def _alike(self, answers: Sequence) -> Any:
        """What all say.

        Raises:
            PromptingError: some say something else, for they have another device, or other files
        """
        for member, answer in zip(self._members, answers, strict=True):
            if answer != answers[0]:
                one, other = _difference(answers[0], answer)
                raise PromptingError(
                    f"The nodes differ: {self._members[0].node} has {one}, and {member.node} has {other}; name a"
                    " device, a precision and a batch size that all have, and give all nodes the same models.",
                    "ray_address",
                )
        return answers[0]


def _answer(ref, member: Member) -> Any:
    try:
        return ray.get(ref)
    except RayTaskError as error:
        cause = error.cause
        mute = isinstance(cause, PromptingError) and not isinstance(cause, Stopped) and member.node not in str(cause)
        if mute:
            cause.args = (f"On the node {member.node}: {cause}",)
        raise cause from None
    except RayError as error:
        raise PromptingError(
            f"A worker ended while it was made ready, on the node {member.node} ({first_line(error)}); see Ray's logs"
            " there, and that it has memory enough.",
            "workers",
        ) from error


def _difference(one: Any, other: Any) -> tuple[str, str]:
    """Where two answers differ, in words."""
    if is_dataclass(one) and type(one) is type(other):
        names = (field.name for field in fields(one))
        name = next(name for name in names if getattr(one, name) != getattr(other, name))
        return f"{name}={getattr(one, name)!r}", f"{getattr(other, name)!r}"
    return repr(one), repr(other)
