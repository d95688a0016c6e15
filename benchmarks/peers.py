"""The plugin against what people would use instead: FiftyOne's own SAM 2, Ultralytics' SAM, and a plain loop.

    python -m benchmarks.peers [--images FOLDER --labels COCO.json] [--limit N] [--sam2 sam2.1-hiera-tiny]

All get the same pictures and the prompts that the plugin found, with the same weights in float32, and are timed in the
same rounds, from the call to its end, with their models loaded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import data, timing

SEVEN, SEVEN_CALLS = "plugin: seven strategies", "FiftyOne: apply_model, seven times"
LOOP, YOLO, BOXES = "sam2: the README's loop", "plugin: yolo_box", "plugin: field_box"
ONE_CALL, ULTRALYTICS = "FiftyOne: apply_model", "Ultralytics: SAM"
GIVEN = "given"
CLICKS = "clicks_{}"
"""The prefix under which the prompts lie that all are given."""

DOES = {
    SEVEN: "finds all prompts with CLIP and YOLO, decodes and refines, writes masks, instances and prompts",
    SEVEN_CALLS: "prompts are given (boxes; points where a strategy has no box); masks cut off at the box; writes them",
    LOOP: "boxes are given; masks stay in memory, nothing is written",
    YOLO: "finds the boxes with YOLO, writes masks, instances and prompts",
    BOXES: "boxes are given; writes masks, instances and prompts",
    ONE_CALL: "boxes are given; masks cut off at the box; writes them",
    ULTRALYTICS: "boxes are given; masks stay in memory, nothing is written",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print what seven strategies cost and what one costs, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    timing.add_arguments(parser, "peers", rounds=2)
    parser.add_argument("--sam2", default="sam2.1-hiera-tiny", help="not nano: only the plugin can build it")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    args = parser.parse_args(argv)
    data.prepare()
    from benchmarks.weights import timed_sam2
    from prompting.models import catalogue

    if args.sam2 == catalogue.NANO:
        parser.error("the others can't build nano; choose an official architecture")
    device = catalogue.best_device() if args.device == "auto" else args.device
    dataset = data.load(args, default=2)
    with timed_sam2(args.sam2, device) as sam2:
        plans = {name: plan_of(sam2, name, device, args) for name in (SEVEN, YOLO, BOXES)}
        left_out = write_prompts(dataset, replace(plans[SEVEN], prefix=GIVEN))
        contestants, missing = line_up(dataset, sam2, plans, device)
        times = timing.interleaved(contestants, args.rounds)
    tables = as_tables(sam2.about, times, missing, len(dataset), left_out, device)
    measured = {
        "model": sam2.about,
        "pictures": len(dataset),
        "boxes_per_image": len(dataset.values(f"{fields_of('yolo_box').boxes}.detections", unwind=True)) / len(dataset),
        "device": device,
        "seconds": times,
        "missing": missing,
    }
    timing.report(args.json, tables, measured)


def plan_of(sam2, name: str, device: str, args):
    """What the plugin is asked for; the boxes that others are given lie in a field."""
    from prompting.plan import Plan
    from prompting.prompts.strategies import AUTOMATIC
    from prompting.segmentation.precision import FLOAT32

    asked = {
        SEVEN: {"strategies": AUTOMATIC},
        YOLO: {"strategies": "yolo_box"},
        BOXES: {"strategies": "field_box", "prompt_field": fields_of("yolo_box").boxes},
    }
    return Plan(
        **asked[name],
        sam2_model=sam2.model,
        clip_model=args.clip,
        yolo_model=args.yolo,
        device=device,
        encoder_precision=FLOAT32,
    )


def fields_of(strategy: str):
    """Where the prompts lie that all are given."""
    from prompting.dataset.names import StrategyFields

    return StrategyFields.of(GIVEN, strategy)


def write_prompts(dataset, plan) -> int:
    """Let the plugin find the prompts, and leave out pictures in which a strategy found none; how many those are.

    FiftyOne's model fails on them, Ultralytics' segments everything: the times could not be compared.
    """
    from fiftyone import ViewField

    from prompting.dataset.storage import clicks_in
    from prompting.results import OK
    from prompting.runs.application import apply

    for _ in apply(dataset, plan):
        pass
    found = dataset.view()
    for strategy in plan.strategies:
        found = found.match(ViewField(fields_of(strategy).status) == OK)
    left_out = len(dataset) - len(found)
    if not len(found):
        raise SystemExit("In none of these pictures all strategies found something; take more (--limit).")
    dataset.delete_samples(dataset.exclude(found))
    for strategy in plan.strategies:  # all clicks of a prompt together, as FiftyOne takes them
        clicks = [clicks_in(sample, fields_of(strategy)) for sample in dataset]
        dataset.set_values(CLICKS.format(strategy), clicks)
    return left_out


def line_up(dataset, sam2, plans, device: str) -> tuple[dict[str, timing.Prepared], dict[str, str]]:
    """Everybody who can take part, and why others can't."""
    from benchmarks.contestants import applied, on_a_copy
    from prompting.prompts.strategies import AUTOMATIC

    paths = dataset.values("filepath")
    boxes = [pixel_boxes(sample) for sample in dataset.iter_samples()]
    loop = readme_loop(sam2.predictor(), paths, boxes)
    native = fiftyone_model(sam2, device)
    contestants = {
        SEVEN: applied(dataset, plans[SEVEN]),
        SEVEN_CALLS: on_a_copy(dataset, lambda copy: [apply_model(copy, native, name) for name in AUTOMATIC]),
        LOOP: timing.plain(loop),
        YOLO: applied(dataset, plans[YOLO]),
        BOXES: applied(dataset, plans[BOXES]),
        ONE_CALL: on_a_copy(dataset, lambda copy: apply_model(copy, native, "yolo_box")),
    }
    missing = {}
    try:
        contestants[ULTRALYTICS] = timing.plain(ultralytics_loop(sam2, paths, boxes, device))
    except Exception as error:  # whatever it is, the others can still be compared
        missing[ULTRALYTICS] = f"does not load these weights ({type(error).__name__}: {error})"
    return contestants, missing


def pixel_boxes(sample) -> np.ndarray:
    """YOLO's boxes (N, 4) xyxy in pixels, as the plugin stored them."""
    height, width = sample[fields_of("yolo_box").mask].get_mask().shape
    relative = np.array([d.bounding_box for d in sample[fields_of("yolo_box").boxes].detections], np.float32)
    corners = np.concatenate([relative[:, :2], relative[:, :2] + relative[:, 2:]], axis=1)
    return corners * np.array([width, height, width, height], np.float32)


def readme_loop(predictor, paths: Sequence[str], boxes: Sequence[np.ndarray]) -> Callable[[], None]:
    """What sam2's README shows, on one picture after the other."""
    import torch
    from PIL import Image

    def run() -> None:
        with torch.inference_mode():
            for path, of_picture in zip(paths, boxes, strict=True):
                predictor.set_image(np.array(Image.open(path).convert("RGB")))
                predictor.predict(box=of_picture, multimask_output=False)

    return run


def fiftyone_model(sam2, device: str):
    """FiftyOne's own wrapper of the same checkpoint, as its model zoo configures it."""
    from fiftyone.utils.sam2 import SegmentAnything2ImageModel, SegmentAnything2ImageModelConfig

    from benchmarks.weights import draw_people

    config = {
        "model_path": sam2.model,
        "entrypoint_fcn": "sam2.build_sam.build_sam2",
        "entrypoint_args": {"config_file": sam2.config},
        "device": device,
    }
    model = SegmentAnything2ImageModel(SegmentAnything2ImageModelConfig(config))
    if sam2.random:
        draw_people(model._model)
    return model


def apply_model(dataset, model, strategy: str) -> None:
    """FiftyOne's own call with a strategy's boxes, or with its points where it has no boxes.

    Raises:
        RuntimeError: a picture was left without masks: FiftyOne logs errors and goes on
    """
    fields, made = fields_of(strategy), f"fiftyone_{strategy}"
    has_boxes = dataset.has_sample_field(fields.boxes) and dataset.count(f"{fields.boxes}.detections") > 0
    prompts = {"box_prompt_field": fields.boxes} if has_boxes else {"point_prompt_field": CLICKS.format(strategy)}
    dataset.apply_model(model, label_field=made, **prompts, progress=False)
    if dataset.count(made) < len(dataset):
        raise RuntimeError(f"FiftyOne's apply_model left pictures without masks for {strategy}.")


def ultralytics_loop(sam2, paths: Sequence[str], boxes: Sequence[np.ndarray], device: str) -> Callable[[], None]:
    """Ultralytics' own SAM 2 on one picture after the other.

    Raises:
        Exception: whatever stops it from loading the same weights
    """
    import torch
    from ultralytics import SAM

    from benchmarks.weights import draw_people

    model = SAM(sam2.model)
    ours, theirs = sam2.segmenter.model.state_dict(), model.model.state_dict()
    if set(ours) != set(theirs) or any(not torch.equal(ours[key].cpu(), theirs[key].cpu()) for key in ours):
        raise ValueError("its tensors are not the checkpoint's")
    if sam2.random:
        draw_people(model.model)

    def run() -> None:
        for path, of_picture in zip(paths, boxes, strict=True):
            model.predict(str(Path(path)), bboxes=of_picture.tolist(), device=device, verbose=False)

    return run


def as_tables(about: str, times, missing, pictures: int, left_out: int, device: str):
    """Seven strategies, and one."""
    from prompting.analysis.tables import Table

    def rows(names: Sequence[str], reference: str):
        for name in names:
            if name in missing:
                yield name, "", "", missing[name]
                continue
            each = timing.Spread.of([seconds / pictures for seconds in times[name]])
            yield name, str(each), str(timing.ratio(times, name, reference)), DOES[name]

    note = (
        f"{about}, float32, {pictures} pictures ({left_out} more left out, for a strategy found nothing there) on"
        f" {device}; medians (lowest–highest) of {len(times[LOOP])} interleaved rounds."
    )
    return [
        Table(
            "Seven strategies",
            note,
            ("", "s/image", "times the plugin", "what it does"),
            tuple(rows((SEVEN, SEVEN_CALLS), SEVEN)),
        ),
        Table(
            "One box for each person",
            note,
            ("", "s/image", "times the loop", "what it does"),
            tuple(rows((LOOP, YOLO, BOXES, ONE_CALL, ULTRALYTICS), LOOP)),
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
