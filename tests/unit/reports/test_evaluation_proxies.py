from dataclasses import replace

import pytest

from archlock.errors import RunError
from archlock.reports import ProxyAgreement, proxy_groups, render_evaluation
from archlock.reports.wording import DASH, MINUS
from evaluation_records import full_evaluation


def agreements(**tops):
    values = {"truth again": (0.98, 0.7), "params": (0.7, 0.1), "macs": (0.72, -0.1), **tops}
    return tuple(ProxyAgreement("a", name, 4000, *pair, 0.72, 0.1) for name, pair in values.items())


def test_what_does_not_beat_size_is_said():
    record = replace(full_evaluation(), proxies=agreements(nwot=(0.8, 0.05), zen=(0.3, 0.4), snip=(0.1, None)))
    (group,) = proxy_groups(record)
    assert group.sentence == "No proxy is better than both sizes, over the whole table and among the best."
    assert {line.proxy: line.verdict for line in group.lines} == {
        "truth again": "the bound",
        "params": "size",
        "macs": "size",
        "nwot": "better over the whole only",
        "zen": "better among the best only",
        "snip": "no better than size",
    }
    assert [line.top for line in group.lines] == ["0.70", "0.10", f"{MINUS}0.10", "0.05", "0.40", DASH]
    assert group.sentence in render_evaluation(record)
    better = proxy_groups(replace(record, proxies=agreements(synflow=(0.8, 0.2))))[0]
    assert better.sentence == "Better than both sizes, over the whole table and among the best: synflow."
    assert proxy_groups(replace(record, proxies=agreements()))[0].sentence == "No proxy is recorded for this task."


def test_a_correlation_is_between_minus_one_and_one():
    with pytest.raises(RunError, match=r"whole of nwot on a is a correlation in \[-1, 1\]; got 1.2"):
        ProxyAgreement("a", "nwot", 10, 1.2, 0.1)
