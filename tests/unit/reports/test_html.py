"""The page: complete, closed, escaped, the same every time, and never a NaN."""

import functools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from archlock.reports import AttackRecord, LockRecord, render_html
from report_records import HOSTILE, attack_record, lock_record, unhappy_records, with_arms

PAGES = {
    "lock": lock_record(),
    "attack": attack_record(),
    "alone": attack_record(reference=False),
    **unhappy_records(),
    **{
        f"arms_{name}": with_arms(unhappy_records()[name])
        for name in ("hostile_names", "dense", "one_seed", "all_failed")
    },
}


@functools.cache
def page_of(name: str) -> str:
    return render_html(PAGES[name])


VOID = {"meta", "link", "br", "img", "hr", "input", "wbr"}


class Page(HTMLParser):
    """Every start tag with its attributes, the text, and whether tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


@pytest.fixture(scope="module", params=list(PAGES))
def page(request: pytest.FixtureRequest) -> tuple[LockRecord | AttackRecord, str]:
    return PAGES[request.param], page_of(request.param)


def test_every_page_is_whole_closed_and_free_of_nan(page: tuple[LockRecord | AttackRecord, str]) -> None:
    _, text = page
    parsed = Page(text)
    assert parsed.open == []
    words = " ".join(parsed.text)
    for bad in ("nan", "None", "inf ", "Undefined"):
        assert not re.search(rf"\b{bad}\b", words), bad
    identities = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    for reference in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text):
        assert "".join(reference) in identities


def test_every_page_loads_and_runs_nothing(page: tuple[LockRecord | AttackRecord, str]) -> None:
    parsed = Page(page[1])
    assert ("script", {}) not in parsed.tags
    policy = [a["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0] is not None
    assert policy[0].startswith("default-src 'none'")
    for tag, attributes in parsed.tags:
        assert tag not in {"script", "iframe", "img", "object", "embed"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "xlink:href"):
            assert not re.match(r"(https?:|//|javascript:)", attributes.get(name) or "")


def test_pictures_and_tables_can_be_read_aloud(page: tuple[LockRecord | AttackRecord, str]) -> None:
    _, text = page
    pictures = re.findall(r"<svg [^>]*>\s*<title id=[^>]*>([^<]+)</title>", text)
    assert pictures
    assert len(pictures) == text.count("<svg ")
    for table in re.findall(r"<table>.*?</table>", text, re.DOTALL):
        assert "<caption>" in table
        assert "<th scope=" in table


def test_untrusted_names_stay_text() -> None:
    text = page_of("hostile_names")
    assert HOSTILE in " ".join(Page(text).text)
    assert "<script" not in text
    assert "49" not in re.findall(r"\{\{.{0,9}", text)


def test_the_same_record_gives_the_same_bytes() -> None:
    assert render_html(lock_record()) == page_of("lock")


def test_the_page_says_what_the_record_says() -> None:
    words = " ".join(Page(page_of("lock")).text)
    for expected in (
        "Held", "97.7%", "nasbench201", "030141", "3f9a1c27b5d80e64", "Full fine-tuning", "16.1 to 19.9",
        "at a loss of at most 1.0\N{NO-BREAK SPACE}point", "The images are 16 x 16 pixels", "archlock lock digits",
        "result.json", "43 classes",
    ):  # fmt: skip
        assert expected in words.replace("43\N{NO-BREAK SPACE}", "43 ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one_seed", "none here: that takes three seeds"),
        ("one_seed", "Source scores are of one training."),
        ("no_outcomes", "this run cannot say what the lock is worth"),
        ("failed", "the loss was not finite"),
        ("same", "The lock found nothing"),
        ("simulated_only", "are simulated: jigsaw of digits, rotated digits made from the source's images."),
        ("demo", "Demonstration."),
        ("alone", "There is no reference model here"),
        ("nothing", "This run compared no other source losses."),
    ],
)
def test_unhappy_pages_say_why(name: str, expected: str) -> None:
    assert expected in " ".join(Page(page_of(name)).text)


@pytest.mark.parametrize(
    ("drawn", "words"), [(True, "drawn"), (False, "made from the source's images"), (None, "simulated from the source")]
)
def test_a_simulated_target_says_how_it_was_made(drawn: bool | None, words: str) -> None:
    full = unhappy_records()["simulated_only"]
    one = replace(full, targets=(replace(full.targets[0], drawn=drawn), *full.targets[1:]))
    text = " ".join(Page(render_html(one)).text)
    assert f"(simulated: {words})" in text
    assert f"jigsaw of digits {words}; rotated digits made from" in text or drawn is False
