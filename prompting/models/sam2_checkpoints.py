"""SAM 2 checkpoints as people have them: Meta's own, and what trainings make of them.

Read as tensors alone, never as a pickle. A fine-tuned model's tensors may lie under ``model``, ``state_dict`` or
``model_state_dict``, under another name if it is the only model (``ema``), or bare, and what wrapped the model in
training may stand before each name (``module.``, ``model.``, ``_orig_mod.``). A checkpoint doesn't say at which size of
picture it was trained: it is used at 1024 pixels, as all of Meta's are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PromptingError, first_line
from .files import no_weights

if TYPE_CHECKING:
    import torch

WRAPPERS = ("model", "state_dict", "model_state_dict")
_COMPILED = "_orig_mod."
_FIRST = "image_encoder.trunk.patch_embed.proj.weight"
"""Every SAM 2 has it, and what stands before it stands before all of its names."""

# (channels of the patch embedding, number of blocks) of Hiera -> config's letter
_HIERA = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}

_OTHERS = {
    "image_encoder.patch_embed.proj.weight": "SAM 1",
    "image_encoder.patch_embed.seq.0.c.weight": "MobileSAM",
    "image_encoder.trunk.pos_embed_window": "a SAM 2 without its patch embedding",
    "image_encoder.trunk.body.stem.conv1.weight": "EdgeTAM",
    "vision_encoder.backbone.patch_embed.projection.weight": "a SAM 2 in the format of the library transformers",
}
"""A tensor that gives away whose checkpoint it is."""
_OTHER_SIZES = {(192, 12): "EfficientTAM", (384, 12): "EfficientTAM"}


def build_official_sam2(path: str | Path) -> torch.nn.Module:
    """The official architecture that a checkpoint's tensors belong to, with them loaded.

    Raises:
        PromptingError: not a SAM 2 or 2.1 checkpoint, one that isn't whole, or of a size that Meta didn't make
    """
    from sam2.build_sam import build_sam2

    state = read_sam2_state(Path(path))
    channels = state[_FIRST].shape[0]
    found = (re.match(r"image_encoder\.trunk\.blocks\.(\d+)\.", key) for key in state)
    blocks = 1 + max((int(match[1]) for match in found if match), default=-1)
    if (channels, blocks) not in _HIERA:
        kin = _OTHER_SIZES.get((channels, blocks))
        raise PromptingError(
            f"{path} is no known SAM 2 size ({channels} channels, {blocks} blocks{f': {kin}' if kin else ''});"
            " give a checkpoint of SAM 2 or 2.1."
        )
    version = "sam2.1" if "no_obj_embed_spatial" in state else "sam2"
    config = f"configs/{version}/{version}_hiera_{_HIERA[channels, blocks]}.yaml"
    model = build_sam2(config, None, device="cpu")
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise PromptingError(f"{path} does not fit {config} ({first_line(error)}).") from error
    return model


def read_sam2_state(path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors by the names that sam2's own model has for them.

    Args:
        path: a file of ``torch.save``, or one that ends in ``.safetensors``

    Raises:
        PromptingError: the file holds something else, or several models
    """
    reason = no_weights(path)
    if reason:
        raise PromptingError(f"{path} is not a SAM 2 checkpoint: {reason}.")
    tensors = {name.replace(_COMPILED, ""): value for name, value in _tensors(path).items()}
    prefixes = [name.removesuffix(_FIRST) for name in tensors if name == _FIRST or name.endswith(f".{_FIRST}")]
    if len(prefixes) > 1:
        raise PromptingError(f"{path} holds several models ({', '.join(map(repr, prefixes))}); save one of them alone.")
    if not prefixes:
        other = next((kind for name, kind in _OTHERS.items() if any(key.endswith(name) for key in tensors)), None)
        reason = f"it is {other}" if other else f"it has no {_FIRST}"
        raise PromptingError(f"{path} is not a SAM 2 checkpoint: {reason}; give one of SAM 2 or 2.1.")
    prefix = prefixes[0]
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _only_model_in(stored: Mapping, path: Path) -> Mapping | None:
    """A SAM 2's tensors under a name of the training's own, such as ``ema``; None where there are none."""
    found = {
        name: inner
        for name, inner in stored.items()
        if isinstance(inner, Mapping) and any(str(key).endswith(_FIRST) for key in inner)
    }
    if len(found) > 1:
        raise PromptingError(f"{path} holds several models ({', '.join(map(repr, found))}); save one of them alone.")
    return next(iter(found.values()), None)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a file, whatever they are wrapped in."""
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            stored = load_file(path)
        else:
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = first_line(error)
        if "Weights only load failed" in reason:
            reason = "it holds Python objects, which can run code; save the model's state_dict() alone"
        raise PromptingError(f"{path} is not a SAM 2 checkpoint ({reason}).") from error
    while isinstance(stored, Mapping):
        inner = next((stored[name] for name in WRAPPERS if isinstance(stored.get(name), Mapping)), None)
        if inner is None:
            inner = _only_model_in(stored, path)
        if inner is None:
            return {name: v for name, v in stored.items() if isinstance(name, str) and isinstance(v, torch.Tensor)}
        stored = inner
    return {}
