"""From a comparison to finished labels: what each rule reaches, whether what is promised holds, what to label.

python -m benchmarks.finish [--images FOLDER --labels COCO.json] [--own yolo:box@3 …]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from benchmarks import data, recommending

BUILT_IN = (
    "clip_point", "clip_box", "clip_points", "clip_box_neg", "clip_box_points", "clip_iterative", "yolo_box",
)  # fmt: skip
LABELLED, DRAWS, SEEDS = (10, 20, 40), 200, 50


def main() -> None:
    """Print the rules' table, over the built-in strategies and with own ones, and the simulations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--own", nargs="*", default=["yolo:box@3"], help="strategies besides the built-in ones")
    args = parser.parse_args()
    data.prepare()
    import fiftyone.operators as foo

    from prompting.prompts.strategies import strategy_of

    dataset = data.load(args)
    apply, finish, evaluate = (
        foo.get_operator(f"@promptlab/sam2-prompting/{name}")
        for name in ("apply_strategies", "finish_labels", "evaluate_strategies")
    )
    models = {"sam2_model": "nano", "clip_model": "nano", "encoder_precision": "float32", "progress": False}
    apply(dataset, strategies=BUILT_IN, yolo_model="nano", **models)
    print(f"\n{len(dataset)} pictures; bundled models; {data.machine()}")
    asked = {"rule": "learned", "gt_field": "ground_truth", "progress": False}
    start = time.perf_counter()
    finished = finish(dataset, name="built_in", **asked)
    seconds = time.perf_counter() - start
    print(
        f"\nOver the built-in strategies:\n\n{finished.trial}\n\n{seconds / len(dataset):.2f} s a picture, all rules."
    )
    recommending.simulate(finished.trial.ious)
    if args.own:
        apply(dataset, strategies=args.own, yolo_model="yolo26n-seg.pt", **models)
        print(f"\nWith {', '.join(args.own)}:\n\n{finish(dataset, name='with_own', **asked).trial}")
    evaluate(dataset, "ground_truth", fields=[], progress=False)
    simulate_promises(dataset)
    for a, b in (("yolo_box", "clip_box_points"), *((strategy_of(one).name, "yolo_box") for one in args.own)):
        simulate_settling(dataset, a, b)


def simulate_promises(dataset) -> None:
    """Label some pictures of many draws, and see how often the interval for the mean of the others holds it."""
    from prompting.final.expectation import Expectation
    from prompting.final.learned import Learned
    from prompting.final.lessons import Lessons
    from prompting.final.promise import promise

    lessons = lessons_of(dataset, BUILT_IN)
    count, rows = len(lessons.ids), []
    best = lessons.names.index("yolo_box")
    for rule in ("one", "learned"):
        for labelled in LABELLED:
            if labelled > count - 5:
                continue
            held, widths, off, plain = 0, [], [], []
            for draw in range(DRAWS):
                order = np.random.default_rng(draw).permutation(count)
                known, rest = order[:labelled], order[labelled:]
                ids, files = (tuple(each[i] for i in known) for each in (lessons.ids, lessons.files))
                some = Lessons(lessons.names, ids, lessons.ious[known], lessons.features[known], files)
                if rule == "one":
                    taken = np.full(count, best)
                else:
                    learned = Learned.fit(some)
                    taken = np.array([learned.take(*each) for each in zip(lessons.ids, lessons.features, strict=True)])
                features, ious = lessons.features[np.arange(count), taken], lessons.ious[np.arange(count), taken]
                expectation = Expectation.fit(features[known], ious[known], files)
                told = promise(ious[known], expectation.held_out, expectation.of(features[rest]))
                truth = ious[rest].mean()
                held += told.low <= truth <= told.high
                widths.append(told.high - told.low)
                off.append(abs(told.mean - truth))
                plain.append(abs(ious[known].mean() - truth))
            rows.append(f"| {rule} | {labelled} | {held / DRAWS:.3f} | {np.mean(widths):.3f} | {np.mean(off):.3f} |"
                        f" {np.mean(plain):.3f} |")  # fmt: skip
    print(f"\nWhat is promised of the others, {DRAWS} draws of the labelled pictures:\n")
    print("| rule | labelled | 95 % interval holds | its width | mean is off by | labelled ones' mean is off by |")
    print("|---|---:|---:|---:|---:|---:|\n" + "\n".join(rows))


def simulate_settling(dataset, a: str, b: str) -> None:
    """How many pictures settle that one strategy is better: drawn at random, and in the order of ``label_next``."""
    import fiftyone.operators as foo

    from prompting.dataset.next_labels import load_order
    from prompting.final.enough import enough
    from prompting.final.folds import by_lot
    from prompting.final.settling import Draw, settle

    label_next = foo.get_operator("@promptlab/sam2-prompting/label_next")
    label_next(dataset, "settle", a=a, b=b, count=1, progress=False)
    draw = load_order(dataset).draw
    ids, ours, theirs = dataset.values(["id", f"sam2_eval_{a}_iou", f"sam2_eval_{b}_iou"])
    difference = {one: x - y for one, x, y in zip(ids, ours, theirs, strict=True)}
    true, numbers = float(np.mean(list(difference.values()))), {"ranked": [], "random": []}
    held, wrong = dict.fromkeys(numbers, 0), dict.fromkeys(numbers, 0)
    for seed in range(SEEDS):
        again = Draw.of(draw.ids, draw.distances, seed)
        random = np.random.default_rng(seed).permutation(ids)
        told = {
            "ranked": lambda n: settle(a, b, again, {}, {one: difference[one] for one in again.ids[:n]}),  # noqa: B023
            # as of labels of which nobody knows which came first
            "random": lambda n: enough(a, b, [difference[one] for one in by_lot(random[:n], seed)], len(ids)),  # noqa: B023
        }
        for how, tell in told.items():
            count, said = first_settled(tell, len(ids))
            numbers[how].append(count)
            wrong[how] += said is not None and (said.better == a) != (true > 0)
            at = tell(min(20, len(ids)))
            low, high = (at.low, at.high) if at.better == a else (-at.high, -at.low)
            held[how] += low - 1e-9 <= true <= high + 1e-9
    print(f"\n{a} against {b}: {true:+.3f} over all {len(ids)} pictures; labelled pictures after which it is settled:")
    for how, many in numbers.items():
        low, middle, high = np.percentile(many, [25, 50, 75])
        print(f"  {how}: {middle:.0f} (half of {SEEDS} seeds: {low:.0f} to {high:.0f}); the wrong one in {wrong[how]};"
              f" intervals after 20 hold {held[how] / SEEDS:.2f}")  # fmt: skip


def first_settled(tell, most: int):
    """After how many labelled pictures who asks after each is told that it is settled, and what; None: not before all
    are labelled."""
    for count in range(2, most):
        told = tell(count)
        if told is not None and told.settled:
            return count, told
    return most, None


def lessons_of(dataset, names: Sequence[str]):
    """What the strategies made of each picture."""
    from prompting.dataset.lock import Hold
    from prompting.runs.crew import HERE
    from prompting.runs.lessons import look
    from prompting.steps import ended

    hold = Hold("alone", "alone")
    with HERE.crew(dataset, hold) as crew:
        return ended(look(dataset, names, "ground_truth", "sam2", crew, hold))[0]


if __name__ == "__main__":
    sys.exit(main())
