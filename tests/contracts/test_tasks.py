import os
import subprocess
import sys

import pytest

from archlock.errors import UnsupportedError
from archlock.tasks import KINDS, SIMULATORS, digits
from archlock.testing.small_tasks import small_task
from archlock.testing.tasks import SHAPES, SIMULATOR_CHECKS, example_source


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize("check", SIMULATOR_CHECKS, ids=lambda check: check.__name__)
def test_every_simulator(check, name, shape):
    check(SIMULATORS[name], example_source(shape))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SIMULATORS)
def test_every_simulator_says_which_kinds_of_source_it_can_use(name, kind):
    simulator, source = SIMULATORS[name], small_task(kind, train=40, validation=20, test=20)
    if simulator.supports(source):
        assert simulator.simulate(source, seed=0).shape == source.shape
    else:
        with pytest.raises(UnsupportedError, match=f"{name} cannot be simulated from .*: it has no classes"):
            simulator.simulate(source, seed=0)


def test_the_catalog_knows_simulators_by_their_own_names():
    assert all(simulator.name == name for name, simulator in SIMULATORS.items())


def test_another_process_simulates_the_same_targets():
    code = (
        "from archlock.tasks import SIMULATORS, digits\n"
        "source = digits(seed=5)\n"
        "print(*(SIMULATORS[name].simulate(source, seed=7).fingerprint for name in SIMULATORS))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    source = digits(seed=5)
    assert done.stdout.split() == [SIMULATORS[name].simulate(source, seed=7).fingerprint for name in SIMULATORS]
