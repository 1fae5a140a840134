"""Data on the command line: options of a source, names of several, what is said of them."""

from pathlib import Path
from typing import Any

import pytest
import typer

from archlock.cli.app import app, main
from archlock.tasks import Task
from folders import write_folder

FAST = ["--proxies", "params", "--sample", "2", "--workers", "1"]


def photos(root: Path, *places: str) -> list[str]:
    """Folders of images of that path each, no two the same."""
    return [str(write_folder(root / place, {"cat": 4 + row, "dog": 5})) for row, place in enumerate(places)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[Task]]:
    """What ``archlock measure`` and ``archlock transfer`` would have worked on."""
    import archlock.recipes

    found: list[list[Task]] = []

    def keep(*tasks: object, **_: object) -> None:
        found.append([task for some in tasks if isinstance(some, list) for task in some])
        raise KeyboardInterrupt

    monkeypatch.setattr(archlock.recipes, "measure", keep)
    monkeypatch.setattr(archlock.recipes, "transfer", keep)
    return found


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    return int(str(caught.value.code))


def test_two_folders_of_one_name_are_told_apart(tmp_path: Path, opened: list[list[Task]]) -> None:
    one, other = photos(tmp_path, "a/photos", "b/photos")
    run("measure", "--space", "nasbench201", "--task", one, "--task", other, *FAST, "--out", str(tmp_path / "x.sqlite"))
    run("transfer", "--source", one, "--target", other, "--target", one, "--out", str(tmp_path / "x.npz"))
    run("measure", "--space", "nasbench201", "--task", f"{one}?name=mine", *FAST, "--out", str(tmp_path / "x.sqlite"))
    assert [[task.name for task in tasks] for tasks in opened] == [
        ["a-photos", "b-photos"],
        ["a-photos", "b-photos", "a-photos"],
        ["mine"],
    ]


def test_what_was_noticed_is_on_the_standard_error_stream_even_if_quiet(
    tmp_path: Path, opened: list[list[Task]], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder,) = photos(tmp_path, "phone")
    (tmp_path / "phone" / "cat" / "IMG_1.HEIC").touch()
    run("measure", "--space", "nasbench201", "--task", folder, *FAST, "--out", str(tmp_path / "x.sqlite"), "--quiet")
    said = capsys.readouterr()
    assert "1 file was passed over, of kinds that are not read (1 .heic); class 'cat' loses 1 of 5" in said.err
    assert not said.out


@pytest.mark.parametrize("option", ["--target", "--audit"])
def test_data_that_are_not_understood_are_said_before_anything_is_spent(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, *_ = photos(tmp_path, "mine", "bad/hall", "bad/dach")
    code = run(
        "lock", "--source", source, option, str(tmp_path / "bad"), "--out", str(tmp_path / "run"), "--budget", "1h"
    )
    assert code == 3
    assert "dach and hall all hold the folders cat and dog, so they look like splits" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("command", "option"), [("lock", "source"), ("attack", "target"), ("measure", "task"), ("transfer", "source")]
)
def test_the_help_shows_how_options_of_a_source_are_written(command: str, option: str) -> None:
    commands: Any = typer.main.get_command(app)
    (help_text,) = (one.help for one in commands.commands[command].params if one.name == option)
    assert "'hf:NAME?label=fine_label&test=validation'" in help_text
