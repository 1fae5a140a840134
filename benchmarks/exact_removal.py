"""Whether labels "exact" are true: ``python benchmarks/exact_removal.py [COUNT] [SEED]``.

Random (family, group, units), by default 100: the units are zeroed, then removed, and the answers of both compared in
double precision. Prints, by family, how many groups were drawn that are labelled exact and otherwise, and the largest
difference of the former and the smallest of the latter, as a share of the largest answer. Exit code 1 where a label
"exact" is off by more than 1e-5. Families are those of ``tests/edited_families.py``, with random weights.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from edited_families import FAMILIES, random_removals

MOST = 1e-5


def main() -> int:
    count, seed = ([int(word) for word in sys.argv[1:]] + [100, 0][len(sys.argv) - 1 :])[:2]
    rng = np.random.default_rng(seed)
    drawn = rng.choice(list(FAMILIES), count).tolist()
    removals = [one for family in FAMILIES for one in random_removals(family, drawn.count(family), rng)]
    print(f"{'family':14} {'exact':>6} {'largest':>9} {'other':>6} {'smallest':>9}")
    for family in FAMILIES:
        exact = [one.difference for one in removals if one.family == family and one.exact]
        other = [one.difference for one in removals if one.family == family and not one.exact]
        print(f"{family:14} {len(exact):6} {max(exact, default=0):9.1e} {len(other):6} {min(other, default=0):9.1e}")
    wrong = [one for one in removals if one.exact and one.difference > MOST]
    print(f"{len(removals)} removals, {len(wrong)} labels wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
