"""Traces of a suspect in a file: JSON lines, an object for each operator, with the columns that the observer sees.

``{"seconds": 2.1e-05, "bytes": 65536, "held": 1}``: how long it took, bytes that it asked for, and after how many
further operators these were given back (0: never). Nothing but numbers is read; other columns are refused, so that no
name slips in.
"""

import json
import math
from pathlib import Path
from typing import Any, Final

from archlock.errors import RunError, refusal
from archlock.leaks.observation import Observation
from archlock.leaks.observers import Observer
from archlock.leaks.recording import Recording
from archlock.records import write_atomic

MOST: Final = 100_000
"""Operators of a trace: a network has some hundreds."""
_COLUMNS: Final = {"seconds": "seconds", "bytes": "sizes", "held": "held"}


def write_trace(path: Path, observation: Observation) -> Path:
    """Write an observation of operators, which :func:`read_trace` reads."""
    columns = {name: getattr(observation, field) for name, field in _COLUMNS.items() if getattr(observation, field)}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return write_atomic(path, "".join(json.dumps(row) + "\n" for row in rows))


def observer_of_trace(path: Path) -> str:
    """The observer that the columns of a trace's first line are of; RunError where it is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            row = json.loads(lines.readline(MOST))
    except ValueError:
        row = None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {refusal(error, path)}") from error
    columns = set(row) if isinstance(row, dict) else set()
    name = {(True, True): "both", (True, False): "timer", (False, True): "memory"}.get(
        ("seconds" in columns, "bytes" in columns)
    )
    if name is None:
        raise RunError(
            f"{path} is no trace: expected lines of JSON objects with the columns {', '.join(_COLUMNS)}; at least "
            "seconds or bytes"
        )
    return name


def read_trace(path: Path, observer: Observer) -> Observation:
    """The observation in a file, as that observer sees it; whatever does not fit raises RunError by its line."""
    wanted = [*(["seconds"] if observer.time else []), *(["bytes", "held"] if observer.memory else [])]
    if not wanted:
        raise RunError(f"{path} is a trace of operators, which the observer {observer.name} does not see")
    found: dict[str, list[float]] = {name: [] for name in wanted}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if number > MOST:
                    raise RunError(f"{path} has more than {MOST:,} lines; a trace of a network has some hundreds")
                row = _row(path, number, line, wanted)
                for name in wanted:
                    found[name].append(row[name])
    except UnicodeDecodeError as error:
        raise RunError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {refusal(error, path)}") from error
    nothing = (0,) * len(found[wanted[0]])
    return observer.observe(
        Recording(
            tuple(int(value) for value in found.get("bytes", nothing)),
            tuple(int(value) for value in found.get("held", nothing)),
            tuple(found.get("seconds", ())),
        )
    )


def _row(path: Path, number: int, line: str, wanted: list[str]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise RunError(f"{path}, line {number} is no JSON ({error}); expected an object for each operator") from error
    if not isinstance(row, dict):
        raise RunError(f'{path}, line {number} is no object; expected for example {{"seconds": 2.1e-05}}')
    missing, odd = [name for name in wanted if name not in row], [name for name in row if name not in _COLUMNS]
    if missing or odd:
        words = f"lacks {', '.join(missing)}" if missing else f"has the unknown column {odd[0]!r}"
        raise RunError(f"{path}, line {number} {words}; columns of a trace are {', '.join(_COLUMNS)}")
    for name in wanted:
        value = row[name]
        number_like = isinstance(value, int | float) and not isinstance(value, bool)
        if not number_like or not math.isfinite(value) or value < 0 or (name != "seconds" and value != int(value)):
            kind = "a number" if name == "seconds" else "a whole number"
            raise RunError(f"{path}, line {number}: {name} is {kind}, 0 or above; got {value!r}")
    return row
