"""Inside a room import the file, never the room's own front door: that is how import cycles begin."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "archlock"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def imported_modules(source: str) -> list[str]:
    """Every module that a source text imports, at any depth of nesting."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_imports_the_front_door_of_its_own_room(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        if path.name != "__init__.py":
            assert f"archlock.{room}" not in imported_modules(path.read_text()), path


@pytest.mark.parametrize("room", ROOMS)
def test_other_rooms_are_entered_by_the_front_door(room: str) -> None:
    for path in PACKAGE.rglob("*.py"):
        if room in path.relative_to(PACKAGE).parts[:1] or path.relative_to(PACKAGE).parts[0] == "testing":
            continue
        if path == PACKAGE / "__init__.py":
            continue  # the package's own door names folders and functions of one name, which type checkers mix up
        inside = [m for m in imported_modules(path.read_text()) if m.startswith(f"archlock.{room}.")]
        assert not inside, f"{path.relative_to(PACKAGE)} imports {inside}; import it from archlock.{room}"


def test_imports_are_absolute() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not [m for m in imported_modules(path.read_text()) if m.startswith(".")], path


def test_the_reader_of_imports_sees_nested_ones() -> None:
    assert imported_modules("def f():\n    from archlock.tasks import Task\n    import torch") == [
        "archlock.tasks",
        "torch",
    ]
