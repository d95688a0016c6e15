"""FiftyOne imports this file again for every call and every keystroke in a form: it registers, nothing more."""

from .operators import register

__all__ = ["register"]
