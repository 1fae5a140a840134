"""``archlock release``: a model with friction, written, said, and attacked again."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app, main
from archlock.reports import AttackRecord, from_json
from foreign_models import FACTORY, weights_file


def words(tmp_path: Path) -> list[str]:
    weights = weights_file(tmp_path / "best.pt")
    built = ["--module", FACTORY, "--size", "8"]
    return ["release", str(weights), *built, "--out", str(tmp_path / "out"), "--device", "cpu"]


def test_a_release_is_said_and_the_attack_command_of_its_card_works(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, [*words(tmp_path), "--friction", "--quiet"], catch_exceptions=False)
    assert shown.exit_code == 0
    lines = shown.stdout.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert lines[0].startswith("2 normalisations folded into the layers before them; channels of 2 layers rescaled")
    assert lines[1].endswith("of the largest, on 64 random images")
    card = (tmp_path / "out" / "README.md").read_text()
    assert lines[-1] == f"card: {tmp_path / 'out' / 'README.md'}"
    (command,) = [line for line in card.splitlines() if line.startswith("archlock attack ")]
    attack = command.replace("path/to/images", "digits").replace("attacks/friction", str(tmp_path / "attack")).split()
    small = ["--attacker", "linear_probe", "--attack-seeds", "1", "--fractions", "100", "--examples", "60"]
    main_words = [*attack[1:], *small, "--workers", "1", "--device", "cpu", "--quiet"]
    shown = CliRunner().invoke(app, main_words, catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    record = from_json(tmp_path / "attack" / "result.json")
    assert isinstance(record, AttackRecord)
    assert [one.status for one in record.outcomes] == ["valid"]
    assert "edited (2 x fold, 2 x rescale, 1 x neck)" in record.models[0].origin


def test_the_record_is_printed_as_json(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, [*words(tmp_path), "--friction", "--json"], catch_exceptions=False)
    assert json.loads(shown.stdout)["neck"] == 4
    assert json.loads(shown.stdout) == json.loads((tmp_path / "out" / "friction.json").read_text())


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ([], "say which with --friction"),
        (["--friction", "--spread", "9"], "the spread of the scales is a number from 0"),
        (["--friction", "--target", "no/such/place"], "no/such/place"),
    ],
)
def test_what_cannot_be_released_is_said(
    extra: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*words(tmp_path), *extra])
    assert caught.value.code in {2, 3}
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
