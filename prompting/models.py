"""Models by name: the official ones where they can be had, the bundled ones by their own name, never a silent swap.

The names are needed by forms, the models are not: torch and its friends are
imported where a model is loaded.
"""

from __future__ import annotations

import functools
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from .checkpoints import YOLO_DETECT, YOLO_SEGMENT, MissingCheckpoint, checkpoint, weights_folder
from .errors import ModelUnavailable, PromptingError
from .trust import check_pickle

if TYPE_CHECKING:
    import torch

AUTO, NANO = "auto", "nano"
WEIGHTS = Path(__file__).parent / "weights"

SAM2_ZOO = {
    f"sam2.1-hiera-{size}": f"segment-anything-2.1-hiera-{size}-image-torch"
    for size in ("tiny", "small", "base-plus", "large")
}
SAM2_MODELS = (*SAM2_ZOO, NANO)
CLIP_MODELS = ("ViT-B-16-quickgelu/openai", "ViT-L-14-quickgelu/openai", "ViT-B-16/laion2b_s34b_b88k", NANO)
YOLO_MODELS = ("yolo26x.pt", "yolo26m.pt", YOLO_DETECT)

# (channels of the patch embedding, number of blocks) of Hiera -> config's letter
_HIERA = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}


def best_device() -> str:
    """CUDA, then Apple's MPS, then the CPU."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(device: str) -> None:
    """Refuse a device that torch doesn't know or can't use here.

    Raises:
        PromptingError: with the devices that there are
    """
    import torch

    try:
        torch.empty(0, device=device)
    except Exception as error:
        raise PromptingError(f"The device {device!r} can't be used here; use auto, cuda, mps or cpu.") from error


def resolve_sam2(name: str, device: str) -> str:
    """What ``auto`` means here: the large model on CUDA, the tiny one elsewhere. Other names stay."""
    if name != AUTO:
        return name
    return "sam2.1-hiera-large" if device == "cuda" else "sam2.1-hiera-tiny"


def resolve_clip(name: str) -> str:
    """What ``auto`` means: OpenAI's ViT-B/16. Other names stay."""
    return CLIP_MODELS[0] if name == AUTO else name


def resolve_yolo(name: str) -> str:
    """What ``auto`` means: the largest YOLO26, and ``nano`` the smallest. Other names stay."""
    return {AUTO: YOLO_MODELS[0], NANO: YOLO_DETECT}.get(name, name)


@functools.lru_cache(maxsize=1)
def load_sam2(name: str, device: str):
    """A :class:`~prompting.segmenter.Segmenter`; torch gets no more threads than the process may use processors.

    Args:
        name: one of :data:`SAM2_MODELS`, ``auto``, or the path of a SAM 2 or 2.1 checkpoint
        device: a torch device

    Raises:
        ModelUnavailable: an official checkpoint can't be downloaded
        PromptingError: not a name and not a SAM 2 checkpoint
    """
    from .segmenter import Segmenter
    from .torch_threads import limit_threads

    limit_threads()
    name = resolve_sam2(name, device)
    if name == NANO:
        return Segmenter(_nano_sam2(), device, name)
    path = _sam2_checkpoint(name)
    return Segmenter(build_official_sam2(path), device, name)


def build_official_sam2(path: str | Path) -> torch.nn.Module:
    """The official architecture that a checkpoint's tensors belong to, with them loaded (tensors only, no pickle)."""
    import torch
    from sam2.build_sam import build_sam2

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model"]
        channels = state["image_encoder.trunk.patch_embed.proj.weight"].shape[0]
    except Exception as error:
        raise PromptingError(f"{path} is not a SAM 2 checkpoint ({_first_line(error)}).") from error
    found = (re.match(r"image_encoder\.trunk\.blocks\.(\d+)\.", key) for key in state)
    blocks = 1 + max((int(match[1]) for match in found if match), default=-1)
    if (channels, blocks) not in _HIERA:
        raise PromptingError(f"{path} is no known SAM 2 size ({channels} channels, {blocks} blocks).")
    version = "sam2.1" if "no_obj_embed_spatial" in state else "sam2"
    config = f"configs/{version}/{version}_hiera_{_HIERA[channels, blocks]}.yaml"
    try:
        return build_sam2(config, str(path), device="cpu")
    except RuntimeError as error:
        raise PromptingError(f"{path} does not fit {config} ({_first_line(error)}).") from error


def _nano_sam2() -> torch.nn.Module:
    from safetensors.torch import load_file

    from .nano.sam2 import FROZEN, build_nano_sam2
    from .nano.state import load_trained_state

    model = build_nano_sam2(_bundled_yolo(YOLO_SEGMENT))
    load_trained_state(model, load_file(WEIGHTS / "nano_sam2.safetensors"), FROZEN)
    return model


def _sam2_checkpoint(name: str) -> Path:
    if name in SAM2_ZOO:
        import fiftyone.zoo as foz

        try:
            return Path(foz.download_zoo_model(SAM2_ZOO[name])[1])
        except Exception as error:
            raise _unavailable("SAM 2 model", name, error, f"sam2_model={NANO!r}") from error
    path = Path(name).expanduser()
    if not path.is_file():
        raise PromptingError(
            f"Unknown SAM 2 model {name!r}: choose from {', '.join(SAM2_MODELS)} or give a checkpoint's path."
        )
    return path


@functools.lru_cache(maxsize=1)
def load_clip(name: str, device: str):
    """An open_clip model for dense use, as (model, tokenizer, mean, std).

    Args:
        name: ``architecture/pretrained tag`` of open_clip, ``auto`` or ``nano``

    Raises:
        ModelUnavailable: the weights can't be downloaded
        PromptingError: not a ViT with a class token, or no such model
    """
    import open_clip

    name = resolve_clip(name)
    if name == NANO:
        model, context = _nano_clip()
        tokenizer = open_clip.SimpleTokenizer(context_length=context)
        mean, std = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
    else:
        architecture, _, tag = name.partition("/")
        if not tag or architecture not in open_clip.list_models():
            raise PromptingError(
                f"Unknown CLIP model {name!r}: write an open_clip model as 'ViT-B-16-quickgelu/openai', or {NANO!r}."
            )
        known = open_clip.list_pretrained_tags_by_model(architecture)
        if tag not in known:  # open_clip would take it for a file's path
            raise PromptingError(f"{architecture} has no weights {tag!r} in open_clip; it has: {', '.join(known)}.")
        try:
            model, _, preprocess = open_clip.create_model_and_transforms(architecture, pretrained=tag)
            tokenizer = open_clip.get_tokenizer(architecture)
        except Exception as error:
            raise _unavailable("CLIP model", name, error, f"clip_model={NANO!r}") from error
        mean, std = preprocess.transforms[-1].mean, preprocess.transforms[-1].std
    if not hasattr(model.visual, "class_embedding") or getattr(model.visual, "attn_pool", None) is not None:
        raise PromptingError(f"The dense path needs a plain ViT with a class token, and {name!r} is none.")
    return model.to(device).eval(), tokenizer, tuple(mean), tuple(std)


def _nano_clip() -> tuple[torch.nn.Module, int]:
    from safetensors.torch import load_file

    from .nano.clip import FROZEN, build_nano_clip
    from .nano.state import load_trained_state

    model = build_nano_clip(WEIGHTS / "nano_clip.json", _bundled_yolo(YOLO_SEGMENT))
    load_trained_state(model, load_file(WEIGHTS / "nano_clip.safetensors"), FROZEN)
    return model, model.context_length


@functools.lru_cache(maxsize=1)
def load_yolo(name: str):
    """An ``ultralytics.YOLO``.

    Args:
        name: an official name (downloaded by Ultralytics), ``auto``, ``nano`` (yolo26n.pt), or a path that
            :mod:`prompting.trust` allows

    Raises:
        ModelUnavailable: the checkpoint can't be had
        PromptingError: a path that isn't allowed: Ultralytics' checkpoints are pickles, which can run code
    """
    import torch  # noqa: F401 - where Ultralytics is imported before it, it leaves it one thread
    from ultralytics import YOLO
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    name = resolve_yolo(name)
    if name in (YOLO_DETECT, YOLO_SEGMENT):
        return YOLO(str(_bundled_yolo(name)))
    official = [asset for asset in GITHUB_ASSETS_NAMES if asset.endswith(".pt")]
    # a folder of its own: by its name alone, Ultralytics would take any such file out of the working directory
    path = check_pickle(name, official) or weights_folder() / name
    try:
        return YOLO(str(path))
    except Exception as error:
        raise _unavailable("detector", name, error, f"yolo_model={YOLO_DETECT!r}") from error


def _bundled_yolo(name: str) -> Path:
    try:
        return checkpoint(name)
    except MissingCheckpoint as error:
        raise ModelUnavailable(str(error)) from error


def _unavailable(kind: str, name: str, error: Exception, instead: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The {kind} {name!r} can't be had here ({_first_line(error)}); connect to the internet once, give a path,"
        f" or use the bundled one: {instead}."
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (
        f"{type(error).__name__}: {textwrap.shorten(lines[0], 200, placeholder=' …')}"
        if lines
        else type(error).__name__
    )
