"""What editors and type checkers are told about the settings of a recipe is what its configuration has."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import archlock
from archlock.errors import ConfigurationError
from archlock.recipes.attack.config import AttackConfig, AttackSettings
from archlock.recipes.compact.config import CompactConfig, CompactSettings
from archlock.recipes.conceal.config import ConcealConfig, ConcealSettings
from archlock.recipes.harden.config import HardenConfig, HardenSettings
from archlock.recipes.lock.config import LockConfig, LockSettings
from archlock.recipes.peep.config import PeepConfig, PeepSettings
from archlock.recipes.robustness.config import RobustnessConfig, RobustnessSettings

ROOT = Path(__file__).resolve().parents[2]
RECIPES = [
    pytest.param(archlock.lock, LockConfig, LockSettings, {"budget", "floor"}, id="lock"),
    pytest.param(archlock.attack, AttackConfig, AttackSettings, {"budget"}, id="attack"),
    pytest.param(archlock.harden, HardenConfig, HardenSettings, {"epsilon"}, id="harden"),
    pytest.param(archlock.robustness, RobustnessConfig, RobustnessSettings, {"epsilons"}, id="robustness"),
    pytest.param(archlock.compact, CompactConfig, CompactSettings, {"keep"}, id="compact"),
    pytest.param(archlock.peep, PeepConfig, PeepSettings, set[str](), id="peep"),
    pytest.param(archlock.conceal, ConcealConfig, ConcealSettings, {"budget"}, id="conceal"),
]


@pytest.mark.parametrize(("recipe", "config", "settings", "texts"), RECIPES)
def test_the_settings_by_name_are_the_fields(recipe: object, config: type, settings: type, texts: set[str]) -> None:
    told, kept = get_type_hints(settings), get_type_hints(config)
    assert list(told) == [field.name for field in fields(config)], "the same settings, in the same order"
    assert {name for name, kind in told.items() if kind != kept[name]} == texts
    for name in texts:
        either = set(get_args(kept[name])) if get_origin(kept[name]) in (Union, UnionType) else {kept[name]}
        assert set(get_args(told[name])) == either | {str}, "a text is taken, too, and nothing else"


@pytest.mark.parametrize(("recipe", "config", "settings", "texts"), RECIPES)
def test_the_signature_shows_every_setting_with_its_default(
    recipe: Callable[..., Any], config: type, settings: type, texts: set[str]
) -> None:
    shown = inspect.signature(recipe).parameters
    assert not [one for one in shown.values() if one.kind is inspect.Parameter.VAR_KEYWORD]
    default, told = config(), get_type_hints(settings)
    for name in told:
        assert shown[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert shown[name].default == getattr(default, name)
        assert shown[name].annotation == told[name]


def test_settings_by_name_make_the_same_configuration() -> None:
    made = AttackConfig.of(seeds=5, budget="20min", attackers=("surgery",))
    assert made == AttackConfig(seeds=5, budget=archlock.Budget(20, "minutes"), attackers=("surgery",))
    assert LockConfig.of() == LockConfig()
    assert AttackConfig.of() == AttackConfig()


def test_a_wrong_name_lists_the_settings() -> None:
    wrong: dict[str, Any] = {"seedz": 5}
    with pytest.raises(ConfigurationError, match="an attack has no setting 'seedz'; its settings are: panel, atta"):
        archlock.attack("nowhere", [], **wrong)
    with pytest.raises(ConfigurationError, match="a lock has no setting 'seedz'; its settings are: scheme, space"):
        LockConfig.of(**wrong)


def test_a_config_and_settings_at_once_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="not both; got seeds, curves besides a config"):
        archlock.attack("nowhere", [], AttackConfig(), seeds=5, curves=True)


RIGHT = """\
import archlock
from archlock.recipes.attack.config import AttackConfig
from archlock.recipes.compact.config import CompactConfig, CompactSettings
from archlock.recipes.harden.config import HardenConfig, HardenSettings
from archlock.recipes.lock.config import LockConfig
from archlock.tasks import Task
task: Task
archlock.lock(task, seed=1, budget="20min", scheme="tk")
archlock.lock(task, LockConfig(seed=1))
archlock.attack("runs/mine", [], seeds=5, budget=None)
archlock.attack("runs/mine", [], AttackConfig(seeds=5))
"""
WRONG = """\
archlock.lock(task, sed=1)
archlock.lock(task, seed="one")
archlock.lock(task, scheme="known")
archlock.attack("runs/mine", [], seedz=5)
archlock.attack("runs/mine", [], seeds=(1, 2))
LockConfig.of(width=1.5)
AttackConfig.of(fraction=(0.1,))
"""


def test_a_type_checker_refuses_a_wrong_name_and_a_wrong_type(tmp_path: Path) -> None:
    snippet, package = tmp_path / "written.py", ROOT / "src" / "archlock"
    snippet.write_text(RIGHT + WRONG)
    files = ["__init__.py", "tasks/__init__.py", "tasks/task.py", "recipes/settings.py", "recipes/budget.py"]
    files += [f"recipes/{verb}/{name}.py" for verb in ("lock", "attack") for name in ("config", "procedure")]
    options = ["--config-file=", "--follow-imports=skip", "--ignore-missing-imports"]  # these files alone, for seconds
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            *options,
            f"--cache-dir={tmp_path}",
            *(package / file for file in files),
            snippet,
        ],
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [int(found) for found in re.findall(r"written\.py:(\d+): error:", done.stdout)]
    first = len(RIGHT.splitlines()) + 1
    assert lines == list(range(first, first + len(WRONG.splitlines()))), done.stdout + done.stderr
    assert 'Unexpected keyword argument "sed" for "lock"' in done.stdout
    assert 'Argument "seeds" to "attack" has incompatible type "tuple[int, int]"; expected "int"' in done.stdout
