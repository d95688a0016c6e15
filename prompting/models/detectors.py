"""Detectors of Ultralytics, from files: its own checkpoints alone, and nothing is ever installed for one.

Ultralytics installs what a file seems to need, with pip, while it is loading it: for exports to other formats
(``.onnx``, ``.engine``), and for pickles that name a package which isn't there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import PromptingError, first_line
from .files import no_weights

FORMAT = ".pt"


def import_ultralytics() -> None:
    """Import Ultralytics so that it installs no packages, in this process and those that it starts, and leaves others
    their threads.

    It reads the variable when it is imported, and its modules copy what it said: where somebody imported it before,
    the copies are set.
    """
    os.environ["YOLO_AUTOINSTALL"] = "false"
    import cv2
    import torch  # noqa: F401 - where Ultralytics is imported before it, it leaves it one thread

    before = cv2.getNumThreads()
    first = "ultralytics.utils" not in sys.modules
    import ultralytics.utils.checks  # noqa: F401

    if first:  # it leaves OpenCV one thread, and distances take three times as long
        cv2.setNumThreads(before)

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "ultralytics" and "AUTOINSTALL" in getattr(module, "__dict__", {}):
            module.AUTOINSTALL = False


def check_format(name: str) -> None:
    """Refuse a detector that isn't one of Ultralytics' own checkpoints, by its name alone.

    Raises:
        PromptingError: an export, a description without weights, or another library's file
    """
    suffix = Path(name).suffix.lower()
    if suffix and suffix != FORMAT:
        raise PromptingError(
            f"The detector {name!r} is a {suffix} file: give the checkpoint ({FORMAT}) that Ultralytics trained, or"
            " from which it was exported."
        )


def load_detector(path: Path):
    """An ``ultralytics.YOLO`` from a checkpoint (a pickle: see :mod:`prompting.trust`).

    Raises:
        PromptingError: the file holds something else
        Exception: whatever Ultralytics says of an official name that it can't download
    """
    import_ultralytics()
    from ultralytics import YOLO

    if not path.exists():
        return YOLO(str(path))  # downloads it
    reason = no_weights(path)
    if reason:
        raise PromptingError(f"{path} is not a detector's checkpoint: {reason}.")
    try:
        return YOLO(str(path))
    except ModuleNotFoundError as error:
        raise PromptingError(
            f"{path} needs the Python package {error.name!r}, which isn't here; use a checkpoint that the installed"
            " Ultralytics can read."
        ) from error
    except Exception as error:
        raise PromptingError(
            f"{path} is not a detector's checkpoint ({first_line(error)}); give one that Ultralytics trained."
        ) from error
