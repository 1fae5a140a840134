"""The page of an evaluation: complete, closed, escaped, honest, and never a NaN."""

import functools
import re
from html.parser import HTMLParser

import pytest

from archlock.reports import EvaluationRecord, evaluation_summary, render_evaluation, summarise
from archlock.reports.evaluation_tables import comparable, difference_rows, lock_score_text, method_lines
from archlock.reports.wording import DASH
from evaluation_records import METHODS, TASKS, full_evaluation, unhappy_evaluations
from report_records import HOSTILE

PAGES = {"full": full_evaluation(TASKS[:5], seeds=3), **unhappy_evaluations()}
VOID = {"meta", "link", "br", "img", "hr", "input", "wbr"}
SPACE = "\N{NO-BREAK SPACE}"


@functools.cache
def page_of(name: str) -> str:
    return render_evaluation(PAGES[name], summarise(PAGES[name]))


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


@functools.cache
def words_of(name: str) -> str:
    return " ".join(Page(page_of(name)).text).replace(SPACE, " ")


@pytest.fixture(params=list(PAGES))
def page(request: pytest.FixtureRequest) -> tuple[EvaluationRecord, str]:
    return PAGES[request.param], page_of(request.param)


def test_every_page_is_whole_closed_and_free_of_nan(page: tuple[EvaluationRecord, str]) -> None:
    parsed = Page(page[1])
    assert parsed.open == []
    for bad in ("nan", "None", "inf", "Undefined"):
        assert not re.search(rf"\b{bad}\b", " ".join(parsed.text)), bad
    identities = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    for reference in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", page[1]):
        assert "".join(reference) in identities


def test_every_page_loads_and_runs_nothing(page: tuple[EvaluationRecord, str]) -> None:
    parsed = Page(page[1])
    policy = [a["content"] for tag, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert (policy[0] or "").startswith("default-src 'none'")
    for tag, attributes in parsed.tags:
        assert tag not in {"script", "iframe", "img", "object", "embed"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "xlink:href"):
            assert not re.match(r"(https?:|//|javascript:)", attributes.get(name) or "")


def test_pictures_and_tables_can_be_read_aloud(page: tuple[EvaluationRecord, str]) -> None:
    pictures = re.findall(r"<svg [^>]*>\s*<title id=[^>]*>([^<]+)</title>", page[1])
    assert len(pictures) == page[1].count("<svg ") > 0
    for table in re.findall(r"<table.*?</table>", page[1], re.DOTALL):
        assert "<caption>" in table
        assert '<th scope="' in table


def test_untrusted_names_stay_text() -> None:
    assert HOSTILE in " ".join(Page(page_of("hostile")).text)
    assert "<script" not in page_of("hostile")


def test_the_same_record_gives_the_same_bytes() -> None:
    assert render_evaluation(PAGES["one_pair"]) == render_evaluation(PAGES["one_pair"])


def test_the_page_says_what_the_record_says() -> None:
    record, summary = PAGES["full"], summarise(PAGES["full"])
    tk = summary.method("tk")
    for expected in (
        "20 pairs of tasks", "source percentile at least 97", f"{tk.target_percentile.mean:.1f}",
        f"{tk.target_percentile.low:.1f} to {tk.target_percentile.high:.1f}", record.table.checksum, record.command,
        "a table foretells it at best", "Proxies were read from the table", "skip on edge 0-3", "\N{MINUS SIGN}8.4",
        "number of 3x3 convolutions", "4,096",
    ):  # fmt: skip
        assert expected in words_of("full"), expected
    for method in METHODS:
        assert method in words_of("full")


def test_the_heat_map_has_every_pair_and_an_empty_diagonal() -> None:
    record = PAGES["full"]
    svg = page_of("full").split('id="heat-wide-title"')[1].split("</svg>")[0]
    numbers = re.findall(r"<text[^>]*>(\d+)</text>", svg)
    means = [round(line.target_percentile.mean) for line in summarise(record).by_pair]
    assert sorted(map(int, numbers)) == sorted(means)
    assert len(numbers) == len(record.methods) * 5 * 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one_run", "Too few tasks or runs to tell from chance"),
        ("one_run", "tu has no interval: one pair, and fewer than 3 seeds."),
        ("one_pair", "Better than chance, source floor kept"),
        ("no_room", "takes 0.0 of the 0.0 percentile points"),
        ("floor_missed", "Not shown to be better than chance at the source floor"),
        ("one_pair", "The interval of tu is over seeds: it speaks of this pair and of no other task."),
        ("two_tasks", "it would be over tasks, from 3 sources and 3 targets on, and these pairs have 2 sources and 2"),
        ("floor_missed", "tu (target unknown) is no lock: it keeps the source floor in only"),
        ("floor_missed", "The others miss it by "),
        ("floor_missed", "points of accuracy on 4 sources (noise of one training: 0.20 points of accuracy)"),
        ("below_the_floor", "4 of 4 0.60 0.012 points of accuracy 0.20 points of accuracy"),
        ("floor_missed", "not kept: "),
        ("no_better", "Better than chance in part"),
        ("no_better", "tu (target unknown) cannot be told from a random architecture"),
        ("looked", "tu must not know the target, but looked up 3 full trainings on it per run"),
        ("baselines", "nsga2 (a baseline) takes"),
        ("baselines", "This evaluation ran with one source floor only."),
        ("many", "is the best of 11 methods with the same knowledge"),
    ],
)
def test_unhappy_pages_say_why(name: str, expected: str) -> None:
    assert expected in words_of(name)


def test_the_floor_is_in_red_only_where_it_is_not_kept() -> None:
    assert 'class="warn">not kept: ' in page_of("floor_missed")
    assert 'class="warn"' not in page_of("one_pair")
    assert 'class="warn">3<' in page_of("looked")


@pytest.mark.parametrize("name", ["below_the_floor", "floor_missed"])
def test_a_missed_floor_has_no_lock_score_on_page_and_terminal(name: str) -> None:
    """Unpenalised it would be 1.70 in one of them."""
    record = PAGES[name]
    summary = summarise(record)
    (method,) = summary.methods
    assert method.lock_score_of_means is not None
    unpenalised = f"{method.unpenalised_lock_score:.2f}"
    (line,) = method_lines(summary.methods)
    assert (line.lock_score, line.lock_score_interval, line.mean_lock_score) == (DASH, DASH, DASH)
    assert lock_score_text(method) == DASH
    for text in (words_of(name), evaluation_summary(record, summary)):
        assert unpenalised not in text
        assert "that can be taken" not in text
        assert f"{method.target_percentile.mean:.1f}" in text


def test_methods_that_miss_the_floor_are_compared_with_nobody() -> None:
    methods = {"tu": METHODS["tk"], "low": ("tu", 0.9, 0.5, METHODS["tk"][3]), "s": METHODS["s"]}
    summary = summarise(full_evaluation(TASKS[:4], methods, seeds=3))
    assert {(one.first, one.second) for one in comparable(summary)} == {("tu", "s")}
    assert len(summary.differences) == 3
    cells = dict(difference_rows(summary))
    assert [text == DASH for text, _ in cells["low"]] == [True, False, True]


@pytest.mark.parametrize("name", list(PAGES))
def test_no_page_and_no_line_speaks_of_p_values(name: str) -> None:
    for text in (words_of(name), evaluation_summary(PAGES[name])):
        assert not re.search(r"p-value|Wilcoxon|bootstrap", text)


@pytest.mark.parametrize("name", list(PAGES))
def test_the_terminal_table_is_aligned_and_says_the_same(name: str) -> None:
    record = PAGES[name]
    summary = summarise(record)
    lines = evaluation_summary(record, summary).splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("method ") and "knows" in line)
    table = lines[head : head + 1 + len(record.methods)]
    assert len({len(line) for line in table}) == 1
    for line, method in zip(table[1:], summary.methods, strict=True):
        assert f" {method.target_percentile.mean:.1f} " in line
        assert ("NOT KEPT" in line) == (method.kept < 0.9)
    assert lines[0].startswith(next(iter(re.findall(r"<strong>(.*?)</strong>", page_of(name)))))
    assert lines[-1].startswith("possible: random feasible ")
