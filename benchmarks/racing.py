"""What a race saves, and how often it is wrong: the pictures of a study that ran to its end, in many other orders.

python -m benchmarks.study --images FOLDER --labels COCO.json --keep study.json
python -m benchmarks.racing study.json [--orders 200]

More pictures than there are are drawn from them again, with replacement: others of the same kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from prompting.analysis.racing import EVERY, Race
from prompting.analysis.study import Study
from prompting.prompts.strategies import strategy_of

RACES = ((0.05, 0.005), (0.05, 0.01), (0.2, 0.005), (0.2, 0.01))
"""Error rates, and what a difference is worth."""


def main() -> None:
    """A line for each number of pictures, error rate and worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="what benchmarks.study kept")
    parser.add_argument("--orders", type=int, default=200, help="of the pictures")
    parser.add_argument(
        "--pictures", type=int, nargs="*", help="how many; by default the study's, twice and four times"
    )
    args = parser.parse_args()
    study = Study.from_dict(json.loads(args.study.read_text()))
    prices = np.array([1 + strategy_of(name).rounds for name in study.names])
    print("pictures, error rate, worth: scores made, decoder calls, best lost, lost at any price, most lost, left")
    for count in args.pictures or [len(study.files) * k for k in (1, 2, 4)]:
        for error_rate, worth in RACES:
            races = [raced(study, prices, count, error_rate, worth, seed) for seed in range(args.orders)]
            made, calls, lost, lost_anywhere, most, left = np.array(races).T
            print(
                f"{count:5d}  {error_rate:.2f}  {worth:.3f}   {made.mean():.3f}  {calls.mean():.3f}  {lost.mean():.3f}"
                f"  {lost_anywhere.mean():.3f}  {most.max():.4f}  {left.mean():.1f}",
                flush=True,
            )


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
