"""The command line answers at once: heavy libraries are imported only where they work."""

import subprocess
import sys

HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "transformers", "datasets", "onnx", "PIL")


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_and_the_command_line_import_nothing_heavy() -> None:
    loaded = modules_after("import archlock, archlock.cli")
    assert not loaded & set(HEAVY)


def test_tasks_spaces_search_and_reports_import_nothing_heavy() -> None:
    loaded = modules_after("import archlock.tasks, archlock.spaces, archlock.search, archlock.reports")
    assert not loaded & set(HEAVY)
