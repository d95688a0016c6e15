"""Applying what a sweep recommends, with what it was swept with."""

from __future__ import annotations

import fiftyone as fo

from .recorded_answers import answers_of


def params_for_best(dataset: fo.Dataset, prefix: str) -> dict:
    """The recommended strategy of a dataset's last sweep, in the words of ``apply_strategies``' form.

    Args:
        dataset: with a study
        prefix: under which it is kept
    """
    from ..prompting.dataset.studies import load_study, what_was_asked

    return {
        **answers_of(what_was_asked(dataset, prefix)),
        "prefix": prefix,
        "strategies": [load_study(dataset, prefix).best.name],
    }
