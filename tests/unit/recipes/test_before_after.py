"""The same attackers before and after: paired, in the right direction, kept, and told in words."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from archlock.errors import ConfigurationError, RunError
from archlock.evidence import EvidenceStore
from archlock.models import reinitialised
from archlock.recipes import open_model
from archlock.recipes.before_after import PairedAttacks, before_after, in_common_notes, targets_of
from archlock.reports import (
    BeforeAfterRecord,
    before_after_lines,
    before_after_sentences,
    changes,
    headline_changes,
)
from foreign_models import plain_network
from tiny_runs import Noted, tiny_source, tiny_target

PROBES = PairedAttacks(attackers=("linear_probe",), seeds=3, epochs=1)


def network() -> nn.Module:
    return open_model(plain_network(4), size=(8, 8), channels=1).module


def met(before: nn.Module, after: nn.Module, tmp_path: Path, settings: PairedAttacks = PROBES) -> BeforeAfterRecord:
    return before_after(
        before, after, [tiny_target()], settings, store=EvidenceStore(tmp_path / "evidence.sqlite"), workers=1
    )


def test_a_model_and_itself_differ_by_nothing(tmp_path: Path) -> None:
    model = network()
    record = met(model, deepcopy(model), tmp_path, replace(PROBES, attackers=("linear_probe", "ridge"), seeds=2))
    assert [one.attacker for one in changes(record)] == ["strongest attack", "linear_probe", "ridge"]
    for change in changes(record):
        assert change.before == change.after
        assert change.difference.mean == 0
        assert change.opened is None


def test_the_difference_is_after_minus_before(tmp_path: Path) -> None:
    one, other = network(), reinitialised(network(), seed=3)
    (change,) = headline_changes(met(one, other, tmp_path))
    by_hand = [after - before for after, before in zip(change.after, change.before, strict=True)]
    assert change.difference.mean == pytest.approx(sum(by_hand) / 3)
    assert change.difference.mean != 0
    assert change.seeds == (0, 1, 2)
    turned = met(other, one, tmp_path / "turned")
    assert headline_changes(turned)[0].difference.mean == pytest.approx(-change.difference.mean)


def test_what_the_store_knows_is_not_attacked_again(tmp_path: Path) -> None:
    model, progress = network(), Noted()
    store = EvidenceStore(tmp_path / "evidence.sqlite")
    first = before_after(model, deepcopy(model), [tiny_target()], PROBES, store=store, workers=1)
    again = before_after(model, deepcopy(model), [tiny_target()], PROBES, store=store, workers=1, progress=progress)
    assert progress.stages == [("attacks before and after", 6, 6)]
    assert again == first


def test_it_is_told_in_words_and_as_a_table(tmp_path: Path) -> None:
    model = network()
    record = met(model, deepcopy(model), tmp_path)
    (sentence,) = before_after_sentences(record)
    assert "the strongest attack reaches" in sentence
    assert sentence.endswith("0.0 points (95% interval 0.0 to 0.0), no difference beyond chance.")
    lines = before_after_lines(record).splitlines()
    assert lines[0].split() == ["target", "attack", "data", "before", "after", "difference", "95%", "interval", "seeds"]
    assert len(lines) == 3
    few = met(model, deepcopy(model), tmp_path / "few", replace(PROBES, seeds=1))
    assert before_after_sentences(few)[0].endswith("without an interval (no interval: one seed), so it may be chance.")


def test_targets_are_brought_to_the_model_and_have_names_of_their_own(tmp_path: Path) -> None:
    opened = open_model(plain_network(4), size=(6, 6), channels=1)
    (fitting,) = targets_of(opened, [tiny_target()], seed=0)
    assert fitting.shape == (1, 6, 6)
    with pytest.raises(ConfigurationError, match="tasks of different names; got other digits, other digits"):
        targets_of(opened, [tiny_target(), tiny_target((1, 2))], seed=0)
    with pytest.raises(ConfigurationError, match="a comparison of attacks needs tasks of different names; got none"):
        before_after(network(), network(), [], PROBES, store=EvidenceStore(tmp_path / "e.sqlite"))
    with pytest.raises(ConfigurationError, match="need different names; got \\('a', 'a'\\)"):
        before_after(
            network(), network(), [tiny_target()], PROBES, store=EvidenceStore(tmp_path / "e.sqlite"), names=("a", "a")
        )


def test_settings_are_checked_at_birth() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown attackers? .*'nobody'"):
        PairedAttacks(attackers=("nobody",))
    with pytest.raises(ConfigurationError, match="seeds is a whole number, at least 1; got 0"):
        PairedAttacks(seeds=0)


def test_a_record_is_of_its_targets_and_of_two_models(tmp_path: Path) -> None:
    model = network()
    record = met(model, deepcopy(model), tmp_path, replace(PROBES, seeds=1))
    with pytest.raises(RunError, match="on the targets of their record; it has \\[\\]"):
        replace(record, targets=())
    strange = replace(record.outcomes[0], defended="random")
    with pytest.raises(RunError, match="there are two models; got random as well"):
        replace(record, outcomes=(strange,))


def test_targets_that_are_the_source_or_overlap_with_it_are_named() -> None:
    source = tiny_source()
    twice = [replace(tiny_target(), name=name) for name in ("one", "two")]
    few = replace(source, name="few", train=source.train.take(range(4)))
    assert in_common_notes(source, twice) == ("the target two is the same data as the target one, so it counts twice",)
    (same,) = in_common_notes(source, [replace(source, name="again")])
    assert same.startswith("the target again is the same data as the source: what attackers reach there")
    (shared,) = in_common_notes(source, [few])
    assert shared.startswith("the target few shares ")
