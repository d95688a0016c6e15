"""What the App's menu and the SDK call."""

from .apply import ApplyStrategies
from .evaluate import EvaluateStrategies
from .metrics import IoU


def register(plugin) -> None:
    """Register every operator that fiftyone.yml lists."""
    for operator in (ApplyStrategies, EvaluateStrategies, IoU):
        plugin.register(operator)
