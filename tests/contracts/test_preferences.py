import numpy as np
import pytest

from archlock.preferences import PREFERENCES, SATURATING, Column, Curve, EvidenceTable
from archlock.spaces import SPACES
from archlock.testing.preferences import check_preference

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", list(PREFERENCES))
@pytest.mark.parametrize("space_name", ["nasbench201", "transnas101_macro"])
def test_contract(name, space_name):
    space = SPACES[space_name]
    rng = np.random.default_rng(1)
    architectures = tuple({space.sample(rng): None for _ in range(60)})
    encodings = space.encode(architectures)
    truth = encodings @ rng.standard_normal((encodings.shape[1], 2))
    if name == SATURATING:  # (it knows one number of an architecture, and accuracies are above 0)
        truth = np.stack([Curve(slope, 0.01)(space.relative_cost(architectures) + 1) for slope in (0.1, 0.3)], axis=1)
    values = np.repeat(truth, 3, axis=1) + 0.2 * rng.standard_normal((len(truth), 6))
    columns = tuple(Column(task, measure) for task in ("a", "b") for measure in ("one", "two", "three"))
    embeddings = {task: rng.random(20) for task in ("a", "b", "unseen")}
    check_preference(PREFERENCES[name], EvidenceTable(architectures, columns, values), space, embeddings)
