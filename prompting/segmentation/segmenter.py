"""SAM 2 in two calls: encode pictures once, decode as many prompts as one likes.

The same arithmetic as sam2's ``SAM2ImagePredictor`` (Ravi et al., 2024), for
models of any ``image_size`` and without its traps: prompts are checked, shapes
are always (N, ...), and masks are chosen and thresholded on the device, so
that booleans and not full-size float maps travel to the host. The host waits
for the device once a ``decode``, when the masks are there, and never in
``encode``.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .lean import PictureDecoder, PictureEncoder
from .precision import FLOAT32, autocast
from .prompt import Prompt

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
BOX_CORNERS = (2, 3)
PADDING = -1
MAX_PIXELS = 64_000_000
"""Full-size logits of so many pixels at most are on the device at once (256 MB in float32)."""
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


@dataclass(frozen=True)
class Decoded:
    """The masks of N prompts.

    Attributes:
        masks: (N, H, W) bool, at the picture's own size, on the host
        predicted_iou: (N,) float32, the model's own guess
        low_res_logits: (N, 1, S / 4, S / 4) float32 on the device, to be given back as ``mask_input``
        shapes: (N,) int, prompts of the same number were of one shape and went through the decoder together
    """

    masks: np.ndarray
    predicted_iou: np.ndarray
    low_res_logits: torch.Tensor
    shapes: np.ndarray

    def __len__(self) -> int:
        return len(self.masks)

    def at(self, rows: Sequence[int]) -> Decoded:
        """Those of some prompts, one at least; nothing is copied where they follow each other."""
        rows = list(rows)
        if rows == list(range(rows[0], rows[0] + len(rows))):
            rows = slice(rows[0], rows[0] + len(rows))
        return Decoded(self.masks[rows], self.predicted_iou[rows], self.low_res_logits[rows], self.shapes[rows])


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
        self._at_once = MAX_PROMPTS.get(self.device.type, MAX_PROMPTS_ELSEWHERE)
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
    def encode(self, images: Sequence[np.ndarray]) -> list[EncodedImage]:
        """Encode pictures of any sizes in one batch.

        Args:
            images: (H, W, 3) uint8 RGB arrays

        Returns:
            one :class:`EncodedImage` each
        """
        batch = torch.stack([self._squash(image) for image in images])
        fine, middle, coarse = (level.float() for level in self._maps(batch))
        if self.model.directly_add_no_mem_embed:
            coarse = coarse + self.model.no_mem_embed.view(1, -1, 1, 1)
        return [
            EncodedImage(coarse[i : i + 1], (fine[i : i + 1], middle[i : i + 1]), *image.shape[:2])
            for i, image in enumerate(images)
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
        shapes = _shapes(prompts, offered)
        calls = [rows for shape in np.unique(shapes) for rows in _cut(np.flatnonzero(shapes == shape), self._at_once)]
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
        low_res, ious = (torch.cat(some)[back] for some in zip(*parts, strict=True))
        masks, ious = self._full_size(low_res, encoded.height, encoded.width, ious)
        return Decoded(masks, ious, low_res.clamp(-32.0, 32.0), shapes)

    @torch.inference_mode()
    def candidates(self, encoded: EncodedImage, prompts: Sequence[Prompt]) -> tuple[np.ndarray, np.ndarray]:
        """The three masks that SAM 2 offers for each prompt, of which :meth:`decode` keeps one.

        Returns:
            (N, 3, H, W) bool masks and (N, 3) float32 predicted IoU, on the host
        """
        for prompt in prompts:
            prompt.check(encoded.height, encoded.width)
        low_res, ious = self._decode_low_res(encoded, prompts, None, multimask_output=True)
        masks, ious = self._full_size(low_res.flatten(0, 1)[:, None], encoded.height, encoded.width, ious)
        return masks.reshape(*low_res.shape[:2], *masks.shape[1:]), ious

    def _best_low_res(self, encoded, prompts, mask_input, multimask_output: bool):
        """Low-res logits (N, 1, h, w) and predicted IoU (N,) of the best mask offered for each prompt."""
        low_res, ious = self._decode_low_res(encoded, prompts, mask_input, multimask_output)
        best = ious.argmax(dim=1)
        rows = torch.arange(len(prompts), device=self.device)
        return low_res[rows, best][:, None], ious[rows, best]

    def _squash(self, image: np.ndarray) -> torch.Tensor:
        """SAM 2's own preprocessing: to a square, aspect ratio not kept, antialiased, normalised."""
        pixels = self._on_device(np.ascontiguousarray(image)).permute(2, 0, 1).float() / 255
        size = (self.image_size, self.image_size)
        squashed = F.interpolate(pixels[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
        return (squashed - self._mean) / self._std

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

    def _full_size(
        self, low_res: torch.Tensor, height: int, width: int, ious: torch.Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Masks (N, H, W) bool from (N, 1, h, w) logits, and their scores, on the host.

        So many at a time as memory is allowed; all travel while the device goes on computing.
        """
        pinned = self._pinned
        masks = torch.empty((len(low_res), height, width), dtype=torch.bool, pin_memory=pinned)
        scores = torch.empty(ious.shape, pin_memory=pinned)
        scores.copy_(ious, non_blocking=pinned)
        step = max(1, MAX_PIXELS // (height * width))
        for chunk, place in zip(low_res.split(step), masks.split(step), strict=True):
            logits = F.interpolate(chunk, size=(height, width), mode="bilinear", align_corners=False)
            place.copy_(logits[:, 0] > 0, non_blocking=pinned)
        if pinned:
            torch.cuda.current_stream(self.device).synchronize()
        return masks.numpy(), scores.numpy()

    def _on_device(self, array: np.ndarray) -> torch.Tensor:
        """A copy on the device that the host doesn't wait for; the array itself where that is the host."""
        tensor = torch.from_numpy(array)
        return tensor.pin_memory().to(self.device, non_blocking=True) if self._pinned else tensor.to(self.device)


def _shapes(prompts: Sequence[Prompt], offered: Sequence[bool]) -> np.ndarray:
    """(N,) int, a number for each kind of prompt that one decoder call can't take together with others."""
    numbers: dict[tuple[bool, int], int] = {}
    kinds = ((several, prompt.length) for prompt, several in zip(prompts, offered, strict=True))
    return np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds])


def _cut(rows: np.ndarray, most: int) -> list[np.ndarray]:
    return [rows[i : i + most] for i in range(0, len(rows), most)]
