import json
from pathlib import Path

import pytest

from archlock.errors import RunError, WriteError
from archlock.evidence import Key, Measurement
from archlock.recipes.workspace import PLAN, SETTINGS, Workspace
from tiny_runs import tiny_config


def test_the_same_settings_take_the_directory_up(tmp_path: Path) -> None:
    settings = {"config": tiny_config(), "tasks": ("a", 1)}
    first = Workspace.open(tmp_path / "a/run", settings)
    written = (first.path / SETTINGS).read_bytes()
    (first.path / "mine.txt").write_text("stays")
    second = Workspace.open(tmp_path / "a/run", settings)
    assert second.path == first.path
    assert (first.path / SETTINGS).read_bytes() == written
    assert (first.path / "mine.txt").read_text() == "stays"


def test_other_settings_are_refused_and_only_what_changed_is_named(tmp_path: Path) -> None:
    Workspace.open(tmp_path / "run", {"seed": 0, "width": 16, "gone": True})
    (tmp_path / "run" / PLAN).write_text("{}")
    before = (tmp_path / "run" / SETTINGS).read_bytes()
    with pytest.raises(RunError) as caught:
        Workspace.open(tmp_path / "run", {"seed": 3, "width": 16, "new": "yes"})
    message = str(caught.value)
    for words in ("seed: 0 -> 3", "gone: True -> None", "new: None -> 'yes'", "give another --out", "run"):
        assert words in message
    assert "width" not in message
    assert (tmp_path / "run" / SETTINGS).read_bytes() == before


def test_settings_alone_are_no_run_and_evidence_is(tmp_path: Path) -> None:
    Workspace.open(tmp_path, {"seed": 0})
    store = Workspace.open(tmp_path, {"seed": 1}).store
    key = Key("toy:0", "digits", "accuracy")
    store.write([Measurement(key, 0.5, "accuracy", 1.0)])
    with pytest.raises(RunError, match="seed: 1 -> 2"):
        Workspace.open(tmp_path, {"seed": 2})


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="is not empty and holds no ArchLock run"):
        Workspace.open(tmp_path, {"seed": 0})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunError, match="run is a file; --out must be a directory"):
        Workspace.open(tmp_path / "run", {"seed": 0})


def test_an_empty_directory_will_do(tmp_path: Path) -> None:
    assert Workspace.open(tmp_path, {"seed": 0}).path == tmp_path


def test_damaged_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_text('{"seed": ')
    with pytest.raises(RunError, match=r"run\.json is not readable JSON"):
        Workspace.open(tmp_path, {"seed": 0})


def test_evidence_is_in_the_directory_or_where_it_is_shared(tmp_path: Path) -> None:
    own = Workspace.open(tmp_path / "one", {})
    shared = Workspace.open(tmp_path / "two", {}, store=tmp_path / "shared.sqlite")
    assert own.store.path == tmp_path / "one" / "evidence.sqlite"
    assert shared.store.path == tmp_path / "shared.sqlite"
    assert not (tmp_path / "two" / "evidence.sqlite").exists()


def test_trainings_lie_beside_a_store_that_is_named_unless_the_run_began_without(tmp_path: Path) -> None:
    own = Workspace.open(tmp_path / "own", {})
    assert own.trainings("full") == own.checkpoints == tmp_path / "own" / "checkpoints"
    store = tmp_path / "shared.sqlite"
    one, two = (Workspace.open(tmp_path / name, {}, store=store) for name in ("one", "two"))
    assert one.trainings("full") == two.trainings("full") == tmp_path / "shared-weights" / "full"
    assert one.trainings("other") == tmp_path / "shared-weights" / "other"
    begun = Workspace.open(tmp_path / "begun", {}, store=store)
    (tmp_path / "begun" / "checkpoints").mkdir()
    assert begun.trainings("third") == begun.checkpoints, "as it was before trainings were shared"
    assert one.checkpoints.exists()
    assert one.trainings("full") == tmp_path / "shared-weights" / "full", "with a folder of its own beside it"


def test_what_is_made_once_is_not_made_again(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, {})
    assert workspace.once("made.json", lambda: {"value": (1, 2)}) == {"value": [1, 2]}
    assert workspace.once("made.json", lambda: pytest.fail("made again")) == {"value": [1, 2]}
    assert json.loads((tmp_path / "made.json").read_text()) == {"value": [1, 2]}


def test_a_place_that_cannot_be_is_said_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a-file").write_text("mine")
    with pytest.raises(WriteError, match=r"a-file/run/deep cannot be written: .*a-file is a file and no directory"):
        Workspace.open(tmp_path / "a-file" / "run" / "deep", {"seed": 0})
    with pytest.raises(WriteError, match="the name is too long"):
        Workspace.open(tmp_path / ("x" * 300), {"seed": 0})

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(WriteError, match=r"run cannot be written: it is read-only.*name another place \(--out\)"):
        Workspace.open(tmp_path / "run", {"seed": 0})


def test_room_is_looked_at_before_the_work(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, {})
    workspace.check_room(1000)
    with pytest.raises(RunError, match=r"writes about 1,099,511,627,776 MiB into .* make room .* another --out"):
        workspace.check_room(2**60)
