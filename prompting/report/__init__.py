"""The comparison as files to send around: one HTML page, a CSV, a JSON."""

from .files import export

__all__ = ["export"]
