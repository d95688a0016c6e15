"""Who does a run's work: this process, or Ray's workers; asked alike by all operators that leave the choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fiftyone.operators.types as types

from ..prompting.errors import PromptingError
from ..prompting.trust import check_cluster, clusters
from . import forms
from .words import LABELS

HERE, RAY = "here", "ray"
ENGINES = {
    HERE: "In one process",
    RAY: "By several workers, on this machine or on others (Ray, which has to be installed)",
}
SIZES = {"workers": None, "ray_address": None, "cpus_per_worker": 1, "gpus_per_worker": None}
"""What is asked of Ray, and what it is where nobody says."""
PARAMETERS = ("engine", *SIZES)


def engine_of(given: Mapping[str, Any]):
    """The engine that a call from Python names; see :class:`prompting.runs.crew.Engine`.

    Args:
        given: the parameters, others among them

    Raises:
        PromptingError: a value that can't be, or Ray isn't installed
    """
    from ..prompting.cluster.asked import Cluster
    from ..prompting.runs.crew import HERE as THIS_PROCESS

    engine = given.get("engine") or HERE
    if engine not in ENGINES:
        raise PromptingError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}.", "engine")
    asked = {name: value for name in SIZES if (value := given.get(name)) not in (None, "") and value != SIZES[name]}
    if engine == HERE:
        for name, value in asked.items():
            raise PromptingError(
                f"{name} is a setting of Ray's workers, and the engine is {HERE!r}; ask for engine={RAY!r}, or leave"
                f" {name}={value!r} out.",
                name,
            )
        return THIS_PROCESS
    cluster = Cluster(**asked)
    cluster.check()
    return cluster


def engine_of_request(params: Mapping[str, Any]):
    """The same of a request from the App, or of one that was queued: who may send one mayn't use any cluster.

    Raises:
        PromptingError: also an address that the server doesn't allow
    """
    # what was filled in for workers stays there when somebody goes back to one process
    engine = engine_of(params if params.get("engine") == RAY else others(params) | {"engine": params.get("engine")})
    check_cluster(getattr(engine, "ray_address", None))
    return engine


def others(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that aren't about this."""
    return {name: value for name, value in given.items() if name not in PARAMETERS}


def changed(given: Mapping[str, Any]) -> dict[str, Any]:
    """What of these parameters isn't as it is where nobody says."""
    usual = {"engine": HERE, **SIZES}
    return {name: value for name, value in given.items() if name in usual and value != usual[name]}


def ask(inputs: types.Object, params: Mapping[str, Any]) -> None:
    """The choice, and where Ray is chosen how many workers, where, and of which size."""
    forms.choose_one(inputs, "engine", ENGINES, HERE, LABELS["engine"], required=False)
    if params.get("engine") != RAY:
        return
    inputs.int("workers", label=LABELS["workers"], description="Empty: as many as there is room for that nobody uses")
    allowed = clusters()
    description = "Empty: workers on this machine" + ("" if allowed else "; the server names no cluster")
    forms.suggest(inputs, "ray_address", allowed, None, LABELS["ray_address"], description)
    description = "Kept from others, and threads that it computes with"
    inputs.int("cpus_per_worker", default=1, label=LABELS["cpus_per_worker"], description=description)
    description = "Less than 1: several share one; empty: 1 where there are any"
    inputs.float("gpus_per_worker", label=LABELS["gpus_per_worker"], description=description)
