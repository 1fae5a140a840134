"""The house has one word for each concept, and no drawers for odds and ends."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
DRAWERS = {"utils", "util", "helpers", "misc", "common", "core", "manager", "base"}
WORDS = re.compile(r"\b(genotype|primitive|cfg|arch_str|src_task|tar_task|emd)\b")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_keeps_the_house_rules(path: Path) -> None:
    text = path.read_text().replace('"arch_str"', "")  # (a key in the files of others)
    assert path.stem not in DRAWERS
    assert len(text.splitlines()) <= 450, "two ideas in one file?"
    assert not WORDS.search(text), WORDS.search(text)
    assert "TODO" not in text
    assert "FIXME" not in text
