import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import ConfigurationError


@pytest.fixture
def script(monkeypatch):
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "on_gpu.py"
    specification = importlib.util.spec_from_file_location("on_gpu", path)
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "on_gpu", module)  # where its dataclasses look for themselves
    specification.loader.exec_module(module)
    return module


def test_the_processor_agrees_with_itself(script, capsys):
    assert script.main(["--device", "cpu", "--only", "scores", "probes", "proxies"]) == 0
    said = capsys.readouterr().out
    assert said.count(" ok ") == 3
    assert said.count("0.0e+00 of at most") == 3
    assert said.endswith("3 of 3 ok\n")


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (
            lambda device, folder: {"accuracy": 0.5 if "cpu" in folder.name else 0.75},
            "2.5e-01 of at most 0.1 (accuracy",
        ),
        (lambda device, folder: {"accuracy": np.nan if "cpu" in folder.name else 0.5}, "nan of at most 0.1 (accuracy"),
        (lambda device, folder: {folder.name[-3:]: 0.5}, "other values: cpu, ice"),
        (lambda device, folder: {}, "nothing was measured"),
        (lambda device, folder: 1 / 0, "on cpu: division by zero"),
    ],
    ids=["differs", "not finite", "other values", "nothing", "error"],
)
def test_what_does_not_agree_is_a_failure(script, monkeypatch, capsys, work, words):
    monkeypatch.setattr(script, "CHECKS", (script.Check("planted", work, 0.1),))
    assert script.main(["--device", "cpu"]) == 1
    said = capsys.readouterr().out
    assert f"planted{'':7}FAILED" in said
    assert words in said
    assert said.endswith("0 of 1 ok; FAILED: planted\n")


def test_a_run_that_is_done_anew_or_names_another_device_is_found(script, tmp_path):
    class Store:
        def fidelities(self):
            return {"short-v2-torch2.9-cpu-0123": 3}

    def restless(progress):
        progress.begin("stage", 3, 1)

    with pytest.raises(AssertionError, match="taken up again, 2 jobs were done anew"):
        script.twice(restless, "cpu", tmp_path / "store.sqlite")
    script.EvidenceStore = lambda path: Store()
    script.twice(lambda progress: None, "cpu", tmp_path / "store.sqlite")
    with pytest.raises(AssertionError, match=r"values that do not name the device: short-v2-torch2\.9-cpu-0123"):
        script.twice(lambda progress: None, "cuda", tmp_path / "store.sqlite")


def test_a_gpu_that_is_not_here_is_said_at_once(script):
    with pytest.raises(ConfigurationError, match="device 'cuda:99' is not available here"):
        script.main(["--device", "cuda:99"])
