"""Models by name: the official ones where they can be had, the bundled ones by their own name, never a silent swap.

The names are needed by forms, the models are not: torch and its friends are
imported where a model is loaded.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelUnavailable, PromptingError, first_line
from ..segmentation.precision import AUTO
from ..trust import check_pickle
from .checkpoints import YOLO_DETECT, YOLO_SEGMENT, MissingCheckpoint, checkpoint, weights_folder
from .detectors import FORMAT, check_format, import_ultralytics, load_detector
from .sam2_checkpoints import build_official_sam2
from .slot import one_model

if TYPE_CHECKING:
    import torch
    from fiftyone.zoo.models import ZooModel

NANO = "nano"
WEIGHTS = Path(__file__).parent / "weights"
NANO_SAM2, NANO_CLIP = WEIGHTS / "nano_sam2.safetensors", WEIGHTS / "nano_clip.safetensors"

SAM2_ZOO = {
    f"sam2.1-hiera-{size}": f"segment-anything-2.1-hiera-{size}-image-torch"
    for size in ("tiny", "small", "base-plus", "large")
}
SAM2_MODELS = (*SAM2_ZOO, NANO)
CLIP_MODELS = ("ViT-B-16-quickgelu/openai", "ViT-L-14-quickgelu/openai", "ViT-B-16/laion2b_s34b_b88k", NANO)
YOLO_MODELS = ("yolo26x.pt", "yolo26m.pt", "yolo26x-seg.pt", "yolo26x-pose.pt", YOLO_DETECT, YOLO_SEGMENT)

QUICK = "-quickgelu"
"""Architectures of open_clip with the activation that OpenAI's and some others' weights were trained with."""


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
    """What ``auto`` means, OpenAI's ViT-B/16, and for weights the architecture with their own activation.

    ``ViT-B-32/openai`` becomes ``ViT-B-32-quickgelu/openai``: open_clip would run OpenAI's weights with another
    activation than they were trained with, and only warn. Other names stay.
    """
    if name == AUTO:
        return CLIP_MODELS[0]
    architecture, _, tag = name.partition("/")
    if not tag or name in CLIP_MODELS or architecture.endswith(QUICK):
        return name
    import open_clip

    settings = open_clip.get_pretrained_cfg(architecture, tag)
    known = tag in open_clip.list_pretrained_tags_by_model(architecture + QUICK)
    return f"{architecture}{QUICK}/{tag}" if settings.get("quick_gelu") and known else name


def resolve_yolo(name: str, masks: bool = False) -> str:
    """What ``auto`` means: the largest YOLO26, and ``nano`` the smallest. Other names stay.

    Args:
        name: of a detector
        masks: whether boxes alone won't do
    """
    if masks:
        return {AUTO: "yolo26x-seg.pt", NANO: YOLO_SEGMENT}.get(name, name)
    return {AUTO: "yolo26x.pt", NANO: YOLO_DETECT}.get(name, name)


def sam2_file(name: str, device: str) -> Path | None:
    """The file that a SAM 2's weights are in; None where it isn't on this machine yet."""
    name = resolve_sam2(name, device)
    if name == NANO:
        return NANO_SAM2
    if name not in SAM2_ZOO:
        return Path(name).expanduser()
    return zoo_file(name)


@lru_cache
def zoo_model(name: str) -> ZooModel:
    """What FiftyOne knows of one of :data:`SAM2_ZOO`. It reads all of its lists of models for each question, and forms
    ask with each letter that is typed."""
    import fiftyone.zoo as foz

    return foz.get_zoo_model(SAM2_ZOO[name])


def zoo_file(name: str) -> Path | None:
    """The file of one of :data:`SAM2_ZOO`; None where it isn't on this machine yet."""
    import fiftyone as fo

    path = zoo_model(name).get_path_in_dir(fo.config.model_zoo_dir)
    return Path(path) if zoo_model(name).is_model_downloaded(path) else None


@one_model(lambda name, device: (sam2_file(name, device), weights_folder() / YOLO_SEGMENT))
def load_sam2(name: str, device: str):
    """A :class:`~prompting.segmentation.segmenter.Segmenter`.

    Torch gets no more threads than the process may use processors. The last one is kept until another, or another file
    under the same name, is asked for.

    Args:
        name: one of :data:`SAM2_MODELS`, ``auto``, or the path of a SAM 2 or 2.1 checkpoint, see
            :mod:`prompting.models.sam2_checkpoints`
        device: a torch device

    Raises:
        ModelUnavailable: an official checkpoint can't be downloaded
        PromptingError: not a name and not a SAM 2 checkpoint
    """
    from ..segmentation.cpu_threads import limit_threads
    from ..segmentation.segmenter import Segmenter

    limit_threads()
    name = resolve_sam2(name, device)
    if name == NANO:
        return Segmenter(_nano_sam2(), device, name)
    path = _sam2_checkpoint(name)
    return Segmenter(build_official_sam2(path), device, name)


def _nano_sam2() -> torch.nn.Module:
    from safetensors.torch import load_file

    from .nano.sam2 import FROZEN, build_nano_sam2
    from .nano.state import load_trained_state

    model = build_nano_sam2(_bundled_yolo(YOLO_SEGMENT))
    load_trained_state(model, load_file(NANO_SAM2), FROZEN)
    return model


def _sam2_checkpoint(name: str) -> Path:
    if name in SAM2_ZOO:
        import fiftyone.zoo as foz

        try:
            return Path(foz.download_zoo_model(SAM2_ZOO[name])[1])
        except Exception as error:
            raise _unavailable("SAM 2 model", name, error, f"sam2_model={NANO!r}") from error
    path = Path(name).expanduser()
    if not path.exists():
        is_path = "/" in name or path.suffix in (".pt", ".pth", ".safetensors")
        why = "there is no such file; " if is_path else ""
        raise PromptingError(
            f"Unknown SAM 2 model {name!r}: {why}choose from {', '.join(SAM2_MODELS)} or give a checkpoint's path."
        )
    return path


def clip_file(name: str) -> Path | None:
    """The file that a CLIP's weights are in; None where it isn't on this machine yet."""
    name = resolve_clip(name)
    if name == NANO:
        return NANO_CLIP
    import open_clip
    from huggingface_hub import try_to_load_from_cache
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    where = open_clip.get_pretrained_cfg(*name.split("/", 1)) if "/" in name else {}
    hub, _, file = where.get("hf_hub", "").rpartition("/")
    candidates = [file] if file else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    found = [try_to_load_from_cache(hub, candidate) for candidate in candidates] if hub else []
    return next((Path(path) for path in found if isinstance(path, str)), None)


@one_model(lambda name, device: (clip_file(name), weights_folder() / YOLO_SEGMENT))
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
    load_trained_state(model, load_file(NANO_CLIP), FROZEN)
    return model, model.context_length


def yolo_file(name: str) -> Path:
    """The file that a detector's weights are in, or will be once it is downloaded.

    Raises:
        PromptingError: a path that isn't allowed, or a file of another format
    """
    name = resolve_yolo(name)
    if name in (YOLO_DETECT, YOLO_SEGMENT):
        return weights_folder() / name
    check_format(name)
    # a folder of its own: by its name alone, Ultralytics would take any such file out of the working directory
    return check_pickle(name, _official_detectors()) or weights_folder() / name


@one_model(lambda name: (yolo_file(name),))
def load_yolo(name: str):
    """An ``ultralytics.YOLO``.

    Args:
        name: an official name (downloaded by Ultralytics), ``auto``, ``nano`` (yolo26n.pt), or a path that
            :mod:`prompting.trust` allows

    Raises:
        ModelUnavailable: the checkpoint can't be had
        PromptingError: a path that isn't allowed: Ultralytics' checkpoints are pickles, which can run code
    """
    name = resolve_yolo(name)
    path = _bundled_yolo(name) if name in (YOLO_DETECT, YOLO_SEGMENT) else yolo_file(name)
    try:
        return load_detector(path)
    except PromptingError:
        raise
    except Exception as error:
        raise _unavailable("detector", name, error, f"yolo_model={YOLO_DETECT!r}") from error


def _official_detectors() -> list[str]:
    """The names that Ultralytics' own download serves."""
    import_ultralytics()
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    return [asset for asset in GITHUB_ASSETS_NAMES if asset.endswith(FORMAT)]


def _bundled_yolo(name: str) -> Path:
    try:
        return checkpoint(name)
    except MissingCheckpoint as error:
        raise ModelUnavailable(str(error)) from error


def _unavailable(kind: str, name: str, error: Exception, instead: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The {kind} {name!r} can't be had here ({first_line(error)}); connect to the internet once, give a path,"
        f" or use the bundled one: {instead}."
    )
