"""How often a rule is recommended that is no better: where all are equal, and where another is.

python -m benchmarks.recommending [--seed 0]

The rules differ as those of people do: not at all on most pictures, by little on some and by much on few.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np

from prompting.analysis.statistics import mean_interval
from prompting.final.trial import Trial

LABELLED, DRAWS, PICTURES = (8, 10, 20, 40, 80), 400, 2000


def main() -> None:
    """Print the rates for rules that are made up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    simulate(made_up(np.random.default_rng(parser.parse_args().seed)))


def made_up(rng: np.random.Generator, count: int = PICTURES) -> dict[str, np.ndarray]:
    """(N,) IoU of each rule on pictures of nobody's."""
    one = np.where(rng.random(count) < 0.15, 0.1, rng.beta(6, 2, count))
    differ = {
        "cascade": (0.03, 0.0),
        "union": (0.1, 0.01),
        "learned": (0.05, 0.01),
    }  # how often by much, and little else
    ious = {"one": one}
    for rule, (often, little) in differ.items():
        much = np.where(rng.random(count) < often, rng.uniform(-0.8, 0.3, count), 0)
        ious[rule] = one + much + rng.normal(little, little, count)
    return ious


def simulate(ious: Mapping[str, np.ndarray], draws: int = DRAWS) -> dict[int, float]:
    """Draw labelled pictures of a population in which all rules are as good as the simplest, and ask what to take.

    Args:
        ious: rule -> (N,); what they gain on average is taken off

    Returns:
        labelled pictures -> the share of draws in which another rule than the simplest is recommended
    """
    equal = {rule: values - values.mean() + ious["one"].mean() for rule, values in ious.items()}
    print("\n| labelled | another rule is recommended, all are equal | by percentile bootstraps, as until now |")
    print("|---:|---:|---:|")
    rates = {}
    for labelled in LABELLED:
        drawn = [np.random.default_rng(seed).integers(0, len(equal["one"]), labelled) for seed in range(draws)]
        trials = [Trial({rule: values[i] for rule, values in equal.items()}, equal["one"][i], "one") for i in drawn]
        rates[labelled] = float(np.mean([trial.recommended != "one" for trial in trials]))
        print(
            f"| {labelled} | {rates[labelled]:.3f} | {np.mean([_before(trial) for trial in trials]):.3f} |", flush=True
        )
    return rates


def _before(trial: Trial) -> bool:
    """Whether the interval of any gain over the simplest leaves zero aside."""
    gains = [trial.ious[rule] - trial.ious["one"] for rule in trial.ious if rule != "one"]
    return any(mean_interval(gain)[0] > 0 for gain in gains)


if __name__ == "__main__":
    main()
