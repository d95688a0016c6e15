"""Where a cluster is, as people write it."""

from __future__ import annotations

from ..errors import PromptingError


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of ``host:port``; the host of an IPv6 address without its brackets.

    Raises:
        PromptingError: it is something else
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise PromptingError(f"ray_address must be 'auto' or 'host:port', not {address!r}.", "ray_address")
    return host.strip("[]"), int(port)
