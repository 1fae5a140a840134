"""Contract of recorded methods: what every member of ``METHODS``, and every plug-in, must do."""

import numpy as np

from archlock.recipes.evaluate.method import RecordedMethod
from archlock.spaces import Architecture
from archlock.tables import SCHEMES, Allowance, Pick, Scheme, Table, open_pair


def check_recorded_method(
    method: RecordedMethod,
    table: Table,
    *,
    schemes: tuple[Scheme, ...] = SCHEMES,
    allowance: Allowance,
    known_feasible: int = 0,
    floor: float = 0.9,
) -> dict[str, Architecture]:
    """Assert the contract on a table of at least three tasks, and give what was chosen in each scheme with seed 3."""
    assert isinstance(method, RecordedMethod)
    source, target, *rest = table.tasks
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    chosen: dict[str, Architecture] = {}
    for scheme in schemes:
        answers, bills = [], []
        for _ in range(2):
            evidence, truth = open_pair(
                table,
                source,
                target,
                scheme=scheme,
                allowance=allowance,
                known_feasible=table.architectures[:known_feasible],
            )
            answers.append(method(evidence, floor=floor, seed=3))
            bills.append(evidence.spent)
            assert truth.opened_for is None, "a method decides before the truth is opened"
        spent = bills[0]
        assert answers[0] == answers[1], "same evidence and seed, same answer"
        assert bills[0] == bills[1], "same evidence and seed, same look-ups"
        assert answers[0].code in table.positions, "the answer is in the table"
        full = allowance.trainings + allowance.finalists
        assert spent.source_full <= full, "the allowance is kept"
        assert spent.target_full <= (full if scheme == "tk" else 0), "a target that is not known is not looked at"
        assert spent.surrogate_full <= (full * len(rest) if scheme == "tu" else 0), "surrogates are of scheme tu"
        judged = truth.judge(Pick(answers[0], 3))
        assert 0 <= judged.source_percentile <= 100
        chosen[scheme] = answers[0]
    after = np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    assert np.array_equal(before, after), "no global generator is touched"
    return chosen
