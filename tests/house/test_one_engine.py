"""What is benchmarked is what ships: ``archlock lock`` and ``archlock evaluate`` decide by the same search."""

import ast
from collections.abc import Iterator
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "src" / "archlock" / "recipes"
ENGINE = "archlock.recipes.engine.spending"
DOORS = {"search_lock", "search_on", "spend"}
"""Functions of the engine that search; :func:`test_its_doors_lead_to_one_search` says that they are one."""
TOOLS = {"Kriging", "worth_of_measuring", "keeping", "beliefs_of", "against"}
"""What a search is made of: whoever uses these outside the engine has a search of their own."""


def trees(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module, module: str = "") -> set[str]:
    """Names that a file takes from a module, or from any."""
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (not module or node.module == module)
        for alias in node.names
    }


def called(tree: ast.AST) -> set[str]:
    """Names of the functions that are called."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        one.id if isinstance(one, ast.Name) else one.attr for one in calls if isinstance(one, ast.Name | ast.Attribute)
    }


def entered(folder: Path) -> set[str]:
    """Doors of the engine that a folder imports and goes through."""
    return {name for _, tree in trees(folder) for name in imported(tree, ENGINE) & DOORS & called(tree)}


def function(name: str) -> ast.FunctionDef:
    (found,) = (
        node
        for node in ast.walk(ast.parse((RECIPES / "engine" / "spending.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    return found


def test_lock_and_evaluate_call_the_same_engine() -> None:
    method = ast.parse((RECIPES / "evaluate" / "lock_method.py").read_text(encoding="utf-8"))
    assert "search_lock" in imported(method, ENGINE) & called(method)
    assert entered(RECIPES / "evaluate") == {"search_lock"}
    assert "search_lock" in entered(RECIPES / "lock") or {"search_on", "spend"} <= entered(RECIPES / "lock")


def test_its_doors_lead_to_one_search() -> None:
    """``search_lock`` is ``search_on``, ``spend``, and the decision; nobody else begins a search."""
    assert {"search_on", "spend", "found"} <= called(function("search_lock"))
    assert "LockSearch" in called(function("search_on"))
    made = [path.relative_to(RECIPES) for path, tree in trees(RECIPES) if "LockSearch" in called(tree)]
    assert made == [Path("engine/spending.py")]


def test_nobody_has_a_search_of_their_own() -> None:
    used = {path.relative_to(RECIPES).parts[0] for path, tree in trees(RECIPES) if imported(tree) & TOOLS}
    assert used == {"engine"}
    from_table = RECIPES / "evaluate" / "recorded_market.py"
    assert not imported(ast.parse(from_table.read_text(encoding="utf-8"))) & (DOORS | TOOLS), "a market only sells"


def test_the_engine_knows_neither() -> None:
    for path, tree in trees(RECIPES / "engine"):
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        others = {name for name in modules if name.startswith("archlock.recipes.") and ".engine" not in name}
        assert others == set(), path


def test_the_reader_sees_a_search_of_ones_own() -> None:
    tree = ast.parse(
        f"def f():\n    from {ENGINE} import search_lock\n    from archlock.search import keeping\n    x.spend()"
    )
    assert imported(tree, ENGINE) == {"search_lock"}
    assert imported(tree) & TOOLS == {"keeping"}
    assert called(tree) == {"spend"}
