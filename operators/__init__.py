"""What the App's menu and the SDK call."""

from .agreement import MeasureAgreement
from .annotate_labels import AnnotateLabels
from .apply import ApplyStrategies
from .evaluate import EvaluateStrategies
from .explain import ExplainStrategies
from .export import ExportComparison
from .finish_labels import FinishLabels
from .label_next import LabelNext
from .metrics import BoundaryIoU, IoU
from .panel import StrategiesPanel
from .remove_results import RemoveResults
from .review_labels import ReviewLabels
from .reviewing import ReviewPanel
from .show_errors import ShowErrors
from .stop_run import StopRun
from .sweep import SweepStrategies
from .tag_worst import TagWorst
from .use_as_labels import UseAsLabels
from .use_as_references import UseAsReferences


def register(plugin) -> None:
    """Register every operator and panel that fiftyone.yml lists."""
    for operator in (
        ApplyStrategies,
        UseAsReferences,
        SweepStrategies,
        EvaluateStrategies,
        ExplainStrategies,
        ExportComparison,
        MeasureAgreement,
        FinishLabels,
        UseAsLabels,
        LabelNext,
        TagWorst,
        ShowErrors,
        ReviewLabels,
        AnnotateLabels,
        RemoveResults,
        StopRun,
        IoU,
        BoundaryIoU,
        StrategiesPanel,
        ReviewPanel,
    ):
        plugin.register(operator)
