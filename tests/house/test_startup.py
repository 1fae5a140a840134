"""The command line answers at once: heavy libraries are imported only where they work."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from archlock.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[2]

HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "transformers", "datasets", "onnx", "PIL")

OPTIONAL = ("onnx", "onnxscript", "optuna", "pymoo", "matplotlib")
"""What most work goes without: imported where an ONNX file, a search by trials, NSGA-II or a picture is made."""


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # where the test itself imports from
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=places)
    return set(done.stdout.split())


def test_the_package_and_the_command_line_import_nothing_heavy() -> None:
    loaded = modules_after("import archlock, archlock.cli")
    assert not loaded & set(HEAVY)


def test_tasks_spaces_search_and_reports_import_nothing_heavy() -> None:
    loaded = modules_after("import archlock.tasks, archlock.spaces, archlock.search, archlock.reports")
    assert not loaded & set(HEAVY)


def test_help_imports_nothing_heavy() -> None:
    loaded = modules_after(
        "from contextlib import redirect_stdout, suppress\n"
        "from archlock.cli import main\n"
        "with redirect_stdout(sys.stderr), suppress(SystemExit): main(['--help'])"
    )
    assert "archlock.cli.app" in loaded
    assert not loaded & {*HEAVY, *OPTIONAL}


def test_a_lock_up_to_its_files_imports_no_optional_part(tmp_path: Path) -> None:
    loaded = modules_after(
        "from pathlib import Path\n"
        "from archlock.recipes.lock.decide import decide\n"
        "from archlock.recipes.lock.release import release\n"
        "from tiny_runs import tiny_begin\n"
        f"run = tiny_begin(Path({str(tmp_path)!r}))\n"
        "release(run, decide(run).locked)"
    )
    assert "torch" in loaded
    assert not loaded & set(OPTIONAL)


def test_the_optional_parts_are_the_extras_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"]
    for extra, libraries in EXTRAS.items():
        assert {re.split("[<>=]", one)[0] for one in listed[extra]} == set(libraries)
        assert extra in listed["dev"][0], "make install brings every extra"
        assert extra in (ROOT / "README.md").read_text().split(".[", 1)[1].split("]")[0], "and so does the README"
    always = {re.split("[<>=]", one)[0] for one in project["dependencies"]}
    assert always & set(OPTIONAL) == {"matplotlib"}, "every page has pictures"


def test_the_pythons_that_are_promised_are_those_that_are_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    assert project["requires-python"] == f">={named[0]}"
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in named
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"python(3\.\d+)", makefile.split("FOUND")[1].split(";")[0]) == named


@pytest.mark.parametrize("name", ["python3.12", "python3.13", "python3", "python"])
def test_make_finds_the_one_python_there_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / name).chmod(0o755)
    assert f"{name} -m venv" in planned(tmp_path)


def test_make_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")  # as one that is too old answers
    (tmp_path / "python3").chmod(0o755)
    said = planned(tmp_path)
    assert 'test -n "" ||' in said
    assert "ArchLock needs Python 3.11 or newer" in said


def planned(path: Path) -> str:
    """What `make demo` would run with no Python but those in a folder."""
    make = shutil.which("make")
    assert make is not None
    for tool in ("sh", "grep"):
        (path / tool).symlink_to(shutil.which(tool) or tool)
    words = [make, "--dry-run", "demo", f"VENV={path / 'venv'}"]
    return subprocess.run(words, cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True, check=True).stdout
