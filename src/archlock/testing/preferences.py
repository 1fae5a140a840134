"""Contract of preferences: what every member of ``PREFERENCES``, and every plug-in, must do."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from archlock.preferences import EvidenceTable, Preference, PreferenceMaker
from archlock.ranking import rank_percentiles
from archlock.spaces import Space


def check_preference(
    make: PreferenceMaker,
    evidence: EvidenceTable,
    space: Space,
    embeddings: Mapping[str, Float[np.ndarray, " dimensions"]],
) -> None:
    """Assert the contract on evidence of at least 20 different architectures whose measures agree within each task."""
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    preference = make(evidence, space, embeddings=embeddings, seed=5)
    asked = list(dict.fromkeys(evidence.architectures))
    scores = preference.scores(asked)

    assert isinstance(preference, Preference)
    assert set(evidence.tasks) <= set(preference.tasks), "every task of the evidence is scored"
    assert scores.shape == (len(preference.tasks), len(asked)), "one row per task, one column per architecture"
    assert np.isfinite(scores).all(), "scores are finite"

    backwards = preference.scores(asked[::-1])[:, ::-1]
    assert np.allclose(backwards, scores), "the order of the list does not matter"
    assert np.allclose(preference.scores(asked[:3]), scores[:, :3]), "the company of an architecture does not matter"
    again = make(evidence, space, embeddings=embeddings, seed=5).scores(asked)
    assert np.array_equal(again, scores), "same evidence and seed, same scores"
    after = np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    assert np.array_equal(before, after), "no global generator is touched"

    rows = [evidence.architectures.index(architecture) for architecture in asked]
    for task in evidence.tasks:
        column = evidence.values[rows][:, evidence.positions(task)[0]]
        measured = rank_percentiles(column)
        scored = rank_percentiles(scores[preference.tasks.index(task)])
        agreement = np.corrcoef(measured, scored)[0, 1]
        assert agreement > 0.5, f"higher is better: agreement with the evidence on {task} is only {agreement:.2f}"
