"""What a plug-in does, as a fingerprint: its code and its settings, so that an edited one is not taken for the old one.

The code is Python's own compiled form (it is there in scripts, notebooks and workers alike): of every method that the
class has beyond its base, and of the functions, classes and constants of the same module that they name, in turn.
Comments, line numbers and docstrings do not count. Code of other modules counts by its name alone; a plug-in that rests
on such code states a ``version`` and changes it. Another Python version may give another fingerprint: then things are
measured again, never taken for what they are not.
"""

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Iterator
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, Final

FOR_READERS: Final = frozenset({"name", "paper", "summary", "kinds"})
"""Attributes that are for readers alone, or that are in a key anyway."""


def identity_of(member: object, *, base: type) -> str:
    """Fingerprint of a member of a catalog whose contract is ``base``: 16 hex digits, the same in every process."""
    kind = type(member)
    own = [cls for cls in kind.__mro__ if cls not in base.__mro__]
    reader = _Reader()
    parts = {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "code": [reader.body(cls) for cls in own],
        "declared": {name: _value(getattr(member, name, None)) for name in _declared(base)},
        "state": {name: _value(value) for name, value in sorted(_state(member))},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def tag_of(member: object, *, base: type) -> str:
    """Nothing for a member of this package, whose recipes have versions; for a plug-in a dash and 8 hex digits."""
    return "" if type(member).__module__.startswith("archlock.") else f"-{identity_of(member, base=base)[:8]}"


def _declared(base: type) -> list[str]:
    """What the contract says that members have."""
    names = {name for cls in base.__mro__ for name in vars(cls).get("__annotations__", {})}
    return sorted(names - FOR_READERS)


def _state(member: object) -> Iterator[tuple[str, object]]:
    """What an instance holds itself, in its dictionary or in slots."""
    yield from vars(member).items() if hasattr(member, "__dict__") else ()
    for cls in type(member).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if name not in ("__dict__", "__weakref__") and hasattr(member, name):
                yield name, getattr(member, name)


class _Reader:
    """Describes code; what it has described once it does not describe again."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def body(self, cls: type) -> Any:
        """Methods and constants of a class."""
        if id(cls) in self.seen:
            return cls.__qualname__
        self.seen.add(id(cls))
        found = {}
        for name, value in sorted(vars(cls).items()):
            special = name.startswith("__") and name.endswith("__")
            if name in FOR_READERS or name.startswith("_abc_") or (special and not isinstance(value, FunctionType)):
                continue
            found[name] = self.described(value, cls.__module__)
        return found

    def described(self, value: object, home: str) -> Any:
        """A method, function, class or constant; of what is not of the module ``home`` the name alone."""
        if isinstance(value, staticmethod | classmethod | MethodType):
            return self.described(value.__func__, home)
        if isinstance(value, property):
            return [self.described(one, home) for one in (value.fget, value.fset, value.fdel)]
        if callable(value) and hasattr(value, "__wrapped__"):
            value = inspect.unwrap(value)
        if isinstance(value, FunctionType | type):
            if value.__module__ != home:
                return f"{value.__module__}.{value.__qualname__}"
            return self.body(value) if isinstance(value, type) else self._function(value)
        return type(value).__qualname__ if isinstance(value, list | dict | set) else _value(value)

    def _function(self, function: FunctionType) -> Any:
        if id(function) in self.seen:
            return function.__qualname__
        self.seen.add(id(function))
        home, code = function.__module__, function.__code__
        named = {name: function.__globals__[name] for name in sorted(_names(code)) if name in function.__globals__}
        return {
            "code": _code(code, docstring=function.__doc__),
            "defaults": [_value(one) for one in function.__defaults__ or ()],
            "keywords": {name: _value(one) for name, one in sorted((function.__kwdefaults__ or {}).items())},
            "closure": [self.described(one, home) for one in _closure(function)],
            "names": {
                name: self.described(one, home) for name, one in named.items() if not isinstance(one, ModuleType)
            },
        }


def _closure(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a cell that is not filled yet
            yield None


def _names(code: CodeType) -> set[str]:
    """Names that the code, and all code inside it, looks up."""
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _code(code: CodeType, *, docstring: str | None = None) -> list[Any]:
    """What the code computes: instructions, names and constants."""
    constants = [one for place, one in enumerate(code.co_consts) if place or one != docstring]
    described = [_code(one) if isinstance(one, CodeType) else _value(one) for one in constants]
    return [code.co_code.hex(), list(code.co_names), list(code.co_varnames), described]


def _value(value: object) -> Any:
    """A constant as JSON holds it; of what is no plain value the name of its type, for its text may be an address."""
    if isinstance(value, str | bool | int) or value is None:
        found: Any = value
    elif isinstance(value, float | bytes | complex):
        found = repr(value)  # (a float that is no number is no JSON)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _value(getattr(value, field.name)) for field in dataclasses.fields(value)}
        found = [type(value).__qualname__, fields]
    elif isinstance(value, dict | MappingProxyType):
        found = {str(key): _value(one) for key, one in value.items()}
    elif isinstance(value, frozenset | set):
        found = sorted(repr(_value(one)) for one in value)
    elif isinstance(value, tuple | list):
        found = [_value(one) for one in value]
    else:
        found = f"{type(value).__module__}.{type(value).__qualname__}"
    return found
