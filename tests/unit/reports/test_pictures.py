"""Pictures: what is drawn, and that drawing leaves matplotlib alone."""

import re

import matplotlib
import pytest

from archlock.reports.canvas import COLOURS, picture
from archlock.reports.cell_drawing import architecture_picture, operation_name
from archlock.reports.dumbbells import headline_plot, source_row
from archlock.reports.plots import spending_plot, trade_off_plot
from report_records import lock_record


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_no_placeholder_colour_and_no_page_wide_style_is_left() -> None:
    svg = headline_plot("h", [source_row(lock_record())])
    assert "var(--locked)" in svg
    for placeholder in COLOURS.values():
        assert placeholder not in svg
    assert "<style" not in svg
    assert "DejaVu" not in svg


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(matplotlib.rcParams)
    spending_plot("s", {"search": 2.0})
    assert dict(matplotlib.rcParams) == before


def test_text_that_looks_like_markup_is_drawn_as_it_is() -> None:
    svg = picture("p", "a <title>", lambda figure, width: figure.text(0, 0, "#050505 <b> $x^2$"), height=lambda _: 50)
    assert "#050505 &lt;b&gt; $x^2$" in svg
    assert "a &lt;title&gt;" in svg


def test_a_cell_shows_live_and_dead_edges() -> None:
    svg = architecture_picture("c", "nasbench201", lock_record().locked.code)
    assert {"0", "1", "2", "3", "input", "output"} <= set(texts(svg))
    from archlock.spaces import Architecture, cell_edges

    edges = cell_edges(Architecture("nasbench201", lock_record().locked.code))
    assert sorted(operation_name(edge.operation) for edge in edges) == sorted(
        text for text in texts(svg) if text not in {"0", "1", "2", "3", "input", "output"}
    )
    assert svg.count("stroke-dasharray") == sum(not edge.alive for edge in edges)


def test_a_chain_shows_its_modules() -> None:
    svg = architecture_picture("c", "transnas101_macro", "112341")
    assert "Chain of 6 modules" in svg
    assert sum("same channels, same size" in text for text in texts(svg)) == 3


def test_other_chains_show_their_layers() -> None:
    svg = architecture_picture("c", "mobilenet_macro", "10012000")
    assert "Chain of 5 modules" in svg
    assert any("MBConv 3x3, x3, 2 w, half the size" in text for text in texts(svg))
    svg = architecture_picture("c", "sizes", "12348")
    assert [text[4:] for text in texts(svg)][1:-1] == [
        "cell, 8 channels",
        "half the size, 16 channels",
        "cell, 24 channels",
        "half the size, 32 channels",
        "cell, 64 channels",
    ]


def test_a_skeleton_shows_its_stages() -> None:
    svg = architecture_picture("c", "locking_macro", "11021222004")
    stages = [text for text in texts(svg) if "pool + 1x1" in text]
    assert [text.partition(", ")[2] for text in stages] == ["4w, half the size", "4w", "2w", "1w"]
    assert {"1   stem 7x7, half the size", "6   waist, w/2", "7   no norm, ReLU, shortcuts"} <= set(texts(svg))


@pytest.mark.parametrize(
    ("space", "code"), [("elsewhere", "1"), ("nasbench201", "not a code"), ("nasbench201", "000000")]
)
def test_what_cannot_be_drawn_has_no_picture(space: str, code: str) -> None:
    assert architecture_picture("c", space, code) == ""


def test_the_chosen_point_of_the_trade_off_is_named() -> None:
    record = lock_record()
    assert "this lock" in texts(trade_off_plot("t", record.trade_off, record.locked.code))
    assert "this lock" not in texts(trade_off_plot("t", record.trade_off, "another"))
