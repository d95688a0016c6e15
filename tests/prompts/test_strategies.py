"""The table of strategies, and choosing from it."""

import pytest

from prompting.errors import PromptingError
from prompting.prompts.strategies import AUTOMATIC, BASELINE, STRATEGIES, strategies_named
from prompting.runs.assembly import PRIORS


def test_baseline_is_the_first_and_needs_nothing_of_the_dataset():
    assert next(iter(STRATEGIES)) == BASELINE
    assert BASELINE in AUTOMATIC


def test_automatic_strategies_are_all_that_need_no_field():
    assert set(STRATEGIES) - set(AUTOMATIC) == {"field_box", "field_point", "field_points"}


def test_name_begins_with_its_prior():
    for name, strategy in STRATEGIES.items():
        assert strategy.name == name
        assert strategy.prior in PRIORS
        assert name.startswith(f"{strategy.prior}_")
        assert strategy.description


def test_only_the_iterative_strategy_corrects_itself():
    assert {name: s.rounds for name, s in STRATEGIES.items() if s.rounds} == {"clip_iterative": 3}


def test_chosen_strategies_come_once_and_in_the_tables_order():
    names = [strategy.name for strategy in strategies_named(["yolo_box", "clip_point", "yolo_box"])]
    assert names == ["clip_point", "yolo_box"]


def test_one_name_needs_no_list():
    assert [strategy.name for strategy in strategies_named("clip_box")] == ["clip_box"]


def test_unknown_name_is_told_the_known_ones():
    with pytest.raises(PromptingError, match=r"^Unknown strategy 'clip_boxes'; choose from clip_point, .*field_points"):
        strategies_named(["clip_box", "clip_boxes"])


@pytest.mark.parametrize("names", [[], None, ""])
def test_no_name_is_told_to_choose(names):
    with pytest.raises(PromptingError, match=r"at least one strategy|Unknown strategy ''"):
        strategies_named(names)
