"""Real results of the demo's photographs, made once and written again and again: what is timed has no model in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks.large import enlarged

TEN = (
    "clip_point", "clip_box", "clip_points", "clip_box_neg", "clip_box_points", "yolo_box",
    "clip:box+9p", "clip:9p3n", "yolo:box+5p", "yolo:box+5p3n",
)  # fmt: skip
PEOPLE = ("bus.jpg", "zidane.jpg")


def plan_for(strategies: Sequence[str], **params):
    """What results were asked for by, with the bundled models."""
    from prompting.plan import Plan
    from prompting.runs.assembly import resolved

    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    return resolved(Plan(strategies=tuple(strategies), **{**models, **params}))


def real_results(
    folder: Path, plan, megapixels: float | None = None, names: Sequence[str] = PEOPLE
) -> dict[str, tuple]:
    """Picture's path -> what each of the plan's strategies made of it.

    Args:
        folder: for the photographs, as JPEG where they are enlarged
        plan: with strategies that find their prompts
        megapixels: to which they are enlarged; None: as they are
        names: of the photographs
    """
    from PIL import Image

    from demo.photographs import write_photographs
    from prompting.pixels.images import read_image
    from prompting.priors.base import Picture
    from prompting.runs.assembly import build_runner

    write_photographs(folder)
    pictures = []
    for name in names:
        path, image = folder / name, read_image(str(folder / name))
        if megapixels:
            path, image = folder / f"{megapixels:g}-{Path(name).stem}.jpg", enlarged(image, megapixels)
            Image.fromarray(image).save(path, quality=92)
        pictures.append(Picture(str(path), name, image))
    return {result.key: result.results for result in build_runner(plan).run(pictures)}


def dataset_of(results: dict[str, tuple], count: int, plan, persistent: bool = False):
    """A dataset of so many samples of these pictures in turn, with the fields that the plan writes, and no results."""
    import fiftyone as fo

    from prompting.dataset import storage
    from prompting.dataset.lock import editing

    paths, dataset = list(results), fo.Dataset(persistent=persistent)
    dataset.add_samples([fo.Sample(filepath=paths[i % len(paths)]) for i in range(count)], progress=False)
    with editing(dataset):
        storage.declare_fields(dataset, plan)
    return dataset


@dataclass(frozen=True)
class Place:
    """Of a sample what writing asks for. FiftyOne reads a sample again, that somebody holds, when it was written: a run
    holds a few, and who held all would measure that."""

    id: str
    filepath: str
    dataset: object


def places_of(dataset) -> list[Place]:
    """Of all its samples."""
    return [Place(*one, dataset) for one in zip(*dataset.values(["id", "filepath"]), strict=True)]


def write(dataset, places: Sequence[Place], results: dict[str, tuple], plan, files=None) -> None:
    """Write all results of each sample, as a run does."""
    from prompting.dataset.saving import writing

    with writing(dataset, files=files) as writer:
        for place in places:
            writer.write(place.id, values_of(place, results, plan), place.filepath)


def values_of(place: Place, results: dict[str, tuple], plan) -> Iterator[tuple[str, object]]:
    """What a run writes into a sample."""
    from prompting.dataset import storage

    return chain.from_iterable(storage.values(place, one, plan) for one in results[place.filepath])
