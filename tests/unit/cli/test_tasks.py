"""``archlock tasks``: what is listed, made and refused."""

import json
import re

import numpy as np
import pytest

from archlock.cli import main
from archlock.tasks import load_task, open_task

SMALL = ["--train", "3", "--validation", "1", "--test", "1"]


def run(*words: object) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def test_the_list_has_recipes_and_all_ten_tasks(capsys) -> None:
    assert run("tasks", "list") == 0
    said = capsys.readouterr().out
    assert "darcy:SIDE: pressures of Darcy flow" in said
    assert "not made here: recordings of people" in said
    assert run("tasks", "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [recipe["name"] for recipe in told["recipes"]] == ["darcy", "spherical", "mixtures", "letters"]
    assert len(told["nas_bench_360"]) == 10
    assert {task["name"] for task in told["nas_bench_360"] if task["text"]} == {"spherical", "darcy"}


def test_one_task_is_shown_with_its_program(capsys) -> None:
    assert run("tasks", "show", "ninapro") == 0
    said = capsys.readouterr().out
    assert "published: 2,638 / 659 / 659 examples, error % (lower is better), CC BY-ND" in said
    assert 'np.load(f"ninapro_{file}.npy")' in said
    assert run("tasks", "show", "ninapro", "--json") == 0
    assert json.loads(capsys.readouterr().out)["shape"] == [1, 16, 52]
    assert run("tasks", "show", "ninapra") == 2
    assert "(did you mean 'ninapro'?)" in capsys.readouterr().err


def test_a_task_is_made_saved_and_the_same_again(tmp_path, capsys) -> None:
    out = tmp_path / "flow.npz"
    assert run("tasks", "make", "darcy", "--size", 9, *SMALL, "--out", out) == 0
    shown = capsys.readouterr()
    assert "making darcy: 5 of 5" in shown.err
    assert "the same without a file: --source 'darcy:9?train=3&validation=1&test=1' --seed 0" in shown.out
    made = load_task(out)
    assert made.fingerprint == open_task("darcy:9?train=3&validation=1&test=1").fingerprint
    letters = tmp_path / "letters.npz"
    assert run("tasks", "make", "letters:7", "--size", 8, "--train", 40, "--test", 20, "--out", letters) == 0
    assert "--source 'letters:7?train=40&test=20&side=8' --seed 0" in capsys.readouterr().out
    assert load_task(letters).fingerprint == open_task("letters:7?train=40&test=20&side=8").fingerprint
    assert run("tasks", "make", "darcy", "--size", 9, *SMALL, "--out", out) == 2
    assert f"{out} is there already; name another file, or write over it with --replace" in capsys.readouterr().err
    assert run("tasks", "make", "darcy", "--size", 9, *SMALL, "--seed", 1, "--out", out, "--replace", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fingerprint"] == load_task(out).fingerprint != made.fingerprint
    assert (told["kind"], told["shape"], told["train"]) == ("field", [3, 9, 9], 3)


def test_a_task_of_other_data(tmp_path, capsys) -> None:
    images, labels = np.random.default_rng(0).integers(0, 256, (12, 8, 8)).astype(np.uint8), np.arange(12) % 2
    np.savez(tmp_path / "flat.npz", x_train=images, y_train=labels)
    out, data = tmp_path / "ball.npz", f"{tmp_path}/flat.npz?layout=NHW"
    assert run("tasks", "make", "spherical", "--from", data, "--size", 12, "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["text"] == f"spherical:{tmp_path}/flat.npz?layout=NHW&side=12"
    assert load_task(out).shape == (1, 12, 12)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["darci"], 2, "unknown recipe 'darci'; known: darcy, spherical, mixtures, letters (did you mean 'darcy'?)"),
        (
            ["ninapro"],
            2,
            "ninapro is not made here: recordings of people: they cannot be generated; instead, and not the",
        ),
        (["fsd50k"], 2, "instead, and not the same: mixtures:DATA, two speakers at once"),
        (["spherical"], 2, "spherical is made of other data: name them with --from"),
        (["darcy", "--from", "digits"], 2, "darcy is made of nothing: leave out --from"),
        (["darcy", "--size", "7"], 2, "a side of '7' is not possible; expected a whole number from 8 to 421"),
        (
            ["spherical", "--from", "digits", "--size", "7"],
            2,
            "side= '7' is not possible; expected a whole number from 8",
        ),
        (["spherical", "--from", "digits", "--train", "7"], 2, "spherical takes no --train; see archlock tasks list"),
        (["mixtures", "--from", "digits", "--size", "7"], 2, "mixtures takes no --size; see archlock tasks list"),
        (["spherical", "--from", "lost.npz"], 3, "lost.npz does not exist; give the path of a .npz file"),
        (["mixtures", "--from", "digits"], 2, "digits has no option 'label'"),
    ],
)
def test_what_is_refused(words, code, said, tmp_path, capsys) -> None:
    assert run("tasks", "make", *words, "--out", tmp_path / "x.npz") == code
    assert re.search(re.escape(said), capsys.readouterr().err)
    assert not (tmp_path / "x.npz").exists()


def test_files_have_the_ending_they_are_known_by(tmp_path, capsys) -> None:
    assert run("tasks", "make", "darcy", *SMALL, "--out", tmp_path / "x") == 2
    assert "does not end in .npz, by which it is known as an archive; write" in capsys.readouterr().err
