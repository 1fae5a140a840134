"""A small recorded table with known structure, for tests: made-up values, real architectures."""

from dataclasses import replace

import numpy as np

from archlock.spaces import SPACES
from archlock.tables import Provenance, RecordedColumn, Table


def made_up_table(
    *, tasks: int = 3, codes: int = 400, short: bool = False, judge: bool = False, noise: float = 0.0, seed: int = 0
) -> Table:
    """Tasks ``t0``, ``t1`` ... on some cells of transnas101_micro: size helps all, a shortcut some, noise is small.

    With ``judge`` every task has another training that judges; ``noise`` is what the table says of one training's.
    """
    space = SPACES["transnas101_micro"]
    rng = np.random.default_rng(seed)
    everybody = [one for one in space.enumerate() if space.is_connected(one) and space.canonicalise(one) == one]
    chosen = [everybody[row] for row in np.sort(rng.choice(len(everybody), codes, replace=False))]
    size = space.relative_cost(chosen) / 10
    shortcut = (space.shortest_path(chosen) == 0).astype(float)
    columns, values = [], []
    for task in range(tasks):
        truth = 60 + 5 * size + (8 if task % 2 else -4) * shortcut * size + rng.normal(0, 0.5, codes)
        sold = RecordedColumn(
            f"t{task}_200", f"t{task}", "truth", "accuracy", "test", 200, "final", "one run", "%", noise=noise
        )
        columns.append(sold)
        values.append(truth)
        if judge:
            columns.append(replace(sold, name=f"t{task}_judge", role="judge", noise=0.0))
            values.append(truth + np.random.default_rng([seed, task]).normal(0, 0.5, codes))
        if short:
            columns.append(
                RecordedColumn(
                    f"t{task}_12", f"t{task}", "evidence", "accuracy", "validation", 12, "final", "one run", "%"
                )
            )
            values.append(truth - 20 - 2 * size + rng.normal(0, 1, codes))
        columns.append(RecordedColumn(f"nwot_t{task}", f"t{task}", "proxy", "nwot"))
        values.append(size + rng.normal(0, 0.3, codes))
    codes_in_order = tuple(one.code for one in chosen)
    return Table("made_up", space.name, codes_in_order, tuple(columns), np.stack(values), Provenance("test", ()))
