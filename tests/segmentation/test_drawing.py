"""What is drawn in a window is what sam2's way of stretching all logits over the picture gives."""

import numpy as np
import pytest
import skimage.io
import torch
import torch.nn.functional as F

from prompting.pixels.masks import Window
from prompting.segmentation import drawing
from prompting.segmentation.drawing import draw
from prompting.segmentation.prompt import Prompt

SIDES = {"bundled": None, "official": 256}
"""How many logits a side: the bundled model's own, and those that every official model draws (1024 / 4)."""
SIZES = [(1080, 810), (300, 400), (97, 1200), (3000, 4000), (31, 17), (1, 1), (256, 256)]


def stretched(logits: torch.Tensor, height: int, width: int) -> np.ndarray:
    """(N, H, W) float, as ``SAM2ImagePredictor`` gets them."""
    return F.interpolate(logits[:, None], size=(height, width), mode="bilinear", align_corners=False)[:, 0].numpy()


def assert_alike(drawn: list[Window], logits: torch.Tensor, height: int, width: int) -> None:
    for window, one in zip(drawn, logits, strict=True):
        wanted = stretched(one[None], height, width)[0]
        differs = window.full() != (wanted > 0)
        assert (np.abs(wanted[differs]) < 1e-3).all()
        ys, xs = np.nonzero(window.crop)
        if len(ys):  # as tight as can be
            assert (ys.min(), xs.min(), ys.max() + 1, xs.max() + 1) == (0, 0, *window.crop.shape)


@pytest.fixture(scope="module")
def logits(nano_segmenter, photographs) -> torch.Tensor:
    """Of boxes, clicks and corners in real pictures, (N, h, w)."""
    found = []
    for name in ("bus.jpg", "astronaut.png"):
        image = skimage.io.imread(photographs / name)
        height, width = image.shape[:2]
        (encoded,) = nano_segmenter.encode([image])
        boxes = [(0.05, 0.3, 0.4, 0.95), (0, 0, 1, 1), (0.7, 0.3, 1, 1), (0, 0, 0.1, 0.1), (0.4, 0.9, 0.6, 1)]
        asked = [Prompt("it", box=np.multiply(box, [width, height] * 2).astype(np.float32)) for box in boxes]
        asked.append(Prompt("it", np.array([[width / 2, height / 2]], np.float32), np.array([1])))
        found.append(nano_segmenter.decode(encoded, asked).logits)
    return torch.cat(found)


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_masks_are_those_of_stretching_everything(logits, side, size):
    if side:
        logits = F.interpolate(logits[:, None], size=(side, side), mode="bicubic", align_corners=False)[:, 0]
    logits = logits[::3] if size[0] * size[1] > 1e7 else logits  # each takes 48 MB
    assert_alike(draw(logits, *size), logits, *size)


@pytest.mark.parametrize("edge", ["top", "bottom", "left", "right", "corner", "pixel", "all", "none"])
@pytest.mark.parametrize("side", [64, 256])
def test_windows_at_each_border_are_those_of_stretching_everything(edge, side):
    y, x = torch.meshgrid(torch.arange(float(side)), torch.arange(float(side)), indexing="ij")
    middle = {
        "top": (0, side / 2), "bottom": (side - 1, side / 2), "left": (side / 2, 0), "right": (side / 2, side - 1),
        "corner": (side - 1, side - 1), "pixel": (side // 3, side // 2), "all": (side / 2, side / 2), "none": (0, 0),
    }[edge]  # fmt: skip
    reach = {"pixel": 0.5, "all": side, "none": -1}.get(edge, side / 7)
    logits = (reach - torch.hypot(y - middle[0], x - middle[1]))[None]
    for size in SIZES[:3] + SIZES[4:]:
        windows = draw(logits, *size)
        assert_alike(windows, logits, *size)
        assert windows[0].any() == bool((stretched(logits, *size) > 0).any())


def test_what_is_drawn_on_a_device_is_what_the_host_draws(logits, monkeypatch):
    """The device's way, on the host, some at a time."""
    monkeypatch.setattr(drawing, "HELD", 500_000)
    down, across = drawing._Axis(logits.shape[1], 1080), drawing._Axis(logits.shape[2], 810)
    places = [(down.around((one > 0).any(1).numpy()), across.around((one > 0).any(0).numpy())) for one in logits]
    parts, hosts = (list(drawn(logits, down, across, places)) for drawn in (drawing._on_device, drawing._on_host))
    assert len(parts) == len(logits)
    for packed, host, (rows, columns), one in zip(parts, hosts, places, logits, strict=True):
        assert packed.shape == host.shape
        before = columns.start % 8
        part = np.unpackbits(packed, axis=1)[:, before : before + columns.stop - columns.start].astype(bool)
        wanted = stretched(one[None], 1080, 810)[0]
        differs = part != (wanted[rows, columns] > 0)
        assert (np.abs(wanted[rows, columns][differs]) < 1e-3).all()
        assert np.count_nonzero(wanted > 0) == np.count_nonzero(wanted[rows, columns] > 0)


def test_nothing_is_drawn_of_no_logits():
    assert draw(torch.zeros(0, 64, 64), 100, 100) == []
