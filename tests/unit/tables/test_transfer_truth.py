"""Tables in which the truth on a target depends on the source whose weights were taken over."""

import numpy as np
import pytest

from archlock.errors import SealedError, TableError
from archlock.recipes.evaluate.scales import chosen_pairs, pair_scales
from archlock.spaces import SPACES
from archlock.tables import Allowance, Pick, Provenance, RecordedColumn, Table, measurement_name, open_pair

SPACE = SPACES["nasbench201"]
CODES = tuple(one.code for one in list(SPACE.enumerate())[300:340])


def transfer_like():
    """Sources a and b, targets b and c after each of them, with probes and repeats."""
    rng = np.random.default_rng(0)
    columns, values = [], []

    def add(name, task, role, start=""):
        columns.append(RecordedColumn(name, task, role, "accuracy", "test", start=start))
        values.append(rng.random(len(CODES)))

    add("a", "a", "truth")
    add("b", "b", "truth")
    add("c_scratch", "c", "evidence")
    for source, target in (("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")):
        add(f"{target}_from_{source}", target, "truth", source)
        add(f"{target}_from_{source}_probe", target, "evidence", source)
        add(f"{target}_from_{source}_seed0", target, "repeat", source)
    return Table("transfer_like", SPACE.name, CODES, tuple(columns), np.array(values), Provenance("test", ()))


TABLE = transfer_like()
ALL = TABLE.architectures


def test_truth_follows_the_source():
    assert TABLE.truth("b").name == "b"
    assert TABLE.truth("b", "a").name == "b_from_a"
    assert TABLE.truth("a", "b").name == "a_from_b"
    with pytest.raises(TableError, match="'transfer_like' has no truth on task 'c'; its tasks are a, b, c"):
        TABLE.truth("c")
    with pytest.raises(TableError, match="no truth on task 'd' after 'a'"):
        TABLE.truth("d", "a")


def test_pairs_are_those_that_can_be_judged():
    assert TABLE.tasks == ("a", "b", "c")
    assert TABLE.pairs == (("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"))
    assert chosen_pairs(TABLE, "all") == TABLE.pairs
    assert TABLE.after("a") == ("a", "b", "c")
    with pytest.raises(Exception, match="got 'c:a', and the tasks are a, b, c, the pairs a:b, a:c, b:a, b:c"):
        chosen_pairs(TABLE, "c:a")


def test_a_pick_is_judged_by_the_weights_of_its_source():
    evidence, truth = open_pair(TABLE, "a", "c", scheme="tk")
    judged = truth.judge(Pick(ALL[7], 0))
    assert judged.source_value == TABLE.recorded(TABLE.column("a"))[7]
    assert judged.target_value == TABLE.recorded(TABLE.column("c_from_a"))[7]
    assert np.array_equal(evidence.training("c", ALL[:3]), TABLE.recorded(TABLE.column("c_from_a"))[:3])


def test_evidence_that_began_with_the_weights_comes_before_training_from_scratch():
    evidence, _ = open_pair(TABLE, "a", "c", scheme="tk")
    assert np.array_equal(evidence.training("c", ALL, short=True), TABLE.recorded(TABLE.column("c_from_a_probe")))


def test_surrogates_are_seen_after_the_same_source_and_the_target_is_not_seen_at_all():
    evidence, _ = open_pair(TABLE, "a", "c", scheme="tu", allowance=Allowance(40, 40))
    assert evidence.others == ("b",)
    assert np.array_equal(evidence.training("b", ALL), TABLE.recorded(TABLE.column("b_from_a")))
    for short in (False, True):
        with pytest.raises(SealedError, match=r"may not look up .* values of 'c'"):
            evidence.training("c", ALL[:1], short=short)


def test_repeats_are_never_sold():
    evidence, _ = open_pair(TABLE, "a", "b", scheme="tk", allowance=Allowance(40, 40))
    sold = [evidence.training(task, ALL, short=short) for task in ("b",) for short in (False, True)]
    repeat = TABLE.recorded(TABLE.column("b_from_a_seed0"))
    assert not any(np.isin(values, repeat).any() for values in sold)
    assert evidence.proxies("b") == ()


def test_the_scale_of_a_pair_is_that_of_its_truth():
    (scale,) = pair_scales(TABLE, (("b", "a"),), 0.9)
    feasible = np.argsort(TABLE.recorded(TABLE.column("b")))[-4:]
    standing = np.argsort(np.argsort(TABLE.recorded(TABLE.column("a_from_b"))))
    assert scale.feasible == 4
    assert scale.tk_floor == pytest.approx(100 * standing[feasible].min() / (len(CODES) - 1))


def judged_by(*judges):
    """The table with further columns of role judge: name, task, start."""
    more = tuple(RecordedColumn(name, task, "judge", "accuracy", "test", start=start) for name, task, start in judges)
    values = np.vstack([TABLE.values, np.random.default_rng(1).random((len(more), len(CODES)))])
    return Table("judged", SPACE.name, CODES, TABLE.columns + more, values, TABLE.provenance)


def test_a_judge_follows_the_weights_of_the_truth():
    table = judged_by(("a_j", "a", ""), ("b_scratch_j", "b", ""), ("b_from_a_j", "b", "a"), ("c_scratch_j", "c", ""))
    assert table.judge("a").name == "a_j"
    assert table.judge("b").name == "b_scratch_j"
    assert table.judge("b", "a").name == "b_from_a_j"
    assert table.judge("c", "a") == table.truth("c", "a"), "a training from scratch does not judge adapted weights"
    assert table.judge("a", "b") == table.truth("a", "b"), "nor does the source judge the target that it is elsewhere"
    with pytest.raises(TableError, match="no truth on task 'd'"):
        table.judge("d")


def test_a_judge_of_other_weights_does_not_hide_the_right_one():
    """A truth from scratch is judged from scratch, also where another judge began with weights of the source."""
    columns = tuple(RecordedColumn(*one) for one in (("a", "a", "truth"), ("b", "b", "truth"), ("b_j", "b", "judge")))
    later = RecordedColumn("b_from_a_j", "b", "judge", start="a")
    values = np.random.default_rng(2).random((4, len(CODES)))
    table = Table("mixed", SPACE.name, CODES, (*columns, later), values, TABLE.provenance)
    assert table.truth("b", "a").name == "b"
    assert table.judge("b", "a").name == "b_j"


def test_a_pick_is_judged_by_the_judge_and_evidence_is_sold_as_recorded():
    table = judged_by(("a_j", "a", ""), ("c_from_a_j", "c", "a"))
    evidence, truth = open_pair(table, "a", "c", scheme="tk", allowance=Allowance(40, 40))
    judged = truth.judge(Pick(ALL[7], 0))
    assert judged.source_value == table.recorded(table.column("a_j"))[7]
    assert judged.target_value == table.recorded(table.column("c_from_a_j"))[7]
    assert np.array_equal(evidence.training("c", ALL), table.recorded(table.column("c_from_a")))
    (scale,) = pair_scales(table, (("a", "c"),), 0.9)
    feasible = np.argsort(table.recorded(table.column("a_j")))[-4:]
    standing = np.argsort(np.argsort(table.recorded(table.column("c_from_a_j"))))
    assert scale.tk_floor == pytest.approx(100 * standing[feasible].min() / (len(CODES) - 1))


def test_a_measurement_tells_what_it_began_with():
    assert measurement_name(TABLE.column("c_from_b")) == "accuracy on test, begun with weights of b"
