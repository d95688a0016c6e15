"""Slices: any field's values make groups that a person can read."""

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.analysis.slices import slices_of

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=60), st.dates())


def labels(values, **options) -> list[str]:
    return [group.label for group in slices_of(values, **options)]


def rows(values, **options) -> dict[str, list[int]]:
    return {group.label: group.rows.tolist() for group in slices_of(values, **options)}


def test_words_are_groups_the_most_frequent_first():
    assert rows(["dog", "cat", "dog", "ant"]) == {"dog": [0, 2], "ant": [3], "cat": [1]}


def test_rare_words_share_the_last_group():
    values = ["a"] * 3 + ["b"] * 2 + ["c", "d", "e"]
    assert rows(values, most=3) == {"a": [0, 1, 2], "b": [3, 4], "other (3 values)": [5, 6, 7]}


def test_as_many_words_as_allowed_need_no_other():
    assert labels(["a", "b", "c"], most=3) == ["a", "b", "c"]


def test_booleans_are_not_numbers():
    assert rows([True, False, True, np.True_]) == {"True": [0, 2, 3], "False": [1]}


def test_few_whole_numbers_stand_by_themselves_in_order():
    assert rows([10, 2, 10, 1]) == {"1": [3], "2": [1], "10": [0, 2]}
    assert labels(np.array([2.0, 1.0])) == ["1", "2"]


def test_many_numbers_are_quartiles_of_equal_size():
    values = np.random.default_rng(0).permutation(100) / 1000
    groups = slices_of(values)
    assert [len(group.rows) for group in groups] == [25] * 4
    assert [group.label for group in groups] == ["0 – 0.024", "0.025 – 0.049", "0.05 – 0.074", "0.075 – 0.099"]
    assert (values[groups[0].rows] <= 0.024).all()


def test_repeated_numbers_are_never_torn_apart():
    values = [0] * 60 + list(range(1, 41))
    assert rows(values)["0"] == list(range(60))
    assert labels(values) == ["0", "1 – 15", "16 – 40"]


def test_range_is_written_with_as_many_digits_as_it_needs():
    assert labels([0.50001, 0.50002, 0.50003, 0.50004]) == ["0.50001", "0.50002", "0.50003", "0.50004"]


def test_large_numbers_are_written_out():
    assert labels([1234.56, 98765.4, 1e7, 2.5e-3])[1] == "1230"


def test_tags_put_a_sample_into_several_groups():
    assert rows([["day", "rain"], [], ["day", "day"], None]) == {"day": [0, 2], "rain": [0], "none": [1, 3]}


def test_lists_of_numbers_are_grouped_by_their_members():
    values = [[i / 100, 0.99] for i in range(20)]
    groups = slices_of(values)
    assert len(groups[-1].rows) == 20
    assert len(groups[0].rows) == 10


def test_missing_values_come_last():
    assert rows([None, float("nan"), 3, np.nan]) == {"3": [2], "none": [0, 1, 3]}
    assert rows([None, None]) == {"none": [0, 1]}


def test_no_samples_make_no_slices():
    assert slices_of([]) == []


def test_dates_are_in_order_and_readable():
    days = [date(2024, 1, day) for day in range(1, 13)]
    assert labels(days)[0] == "2024-01-01 – 2024-01-03"
    assert labels([datetime(2024, 1, 1, 10, 30)]) == ["2024-01-01 10:30"]


def test_long_words_lose_their_middle():
    (label,) = labels(["/photographs/of/a/very/long/folder/somewhere/picture-000123.jpg"])
    assert len(label) == 40
    assert label.startswith("/photographs") and label.endswith("picture-000123.jpg")


@given(st.lists(st.one_of(ANYTHING, st.lists(ANYTHING, max_size=3)), max_size=40), st.integers(2, 10))
def test_every_sample_is_in_a_slice_and_no_slice_is_empty(values, most):
    groups = slices_of(values, most)
    assert {row for group in groups for row in group.rows.tolist()} == set(range(len(values)))
    assert all(len(group.rows) for group in groups)
    assert len([group for group in groups if group.label != "none"]) <= max(most, 4)


@pytest.mark.parametrize("values", [["b", "a", "c", "a"], [["x"], ["y", "z"]], [0.1, 0.5, 0.3]])
def test_same_values_give_the_same_slices(values):
    first, second = slices_of(values), slices_of(list(values))
    assert [(g.label, g.rows.tolist()) for g in first] == [(g.label, g.rows.tolist()) for g in second]
