"""Who may import whom: the arrows between the rooms go one way, and this table is the drawing of them."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    # A room may import those of its row, and of those only what stands above it: so there is no circle.
    "errors": "",
    "spelling": "",
    "steps": "",
    "trust": "errors",
    "folders": "errors",
    "pixels": "errors",
    "labels": "errors spelling pixels",
    "segmentation": "errors pixels",
    "prompts": "errors pixels segmentation",
    "plan": "errors spelling segmentation prompts",
    "priors": "errors spelling steps pixels labels segmentation prompts plan",
    "results": "pixels segmentation prompts",
    "runner": "errors pixels segmentation prompts priors results",
    "models": "errors trust segmentation prompts plan",
    "analysis": "errors pixels segmentation prompts results",
    "final": "pixels analysis",
    "dataset": "errors spelling steps folders pixels labels segmentation prompts priors results plan analysis final",
    "cluster": "errors steps plan dataset",
    "runs.assembly": "steps segmentation prompts priors runner plan models",
    "runs": "errors steps pixels labels segmentation prompts priors.base results runner plan analysis final dataset"
    " runs.assembly",
    "report": "errors trust folders pixels labels results analysis dataset",
    "operators": "errors spelling trust pixels labels prompts plan models analysis final dataset cluster runs"
    " runs.assembly report",
}
"""Room, or one module of a room -> the rooms, or modules, that it may import."""

FIFTYONE = {"operators", "report", "runs", "dataset", "models", "cluster"}
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


@pytest.mark.parametrize("module", sorted(MODULES))
def test_ray_is_known_in_one_room(module):
    assert "ray" not in imports(module) or name_of(module).startswith("cluster."), (
        f"{name_of(module)} imports ray, which few have installed: have prompting/cluster/ do it."
    )


def test_the_rooms_stand_on_floors():
    rows = list(MAY_IMPORT)
    for row, others in MAY_IMPORT.items():
        above = {other for other in others.split() if rows.index(room_of(other)) >= rows.index(row)}
        assert not above, f"{row} may not know {', '.join(above)}, which stand below it in the table: that is a circle."


def test_no_modules_import_each_other_in_a_circle():
    """Within a room neither, and not for a type's sake: what two need is a third."""
    arrows = {name_of(module): set(imports(module)) & OURS - {name_of(module)} for module in MODULES}
    list(TopologicalSorter(arrows).static_order())  # CycleError names them


def test_every_arrow_of_the_table_is_there():
    used = defaultdict(set)
    for module in MODULES:
        others = set(imports(module)) & OURS
        used[room_of(name_of(module))] |= {part for other in others for part in (other, room_of(other))}
    for room, others in MAY_IMPORT.items():
        gone = set(others.split()) - used[room]
        assert not gone, f"{room} no longer imports {', '.join(sorted(gone))}: strike it out of the table."


ONE_SLICE = {"select", "exists", "match", "match_tags", "exclude", "set_values", "distinct"}
"""What asked of a grouped dataset sees its active slice alone."""


def test_datasets_are_asked_for_samples_in_all_their_slices():
    """By ``all_samples`` and ``these_samples``; a view that a person chose is asked itself."""
    asked = [
        f"{module}, line {node.lineno}: {ast.unparse(node)}"
        for module, path in MODULES.items()
        if name_of(module) != "dataset.everywhere"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ONE_SLICE
        if ast.unparse(node.value).rpartition(".")[2] in ("dataset", "_dataset")
    ]
    assert not asked
