"""A rule is recommended where it gains more than chance, and the simpler one where it doesn't."""

import numpy as np
import pytest

from prompting.final.trial import Trial

RNG = np.random.default_rng(0)
BASE = RNG.random(80) * 0.5


def trial(rule: str, **gains: float) -> Trial:
    ious = {name: np.clip(BASE + gain + RNG.normal(0, 0.02, 80), 0, 1) for name, gain in gains.items()}
    return Trial(ious, BASE + 0.3, rule)


def test_a_rule_that_gains_is_recommended_and_its_gain_is_told_with_an_interval():
    told = trial("learned", one=0, cascade=0.05, union=0.05, learned=0.1)
    assert told.recommended == "learned"
    mean, (low, high) = told.gain("learned", "one")
    assert low < mean < high and mean == pytest.approx(0.1, abs=0.01)
    assert "'learned' is the rule to take" in told.verdict() and "gains +0.0" in told.verdict()


def test_where_the_gain_is_not_more_than_chance_the_simple_rule_is_recommended():
    told = trial("learned", one=0, cascade=0.05, union=0.0, learned=0.0501)
    assert told.recommended == "cascade"
    assert told.verdict().startswith("Take the simpler rule 'cascade'") and "may be chance" in told.verdict()
    assert "better by more than chance" in trial("one", one=0, cascade=0.05, union=0, learned=0.05).verdict()


def test_the_table_has_every_rule_and_the_ceiling_and_comes_back_from_the_dataset():
    told = trial("union", one=0, cascade=0.05, union=0.06, learned=0.06)
    rows = {row[0]: row for row in told.table().rows}
    assert list(rows) == ["one", "cascade", "union", "learned", "best strategy by the truth"]
    assert rows["one"][3] == "" and rows["union"][3].startswith("+0.0")
    again = Trial.from_dict(told.to_dict())
    assert again.table() == told.table() or str(again)[:200] == str(told)[:200]


def test_a_rule_that_loses_by_more_than_chance_is_told_to_lose():
    told = trial("union", one=0, cascade=0, union=-0.1, learned=0)
    assert told.verdict().startswith("Take the simpler rule 'one'") and "more than chance" in told.verdict()
    assert "may be" not in told.verdict()


def test_few_pictures_recommend_no_rule_but_the_simplest():
    ious = {name: values[:19] for name, values in trial("one", one=0, cascade=0.2, union=0, learned=0).ious.items()}
    told = Trial(ious, BASE[:19], "cascade")
    assert told.recommended == "one"
    assert told.verdict() == "19 labelled pictures don't tell rules apart, 20 may: take the simplest, 'one'."


@pytest.mark.parametrize("labelled", [20, 40])
def test_a_rule_that_is_no_better_is_seldom_recommended(labelled):
    """It gains a little on most pictures, loses much on few, and of these a draw may have none."""
    wrong, rng = 0, np.random.default_rng(3)
    for _ in range(300):
        one = rng.beta(6, 2, labelled)
        gains = [np.where(rng.random(labelled) < often, -0.5, 0.5 * often / (1 - often)) for often in (0.02, 0.05, 0.1)]
        ious = {"one": one, **{rule: one + gain for rule, gain in zip(("cascade", "union", "learned"), gains)}}
        wrong += Trial(ious, one, "one").recommended != "one"
    assert wrong / 300 <= 0.05
