"""Pictures of an evaluation: what is drawn, and that methods can be told apart."""

import re

from archlock.reports import FloorPoint, FloorScale, summarise
from archlock.reports.canvas import COLOURS
from archlock.reports.evaluation_plots import STYLES, floor_plot, heat_plot, method_styles, pair_plots
from evaluation_records import TASKS, full_evaluation


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_first_eight_methods_differ_in_colour_mark_and_letter() -> None:
    for part in ("colour", "marker", "glyph"):
        assert len({getattr(style, part) for style in STYLES}) == len(STYLES)
    assert {style.colour for style in STYLES} <= set(COLOURS)
    assert method_styles([str(place) for place in range(9)])["8"] == STYLES[0]


def test_a_lower_percentile_is_denser() -> None:
    svg = heat_plot("h", ["m"], {("m", "a", "b"): 10.0, ("m", "b", "a"): 90.0}, ["a", "b"])
    dense = [float(value) for value in re.findall(r"fill: var\(--locked\); opacity: ([\d.]+)", svg.split("</svg>")[0])]
    assert dense == [0.47, 0.05]
    assert [text for text in texts(svg.split("</svg>")[0]) if text.isdigit()] == ["10", "90"]


def test_every_pair_has_a_line_and_every_colour_is_the_pages() -> None:
    record = full_evaluation(TASKS[:3], seeds=3)
    by_pair = summarise(record).by_pair
    found = {(line.method, line.pair): line for line in by_pair if line.method in ("tk", "tu")}
    svg = pair_plots("p", record.scales, found, method_styles(record.methods))
    drawn = texts("".join(part for part in svg.split("</svg>") if 'class="plot wide"' in part))
    assert sum(text in TASKS for text in drawn) == len(record.scales)
    assert [text for text in drawn if text.startswith("from ")] == [f"from {task}" for task in TASKS[:3]]
    for placeholder in COLOURS.values():
        assert placeholder not in svg


def test_a_point_below_its_floor_is_hollow() -> None:
    points = [FloorPoint("m", 90.0, 92.0, 40.0, 0.95), FloorPoint("m", 97.0, 96.0, 45.0, 0.5)]
    limits = [FloorScale(90.0, 70.0, 20.0, 30.0)]
    svg = floor_plot("f", points, limits, method_styles(["m"])).split("</svg>")[0]
    assert svg.count("fill: var(--paper)") == 1
    assert {"random", "TU possible", "TK floor"} <= set(texts(svg))
