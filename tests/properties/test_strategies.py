"""Any strategy has one spelling and one name, and both mean it again; nothing else is a name."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from prompting.errors import PromptingError
from prompting.prompts.grammar import identifier
from prompting.prompts.strategies import STRATEGIES, find, strategy_of
from prompting.prompts.strategy import PLACES, PRIORS, PROMPTS, Strategy

MANY = settings(max_examples=200)
"""Whole strategies are quick to make."""


@st.composite
def strategies(draw) -> Strategy:
    """One of any parts that can go together."""
    prompt = draw(st.sampled_from(PROMPTS))
    parts = {"rounds": draw(st.integers(0, 5))}
    if draw(st.booleans()):
        parts["confidence"] = draw(st.integers(1, 99)) / 100
    if "box" in prompt and draw(st.booleans()):
        parts["margin"] = draw(st.integers(-20, 50))
    if "points" in prompt and draw(st.booleans()):
        parts["positives"] = draw(st.integers(1 if prompt == "points" else 0, 20))
        parts["negatives"] = draw(st.integers(0 if parts["positives"] else 1, 20))
        if parts["negatives"]:
            parts["negatives_on"] = draw(st.sampled_from(PLACES))
    return Strategy(draw(st.sampled_from(PRIORS)), prompt, **parts)


@MANY
@given(strategies())
def test_spelling_and_name_mean_the_strategy_again(strategy):
    assert Strategy.parse(strategy.spelling) == strategy_of(strategy.name) == strategy
    assert find(strategy.name) == strategy
    assert strategy.name.isidentifier() and strategy.name == strategy.name.lower()


@MANY
@given(strategies(), strategies())
def test_two_strategies_share_no_name_and_no_field(one, other):
    """A field that begins with a strategy's name and has an ending is never another strategy's mask."""
    endings = ("instances", "prompt_boxes", "positive", "negative", "rounds", "status", "score", "error")
    assert (one.name == other.name) == (one == other) == (one.spelling == other.spelling)
    assert all(find(f"{one.name}_{ending}") is None for ending in endings)


@MANY
@given(st.text(alphabet="cliyofed.:+-@0123456789pnobxts", max_size=24))
@example("yolo:box+5p3n@2")
@example("yolo.10:box05+05p@0")
def test_any_text_means_a_strategy_or_is_refused_in_a_sentence(text):
    try:
        strategy = Strategy.parse(text)
    except PromptingError as error:
        assert str(error).startswith("The strategy ") and str(error).endswith(".")
        return
    assert Strategy.parse(strategy.spelling) == strategy


@MANY
@given(st.from_regex(r"(clip|yolo|field)(_[a-z0-9]{1,6}){1,4}", fullmatch=True))
def test_any_identifier_is_one_strategys_name_or_none(name):
    strategy = find(name)
    assert strategy is None or strategy.name == name
    with suppress(PromptingError):
        if name not in STRATEGIES and strategy is not None:
            assert identifier(strategy.spelling) == name
