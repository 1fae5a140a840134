"""A search cannot reach the truth about a target: not through its imports, its signatures, or the objects it holds."""

import ast
import gc
import importlib
import inspect
import pkgutil
import types
from pathlib import Path

import numpy as np

import archlock.search
from archlock.search import STRATEGIES, Judgement, search, tabulated
from archlock.spaces import SPACES

MODULES = [importlib.import_module(m.name) for m in pkgutil.iter_modules(archlock.search.__path__, "archlock.search.")]
ALLOWED = (
    "archlock.search",
    "archlock.spaces",
    "archlock.errors",
    "archlock.extras",
    "archlock.seeding",
    "archlock.catalog",
    "archlock.ranking",
)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_search_imports_neither_tasks_nor_evidence_nor_preferences():
    assert len(MODULES) >= 8
    for module in [archlock.search, *MODULES]:
        ours = {name for name in imports(Path(module.__file__)) if name.startswith("archlock")}
        assert all(name.startswith(ALLOWED) for name in ours), (module.__name__, ours)


def reachable(root: object) -> list[object]:
    """Everything that can be reached from an object through attributes, containers and closures (not modules)."""
    seen, stack = {}, [root]
    while stack:
        one = stack.pop()
        if id(one) in seen or isinstance(one, types.ModuleType | type | types.BuiltinFunctionType):
            continue
        seen[id(one)] = one
        if inspect.isfunction(one):  # not its globals, which are the module's
            stack.extend(cell.cell_contents for cell in one.__closure__ or ())
            stack.extend([one.__defaults__, one.__kwdefaults__])
        else:
            stack.extend(gc.get_referents(one))
    return list(seen.values())


def test_a_search_holds_no_task():
    objectives = {}
    for space in (SPACES["transnas101_micro"], SPACES["sizes"]):
        values = np.arange(float(len(space)))
        objectives[space] = tabulated(tuple(space.enumerate()), Judgement(values, np.zeros(len(space))))
    for name, make in STRATEGIES.items():
        space = SPACES["sizes" if name == "shgo" else "transnas101_micro"]
        objective = objectives[space]
        strategy = make(space, seed=0)
        trace = search(strategy, objective, evaluations=30)
        rooms = {type(one).__module__ for thing in (strategy, objective, trace) for one in reachable(thing)}
        ours = {room for room in rooms if room.startswith("archlock.")}
        assert "archlock.spaces.architecture" in ours, name
        assert not any(
            room.startswith(("archlock.tasks", "archlock.evidence", "archlock.preferences")) for room in ours
        )
