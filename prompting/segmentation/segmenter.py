"""SAM 2 in two calls: encode pictures once, decode as many prompts as one likes.

The same arithmetic as sam2's ``SAM2ImagePredictor`` (Ravi et al., 2024), for
models of any ``image_size`` and without its traps: prompts are checked, shapes
are always (N, ...), and masks are chosen and drawn on the device, each in the
window that it needs (:mod:`.drawing`), so that neither floats nor whole
pictures travel to the host.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from ..pixels.masks import Window
from .drawing import draw
from .lean import PictureDecoder, PictureEncoder
from .precision import FLOAT32, autocast
from .prompt import Prompt
from .squashing import squash

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
BOX_CORNERS = (2, 3)
PADDING = -1
MAX_PROMPTS = {"cpu": 4}
"""The decoder takes so many prompts at most in one call: on a CPU more leave its cache, and each is a third slower."""
MAX_PROMPTS_ELSEWHERE = 64
"""At 1024 pixels each costs about 80 MB."""


@dataclass(frozen=True)
class EncodedImage:
    """What SAM 2 keeps of one picture.

    Attributes:
        embedding: (1, C, S / 16, S / 16)
        high_res: feature maps at S / 4 and S / 8
        height, width: the picture's own size in pixels
    """

    embedding: torch.Tensor
    high_res: tuple[torch.Tensor, torch.Tensor]
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """The picture's own (height, width)."""
        return self.height, self.width


@dataclass(frozen=True, eq=False)
class Decoded:
    """What SAM 2 answers to N prompts.

    Attributes:
        predicted_iou: (N,) float32, the model's own guess
        logits: (N, S / 4, S / 4) float32 on the device, above 0 where the masks are
        kinds: what each prompt was like, see :attr:`Prompt.length` and whether three masks were offered; those of one
            kind went through the decoder together
        shape: the picture's (height, width)
    """

    predicted_iou: np.ndarray
    logits: torch.Tensor
    kinds: tuple[tuple[bool, int], ...]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.predicted_iou)

    @property
    def low_res_logits(self) -> torch.Tensor:
        """(N, 1, S / 4, S / 4), to be given back as ``mask_input``; within 32, as sam2's predictor has it."""
        return self.logits.clamp(-32.0, 32.0)[:, None]

    @cached_property
    def masks(self) -> list[Window]:
        """N masks of the picture's own size."""
        return self.drawn(*self.shape)

    def drawn(self, height: int, width: int) -> list[Window]:
        """The N masks in the picture at any size."""
        return draw(self.logits, height, width)

    def at(self, rows: Sequence[int]) -> Decoded:
        """Those of some prompts; nothing is copied where they follow each other."""
        rows = list(rows)
        kinds = tuple(self.kinds[row] for row in rows)
        if rows and rows == list(range(rows[0], rows[0] + len(rows))):
            rows = slice(rows[0], rows[0] + len(rows))
        return Decoded(self.predicted_iou[rows], self.logits[rows], kinds, self.shape)


class Segmenter:
    """A SAM 2 model behind ``encode`` and ``decode``.

    Args:
        model: a ``SAM2Base`` in eval mode
        device: where it runs
        name: the model's name, kept for the records
        precision: the encoder's, ``float32`` or ``bfloat16``
    """

    def __init__(
        self,
        model: torch.nn.Module,
        device: str | torch.device = "cpu",
        name: str = "",
        precision: str = FLOAT32,
    ):
        self.model = model.to(device).eval()
        self.device = torch.device(device)
        self.at_once = MAX_PROMPTS.get(self.device.type, MAX_PROMPTS_ELSEWHERE)
        self._pinned = self.device.type == "cuda"  # memory that the device copies from and to by itself
        self.name = name
        self.precision = precision
        self.image_size = int(model.image_size)
        self._mean = torch.tensor(IMAGENET_MEAN, device=self.device).view(3, 1, 1)
        self._std = torch.tensor(IMAGENET_STD, device=self.device).view(3, 1, 1)
        if self.device.type == "cpu":  # the convolutions of small trunks run twice as fast this way
            self.model.image_encoder.to(memory_format=torch.channels_last)
            self.model.sam_mask_decoder.to(memory_format=torch.channels_last)
        PictureDecoder.take(self.model.sam_mask_decoder)
        with torch.inference_mode():
            self._positions = self.model.sam_prompt_encoder.get_dense_pe()
        self._encoder = PictureEncoder(self.model)
        self.compiled, self._fixed, self._forward = False, 0, self._encoder

    def at(self, precision: str, compiled: bool = False) -> Segmenter:
        """The same model with its encoder at another precision, compiled if wanted; the weights are shared."""
        other = copy.copy(self)
        other.precision, other.compiled, other._fixed = precision, compiled, 0
        other._forward = torch.compile(self._encoder.__call__, dynamic=False) if compiled else self._encoder
        return other

    @torch.inference_mode()
    def encode(
        self, images: Sequence[np.ndarray], shapes: Sequence[tuple[int, int]] | None = None
    ) -> list[EncodedImage]:
        """Encode pictures of any sizes in one batch.

        Args:
            images: (H, W, 3) uint8 RGB arrays
            shapes: the (height, width) in whose pixels prompts are given and masks are drawn, where the images are
                smaller than the pictures; by default the images'

        Returns:
            one :class:`EncodedImage` each
        """
        squashed = [self._squash(image) for image in images]
        batch = torch.stack(squashed) if len(squashed) > 1 else squashed[0][None]
        fine, middle, coarse = (level.float() for level in self._maps(batch))
        if self.model.directly_add_no_mem_embed:
            coarse = coarse + self.model.no_mem_embed.view(1, -1, 1, 1)
        shapes = [image.shape[:2] for image in images] if shapes is None else shapes
        return [
            EncodedImage(coarse[i : i + 1], (fine[i : i + 1], middle[i : i + 1]), *shape)
            for i, shape in enumerate(shapes)
        ]

    def _maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The encoder's feature maps; compiled code sees no smaller batch than before, for it is made for one size."""
        missing = self._fixed - len(batch) if self.compiled else 0
        if missing > 0:
            batch = torch.cat([batch, batch[-1:].expand(missing, -1, -1, -1)])
        self._fixed = 0  # where memory runs out, the next batch is smaller
        with autocast(self.precision, self.device.type):
            maps = self._forward(batch.contiguous(memory_format=torch.channels_last))
        self._fixed = len(batch)
        return maps

    @torch.inference_mode()
    def decode(
        self,
        encoded: EncodedImage,
        prompts: Sequence[Prompt],
        mask_input: torch.Tensor | None = None,
        multimask_output: bool | None = None,
    ) -> Decoded:
        """Masks of all prompts of one picture, in as few decoder calls as their shapes allow.

        A call takes prompts of as many points (a box is two) that are offered as many masks. None is filled up to
        another's length, for the model sees the filling: a mask must not depend on what else is asked.

        Args:
            encoded: the picture
            prompts: N prompts in the picture's pixels, N >= 1
            mask_input: (N, 1, S / 4, S / 4) low-res logits of an earlier call, or None
            multimask_output: offer three masks a prompt and keep the one with the highest predicted
                IoU; by default just for lone clicks (SAM 2 was trained so)

        Raises:
            PromptError: a prompt that SAM 2 would accept in silence and answer with nonsense
        """
        if not prompts:
            raise ValueError("decode() needs at least one prompt.")
        for prompt in prompts:
            prompt.check(encoded.height, encoded.width)
        offered = [
            mask_input is None and prompt.is_lone_click if multimask_output is None else multimask_output
            for prompt in prompts
        ]
        kinds = [(several, prompt.length) for prompt, several in zip(prompts, offered, strict=True)]
        calls = [rows for kind in dict.fromkeys(kinds) for rows in _cut(_of_kind(kinds, kind), self.at_once)]
        parts = [
            self._best_low_res(
                encoded,
                [prompts[i] for i in rows],
                None if mask_input is None else mask_input[self._on_device(rows)],
                offered[rows[0]],
            )
            for rows in calls
        ]
        back = self._on_device(np.argsort(np.concatenate(calls)))
        logits, ious = (torch.cat(some)[back] if len(parts) > 1 else some[0] for some in zip(*parts, strict=True))
        return Decoded(self._on_host(ious), logits, tuple(kinds), encoded.shape)

    @torch.inference_mode()
    def candidates(self, encoded: EncodedImage, prompts: Sequence[Prompt]) -> tuple[list[list[Window]], np.ndarray]:
        """The three masks that SAM 2 offers for each prompt, of which :meth:`decode` keeps one.

        Returns:
            N times three masks of the picture's size, and (N, 3) float32 predicted IoU
        """
        masks, ious = [], []
        for prompt in prompts:
            prompt.check(encoded.height, encoded.width)
        for rows in _cut(np.arange(len(prompts)), self.at_once):
            low_res, predicted = self._decode_low_res(encoded, [prompts[i] for i in rows], None, multimask_output=True)
            masks += [draw(offered, *encoded.shape) for offered in low_res]
            ious.append(self._on_host(predicted))
        return masks, np.concatenate(ious)

    def _best_low_res(self, encoded, prompts, mask_input, multimask_output: bool):
        """Low-res logits (N, h, w) and predicted IoU (N,) of the best mask offered for each prompt."""
        low_res, ious = self._decode_low_res(encoded, prompts, mask_input, multimask_output)
        best = ious.argmax(dim=1)
        rows = torch.arange(len(prompts), device=self.device)
        return low_res[rows, best], ious[rows, best]

    def _squash(self, image: np.ndarray) -> torch.Tensor:
        """SAM 2's own preprocessing: to a square, aspect ratio not kept, antialiased, normalised."""
        image = np.ascontiguousarray(image)
        if self.device.type == "cpu":
            squashed = squash(image, self.image_size)
        else:
            pixels, size = self._on_device(image).permute(2, 0, 1)[None].float() / 255, (self.image_size,) * 2
            squashed = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)[0]
        return squashed.sub_(self._mean).div_(self._std)

    def _decode_low_res(self, encoded, prompts, mask_input, multimask_output):
        """Low-res logits (N, M, h, w) and predicted IoU (N, M); float32, for bfloat16 makes scores tie."""
        model = self.model
        points = self._as_points(prompts, encoded.height, encoded.width)
        sparse, dense = model.sam_prompt_encoder(points=points, boxes=None, masks=mask_input)
        low_res, ious, *_ = model.sam_mask_decoder(
            image_embeddings=encoded.embedding,
            image_pe=self._positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=multimask_output,
            repeat_image=True,
            high_res_features=list(encoded.high_res),
        )
        return low_res.float(), ious.float()

    def _as_points(self, prompts: Sequence[Prompt], height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """All prompts as (N, P, 2) points of the squashed picture and (N, P) labels.

        A box is two points with labels of its own and comes first, as in
        ``SAM2ImagePredictor``; shorter prompts are filled up with label -1.
        """
        coords, labels = [], []
        for prompt in prompts:
            box = prompt.box is not None
            corners = np.asarray(prompt.box, np.float32).reshape(2, 2) if box else np.zeros((0, 2), np.float32)
            coords.append(np.vstack([corners, np.asarray(prompt.point_coords, np.float32).reshape(-1, 2)]))
            labels.append([*(BOX_CORNERS if box else ()), *np.asarray(prompt.point_labels, int).tolist()])
        longest = max(len(row) for row in labels)
        padded_coords = np.zeros((len(prompts), longest, 2), np.float32)
        padded_labels = np.full((len(prompts), longest), PADDING, np.int32)
        for i, (xy, row) in enumerate(zip(coords, labels, strict=True)):
            padded_coords[i, : len(row)] = xy / (width, height) * self.image_size
            padded_labels[i, : len(row)] = row
        return self._on_device(padded_coords), self._on_device(padded_labels)

    def _on_host(self, tensor: torch.Tensor) -> np.ndarray:
        """A copy on the host, which waits for it; the tensor itself where that is the device."""
        return tensor.cpu().numpy()

    def _on_device(self, array: np.ndarray) -> torch.Tensor:
        """A copy on the device that the host doesn't wait for; the array itself where that is the host."""
        tensor = torch.from_numpy(array)
        return tensor.pin_memory().to(self.device, non_blocking=True) if self._pinned else tensor.to(self.device)


def _of_kind(kinds: Sequence[tuple[bool, int]], kind: tuple[bool, int]) -> np.ndarray:
    """The rows of the prompts of a kind, which one decoder call takes together."""
    return np.array([row for row, other in enumerate(kinds) if other == kind])


def _cut(rows: np.ndarray, most: int) -> list[np.ndarray]:
    return [rows[i : i + most] for i in range(0, len(rows), most)]
