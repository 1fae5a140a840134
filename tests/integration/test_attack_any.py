"""``archlock attack`` on checkpoints of strangers, from the command line to the page."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from archlock.cli.app import main
from archlock.reports import AttackRecord, from_json, from_plain
from foreign_models import FACTORY, vit_folder, weights_file

QUICK = ("--attacker", "linear_probe", "--attacker", "fine_tune", "--epochs", "1", "--attack-seeds", "1")
SMALL = (*QUICK, "--fractions", "100", "--examples", "60", "--workers", "1", "--device", "cpu")


def run(capfd: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line in this process."""
    capfd.readouterr()
    code = 0
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        code = int(end.code or 0)
    out, error = capfd.readouterr()
    return code, out, error


def test_a_file_of_weights_is_attacked_and_taken_up(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    best, out = weights_file(tmp_path / "best.pt", width=4), tmp_path / "attack"
    words = ("attack", best, "--module", FACTORY, "--module-args", '{"width": 4}', "--size", "8", "--target", "digits")
    code, said, error = run(capfd, *words, "--out", out, *SMALL)
    assert code == 0, error
    assert said.startswith("On digits the strongest attack (")
    assert "Linear probe" in said
    assert said.splitlines()[-1] == f"report: {out / 'report.html'}"
    record = from_json(out / "result.json")
    assert isinstance(record, AttackRecord)
    assert [o.status for o in record.outcomes] == ["valid", "valid"]
    taken = "the part 'state_dict', without 'module.' in its names"
    assert record.models[0].origin == f"{best} ({taken}), built by {FACTORY}(width=4)"
    assert f"of {best} was taken {taken}" in error

    code, again, error = run(capfd, *words, "--out", out, *SMALL)
    assert (code, again) == (0, said)
    assert "2 found done" in error
    code, as_json, error = run(capfd, *words, "--out", out, *SMALL, "--json")
    assert (code, error) == (0, "")
    assert from_plain(json.loads(as_json)).outcomes == record.outcomes


def test_a_hugging_face_folder_with_a_reference_in_a_budget(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, out = vit_folder(tmp_path / "vit"), tmp_path / "attack"
    words = ("attack", folder, "--reference", folder, "--target", "digits", "--attacker", "linear_probe")
    code, said, error = run(
        capfd, *words, "--budget", "1min", "--attack-seeds", "1", "--fractions", "100", "--examples", "60",
        "--out", out, "--workers", "1", "--device", "cpu",
    )  # fmt: skip
    assert code == 0, error
    assert "planned for 1 minutes: " in error
    assert "from the attacked model and " in said
    assert "0.0 points less" in said  # the same model


def test_a_malicious_pickle_stops_the_command_and_runs_nothing(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "trace",)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"state_dict": Evil()}))
    words = ("attack", tmp_path / "evil.pth", "--module", FACTORY, "--size", "8", "--target", "digits")
    code, said, error = run(capfd, *words, "--out", tmp_path / "attack", *SMALL, "--quiet")
    assert (code, said) == (1, "")
    assert "evil.pth is refused" in error
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "attack").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--size", "8x8"), "size '8x8' is not understood; write height,width"),
        (("--size", "8", "--module-args", "[4]"), "module arguments '[4]' are not understood; write a JSON object"),
        (("--size", "8", "--module-args", "{"), "module arguments '{' are not understood"),
        (("--size", "8", "--budget", "soon"), "budget 'soon' is not understood"),
        (("--size", "8", "--budget", "20 trainings"), "the budget of an attack is in minutes"),
        (("--size", "8", "--reference", "nowhere"), "no model 'nowhere'"),
        (("--size", "8", "--module", "nowhere:make"), "'nowhere:make' cannot be imported"),
        ((), "does not say which images its network takes; give their height and width with --size"),
    ],
)
def test_wrong_usage_is_one_line(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    best = weights_file(tmp_path / "best.pt")
    line = ("attack", best, "--module", FACTORY, "--target", "digits", "--out", tmp_path / "attack", *SMALL, "--quiet")
    code, said, error = run(capfd, *line, *words)
    assert (code, said) == (2, "")
    assert len(error.splitlines()) == 1
    assert message in error
    assert not (tmp_path / "attack").exists()


def test_a_run_says_itself_what_it_holds(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{}")
    code, _, error = run(capfd, "attack", tmp_path, "--target", "digits", "--size", "8", *SMALL)
    assert code == 2
    assert "is an ArchLock run, which says itself how its models are built; leave out --size" in error


def test_help_teaches_with_examples(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    code, said, _ = run(capfd, "attack", "--help")
    assert code == 0
    for words in ("timm:create_model", "--budget 20min", "--reference", "--source", "Reading weights never runs code."):
        assert words in said
