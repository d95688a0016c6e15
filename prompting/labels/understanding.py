"""From a survey of a field's masks to their encoding: what they mean, or in one sentence why that can't be told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import PromptingError
from ..spelling import same_name
from .encoding import FULL_OF, Encoding, unit_or_byte
from .problems import NO_PIXELS, NOISY, SOFT, MaskProblem
from .survey import Survey
from .targets import Targets, listed


def understand(
    survey: Survey,
    field_name: str,
    classes: Sequence[str],
    targets: Targets,
    ignore_values: Sequence[int] | None = None,
    all_seen: bool = True,
) -> Encoding:
    """How the masks that were looked at are encoded.

    Args:
        survey: of all masks of a Segmentation field
        field_name: for what is said
        classes: that are wanted
        targets: of the field; without any, class i is i + 1, and a single class is every value but 0
        ignore_values: the values that count for nothing, instead of those that are called so, 255 that no target names
            (unless it is the only value besides 0), and values below 0
        all_seen: the survey is of all masks; of a few, nothing is refused that others might explain

    Returns:
        the encoding

    Raises:
        PromptingError: masks that can't be read, or that mean nothing with these mask targets
    """
    found = targets.values_of(field_name, classes) if targets.names else {}
    survey.refuse(field_name, but=(NO_PIXELS,))
    wanted = {same_name(name) for name in classes}
    others = {same_name(n) for v, n in targets.names.items() if v and v not in targets.void} - wanted
    single = len(classes) == 1 and not others and not targets.colours
    if survey.soft.count:
        return _soft(survey, field_name, single and not targets.void)
    if single and not targets.void and ignore_values is None and _is_noisy(survey):
        return Encoding(threshold=127.5)
    ignored = tuple(targets.void)
    present = {value for value in survey.pixels if value}
    named = set(targets.names) - {0}
    if ignore_values is not None:
        ignored = tuple(ignore_values)
        own = next((name for name, values in found.items() if set(values) <= set(ignored)), None)
        if own:
            raise PromptingError(
                f"ignore_values has {listed(found[own], targets.colours)}, which is {own!r} in {field_name!r}, so that"
                " nothing of it would count; name other values.",
                "ignore_values",
            )
    elif not targets.colours:
        ignored += tuple(sorted(value for value in present if value < 0 and value not in named))
        full = [v for v in FULL_OF.values() if v in present - named]
        rest = (present | survey.beside) - set(ignored) - set(full)
        if full and rest:
            if any(value > 255 for value in rest):
                full = [v for v in full if v > 255]  # 255 is a class among thousands
            if all_seen:
                _refuse_mixture(survey, field_name, full, rest)
            ignored += tuple(full)
        elif full and single and found:
            found = {name: (*values, *full) for name, values in found.items()}
            named |= set(full)
    known = named | (set() if found or single else set(range(1, len(classes) + 1)))
    if not found and not single:
        found = {name: (i + 1,) for i, name in enumerate(classes)}
    unnamed = present - set(ignored) - known if found else set()
    if (
        survey.lossy.count
        and present
        and (all_seen or not single)
        and (unnamed or not single or len(present - set(ignored)) > 1)
    ):
        survey.problems[NOISY] = survey.lossy
        survey.refuse(field_name)
    if unnamed and not present & known and all_seen:
        raise PromptingError(
            f"The masks of {field_name!r} have the values {listed(unnamed, targets.colours)} besides 0, and"
            + (" its mask targets name none of them" if targets.names else f" {len(classes)} classes need 1, 2, …")
            + f"; set dataset.mask_targets[{field_name!r}], or name what is void with ignore_values."
        )
    return Encoding(found, ignored, tuple(targets.names), targets.colours)


def _soft(survey: Survey, field_name: str, single: bool) -> Encoding:
    exact = {value for value in survey.pixels if value}
    try:
        full = unit_or_byte(*survey.range)
    except MaskProblem:
        full = 0
    if not single or not full or not exact <= set(range(256)) or (full == 1 and not exact <= {1, 255}):
        survey.problems[SOFT] = survey.soft
        survey.refuse(field_name)
    return Encoding(threshold=full / 2)


def _is_noisy(survey: Survey) -> bool:
    """Whether the values are two clusters, around 0 and around 255, with noise: compressed, or smoothed at outlines."""
    between = {value for value in survey.pixels if value not in (0, 255)}
    if len(between) < 3 or min(between) < 0 or max(between) > 255 or min(between) > 127 or max(between) < 128:
        return False
    mass = np.zeros(256)
    for value, count in survey.pixels.items():
        mass[value] = count
    middle, near = mass[51:205].sum(), mass[1:51].sum() + mass[205:].sum()
    high = sum(value >= 205 for value in between)
    clear = high >= 3 or mass[255] >= 0.8 * mass[1:].sum()
    return bool(mass[205:].sum() and middle <= 0.2 * (middle + near) and clear)


def _refuse_mixture(survey: Survey, field_name: str, full: Sequence[int], rest: set[int]) -> None:
    """255 as void stands beside values in a mask; in masks of its own it may be the foreground in other masks."""
    for value in full:
        if not survey.together[value] and survey.alone[value] and sum(survey.alone[v] for v in rest):
            raise PromptingError(
                f"{survey.alone[value]} of {survey.masks} masks of {field_name!r} hold {value} and 0 alone, and others"
                f" {listed(rest)}: whether {value} is void or the class can't be told; set"
                f" dataset.mask_targets[{field_name!r}], or pass ignore_values."
            )
