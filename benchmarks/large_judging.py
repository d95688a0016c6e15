"""What judging costs on large pictures: evaluating, explaining, agreement, overlays and the report.

    python -m benchmarks.large_judging [--sizes 0.9 12] [--people 1 10 100] [--pictures 3]

A photograph of one person, repeated in a grid for more of them and enlarged (Lanczos), its mask with it. The bundled
models make results once for each size and number of people; what is timed reads them from the database and judges
them. Times are taken in turns, so that what else the machine does hits all sizes alike, and ratios are of times of one
round. Reading alone is FiftyOne's ``iter_samples`` over the fields that an evaluation needs, each once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import data, timing

ONE, FEW = "field_box", ("clip_point", "clip_box", "yolo_box", "field_box")
"""One strategy, and those whose agreement is measured too."""
GRIDS = {1: (1, 1), 10: (2, 5), 100: (10, 10)}
"""People -> rows and columns of them."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print a table a number of people, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    timing.add_arguments(parser, "large_judging", rounds=2)
    parser.add_argument("--sizes", nargs="+", type=float, default=[0.9, 12], help="megapixels")
    parser.add_argument("--people", nargs="+", type=int, choices=GRIDS, default=list(GRIDS))
    parser.add_argument("--pictures", type=int, default=3, help="in each dataset")
    args = parser.parse_args(argv)
    data.prepare()
    tables, measured = [], {}
    for people in args.people:
        datasets = {size: make(people, size, args) for size in args.sizes}
        contestants = {
            f"{what} {size:g}": timing.plain(partial(work, dataset))
            for what, work in works(args.device).items()
            for size, dataset in datasets.items()
        }
        times = timing.interleaved(contestants, args.rounds)
        measured[people] = times
        tables.append(table(people, times, args))
        for dataset in datasets.values():
            dataset.delete()
    timing.report(args.json, tables, {"seconds": measured})


def make(people: int, megapixels: float, args: argparse.Namespace):
    """A dataset of equal pictures with results of the bundled models."""
    import fiftyone as fo
    import fiftyone.operators as foo
    from PIL import Image

    picture, masks = scene(people, megapixels)
    folder = Path(tempfile.mkdtemp(prefix="sam2-prompting-large-"))
    truth = [fo.Detection.from_mask(mask, label="person") for mask in masks]
    dataset = fo.Dataset()
    for i in range(args.pictures):
        Image.fromarray(picture).save(folder / f"{i}.jpg", quality=92)
        labels = fo.Detections(detections=[detection.copy() for detection in truth])
        dataset.add_sample(fo.Sample(filepath=str(folder / f"{i}.jpg"), ground_truth=labels))
    apply = foo.get_operator("@promptlab/sam2-prompting/apply_strategies")
    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano"}
    apply(dataset, list(FEW), prompt_field="ground_truth", device=args.device, progress=False, **models)
    return dataset


def scene(people: int, megapixels: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """A picture (H, W, 3) uint8 of so many people, and the (H, W) bool mask of each."""
    from PIL import Image

    from demo.dataset import make_dataset
    from prompting.labels.instances import instance_mask

    with tempfile.TemporaryDirectory() as folder:
        photographs = make_dataset(None, Path(folder))
        sample = next(s for s in photographs if Path(s.filepath).stem == "astronaut")
        photograph = np.array(Image.open(sample.filepath).convert("RGB"))
        person = instance_mask(sample.ground_truth.detections[0], *photograph.shape[:2])
        photographs.delete()
    rows, columns = GRIDS[people]
    height, width = (side * count for side, count in zip(person.shape, (rows, columns), strict=True))
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    tile = round(person.shape[1] * scale), round(person.shape[0] * scale)
    one = np.array(Image.fromarray(photograph).resize(tile, Image.Resampling.LANCZOS))
    shape = np.array(Image.fromarray(person.astype(np.uint8) * 255).resize(tile, Image.Resampling.BICUBIC)) > 127
    masks = []
    for row in range(rows):
        for column in range(columns):
            mask = np.zeros((tile[1] * rows, tile[0] * columns), bool)
            mask[row * tile[1] : (row + 1) * tile[1], column * tile[0] : (column + 1) * tile[0]] = shape
            masks.append(mask)
    return np.tile(one, (rows, columns, 1)), masks


def works(device: str) -> dict[str, Callable]:
    """What is timed, by its name: of a dataset."""
    import fiftyone.operators as foo

    from benchmarks.panel_speed import open_panel

    def operator(name: str):
        return foo.get_operator(f"@promptlab/sam2-prompting/{name}")

    evaluate, explain = operator("evaluate_strategies"), operator("explain_strategies")
    report = Path(tempfile.mkdtemp(prefix="sam2-prompting-report-"))

    def reading(dataset) -> None:
        fields = [f"sam2_{ONE}", f"sam2_{ONE}_instances", "ground_truth"]
        for _ in dataset.select_fields(fields).iter_samples():
            pass

    return {
        "reading alone, one strategy": reading,
        f"evaluate, {len(FEW)} strategies": lambda dataset: evaluate(
            dataset, "ground_truth", list(FEW), overwrite=True, progress=False
        ),
        "evaluate, one strategy": lambda dataset: evaluate(
            dataset, "ground_truth", [ONE], baseline=ONE, overwrite=True, progress=False
        ),
        "agreement": lambda dataset: operator("measure_agreement")(dataset, progress=False),
        "explain, one strategy": lambda dataset: explain(dataset, [ONE], device=device, progress=False),
        "show errors": lambda dataset: operator("show_errors")(dataset, ONE, progress=False),
        "report": lambda dataset: operator("export_comparison")(dataset, str(report), overwrite=True),
        "panel": open_panel,
    }


def table(people: int, times: dict[str, list[float]], args: argparse.Namespace):
    """A line for each kind of work, a column for each size, and how many times the smallest the largest takes."""
    from prompting.analysis.tables import Table

    first, last = f"{args.sizes[0]:g}", f"{args.sizes[-1]:g}"
    rows = []
    for name in dict.fromkeys(contestant.rsplit(" ", 1)[0] for contestant in times):
        cells = [timing.Spread.of([s / args.pictures for s in times[f"{name} {size:g}"]]) for size in args.sizes]
        rows.append((name, *map(str, cells), str(timing.ratio(times, f"{name} {last}", f"{name} {first}"))))
    columns = ("seconds a picture", *(f"{size:g} MP" for size in args.sizes), f"{last} MP / {first} MP")
    note = f"{args.pictures} pictures, models nano; what a run does once is in it."
    return Table(f"Judging pictures of {people} people", note, columns, tuple(rows))


if __name__ == "__main__":
    sys.exit(main())
