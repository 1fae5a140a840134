"""From plain JSON types to frozen dataclasses, checked field by field.

Knows the types that records are made of: strings, whole numbers, numbers, booleans, None, literals, unions, tuples,
string-keyed mappings and dataclasses. Every complaint names the place (``outcomes[3].test``), what was expected there
and what was found. Not for: anything that is not a record.
"""

import dataclasses
import sys
import types
import typing
from typing import Any, Literal, TypeVar

from archlock.errors import RunError

T = TypeVar("T")


def decode(kind: type[T], value: object, *, where: str = "") -> T:
    """The dataclass ``kind`` made from a JSON object; anything that does not fit raises RunError naming the place.

    Whole numbers are accepted where a number is expected; NaN and infinities are not. Unknown fields are an error (the
    schema number says which fields there are); a field that has a default may be missing.
    """
    return typing.cast(T, _decode(kind, value, where))


def _decode(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if value in arguments and type(value) in {type(argument) for argument in arguments}:
            return value
        raise _misfit(where, "one of " + ", ".join(map(repr, arguments)), value)
    if origin is types.UnionType or origin is typing.Union:
        return _decode_union(arguments, value, where)
    if origin is tuple:
        return _decode_tuple(arguments, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise _misfit(where, "an object", value)
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _decode_scalar(kind, value, where)


def _decode_dataclass(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _misfit(where, f"an object with the fields of a {kind.__name__}", value)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise RunError(f"{where or 'the record'} has the unknown field {unknown[0]!r}; known: {', '.join(fields)}")
    hints = typing.get_type_hints(kind)
    made = {}
    for name, field in fields.items():
        place = f"{where}.{name}" if where else name
        if name in value:
            made[name] = _decode(hints[name], value[name], place)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RunError(f"{place} is missing; expected every field of a {kind.__name__}")
    return kind(**made)


def _decode_union(members: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in members:
        return None
    rest = [member for member in members if member is not type(None)]
    return _decode(rest[0], value, where)  # records only use "X or None"


def _decode_tuple(members: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise _misfit(where, "a list", value)
    if len(members) == 2 and members[1] is Ellipsis:
        return tuple(_decode(members[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(value) != len(members):
        raise _misfit(where, f"a list of {len(members)}", value)
    return tuple(
        _decode(member, item, f"{where}[{index}]")
        for index, (member, item) in enumerate(zip(members, value, strict=True))
    )


def _decode_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= sys.float_info.max:
            raise _misfit(where, "a finite number", value)
        return float(value)
    if type(value) is kind:
        return value
    raise _misfit(where, {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}[kind], value)


def _misfit(where: str, expected: str, value: object) -> RunError:
    found = repr(value)
    return RunError(
        f"{where or 'the record'}: expected {expected}, got {found if len(found) <= 60 else found[:57] + '...'}"
    )
