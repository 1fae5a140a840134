"""Every example runs as it stands, says what it promises, and fits on one screen."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SAYS = {
    "own_attack": r"shrink_and_perturb +\d+\.\d% on rotation\(digits\), chance 2\d\.\d%",
    "own_simulator": r"blackout\(digits\): 1079 images to train, chance 2\d\.\d%",
    "proxies_on_a_model": r"params +1466 parameters",
    "search_a_space": r"6466 architectures judged, \d+ keep the floor",
    "task_distances": r"digits to digits +distance 0\.000",
}


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES} == set(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    assert len(path.read_text().splitlines()) <= 40
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(SAYS[path.stem], done.stdout), done.stdout
    assert not list(tmp_path.iterdir())
