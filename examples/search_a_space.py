"""From a little evidence to the best lock of a whole space: score model, source floor, exhaustive search.

The evidence here is made up: convolutions help the source, poolings help the target. Put your own measurements there.
"""

import numpy as np

from archlock.preferences import Column, EvidenceTable, ScoreModel
from archlock.search import STRATEGIES, SourceFloor, lock_judgement, search, tabulated
from archlock.seeding import rng_for
from archlock.spaces import SPACES

if __name__ == "__main__":
    space = SPACES["nasbench201"]
    rng = rng_for(0, "example")
    measured = tuple(dict.fromkeys(space.sample(rng) for _ in range(80)))
    made_up = [
        (sum(digit in "23" for digit in a.code) / 6, sum(digit in "24" for digit in a.code) / 6) for a in measured
    ]
    values = np.array(made_up) + rng.normal(0, 0.05, (len(measured), 2))
    columns = (Column("source", "accuracy"), Column("target", "fine_tuned"))
    model = ScoreModel(EvidenceTable(measured, columns, values), space)

    everything = tuple(space.enumerate())
    source, target = model.scores(everything)
    judgement = lock_judgement(source, target[None], SourceFloor("percentile", 0.97))
    strategy = STRATEGIES["exhaustive"](space, seed=0)
    trace = search(strategy, tabulated(everything, judgement), evaluations=len(space), keep=3)
    print(f"{trace.evaluated} architectures judged, {trace.feasible} keep the floor; the best locks:")
    for found in trace.best:
        print(f"  {found.architecture}  {space.official_string(found.architecture)}")
