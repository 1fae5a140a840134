import os
import subprocess
import sys

import pytest

from archlock.errors import UnsupportedError
from archlock.tasks import KINDS, SIMULATORS, digits
from archlock.testing.small_tasks import small_signals, small_task
from archlock.testing.tasks import SHAPES, SIGNAL_SHAPES, SIMULATOR_CHECKS, example_source

SOURCES = [example_source(shape) for shape in SHAPES] + [example_source(s, form="signal") for s in SIGNAL_SHAPES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: f"{source.form} {source.shape}")
@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize("check", SIMULATOR_CHECKS, ids=lambda check: check.__name__)
def test_every_simulator(check, name, source):
    simulator = SIMULATORS[name]
    if simulator.supports(source):
        check(simulator, source)
    else:
        with pytest.raises(UnsupportedError, match=r"it holds (signals, not images|images, not signals)"):
            simulator.simulate(source, seed=0)


def test_most_simulators_are_of_one_form_and_relabelling_is_of_both():
    of_form = {source.form: {name for name in SIMULATORS if SIMULATORS[name].supports(source)} for source in SOURCES}
    assert of_form["image"] | of_form["signal"] == set(SIMULATORS)
    assert of_form["image"] & of_form["signal"] == {"coarse", "random_grouping", "class_subset"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SIMULATORS)
def test_every_simulator_says_which_kinds_of_source_it_can_use(name, kind):
    simulator, source = SIMULATORS[name], small_task(kind, train=40, validation=20, test=20)
    if simulator.supports(source):
        assert simulator.simulate(source, seed=0).shape == source.shape
    else:
        with pytest.raises(
            UnsupportedError, match=f"{name} cannot be simulated from .*: it (has no classes|holds images)"
        ):
            simulator.simulate(source, seed=0)


def test_the_catalog_knows_simulators_by_their_own_names():
    assert all(simulator.name == name for name, simulator in SIMULATORS.items())


def test_another_process_simulates_the_same_targets():
    code = (
        "from archlock.tasks import SIMULATORS, digits\n"
        "from archlock.testing.small_tasks import small_signals\n"
        "for source in (digits(seed=5), small_signals()):\n"
        "    able = [simulator for simulator in SIMULATORS.values() if simulator.supports(source)]\n"
        "    print(*(simulator.simulate(source, seed=7).fingerprint for simulator in able))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    expected = [
        simulator.simulate(source, seed=7).fingerprint
        for source in (digits(seed=5), small_signals())
        for simulator in SIMULATORS.values()
        if simulator.supports(source)
    ]
    assert done.stdout.split() == expected
