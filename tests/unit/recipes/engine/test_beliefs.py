"""What is believed, where the floor lies, and who keeps it: by hand, and by drawing at random."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from archlock.preferences import Kriging
from archlock.recipes.engine.beliefs import Ledger, TaskBelief, against, beliefs_of, keeping, percentile_floor
from archlock.recipes.engine.market import Ask, Bought, Candidates
from archlock.recipes.engine.settings import EngineSettings
from archlock.search import Belief
from made_up_markets import made_up_candidates

COUNT = 60
CANDIDATES = made_up_candidates(COUNT)
PLAIN = EngineSettings(floor_doubt=1.0, floor_shift=0.0, caution=0.0, shortcut_weight=0.0, source_weight=0.0)
NAN = np.nan


def ledger() -> Ledger:
    return Ledger(Kriging(CANDIDATES.places))


def told(one: Ledger, rows: list[int], *values: list[float], noise: float = 0.5) -> None:
    """Enter trainings: one list of values for every task."""
    ask = Ask("full", np.array(rows), np.array([one.asked.get(row, 0) for row in rows]))
    one.add(ask, Bought(np.array(values, dtype=float), np.full(len(values), noise)))


def believed(mean: np.ndarray, std: float | np.ndarray = 0.1, noise: float = 0.0) -> TaskBelief:
    return TaskBelief(Belief(np.asarray(mean, dtype=float), np.broadcast_to(std, np.shape(mean)).astype(float)), noise)


def test_a_ledger_counts_and_averages() -> None:
    one = ledger()
    told(one, [7, 3], [1.0, 2.0], [10.0, 20.0])
    told(one, [3, 5, 3], [4.0, 5.0, 6.0], [40.0, 50.0, 60.0])
    assert one.rows.tolist() == [7, 3, 5]
    assert one.trainings.tolist() == [1, 3, 1]
    np.testing.assert_allclose(one.means, [[1, 4, 5], [10, 40, 50]])
    assert one.spent == 5
    assert one.noise.tolist() == [0.5, 0.5]


def test_a_failed_training_is_paid_for_and_says_nothing() -> None:
    one = ledger()
    told(one, [7, 3], [NAN, 2.0], [10.0, 20.0])  # failed on one of the tasks: failed
    assert (one.spent, one.rows.tolist(), one.asked) == (2, [3], {7: 1, 3: 1})
    told(one, [3, 7], [4.0, NAN], [NAN, NAN])
    assert (one.spent, one.rows.tolist(), one.asked) == (4, [3], {7: 2, 3: 2})
    np.testing.assert_allclose(one.means, [[2.0], [20.0]])
    assert one.trainings.tolist() == [1]
    told(one, [7], [8.0], [80.0])  # the next one succeeds
    assert one.rows.tolist() == [3, 7]
    assert one.trainings.tolist() == [1, 1]


def test_beliefs_are_those_of_kriging_with_the_noise_of_as_many_trainings() -> None:
    one, rng = ledger(), np.random.default_rng(0)
    rows = list(range(30))
    told(one, rows, (3 * CANDIDATES.places[:30, 0] + rng.normal(size=30)).tolist(), noise=1.0)
    for _ in range(3):
        told(one, [4], [6.0], noise=1.0)
    (found,) = beliefs_of(one, np.zeros((COUNT, 0)), ranges=100.0)
    kriging = Kriging(CANDIDATES.places)
    kriging.measured(np.array(rows))
    noises = np.ones(30)
    noises[4] = 0.5
    (expected,) = kriging.estimates(np.zeros((COUNT, 0)), one.means, noises[None])
    np.testing.assert_allclose(found.belief.mean, expected.mean)
    np.testing.assert_allclose(found.belief.std, expected.std)
    assert found.noise == 1.0


def test_what_is_believed_of_the_source_is_trend_of_the_others() -> None:
    one, rng = ledger(), np.random.default_rng(0)
    source, target = rng.normal(size=(2, 30))
    told(one, list(range(30)), source.tolist(), target.tolist())
    slopes = np.array([[0.5], [0.0]])
    first, second = beliefs_of(one, CANDIDATES.size[:, None], ranges=100.0, slopes=slopes)
    kriging, noises = Kriging(CANDIDATES.places), np.full((1, 30), 0.5)
    kriging.measured(np.arange(30))
    (expected,) = kriging.estimates(CANDIDATES.size[:, None], source[None], noises, slopes[:1])
    np.testing.assert_allclose(first.belief.mean, expected.mean)
    wider = np.column_stack([CANDIDATES.size, expected.mean])
    (other,) = kriging.estimates(wider, target[None], noises)
    np.testing.assert_allclose(second.belief.mean, other.mean)
    (alone,) = kriging.estimates(CANDIDATES.size[:, None], target[None], noises)
    assert np.abs(second.belief.mean - alone.mean).max() > 0.01


def test_noise_that_nobody_knows_is_none_of_a_training() -> None:
    one = ledger()
    told(one, list(range(12)), list(range(12)), noise=NAN)
    (found,) = beliefs_of(one, np.zeros((COUNT, 0)), ranges=100.0)
    assert found.noise == 0.0
    assert found.belief.std.min() > 0.1


def test_how_bad_the_bad_ones_are_does_not_matter() -> None:
    """What is far below the others counts as one and a half quartile ranges below their median."""
    good = (50 + np.random.default_rng(1).normal(size=20)).tolist()
    found = []
    for worst in (30.0, -1000.0):
        one = ledger()
        told(one, list(range(21)), [*good, worst], noise=0.0)
        found.append(beliefs_of(one, np.zeros((COUNT, 0)), ranges=1.5)[0].belief)
    np.testing.assert_allclose(found[0].mean, found[1].mean)
    low, middle, high = np.quantile([*good, 30.0], (0.25, 0.5, 0.75))
    assert found[0].mean[20] == pytest.approx(middle - 1.5 * (high - low))


def floor_of(
    mean: np.ndarray, std: float | np.ndarray, share: float, *, shares: np.ndarray | None = None, measured: int = 100
) -> Belief:
    candidates = made_up_candidates(len(mean), shares=shares)
    return percentile_floor(believed(mean, std), candidates, measured, share, PLAIN)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_the_floor_of_a_normal_population_is_its_quantile(share: float) -> None:
    """All candidates are believed alike: everything is one normal distribution."""
    floor = floor_of(np.full(40, 5.0), 2.0, share, measured=50)
    assert floor.mean[0] == pytest.approx(norm.ppf(share, 5, 2), abs=1e-3)
    by_hand = np.sqrt(share * (1 - share) / 50) / norm.pdf(norm.ppf(share, 5, 2), 5, 2)
    assert floor.std[0] == pytest.approx(by_hand, rel=0.05)


def test_the_floor_of_any_population_is_what_draws_say() -> None:
    rng = np.random.default_rng(2)
    mean, std, weights = rng.normal(size=30) * 3, rng.uniform(0.1, 2, 30), rng.dirichlet(np.ones(30))
    drawn = rng.choice(30, 400_000, p=weights)
    draws = mean[drawn] + std[drawn] * rng.standard_normal(400_000)
    for share in (0.3, 0.8, 0.95):
        assert floor_of(mean, std, share, shares=weights).mean[0] == pytest.approx(np.quantile(draws, share), abs=0.03)


def test_what_is_connected_to_nothing_lies_below_all() -> None:
    """Shares that add up to 0.6: the floor at 0.9 of everything is that at 5/6 of what is connected."""
    mean = np.linspace(0, 1, 501)
    found = [floor_of(mean, 1e-6, share, shares=np.full(501, 0.6 / 501)).mean[0] for share in (0.5, 0.9)]
    np.testing.assert_allclose(found, [1 / 6, 5 / 6], atol=0.003)
    assert floor_of(mean, 1e-6, 0.3, shares=np.full(501, 0.6 / 501)).mean[0] <= 0, "everything connected keeps it"


def test_most_of_everything_may_be_few_candidates() -> None:
    """Half of the candidates stand for 98 % of the space, and all of them are bad: the floor lies among them."""
    mean = np.concatenate([np.linspace(0, 1, 20), np.linspace(50, 100, 20)])
    shares = np.concatenate([np.full(20, 0.98 / 20), np.full(20, 0.02 / 20)])
    everything = np.repeat(mean, np.round(shares * 10_000).astype(int))
    for share in (0.5, 0.9, 0.95):
        found = floor_of(mean, 0.01, share, shares=shares)
        assert found.mean[0] == pytest.approx(np.quantile(everything, share), abs=0.06)
        assert found.std[0] > 0


def test_one_candidate_of_which_nothing_is_known_hardly_moves_the_floor() -> None:
    mean, std = np.linspace(0, 1, 100), np.full(100, 1e-3)
    std[3] = 50
    assert floor_of(mean, std, 0.9).mean[0] == pytest.approx(0.9, abs=0.02)


def test_the_doubt_is_how_far_samples_of_that_size_are_off() -> None:
    rng = np.random.default_rng(3)
    quantiles = np.quantile(rng.standard_normal((20_000, 150)), 0.9, axis=1)
    assert floor_of(np.zeros(10), 1.0, 0.9, measured=150).std[0] == pytest.approx(quantiles.std(), rel=0.1)
    doubtful = replace(PLAIN, floor_doubt=0.5)
    half = percentile_floor(believed(np.zeros(10), 1.0), made_up_candidates(10), 150, 0.9, doubtful)
    assert half.std[0] == pytest.approx(floor_of(np.zeros(10), 1.0, 0.9, measured=150).std[0] / 2)


def test_the_floor_is_raised_by_a_part_of_the_noise() -> None:
    raised = replace(PLAIN, floor_shift=0.25)
    source, candidates = believed(np.zeros(10), 1.0, noise=0.8), made_up_candidates(10)
    low, high = (percentile_floor(source, candidates, 100, 0.9, settings).mean[0] for settings in (PLAIN, raised))
    assert high - low == pytest.approx(0.2)


def test_keeping_is_a_probability_of_both_being_uncertain() -> None:
    rng = np.random.default_rng(4)
    source, floor = (
        Belief(np.array([1.0, 0.5, 0.0]), np.array([0.3, 0.0, 1.0])),
        Belief(np.array([0.4]), np.array([0.4])),
    )
    draws = source.mean + source.std * rng.standard_normal((400_000, 3))
    kept = (draws >= 0.4 + 0.4 * rng.standard_normal((400_000, 1))).mean(axis=0)
    np.testing.assert_allclose(keeping(source, floor), kept, atol=0.003)
    certain = keeping(Belief(np.array([1.0, 0.0]), np.zeros(2)), Belief(np.array([0.5]), np.zeros(1)))
    assert certain.tolist() == [1.0, 0.0]


def three_tasks(scale: float = 1.0) -> tuple[TaskBelief, ...]:
    rng = np.random.default_rng(5)
    source, one, other = (rng.normal(size=COUNT) for _ in range(3))
    return (
        believed(60 + source, 0.5, 0.3),
        believed(scale * (50 + one), scale * 0.4, scale * 0.2),
        believed(40 + 3 * other, 0.6, 0.4),
    )


@pytest.mark.parametrize("known", [True, False])
def test_the_unit_of_a_target_changes_nothing(known: bool) -> None:
    """Losses in thousandths, accuracies in percent: none outweighs the other."""
    (one, noise), (thousand, other_noise) = (
        against(CANDIDATES, three_tasks(scale), EngineSettings(), known=known) for scale in (1.0, 1000.0)
    )
    np.testing.assert_allclose(one.mean, thousand.mean)
    np.testing.assert_allclose(one.std, thousand.std)
    assert noise == pytest.approx(other_noise)


def test_several_targets_are_the_mean_of_what_is_standardised() -> None:
    beliefs = three_tasks()
    found, noise = against(CANDIDATES, beliefs, PLAIN, known=True)
    rng, standard = np.random.default_rng(6), []
    for one in beliefs[1:]:
        draws = one.belief.mean + one.belief.std * rng.standard_normal((100_000, COUNT))
        standard.append(draws / one.belief.mean.std())
    both = np.mean(standard, axis=0)
    np.testing.assert_allclose(found.mean, both.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(found.std, both.std(axis=0), rtol=0.02)
    parts = [one.noise / one.belief.mean.std() for one in beliefs[1:]]
    assert noise == pytest.approx(np.hypot(*parts) / 2)


def test_one_known_target_counts_in_its_units_and_none_is_the_source_turned() -> None:
    source, target, _ = three_tasks()
    assert against(CANDIDATES, (source, target), EngineSettings(), known=True) == (target.belief, target.noise)
    found, noise = against(CANDIDATES, (source,), EngineSettings(), known=False)
    np.testing.assert_array_equal(found.mean, -source.belief.mean)
    assert noise == source.noise


def test_of_an_unknown_target_it_counts_what_hinders_everywhere() -> None:
    beliefs, low = three_tasks(), np.linspace(0.1, 1.0, COUNT)
    beliefs = (beliefs[0], believed(beliefs[1].belief.mean, low), beliefs[2])
    plain, _ = against(CANDIDATES, beliefs, PLAIN, known=False)
    for name, expected in (
        ("caution", plain.std),
        ("shortcut_weight", CANDIDATES.open_shortcut),
        ("source_weight", beliefs[0].belief.mean / beliefs[0].belief.mean.std()),
    ):
        found, _ = against(CANDIDATES, beliefs, replace(PLAIN, **{name: 0.5}), known=False)
        np.testing.assert_allclose(found.mean - plain.mean, 0.5 * expected, atol=1e-12)
        known, _ = against(CANDIDATES, beliefs, replace(PLAIN, **{name: 0.5}), known=True)
        np.testing.assert_array_equal(known.mean, plain.mean)


@pytest.mark.parametrize("constant", [0.1, 0.0])
def test_a_task_on_which_all_are_equal_says_nothing(constant: float) -> None:
    """Every training gives chance there: neither its mean nor its noise drowns the others."""
    source, target, _ = three_tasks()
    flat = believed(np.full(COUNT, constant), 1e-13, noise=0.3)
    found, noise = against(CANDIDATES, (source, target, flat), PLAIN, known=True)
    alone, alone_noise = against(CANDIDATES, (source, target), PLAIN, known=False)
    np.testing.assert_allclose(found.mean, alone.mean / 2)
    np.testing.assert_allclose(found.std, alone.std / 2)
    assert noise == pytest.approx(alone_noise / 2)


def test_candidates_of_a_test_are_candidates() -> None:
    assert isinstance(CANDIDATES, Candidates)
    assert CANDIDATES.shares.sum() == pytest.approx(1)
