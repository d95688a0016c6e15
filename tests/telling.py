"""What the App is told of a run."""

from __future__ import annotations


def told(messages) -> list[tuple[float, str]]:
    """How far the run was, 0 to 1, and in words, of every message that shows progress."""
    shown = [message.params for message in messages if message.operator_uri.endswith("show_output")]
    shown = [params for params in shown if "progress" in params["results"]]
    return [(params["results"]["progress"], _label(params)) for params in shown]


def _label(params: dict) -> str:
    return params["outputs"]["type"]["properties"]["progress"]["view"]["label"]
