"""Settings that cannot be meant are refused when they are given, by every recipe."""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archlock
from archlock.errors import ConfigurationError, WriteError
from archlock.execution import InProcess
from archlock.recipes import (
    AttackConfig,
    Budget,
    EvaluateConfig,
    LockConfig,
    MeasureConfig,
    ProxySettings,
    TrainingConfig,
    TransferConfig,
    chosen_contenders,
    measure,
    parse_budget,
    transfer,
)
from archlock.recipes.lock.outputs import will_be_left_out
from tiny_runs import tiny_source

NO_SEED = [-1, 2**62, 2**63, 10**40, 0.5, "0", None, True]


@pytest.mark.parametrize("seed", NO_SEED)
def test_a_seed_is_a_whole_number_that_a_store_can_hold(seed: Any) -> None:
    for make in (
        lambda: LockConfig(seed=seed),
        lambda: AttackConfig(seed=seed),
        lambda: MeasureConfig("nasbench201", seed=seed),
        lambda: TransferConfig(seed=seed),
    ):
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert str(caught.value) == f"a seed is a whole number from 0 to below 2**62; got {seed!r}"


def test_seeds_of_numpy_and_large_ones_will_do() -> None:
    assert LockConfig(seed=2**62 - 1, epochs=np.int64(3)).seed == 2**62 - 1  # type: ignore[arg-type]
    assert AttackConfig(seed=np.int32(7)).seed == 7  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -3, 1.5, 2.0, math.nan, "2", True])
@pytest.mark.parametrize("name", ["width", "depth", "epochs", "patience", "attack_seeds", "trials"])
def test_a_number_of_things_is_whole_and_above_0(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is a whole number, at least 1; got {value!r}"):
        LockConfig.of(**{name: value})  # type: ignore[misc]


def test_every_other_recipe_counts_in_the_same_way() -> None:
    for make, words in (
        (lambda: AttackConfig(seeds=0), "seeds is a whole number, at least 1; got 0"),
        (lambda: AttackConfig(examples=1), "examples is a whole number, at least 2; got 1"),
        (lambda: AttackConfig(epochs=2.5), "epochs is a whole number"),  # type: ignore[arg-type]
        (lambda: MeasureConfig("nasbench201", chunk=0), "chunk is a whole number, at least 1; got 0"),
        (lambda: MeasureConfig("nasbench201", sample="all"), "sample is a whole number"),  # type: ignore[arg-type]
        (lambda: TrainingConfig(epochs=0), "epochs is a whole number, at least 1; got 0"),
        (lambda: ProxySettings(width=1.5), "width is a whole number"),  # type: ignore[arg-type]
        (lambda: TransferConfig(target_epochs=0), "target_epochs is a whole number, at least 1; got 0"),
        (lambda: TransferConfig(source_rate=-1.0), "learning_rate > 0"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            make()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fractions": 0.5}, "fractions are several numbers, as in (0.1, 1.0); got 0.5"),
        ({"fractions": (0.0, 1.0)}, "fractions are shares of the data in (0, 1]"),
        ({"fractions": (10, 100)}, "fractions are shares of the data in (0, 1], as in (0.1, 1.0); got (10, 100)"),
        ({"fractions": (math.nan,)}, "fractions are shares"),
        ({"fractions": (1.0, 1.0)}, "fractions are numbers that differ"),
        ({"fractions": ("10",)}, "fractions are numbers"),
        ({"fractions": ()}, "a fraction of the data, or shots; got neither"),
        ({"horizons": (0.0,)}, "horizons are numbers above 0"),
        ({"horizons": (math.inf,)}, "horizons are numbers above 0"),
        ({"shots": (0,)}, "shots are whole numbers above 0"),
        ({"shots": 5}, "shots are several numbers, as in (1, 10); got 5"),
        ({"attackers": "linear_probe"}, "attackers are several names"),
        ({"attackers": ("wish",)}, "unknown attacker 'wish'; known: from_scratch"),
        ({"budget": 20}, "texts, as in budget='20min'|a text, as in budget='20min'"),
    ],
)
def test_who_attacks_and_how_hard_is_looked_at_first(settings: dict[str, Any], words: str) -> None:
    for kind in (LockConfig, AttackConfig):
        with pytest.raises(ConfigurationError) as caught:
            kind.of(**settings)  # type: ignore[attr-defined]
        assert any(part in str(caught.value) for part in words.split("|"))


def test_an_extra_that_is_missing_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    contenders = chosen_contenders(("s",), (), evidence="few_shot", allowance=parse_budget("8+2"))
    assert EvaluateConfig(contenders, parquet=True).parquet
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"rows\.parquet needs the package pyarrow.*archlock\[parquet\]"):
        EvaluateConfig(contenders, parquet=True)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert will_be_left_out() == (
        "locked.onnx will be left out: it needs onnxscript; run: pip install 'archlock[onnx]'",
    )


def test_shots_alone_will_do() -> None:
    assert AttackConfig(fractions=(), shots=(1,)).shots == (1,)


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        (0, "minutes"),
        (-1, "minutes"),
        (math.nan, "minutes"),
        (math.inf, "minutes"),
        (1e9, "minutes"),
        (8.5, "trainings"),
    ],
)
def test_a_budget_is_an_amount(amount: float, unit: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"a budget is above 0 and at most [\d,]+ (minutes|trainings)"):
        Budget(amount, unit)


@pytest.mark.parametrize("text", ["9" * 400 + "min", "9" * 400 + " trainings", "999999999h", "99999999999 trainings"])
def test_a_budget_of_a_slipped_finger_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Budget.parse(text)


@pytest.mark.parametrize("device", ["gpu", "cuda:77", "abacus", 3])
def test_a_device_that_is_not_here_is_refused_from_python_before_anything_is_written(
    tmp_path: Path, device: Any
) -> None:
    source = tiny_source()
    for attempt in (
        lambda: archlock.lock(source, out=tmp_path / "run", device=device),
        lambda: archlock.attack(tmp_path / "none", [source], out=tmp_path / "run", device=device),
        lambda: measure(
            [source], MeasureConfig("nasbench201"), store=tmp_path / "run", executor=InProcess(), device=device
        ),
        lambda: transfer(
            [source],
            [source],
            TransferConfig(),
            store=tmp_path / "run",
            out=tmp_path / "table.npz",
            executor=InProcess(),
            device=device,
        ),
    ):
        with pytest.raises(ConfigurationError, match="device"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_where_the_result_goes_is_tried_before_the_work(tmp_path: Path) -> None:
    source, store = tiny_source(), tmp_path / "store.sqlite"
    (tmp_path / "a-file").write_text("mine")
    with pytest.raises(WriteError, match="a-file is a file and no directory"):
        measure(
            [source],
            MeasureConfig("nasbench201", sample=2),
            store=store,
            executor=InProcess(),
            table=tmp_path / "a-file" / "table.csv",
        )
    for minutes, out, kind, words in (
        (None, tmp_path / "a-file" / "table.npz", WriteError, "a-file is a file"),
        (math.nan, tmp_path / "table.npz", ConfigurationError, "minutes are a number, 0 or above .* got nan"),
        (-5, tmp_path / "table.npz", ConfigurationError, "minutes are a number, 0 or above .* got -5"),
    ):
        with pytest.raises(kind, match=words):
            transfer([source], [source], TransferConfig(), store=store, out=out, executor=InProcess(), minutes=minutes)
    assert not store.exists()
