"""Nobody asks which kind a task is but the kinds themselves; they ask the kind."""

import ast
from pathlib import Path

from archlock.tasks import KINDS

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "archlock"


def test_no_code_compares_names_of_kinds() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                sides = (node.left, *node.comparators)
                named = {one.value for one in sides if isinstance(one, ast.Constant)}
                asked = {one.attr for one in sides if isinstance(one, ast.Attribute)}
                asked |= {one.id for one in sides if isinstance(one, ast.Name)}
                if named & set(KINDS) and "kind" in asked:
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


def test_no_template_compares_them() -> None:
    for path in (PACKAGE / "reports" / "templates").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not [name for name in KINDS if f'== "{name}"' in text], path.name
