"""Does anything get lost when a dataset is used for a long time, carelessly?

    python -m benchmarks.soak [--minutes 10] [--browser] [--seed 0]

Does one thing after another to a dataset, drawn at random: apply strategies to some samples, evaluate, explain, measure
agreement, delete a strategy's fields, rename a person's own field. A third of the runs is killed (SIGKILL) at a random
moment; with --browser, the App shows the dataset all the while. After each step every sample is looked at: what a
person had put there has to be as it was, and a strategy's fields untouched or what an uninterrupted run makes of them.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks import data
from benchmarks.kills import compare, contents, without_ids

STRATEGIES = ("field_box", "field_points", "yolo_box", "clip_box_points")
OWN, RENAMED = "note", "remark"
KILLED, LONGEST_SECONDS = 0.35, 4.0
REFUSED = 3


def main() -> int:
    """Work until the time is over, and print what was done and what was lost; the exit status is 1 for a loss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--browser", action="store_true", help="have the App open in Chromium")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--browse", metavar="DATASET", help=argparse.SUPPRESS)
    args = parser.parse_args()
    data.prepare()
    if args.browse:
        return browse(args.browse)
    import cv2
    import torch

    # children are forked, for starting Python and loading the models takes longer than a run: no threads before that
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    warnings.filterwarnings("ignore", "MongoClient opened before fork")
    subject, wanted = prepare()
    browser = open_browser(subject.name) if args.browser else None
    try:
        happened, problems = work(subject, wanted, random.Random(args.seed), time.monotonic() + 60 * args.minutes)
    finally:
        pages = close_browser(browser)
        subject.delete()
    for what, count in sorted(happened.items()):
        print(f"{what}: {count}")
    if pages:
        print(pages)
    print(f"{len(problems)} samples lost, broken or different" + "".join(f"\n- {p}" for p in problems[:20]))
    return 1 if problems else 0


def prepare():
    """A dataset with things of a person's own, and what each strategy has to make of it."""
    from demo.dataset import make_dataset
    from prompting.runs.assembly import build_runner, resolved

    build_runner(resolved(plan(STRATEGIES, "skip")))  # loads the models once for all children
    subject = make_dataset(f"soak-{os.getpid()}", Path(tempfile.mkdtemp(prefix="sam2-prompting-photographs-")))
    subject.set_values("tags", [["day"], ["team"], [], ["old"], ["cat"], []])
    subject.set_values(OWN, [f"note {i}" for i in range(len(subject))])
    subject.persistent = True  # other processes open it
    reference = subject.clone()
    for strategy in STRATEGIES:
        in_child(lambda name=strategy: drain_apply(reference, plan([name], "skip")))
    wanted = {strategy: contents(reference, [strategy]) for strategy in STRATEGIES}
    reference.delete()
    return subject, wanted


def plan(strategies, existing: str):
    """What a run is asked for."""
    from prompting.plan import Plan

    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
    return Plan(strategies=tuple(strategies), prompt_field="ground_truth", existing=existing, **models)


def work(subject, wanted: dict, rng: random.Random, end: float) -> tuple[Counter, list[str]]:
    """Random steps until a time; how often what happened, and what was wrong afterwards."""
    happened, problems, mine = Counter(), [], own(subject)
    while time.monotonic() < end:
        name, step = draw(subject, rng)
        after = rng.uniform(0.05, LONGEST_SECONDS) if rng.random() < KILLED else None
        outcome = in_child(step, after)
        happened[f"{name}: {outcome}"] += 1
        subject.reload()
        wrong = [f"after {name}: a person's own data changed"] if own(subject) != mine else []
        for strategy in STRATEGIES:
            pairs = zip(contents(subject, [strategy]), wanted[strategy], strict=True)
            wrong += [f"after {name}: sample {i}, {what}" for i, pair in enumerate(pairs) for what in compare(*pair)]
        if outcome.startswith("failed"):
            wrong.append(f"{name} failed")
        problems += wrong
    return happened, problems


def draw(subject, rng: random.Random):
    """One step: its name, and what does it."""
    from prompting.runs.agreement import measure_steps
    from prompting.runs.evaluation import evaluate_steps
    from prompting.runs.explanation import explain
    from prompting.runs.scorable import EvaluationPlan

    some = rng.sample(STRATEGIES, rng.randint(1, 2))
    view = subject.take(rng.randint(1, 6), seed=rng.randrange(1000))
    existing, one = rng.choice(("skip", "overwrite")), rng.choice(STRATEGIES)
    steps = {
        "apply": lambda: drain_apply(view, plan(some, existing)),
        "evaluate": lambda: drain(evaluate_steps(having(subject, one), EvaluationPlan("ground_truth", [one]))),
        "explain": lambda: drain(explain(subject, [one])),
        "agreement": lambda: drain(measure_steps(subject)),
        "delete a strategy's fields": lambda: forget(subject, one),
        "rename a field": lambda: rename(subject),
    }
    name = rng.choices(list(steps), weights=(6, 2, 2, 1, 1, 1))[0]
    return name, steps[name]


def having(dataset, strategy: str):
    """The samples with a strategy's results."""
    from prompting.dataset.names import StrategyFields
    from prompting.dataset.storage import has_result

    fields = StrategyFields.of("sam2", strategy)
    return dataset.match(has_result(fields)) if dataset.has_sample_field(fields.status) else dataset.limit(0)


def drain(steps) -> None:
    """Do all of it."""
    for _ in steps:
        pass


def drain_apply(samples, asked) -> None:
    """Apply strategies."""
    from prompting.runs.application import apply

    drain(apply(samples, asked))


def forget(dataset, strategy: str) -> None:
    """Delete what a strategy wrote, as people do."""
    from prompting.dataset.names import StrategyFields

    dataset.delete_sample_fields(
        [f for f in StrategyFields.of("sam2", strategy).types() if dataset.has_sample_field(f)]
    )


def rename(dataset) -> None:
    """A person's own field gets its other name."""
    there, other = (OWN, RENAMED) if dataset.has_sample_field(OWN) else (RENAMED, OWN)
    dataset.rename_sample_field(there, other)


def own(dataset) -> list:
    """What a person had put there."""
    name = OWN if dataset.has_sample_field(OWN) else RENAMED
    labels = [repr(without_ids(label.to_dict())) for label in dataset.values("ground_truth")]
    return [*zip(*dataset.values(["id", "filepath", "tags", name]), labels, strict=True)]


def in_child(step, after: float | None = None) -> str:
    """Do a step in a child process, killed after so many seconds if it still runs; how it ended."""
    pid = os.fork()
    if pid == 0:
        from prompting.errors import PromptingError

        try:
            step()
            os._exit(0)
        except PromptingError:
            os._exit(REFUSED)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    if after is not None:
        time.sleep(after)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {0: "done", REFUSED: "refused", -signal.SIGKILL: "killed"}.get(status, "failed")


def open_browser(name: str) -> subprocess.Popen:
    """The App in another process."""
    command = [sys.executable, "-m", "benchmarks.soak", "--browse", name]
    return subprocess.Popen(command, cwd=data.ROOT, stdout=subprocess.PIPE, text=True)


def close_browser(browser: subprocess.Popen | None) -> str:
    """End it; what it saw."""
    if browser is None:
        return ""
    browser.terminate()
    return browser.communicate(timeout=120)[0].strip()


def browse(name: str) -> int:
    """Open the dataset's grid and panel again and again until told to stop."""
    from demo.browser import chromium, open_dataset, open_strategies, served_app

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    pages = faults = 0
    with chromium() as browser, served_app() as port:
        while not stop:
            try:
                open_strategies(open_dataset(browser, port, name))
                pages += 1
            except Exception as error:
                if not stop:
                    faults += 1
                    print(f"the App: {str(error).splitlines()[0]}", flush=True)
            for context in browser.contexts:
                context.close()
    print(f"the App's grid and panel opened: {pages}, not opened: {faults}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
