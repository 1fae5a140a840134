import functools
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import pytest

from archlock.attacks import ATTACKS, Attack
from archlock.identity import identity_of, tag_of
from archlock.proxies import PROXIES, Proxy

SCRIPT = '''
from abc import ABC, abstractmethod

class Base(ABC):
    name: str
    settings: tuple = (0.1,)

    @abstractmethod
    def adapt(self, model, rate): ...

LIMIT = 3

def helper(model):
    return model + 1

class Plug(Base):
    """A plug-in."""
    name = "plug"
    summary = "does something"

    def adapt(self, model, rate=0.5):
        # a remark
        return [helper(model) * rate + LIMIT for _ in range(2)]

    @property
    def twice(self):
        return 2
'''


def made(text: str, name: str = "plug_in") -> str:
    """The identity of the plug-in of that script."""
    content: dict[str, object] = {"__name__": name}
    exec(text, content)
    return identity_of(content["Plug"](), base=content["Base"])  # type: ignore[operator, arg-type]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* rate + LIMIT", "* rate - LIMIT"),
        ("rate=0.5", "rate=0.6"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("return model + 1", "return model + 2"),
        ("range(2)", "range(3)"),
        ("return 2", "return 3"),
        ('name = "plug"', 'name = "plug"\n    settings = (0.2,)'),
        ("def twice", "def thrice"),
    ],
    ids=["method", "default", "constant", "helper", "inner code", "property", "settings", "another member"],
)
def test_an_edit_makes_another_plug_in(old: str, new: str) -> None:
    assert old in SCRIPT
    assert made(SCRIPT) != made(SCRIPT.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a remark", "# another\n"),
        ('"""A plug-in."""', ""),
        ("does something", "does it"),
        ("\nLIMIT", "\n\n\nLIMIT"),
    ],
    ids=["comment", "docstring", "summary", "empty lines"],
)
def test_words_for_readers_do_not(old: str, new: str) -> None:
    assert old in SCRIPT
    assert made(SCRIPT) == made(SCRIPT.replace(old, new))


def test_it_is_the_same_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        SCRIPT + "\nfrom archlock.identity import identity_of\n"
        "if __name__ == '__main__':\n    print(identity_of(Plug(), base=Base))\n"
    )
    run = functools.partial(subprocess.run, capture_output=True, text=True, check=True)
    found = [run([sys.executable, tmp_path / "script.py"], env=None).stdout.strip() for _ in range(2)]
    assert found[0] == found[1] == made(SCRIPT, name="__main__")
    assert len(found[0]) == 16


class Base(ABC):
    strength: float = 1.0
    version: str = ""

    @abstractmethod
    def work(self) -> float: ...


def closed_over(factor: float) -> Base:
    class Member(Base):
        def work(self) -> float:
            return factor

    return Member()


@dataclass(frozen=True, slots=True)
class Tuned(Base):
    rate: float

    def work(self) -> float:
        return self.rate


def test_what_a_class_closes_over_and_what_an_instance_holds_count() -> None:
    assert identity_of(closed_over(1.0), base=Base) == identity_of(closed_over(1.0), base=Base)
    assert identity_of(closed_over(1.0), base=Base) != identity_of(closed_over(2.0), base=Base)
    assert identity_of(Tuned(1.0), base=Base) == identity_of(Tuned(1.0), base=Base)
    assert identity_of(Tuned(1.0), base=Base) != identity_of(Tuned(2.0), base=Base)


def test_a_stated_version_counts() -> None:
    def stated(version: str) -> str:
        member = closed_over(1.0)
        type(member).version = version
        return identity_of(member, base=Base)

    assert stated("1") != stated("2")


def test_code_that_refers_to_itself_ends() -> None:
    class Member(Base):
        def __init__(self) -> None:
            super().__init__()

        def work(self) -> float:
            return 1.0 if isinstance(self, Member) else self.work()

    assert identity_of(Member(), base=Base) == identity_of(Member(), base=Base)


def test_every_member_of_ours_is_somebody_else() -> None:
    assert len({identity_of(attack, base=Attack) for attack in ATTACKS.values()}) == len(ATTACKS)
    assert len({identity_of(proxy, base=Proxy) for proxy in PROXIES.values()}) == len(PROXIES)


def test_only_plug_ins_have_a_tag() -> None:
    assert tag_of(PROXIES["snip"], base=Proxy) == ""
    tag = tag_of(Tuned(1.0), base=Base)
    assert tag == "-" + identity_of(Tuned(1.0), base=Base)[:8]
