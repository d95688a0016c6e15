"""Does a run that is killed at any moment lose or break anything?

    python -m benchmarks.kills [--kills 100] [--signal KILL] [--seed 0]

Applies strategies to a dataset in a child process, kills it (or interrupts it) at a random moment, checks every sample,
and starts again with existing="skip", again and again. Every sample has to be either as it was or complete, and in
the end all have to be what an uninterrupted run makes of them.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from benchmarks import data

STRATEGIES = ("clip_iterative", "yolo_box")
PATIENCE_SECONDS = 60


def main(arguments: list[str] | None = None) -> int:
    """Kill, check, print what happened; the exit status is 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument(
        "--signal",
        choices=("KILL", "INT", "TERM"),
        nargs="+",
        default=["KILL"],
        help="INT is what Ctrl-C sends; several take turns",
    )
    parser.add_argument("--copies", type=int, default=3, help="of the demo's six photographs")
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--files", action="store_true", help="masks go into files, which are checked too")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    data.prepare()
    import cv2
    import torch

    # children are forked, for starting Python and loading the models takes longer than a run: no threads before that
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    from demo.dataset import make_dataset
    from prompting.runs.assembly import build_runner, resolved

    warnings.filterwarnings("ignore", "MongoClient opened before fork")
    build_runner(resolved(plan(args.strategies)))  # loads the models once for all children
    folder = tempfile.mkdtemp(prefix="sam2-prompting-masks-") if args.files else None
    source = make_dataset(None, Path(tempfile.mkdtemp(prefix="sam2-prompting-photographs-")))
    for _ in range(args.copies - 1):
        source.add_samples([sample.copy() for sample in source.limit(6)])
    reference = source.clone()
    in_child(reference, args.strategies, mask_dir=folder)
    again, start = source.clone(), time.monotonic()
    in_child(again, args.strategies, mask_dir=folder)
    longest = time.monotonic() - start  # a kill may come at any moment of a run, however slow the machine is
    wanted = contents(reference, args.strategies)
    if any(fields["status"] is None for fields in wanted):
        print("The uninterrupted run left samples unfinished.")
        return 1

    if contents(again, args.strategies) != wanted:
        print("Two uninterrupted runs differ.")
        return 1

    rng, happened, problems = random.Random(args.seed), Counter(), []
    subject = source.clone()
    for number in range(args.kills):
        after, how = rng.uniform(0.05, longest), args.signal[number % len(args.signal)]
        killed = in_child(subject, args.strategies, how, after, folder)
        longest = longest if killed else min(longest, after)  # the machine was slower when the first was timed
        now = contents(subject, args.strategies)
        done = [i for i, fields in enumerate(now) if fields["status"] is not None]
        problems += [
            f"kill {number}, sample {i}: {what}" for i in range(len(now)) for what in compare(now[i], wanted[i])
        ]
        happened[f"ended by {how}" if killed else "finished before the kill"] += 1
        happened["samples found complete after a kill"] += len(done)
        if len(done) == len(now):
            happened["runs completed after kills"] += 1
            subject.delete()
            subject = source.clone()
    in_child(subject, args.strategies, mask_dir=folder)
    final = contents(subject, args.strategies)
    problems += [f"in the end, sample {i} differs" for i in range(len(final)) if final[i] != wanted[i]]
    if folder:
        problems += left_over(subject, folder)
        happened["files in the end"] = sum(1 for _ in Path(folder, str(subject._doc.id)).rglob("*.png"))
    for what, count in happened.items():
        print(f"{what}: {count}")
    print(f"{len(problems)} samples lost, broken or different" + "".join(f"\n- {p}" for p in problems[:20]))
    return 1 if problems else 0


def plan(strategies, mask_dir: str | None = None):
    """What each run is asked for."""
    from prompting.plan import Plan

    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    return Plan(strategies=tuple(strategies), prompt_field="ground_truth", existing="skip", mask_dir=mask_dir, **models)


def in_child(dataset, strategies, how: str = "KILL", after: float | None = None, mask_dir: str | None = None) -> bool:
    """Run with existing="skip" in a child process, killed after so many seconds; whether it had to be."""
    pid = os.fork()
    if pid == 0:
        try:
            from prompting.runs.application import apply

            for _ in apply(dataset, plan(strategies, mask_dir)):
                pass
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    if after is None:
        status = os.waitpid(pid, 0)[1]
        if status:
            raise RuntimeError("The uninterrupted run failed.")
        return False
    time.sleep(after)
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        if status:
            raise RuntimeError("A run failed by itself.")
        return False
    os.kill(pid, signal.Signals[f"SIG{how}"])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"The run still goes on {PATIENCE_SECONDS} s after SIG{how}.")
        time.sleep(0.02)
    return True


def contents(dataset, strategies=STRATEGIES, prefix: str = "sam2") -> list[dict]:
    """Everything that the run writes, as bytes that can be compared; labels' ids are random and left out."""
    from prompting.dataset.names import StrategyFields

    dataset.reload()
    samples = []
    for sample in dataset.iter_samples():
        fields = {}
        for strategy in strategies:
            of = StrategyFields.of(prefix, strategy)
            for name in of.types():
                value = sample[name] if sample.has_field(name) else None
                fields[name] = repr(without_ids(in_itself(value).to_dict())) if hasattr(value, "to_dict") else value
        scores = [fields.pop(StrategyFields.of(prefix, strategy).score) for strategy in strategies]
        statuses = [fields[StrategyFields.of(prefix, strategy).status] for strategy in strategies]
        known = repr(scores) if any(score is not None for score in scores) else None
        samples.append({**fields, "scores": known, "status": None if None in statuses else "done"})
    return samples


def in_itself(value):
    """A label with the masks that it has in files, as it would have them in the database."""
    for part in getattr(value, "detections", None) or [value]:
        if getattr(part, "mask_path", None):
            mask = part.get_mask()
            part.mask, part.mask_path = mask if part is value else mask.astype(bool), None
    return value


def left_over(dataset, folder: str) -> list[str]:
    """Files that no document names."""
    from prompting.dataset.mask_files import paths_in

    named = {path for sample in dataset._sample_collection.find() for path in paths_in(sample)}
    there = map(str, Path(folder, str(dataset._doc.id)).rglob("*.p*"))
    return [f"{path} is named by nothing" for path in there if Path(path).is_file() and path not in named]


def without_ids(value):
    """A label without its id and those of its parts."""
    if isinstance(value, dict):
        return {key: without_ids(part) for key, part in value.items() if key != "_id"}
    return [without_ids(part) for part in value] if isinstance(value, list) else value


def compare(now: dict, wanted: dict) -> list[str]:
    """What is wrong with a sample: it has to be untouched, or as it should be in the end."""
    if now == wanted:
        return []
    touched = [name for name, value in now.items() if value is not None]
    return [f"{', '.join(touched)} written, and not as it should be"] if touched else []


if __name__ == "__main__":
    sys.exit(main())
