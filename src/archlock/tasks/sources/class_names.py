"""Names of classes as they are shown everywhere: text that can be written, on one line, each different from the others.

Names come from folders of other systems (Latin-1 out of a zip file), archives and data sets. What cannot be shown is
written as an escape, ``caf\\xe9``.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from archlock.errors import TaskError

LONGEST: Final = 1024
"""Letters of a name at most."""

JOINERS: Final = ("\u200c", "\u200d")
"""Invisible letters that Persian, Indic scripts and emoji are written with."""


def shown(name: str) -> str:
    """The name with escapes for bytes that are no UTF-8, for control characters, line ends and invisible letters."""
    return "".join(letter if letter.isprintable() or letter in JOINERS else _escaped(letter) for letter in name)


def shown_names(names: Iterable[str], where: str) -> tuple[str, ...]:
    """Names of classes as they are shown, in their order.

    TaskError: one that is empty or longer than LONGEST, or two that look alike (as escapes, by white space around
    them, or by another way to write the same accents).
    """
    given = tuple(names)
    found = tuple(map(shown, given))
    seen: dict[str, str] = {}
    for name, written in zip(found, given, strict=True):
        if not name.strip() or len(name) > LONGEST:
            fault = "is empty" if not name.strip() else f"has {len(name):,} letters, more than {LONGEST:,}"
            raise TaskError(f"{where}: the name of class {name[:40]!r} {fault}; rename the class")
        appearance = unicodedata.normalize("NFC", name).strip()
        if appearance in seen and given.count(written) > 1:
            raise TaskError(f"{where}: the name {name!a} occurs more than once; give each class its own name")
        if appearance in seen:
            raise TaskError(f"{where}: two classes look alike, {seen[appearance]!a} and {name!a}; rename one")
        seen[appearance] = name
    return found


def differing_in_case(names: Sequence[str]) -> tuple[str, ...]:
    """Names that another one differs from in small and capital letters alone."""
    folded = [name.casefold() for name in names]
    return tuple(name for name, fold in zip(names, folded, strict=True) if folded.count(fold) > 1)


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
