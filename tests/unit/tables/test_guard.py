import copy
import pickle

import numpy as np
import pytest

from archlock.errors import ConfigurationError, SealedError, TableError
from archlock.spaces import SPACES
from archlock.tables import SCHEMES, Allowance, Pick, RecordedColumn, SealedTruth, Spent, Table, open_pair, percentiles
from made_up_tables import made_up_table
from recorded_tables import small_table

TABLE = made_up_table(codes=120)
SHORT = made_up_table(codes=120, short=True)
SOME = TABLE.architectures[:10]


def pair(scheme="tu", table=TABLE, **allowance):
    return open_pair(table, "t0", "t1", scheme=scheme, allowance=Allowance(**allowance) if allowance else None)


def test_what_is_seen_depends_on_the_scheme():
    seen = {scheme: pair(scheme)[0] for scheme in SCHEMES}
    assert {scheme: one.others for scheme, one in seen.items()} == {"s": (), "tk": ("t1",), "tu": ("t2",)}
    assert {scheme: one.target for scheme, one in seen.items()} == {"s": None, "tk": "t1", "tu": None}
    assert all(one.source == "t0" and one.architectures == TABLE.architectures for one in seen.values())


@pytest.mark.parametrize("short", [False, True])
def test_values_are_those_of_the_table(short):
    evidence, _ = pair("tk", SHORT)
    name = "t1_12" if short else "t1_200"
    np.testing.assert_array_equal(evidence.training("t1", SOME, short=short), SHORT.recorded(SHORT.column(name))[:10])
    np.testing.assert_array_equal(evidence.proxy("t0", "nwot", SOME), SHORT.recorded(SHORT.column("nwot_t0"))[:10])


def test_a_size_is_in_its_own_unit_and_a_loss_is_turned():
    columns = (
        RecordedColumn("loss", "a", "truth", "loss", higher_is_better=False),
        RecordedColumn("b", "b", "truth", "accuracy"),
        RecordedColumn("latency", "", "cost", "latency", unit="ms", higher_is_better=False),
    )
    small = small_table()
    table = Table("x", "nasbench201", small.codes, columns, np.arange(12.0).reshape(3, 4), small.provenance)
    evidence, _ = open_pair(table, "a", "b", scheme="s")
    assert evidence.costs == ("latency",)
    assert evidence.cost("latency", table.architectures).tolist() == [8, 9, 10, 11]
    assert evidence.training("a", table.architectures).tolist() == [0, -1, -2, -3]


@pytest.mark.parametrize("scheme", ["s", "tu"])
@pytest.mark.parametrize("ask", ["training", "short", "proxy"])
def test_a_target_that_is_not_known_is_refused(scheme, ask):
    evidence, _ = pair(scheme, SHORT)
    calls = {
        "training": lambda: evidence.training("t1", SOME),
        "short": lambda: evidence.training("t1", SOME, short=True),
        "proxy": lambda: evidence.proxy("t1", "nwot", SOME),
    }
    with pytest.raises(SealedError, match=r"may not look up .* of 't1'"):
        calls[ask]()
    assert evidence.proxies("t1") == ()
    assert not evidence.has_short("t1")
    assert evidence.spent == Spent()


def test_surrogates_are_refused_where_the_target_is_known_and_everything_in_scheme_s():
    for scheme in ("tk", "s"):
        with pytest.raises(SealedError, match="may not look up full values of 't2'"):
            pair(scheme)[0].training("t2", SOME)


def test_look_ups_are_counted_and_repeats_are_free():
    evidence, _ = pair("tu", SHORT)
    evidence.training("t0", SOME)
    evidence.training("t0", SOME[:5])
    evidence.training("t2", [SOME[0], SOME[0]])
    evidence.training("t2", SOME[:3], short=True)
    evidence.training("t0", SOME[:4], short=True)
    evidence.proxy("t2", "nwot", SOME)
    assert evidence.spent == Spent(proxy=10, short=7, source_full=10, target_full=0, surrogate_full=1)
    known, _ = pair("tk")
    known.training("t1", SOME)
    assert known.spent == Spent(target_full=10)


def test_the_allowance_is_per_task_and_kind():
    evidence, _ = pair("tu", SHORT, trainings=12, finalists=10)
    assert evidence.allowance == Allowance(12, 10)
    assert (evidence.left("t0"), evidence.left("t0", short=True)) == (10, 12)
    evidence.training("t0", SOME)
    assert evidence.left("t0") == 0
    assert evidence.left("t2") == 10
    evidence.training("t0", SOME)  # known already
    with pytest.raises(SealedError, match=r"1 more full values of 't0' .* pays for 0 more"):
        evidence.training("t0", SHORT.architectures[:11])
    assert evidence.spent.source_full == 10
    without_short, _ = pair("tu", trainings=12, finalists=10)
    assert without_short.left("t0") == 22


def test_nothing_is_sold_when_more_is_asked_than_is_paid_for():
    evidence, _ = pair(trainings=3, finalists=0)
    with pytest.raises(SealedError, match="10 more full values"):
        evidence.training("t0", SOME)
    assert evidence.spent == Spent()
    assert len(evidence.training("t0", SOME[:3])) == 3


def test_an_unknown_architecture_is_an_error():
    space = SPACES[TABLE.space_name]
    missing = next(one for one in space.enumerate() if one.code not in TABLE.positions)
    with pytest.raises(TableError, match=f"no architecture '{missing.code}'"):
        pair()[0].training("t0", [missing])
    with pytest.raises(TableError, match=f"no full training of {missing}"):
        pair()[1].judge(Pick(missing, 0))


def test_what_is_sold_is_a_copy():
    evidence, _ = pair()
    values = evidence.training("t0", SOME)
    assert values.base is None
    values[:] = 0
    assert evidence.training("t0", SOME).min() > 0


def test_the_truth_judges_a_pick_by_the_whole_table():
    _, truth = pair()
    pick = Pick(TABLE.architectures[7], 0)
    assert truth.opened_for is None
    judged = truth.judge(pick)
    for task, percentile, value, loss in (
        ("t0", judged.source_percentile, judged.source_value, judged.source_loss),
        ("t1", judged.target_percentile, judged.target_value, judged.target_loss),
    ):
        scores = TABLE.scores(TABLE.truth(task))
        assert percentile == percentiles(scores)[7]
        assert (value, loss) == (scores[7], pytest.approx(scores.max() - scores[7]))
    assert truth.opened_for == pick


def test_the_truth_opens_for_one_pick_only():
    _, truth = pair()
    first = Pick(TABLE.architectures[0], 0)
    assert truth.judge(first) == truth.judge(first)
    for other in (Pick(TABLE.architectures[1], 0), Pick(TABLE.architectures[0], 1)):
        with pytest.raises(SealedError, match=f"{other.architecture} is not judged"):
            truth.judge(other)


def test_the_truth_does_not_open_for_what_looks_like_a_pick():
    class Cheat(Pick):
        """A pick by name."""

    _, truth = pair()
    with pytest.raises(SealedError, match=r"opens for a Pick, got .*Cheat"):
        truth.judge(Cheat(SOME[0], 0))
    assert truth.opened_for is None


@pytest.mark.parametrize("attempt", [copy.copy, copy.deepcopy, pickle.dumps])
def test_neither_side_is_copied_or_sent_away(attempt):
    for side in pair():
        with pytest.raises(SealedError, match="neither copied nor sent"):
            attempt(side)


def test_neither_side_is_made_by_hand_or_changed():
    evidence, truth = pair()
    for kind in (type(evidence), SealedTruth):
        with pytest.raises(SealedError, match=r"archlock\.tables\.open_pair"):
            kind()
    with pytest.raises(SealedError, match="cannot be changed; got '_others'"):
        evidence._others = ("t1",)
    with pytest.raises(SealedError, match="cannot be changed; got '_source'"):
        del evidence._source
    with pytest.raises(AttributeError):
        truth.answer = 1


def test_names_forced_into_the_evidence_open_nothing():
    evidence, _ = pair("tu")
    object.__setattr__(evidence, "_others", ("t1",))
    object.__setattr__(evidence, "_target", "t1")
    with pytest.raises(SealedError, match="may not look up full values of 't1'"):
        evidence.training("t1", SOME)


def test_senseless_pairs_and_allowances_are_errors():
    with pytest.raises(ConfigurationError, match="'t0', 't0' and 'tk'"):
        open_pair(TABLE, "t0", "t0", scheme="tk")
    with pytest.raises(TableError, match="no truth on task 'x' after 't0'; its tasks are t0, t1, t2"):
        open_pair(TABLE, "t0", "x", scheme="tk")
    with pytest.raises(ConfigurationError, match="got -1 and 3"):
        Allowance(-1, 3)
