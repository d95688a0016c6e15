r"""Train the bundled ``nano`` CLIP.

    python -m training.train_clip --data PACK --pseudo FOLDER --yolo yolo26n-seg.pt \
        --out prompting/models/weights/nano_clip.safetensors

Every patch of a picture has a set of groups (a class's phrases, or one
background word) that may be true of it: one group where the pixel has a name,
all but a few where only those few can be ruled out ("background" of VOC: none
of its 20 classes). The loss is -log of the probability of the allowed set. The
three dense attentions (prompting/priors/dense_clip.py) take turns, so that comparing
them afterwards is fair.
"""

from __future__ import annotations

import argparse
import json
import queue
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import open_clip
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from safetensors.torch import save_file

from prompting.models.nano.clip import FROZEN, build_nano_clip
from prompting.models.nano.state import trained_state
from prompting.priors.dense_clip import ATTENTIONS, dense_embeddings
from prompting.priors.vocabulary import BACKGROUND_PHRASES, CLASS_PHRASES, SYNONYMS
from training.mosaic import CELL_WEIGHTS, jitter, random_crop, split
from training.photographs import Photograph, read_pack

PICTURES, PATCH = 16, 16
SOURCE_WEIGHT = {"voc": 1.0, "coco": 1.2, "ccp": 0.4, "eg1800": 0.3, "coco_panoptic": 4.0, "camvid": 1.5}
CELLS = (1, 2, 3, 4)
TEMPLATES = ("{}", "a photo of a {}.", "a photo of the {}.", "a picture of {}", "{} in the scene", "the {}")
UNKNOWN, VOC_BACKGROUND, NOT_PERSON = 255, 254, 253
VOC_CLASSES = tuple(CLASS_PHRASES)
STUFF_NAMES = {
    "sky-other": "sky", "wall-other": "wall", "wall-tile": "wall", "wall-wood": "wall", "wall-stone": "wall",
    "wall-brick": "brick wall", "building-other": "building", "floor-other": "floor", "floor-wood": "wooden floor",
    "food-other": "food", "window-other": "window", "window-blind": "window", "door-stuff": "door",
    "water-other": "water", "mirror-stuff": "mirror", "light": "lamp", "rug": "carpet", "playingfield": "field",
    "gravel": "ground", "platform": "ground", "baseball glove": "sports ball", "baseball bat": "sports ball",
    "fork": "knife", "spoon": "knife", "oven": "refrigerator", "microwave": "refrigerator", "sink": "toilet",
    "banana": "fruit", "apple": "fruit", "orange": "fruit", "broccoli": "food", "carrot": "food", "sandwich": "food",
    "hot dog": "food", "donut": "cake", "mouse": "keyboard", "remote": "cell phone", "stop sign": "sign",
    "banner": "sign", "tent": "building", "tree": "tree", "pillow": "blanket",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of the training pack")
    parser.add_argument("--pseudo", required=True, help="folder written by training.pseudo_labels")
    parser.add_argument("--yolo", required=True, help="path of yolo26n-seg.pt")
    parser.add_argument("--out", required=True, help="file to write (.safetensors)")
    parser.add_argument("--config", default="prompting/models/weights/nano_clip.json")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)

    groups = Groups()
    pack = [labelled(photograph, groups) for photograph in read_pack_with_pseudo(args.data, args.pseudo)]
    model = build_nano_clip(args.config, args.yolo)
    train(model, pack, groups, args)
    save_file(trained_state(model, FROZEN), args.out)


class Groups:
    """The things a patch can be: 20 classes with their phrases, then every background phrase that is none of them."""

    def __init__(self):
        self.phrases = [CLASS_PHRASES[name] for name in VOC_CLASSES]
        self.names = list(VOC_CLASSES)
        taken = {phrase for phrases in self.phrases for phrase in phrases} | set(self.names)
        for phrase in BACKGROUND_PHRASES:
            if phrase not in taken:
                self.names.append(phrase)
                self.phrases.append((phrase,))
        self.index = {name: i for i, name in enumerate(self.names)}
        assert len(self.names) < NOT_PERSON
        self.owner = torch.tensor([i for i, phrases in enumerate(self.phrases) for _ in phrases])

    def of(self, label: str) -> int:
        """The group of a dataset's label, or UNKNOWN."""
        label = label.removesuffix("-merged")
        label = SYNONYMS.get(label, STUFF_NAMES.get(label, label))
        return self.index.get(label, UNKNOWN)

    def allowed(self) -> torch.Tensor:
        """(256, G) bool: which groups may be true of a pixel with a given code."""
        table = torch.zeros(256, len(self.names), dtype=torch.bool)
        table[: len(self.names)] = torch.eye(len(self.names), dtype=torch.bool)
        table[VOC_BACKGROUND, len(VOC_CLASSES) :] = True
        table[NOT_PERSON] = True
        table[NOT_PERSON, self.index["person"]] = False
        return table


def read_pack_with_pseudo(data: str, pseudo: str):
    """Photographs of the pack, each with the detector's class map."""
    entries = json.loads((Path(data) / "index.json").read_text())
    for entry, photograph in zip(entries, read_pack(data)):
        path = Path(pseudo) / f"{entry['id']}.png"
        yield photograph, cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.exists() else None


def labelled(pair: tuple[Photograph, np.ndarray], groups: Groups) -> Photograph:
    """The photograph with ``instances`` replaced by group codes."""
    photograph, pseudo = pair
    full = photograph.source in ("coco_panoptic", "camvid")
    codes = np.full(photograph.instances.shape, UNKNOWN, np.uint8)
    if photograph.source == "voc":
        codes[:] = VOC_BACKGROUND
    elif not full:
        codes[:] = NOT_PERSON
    if pseudo is not None and not full:
        for value, name in enumerate(COCO_CLASSES):
            group = groups.of(name)
            # people are labelled by hand; VOC's own classes too, but in part
            if name != "person" and group != UNKNOWN:
                codes[pseudo == value] = group
    if photograph.semantic is not None:
        for value, name in photograph.semantic_names.items():
            if name in ("void", "unlabeled"):
                codes[photograph.semantic == value] = UNKNOWN
            elif name != "background":
                codes[photograph.semantic == value] = groups.of(name)
    for value, name in enumerate(photograph.names, start=1):
        codes[photograph.instances == value] = groups.of(name)
    return replace(photograph, instances=codes, semantic=None)


def train(model, pack, groups: Groups, args) -> None:
    """Optimise for the minutes given; print the running loss and the accuracy on named patches."""
    tokens = torch.stack([tokenize(template, groups) for template in TEMPLATES])
    allowed = groups.allowed()
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-3, weight_decay=0.05)
    batches = Batches(pack, args.seed, side=model.visual.image_size[0])
    rng = np.random.default_rng(args.seed)
    start, step, log = time.monotonic(), 0, []
    model.train()
    while (done := (time.monotonic() - start) / (60 * args.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-6
        images, codes = batches.ready.get()
        text = model.encode_text(tokens[rng.integers(len(TEMPLATES))], normalize=True)
        with torch.autocast("cpu", torch.bfloat16):
            patches = dense_embeddings(model.visual, images, ATTENTIONS[step % len(ATTENTIONS)])
        loss, accuracy = allowed_set_loss(patches.float() @ text.T * model.logit_scale.exp(), codes, groups, allowed)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, np.log(100))
        step += 1
        log.append((loss.item(), *accuracy))
        if step % 25 == 0:
            mean = np.nanmean(log, axis=0)
            print(
                f"step {step}  {100 * done:.1f} %  loss {mean[0]:.3f}  person IoU {mean[1]:.3f}"
                f"  named right {mean[2]:.3f}  scale {model.logit_scale.exp().item():.1f}",
                flush=True,
            )
            log = []
        if step % 250 == 0:
            save_file(trained_state(model, FROZEN), args.out)
    print(f"{step} steps in {(time.monotonic() - start) / 60:.1f} minutes", flush=True)


def tokenize(template: str, groups: Groups) -> torch.Tensor:
    """Tokens of all phrases of all groups in one template."""
    tokenizer = open_clip.SimpleTokenizer(context_length=32)
    return tokenizer([template.format(phrase) for phrases in groups.phrases for phrase in phrases])


def allowed_set_loss(logits, codes, groups: Groups, allowed):
    """-log p(allowed set), patches of named things and of ruled-out ones weighing the same; (person IoU, accuracy)."""
    log_p = logits.log_softmax(-1)
    count = len(groups.names)
    shape = (*log_p.shape[:-1], count)
    grouped = torch.zeros(shape).index_add_(-1, groups.owner, log_p.exp()).clamp(min=1e-9).log()
    known = codes != UNKNOWN
    grouped, codes = grouped[known], codes[known]
    nll = -grouped.masked_fill(~allowed[codes], -torch.inf).logsumexp(-1)
    named = codes < count
    weight = torch.where(named, 1.0, 0.5)
    weight = torch.where(codes == groups.index["person"], 0.8, weight)
    loss = (nll * weight).sum() / weight.sum()
    with torch.no_grad():
        guess, person = grouped.argmax(-1), groups.index["person"]
        both = ((guess == person) & (codes == person)).sum()
        either = ((guess == person) | (codes == person)).sum()
        right = (guess == codes)[named].float().mean()
    return loss, (float(both / either.clamp(min=1)), float(right))


class Batches:
    """Pictures and patch codes, composed ahead by one thread."""

    def __init__(self, pack, seed: int, side: int):
        self.pack, self.side = pack, side
        weights = np.array([SOURCE_WEIGHT.get(photograph.source, 1.0) for photograph in pack])
        self.weights = weights / weights.sum()
        self.mean, self.std = (torch.tensor(v).view(1, 3, 1, 1) for v in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
        self.ready: queue.Queue = queue.Queue(maxsize=2)
        threading.Thread(target=self._work, args=(seed + 1,), daemon=True).start()

    def _work(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        while True:
            samples = [self._sample(rng) for _ in range(PICTURES)]
            images = torch.from_numpy(np.stack([image for image, _ in samples])).permute(0, 3, 1, 2).float() / 255
            images = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
            self.ready.put((images, torch.from_numpy(np.stack([codes for _, codes in samples])).long()))

    def _sample(self, rng):
        image = np.zeros((self.side, self.side, 3), np.uint8)
        codes = np.full((self.side, self.side), UNKNOWN, np.uint8)
        weights = np.array(CELL_WEIGHTS[: len(CELLS)])
        for x, y, w, h in split(self.side, rng.choice(CELLS, p=weights / weights.sum()), rng):
            photograph = self.pack[rng.choice(len(self.pack), p=self.weights)]
            crop, labels = random_crop(photograph, w, h, rng)
            image[y : y + h, x : x + w] = jitter(crop, rng)
            codes[y : y + h, x : x + w] = labels
        return image, patch_codes(codes)


def patch_codes(codes: np.ndarray) -> np.ndarray:
    """The code of more than 60 % of a patch's pixels, else UNKNOWN: (S / 16, S / 16)."""
    n = codes.shape[0] // PATCH
    pixels = codes.reshape(n, PATCH, n, PATCH).transpose(0, 2, 1, 3).reshape(n * n, PATCH * PATCH)
    result = np.full(n * n, UNKNOWN, np.uint8)
    for row, values in enumerate(pixels):
        counts = np.bincount(values, minlength=256)
        code = counts.argmax()
        if counts[code] > 0.6 * PATCH * PATCH:
            result[row] = code
    return result.reshape(n, n)


COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


if __name__ == "__main__":
    main()
