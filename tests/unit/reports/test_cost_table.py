"""The cost block of a lock record: written, read, and told on the page."""

from dataclasses import replace
from pathlib import Path

import pytest

from archlock.errors import RunError
from archlock.reports import (
    CostRecord,
    LimitRecord,
    LimitsPriceRecord,
    LockRecord,
    ModelCostRecord,
    from_json,
    render_html,
    to_json,
)
from archlock.reports.cost_table import cost_rows, cost_sentences
from report_records import lock_record


def costed() -> LockRecord:
    locked = ModelCostRecord(
        role="locked", parameters=72_346, macs=9_713_152, flops=19_426_304, weights_bytes=293_224, int8_bytes=75_000,
        peak_bytes=65_536, intensity=7.25, latency_ms=1.5, latency_kind="measured",
    )  # fmt: skip
    plain = replace(locked, role="source_only", parameters=130_986, latency_ms=1.9)
    cost = CostRecord(
        models=(locked, plain),
        limits=(
            LimitRecord(name="parameters", limit=150e3, locked=72_346, slack=0.51769),
            LimitRecord(name="intensity", limit=5.0, locked=7.25, slack=0.45),
            LimitRecord(name="latency_ms", limit=2.0, locked=1.5, slack=0.25),
        ),
        device="a processor, ONNX Runtime 1.32, one thread",
        architectures=5043,
        within=3120,
        price=(
            LimitsPriceRecord(what="source", within=0.98, within_code="333131", without=0.99, without_code="333333"),
            LimitsPriceRecord(what="targets", within=0.61, within_code="030141", without=0.6, without_code="010141"),
        ),
        notes=("the limit of 2 ms (--max-latency) restricts nothing: every architecture keeps it",),
    )
    return replace(lock_record(), cost=cost)


def test_it_is_written_and_read_and_older_records_have_none(tmp_path: Path) -> None:
    record = costed()
    assert from_json(to_json(tmp_path / "result.json", record)) == record
    assert "cost" not in to_json(tmp_path / "old.json", lock_record()).read_text().split('"files"')[1]
    assert cost_rows(lock_record()) == cost_sentences(lock_record()) == ()


def test_every_cost_has_its_unit_its_limit_and_its_slack() -> None:
    rows = {row.name: row for row in cost_rows(costed())}
    assert rows["Parameters"].values == ("72,346", "130,986")
    assert (rows["Parameters"].limit, rows["Parameters"].slack) == ("at most 150k parameters", "51.8 %")
    assert rows["MACs (multiply-adds)"].values[0] == "9.713M"
    assert rows["FLOPs (2 for each MAC)"].values[0] == "19.43M"
    assert rows["FLOPs a byte"].limit == "at least 5 FLOPs a byte"
    assert rows["Latency, one image"].values == ("1.5 ms, measured", "1.9 ms, measured")
    assert rows["Latency, one image"].limit == "at most 2 ms"
    assert rows["Weights, float32"].limit == ""


def test_the_page_names_the_device_and_what_the_limits_took() -> None:
    said = cost_sentences(costed())
    assert said[0] == "Latencies are of a processor, ONNX Runtime 1.32, one thread."
    assert said[1].startswith("3,120 of 5,043 different functions of the space keep the limits")
    assert "(333333) without the limits" in said[2]
    assert "(030141) within them" in said[3]
    page = render_html(costed())
    for line in said:
        assert line.split("(")[0].replace("'", "&#39;") in page
    assert "at most 150k parameters" in page
    assert "What the released networks cost" not in render_html(lock_record())


def test_no_latency_without_its_device() -> None:
    cost = costed().cost
    assert cost is not None
    with pytest.raises(RunError, match=r"a latency says nothing without its device and runtime"):
        replace(cost, device="")
