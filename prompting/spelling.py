"""Names as people write them: of classes, of which case, spaces and the ways Unicode has to write one letter make no
others, and of fields, of which FiftyOne can't keep all."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence


def same_name(name: str) -> str:
    """What two spellings of one name have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def spelled(name: str | None, classes: Sequence[str]) -> str | None:
    """The class that a label's name means, in the spelling in which it was asked for; None where it is none of them.

    The exact spelling comes first: who asks for ``Dog`` and ``dog`` gets both.
    """
    if name is None or name in classes:
        return name
    return next((wanted for wanted in classes if same_name(wanted) == same_name(name)), None)


def listed_names(text: str) -> tuple[str, ...]:
    """The names in a text with commas between them; one with a comma of its own stands in quotes.

    >>> listed_names('coin, "note, old"')
    ('coin', 'note, old')
    """
    parts = next(csv.reader([" ".join(text.splitlines())], skipinitialspace=True), ())
    return tuple(part.strip() for part in parts if part.strip())


def names_text(names: Iterable[str]) -> str:
    """Names as a text; undo :func:`listed_names`.

    >>> names_text(("coin", "note, old"))
    'coin, "note, old"'
    """
    return ", ".join(name if listed_names(name) == (name,) else _quoted(name) for name in names)


def _quoted(name: str) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="").writerow([name])
    return written.getvalue()


def begins_fields(text: object) -> bool:
    """Whether names of fields may begin with a text, such as ``labels``, to which ``_`` and more is added.

    FiftyOne saves a sample by MongoEngine, which reads two underscores as a dot, and ``pk`` as the id: a sample with
    such a field could be written by us, and then not be saved by anybody.
    """
    return isinstance(text, str) and text.isidentifier() and "__" not in f"_{text}_" and text != "pk"
