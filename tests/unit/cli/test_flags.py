"""Flags that people have in their scripts stay, and say what the settings from Python say."""

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import archlock
import archlock.recipes
from archlock.cli.app import app

FLAGS = {
    "attack": (
        "--attack-seeds --attacker --budget --channels --curves --device --epochs --examples --fractions "
        "--horizons --json --module --module-args --more --out --quiet --reference --reference-args "
        "--reference-module --seed --shots --size --skip-bad --source --store --target --trials "
        "--workers -q"
    ),
    "demo": "--json --out --quiet --seed --workers -q",
    "edits": ("--channels --drop --json --module --module-args --narrow --out --seed --size --skip-bad --source"),
    "evaluate": (
        "--budget --evidence --floor --json --method --no-patterns --out --pairs --paper --parquet "
        "--patterns --preference --quiet --schemes --seed --seeds --strategy --table --trade-off "
        "--workers -q"
    ),
    "harden": (
        "--adversary --against --attack-epochs --attack-seeds --attacker --channels --condition --device --epochs "
        "--eps --flip --images --immunise --json --module --module-args --out --queries --quiet --rate --seed --size "
        "--skip-bad --source --sparse-shape --sparsity --steps --target --workers -q"
    ),
    "lock": (
        "--attack-seeds --attacker --audit --budget --curves --depth --device --epochs --evaluations "
        "--evidence --flip --floor --fractions --horizons --image-size --json --objective --out "
        "--patience --preference --quiet --scheme --seed --shots --simulate --skip-bad --source --space "
        "--store --strategy --target --trials --width --workers -q"
    ),
    "measure": (
        "--batch --channels --chunk --cluster --csv --depth --device --epochs --examples --json --model --module "
        "--module-args --out --proxies --quiet --sample --seed --seeds --side --size --skip-bad --source --space "
        "--state --task --trained-depth --trained-side --trained-width --width --workers -q"
    ),
    "peep": (
        "--candidates --channels --json --module --module-args --networks --noise --observer --out --quiet --reader "
        "--recordings --recordings-in --seed --size --source --suspect --workers -q"
    ),
    "release": (
        "--channels --device --epochs --examples --friction --json --module --module-args --out --quiet --seed --seeds "
        "--size --skip-bad --spread --target --workers -q"
    ),
    "report": "--out",
    "robustness": (
        "--adversary --channels --device --eps --images --json --module --module-args --norm --out --queries --quiet "
        "--restarts --seed --size --skip-bad --source --steps --workers -q"
    ),
    "tables import csv": "--column --join --json --key --name --on --preset --replace --space",
    "tables import hw": "--json --name --replace",
    "tables import nasbench201": "--json --name --quiet --replace -q",
    "tables import nats": "--json --name --quiet --replace -q",
    "tables import transnas": "--json --quiet --replace -q",
    "tables list": "--json",
    "tables show": "--json",
    "transfer": (
        "--architectures --code --depth --device --json --minutes --out --quiet --seed --seeds --side "
        "--skip-bad --source --source-epochs --source-examples --space --store --target --target-epochs "
        "--target-examples --weights --width --workers -q"
    ),
}


def below(command: Any, name: str = "") -> dict[str, set[str]]:
    """Every command inside a command with its flags."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return {name: {word for one in command.params for word in (*one.opts, *one.secondary_opts)}}
    found: dict[str, set[str]] = {}
    for part, one in inner.items():
        found |= below(one, f"{name} {part}".strip())
    return found


@pytest.mark.parametrize("command", FLAGS)
def test_no_flag_goes_away(command: str) -> None:
    assert set(FLAGS[command].split()) <= below(typer.main.get_command(app))[command]


class Asked(Exception):
    """Carries the configuration that a command asked a recipe for."""


@pytest.mark.parametrize(
    ("words", "recipe", "default"),
    [
        (("lock", "--source", "digits"), "lock", archlock.LockConfig()),
        (("attack", "a-run", "--target", "digits"), "attack", archlock.AttackConfig()),
    ],
    ids=["lock", "attack"],
)
def test_a_command_without_options_asks_for_the_default_settings(
    words: tuple[str, ...], recipe: str, default: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*given: Any, **_: Any) -> None:
        raise Asked(next(one for one in given if isinstance(one, type(default))))

    monkeypatch.setattr(archlock.recipes, recipe, ask)
    monkeypatch.setattr(archlock.recipes, "is_run", lambda model: True)
    monkeypatch.setattr(archlock.recipes, "image_framing", lambda model: None)  # there is no such run
    monkeypatch.setattr(archlock.recipes, "takes_signals", lambda model: False)
    with pytest.raises(Asked) as caught:
        CliRunner().invoke(app, [*words, "--device", "cpu", "--out", str(tmp_path)], catch_exceptions=False)
    assert caught.value.args == (default,)
