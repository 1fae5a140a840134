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


def noisy(*, judge=False, noise=2.0, scheme="tk", seed=0, **allowance):
    """A pair of a table whose trainings have a known noise."""
    table = made_up_table(codes=400, judge=judge, noise=noise)
    spend = Allowance(**{"trainings": 2000, "finalists": 0, **allowance})
    evidence, truth = open_pair(table, "t0", "t1", scheme=scheme, allowance=spend, seed=seed)
    return table, evidence, truth


def luck(task="t0", number=0, **more):
    table, evidence, _ = noisy(**more)
    sold = evidence.training(task, table.architectures, number=number)
    return sold - table.recorded(table.truth(task))


def test_where_one_training_is_recorded_it_is_sold_with_its_noise():
    off = luck()
    assert off.std() == pytest.approx(2.0, rel=0.1)
    assert abs(off.mean()) < 3 * 2.0 / np.sqrt(400)
    assert np.mean(np.abs(off) < 2.0) == pytest.approx(0.683, abs=0.07), "normal"
    assert luck(noise=0.5).std() == pytest.approx(0.5, rel=0.1)
    assert np.abs(luck(noise=0.0)).max() == 0, "nothing is known of it"


def test_noise_is_the_same_again_and_another_by_seed_task_and_number():
    assert np.array_equal(luck(), luck())
    others = [luck(seed=1), luck(number=1), luck(number=2), luck(number=1, seed=1), luck(task="t1")]
    for one, other in zip([luck(), *others], others, strict=False):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
    assert max(abs(np.corrcoef(luck(), other)[0, 1]) for other in others) < 0.2


def test_the_noise_of_a_training_does_not_depend_on_what_else_is_asked():
    table, evidence, _ = noisy()
    few = evidence.training("t0", table.architectures[50:40:-1])
    everything = evidence.training("t0", table.architectures)
    np.testing.assert_array_equal(few, everything[50:40:-1])
    assert evidence.spent.source_full == 400
    same_scheme = noisy(scheme="tu")[1].training("t0", table.architectures)
    np.testing.assert_array_equal(same_scheme, everything)


def test_a_mean_of_many_trainings_is_what_judges():
    table, evidence, truth = noisy()
    some = table.architectures[:20]
    mean = np.mean([evidence.training("t0", some, number=number) for number in range(64)], axis=0)
    assert np.abs(mean - table.recorded(table.truth("t0"))[:20]).max() < 1.0
    assert truth.judge(Pick(some[3], 0)).source_value == table.recorded(table.truth("t0"))[3]


def test_where_another_training_judges_what_is_sold_is_as_recorded():
    table, evidence, truth = noisy(judge=True)
    for task in ("t0", "t1"):
        np.testing.assert_array_equal(evidence.training(task, table.architectures), table.recorded(table.truth(task)))
        assert evidence.noise(task) == 2.0, "it is told all the same"
        assert not evidence.repeatable(task)
        with pytest.raises(SealedError, match=f"has one full training of {task!r}; training number 1 is not in it"):
            evidence.training(task, SOME, number=1)
    judged = truth.judge(Pick(table.architectures[7], 0))
    assert judged.source_value == table.recorded(table.column("t0_judge"))[7]
    assert judged.target_value == table.recorded(table.column("t1_judge"))[7]
    assert judged.target_percentile == percentiles(table.recorded(table.column("t1_judge")))[7]


def test_only_what_is_sold_with_noise_is_repeatable():
    _, evidence, _ = noisy()
    assert (evidence.repeatable("t0"), evidence.noise("t0")) == (True, 2.0)
    _, exact, _ = noisy(noise=0.0)
    assert (exact.repeatable("t0"), exact.noise("t0")) == (False, 0.0)
    for one, number in ((exact, 1), (evidence, -1)):
        with pytest.raises(SealedError, match=f"training number {number} is not in it"):
            one.training("t0", SOME, number=number)
    with pytest.raises(SealedError, match="one short training of 't0'; training number 1 is not in it"):
        pair("tk", SHORT)[0].training("t0", SOME, short=True, number=1)


def test_another_training_of_the_same_costs_as_much_as_the_first():
    table, evidence, _ = noisy(trainings=25)
    ten = table.architectures[:10]
    evidence.training("t0", ten)
    evidence.training("t0", ten, number=1)
    assert (evidence.left("t0"), evidence.left("t1"), evidence.spent.source_full) == (5, 25, 20)
    evidence.training("t0", ten, number=1)  # known already
    assert evidence.left("t0") == 5
    with pytest.raises(SealedError, match=r"10 more full values of 't0' .* pays for 5 more"):
        evidence.training("t0", ten, number=2)


def test_nothing_is_told_of_the_noise_of_what_is_not_seen():
    _, evidence, _ = noisy(scheme="tu")
    for ask in (evidence.noise, evidence.repeatable):
        assert ask("t0")
        with pytest.raises(SealedError, match="may not know anything of 't1'; it sees t0, t2"):
            ask("t1")


def test_short_trainings_and_proxies_are_as_recorded():
    table = made_up_table(codes=120, short=True, noise=2.0)
    evidence, _ = open_pair(table, "t0", "t1", scheme="tk")
    np.testing.assert_array_equal(
        evidence.training("t1", SOME, short=True), table.look_up(table.column("t1_12"), [one.code for one in SOME])
    )
    np.testing.assert_array_equal(
        evidence.proxy("t0", "nwot", SOME), table.look_up(table.column("nwot_t0"), [one.code for one in SOME])
    )
