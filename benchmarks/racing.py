"""What a race saves, and how often it is wrong: the pictures of a study that ran to its end, in many other orders.

python -m benchmarks.study --images FOLDER --labels COCO.json --keep study.json
python -m benchmarks.racing study.json [--orders 200] [--honest]

More pictures than there are are drawn from them again, with replacement: others of the same kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from prompting.analysis.racing import ERROR_RATE, EVERY, WORTH, Race
from prompting.analysis.study import Study
from prompting.prompts.strategies import strategy_of


def main() -> None:
    """A row for each number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="what benchmarks.study kept")
    parser.add_argument("--orders", type=int, default=200, help="of the pictures")
    parser.add_argument("--pictures", type=int, nargs="*", help="how many; by default as many as there are")
    parser.add_argument("--error-rate", type=float, default=ERROR_RATE)
    parser.add_argument("--worth", type=float, default=WORTH)
    parser.add_argument("--honest", action="store_true", help="how much study.honest tells too much of a race")
    args = parser.parse_args()
    study = Study.from_dict(json.loads(args.study.read_text()))
    prices = np.array([1 + strategy_of(name).rounds for name in study.names])
    if args.honest:
        print_what_is_told_too_much(study, prices, args)
        return
    print(f"{len(study.names)} strategies, {args.orders} orders, error rate {args.error_rate}, worth {args.worth}")
    print("| pictures | scores made | decoder calls | best lost | a price's best lost | most lost | left |")
    print("|---------:|------------:|--------------:|----------:|--------------------:|----------:|-----:|")
    for count in args.pictures or [len(study.files)]:
        orders = range(args.orders)
        races = [raced(study, prices, count, args.error_rate, args.worth, seed) for seed in orders]
        made, calls, lost, any_lost, most, left = np.array(races).T
        print(f"| {count} | {made.mean():.2f} | {calls.mean():.2f} | {lost.mean():.3f} | {any_lost.mean():.3f}"
              f" | {most.max():.3f} | {left.mean():.1f} |", flush=True)  # fmt: skip


def print_what_is_told_too_much(study: Study, prices: np.ndarray, args: argparse.Namespace) -> None:
    """By how much the winner's scores are above what it has on all pictures, of which those that are seen are drawn."""
    equal = study.ious - study.ious.mean(axis=1, keepdims=True) + study.ious.mean()
    for what, truth in (("as they are", study.ious), ("all equal in truth", equal)):
        rows = [_too_much(study, truth, prices, args.error_rate, args.worth, seed) for seed in range(args.orders)]
        whole, race, winner = np.array(rows).mean(axis=0)
        print(f"{what}: honest {whole:+.4f}, of a race {race:+.4f}; the winner's own mean {winner:+.4f}")


def _too_much(study: Study, truth: np.ndarray, prices: np.ndarray, error_rate: float, worth: float, seed: int):
    means, count = truth.mean(axis=1), truth.shape[1]
    scores = truth[:, np.random.default_rng(seed).integers(0, count, count)]
    luck = (scores.mean(axis=1) - means).mean()  # of the pictures, whoever is scored on them
    race, made = Race(prices, count, error_rate, worth), scores.copy()
    for seen in range(EVERY, count, EVERY):
        if seen >= race.next_look:
            race.look(scores[:, :seen])
            made[[i for i in range(len(scores)) if i not in race.running], seen:] = np.nan
    found = []
    for ious in (scores, made):
        one = replace(study, ious=ious, worth=worth)
        true = sum(means[study.names.index(name)] * folds for name, folds in one.honest.chosen.items())
        found.append(one.honest.mean - true / sum(one.honest.chosen.values()) - luck)
    first = one.finalists[0]
    return *found, one.means[first] - means[first] - luck


def raced(study: Study, prices: np.ndarray, count: int, error_rate: float, worth: float, seed: int) -> tuple:
    """One race: shares of the scores and calls that were made, whether the best was lost, and who is left."""
    rng, there = np.random.default_rng(seed), len(study.files)
    order = rng.permutation(there) if count == there else rng.integers(0, there, count)
    scores, calls, means = study.ious[:, order], study.calls[:, order], study.ious[:, order].mean(axis=1)
    race, made = Race(prices, count, error_rate, worth), np.zeros(scores.shape, bool)
    for begin in range(0, count, EVERY):
        made[race.running, begin : begin + EVERY] = True
        if begin + EVERY >= race.next_look:
            race.look(scores[:, : begin + EVERY])
    losses = [_loss(means, prices, race.running, price) for price in np.unique(prices)]
    at_best = _loss(means, prices, race.running, prices[means.argmax()])
    lost = at_best > worth, max(losses) > worth, max(losses)
    return made.mean(), calls[made].sum() / calls.sum(), *lost, len(race.running)


def _loss(means: np.ndarray, prices: np.ndarray, left: list[int], price: float) -> float:
    """How much better the best that costs no more than this is than the best of those that are left."""
    affordable = [i for i in left if prices[i] <= price]
    return means[prices <= price].max() - means[affordable].max() if affordable else 1.0


if __name__ == "__main__":
    sys.exit(main())
