"""Who may import whom: the arrows between the rooms go one way, and this table is the drawing of them."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    # A room may import those of its row, and of those only what stands above it: so there is no circle.
    "errors": "",
    "spelling": "",
    "trust": "errors",
    "pixels": "errors",
    "labels": "errors spelling pixels",
    "segmentation": "errors pixels",
    "prompts": "errors pixels segmentation",
    "plan": "errors spelling segmentation prompts",
    "priors": "errors spelling pixels labels segmentation prompts plan",
    "results": "pixels segmentation prompts",
    "runner": "errors pixels segmentation prompts priors results",
    "models": "errors trust segmentation prompts plan",
    "analysis": "errors pixels segmentation prompts results",
    "final": "pixels analysis",
    "dataset": "errors spelling pixels labels segmentation prompts priors results plan analysis final",
    "runs.assembly": "segmentation prompts priors runner plan models",
    "runs": "errors pixels labels segmentation prompts priors.base results runner plan analysis final dataset"
    " runs.assembly",
    "report": "errors trust pixels results analysis dataset",
    "operators": "errors trust pixels prompts plan models analysis final dataset runs runs.assembly report",
}
"""Room, or one module of a room -> the rooms, or modules, that it may import."""

FIFTYONE = {"operators", "report", "runs", "dataset", "models"}
"""The rooms that may import FiftyOne; models only to find SAM 2 in its zoo. The others work on arrays and values."""

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for top in ("prompting", "operators")
    for path in sorted((ROOT / top).rglob("*.py"))
    if path != ROOT / "prompting" / "__init__.py"
}


def name_of(module: str) -> str:
    """``prompting.dataset.lock`` is ``dataset.lock``."""
    return module.removeprefix("prompting.").removesuffix(".__init__")


def room_of(name: str) -> str:
    """The row of a module: its own, or its room's."""
    return name if name in MAY_IMPORT else name.partition(".")[0]


def imports(module: str) -> Iterator[str]:
    """What a module imports anywhere in it, in functions too: ours by their names, others by their packages'."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            place = ".".join(filter(None, [*module.split(".")[: -node.level], node.module]))
            for alias in node.names:
                inner = f"{place}.{alias.name}"
                yield name_of(inner if inner in MODULES or f"{inner}.__init__" in MODULES else place)


OURS = {name_of(module) for module in MODULES}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_what_its_room_may_know(module):
    name = name_of(module)
    room = room_of(name)
    assert room in MAY_IMPORT, f"{name} is in no room: put it into one, or draw the new room into the table above."
    allowed = {*MAY_IMPORT[room].split(), room, name.partition(".")[0]}
    for other in sorted(set(imports(module)) & OURS):
        assert {other, room_of(other)} & allowed, (
            f"{name} imports {other}, and {room} may not know {room_of(other)}: move what it needs down (a field's name"
            " to dataset/names.py, a value to the lower room), or have it handed in as an argument."
        )


@pytest.mark.parametrize("module", sorted(MODULES))
def test_fiftyone_is_known_where_datasets_are(module):
    name = name_of(module)
    assert "fiftyone" not in imports(module) or name.partition(".")[0] in FIFTYONE, (
        f"{name} imports fiftyone: read or write the dataset in dataset/, and hand on arrays and values."
    )


def test_the_rooms_stand_on_floors():
    rows = list(MAY_IMPORT)
    for row, others in MAY_IMPORT.items():
        above = {other for other in others.split() if rows.index(room_of(other)) >= rows.index(row)}
        assert not above, f"{row} may not know {', '.join(above)}, which stand below it in the table: that is a circle."


def test_every_arrow_of_the_table_is_there():
    used = defaultdict(set)
    for module in MODULES:
        others = set(imports(module)) & OURS
        used[room_of(name_of(module))] |= {part for other in others for part in (other, room_of(other))}
    for room, others in MAY_IMPORT.items():
        gone = set(others.split()) - used[room]
        assert not gone, f"{room} no longer imports {', '.join(sorted(gone))}: strike it out of the table."
