"""What is ours in a bundled model: everything but the frozen YOLO part."""

from __future__ import annotations

import torch
from torch import nn


def trained_state(model: nn.Module, frozen_prefix: str) -> dict[str, torch.Tensor]:
    """The model's state without the frozen part, floats in float16."""
    return {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
        if not name.startswith(frozen_prefix)
    }


def load_trained_state(model: nn.Module, state: dict[str, torch.Tensor], frozen_prefix: str) -> None:
    """Put a state of :func:`trained_state` into a fresh model.

    Raises:
        RuntimeError: a trained tensor is missing, or one is not known to the model
    """
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.startswith(frozen_prefix)]
    if missing or unexpected:
        raise RuntimeError(f"The nano weights do not fit the model: missing {missing}, unknown {unexpected}.")
