"""Settings by name: from what a caller wrote to a frozen configuration, and to the signature that a caller sees.

The fields of the configuration are the one truth. A ``TypedDict`` beside it tells type checkers and editors the same
(``tests/house/test_settings.py`` holds the two together), and a signature made from both tells ``help()``.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar, get_type_hints

from archlock.errors import ConfigurationError

C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])


def configured(kind: type[C], verb: str, settings: Mapping[str, Any], texts: Mapping[str, Callable[[str], Any]]) -> C:
    """A configuration of that dataclass; ``texts`` say how a setting is read where it is given as a text.

    A name that is no setting raises ConfigurationError that lists the settings of the ``verb``.
    """
    known = [field.name for field in _settings(kind)]
    for name in settings:
        if name not in known:
            raise ConfigurationError(f"{verb} has no setting {name!r}; its settings are: {', '.join(known)}")
    read = {name: texts[name](value) for name, value in settings.items() if name in texts and isinstance(value, str)}
    return kind(**{**settings, **read})


def one_of(config: C | None, settings: Mapping[str, Any], by_name: Callable[..., C]) -> C:
    """The configuration, or one made from the settings by name; both at once raise ConfigurationError."""
    if config is not None and settings:
        raise ConfigurationError(
            f"give a config or settings by name, not both; got {', '.join(settings)} besides a config"
        )
    return by_name(**settings) if config is None else config


def showing(kind: type[Any], types: type[Any]) -> Callable[[F], F]:
    """A function whose signature shows the settings of that dataclass in place of its ``**settings``.

    ``help()``, notebooks and everything else that asks ``inspect.signature`` see each setting with its default; its
    type is that in ``types``, a ``TypedDict``.
    """
    allowed = get_type_hints(types)

    def shown(function: F) -> F:
        signature = inspect.signature(function)
        written = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
        settings = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=_default(field),
                annotation=allowed.get(field.name, field.type),
            )
            for field in _settings(kind)
        ]
        vars(function)["__signature__"] = signature.replace(parameters=[*written, *settings])
        return function

    return shown


def _settings(kind: type[Any]) -> tuple[Field[Any], ...]:
    return fields(kind)


def _default(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is MISSING else field.default
