"""Reading the record of a command: is it one, is it of this schema, do its fields fit; else what does not is said."""

from pathlib import Path
from typing import TypeVar

from archlock.decoding import decode
from archlock.errors import RunError
from archlock.records import read_json

Record = TypeVar("Record")


def read_record(path: Path, kind: type[Record], name: str, schema: int) -> Record:
    """The record ``kind`` that a file holds, which calls itself ``name``; RunError names the file and what is wrong."""
    content = read_json(path)
    if not isinstance(content, dict) or content.get("record") != name:
        raise RunError(f'{path} is no {name} record: expected an object with "record": "{name}"')
    if content.get("schema") != schema:
        raise RunError(
            f"{path} has schema {content.get('schema')!r}, this version of ArchLock reads schema {schema} of {name} "
            "records; read it with the version that wrote it, or run again"
        )
    try:
        return decode(kind, content)
    except RunError as error:
        raise RunError(f"{path} is damaged: {error}") from error
