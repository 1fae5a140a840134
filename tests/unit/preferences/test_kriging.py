"""Kriging against scikit-learn, leave-one-out by refitting, repeats, and variances that are known."""

from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern
from sklearn.linear_model import Ridge

from archlock.preferences import Kriging, coordinates
from archlock.preferences.gaussian_process import best_noise
from archlock.preferences.kriging import LENGTH, Estimate
from archlock.spaces import SPACES

COUNT, MEASURED = 80, 30
NOTHING = np.zeros((COUNT, 0))
LEAST = 0.05
"""Share of what structure leaves unexplained that is each one's own, at least."""


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(COUNT, 4)) / 2


def measured(places: np.ndarray, noise: float | np.ndarray = 0.0, own: float = 0.0, seed: int = 1) -> np.ndarray:
    """Values at the first rows: a smooth function, something of each row's own, and noise."""
    rng = np.random.default_rng(seed)
    smooth = 3 * np.sin(3 * places[:MEASURED, 0]) + places[:MEASURED, 1]
    return smooth + own * rng.standard_normal(MEASURED) + noise * rng.standard_normal(MEASURED)


def krige(
    places: np.ndarray, trend: np.ndarray, values: np.ndarray, noises: np.ndarray, slopes: np.ndarray | None = None
) -> Estimate:
    kriging = Kriging(places)
    kriging.measured(np.arange(len(values)))
    (found,) = kriging.estimates(trend, values[None], noises[None], None if slopes is None else slopes[None])
    return found


@dataclass(frozen=True)
class Oracle:
    """scikit-learn's Gaussian process with the variances that ours found: trend removed, one alpha for every row."""

    places: np.ndarray
    values: np.ndarray
    noises: np.ndarray
    own: float
    prior: np.ndarray
    """What the trend foretells of everybody, in units."""

    @property
    def kernel(self) -> ConstantKernel:
        rows, rest = np.arange(len(self.values)), self.values - self.prior[: len(self.values)]
        eigenvalues, vectors = np.linalg.eigh(Matern(LENGTH, nu=1.5)(self.places[rows]))
        _, _, signal = best_noise(np.maximum(eigenvalues, 0), (vectors.T @ rest)[:, None] / self.values.std())
        return ConstantKernel(signal[0] * self.values.var(), "fixed") * Matern(LENGTH, "fixed", nu=1.5)

    def fit(self, rows: np.ndarray) -> GaussianProcessRegressor:
        """The process on some of the measured rows."""
        nugget = self.own**2 + self.noises[rows] ** 2
        process = GaussianProcessRegressor(self.kernel, optimizer=None, alpha=nugget)
        return process.fit(self.places[rows], (self.values - self.prior[: len(self.values)])[rows])

    def predict(self, process: GaussianProcessRegressor, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation of what many trainings would bring: what is each one's own is part of it."""
        mean, std = process.predict(self.places[rows], return_std=True)
        return self.prior[rows] + mean, np.sqrt(std**2 + self.own**2)

    def joint(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation at the measured rows, conditioned on all measurements at once."""
        rows = np.arange(len(self.values))
        shared = self.kernel(self.places[rows]) + self.own**2 * np.eye(len(rows))
        weights = np.linalg.solve(shared + np.diag(self.noises**2), shared).T
        mean = weights @ (self.values - self.prior[rows])
        return self.prior[rows] + mean, np.sqrt(np.diag(shared - weights @ shared))


def oracle_of(
    places: np.ndarray,
    values: np.ndarray,
    noises: np.ndarray,
    found: Estimate,
    trend: np.ndarray,
    slopes: np.ndarray | None = None,
) -> Oracle:
    prior = np.full(len(places), values.mean())
    if trend.shape[1]:
        columns = (trend - trend[: len(values)].mean(axis=0)) / trend.std(axis=0)
        expected = values.std() * columns @ (np.zeros(trend.shape[1]) if slopes is None else slopes)
        rest = values - values.mean() - expected[: len(values)]
        model = Ridge(alpha=1.0, fit_intercept=False).fit(columns[: len(values)], rest)
        prior = prior + expected + model.predict(columns)
    return Oracle(places, values, noises, found.own, prior)


def with_trend(places: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(7)
    return np.column_stack([100 * places[:, 0] + 20 * rng.normal(size=len(places)), rng.normal(size=len(places))])


@pytest.mark.parametrize("trended", [False, True], ids=["no trend", "trend removed"])
@pytest.mark.parametrize("noise", [0.0, 0.4], ids=["exact", "noisy"])
def test_what_is_not_measured_is_what_scikit_learn_says(places: np.ndarray, trended: bool, noise: float) -> None:
    trend = with_trend(places) if trended else NOTHING
    values, noises = measured(places, noise, own=0.3), np.full(MEASURED, noise)
    found = krige(places, trend, values, noises)
    oracle, unseen = oracle_of(places, values, noises, found, trend), np.arange(MEASURED, COUNT)
    mean, std = oracle.predict(oracle.fit(np.arange(MEASURED)), unseen)
    np.testing.assert_allclose(found.mean[unseen], mean, atol=1e-6)
    np.testing.assert_allclose(found.std[unseen], std, atol=1e-5)


def test_a_trend_is_drawn_towards_what_is_expected_of_it(places: np.ndarray) -> None:
    trend, slopes, noises = with_trend(places), np.array([0.8, -3.0]), np.full(MEASURED, 0.4)
    values = measured(places, 0.4, own=0.3)
    found = krige(places, trend, values, noises, slopes)
    oracle, unseen = oracle_of(places, values, noises, found, trend, slopes), np.arange(MEASURED, COUNT)
    mean, std = oracle.predict(oracle.fit(np.arange(MEASURED)), unseen)
    np.testing.assert_allclose(found.mean[unseen], mean, atol=1e-6)
    np.testing.assert_allclose(found.std[unseen], std, atol=1e-5)
    assert np.abs(found.mean - krige(places, trend, values, noises).mean).max() > 0.01


def test_what_is_expected_decides_where_all_that_was_measured_is_alike() -> None:
    """Four rows of the same trend say nothing of its slope; far from them in structure there is nothing else."""
    places = np.vstack([np.zeros((4, 2)), 1000 * np.arange(1, 11)[:, None] * np.ones(2)])
    trend = np.concatenate([np.ones(4), np.linspace(-2, 0, 10)])[:, None]
    values = np.array([1.0, 2.0, 3.0, 4.0])
    found = krige(places, trend, values, np.zeros(4), np.array([0.6]))
    expected = values.mean() + 0.6 * values.std() * (trend[4:, 0] - 1) / trend.std()
    np.testing.assert_allclose(found.mean[4:], expected, atol=1e-6)


def test_noise_of_each_row_is_its_own_alpha(places: np.ndarray) -> None:
    """Means are exact; deviations of rows that are not measured take the mean noise for all, and are near."""
    noises = np.random.default_rng(2).choice([0.6, 0.6 / np.sqrt(2), 0.6 / np.sqrt(4)], MEASURED)
    values = measured(places, noises, own=0.3)
    found = krige(places, NOTHING, values, noises)
    oracle, unseen = oracle_of(places, values, noises, found, NOTHING), np.arange(MEASURED, COUNT)
    mean, std = oracle.predict(oracle.fit(np.arange(MEASURED)), unseen)
    np.testing.assert_allclose(found.mean[unseen], mean, atol=1e-6)
    np.testing.assert_allclose(found.std[unseen], std, rtol=0.05)
    flat = oracle_of(places, values, np.full(MEASURED, 0.6), found, NOTHING)
    assert np.abs(found.mean - flat.predict(flat.fit(np.arange(MEASURED)), np.arange(COUNT))[0]).max() > 0.01


@pytest.mark.parametrize("trended", [False, True], ids=["no trend", "trend removed"])
def test_left_out_is_a_fit_without_the_row(places: np.ndarray, trended: bool) -> None:
    trend = with_trend(places) if trended else NOTHING
    noises = np.random.default_rng(2).choice([0.2, 0.4, 0.8], MEASURED)
    values = measured(places, noises, own=0.3)
    found = krige(places, trend, values, noises)
    oracle = oracle_of(places, values, noises, found, trend)
    for row in range(MEASURED):
        others = np.delete(np.arange(MEASURED), row)
        mean, std = oracle.predict(oracle.fit(others), np.array([row]))
        assert found.left_out[row] == pytest.approx(mean[0], abs=1e-6)
        assert found.left_out_std[row] == pytest.approx(std[0], abs=1e-5)


@pytest.mark.parametrize("trended", [False, True], ids=["no trend", "trend removed"])
def test_measured_rows_are_conditioned_on_everything_at_once(places: np.ndarray, trended: bool) -> None:
    trend = with_trend(places) if trended else NOTHING
    noises = np.random.default_rng(3).choice([0.2, 0.4, 0.8], MEASURED)
    values = measured(places, noises, own=0.3)
    found = krige(places, trend, values, noises)
    mean, std = oracle_of(places, values, noises, found, trend).joint()
    np.testing.assert_allclose(found.mean[:MEASURED], mean, atol=1e-6)
    np.testing.assert_allclose(found.std[:MEASURED], std, atol=1e-5)


def test_repeats_pull_the_belief_towards_their_mean(places: np.ndarray) -> None:
    """One lucky training is hardly believed; the same mean of many is."""
    values = measured(places, own=0.2)
    values[4] += 2.5
    one, believed, unsure = np.full(MEASURED, 1.0), [], []
    for count in (1, 2, 4, 16, 1000):
        noises = one.copy()
        noises[4] /= np.sqrt(count)
        found = krige(places, NOTHING, values, noises)
        believed.append(found.mean[4])
        unsure.append(found.std[4])
    assert believed == sorted(believed)
    assert unsure == sorted(unsure, reverse=True)
    assert values[4] - believed[0] > 1.25, "a single training is believed for less than half of its luck"
    assert values[4] - believed[-1] < 0.05
    assert unsure[-1] < 0.05


def simulated(own: float, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places, and values at all of them: a draw of the process itself, what is each one's own, noise."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(150, 4)) / 2
    kernel = 4 * Matern(LENGTH, nu=1.5)(places) + 1e-9 * np.eye(150)
    values = np.linalg.cholesky(kernel) @ rng.standard_normal(150)
    return places, values + own * rng.standard_normal(150) + noise * rng.standard_normal(150)


@pytest.mark.parametrize(("own", "noise"), [(0.5, 0.25), (0.3, 0.3), (0.4, 0.0)])
def test_what_is_each_ones_own_is_recovered(own: float, noise: float) -> None:
    found = []
    for seed in range(12):
        places, values = simulated(own, noise, seed)
        found.append(krige(places, np.zeros((150, 0)), values, np.full(150, noise)).own)
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(own, rel=0.15)


def test_where_noise_is_all_there_is_next_to_nothing_is_each_ones_own() -> None:
    found = []
    for seed in range(12):
        places, values = simulated(0.0, 0.5, seed)
        found.append(krige(places, np.zeros((150, 0)), values, np.full(150, 0.5)).own)
    assert np.sqrt(np.mean(np.square(found))) < 0.25


def test_noise_that_is_not_known_is_all_that_is_not_explained() -> None:
    places, values = simulated(0.3, 0.4, 0)
    exact, unknown = (krige(places, np.zeros((150, 0)), values, np.full(150, noise)) for noise in (0.0, np.nan))
    assert unknown.own == pytest.approx(np.sqrt(LEAST) * exact.own)
    assert unknown.own < 0.2 < exact.own
    off = np.abs(values - unknown.mean)
    assert np.median(off) > 0.5 * np.median(np.abs(values - unknown.left_out)), "a value is not taken for the truth"
    assert (unknown.std > 0).all()
    assert np.isfinite(unknown.mean).all()


def test_without_noise_a_value_is_the_truth(places: np.ndarray) -> None:
    values = measured(places, own=0.3)
    found = krige(places, NOTHING, values, np.zeros(MEASURED))
    np.testing.assert_allclose(found.mean[:MEASURED], values, atol=1e-9)
    np.testing.assert_allclose(found.std[:MEASURED], 0, atol=1e-6)
    assert found.std[MEASURED:].min() >= found.own > 0


def test_measures_of_one_call_do_not_touch_each_other(places: np.ndarray) -> None:
    one, other = measured(places, 0.3), 1000 * measured(places, 0.1, seed=5) - 7
    kriging = Kriging(places)
    kriging.measured(np.arange(MEASURED))
    noises = np.stack([np.full(MEASURED, 0.3), np.full(MEASURED, 100.0)])
    both = kriging.estimates(NOTHING, np.stack([one, other]), noises)
    for found, values, noise in zip(both, (one, other), noises, strict=True):
        alone = krige(places, NOTHING, values, noise)
        np.testing.assert_array_equal(found.mean, alone.mean)
        np.testing.assert_array_equal(found.std, alone.std)
    smaller = krige(places, NOTHING, other / 1000, noises[1] / 1000)
    np.testing.assert_allclose(both[1].mean, 1000 * smaller.mean, rtol=1e-6)
    np.testing.assert_allclose(both[1].std, 1000 * smaller.std, rtol=1e-6)


def test_rows_may_be_measured_in_any_order_and_bit_by_bit(places: np.ndarray) -> None:
    rows = np.random.default_rng(4).permutation(MEASURED)
    values, noises = measured(places, 0.3), np.linspace(0.1, 0.5, MEASURED)
    kriging = Kriging(places)
    for part in np.array_split(rows, 4):
        kriging.measured(part)
        so_far = kriging.rows
        for _ in range(2):  # what was kept of one fit serves the next, and no other rows
            (found,) = kriging.estimates(NOTHING, values[so_far][None], noises[so_far][None])
            fresh = Kriging(places)
            fresh.measured(so_far)
            (again,) = fresh.estimates(NOTHING, values[so_far][None], noises[so_far][None])
            np.testing.assert_allclose(found.std, again.std, atol=1e-9)
            np.testing.assert_allclose(found.mean, again.mean, atol=1e-9)
    assert kriging.rows.tolist() == rows.tolist()
    (found,) = kriging.estimates(NOTHING, values[rows][None], noises[rows][None])
    whole = krige(places, NOTHING, values, noises)
    np.testing.assert_allclose(found.mean, whole.mean, atol=1e-8)
    np.testing.assert_allclose(found.std, whole.std, atol=1e-8)
    np.testing.assert_allclose(found.left_out, whole.left_out[rows], atol=1e-8)


def test_a_linear_trend_carries_beyond_what_was_measured() -> None:
    trend = np.linspace(0, 10, 60)[:, None]
    nowhere = np.random.default_rng(3).normal(size=(60, 5))
    values = 2 * trend[:30, 0] + 1
    found = krige(nowhere, trend, values, np.zeros(30))
    np.testing.assert_allclose(found.mean[30:], 2 * trend[30:, 0] + 1, rtol=0.1)


def test_the_unit_of_the_trend_does_not_matter(places: np.ndarray) -> None:
    values, noises, trend = measured(places, 0.3), np.full(MEASURED, 0.3), with_trend(places)
    one, other = (krige(places, factor * trend + 5, values, noises) for factor in (1.0, 1000.0))
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.5, np.nan])
def test_one_value_or_equal_values_are_believed_and_finite(places: np.ndarray, noise: float) -> None:
    for values in (np.array([3.0]), np.full(5, 3.0)):
        found = krige(places, NOTHING, values, np.full(len(values), noise))
        np.testing.assert_allclose(found.mean, 3.0, atol=1e-6)
        assert np.isfinite(found.std).all()
        assert (found.std >= 0).all()


def test_coordinates_have_mean_squared_norm_one() -> None:
    space = SPACES["transnas101_micro"]
    places = coordinates(space, tuple(space.enumerate()))
    assert np.isclose((places**2).sum(axis=1).mean(), 1)


def test_coordinates_keep_the_distances_of_the_features() -> None:
    space = SPACES["transnas101_micro"]
    some = tuple(space.enumerate())[::97]
    features = space.features(some)
    spread = np.sqrt(features.std(axis=0))
    scaled = (features - features.mean(axis=0)) * spread
    scaled /= np.sqrt((scaled**2).sum(axis=1).mean())
    places = coordinates(space, some)
    assert places.shape[1] <= scaled.shape[1]
    expected, found = (np.linalg.norm(one[:, None] - one, axis=2) for one in (scaled, places))
    np.testing.assert_allclose(found, expected, atol=1e-6)
