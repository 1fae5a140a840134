"""Every reader, on made-up traces whose rule is known; and the random networks that teach them."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError, UnknownNameError
from archlock.leaks import (
    GENERATORS,
    OBSERVERS,
    READERS,
    FamilyReader,
    Lesson,
    Observation,
    Operator,
    Reader,
    check,
    check_families,
    edit_error,
    judge,
    training_network,
    watch_sizes,
)
from archlock.leaks.recurrent import Recurrent
from archlock.leaks.windowed_trees import WindowedTrees
from archlock.spaces import SPACES

TIMES = {"conv3": 80.0, "conv1": 30.0, "norm": 8.0, "activation": 4.0}
BLOCKS = {"one": ("conv3", "norm", "activation"), "two": ("conv1", "norm", "activation", "conv3", "activation")}


def lesson(number: int) -> tuple[str, Lesson]:
    """Blocks of one family, each kind with its time and a tenth of noise."""
    rng = np.random.default_rng(number)
    family = ("one", "two")[number % 2]
    kinds = BLOCKS[family] * int(rng.integers(2, 5))
    operators = tuple(
        Operator(kind, 8, 3 if kind == "conv3" else 1 if kind == "conv1" else 0, 1 + (kind == "conv1"))
        for kind in kinds
    )
    seconds = tuple(1e-6 * TIMES[kind] * float(np.exp(0.1 * rng.standard_normal())) for kind in kinds)
    return family, Lesson(Observation(seconds=seconds), operators, tuple(range(len(kinds))))


LESSONS = [lesson(number) for number in range(30)]
TAUGHT, UNSEEN = [one for _, one in LESSONS[:20]], [one for _, one in LESSONS[20:]]
QUICK: dict[str, Reader] = {"windowed_trees": WindowedTrees(), "recurrent": Recurrent(epochs=100)}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_learns_what_can_be_learned_and_the_same_each_time(name: str) -> None:
    fitted = QUICK[name].fit(TAUGHT, seed=3)
    assert fitted.training_accuracy > 0.9
    checked = check(fitted, TAUGHT, UNSEEN, seed=0)
    assert checked.networks == 10
    assert checked.edit_error < 0.1
    assert checked.majority_error > 0.5
    assert checked.shuffled_accuracy < 0.6
    again = QUICK[name].fit(TAUGHT, seed=3)
    assert again.read(UNSEEN[0].observation) == fitted.read(UNSEEN[0].observation)
    several = [one.observation for one in UNSEEN]
    assert fitted.read_all(several) == tuple(fitted.read(one) for one in several), "many at once change nothing"
    assert fitted.read_all([]) == ()


def test_kernels_and_strides_are_read_by_the_trees() -> None:
    fitted = WindowedTrees().fit(TAUGHT, seed=0)
    reading = fitted.read(UNSEEN[1].observation)
    assert judge(reading, UNSEEN[1]).kernels == 1.0
    assert {(row.kernel, row.stride) for row in reading.rows} == {(3, 1), (1, 2), (0, 1)}


def test_what_is_not_seen_is_read_with_the_row_before() -> None:
    operators = tuple(Operator(kind, 8) for kind in ("conv3", "activation", "conv1", "norm", "activation", "mean"))
    seen = Observation(sizes=(8,) * 5, held=(1,) * 5)
    taught = Lesson(seen, operators, (0, 2, 3, 4, 5))
    assert taught.words == (("conv3", "activation"), ("conv1",), ("norm",), ("activation",), ("mean",))
    fitted = WindowedTrees().fit([taught] * 3, seed=0)
    assert edit_error(fitted.read(seen).kinds, tuple(one.kind for one in operators)) == 0
    with pytest.raises(ConfigurationError, match="an operator for each row; got 2 for 5 rows"):
        Lesson(seen, operators, (0, 1))


def test_families_are_ranked_by_the_whole_observation() -> None:
    names = [name for name, _ in LESSONS]
    observations = [one.observation for _, one in LESSONS]
    reader = FamilyReader(observations[:20], names[:20], seed=0)
    assert check_families(reader, observations[20:], names[20:])[0] > 0.8
    (ranked,) = reader.rank(observations[20:21])
    assert sum(one.probability for one in ranked) == pytest.approx(1.0)
    assert ranked[0].probability >= ranked[1].probability


@pytest.mark.parametrize("number", range(len(GENERATORS)), ids=list(GENERATORS))
def test_every_generator_makes_networks_that_can_be_watched(number: int) -> None:
    name, network = training_network(number, (3, 16, 16), seed=0)
    assert name == tuple(GENERATORS)[number]
    found = watch_sizes(network, (3, 16, 16))
    assert len(found.sizes) >= 5
    assert watch_sizes(training_network(number, (3, 16, 16), seed=0)[1], (3, 16, 16)) == found
    assert OBSERVERS["memory"].visible(found.sizes)


def test_families_take_turns_and_every_space_of_ours_is_among_them() -> None:
    assert set(SPACES) < set(GENERATORS)
    assert training_network(len(GENERATORS), (1, 8, 8), seed=0)[0] == next(iter(GENERATORS))
    with pytest.raises(UnknownNameError, match="unknown generator 'tower'; known: plain, residual"):
        _ = GENERATORS["tower"]
