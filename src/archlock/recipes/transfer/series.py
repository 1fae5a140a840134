"""Everything a store holds of attacks on recorded architectures, column by column of the table to be.

Beside every attacker's own score there is the strongest one's: the attacker, of those who start from the weights, who
does best on their own validation split, and what they have on the test split. That is what a lock is judged by.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archlock.adaptation import SOURCE
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.recipes.transfer.outcomes import AttackWork, measure_of
from archlock.recipes.transfer.source_models import source_fidelity, source_key
from archlock.recipes.transfer.work import SPLITS
from archlock.spaces import Architecture
from archlock.tables import Role

Found = Mapping[tuple[Architecture, int], Measurement]
"""By architecture and seed."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What is known of one measure on one split, and what its column is called and for."""

    name: str
    task: str
    role: Role
    split: str
    epochs: int
    start: str
    """The source whose weights it began with; empty: none."""
    found: Found


def attack_series(
    architectures: Sequence[Architecture], work: AttackWork, store: EvidenceStore, seeds: Sequence[int]
) -> Iterator[Series]:
    """Source scores; for every pair the strongest attacker and every one of them; then those who take no weights.

    A search may buy the source score and the strongest attacker's on validation splits; test splits judge. The first
    probe among the attackers is the cheaper evidence.
    """
    transfer, pairs = work.transfer, [(one, seed) for one in architectures for seed in seeds]
    source_epochs, target_epochs = transfer.settings.source_plan.epochs, transfer.settings.target_plan.epochs
    for source in transfer.sources:
        scored = store.read(measure=SOURCE, fidelity=source_fidelity(transfer, source))
        for split in SPLITS:
            keys = {(one, seed): source_key(transfer, (one, seed, source), split) for one, seed in pairs}
            role: Role = "truth" if split == "validation" else "judge"
            yield Series(f"{source}_source_{split}", source, role, split, source_epochs, "", _known(keys, scored))
    known = {name: store.read(measure=measure_of(name)) for name in work.attacks}

    def outcomes(source: str, target: str, attacker: str, split: str) -> Found:
        keys = {(one, seed): work.key(work.job(one, source, seed, target, attacker), split) for one, seed in pairs}
        return _known(keys, known[attacker])

    takers = [name for name, attack in work.attacks.items() if attack.uses_weights]
    cheap = next((name for name in takers if work.attacks[name].tuned == "strength"), "")
    for source in transfer.sources:
        for target in transfer.others(source):
            by_split = {split: {name: outcomes(source, target, name, split) for name in takers} for split in SPLITS}
            best = strongest(by_split["validation"])
            for split in SPLITS:
                label = f"{target}_from_{source}"
                role = "truth" if split == "validation" else "judge"
                found = {pair: by_split[split][name][pair] for pair, name in best.items()}
                yield Series(f"{label}_strongest_{split}", target, role, split, target_epochs, source, found)
                for name in takers:
                    role = "evidence" if name == cheap and split == "validation" else "repeat"
                    own = by_split[split][name]
                    yield Series(f"{label}_{name}_{split}", target, role, split, target_epochs, source, own)
    first = next(iter(transfer.sources))
    for target in dict.fromkeys(target for source in transfer.sources for target in transfer.others(source)):
        for name in work.attacks:
            if name not in takers:
                for split in SPLITS:
                    own = outcomes(first, target, name, split)
                    yield Series(f"{target}_{name}_{split}", target, "repeat", split, target_epochs, "", own)


def strongest(by_attacker: Mapping[str, Found]) -> dict[tuple[Architecture, int], str]:
    """Who is best on validation, by architecture and seed, where the outcomes of all are known.

    A failed attack is below every other; of equally good ones the first counts, in the order of the mapping.
    """
    complete = set.intersection(*(set(found) for found in by_attacker.values()))

    def score(pair: tuple[Architecture, int], name: str) -> float:
        measurement = by_attacker[name][pair]
        return measurement.value if measurement.status == "valid" else -math.inf

    return {pair: max(by_attacker, key=lambda name: score(pair, name)) for pair in complete}


def _known(keys: Mapping[tuple[Architecture, int], Key], store: Mapping[Key, Measurement]) -> Found:
    return {pair: store[key] for pair, key in keys.items() if key in store}
