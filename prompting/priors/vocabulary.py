"""What a class is called in words, and what else a photograph may show.

CLIP is asked with phrases, not with ids. A class takes the probability of all
its phrases; the background phrases compete with it, for a softmax with one
entry is always 1 and one with two is nearly a coin's toss (a cosine gap of
0.02 is typical). CLIP reads lower case and single spaces, so names are
compared in that way (:mod:`prompting.spelling`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..spelling import same_name

CLASS_PHRASES: dict[str, tuple[str, ...]] = {
    "person": ("person", "man", "woman", "child", "boy", "girl", "people", "human face", "pedestrian"),
    "airplane": ("airplane", "aeroplane", "plane"),
    "bicycle": ("bicycle", "bike"),
    "bird": ("bird",),
    "boat": ("boat", "ship"),
    "bottle": ("bottle",),
    "bus": ("bus",),
    "car": ("car", "van"),
    "cat": ("cat", "kitten"),
    "chair": ("chair", "armchair"),
    "cow": ("cow", "bull"),
    "dining table": ("dining table", "table"),
    "dog": ("dog", "puppy"),
    "horse": ("horse", "pony"),
    "motorcycle": ("motorcycle", "motorbike"),
    "potted plant": ("potted plant", "plant in a pot"),
    "sheep": ("sheep", "lamb"),
    "couch": ("couch", "sofa"),
    "train": ("train", "locomotive"),
    "tv": ("tv", "television", "monitor", "screen"),
}
"""Phrases of classes that have more than their own name (any other class is asked for by its name)."""

SYNONYMS: dict[str, str] = {
    "people": "person",
    "pedestrian": "person",
    "bicyclist": "person",
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "diningtable": "dining table",
    "table": "dining table",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
    "television": "tv",
}
"""Other datasets' names of the classes above (VOC, CamVid)."""

STUFF_PHRASES: tuple[str, ...] = (
    "sky", "cloud", "tree", "bush", "forest", "grass", "field", "flower", "leaves", "ground", "dirt", "sand", "snow",
    "mountain", "hill", "rock", "water", "sea", "river", "road", "street", "pavement", "railroad", "bridge", "building",
    "house", "roof", "wall", "brick wall", "window", "door", "floor", "wooden floor", "ceiling", "carpet", "curtain",
    "shelf", "cabinet", "counter", "fence", "pole", "sign", "lamp", "stairs", "mirror", "paper", "cardboard", "blanket",
    "food", "fruit", "towel", "net", "darkness", "blurred background",
)  # fmt: skip

OBJECT_PHRASES: tuple[str, ...] = (
    "airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table", "dog",
    "horse", "motorcycle", "potted plant", "sheep", "couch", "train", "tv", "truck", "traffic light", "bench",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "suitcase", "frisbee", "skis",
    "snowboard", "sports ball", "kite", "surfboard", "skateboard", "tennis racket", "wine glass", "cup", "knife",
    "bowl", "pizza", "cake", "bed", "toilet", "laptop", "keyboard", "cell phone", "refrigerator", "book", "clock",
    "vase", "teddy bear",
)  # fmt: skip

BACKGROUND_PHRASES: tuple[str, ...] = STUFF_PHRASES + OBJECT_PHRASES
"""The default competitors of the classes asked for."""


def canonical(name: str) -> str:
    """The name that the tables above have for a class, however it is spelled and whichever dataset's name it is."""
    plain = same_name(name)
    return SYNONYMS.get(plain, plain)


def phrases_of(name: str, given: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
    """The phrases that stand for a class: those given, else the table's, else its name."""
    for asked, phrases in (given or {}).items():
        if phrases and same_name(asked) == same_name(name):
            return tuple(phrases)
    return CLASS_PHRASES.get(canonical(name), (canonical(name),))


def background_for(
    classes: Sequence[str],
    background: Sequence[str] | None = None,
    given: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Background phrases (the default list if None), each once, without those that mean a class asked for."""
    asked = {same_name(phrase) for name in classes for phrase in (name, canonical(name), *phrases_of(name, given))}
    there = {same_name(phrase): phrase for phrase in (BACKGROUND_PHRASES if background is None else background)}
    return tuple(phrase for plain, phrase in there.items() if plain not in asked)
