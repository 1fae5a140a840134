"""What every recipe checks of its settings when they are born, so that nothing is spent on what cannot be meant."""

import math
from collections.abc import Collection, Iterable
from numbers import Integral, Real
from typing import Final

from archlock.errors import ConfigurationError

SEEDS: Final = 2**62
"""A root seed is below it: what is derived from it still fits into an evidence store."""


def check_whole(least: int, **values: object) -> None:
    """ConfigurationError for a setting, by name, that is no whole number from ``least`` on; None stands for unset."""
    for name, value in values.items():
        if value is not None and (not _is_whole(value) or value < least):  # type: ignore[operator]
            raise ConfigurationError(f"{name} is a whole number, at least {least}; got {value!r}")


def check_seed(seed: object) -> None:
    """ConfigurationError for what is no root seed."""
    if not _is_whole(seed) or not 0 <= seed < SEEDS:  # type: ignore[operator]
        raise ConfigurationError(f"a seed is a whole number from 0 to below 2**62; got {seed!r}")


def check_shares(fractions: object) -> None:
    """ConfigurationError for what are no shares of the data, each once, in (0, 1]."""
    if not all(0 < share <= 1 for share in _numbers("fractions", fractions, "(0.1, 1.0)")):
        raise ConfigurationError(f"fractions are shares of the data in (0, 1], as in (0.1, 1.0); got {fractions!r}")


def check_lengths(lengths: object, *, name: str = "horizons", example: str = "(1.0, 4.0)") -> None:
    """ConfigurationError for what are no finite numbers above 0, each once.

    By default they are multiples of the usual length of a training.
    """
    found = _numbers(name, lengths, example)
    if not all(0 < length < math.inf for length in found):
        raise ConfigurationError(f"{name} are numbers above 0, as in {example}; got {lengths!r}")


def check_shots(shots: object) -> None:
    """ConfigurationError for what are no numbers of examples of each class, each once."""
    found = _numbers("shots", shots, "(1, 10)")
    if not all(_is_whole(count) and count >= 1 for count in found):
        raise ConfigurationError(f"shots are whole numbers above 0, as in (1, 10); got {shots!r}")


def check_names(name: str, chosen: object, known: Iterable[str]) -> None:
    """ConfigurationError for a text, or nothing at all, where several names are expected."""
    if isinstance(chosen, str) or not isinstance(chosen, Collection):
        raise ConfigurationError(
            f"{name} are several names, as in {tuple(known)[:2]!r}; got {chosen!r}: write ({chosen!r},) for one"
        )


def check_minutes(minutes: object) -> None:
    """ConfigurationError for what is no time to spend; None is no limit."""
    if minutes is not None and not (_is_number(minutes) and minutes >= 0):  # type: ignore[operator]
        raise ConfigurationError(f"minutes are a number, 0 or above (0 begins nothing new); got {minutes!r}")


def _numbers(name: str, values: object, example: str) -> tuple[float, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{name} are several numbers, as in {example}; got {values!r}")
    found = tuple(values)
    if not all(_is_number(value) for value in found) or len(set(found)) < len(found):
        raise ConfigurationError(f"{name} are numbers that differ, as in {example}; got {values!r}")
    return found


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
