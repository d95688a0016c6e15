"""Training prompts of SAM 2: noisy boxes, clicks inside, clicks in the ring outside, corrective clicks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

KINDS = ("box", "point", "points", "box_points")
KIND_WEIGHTS = (0.4, 0.22, 0.16, 0.22)
NEGATIVE, POSITIVE, CORNER_1, CORNER_2, PADDING = 0, 1, 2, 3, -1


@dataclass
class TrainingPrompt:
    """Points in canvas pixels with SAM 2's labels (a box is two points, labels 2 and 3)."""

    coords: np.ndarray  # (P, 2) float, x y
    labels: np.ndarray  # (P,) int
    multimask: bool  # three masks are offered: for one lone click

    def with_click(self, x: float, y: float, label: int) -> TrainingPrompt:
        return TrainingPrompt(np.vstack([self.coords, [[x, y]]]), np.append(self.labels, label), False)


def draw_prompt(mask: np.ndarray, kind: str, rng: np.random.Generator) -> TrainingPrompt:
    """A prompt of the given kind for a boolean (S, S) mask."""
    coords, labels = [], []
    if kind in ("box", "box_points"):
        coords += _noisy_box(mask, rng)
        labels += [CORNER_1, CORNER_2]
    if kind == "point":
        coords.append(_central_point(mask) if rng.random() < 0.5 else _random_pixel(mask, rng))
        labels.append(POSITIVE)
    if kind in ("points", "box_points"):
        positives, negatives = rng.integers(kind == "points", 6), rng.integers(0, 4)
        coords += [_random_pixel(mask, rng) for _ in range(positives)]
        labels += [POSITIVE] * positives
        ring = _ring(mask)
        if ring.any():
            coords += [_random_pixel(ring, rng) for _ in range(negatives)]
            labels += [NEGATIVE] * negatives
    return TrainingPrompt(np.array(coords, np.float32).reshape(-1, 2), np.array(labels, np.int64), kind == "point")


def corrective_click(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float, int] | None:
    """The click at the centre of the larger error (Sofiiuk et al., RITM, 2021), or None where all is right."""
    distances = [
        cv2.distanceTransform(np.pad(error, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        for error in (truth & ~predicted, predicted & ~truth)
    ]
    label = POSITIVE if distances[0].max() >= distances[1].max() else NEGATIVE
    distance = distances[0] if label == POSITIVE else distances[1]
    if distance.max() <= 0:
        return None
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return float(x), float(y), label


def pad_prompts(prompts: list[TrainingPrompt]) -> tuple[np.ndarray, np.ndarray]:
    """Stack prompts to (N, P, 2) and (N, P), filled up with label -1."""
    width = max(len(prompt.labels) for prompt in prompts)
    coords = np.zeros((len(prompts), width, 2), np.float32)
    labels = np.full((len(prompts), width), PADDING, np.int64)
    for row, prompt in enumerate(prompts):
        coords[row, : len(prompt.labels)] = prompt.coords
        labels[row, : len(prompt.labels)] = prompt.labels
    return coords, labels


def _noisy_box(mask: np.ndarray, rng: np.random.Generator) -> list[tuple[float, float]]:
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    spread = 0.12 if rng.random() < 0.6 else 0.03
    noise = np.clip(rng.normal(0, spread, 4), -0.25, 0.25) * (w, h, w, h)
    size = mask.shape[0]
    x1, y1, x2, y2 = np.clip(np.add((x, y, x + w, y + h), noise), 0, size)
    return [(x1, y1), (max(x2, x1 + 2), max(y2, y1 + 2))]


def _central_point(mask: np.ndarray) -> tuple[float, float]:
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return float(x), float(y)


def _random_pixel(mask: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    indices = np.flatnonzero(mask)
    y, x = divmod(int(indices[rng.integers(len(indices))]), mask.shape[1])
    return float(x), float(y)


def _ring(mask: np.ndarray) -> np.ndarray:
    radius = max(3, int(0.35 * np.sqrt(mask.sum())))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    gap = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    small = mask.astype(np.uint8)
    return (cv2.dilate(small, kernel) - cv2.dilate(small, gap)).astype(bool)
