"""The command line as an owner of data meets it: words, exit codes, and what is on which stream."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import archlock
from archlock.attacks import DEFAULT, panel_named
from archlock.cli import main
from archlock.recipes import LockConfig, parse_floor
from archlock.reports import LockRecord, cost_to_reach, from_json, from_plain, to_json
from archlock.tasks import save_task
from report_records import attack_record, lock_record
from tiny_runs import tiny_begin, tiny_config, tiny_source, tiny_target

TINY = ("--budget", "8 trainings", "--floor", "50", "--simulate", "rotation", "--width", "4", "--epochs", "2")
QUICK = (*TINY, "--arms", "none", "--attack-seeds", "1", "--fractions", "100", "--workers", "1", "--device", "cpu")


class Said:
    """How a command ended, and what it said where."""

    def __init__(self, code: int, out: str, error: str) -> None:
        self.code, self.out, self.error = code, out, error

    @property
    def unwarned(self) -> str:
        """The standard error without warnings: such small networks hardly learn anything, and that is said."""
        return "".join(line for line in self.error.splitlines(keepends=True) if not line.startswith("warning: The "))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    return Run(capfd)


class Run:
    """Runs a command line in this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd

    def __call__(self, *words: object) -> Said:
        self.capfd.readouterr()
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
        said = Said(code, *self.capfd.readouterr())
        assert "Traceback" not in said.out + said.error
        return said


def write_images(folder: Path, classes: Sequence[str] = ("cat", "dog"), count: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def test_help_names_the_commands_and_what_they_are_for(run: Run) -> None:
    said = run("--help")
    assert said.code == 0
    for words in ("lock", "attack", "report", "demo", "hard to repurpose"):
        assert words in said.out


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (
            "lock",
            (
                "--source",
                "--audit",
                "--target",
                "--budget",
                "--floor",
                "--arms",
                "--out",
                "--json",
                "--quiet",
                "--seed",
            ),
        ),
        ("attack", ("--target", "--attacker", "--fractions", "--epochs", "--trials", "--horizons", "--shots")),
        ("report", ("--out",)),
        ("demo", ("--out", "--json")),
    ],
)
def test_help_of_a_command_names_its_options(run: Run, command: str, options: tuple[str, ...]) -> None:
    said = run(command, "--help")
    assert said.code == 0
    assert not [option for option in options if option not in said.out]


def test_the_version_is_the_one_of_the_package(run: Run) -> None:
    assert run("--version").out == f"archlock {archlock.__version__}\n"


def test_the_module_is_the_command() -> None:
    path = [entry for entry in sys.path if entry]
    code = f"import sys, runpy; sys.path[:0] = {path}; sys.argv = ['archlock', '--version']; "
    words = [sys.executable, "-c", code + "runpy.run_module('archlock', run_name='__main__')"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"archlock {archlock.__version__}\n"


def test_without_a_command_help_is_shown(run: Run) -> None:
    said = run()
    assert said.code in (0, 2)
    assert "lock" in said.out + said.error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--budget", "soon"), "budget 'soon' is not understood; write for example 20min"),
        (("--budget", "7 trainings"), "give at least 8 trainings"),
        (("--floor", "low"), "floor 'low' is not understood"),
        (("--floor", "p200"), "as a fraction from 0 to 1"),
        (("--fractions", "0,100"), "fractions '0,100' are not understood; write percentages in (0, 100]"),
        (("--fractions", "all"), "fractions 'all' are not understood"),
        (("--space", "wish"), "unknown space 'wish'; known: nasbench201"),
        (("--strategy", "wish"), "unknown strategy 'wish'; known: exhaustive"),
        (("--evidence", "zero_cost", "--preference", "wish"), "unknown preference 'wish'; known: score_model"),
        (("--simulate", "wish"), "'wish'; known: "),
        (
            ("--arms", "random,wish"),
            "arms 'random,wish' are not understood; write random, same_size, nsga2, several with commas",
        ),
        (("--scheme", "tk"), "scheme tk needs the targets it is to lock against; name one with --target"),
        (("--device", "cuda:77"), "device 'cuda:77' is not available here"),
        (("--device", "abacus"), "device 'abacus' is not available here"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    run: Run, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    said = run("lock", "--source", "digits", "--out", tmp_path / "run", "--quiet", *QUICK, *words)
    assert said.code == 2
    assert said.out == ""
    (line,) = said.error.splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.parametrize(
    "words", [("lock",), ("lock", "--source", "digits"), ("lock", "--scheme", "wish"), ("bake",), ("attack", "x")]
)
def test_a_line_that_does_not_parse_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    said = run(*words)
    assert said.code == 2
    assert "Usage: archlock" in said.error


def test_data_that_cannot_be_used_is_exit_code_3(run: Run, tmp_path: Path) -> None:
    lonely = write_images(tmp_path / "lonely", ["cat"])
    broken = write_images(tmp_path / "broken")
    (broken / "dog" / "3.png").write_bytes(b"no image")
    empty = tmp_path / "empty"
    empty.mkdir()
    for source, words in (
        (lonely, "one class only ('cat'); a task needs at least two"),
        (broken, "3.png"),
        (empty, "empty"),
    ):
        said = run("lock", "--source", source, "--out", tmp_path / "run", "--quiet", *QUICK)
        assert (said.code, said.out) == (3, ""), said.error
        assert said.error.startswith("error: ")
        assert words in said.error
        assert not (tmp_path / "run" / "plan.json").exists()


def test_data_that_is_not_there_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    said = run("lock", "--source", tmp_path / "nowhere", "--out", tmp_path / "run", "--quiet", *QUICK)
    assert (said.code, said.out) == (2, "")
    assert "nowhere': no such file, and no name that is known; expected digits | a folder" in said.error
    assert not (tmp_path / "run").exists()


def test_an_error_as_json_has_a_name_and_a_message(run: Run, tmp_path: Path) -> None:
    source = write_images(tmp_path / "lonely", ["cat"])
    said = run("lock", "--source", source, "--out", tmp_path / "run", "--json")
    assert said.code == 3
    content = json.loads(said.out)
    assert set(content) == {"error", "message"}
    assert content["error"] == "TaskError"
    assert said.error == f"error: {content['message']}\n"


def test_a_run_directory_of_somebody_else_is_exit_code_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = run("lock", "--source", "digits", "--out", tmp_path, "--quiet", *QUICK)
    assert said.code == 1
    assert "is not empty and holds no ArchLock run" in said.error


def test_an_interruption_is_exit_code_130(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archlock.recipes.rebuild", stopped)
    said = run("report", tmp_path)
    assert said.code == 130
    assert said.error == "stopped; the same command takes the run up where it was\n"


def test_a_report_is_made_again(run: Run, tmp_path: Path) -> None:
    to_json(tmp_path / "result.json", lock_record())
    said = run("report", tmp_path)
    assert (said.code, said.out) == (0, f"report: {tmp_path / 'report.html'}\n")
    first = (tmp_path / "report.html").read_bytes()
    assert (tmp_path / "README.md").exists()
    (tmp_path / "report.html").unlink()
    (tmp_path / "README.md").unlink()
    assert run("report", tmp_path, "--out", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "result.json"]


def test_a_report_of_an_attack_is_made_again(run: Run, tmp_path: Path) -> None:
    to_json(tmp_path / "result.json", attack_record())
    assert run("report", tmp_path).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "result.json"]


def test_a_report_of_nothing_is_exit_code_1(run: Run, tmp_path: Path) -> None:
    said = run("report", tmp_path)
    assert said.code == 1
    assert "result.json is missing" in said.error


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    save_task(tiny_source(), folder / "mine.npz")
    save_task(tiny_target(), folder / "theirs.npz")
    return folder


def test_a_lock_from_the_command_line_as_json_and_in_words_and_under_attack(run: Run, data: Path) -> None:
    out = data / "run"
    tiny_begin(
        out, tiny_config(held_out=LockConfig().held_out, floor=parse_floor("50"), attackers=())
    )  # what the command line asks, with the least plan
    words = ("lock", "--source", data / "mine.npz", "--audit", data / "theirs.npz", "--out", out, *QUICK)
    said = run(*words, "--json")
    assert (said.code, said.unwarned) == (0, "")
    record = from_plain(json.loads(said.out))
    assert isinstance(record, LockRecord)
    assert record == from_json(out / "result.json")
    assert [target.simulated for target in record.targets] == [False]

    said = run(*words)  # again, in words: nothing is left to do
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[-2:] == [f"model:  {out / 'locked.safetensors'}", f"report: {out / 'report.html'}"]
    assert "decided: nasbench201:" in said.error
    assert f"{2 * len(panel_named(DEFAULT).attackers)} found done" in said.error

    said = run(*words, "--quiet")
    assert (said.code, said.unwarned, said.out.splitlines()) == (0, "", lines)

    attack = ("attack", out, "--target", data / "theirs.npz", "--attacker", "linear_probe", "--epochs", "1")
    said = run(*attack, "--attack-seeds", "1", "--fractions", "100", "--workers", "1", "--device", "cpu", "--json")
    assert (said.code, said.unwarned) == (0, "")
    assert json.loads(said.out)["record"] == "attack"
    harder = (*attack, "--attacker", "fine_tune", "--out", data / "harder", "--attack-seeds", "1", "--fractions", "100")
    harder = (*harder, "--workers", "1", "--device", "cpu", "--trials", "3", "--horizons", "1,2", "--shots", "2")
    said = run(*harder, "--json")
    assert (said.code, said.unwarned) == (0, "")
    found = from_plain(json.loads(said.out)).outcomes
    assert {(o.fraction, o.shots, o.horizon) for o in found} == {
        (fraction, shots, horizon) for fraction, shots in ((1.0, None), (0.2, 2)) for horizon in (1.0, 2.0)
    }
    trained = [o for o in found if o.attacker == "fine_tune"]
    for outcome in trained:
        whole = cost_to_reach(outcome, outcome.validation)
        assert outcome.flops
        assert 0 < whole.steps <= outcome.steps
        assert 0 < whole.flops <= outcome.flops
    assert "2 of each class, 2x as long" in (data / "harder" / "report.html").read_text()
    said = run(*harder, "--horizons", "never")
    assert said.code == 2
    assert "horizons 'never' are not understood; write numbers above 0" in said.error
    said = run(*attack, "--attacker", "wish")
    assert said.code == 2
    assert "unknown attacker 'wish'; known: from_scratch, linear_probe" in said.error
