import os

import pytest

from archlock.errors import TaskError
from archlock.tasks.sources.class_names import differing_in_case, shown, shown_names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("red \x1b[31m", "red \\x1b[31m"),
        ("gnp.\u202eexe", "gnp.\\u202eexe"),
        ("café, Größe 猫", "café, Größe 猫"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("a\\b", "a\\b"),
    ],
)
def test_what_cannot_be_shown_is_escaped(name, words):
    assert shown(name) == words
    assert shown(name).encode()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", " "], r"here: the name of class ' ' is empty"),
        (["a", "b" * 1025], r"here: the name of class 'b+' has 1,025 letters, more than 1,024"),
        ([os.fsdecode(b"caf\xe9"), "caf\\xe9"], r"two classes look alike, 'caf\\\\xe9' and 'caf\\\\xe9'; rename one"),
        (["caf\u00e9", "cafe\u0301"], r"two classes look alike, 'caf\\xe9' and 'cafe\\u0301'"),
        (["cat", "cat "], "two classes look alike, 'cat' and 'cat '"),
    ],
)
def test_names_that_cannot_be_told_apart(names, words):
    with pytest.raises(TaskError, match=words):
        shown_names(names, "here")


def test_capital_letters_make_other_classes():
    assert shown_names(["A", "a", "b"], "here") == ("A", "a", "b")
    assert differing_in_case(["A", "a", "b"]) == ("A", "a")
