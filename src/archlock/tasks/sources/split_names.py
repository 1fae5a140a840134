"""Which names mean a split: ``Training``, ``test_set``, ``dev`` and their like, of folders, arrays and data sets.

Small and capital letters, digits, punctuation and words such as "set" or "images" make no difference. An evaluation
split is the test split where there is no other, and else the validation split.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

Role = Literal["train", "validation", "test"]

WORDS: Final[dict[Role, tuple[str, ...]]] = {
    "train": ("training", "train", "trn"),
    "validation": ("validation", "validate", "validating", "valid", "val", "development", "devel", "dev"),
    "test": ("testing", "test", "tst", "heldout", "holdout"),
}
EVALUATION: Final = ("evaluation", "evaluate", "eval")
"""Words for a split that reports or decides, as the others say."""

SHORT: Final[dict[str, Role]] = {"tr": "train", "va": "validation", "vl": "validation", "te": "test", "ts": "test"}
"""Syllables for a split beside other words (``imagesTr``); by themselves they may be anything."""

FILLERS: Final = (
    *("datasets", "dataset", "data", "images", "image", "imgs", "img", "pictures", "pics", "photos", "samples"),
    *("examples", "subset", "sets", "set", "splits", "split", "folder", "files", "partition", "part"),
)
"""Words beside the word of a split that change nothing."""

_EVERY: Final = (*(word for words in WORDS.values() for word in words), *EVALUATION)
_FILLER: Final = rf"(?:{'|'.join(FILLERS)}|\d)*"
_SPLIT: Final = re.compile(rf"{_FILLER}({'|'.join(sorted(_EVERY, key=len, reverse=True))}){_FILLER}")


def split_word(name: str) -> str | None:
    """The word by which a name means a split and nothing else (``train`` of ``Train_Set2``), if it does."""
    found = _SPLIT.fullmatch("".join(letter for letter in name.casefold() if letter.isalnum()))
    return found[1] if found else None


def roles_of(names: Iterable[str]) -> dict[str, Role]:
    """Name -> split, of those that mean one; several may mean the same."""
    words = {name: word for name in names if (word := split_word(name)) is not None}
    plain = {role for word in words.values() if (role := _role(word)) is not None}
    evaluation: Role = "validation" if "test" in plain else "test"
    return {name: _role(word) or evaluation for name, word in words.items()}


def alike_but_for_the_split(names: Iterable[str]) -> list[str]:
    """Names that become the same where the word of a split is taken out, train among them (``trainA``, ``testA``)."""
    groups: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = [word.casefold() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]
        known = (*_EVERY, *SHORT) if len(words) > 1 else _EVERY
        splits = [place for place, word in enumerate(words) if word in known]
        if splits:
            rest = tuple(w for place, w in enumerate(words) if place != splits[0] and w not in FILLERS)
            groups.setdefault(rest, {})[name] = words[splits[0]]
    for found in groups.values():
        if len({_role(word) for word in found.values()}) > 1 and any(_role(word) == "train" for word in found.values()):
            return sorted(found)
    return []


def _role(word: str) -> Role | None:
    return next((role for role, words in WORDS.items() if word in words), SHORT.get(word))
