"""The picture and the code agree: docs/architecture.md names every room, every file and every floor."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "archlock"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NOT_IN_THE_PICTURE = {"__init__", "py.typed", "__pycache__"}


def names_below(folder: Path) -> set[str]:
    """Files and folders of a folder by stem."""
    return {path.stem for path in folder.iterdir() if path.name not in NOT_IN_THE_PICTURE} - NOT_IN_THE_PICTURE


def named(name: str) -> bool:
    """Whether the page has the name as a word of its own."""
    return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", PAGE, re.IGNORECASE) is not None


@pytest.mark.parametrize("name", sorted(names_below(PACKAGE)))
def test_every_room_and_ground_file_is_named(name: str) -> None:
    assert named(name)


@pytest.mark.parametrize("room", sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()))
def test_every_file_of_a_room_is_named(room: str) -> None:
    missing = {name for name in names_below(PACKAGE / room) if not named(name)} if room != "testing" else set()
    assert not missing


def test_the_floors_are_those_that_are_checked() -> None:
    floors = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    picture = PAGE.split("```")[1].splitlines()
    places = [
        next(i for i, line in enumerate(picture) if re.search(rf" {re.escape(floor)}( |$)", line)) for floor in floors
    ]
    assert places == sorted(set(places))
