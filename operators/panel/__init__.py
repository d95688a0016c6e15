"""The panel "SAM 2 strategies": which one is better, is the difference real, where does each fail, and why."""

from .panel import StrategiesPanel

__all__ = ["StrategiesPanel"]
