"""What the App's menu and the SDK call."""

from .agreement import MeasureAgreement
from .apply import ApplyStrategies
from .evaluate import EvaluateStrategies
from .explain import ExplainStrategies
from .metrics import BoundaryIoU, IoU


def register(plugin) -> None:
    """Register every operator that fiftyone.yml lists."""
    for operator in (ApplyStrategies, EvaluateStrategies, ExplainStrategies, MeasureAgreement, IoU, BoundaryIoU):
        plugin.register(operator)
