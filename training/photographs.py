"""The training pack: photographs with an instance map and, for some, a class map.

The pack is a folder with ``index.json`` (a list of ``{id, source, instances,
semantic}``), ``images/ID.jpg``, ``instances/ID.png`` (0 = nothing, k = the
k-th name of ``instances``) and, where ``semantic`` is given,
``semantic/ID.png`` with values named by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True)
class Photograph:
    """One picture of the pack, decoded."""

    source: str
    image: np.ndarray  # (H, W, 3) uint8 RGB
    instances: np.ndarray  # (H, W) uint8, 0 = nothing
    names: tuple[str, ...]  # class of instance k + 1
    semantic: np.ndarray | None  # (H, W) uint8
    semantic_names: dict[int, str]


def read_pack(folder: str | Path, limit: int | None = None) -> list[Photograph]:
    """Decode the whole pack into memory (about 2 GB for 4,000 pictures)."""
    folder = Path(folder)
    entries = json.loads((folder / "index.json").read_text())[:limit]
    return [read_photograph(folder, entry) for entry in entries]


def read_photograph(folder: Path, entry: dict) -> Photograph:
    """One picture of the pack, by its entry of the index."""
    name = entry["id"]
    bgr = cv2.imread(str(folder / "images" / f"{name}.jpg"), cv2.IMREAD_COLOR)
    instances = cv2.imread(str(folder / "instances" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    semantic = None
    if entry.get("semantic"):
        semantic = cv2.imread(str(folder / "semantic" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    if instances is None:
        instances = np.zeros(bgr.shape[:2], np.uint8)
    return Photograph(
        source=entry["source"],
        image=cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB),
        instances=instances,
        names=tuple(entry["instances"]),
        semantic=semantic,
        semantic_names={int(value): label for value, label in (entry.get("semantic") or {}).items()},
    )
