"""What every prior is given, and what it answers with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..labels.encoding import Encoding
from ..pixels.regions import Region
from ..plan import Plan
from ..steps import Steps


@dataclass(frozen=True)
class Picture:
    """One picture of a run.

    Attributes:
        key: the sample's id
        seed_key: what its randomness is seeded with besides the run's seed: the file's name (without its
            folder, so that another machine draws the same points)
        image: (H, W, 3) uint8 RGB
        label: the label of the prompt field, for the field prior
        points: the label of the points' field, where boxes and points come from two
        skip: names of strategies that this picture doesn't need
        size: the file's own (height, width), where ``image`` was made smaller; prompts and masks are in its pixels
    """

    key: str
    seed_key: str
    image: np.ndarray
    label: Any = None
    skip: frozenset[str] = frozenset()
    size: tuple[int, int] | None = None
    points: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """The picture's own (height, width)."""
        return self.size or self.image.shape[:2]


class Found(list[Region]):
    """The regions of one picture, and (h, w) float in [0, 1]: where the prior saw anything, if it was asked to say."""

    heatmap: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """A labelled picture that shows what to look for.

    Attributes:
        name: its file's, by which its randomness is seeded
        image: (H, W, 3) uint8 RGB
        labels: (h, w) uint8, of whatever size: 0 background, i + 1 class i, 255 what counts for nothing
    """

    name: str
    image: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Given:
    """What priors are given of a run's dataset.

    Attributes:
        encoding: how the masks of a Segmentation prompt field are encoded
        references: labelled pictures, which are read one by one, whenever they are gone through
    """

    encoding: Encoding | None = None
    references: Collection[Reference] = ()


class Prior(Protocol):
    """Finds regions in a batch of pictures."""

    def find(self, pictures: Sequence[Picture]) -> list[list[Region]]:
        """The regions of each picture; a picture's answer doesn't depend on the others in the batch."""
        ...


class Build(Protocol):
    """Makes a prior; every module of a prior has such a function, ``build``.

    It takes a plan without ``auto``, :mod:`prompting.models.catalogue`, to load models, and what the dataset has for
    it. One that learns first, which takes its time, is a generator of how far it is.
    """

    def __call__(self, plan: Plan, models: Any, given: Given) -> Prior | Steps[Prior]: ...
