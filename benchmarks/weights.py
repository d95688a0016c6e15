"""SAM 2 for timing: the official weights where they can be had, else the same architecture with random ones.

Time doesn't depend on what the weights are. It depends a little on what the masks look like, which are painted, cut out
and compressed: a random decoder's are ten times as large as people and fall into hundreds of pieces. So that its masks
are replaced, after it has computed its own, by ones that look like people's: an ellipse in the prompt's box or around
its points, which further clicks extend and cut.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from prompting.errors import ModelUnavailable
from prompting.models import catalogue
from prompting.segmentation import lean
from prompting.segmentation.segmenter import Segmenter

SIZES = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}
TINY = "sam2.1-hiera-tiny"
CLICK = 1 / 32
"""The radius of what a click adds or removes, in pictures."""


@dataclass(frozen=True)
class Timed:
    """A SAM 2 to be timed.

    Attributes:
        model: what a plan's ``sam2_model`` takes: ``nano``, or a checkpoint's path
        about: what it is, for tables
        config: sam2's own configuration of it; None for nano
        segmenter: the plugin's; plans with this ``model`` use the same one
        random: whether the weights are
    """

    model: str
    about: str
    config: str | None
    segmenter: Segmenter
    random: bool

    def predictor(self):
        """sam2's own ``SAM2ImagePredictor`` with the same weights, laid out and computing as sam2 does it."""
        from sam2.sam2_image_predictor import SAM2ImagePredictor

        model = copy.deepcopy(self.segmenter.model).to(memory_format=torch.contiguous_format)
        lean.restore(model)
        predictor = SAM2ImagePredictor(model)
        side = model.image_size
        predictor._bb_feat_sizes = [(side // s, side // s) for s in (4, 8, 16)]  # it knows those of 1024 pixels alone
        return predictor


@contextmanager
def timed_sam2(name: str, device: str) -> Iterator[Timed]:
    """A SAM 2 by one of the names that the plugin knows.

    Raises:
        PromptingError: no such model
    """
    if name == catalogue.NANO:
        yield Timed(name, "nano", None, catalogue.load_sam2(name, device), random=False)
        return
    # the names tell the libraries what it is: the plugin by the folder, Ultralytics by the file
    with TemporaryDirectory(prefix=f"{name}-") as folder:
        letter = SIZES.get(name.removeprefix("sam2.1-hiera-"), "t")
        path, random = Path(folder) / f"sam2.1_{letter.rstrip('+')}.pt", False
        config = f"configs/sam2.1/sam2.1_hiera_{letter}.yaml"
        try:
            path.symlink_to(catalogue._sam2_checkpoint(name).resolve())
        except (ModelUnavailable, ImportError):  # no network, or no FiftyOne to download with
            save_random(config, path)
            random = True
        segmenter = catalogue.load_sam2(str(path), device)
        if random:
            draw_people(segmenter.model)
        about = f"{name} with {'random' if random else 'official'} weights"
        try:
            yield Timed(str(path), about, config, segmenter, random)
        finally:
            catalogue.load_sam2.cache_clear()


def save_random(config: str, path: Path, seed: int = 0) -> None:
    """Save a checkpoint of one of sam2's architectures as it is before any training."""
    from sam2.build_sam import build_sam2

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_sam2(config, None, device="cpu")
    torch.save({"model": model.state_dict()}, path)


def draw_people(model: torch.nn.Module) -> None:
    """Let a model whose decoder knows nothing answer with ellipses where its prompts are."""
    asked: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def note(module, args, kwargs):
        asked["points"] = kwargs["points"] if "points" in kwargs else args[0]

    def answer(module, args, output):
        masks, *rest = output
        return (ellipses(*asked["points"], model.image_size, masks), *rest)

    model.sam_prompt_encoder.register_forward_pre_hook(note, with_kwargs=True)
    model.sam_mask_decoder.register_forward_hook(answer)


def ellipses(coords: torch.Tensor, labels: torch.Tensor, side: int, like: torch.Tensor) -> torch.Tensor:
    """Logits of the shape of ``like``, (N, M, h, w), for prompts as SAM 2's prompt encoder takes them.

    Args:
        coords: (N, P, 2) in pixels of the squashed picture
        labels: (N, P), 2 and 3 a box's corners, 1 and 0 clicks, −1 filling
        side: of the squashed picture
        like: the decoder's own; of M masks the later ones are larger
    """
    coords, labels = coords.float() / side, labels.to(coords.device)
    height, width = like.shape[-2:]
    y = (torch.arange(height, device=like.device) + 0.5) / height
    x = (torch.arange(width, device=like.device) + 0.5) / width
    scales = 0.8 + 0.2 * torch.arange(like.shape[1], device=like.device)
    drawn = torch.empty_like(like)
    for row, (xy, kind) in enumerate(zip(coords, labels, strict=True)):
        box, clicks = xy[kind >= 2], xy[kind == 1]
        spread = box if len(box) else clicks
        low, high = spread.amin(dim=0), spread.amax(dim=0)
        half = ((high - low) / 2).clamp_min(0.01 if len(box) else 0.08)
        centre = (low + high) / 2
        across, down = ((x - centre[0]) / half[0]) ** 2, ((y - centre[1]) / half[1]) ** 2
        drawn[row] = scales[:, None, None] - (across[None, None] + down[None, :, None])
        if len(box):  # lone clicks are the ellipse itself
            for positive in (1, 0):
                for px, py in xy[kind == positive]:
                    disc = 1 - (((x - px) / CLICK) ** 2 + ((y - py) / CLICK).square()[:, None])
                    drawn[row] = torch.maximum(drawn[row], disc) if positive else torch.minimum(drawn[row], -disc)
    return drawn * 10
