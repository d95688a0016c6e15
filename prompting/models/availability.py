"""Which models a plan needs, whether they are on this machine, and if not whether they can be downloaded now.

Looks at files and, for those that are not there, asks their hosts once, all at the same time: a run that can't have its
models is refused in seconds, with all of them named, and not at the first, the second and the third. Needs no torch, so
that forms can ask.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ModelUnavailable, PromptingError, concerning
from ..plan import Plan
from ..prompts.strategy import YOLO
from ..trust import check_pickle
from . import catalogue
from .checkpoints import HOW_TO_FETCH, YOLO_DETECT, YOLO_SEGMENT, weights_folder
from .detectors import check_format

ANSWER_SECONDS, REMEMBER_SECONDS = 2.0, 60.0
SAM2_PART, CLIP_PART, YOLO_PART = "SAM 2 model", "CLIP model", "detector"
YOLO_HOST = "github.com"

# name -> (repository on the Hugging Face hub, MB to download); a test compares the repositories with open_clip's
CLIP_REPOSITORIES = {
    "ViT-B-16-quickgelu/openai": ("timm/vit_base_patch16_clip_224.openai", 599),
    "ViT-L-14-quickgelu/openai": ("timm/vit_large_patch14_clip_224.openai", 1711),
    "ViT-B-16/laion2b_s34b_b88k": ("laion/CLIP-ViT-B-16-laion2B-s34B-b88K", 599),
}
CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
# by their published numbers of parameters, in 16 bits
YOLO_MEGABYTES = {"yolo26x.pt": 119, "yolo26m.pt": 44}

_answers: dict[str, tuple[float, bool]] = {}
"""Host -> when it was asked, and whether it answered."""


@dataclass(frozen=True)
class Needed:
    """A model that a plan needs.

    Attributes:
        part: what it is for, in words
        parameter: the plan's parameter that names it
        name: never ``auto``
        here: whether its file is on this machine; None where only loading it tells
        host: where it is downloaded from; None for files and for the bundled models
        megabytes: how large the download is, None where that isn't known
        file: the file that is missing, for the bundled models and for paths
    """

    part: str
    parameter: str
    name: str
    here: bool | None
    host: str | None = None
    megabytes: int | None = None
    file: Path | None = None

    @property
    def bundled(self) -> bool:
        """Whether it comes with the plugin."""
        return self.name in (catalogue.NANO, YOLO_DETECT, YOLO_SEGMENT)

    def __str__(self) -> str:
        """``yolo26x.pt (about 119 MB, to be downloaded)``."""
        if self.here is None:
            return self.name
        size = f"about {self.megabytes} MB, " if self.megabytes else ""
        return f"{self.name} ({size}{'here' if self.here else 'to be downloaded' if self.host else 'missing'})"


def needed(plan: Plan) -> tuple[Needed, ...]:
    """The models of a plan's strategies.

    Args:
        plan: with or without ``auto``

    Raises:
        PromptingError: a detector's path that isn't allowed, see :mod:`prompting.trust`
    """
    found = [_sam2(catalogue.resolve_sam2(plan.sam2_model, _device(plan.device)))]
    if plan.uses_clip:
        found.append(_clip(catalogue.resolve_clip(plan.clip_model)))
    if plan.uses(YOLO):
        with concerning("yolo_model"):
            found.append(_yolo(catalogue.resolve_yolo(plan.yolo_model, plan.detects_masks)))
    return tuple(found)


def unavailable(wanted: Iterable[Needed]) -> tuple[Needed, ...]:
    """Those that are neither here nor to be downloaded now; takes at most some two seconds."""
    missing = [model for model in wanted if model.here is False]
    answering = reachable({model.host for model in missing if model.host})
    return tuple(model for model in missing if not (model.host and answering[model.host]))


def check_models(plan: Plan) -> None:
    """Refuse a plan whose models can't all be had, before the first is loaded.

    Raises:
        ModelUnavailable: with all that can't be had, and what to use instead
        PromptingError: a path without a file
    """
    missing = unavailable(needed(plan))
    if missing:
        raise refusal(missing)


def refusal(missing: Iterable[Needed], instead: str | None = None) -> PromptingError:
    """What is said of models that can't be had: one sentence for all of them.

    Args:
        missing: at least one
        instead: what chooses the bundled ones, by default the parameters of each
    """
    missing = tuple(missing)
    for model in missing:
        if model.bundled:
            return ModelUnavailable(
                f"YOLO's checkpoint {model.file}, which the bundled models need, is missing: {HOW_TO_FETCH}.",
                model.parameter,
            )
        if not model.host:
            return PromptingError(
                f"Unknown {model.part} {model.name!r}: choose from {', '.join(catalogue.SAM2_MODELS)} or give a"
                " checkpoint's path.",
                model.parameter,
            )
    names = _listed([f"the {model.part} {model.name!r}" for model in missing])
    hosts = list(dict.fromkeys(model.host for model in missing))
    instead = instead or _listed([f"{model.parameter}={catalogue.NANO!r}" for model in missing])
    one = len(missing) == 1
    return ModelUnavailable(
        f"{names[0].upper()}{names[1:]} {'is' if one else 'are'} not on this machine and can't be downloaded now"
        f" ({_listed(hosts)} {'does' if len(hosts) == 1 else 'do'} not answer); connect to the internet once, give"
        f" {'a path' if one else 'paths'}, or use the bundled {'one' if one else 'ones'}: {instead}.",
        missing[0].parameter,
    )


def reachable(hosts: Iterable[str]) -> dict[str, bool]:
    """Which hosts answer by HTTPS (through the proxy that the environment names), within some two seconds.

    An answer holds for a minute: forms ask with every keystroke.
    """
    hosts, now = set(hosts), time.monotonic()
    asked = [host for host in hosts if now - _answers.get(host, (-REMEMBER_SECONDS, False))[0] >= REMEMBER_SECONDS]
    threads = [threading.Thread(target=_ask, args=(host,), daemon=True) for host in asked]
    for host in asked:
        _answers[host] = (now, False)  # until it answers; a name server that is silent may take far longer
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, now + ANSWER_SECONDS + 0.5 - time.monotonic()))
    return {host: _answers[host][1] for host in hosts}


def _ask(host: str) -> None:
    import requests

    try:
        requests.head(f"https://{host}", timeout=ANSWER_SECONDS, allow_redirects=False)
    except requests.RequestException:
        return
    _answers[host] = (time.monotonic(), True)


def _sam2(name: str) -> Needed:
    if name in catalogue.SAM2_ZOO:
        model, here = catalogue.zoo_model(name), catalogue.zoo_file(name) is not None
        host = urlsplit(model.manager.config.url).hostname
        return Needed(SAM2_PART, "sam2_model", name, here, host, round(model.size_bytes / 1e6))
    file = weights_folder() / YOLO_SEGMENT if name == catalogue.NANO else Path(name).expanduser()
    # a folder is refused where it is read, with what it is
    return Needed(SAM2_PART, "sam2_model", name, file.exists(), file=file)


def _clip(name: str) -> Needed:
    if name == catalogue.NANO:
        file = weights_folder() / YOLO_SEGMENT
        return Needed(CLIP_PART, "clip_model", name, file.is_file(), file=file)
    from huggingface_hub import constants, try_to_load_from_cache

    repository, megabytes = CLIP_REPOSITORIES.get(name) or (_hub_repository(name), None)
    host = urlsplit(constants.ENDPOINT).hostname
    if repository is None:  # open_clip says whether there is such a model, or has it from somewhere else
        return Needed(CLIP_PART, "clip_model", name, None)
    cached = (try_to_load_from_cache(repository, file) for file in CLIP_FILES)
    return Needed(CLIP_PART, "clip_model", name, any(isinstance(path, str) for path in cached), host, megabytes)


def _hub_repository(name: str) -> str | None:
    """Where open_clip downloads other models from: asked once it is loaded, for torch comes with it."""
    if "open_clip" not in sys.modules:
        return None
    architecture, _, tag = name.partition("/")
    config = sys.modules["open_clip"].get_pretrained_cfg(architecture, tag) or {}
    repository, file = os.path.split(config.get("hf_hub", ""))
    return repository if repository and not file else None


def _yolo(name: str) -> Needed:
    official = name if os.path.basename(name) == name and name.endswith(".pt") else None
    check_format(name)
    path = check_pickle(name, [official] if official else []) or weights_folder() / name
    host = YOLO_HOST if official and name not in (YOLO_DETECT, YOLO_SEGMENT) else None
    return Needed(YOLO_PART, "yolo_model", name, path.is_file(), host, YOLO_MEGABYTES.get(name), path)


def _device(name: str) -> str:
    """What ``auto`` is likely to mean; without torch, whose import takes seconds, the driver is asked."""
    if name != catalogue.AUTO:
        return name
    if "torch" in sys.modules:
        return catalogue.best_device()
    return "cuda" if _has_nvidia() else "cpu"


def _has_nvidia() -> bool:
    """Whether NVIDIA's management library sees a GPU that this process may use."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1" if os.name == "posix" else "nvml.dll")
        count = ctypes.c_uint(0)
        return not library.nvmlInit_v2() and not library.nvmlDeviceGetCount_v2(ctypes.byref(count)) and count.value > 0
    except (OSError, AttributeError):
        return False


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
