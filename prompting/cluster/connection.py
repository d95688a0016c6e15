"""The connection to Ray, one a process, shared by the runs that want the same; and how much room a cluster has."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ..errors import PromptingError, first_line
from .address import host_and_port

REACH_SECONDS, FREE_SECONDS = 5.0, 5.0
AUTHENTICATION = "RAY_AUTH_MODE"
STORE_BYTES = 256 * 2**20
"""Ray's store for what travels: ids and numbers do, pictures and masks don't."""

_turn = threading.Lock()
_users, _address = 0, None


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Ray, at an address, or started on this machine; what was started here ends with its last user.

    Where the process was connected before (``ray.init()`` in somebody's script), that is used, and left as it is, if
    it is what is asked for.

    Raises:
        PromptingError: no Ray answers at the address, or this process is connected to another
    """
    global _users, _address

    with _turn:
        import ray

        if _users and address != _address:
            raise PromptingError(
                f"Another run of this process uses the Ray of {_address or 'this machine'}; wait for its end, or use"
                " the same.",
                "ray_address",
            )
        ours = _users > 0 or not ray.is_initialized()
        if not ours and address not in (None, "auto"):
            _check_same(address, ray.get_runtime_context().gcs_address)
        if ours and not _users:
            _connect(address)
        if ours:
            _users, _address = _users + 1, address
    try:
        yield
    finally:
        if ours:
            with _turn:
                _users -= 1
                if not _users:
                    ray.shutdown()


def _connect(address: str | None) -> None:
    import ray

    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    told = os.environ.get(AUTHENTICATION)
    try:
        if address is None:
            # on this machine's own address alone: nobody else is to see its ports
            own = {"_node_ip_address": "127.0.0.1", "object_store_memory": STORE_BYTES, "include_dashboard": False}
            ray.init(address="local", **own, **quiet)
        else:
            if address != "auto":
                _reach(address)
            ray.init(address=address, **quiet)
    except PromptingError:
        raise
    except Exception as error:
        where = "be started on this machine" if address is None else f"be reached at {address!r}"
        raise PromptingError(
            f"Ray can't {where} ({first_line(error)}); `ray start --head` starts a cluster, and `ray status` tells"
            " whether this machine belongs to one.",
            "ray_address",
        ) from error
    finally:
        if told is None:  # Ray that was started here leaves it set, and another cluster may have none
            os.environ.pop(AUTHENTICATION, None)


def _check_same(address: str, connected_to: str) -> None:
    """Refuse an address where this process is connected to another one; a machine may have several."""
    import ray

    def places(of: str) -> set[tuple[str, int]]:
        host, port = host_and_port(of)
        with suppress(OSError):
            ips = {found[4][0] for found in socket.getaddrinfo(host, port)}
            own = {ray.util.get_node_ip_address()} if any(ip.startswith("127.") or ip == "::1" for ip in ips) else set()
            return {(ip, port) for ip in ips | own}
        return {(host, port)}

    if not places(address) & places(connected_to):
        raise PromptingError(
            f"This process is connected to the Ray at {connected_to} (`ray.init`), and not to {address!r}; leave"
            " ray_address out to use that, or call `ray.shutdown()` first.",
            "ray_address",
        )


def _reach(address: str) -> None:
    """Ray itself would try for a minute."""
    host, port = host_and_port(address)
    try:
        socket.create_connection((host, port), REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise PromptingError(
            f"No Ray answers at {address!r} ({first_line(error)}); see that `ray start --head` runs there, and that its"
            " port is open.",
            "ray_address",
        ) from None


def room(cpus: int, gpus: float) -> int:
    """How many workers of this size the cluster has room for, used or not."""
    import ray

    count = 0
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            most = int(has.get("CPU", 0) // cpus)
            if gpus:
                each = has.get("GPU", 0)
                most = min(most, int(each // gpus) if gpus >= 1 else int(each) * int(1 / gpus + 1e-9))
            count += most
    return count


def free_room(cpus: int, gpus: float) -> int:
    """How many of :func:`room` nobody uses; what a run that has just ended used is free some seconds later."""
    import ray

    most, end = room(cpus, gpus), time.monotonic() + FREE_SECONDS
    while True:
        there = ray.available_resources()
        counts = [there.get(kind, 0) / each for kind, each in (("CPU", cpus), ("GPU", gpus)) if each]
        count = min(most, *(int(count + 1e-9) for count in counts))
        if count == most or time.monotonic() > end:
            return count
        time.sleep(0.2)


def has_gpus() -> bool:
    """Whether any node has a GPU."""
    import ray

    return any(node["Alive"] and node["Resources"].get("GPU", 0) for node in ray.nodes())
