"""Do large pictures and crowds cost more than small pictures and one person, in time and in memory?

    python -m benchmarks.large [--sizes 0.9 4 12 24] [--prompts 1 10 100 1000] [--images FOLDER --labels COCO.json]

The same photographs, enlarged (Lanczos), in memory; nothing is read from disk, and writing is timed apart. Times are
taken in turns, so that what else the machine does hits all sizes alike, and ratios are of times of one round. The peak
of memory is that of a process that does nothing else. Of official models the weights may be random: time doesn't depend
on them.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks import data, timing
from benchmarks.scale import peak_megabytes

PICTURES = 2
MANY = 100
"""Beyond so many prompts once is enough."""
MODELS = {
    "encoder": ("prompting.segmentation.segmenter:Segmenter._maps",),
    "decoder": ("prompting.segmentation.segmenter:Segmenter._decode_low_res",),
    "clip": ("prompting.priors.clip:ClipPrior._window",),
    "yolo": ("prompting.priors.yolo:YoloPrior._predict",),
}
"""What the models compute; all else of a run is the plugin's own."""
SQUASH = {"squash": ("prompting.segmentation.segmenter:Segmenter._squash",)}
"""What of its own sam2's predictor does too: making a picture as small as the encoder takes it."""


def main(argv: Sequence[str] | None = None) -> None:
    """Measure strategies, crowds and memory, print a table of each, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    timing.add_arguments(parser, "large", rounds=3)
    parser.add_argument("--sizes", nargs="+", type=float, default=[0.9, 4, 12, 24], help="megapixels")
    parser.add_argument("--prompts", nargs="+", type=int, default=[1, 10, 100, 1000])
    parser.add_argument("--sam2", nargs="+", default=["nano", "sam2.1-hiera-tiny"], help="the first for crowds too")
    parser.add_argument("--peak", nargs=2, type=float, metavar=("MP", "PROMPTS"), help=argparse.SUPPRESS)
    given = sys.argv[1:] if argv is None else list(argv)
    args = parser.parse_args(given)
    data.prepare()
    if args.peak:
        print(json.dumps(peak(args, args.peak[0], int(args.peak[1]))))
        return
    photographs = load(args)
    measured = {name: strategies(args, photographs, name) for name in args.sam2}
    with one_thread() as several:  # of which an encoder makes more use than what is beside it
        alone = [name for name in args.sam2 if several and name != "nano"]
        measured |= {f"{name}, one thread": strategies(args, photographs, name) for name in alone}
    seconds = crowds(args, photographs)
    megabytes = {count: in_a_process(given, largest_usual(args.sizes), count) for count in args.prompts}
    tables = [of_strategies(name, found) for name, found in measured.items()]
    tables.append(of_crowds(args, seconds, megabytes))
    timing.report(args.json, tables, {"strategies": measured, "crowds": seconds, "megabytes": megabytes})


def largest_usual(sizes: Sequence[float]) -> float:
    """The size whose memory is looked at: 12 megapixels where they are among the sizes, else the largest."""
    return 12 if 12 in sizes else max(sizes)


def load(args: argparse.Namespace) -> list[np.ndarray]:
    """A few photographs with people."""
    from prompting.pixels.images import read_image

    paths = data.load(args).values("filepath")
    wanted = [path for path in paths if Path(path).stem in ("bus", "zidane")] or paths
    return [read_image(path) for path in wanted[: args.limit or PICTURES]]


def enlarged(photograph: np.ndarray, megapixels: float) -> np.ndarray:
    """A photograph at another size, (H, W, 3) uint8."""
    from PIL import Image

    height, width = photograph.shape[:2]
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    size = round(width * scale), round(height * scale)
    return np.array(Image.fromarray(photograph).resize(size, Image.Resampling.LANCZOS))


def strategies(args: argparse.Namespace, photographs: Sequence[np.ndarray], name: str) -> dict:
    """Seconds a picture of all strategies at each size: in all, a model, and writing."""
    from benchmarks.stages import watched
    from benchmarks.weights import timed_sam2
    from prompting.models import catalogue
    from prompting.plan import Plan
    from prompting.priors.base import Picture
    from prompting.prompts.strategies import AUTOMATIC
    from prompting.runs.assembly import build_runner, resolved

    device = catalogue.best_device() if args.device == "auto" else args.device
    parts: dict[str, list[dict[str, float]]] = {}
    with ExitStack() as stack:
        sam2 = stack.enter_context(timed_sam2(name, device))
        plan = Plan(AUTOMATIC, sam2_model=sam2.model, clip_model="nano", yolo_model="nano", device=device)
        plan = resolved(plan)
        store = stack.enter_context(stored(plan))
        runner = build_runner(plan)

        def run(size: float):
            pictures = [Picture("key", f"{i}.jpg", enlarged(p, size)) for i, p in enumerate(photographs)]

            def timed():
                with watched(MODELS | SQUASH) as watch:
                    start = time.perf_counter()
                    results = list(runner.run(pictures))
                    whole = time.perf_counter() - start
                start = time.perf_counter()
                for result in results:
                    store(result)
                writing = time.perf_counter() - start
                stages = {part: watch.waited.get(part, 0.0) for part in MODELS | SQUASH}
                found = {"all": whole, **stages, "writing": writing}
                parts.setdefault(f"{size:g}", []).append({k: v / len(pictures) for k, v in found.items()})

            return timing.plain(timed)

        timing.interleaved({f"{size:g}": run(size) for size in args.sizes}, args.rounds)
        about, precision = sam2.about, plan.encoder_precision
    return {"model": about, "precision": precision, "sizes": {k: v[1:] for k, v in parts.items()}}


@contextmanager
def one_thread() -> Iterator[bool]:
    """Let torch and OpenCV compute with one thread; whether they had more."""
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1), cv2.setNumThreads(1)
    try:
        yield before[0] > 1
    finally:
        torch.set_num_threads(before[0]), cv2.setNumThreads(before[1])


@contextmanager
def stored(plan) -> Iterator:
    """What writes results into a sample of a dataset, as a run does it."""
    import fiftyone as fo

    from prompting.dataset import storage
    from prompting.dataset.lock import editing
    from prompting.dataset.saving import writing

    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample("picture.jpg"))
    with editing(dataset):
        storage.declare_fields(dataset, plan)
    sample = dataset.view().first()  # of a dataset's own sample all masks would be read again

    def store(result) -> None:
        with writing(dataset) as writer:
            writer.write(sample.id, chain.from_iterable(storage.values(sample, one, plan) for one in result.results))

    try:
        yield store
    finally:
        dataset.delete()


def crowd(shape: tuple[int, int], count: int, seed: int = 0):
    """Detections of so many people, standing anywhere, that cover half of a picture."""
    import fiftyone as fo

    rng = np.random.default_rng(seed)
    height = min(0.9, (0.5 / count * 2.5 * shape[1] / shape[0]) ** 0.5)
    width = height / 2.5 * shape[0] / shape[1]
    corners = rng.uniform(0, (1 - width, 1 - height), (count, 2)).tolist()
    boxes = [fo.Detection(label="person", bounding_box=[x, y, width, height]) for x, y in corners]
    return fo.Detections(detections=boxes)


def crowd_runner(args: argparse.Namespace):
    """What gives boxes of a field to SAM 2, whose masks are ellipses in them once it has computed its own."""
    from benchmarks.weights import draw_people
    from prompting.models import catalogue
    from prompting.plan import Plan
    from prompting.runs.assembly import build_runner, resolved

    device = catalogue.best_device() if args.device == "auto" else args.device
    plan = Plan(("field_box",), sam2_model=args.sam2[0], device=device, prompt_field="boxes")
    runner = build_runner(resolved(plan))
    # what is in a crowd's boxes is not people, of which SAM 2 makes specks all over a picture
    runner.segmenter = copy.copy(runner.segmenter)
    runner.segmenter.model = copy.deepcopy(runner.segmenter.model)
    draw_people(runner.segmenter.model)
    return runner


def crowds(args: argparse.Namespace, photographs: Sequence[np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """Seconds that a picture takes at each size with so many boxes, prompts -> size -> rounds."""
    from prompting.priors.base import Picture

    runner = crowd_runner(args)
    found = {}
    for count in args.prompts:

        def run(size: float, count: int = count):
            image = enlarged(photographs[0], size)
            picture = Picture("key", "picture.jpg", image, crowd(image.shape[:2], count))
            return timing.plain(lambda: list(runner.run([picture])))

        contestants = {f"{size:g}": run(size) for size in args.sizes}
        found[str(count)] = timing.interleaved(contestants, 1 if count > MANY else args.rounds, int(count <= MANY))
    return found


def in_a_process(given: Sequence[str], size: float, count: int) -> float:
    """The most megabytes that a new process holds for a picture of a size with so many boxes."""
    command = [sys.executable, "-m", "benchmarks.large", *given, "--peak", str(size), str(count)]
    output = subprocess.run(command, cwd=data.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def peak(args: argparse.Namespace, size: float, count: int) -> float:
    """The most megabytes that this process has held, once it has done such a picture."""
    from prompting.priors.base import Picture

    runner, image = crowd_runner(args), enlarged(load(args)[0], size)
    (result,) = runner.run([Picture("key", "picture.jpg", image, crowd(image.shape[:2], count))])
    if len(result.results[0].prompts) != count:
        raise RuntimeError(f"{len(result.results[0].prompts)} of {count} prompts were used.")
    return peak_megabytes()


def of_strategies(name: str, found: Mapping):
    """A line a size."""
    from prompting.analysis.tables import Table

    rounds, rows = found["sizes"], []
    first = [one["all"] for one in next(iter(rounds.values()))]
    for size, taken in rounds.items():
        own = [one["all"] - sum(one[part] for part in MODELS) for one in taken]
        encoder = [one["encoder"] for one in taken]
        rows.append(
            (
                size,
                str(timing.Spread.of([one["all"] for one in taken])),
                str(timing.Spread.of([one["all"] / other for one, other in zip(taken, first, strict=True)])),
                *(timing.digits(float(np.median([one[part] for one in taken]))) for part in MODELS),
                timing.digits(float(np.median(own))),
                timing.digits(float(np.median([one["squash"] for one in taken]))),
                f"{np.median([a / b for a, b in zip(own, encoder, strict=True)]):.0%}",
                timing.digits(float(np.median([one["writing"] for one in taken]))),
            )
        )
    note = (
        f"{found['model']}, {found['precision']}: seconds a picture. own: all that the models don't compute, and beside"
        " the encoder; squashing to the encoder's size is what sam2's predictor does too. writing: label maps painted,"
        " masks compressed, all stored, which a run does behind."
    )
    columns = ("MP", "s/image", "times the first", *MODELS, "own", "of it squashing", "own / encoder", "writing")
    return Table(f"Seven strategies on large pictures, {name}", note, columns, tuple(rows))


def of_crowds(args: argparse.Namespace, seconds: Mapping[str, Mapping[str, list[float]]], megabytes: Mapping):
    """A line for each number of prompts."""
    from prompting.analysis.tables import Table

    sizes = [f"{size:g}" for size in args.sizes]
    rows = tuple(
        (
            f"{int(count):,}",
            *(timing.digits(float(np.median(found[size]))) for size in sizes),
            *(f"{timing.ratio(found, size, sizes[0]).median:.2f}" for size in sizes[1:]),
            f"{megabytes[int(count)]:,.0f}",
        )
        for count, found in seconds.items()
    )
    usual = f"{largest_usual(args.sizes):g}"
    columns = ("boxes", *(f"s at {size} MP" for size in sizes), *(f"{s} / {sizes[0]}" for s in sizes[1:]))
    note = f"{args.sam2[0]}, field_box: seconds a picture, and times those of the smallest."
    return Table("Crowds on large pictures", note, (*columns, f"peak MB at {usual} MP"), rows)


if __name__ == "__main__":
    sys.exit(main())
