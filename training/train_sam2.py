"""Train the heads of the bundled ``nano`` SAM 2.

    python -m training.train_sam2 --data PACK --yolo yolo26n-seg.pt --out prompting/models/weights/nano_sam2.safetensors

The trunk stays frozen; neck, prompt encoder and mask decoder learn from mosaics
(training/mosaic.py) with noisy boxes, clicks and, every third step, a second
round with the first round's logits and a corrective click. Progressive sizes:
most of the time at 384 pixels, the rest at 512.
"""

from __future__ import annotations

import argparse
import queue
import threading
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from prompting.models.nano.sam2 import FROZEN, build_nano_sam2
from prompting.models.nano.state import load_trained_state, trained_state
from prompting.segmentation.segmenter import IMAGENET_MEAN, IMAGENET_STD
from training.mosaic import compose
from training.photographs import Photograph, read_pack
from training.prompts import KIND_WEIGHTS, KINDS, TrainingPrompt, corrective_click, draw_prompt, pad_prompts

PICTURES, OBJECTS = 6, 4
SMALLEST = 5e-4  # share of the canvas below which an object is not asked for
SOURCE_WEIGHT = {"voc": 1.0, "coco": 1.2, "ccp": 0.5, "eg1800": 0.3, "coco_panoptic": 1.5, "camvid": 1.5}
PEOPLE = {"person", "pedestrian", "bicyclist"}
SIZES = ((0.55, 384), (1.0, 512))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of the training pack")
    parser.add_argument("--yolo", required=True, help="path of yolo26n-seg.pt")
    parser.add_argument("--out", required=True, help="file to write (.safetensors)")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", help="start from these weights")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="the highest learning rate")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)

    pack = read_pack(args.data)
    model = build_nano_sam2(args.yolo)
    if args.resume:
        load_trained_state(model, load_file(args.resume), FROZEN)
    train(model, pack, args)
    save_file(trained_state(model, FROZEN), args.out)


def train(model, pack: list[Photograph], args) -> None:
    """Optimise for the minutes given; print the running loss and IoU per prompt kind; save every 500 steps."""
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=args.rate, weight_decay=0.05)
    batches = Batches(pack, args.seed)
    start, step, log = time.monotonic(), 0, {}
    while (done := (time.monotonic() - start) / (60 * args.minutes)) < 1:
        size = next(size for until, size in SIZES if done < until)
        batches.size = size
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-6
        loss, ious = train_step(model, batches.get(), batches.rng, second_round=step % 3 == 2)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        step += 1
        for kind, iou in ious:
            log.setdefault(kind, []).append(iou)
        if step % 50 == 0:
            means = "  ".join(f"{kind} {np.mean(values):.3f}" for kind, values in sorted(log.items()))
            print(f"step {step}  {100 * done:.1f} %  {size} px  loss {loss.item():.3f}  IoU: {means}", flush=True)
            log = {}
        if step % 500 == 0:
            save_file(trained_state(model, FROZEN), args.out)
    print(f"{step} steps in {(time.monotonic() - start) / 60:.1f} minutes", flush=True)


class Batches:
    """Canvases composed ahead by one thread."""

    def __init__(self, pack: list[Photograph], seed: int):
        self.pack, self.size = pack, SIZES[0][1]
        self.rng = np.random.default_rng(seed)
        weights = np.array([SOURCE_WEIGHT.get(photograph.source, 1.0) for photograph in pack])
        self.weights = weights / weights.sum()
        self.ready: queue.Queue = queue.Queue(maxsize=2)
        threading.Thread(target=self._work, args=(seed + 1,), daemon=True).start()

    def get(self):
        return self.ready.get()

    def _work(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        while True:
            size = self.size
            self.ready.put([self._sample(size, rng) for _ in range(PICTURES)])

    def _sample(self, size: int, rng: np.random.Generator):
        """One canvas and the masks of at most OBJECTS of its objects, people preferred."""
        while True:
            canvas = compose(self.pack, self.weights, size, rng)
            areas = np.bincount(canvas.objects.ravel(), minlength=len(canvas.names) + 1)[1:]
            usable = np.flatnonzero(areas > SMALLEST * size * size)
            if len(usable):
                break
        liking = np.array([2.0 if canvas.names[i] in PEOPLE else 1.0 for i in usable])
        chosen = rng.choice(usable, min(OBJECTS, len(usable)), replace=False, p=liking / liking.sum())
        masks = [canvas.objects == i + 1 for i in chosen]
        mixed = rng.random() < 0.3
        kind = rng.choice(KINDS, p=KIND_WEIGHTS)
        kinds = [rng.choice(KINDS, p=KIND_WEIGHTS) if mixed else kind for _ in masks]
        return canvas.image, masks, kinds, [draw_prompt(m, k, rng) for m, k in zip(masks, kinds)]


def train_step(model, batch, rng, second_round: bool):
    """Loss of one batch and the IoU reached for each prompt, with its kind."""
    images = torch.from_numpy(np.stack([image for image, *_ in batch])).permute(0, 3, 1, 2).float() / 255
    size = images.shape[-1]
    owners = torch.tensor([i for i, (_, masks, *_) in enumerate(batch) for _ in masks])
    masks = [mask for _, masks, *_ in batch for mask in masks]
    kinds = [kind for _, _, kinds, _ in batch for kind in kinds]
    prompts = [prompt for *_, prompts in batch for prompt in prompts]
    truth = F.avg_pool2d(torch.from_numpy(np.stack(masks)).float()[:, None], 4)[:, 0]

    features = encode(model, images)
    logits, predicted = decode(model, features, owners, prompts, size)
    multimask = torch.tensor([prompt.multimask for prompt in prompts])
    loss, chosen, ious = mask_loss(logits, predicted, truth, multimask)
    if second_round:
        previous = chosen.detach().clamp(-32, 32)
        clicked = [click_again(p, m, q, rng) for p, m, q in zip(prompts, truth.numpy() > 0.5, (previous > 0).numpy())]
        logits, predicted = decode(model, features, owners, clicked, size, previous[:, None])
        loss = loss + mask_loss(logits, predicted, truth, torch.zeros_like(multimask))[0]
    return loss, list(zip(kinds, ious.tolist()))


def encode(model, images: torch.Tensor) -> list[torch.Tensor]:
    """Feature maps (fine to coarse) of a batch of RGB pictures in [0, 1], as SAM2ImagePredictor makes them."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    images = ((images - mean) / std).to(memory_format=torch.channels_last)
    encoder = model.image_encoder
    with torch.autocast("cpu", torch.bfloat16):
        maps = encoder.trunk(images)
    levels, _ = encoder.neck([level.float() for level in maps])
    fine, middle, coarse = levels[:3]
    coarse = coarse + model.no_mem_embed.view(1, -1, 1, 1)
    return [model.sam_mask_decoder.conv_s0(fine), model.sam_mask_decoder.conv_s1(middle), coarse]


def decode(model, features, owners, prompts: list[TrainingPrompt], size: int, mask_input=None):
    """All four masks (N, 4, h, w) and predicted IoUs (N, 4) of N prompts; ``owners`` names their pictures."""
    encoder, decoder = model.sam_prompt_encoder, model.sam_mask_decoder
    encoder.input_image_size, encoder.image_embedding_size = (size, size), (size // 16, size // 16)
    coords, labels = (torch.from_numpy(a) for a in pad_prompts(prompts))
    sparse, dense = encoder(points=(coords, labels), boxes=None, masks=mask_input)
    fine, middle, coarse = (level[owners] for level in features)
    masks, ious, *_ = decoder.predict_masks(
        image_embeddings=coarse,
        image_pe=encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        repeat_image=False,
        high_res_features=[fine, middle],
    )
    return masks, ious


def mask_loss(logits, predicted, truth, multimask):
    """2 BCE + 2 Dice of the single mask, or of the best of three; L1 of the predicted IoU."""
    target = truth[:, None].expand_as(logits)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    # a small object is a handful of pixels of the picture: half of the BCE is taken around it alone
    weight = around(truth)[:, None]
    bce = 0.5 * bce.mean((2, 3)) * 4 + 0.5 * (bce * weight).sum((2, 3)) / weight.sum((2, 3))
    prob = logits.sigmoid()
    dice = 1 - (2 * (prob * target).sum((2, 3)) + 1) / (prob.sum((2, 3)) + target.sum((2, 3)) + 1)
    cost = 2 * bce + 2 * dice
    with torch.no_grad():
        inside, real = logits > 0, target > 0.5
        ious = (inside & real).sum((2, 3)) / (inside | real).sum((2, 3)).clamp(min=1)
        best = cost[:, 1:].argmin(1) + 1
        slot = torch.where(multimask, best, torch.zeros_like(best))
        used = torch.zeros_like(cost)
        used[multimask, 1:] = 1 / 3
        used[~multimask, 0] = 1
    rows = torch.arange(len(slot))
    iou_loss = ((predicted - ious).abs() * used).sum(1)
    return (cost[rows, slot] + iou_loss).mean(), logits[rows, slot], ious[rows, slot]


def around(truth: torch.Tensor) -> torch.Tensor:
    """1 in the truth's bounding box grown by half its sides, else 0: (N, h, w)."""
    n, h, w = truth.shape
    weight = torch.zeros_like(truth)
    for row in range(n):
        ys, xs = torch.nonzero(truth[row] > 0, as_tuple=True)
        if len(ys):
            y1, y2, x1, x2 = int(ys.min()), int(ys.max()) + 1, int(xs.min()), int(xs.max()) + 1
            dy, dx = 2 + (y2 - y1) // 2, 2 + (x2 - x1) // 2
            weight[row, max(0, y1 - dy) : y2 + dy, max(0, x1 - dx) : x2 + dx] = 1
    return weight


def click_again(prompt: TrainingPrompt, truth: np.ndarray, predicted: np.ndarray, rng) -> TrainingPrompt:
    """The prompt with one corrective click (RITM's rule), given masks at a quarter of the canvas."""
    click = corrective_click(truth, predicted)
    if click is None:
        return TrainingPrompt(prompt.coords, prompt.labels, False)
    x, y, label = click
    return prompt.with_click(4 * x + 1.5, 4 * y + 1.5, label)


if __name__ == "__main__":
    main()
