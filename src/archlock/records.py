"""Writing small records: canonical JSON, content fingerprints, and files that are whole or absent.

A record is anything made of dataclasses, mappings, sequences, strings, numbers, booleans and None.
"""

import dataclasses
import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from archlock.errors import RunError, WriteError, refusal

LATER: Final = MappingProxyType({"later": True})
"""Metadata of a dataclass field that came after records were written: at its default it is left out of JSON, so that
fingerprints and names of what was there before stay as they are. (Reading knows the default.)"""


def plain(record: object) -> Any:
    """The record as JSON types: dataclasses become objects, tuples lists, paths strings."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        values = ((field, getattr(record, field.name)) for field in dataclasses.fields(record))
        return {
            field.name: plain(value)
            for field, value in values
            if not (field.metadata.get("later") and value == field.default)
        }
    if isinstance(record, Mapping):
        return {str(key): plain(value) for key, value in record.items()}
    if isinstance(record, str | int | float | bool) or record is None:
        return record
    if isinstance(record, Path):
        return str(record)
    if isinstance(record, Sequence):
        return [plain(item) for item in record]
    if hasattr(record, "item"):  # a NumPy scalar
        return record.item()
    raise TypeError(f"cannot write a {type(record).__name__} as JSON: {record!r}")


def canonical_json(record: object) -> str:
    """The one JSON text of a record: sorted keys, no spaces, no NaN (ValueError)."""
    return json.dumps(plain(record), sort_keys=True, separators=(",", ":"), allow_nan=False)


def fingerprint(record: object) -> str:
    """First 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(record).encode()).hexdigest()[:16]


def utf8(text: str) -> bytes:
    """The text as UTF-8. What UTF-8 cannot hold is written as an escape, never an error.

    That is half a character, as Python reads a file name that is in another encoding (``caf\\xe9``).
    """

    def escaped(found: re.Match[str]) -> str:
        code = ord(found[0])
        return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return re.sub(r"[\ud800-\udfff]", escaped, text).encode()


def write_atomic(path: Path, content: str | bytes) -> Path:
    """Write a file so that a reader, or a kill at any moment, sees the old content or the new one, never half.

    What the operating system refuses raises :class:`~archlock.errors.WriteError`; then the old content stays.
    """
    data = utf8(content) if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")  # (tempfile would make it private)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteError.of(path, error) from error
    return path


def check_writable(path: Path) -> None:
    """Whether a file of that path could be written now, tried out; else WriteError. Everything is left as it was."""
    try:
        if path.is_dir():
            raise WriteError(f"{path} cannot be written: it is a directory and no file; name a file in it")
        made = [folder for folder in path.parents if not folder.exists()]  # the innermost first
        write_atomic(path.with_name(f"{path.name[:200]}.try"), b" ").unlink()
    except OSError as error:
        raise WriteError.of(path, error) from error
    except WriteError as error:
        cause = error.__cause__
        raise (WriteError.of(path, cause) if isinstance(cause, OSError) else error) from error
    for folder in made:
        with suppress(OSError):  # (somebody may have put something there)
            folder.rmdir()


def write_json(path: Path, record: object) -> Path:
    """Write a record as indented JSON, atomically."""
    return write_atomic(path, json.dumps(plain(record), indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or damaged one raises :class:`RunError` that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} is missing; expected a file that ArchLock wrote there") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {refusal(error, path)}") from error
    except ValueError as error:
        raise RunError(f"{path} is not readable JSON ({error}); delete it to have it made again") from error
