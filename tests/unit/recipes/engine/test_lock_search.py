"""The lock search on made-up markets: what it buys, what it does not buy, and what it decides."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from archlock.errors import SearchError
from archlock.recipes.engine.asked import Foretold
from archlock.recipes.engine.lock_search import LockSearch
from archlock.recipes.engine.market import candidates_of_space
from archlock.recipes.engine.settings import EngineSettings
from archlock.recipes.engine.spending import search_lock, search_on, spend
from archlock.search import Belief, SourceFloor
from made_up_markets import HugeSpace, MadeUpMarket, made_up_candidates, smooth_market

FLOOR = SourceFloor("percentile", 0.9)
EXACT = EngineSettings(floor_doubt=0.0, floor_shift=0.0, sure=0.75)


def exact_market(count: int, full: int, *, others: int = 1, **more: object) -> MadeUpMarket:
    """A small market without noise, of which everything can be measured."""
    return smooth_market(count, full, others=others, own=0.5, repeatable=False, **more)


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(("short", "full"), [(0, 30), (0, 7), (20, 15), (23, 4)])
def test_it_spends_what_is_left_and_no_more(short: int, full: int, repeatable: bool) -> None:
    market = smooth_market(200, full, short=short, noise=0.5, repeatable=repeatable)
    search_lock(market, FLOOR, seed=0)
    assert (len(market.bought("short")), len(market.bought("full"))) == (short, full)
    kinds = [ask.kind for ask in market.asks]
    assert kinds == sorted(kinds, reverse=True), "short trainings first"


@pytest.mark.parametrize("short", [0, 40])
def test_what_failed_is_not_tried_again(short: int) -> None:
    failing = frozenset(range(0, 120, 3))
    market = smooth_market(120, 40, short=short, noise=0.5, failing=failing)
    found = search_lock(market, FLOOR, seed=0)
    for kind in ("short", "full"):
        asks = [set(ask.rows.tolist()) for ask in market.asks if ask.kind == kind]
        assert max(Counter(row for rows in asks for row in rows & failing).values(), default=0) <= 1
    assert all(failing & set(market.bought(kind)) for kind in (("short", "full") if short else ("full",)))
    assert found.row not in failing
    assert len(market.bought("full")) == 40


def test_a_start_where_everything_fails_is_not_the_end() -> None:
    good = 7
    for seed in range(4):
        market = smooth_market(30, 30, noise=0.5, failing=frozenset(range(30)) - {good})
        assert search_lock(market, FLOOR, seed=seed).row == good
        failed = [row for row in market.bought("full") if row != good]
        assert len(failed) == len(set(failed)) > 9


def test_nothing_but_failures_is_an_error() -> None:
    market = smooth_market(30, 10, failing=frozenset(range(30)))
    with pytest.raises(SearchError, match="every full training failed"):
        search_lock(market, FLOOR, seed=0)
    assert len(market.bought("full")) == 10


def test_short_trainings_that_fail_foretell_nothing_and_end_nothing() -> None:
    class Failing(MadeUpMarket):
        def _train(self, kind: str, row: int, number: int) -> np.ndarray:
            worth = super()._train(kind, row, number)
            return np.full_like(worth, np.nan) if kind == "short" else worth

    like = smooth_market(60, 20)
    market = Failing(like.candidates, like.worth, 20, short=15)
    found = search_lock(market, FLOOR, seed=0)
    assert (len(market.bought("short")), len(market.bought("full"))) == (15, 20)
    assert np.isfinite(found.source.mean).all()


@pytest.mark.parametrize(
    ("full", "least", "sizes"), [(4, 2, [4]), (6, 1, [4, 1, 1]), (7, 2, [4, 2, 1]), (8, 2, [4, 2, 2])]
)
def test_so_many_trainings_at_least_are_asked_for_at_once(full: int, least: int, sizes: list[int]) -> None:
    market = smooth_market(60, full, short=12, noise=1.0)
    search_lock(market, FLOOR, seed=0, settings=EngineSettings(least_batch=least))
    assert [len(ask.rows) for ask in market.asks if ask.kind == "full"] == sizes


def test_nothing_is_repeated_where_that_cannot_be() -> None:
    market = smooth_market(200, 60, noise=1.0, repeatable=False)
    search_lock(market, FLOOR, seed=0)
    assert len(set(market.bought("full"))) == 60


def test_what_is_close_to_the_decision_is_measured_again() -> None:
    market = smooth_market(200, 60, noise=3.0)
    found = search_lock(market, FLOOR, seed=0)
    counts = Counter(market.bought("full"))
    assert 0 < sum(count > 1 for count in counts.values()) < 30
    numbers = {
        row: [n for ask in market.asks for r, n in zip(ask.rows, ask.numbers, strict=True) if r == row]
        for row in counts
    }
    assert all(given == list(range(len(given))) for given in numbers.values()), "each time with the next seed"
    told = dict(zip(found.measured.tolist(), found.trainings.tolist(), strict=True))
    assert told == dict(counts)
    exact = smooth_market(200, 60, noise=0.0)
    search_lock(exact, FLOOR, seed=0)
    assert len(set(exact.bought("full"))) == 60, "what shows everything at once is not repeated"


def trace(market: MadeUpMarket, **more: object) -> tuple[list[int], int]:
    found = search_lock(market, FLOOR, **{"seed": 0, **more})
    return [*market.bought("short"), *market.bought("full")], found.row


@pytest.mark.parametrize("short", [0, 20])
def test_the_same_seed_buys_and_decides_the_same(short: int) -> None:
    def market() -> MadeUpMarket:
        return smooth_market(150, 40, short=short, noise=0.5)

    assert trace(market()) == trace(market())
    assert trace(market())[0] != trace(market(), seed=1)[0]
    assert trace(market())[0] != trace(market(), label="other tasks")[0]


def test_it_does_as_well_by_ask_and_tell_as_by_itself() -> None:
    alone, asked = smooth_market(150, 40, noise=0.5), smooth_market(150, 40, noise=0.5)
    expected = search_lock(alone, FLOOR, seed=3)
    search = search_on(asked, FLOOR, seed=3)
    while (ask := search.ask()) is not None:
        search.tell(ask, asked.buy(ask))
    assert search.found().row == expected.row
    assert [ask.rows.tolist() for ask in asked.asks] == [ask.rows.tolist() for ask in alone.asks]
    assert search.ask() is None


def test_what_another_search_trained_is_asked_first_and_costs_nothing_of_the_budget() -> None:
    market = smooth_market(150, 20, short=20, noise=0.5)
    search = search_on(market, FLOOR, seed=0)
    search.given = (3, 77, 140)
    market.full += 3
    spend(search, market)
    full = [ask.rows.tolist() for ask in market.asks if ask.kind == "full"]
    assert full[0] == [3, 77, 140]
    assert len(market.bought("full")) == 23
    assert not {3, 77, 140} & set(full[1]), "the first of its own are others"
    assert len(full[1]) == 6, "as many as without"


def test_a_handful_of_candidates_is_measured_whole_and_the_answer_is_right() -> None:
    """Twelve candidates, more money than they cost, no noise: brute force."""
    for seed in range(5):
        market = exact_market(12, 100, seed=seed)
        found = search_lock(market, SourceFloor("percentile", 0.5), seed=seed, settings=EXACT)
        assert sorted(market.bought("full")) == list(range(12))
        source, target = market.worth
        above = np.flatnonzero(source >= found.floor.mean[0])
        assert 5 <= len(above) <= 7
        assert found.row == above[np.argmin(target[above])]
        assert found.keeps > 0.99


def test_a_handful_with_short_trainings_ends_too() -> None:
    market = exact_market(12, 100, short=100)
    search_lock(market, FLOOR, seed=0)
    assert sorted(market.bought("short")) == sorted(market.bought("full")) == list(range(12))


def test_a_space_of_a_million_million_is_searched() -> None:
    candidates = candidates_of_space(HugeSpace(), seed=0, most=300)
    digits = HugeSpace().encode(candidates.architectures)
    worth = np.stack([50 + digits.sum(axis=1) + digits[:, 2], 50 + digits.sum(axis=1) - 3 * digits[:, 2]])
    market = MadeUpMarket(candidates, worth, 40, noise=0.5)
    found = search_lock(market, SourceFloor("percentile", 0.8), seed=0)
    assert found.architecture == candidates.architectures[found.row]
    kept = worth[0] >= np.quantile(worth[0], 0.8)
    assert worth[1, found.row] < np.quantile(worth[1, kept], 0.3)


@pytest.mark.parametrize("short", [0, 30])
def test_a_known_target_is_locked_far_below_chance(short: int) -> None:
    for seed in range(3):
        market = smooth_market(300, 40, short=short, noise=0.5, seed=seed)
        found = search_lock(market, FLOOR, seed=seed)
        source, target = market.worth
        kept = source >= np.quantile(source, 0.9)
        chance, lowest = target[kept].mean(), target[kept].min()
        assert target[found.row] < chance - 0.5 * (chance - lowest)
        assert source[found.row] > np.quantile(source, 0.85)


def test_without_anything_to_lock_against_it_is_the_best_on_the_source() -> None:
    market = smooth_market(200, 40, others=0, noise=0.2)
    found = search_lock(market, FLOOR, seed=0)
    assert found.floor is None
    assert found.keeps == 1.0
    assert market.worth[0, found.row] >= np.sort(market.worth[0])[-8]


def loss_market() -> MadeUpMarket:
    """Twelve candidates, sources 0.90, 0.88 ... and targets that fall with the source's distance from the best."""
    candidates = made_up_candidates(12)
    source = 0.90 - 0.02 * np.arange(12)
    return MadeUpMarket(candidates, np.stack([source, 0.5 * source]), 12, repeatable=False)


@pytest.mark.parametrize(("loss", "row"), [(0.05, 2), (0.07, 3), (0.0, 0)])
def test_a_loss_counts_from_the_best_candidate(loss: float, row: int) -> None:
    found = search_lock(loss_market(), SourceFloor("accuracy_loss", loss), seed=0)
    assert found.row == row
    assert found.floor.mean[0] == pytest.approx(0.90 - loss)


def with_reference(reference: tuple[float, float], loss: float, settings: EngineSettings = EXACT) -> LockSearch:
    market = loss_market()
    search = search_on(market, SourceFloor("accuracy_loss", loss), seed=0, settings=settings)
    search.reference = reference
    spend(search, market)
    return search


def test_a_loss_counts_from_the_reference_where_there_is_one() -> None:
    found = with_reference((0.87, 0.0), 0.055).found()
    assert found.floor.mean[0] == pytest.approx(0.815)
    assert found.row == 4  # its source is 0.82; counted from the best, the floor would be 0.845
    assert with_reference((0.95, 0.0), 0.05).found().row == 0


def test_the_reference_says_nothing_of_short_trainings() -> None:
    """Short ones are five points lower here; counted from a full training, none of them would keep the floor."""

    def short_rows(reference: tuple[float, float] | None) -> list[int]:
        market = smooth_market(200, 20, short=40, own=0.5, noise=0.1)
        search = search_on(market, SourceFloor("accuracy_loss", 1.0), seed=0)
        search.reference = reference
        spend(search, market)
        return market.bought("short")

    assert short_rows((float(smooth_market(200, 20, own=0.5).worth[0].max()), 0.1)) == short_rows(None)


def test_a_doubtful_reference_asks_for_more() -> None:
    """0.84 is 0.02 above the floor: kept with probability 0.75 only where the reference's deviation is below 0.03."""
    assert with_reference((0.87, 0.01), 0.05).found().row == 3
    assert with_reference((0.87, 0.05), 0.05).found().row == 2  # above 0.82 by 0.67 deviations at least
    bold = with_reference((0.87, 0.05), 0.055, EngineSettings(sure=0.5)).found()
    assert bold.row == 4


def test_where_nothing_is_sure_to_keep_the_floor_the_surest_is_taken() -> None:
    found = with_reference((0.99, 0.02), 0.05).found()
    assert found.row == 0
    assert found.keeps < 0.75


def test_the_lock_is_sure_where_anything_is() -> None:
    for seed in range(4):
        market = smooth_market(200, 40, noise=1.0, seed=seed)
        found = search_lock(market, FLOOR, seed=seed, settings=EngineSettings(sure=0.75))
        rows = found.measured
        kept = Belief(found.source.mean[rows], found.source.std[rows])
        sure = norm.cdf((kept.mean - found.floor.mean) / np.hypot(kept.std, found.floor.std)) >= 0.75
        if sure.any():
            assert found.keeps >= 0.75
            assert found.against.mean[found.row] == found.against.mean[rows[sure]].min()


def test_one_lucky_training_does_not_decide() -> None:
    """What is said of the lock is hardly better than what it is; the lowest single measurement is far from it."""
    said, shown = [], []
    for seed in range(8):
        market = smooth_market(150, 40, noise=2.0, own=0.0, seed=seed)
        found = search_lock(market, FLOOR, seed=seed)
        said.append(found.against.mean[found.row] - market.worth[1, found.row])
        values = np.concatenate([market._train("full", r, n)[1:] for ask in market.asks
                                 for r, n in zip(ask.rows, ask.numbers, strict=True)])  # fmt: skip
        rows = np.array(market.bought("full"))
        shown.append((values - market.worth[1, rows])[np.argmin(values)])
    assert np.mean(shown) < -1.5, "the lowest measurement is lucky"
    assert abs(np.mean(said)) < 0.6


def test_short_trainings_tell_where_to_begin() -> None:
    """Full trainings begin where short ones foretell much, and without short ones anywhere."""
    standing = {}
    for short in (0, 60):
        standing[short] = []
        for seed in range(6):
            market = smooth_market(400, 20, short=short, noise=0.3, own=0.0, seed=seed)
            search_lock(market, FLOOR, seed=seed, settings=EngineSettings(size_weight=0.0))
            first = next(ask for ask in market.asks if ask.kind == "full")
            ranks = np.argsort(np.argsort(market.worth[0])) / 400
            standing[short] += ranks[first.rows].tolist()
    assert 0.3 < np.mean(standing[0]) < 0.7
    assert np.mean(standing[60]) > 0.75


def test_a_handful_of_full_trainings_is_read_with_what_was_foretold() -> None:
    """All finalists are alike in what foretold them, so only what is expected of it tells of everybody else."""
    off = {}
    for slope in (0.0, 0.6):
        off[slope] = []
        for seed in range(6):
            market = smooth_market(300, 5, short=60, noise=0.3, own=0.0, seed=seed)
            found = search_lock(market, FLOOR, seed=seed, settings=EngineSettings(slope=slope))
            off[slope].append(np.corrcoef(found.source.mean, market.worth[0])[0, 1])
    assert np.mean(off[0.6]) > 0.6
    assert np.mean(off[0.6]) > np.mean(off[0.0])


def test_the_first_trainings_are_drawn_as_often_as_they_stand_for_others() -> None:
    shares = np.full(100, 0.1 / 90)
    shares[:10] = 0.09
    drawn = []
    for seed in range(20):
        market = smooth_market(100, 25)
        market.candidates = made_up_candidates(100, shares=shares)
        search = search_on(market, FLOOR, seed=seed)
        drawn += search.ask().rows.tolist()
    assert np.mean(np.array(drawn) < 10) > 0.7


def test_too_small_a_budget_is_an_error() -> None:
    with pytest.raises(SearchError, match="at least 4 full trainings per task; the budget pays for 3"):
        search_lock(smooth_market(50, 3), FLOOR, seed=0)


def test_a_decision_is_confirmed_with_further_trainings() -> None:
    market = smooth_market(100, 30, noise=0.5)
    search = search_on(market, FLOOR, seed=0)
    while (ask := search.ask()) is not None:
        search.tell(ask, market.buy(ask))
    market.full = 60
    spend(search, market, confirmed=3)
    found = search.found()
    assert dict(zip(found.measured.tolist(), found.trainings.tolist(), strict=True))[found.row] >= 3
    assert search.confirm(3) is None


def test_what_is_foretold_is_bought_in_its_order_and_nothing_else() -> None:
    market = smooth_market(100, 6, others=0, noise=0.001)
    market.worth = market.worth / 100
    shortlist, against = np.array([9, 4, 70, 30, 2, 51, 8, 77]), np.linspace(0, 1, 100)
    foretold = Foretold(market.candidates.size, Belief(against, np.full(100, 1e-3)), shortlist)
    search = search_on(market, SourceFloor("accuracy_loss", 1.0), seed=0, against=foretold)
    spend(search, market)
    assert set(market.bought("full")) <= set(shortlist.tolist())
    assert market.asks[0].rows.tolist() == shortlist[: len(market.asks[0].rows)].tolist()
    found = search.found()
    assert found.row == min(market.bought("full")), "any source will do: the lowest of what was bought"


@pytest.mark.parametrize("others", [2, 3])
def test_targets_of_another_unit_change_no_choice(others: int) -> None:
    def rows(scale: Callable[[np.ndarray], np.ndarray]) -> tuple[list[int], int]:
        market = smooth_market(120, 30, others=others, noise=0.0, known=False)
        market.worth = scale(market.worth)
        return trace(market)

    def thousand(worth: np.ndarray) -> np.ndarray:
        return np.vstack([worth[:1], 1000 * worth[1:2] - 7, worth[2:]])

    assert rows(lambda worth: worth) == rows(thousand)


def test_for_an_unknown_target_the_chance_to_miss_the_floor_counts() -> None:
    """By brute force over all that was measured; a target that is known counts alone."""
    settings, changed = EngineSettings(sure=0.6, doubt_weight=12.0), {True: 0, False: 0}
    for known, seed in ((known, seed) for known in changed for seed in range(4)):
        market = smooth_market(200, 60, others=2, noise=3.0, known=known)
        search = search_on(market, SourceFloor("percentile", 0.8), seed=seed, settings=settings)
        spend(search, market)
        found = search.found()
        assert found.floor is not None
        distance = (found.source.mean - found.floor.mean) / np.hypot(found.source.std, found.floor.std)
        kept, low = norm.cdf(distance)[found.measured], found.against.mean[found.measured]
        sure = kept >= settings.sure
        loss = low if known else low / low.std() + settings.doubt_weight * (1 - kept)
        assert sure.sum() > 3
        assert found.row == found.measured[np.argmin(np.where(sure, loss, np.inf))]
        changed[known] += bool(found.row != found.measured[np.argmin(np.where(sure, low, np.inf))])
    assert changed[True] == 0 < changed[False]


@pytest.mark.parametrize(("short", "full"), [(20, 12), (0, 12)])
def test_the_first_trainings_are_drawn_from_what_a_lesson_calls_better(short: int, full: int) -> None:
    market = smooth_market(200, full, short=short, noise=0.5)
    search_lock(market, FLOOR, seed=0, lesson=market.worth[0])
    first = market.asks[0].rows
    worst = np.sort(market.worth[0])[-80]
    assert (market.worth[0][first] >= worst).all()
    plain = smooth_market(200, full, short=short, noise=0.5)
    search_lock(plain, FLOOR, seed=0)
    assert (plain.worth[0][plain.asks[0].rows] < worst).any()


@pytest.mark.parametrize("short", [0, 12])
def test_a_good_lesson_finds_better_locks(short: int) -> None:
    def regret(*, taught: bool) -> float:
        lost = []
        for seed in range(40):
            market = smooth_market(300, 20 - short, short=short, noise=1.0, own=0.3, seed=seed)
            source, target = market.worth
            said = source + np.random.default_rng(seed).normal(0, 1.0, 300) if taught else None
            found = search_lock(market, FLOOR, seed=seed, lesson=said)
            lost.append(target[found.row] - target[source >= np.quantile(source, FLOOR.value)].min())
        return float(np.mean(lost))

    assert regret(taught=True) < regret(taught=False)


def test_a_lesson_is_no_end_where_all_that_it_recommends_fails() -> None:
    worth = smooth_market(40, 4).worth[0]
    better = frozenset(np.argsort(-worth)[:16].tolist())
    market = smooth_market(40, 36, noise=0.5, failing=better)
    found = search_lock(market, FLOOR, seed=0, lesson=worth)
    assert found.row not in better
