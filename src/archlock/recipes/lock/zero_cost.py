"""Learn what architectures are worth without any training: proxies of untrained networks, as the published method does.

The seven published proxies are measured on the source and on the known targets; a preference of the catalog turns them
into scores: the raw vote, the published binary ranker on task embeddings, or the score model. METHOD: this evidence
hardly differs between tasks, so it locks little; it is here because the published method rests on it.
"""

from collections.abc import Mapping

import numpy as np

from archlock.embeddings import task2vec
from archlock.execution import executor_for, float64_device
from archlock.models import open_probe
from archlock.preferences import PREFERENCES, Column, EvidenceTable, Preference
from archlock.recipes.lock.gathering import Means
from archlock.recipes.lock.judging import SOURCE_TASK
from archlock.recipes.lock.learning import some_architectures
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_proxies
from archlock.recipes.settling import settle
from archlock.spaces import Space
from archlock.tasks import Task

PROXIES_BOUGHT = ProxySettings()
"""The seven published ones, at the default size."""
EMBEDDED_EXAMPLES = 500


def learn_by_proxies(
    space: Space,
    source: Task,
    targets: Mapping[str, Task],
    preference: str,
    *,
    candidates: int,
    means: Means,
    device: str,
) -> Preference:
    """Measure the proxies of ``candidates`` untrained networks on every task, and learn from them."""
    chosen = some_architectures(space, candidates, seed=means.seed)
    tasks = {SOURCE_TASK: source, **targets}
    work = ProxyWork.on(tasks, PROXIES_BOUGHT, seed=means.seed, device=device)
    known = means.store.read(fidelity=work.fidelity)
    left = [a for a in chosen if not all(key in known for key in work.keys(a))]
    means.progress.begin("zero-cost proxies", len(chosen), len(chosen) - len(left))
    for _, found in executor_for(means.workers).run(measure_proxies, work, left):
        known.update(settle(means.store, found, means.progress))
        means.progress.advance()
    columns = tuple(Column(name, proxy) for name in tasks for proxy in PROXIES_BOUGHT.proxies)
    values = np.array([[known[key].value for key in work.keys(a)] for a in chosen])
    embeddings = _embeddings(tasks, means, device) if preference == "binary_ranker" else None
    table = EvidenceTable(chosen, columns, values)
    return PREFERENCES[preference](table, space, embeddings=embeddings, seed=means.seed)


def _embeddings(tasks: Mapping[str, Task], means: Means, device: str) -> dict[str, np.ndarray]:
    probe, place = open_probe("embedded"), float64_device(device)
    means.progress.begin("task embeddings", len(tasks))
    found = {}
    for name, task in tasks.items():
        found[name] = task2vec(task, probe, examples=EMBEDDED_EXAMPLES, seed=means.seed, device=place).vector
        means.progress.advance(1, name)
    return found
