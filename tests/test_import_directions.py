"""Imports run one way, as `docs/architecture.md` says: between rooms, inside studies, never in a circle."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/relinkage"
BELOW_ALL = (
    "__version__", "errors", "leftovers", "printing", "progress", "files", "records", "options", "threads",
    "tables", "toml_files", "cluster", "cluster_process", "compiled", "exponential",
)  # fmt: skip


def places(heading):
    """Give the first column of the table under a heading of the page, from top to bottom."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)(?:/|\.py)` \|", section, re.MULTILINE)


def imported(file):
    """Give the modules of the package that a file imports, wherever in the file, as tuples of names."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively"
            if node.module == "relinkage":
                found += [(alias.name,) for alias in node.names]
            elif node.module and node.module.startswith("relinkage."):
                found.append(tuple(node.module.split(".")[1:]))
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found += [tuple(name[1:]) for name in names if name[0] == "relinkage" and len(name) > 1]
    return found


def imports_between_parts(folder, depth):
    """Give (part, imported part, file) for the parts of a folder, which lies `depth` below the package."""
    inside = folder.relative_to(PACKAGE).parts
    return [
        (file.relative_to(folder).with_suffix("").parts[0], module[depth], file)
        for file in sorted(folder.rglob("*.py"))
        if file.parent != folder or file.stem not in ("__init__", "__main__")
        for module in imported(file)
        if module[:depth] == inside and len(module) > depth
    ]


def against(order, imports):
    """Give the imports that do not run towards the top of the table."""
    return [
        f"{file.relative_to(PACKAGE)} imports {target}"
        for part, target, file in imports
        if target != part and order.index(target) > order.index(part)
    ]


def folders(folder):
    return {path.name for path in folder.iterdir() if path.is_dir() and any(path.glob("*.py"))}


def test_the_page_names_every_room_and_every_place_in_studies():
    assert set(places("The rooms")) == folders(PACKAGE)
    files = {path.stem for path in (PACKAGE / "studies").glob("*.py")} - {"__init__"}
    assert set(places("Inside `studies/`")) == folders(PACKAGE / "studies") | files


def test_a_room_imports_only_from_rooms_above_it():
    imports = imports_between_parts(PACKAGE, 0)
    assert imports
    assert against([*BELOW_ALL, *places("The rooms")], imports) == []


def test_a_place_in_studies_imports_only_from_places_above_it():
    imports = imports_between_parts(PACKAGE / "studies", 1)
    assert imports
    assert against(places("Inside `studies/`"), imports) == []


@pytest.mark.parametrize("room", sorted(folders(PACKAGE)))
def test_inside_a_room_imports_never_run_in_a_circle(room):
    graph = {}
    for part, target, _ in imports_between_parts(PACKAGE / room, 1):
        graph.setdefault(part, set()).update({target} - {part})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(circle.args[1]))
