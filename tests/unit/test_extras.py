import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from archlock.attacks.tuning import SearchRange, tune
from archlock.errors import ConfigurationError
from archlock.extras import EXTRAS, absent, install_line, require
from archlock.patterns import importances
from archlock.recipes import AttackConfig, LockConfig
from archlock.recipes.evaluate.describing import described
from archlock.recipes.export import export_onnx
from archlock.search import Nsga2
from archlock.spaces import SPACES
from made_up_tables import made_up_table
from tiny_runs import Noted


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hides the libraries of an extra, as if they were not installed."""

    def hide(extra: str) -> None:
        for library in EXTRAS[extra]:
            monkeypatch.setitem(sys.modules, library, None)

    return hide


@pytest.mark.parametrize("extra", EXTRAS)
def test_here_everything_is_installed(extra: str) -> None:
    assert absent(extra) == ()
    require(extra, "nothing")


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_missing_is_named_with_what_to_run(extra: str, without: Any) -> None:
    without(extra)
    assert absent(extra) == EXTRAS[extra]
    with pytest.raises(ConfigurationError) as caught:
        require(extra, "the work")
    needed = " and ".join(EXTRAS[extra])
    assert str(caught.value) == f"the work needs {needed}; run: pip install 'archlock[{extra}]'"
    assert str(caught.value).endswith(install_line(extra))


def test_whoever_needs_a_missing_part_says_so(without: Any, tmp_path: Path) -> None:
    for extra in EXTRAS:
        without(extra)
    space = SPACES["nasbench201"]
    with pytest.raises(ConfigurationError, match=r"writing m\.onnx needs onnx and onnxscript"):
        export_onnx(nn.Linear(2, 2), (1, 8, 8), tmp_path / "m.onnx")
    with pytest.raises(ConfigurationError, match="a functional analysis of variance needs optuna"):
        importances(space, list(space.enumerate())[:40], np.arange(40.0))
    with pytest.raises(ConfigurationError, match="the strategy nsga2 needs pymoo"):
        Nsga2(space, seed=0)
    with pytest.raises(ConfigurationError, match="a search by trials needs optuna"):
        tune(lambda setting: 0.0, SearchRange({"sgd": (0.1, 1.0)}, (1.0,), "rate"), first=(), trials=3, seed=0)


def test_a_setting_that_needs_a_missing_part_is_refused_before_anything_is_bought(without: Any) -> None:
    for extra in EXTRAS:
        without(extra)
    for config in (LockConfig, AttackConfig):
        with pytest.raises(ConfigurationError, match="a search by trials needs optuna"):
            config(trials=10)
    with pytest.raises(ConfigurationError, match="the strategy nsga2 needs pymoo"):
        LockConfig(strategy="nsga2", evidence="zero_cost")


def test_an_evaluation_leaves_the_shares_out_and_says_so(without: Any) -> None:
    table, noted = made_up_table(), Noted()
    assert described(table, table.pairs[:1], 0.5, noted)[1]
    without("tuning")
    assert described(table, table.pairs[:1], 0.5, noted)[1] == ()
    assert noted.lines[-1] == (
        "left out how much each feature explains, which needs Optuna; run: pip install 'archlock[tuning]'"
    )
