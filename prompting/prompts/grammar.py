"""How a strategy is spelled, in forms, calls, links and tables, and what its fields are called.

    strategy   = prior ["." digits] ":" prompt ["@" rounds]
    prior      = "clip" | "yolo" | "field" | "reference"
                                                 who finds the instances; digits: regions of less confidence are dropped
    prompt     = "point" | box | clicks | box "+" clicks
    box        = "box" [["-"] percent]           grown (-: shrunk) by so much on each side; alone: as the prior gives it
    clicks     = "points"                        the prior's own, else 5p3n
               | [count "p"] [count place]       so many spread inside, so many outside:
    place      = "n" | "o" | "b"                 in the ring around, on other instances, half and half
    rounds     = 0 to 5                          corrective clicks, where mask and region disagree

``yolo.4:box-10+5p3n@2``: YOLO's instances of a confidence of 0.4 and more; their boxes, shrunk by a tenth on each side,
with five clicks inside and three around; corrected twice. There is one spelling of a strategy, and one name: the same
parts with _ between them, ``yolo_c4_boxm10_5p3n_r2``, which begins its fields' names. Datasets outlive us: neither
changes.
"""

from __future__ import annotations

import re

from ..errors import PromptingError

PLACES = {"n": "ring", "o": "others", "b": "both"}
LETTERS = {place: letter for letter, place in PLACES.items()}
POINTS, POINT, BOX = "points", "point", "box"
PRIORS = ("clip", "yolo", "field", "reference")
_PRIOR = re.compile(rf"({'|'.join(PRIORS)})(?:\.(\d{{1,2}}))?")
_BOX = re.compile(r"box(-?\d{1,9})?")
_CLICKS = re.compile(r"(?:(\d{1,9})p)?(?:(\d{1,9})([nob]))?")
_ROUNDS = re.compile(r"\d{1,9}")
_SPREAD = r"\d+p(?:\d+[nob])?"
_NAME = re.compile(
    rf"([a-z]+)(?:_c(\d{{1,2}}))?_(point|points|box(?:m?\d+)?|{_SPREAD})(?:_(points|{_SPREAD}|\d+[nob]))?(?:_r(\d+))?"
)


def read(text: str) -> dict:
    """What a spelling says, as a :class:`~prompting.prompts.strategy.Strategy`'s parameters; numbers aren't checked.

    Raises:
        PromptingError: which part can't be read
    """
    prior, colon, prompt = text.partition(":")
    if not colon:
        raise _wrong(text, text, "a strategy is a prior and a prompt with : between them, as in yolo:box")
    said = _read_prior(text, prior)
    prompt, at, rounds = prompt.partition("@")
    if at and not _ROUNDS.fullmatch(rounds):
        raise _wrong(text, f"@{rounds}", "after @ comes a number of rounds, as in @2")
    return {**said, **_read_prompt(text, prompt), "rounds": int(rounds or 0)}


def _read_prior(text: str, prior: str) -> dict:
    found = _PRIOR.fullmatch(prior)
    if not found:
        known = f"{', '.join(PRIORS[:-1])} or {PRIORS[-1]}"
        raise _wrong(text, prior, f"a prior is {known}, or with a least confidence, as in yolo.4")
    return {"prior": found[1], "confidence": float(f"0.{found[2]}") if found[2] else None}


def _read_prompt(text: str, prompt: str) -> dict:
    box, plus, clicks = prompt.partition("+")
    if prompt == POINT:
        return {"prompt": POINT}
    found = _BOX.fullmatch(box)
    if not found and (plus or box.startswith(BOX)):
        raise _wrong(text, box, "a box is box, or box with a margin in percent, as in box10 or box-10")
    if not found:
        return {"prompt": POINTS, **_read_clicks(text, prompt)}
    margin = {"margin": int(found[1]) if found[1] else None}
    return {"prompt": "box+points", **margin, **_read_clicks(text, clicks)} if plus else {"prompt": BOX, **margin}


def _read_clicks(text: str, clicks: str) -> dict:
    if clicks == POINTS:
        return {"positives": None, "negatives": None}
    found = _CLICKS.fullmatch(clicks)
    if not clicks or not found:
        raise _wrong(
            text, clicks, "a prompt is point, box, points, or clicks as in 5p3n (n around, o on others, b both)"
        )
    return {
        "positives": int(found[1] or 0),
        "negatives": int(found[2] or 0),
        "negatives_on": PLACES[found[3] or "n"],
    }


def _wrong(text: str, part: str, why: str) -> PromptingError:
    where = f"has a mistake at {part!r}" if part and part != text else "can't be read"
    return PromptingError(f"The strategy {text!r} {where}: {why}.", "strategies")


def spell(strategy) -> str:
    """Undo :func:`read` for a :class:`~prompting.prompts.strategy.Strategy`."""
    prior = strategy.prior + ("" if strategy.confidence is None else f"{strategy.confidence:.2f}"[1:].rstrip("0"))
    return f"{prior}:{'+'.join(_parts(strategy))}{f'@{strategy.rounds}' if strategy.rounds else ''}"


def _parts(strategy) -> list[str]:
    if strategy.prompt == POINT:
        return [POINT]
    parts = []
    if strategy.has_box:
        parts.append(BOX if strategy.margin is None else f"{BOX}{strategy.margin}")
    if strategy.has_clicks:
        inside = f"{strategy.positives}p" if strategy.positives else ""
        outside = f"{strategy.negatives}{LETTERS[strategy.negatives_on]}" if strategy.negatives else ""
        parts.append(POINTS if strategy.positives is None else inside + outside)
    return parts


def identifier(spelling: str) -> str:
    """A spelling as a part of a field's name: lower-case letters, digits and _."""
    prior, prompt = spelling.split(":")
    return f"{prior.replace('.', '_c')}_{prompt.replace('-', 'm').replace('+', '_').replace('@', '_r')}"


def spelled_by(identifier: str) -> str | None:
    """Undo :func:`identifier`; None of what can't be one. Whether it says something sensible isn't checked."""
    found = _NAME.fullmatch(identifier)
    if not found:
        return None
    prior, confidence, first, clicks, rounds = found.groups()
    first = re.sub(r"^boxm", "box-", first)
    prior = f"{prior}.{confidence}" if confidence else prior
    return f"{prior}:{first}{f'+{clicks}' if clicks else ''}{f'@{rounds}' if rounds else ''}"
