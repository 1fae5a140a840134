"""Data that commands read for a model: bad images are left out where that is asked for, large ones are cached."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app
from archlock.recipes import OpenedModel
from folders import write_folder
from foreign_models import weights_file

COMMANDS = {
    "compact": ["--epochs", "2", "--periods", "2", "--runtime", "torch"],
    "harden": ["--epochs", "2", "--sparsity", "0", "--images", "4", "--steps", "1", "--queries", "1"],
    "robustness": ["--images", "4", "--steps", "1", "--queries", "1"],
    "peep": ["--networks", "70", "--observer", "memory", "--recordings", "1"],
    "edits": [],
}


class Reached(Exception):
    """The data were read."""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_data_reach_every_reading(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], dict[str, object]]] = []
    honest = OpenedModel.read_all

    def noted(self: OpenedModel, texts: list[str], **how: object) -> object:
        asked.append((list(texts), how))
        found = honest(self, texts, **how)  # type: ignore[arg-type]
        assert all(one.skipped == ("a/bad.png",) for one in found)
        if name in ("compact", "harden") and len(asked) < 2:
            return found
        raise Reached

    monkeypatch.setattr(OpenedModel, "read_all", noted)
    source, target = (write_folder(tmp_path / one, {"a": 10, "b": 10, "c": 10}) for one in ("own", "other"))
    for folder in (source, target):
        (folder / "a" / "bad.png").write_bytes(b"no image")
    weights = ["--module", "foreign_models:plain_network", "--size", "8"]
    targets = ["--target", str(target)] if name in ("compact", "harden") else []
    out = [] if name == "edits" else ["--out", str(tmp_path / "out"), "--quiet"]
    words = [
        name,
        str(weights_file(tmp_path / "best.pt")),
        *weights,
        "--source",
        str(source),
        *targets,
        *out,
        *COMMANDS[name],
    ]
    shown = CliRunner().invoke(app, [*words, "--skip-bad", "--cache", str(tmp_path / "cache")])
    assert isinstance(shown.exception, Reached), shown.output
    assert [texts for texts, _ in asked] == [[str(source)], [str(target)]][: len(asked)]
    assert len(asked) == 1 + bool(targets)
    for _, how in asked:
        assert (how["skip_bad"], how["cache"]) == (True, tmp_path / "cache")
