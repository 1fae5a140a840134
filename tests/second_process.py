"""Run Python in another process that sees the same modules: for "same seed, same result, also in a second process"."""

import subprocess
import sys
from collections.abc import Sequence


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that runs the code with ``sys.argv[1:]`` the arguments; its output is text."""
    path = [entry for entry in sys.path if entry]
    words: Sequence[str] = [sys.executable, "-c", f"import sys; sys.path[:0] = {path}\n{code}", *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def printed(code: str, *arguments: object) -> str:
    """What the code prints when it runs to its end; a failure fails the test."""
    process = start(code, *arguments)
    out, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint
    return out.strip()
