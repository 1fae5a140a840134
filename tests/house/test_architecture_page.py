"""The picture and the code agree: docs/architecture.md names every room, file and floor, and calls things rightly."""

import ast
import builtins
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


def definitions() -> dict[str, list[set[str]]]:
    """Every function, class and constant of the package by name, with the parameters (or fields) that it takes."""
    found: dict[str, list[set[str]]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                arguments = node.args
                several = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
                named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *several)
                found.setdefault(node.name, []).append({one.arg for one in named})
                for one in named:
                    found.setdefault(one.arg, []).append(set())
            elif isinstance(node, ast.ClassDef):
                fields = {ast.unparse(one.target) for one in node.body if isinstance(one, ast.AnnAssign)}
                found.setdefault(node.name, []).append(fields)
            elif isinstance(node, ast.AnnAssign | ast.Assign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    found.setdefault(ast.unparse(target), []).append(set())
    return found


def strangers(text: str, known: dict[str, list[set[str]]]) -> set[str]:
    """What a text calls by a name or with a parameter that nothing has: calls, capitalised names, lone names."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
    files = {path.stem for path in PACKAGE.rglob("*")} | set(dir(builtins)) | {"nn", "Module"}
    wrong = set()
    for span in spans:
        names = set(re.findall(r"\b[A-Za-z_]\w*(?=\()|\b[A-Z]\w+", span)) | set(re.findall(r"^\w{5,}$", span))
        wrong |= {name for name in names if name not in known and name not in files}
        for name, listed in re.findall(r"(\w+)\(([^(){}]*)\)", span):
            asked = {one.split("=")[0].strip(" *") for one in listed.split(",")} - {"/", "...", ""}
            if name in known and not any(asked - {"a", "b"} <= taken for taken in known[name]):
                wrong.add(f"{name}({', '.join(sorted(asked))})")
    return wrong


def test_what_the_page_calls_is_there_and_takes_what_the_page_says() -> None:
    assert not strangers(PAGE, definitions())


def test_the_reader_of_the_page_sees_what_is_gone() -> None:
    known = definitions()
    assert strangers(
        "`next_candidates`, `Ground`, `fit(model, tusk)`, `fit(model, task)`, `open_pear(table)`", known
    ) == {
        "next_candidates",
        "Ground",
        "fit(model, tusk)",
        "open_pear",
    }
