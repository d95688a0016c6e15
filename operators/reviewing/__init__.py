"""The panel "SAM 2 review": finished labels, one picture after the other, the worst expected first."""

from .panel import ReviewPanel

__all__ = ["ReviewPanel"]
