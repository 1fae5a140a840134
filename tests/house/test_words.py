"""The house has one word for each concept, and no drawers for odds and ends."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
DRAWERS = {"utils", "util", "helpers", "misc", "common", "core", "manager", "base"}
PROSE = sorted(
    path
    for place in ("src", "docs", "examples", "benchmarks", "conversions")
    for path in (ROOT / place).rglob("*")
    if path.suffix in {".py", ".md", ".html", ".css"}
) + sorted(ROOT.glob("*.md"))
HE = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b(?! et al\.)", re.IGNORECASE)
WORDS = re.compile(r"\b(genotype|primitive|cfg|arch_str|src_task|tar_task|emd)\b")

RIDDLES = {
    "told": "what it holds: message, verbosity, known",
    "crew": "workers",
    "bury": "what it does",
    "looks": "needs, or parts",
    "subject": "attacked models, or tasks",
    "subjects": "attacked models, or tasks",
    "ground": "what it is: candidates, or a market",
}
"""Names that made a newcomer guess, and what to say instead."""
PICTURES = (
    "tasks/simulated",
    "reports",
    "recipes/task_records.py",
    "recipes/lock/procedure.py",
    "recipes/lock/recording.py",
)
"""Where ``drawn`` is said, of pictures alone. What chance chooses is sampled, random, or begun anew."""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text().replace('"arch_str"', "")  # (a key in the files of others)
    assert path.stem not in DRAWERS
    assert len(text.splitlines()) <= 450, "two ideas in one file?"
    assert not WORDS.search(text), WORDS.search(text)
    assert "TODO" not in text
    assert "FIXME" not in text


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_attackers_users_and_owners_are_they(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if HE.search(line)]


def test_the_reader_of_pronouns_sees_them_and_leaves_a_paper_alone() -> None:
    assert HE.search("He gets what he can.")
    assert HE.search("None: his own rates")
    assert not HE.search("Residual networks (He et al. 2016); they, their, here, the, history")


def names_in(source: str) -> set[str]:
    """Names that a program gives: of variables, arguments, attributes, functions and classes, in small letters."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    return {name.strip("_").lower() for name in found}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_say_what_they_name(path: Path) -> None:
    names = names_in(path.read_text(encoding="utf-8"))
    assert not names & set(RIDDLES), {name: RIDDLES[name] for name in names & set(RIDDLES)}
    place = path.relative_to(ROOT / "src" / "archlock").as_posix()
    assert "drawn" not in names or place.startswith(PICTURES), "drawn is said of pictures; what is it here?"


def test_the_reader_of_names_sees_them() -> None:
    source = "class _Crew:\n    def bury(self, told):\n        self._looks = drawn = told.means\n"
    assert names_in(source) == {"crew", "bury", "self", "told", "looks", "drawn"}
