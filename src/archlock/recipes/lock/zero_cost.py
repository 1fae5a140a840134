"""Learn what architectures are worth without any training: proxies of untrained networks, as the published method does.

The seven published proxies are measured on the source and on the known targets; a preference of the catalog turns them
into scores: the raw vote, the published binary ranker on task embeddings, or the score model; a strategy searches them
for a shortlist, of which the engine trains finalists on the source. METHOD: this evidence hardly differs between tasks,
so it locks little; it is here because the published method rests on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from archlock.embeddings import task2vec
from archlock.errors import SearchError
from archlock.evidence import Key
from archlock.execution import executor_for, float64_device
from archlock.models import open_probe
from archlock.preferences import PREFERENCES, Column, EvidenceTable, Preference
from archlock.recipes.engine.asked import Foretold
from archlock.recipes.engine.market import Candidates
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.gathering import Resources
from archlock.recipes.lock.run import PROXIES_BOUGHT, SOURCE_TASK, Run, evidence_tasks
from archlock.recipes.proxy_evidence import ProxyWork, measure_proxies
from archlock.recipes.settling import settle
from archlock.search import STRATEGIES, Belief, Judgement, SourceFloor, lock_judgement, published_judgement, search
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import SPACES, Architecture, Space
from archlock.tasks import Task

EMBEDDED_EXAMPLES = 500
SEARCH_FLOOR = SourceFloor("percentile", 0.97)
"""The floor of a search whose scores have no units, so that a loss of accuracy resources nothing to it."""
CERTAIN = 1e-6
"""Deviation of a score that is not to be measured again."""


@dataclass(frozen=True, slots=True, eq=False)
class Foretelling:
    """What proxies say, for the search without targets and for the one against them."""

    ordinary: Foretold
    lock: Foretold
    keys: frozenset[Key]
    """Where in the store the proxies are."""


def foretell(run: Run, candidates: Candidates) -> Foretelling:
    """Measure proxies of some candidates, learn from them, and search the scores of all for what is to be trained."""
    config, space = run.config, SPACES[run.config.space]
    small = evidence_tasks(run.source, run.targets, run.allocation, config)
    rng = rng_for(config.seed, "proxies")
    count = min(run.allocation.candidates, len(candidates.architectures))
    rows = rng.choice(len(candidates.architectures), count, replace=False)
    architectures = [candidates.architectures[row] for row in rows]
    preference = learn_by_proxies(
        space,
        small.source,
        small.targets,
        config.preference,
        architectures=architectures,
        resources=run.resources,
        device=config.device,
    )
    scores = preference.scores(candidates.architectures)
    source = scores[preference.tasks.index(SOURCE_TASK)]
    targets = scores[[preference.tasks.index(name) for name in run.targets]]
    count = 2 * run.allocation.finalists
    ordinary = shortlist(config, space, candidates, source, targets[:0], count=count)
    listed = shortlist(config, space, candidates, source, targets, count=count)
    worth = -judged(config, source, targets).scores
    against = Belief(np.asarray(worth, dtype=float), np.full(len(worth), CERTAIN))
    tasks = {SOURCE_TASK: small.source, **small.targets}
    work = ProxyWork.on(tasks, PROXIES_BOUGHT, seed=run.resources.seed, device=config.device)
    return Foretelling(
        Foretold(source, None, ordinary),
        Foretold(source, against if len(targets) else None, listed),
        frozenset(key for one in architectures for key in work.keys(one)),
    )


def judged(
    config: LockConfig,
    source: Float[np.ndarray, " architectures"],
    targets: Float[np.ndarray, "targets architectures"],
) -> Judgement:
    """The objective of the configuration; without targets there is no floor either."""
    floor = config.floor if config.floor.kind == "percentile" else SEARCH_FLOOR
    judge = published_judgement if config.objective == "published" else lock_judgement
    return judge(source, targets, floor if len(targets) else SourceFloor("percentile", 0.0))


def shortlist(
    config: LockConfig,
    space: Space,
    candidates: Candidates,
    source: Float[np.ndarray, " architectures"],
    targets: Float[np.ndarray, "targets architectures"],
    *,
    count: int,
) -> Int[np.ndarray, " listed"]:
    """Rows of the best candidates that the configured strategy finds, best first."""
    judgement = judged(config, source, targets)
    if config.strategy == "exhaustive":
        keys = judgement.keys()
        return np.array(sorted(range(len(keys)), key=keys.__getitem__, reverse=True)[:count])
    place = {one: row for row, one in enumerate(candidates.architectures)}
    scores = np.append(judgement.scores, judgement.scores.min())
    shortfall = np.append(judgement.shortfall, judgement.shortfall.max(initial=0.0) + 1.0)

    def objective(asked: Sequence[Architecture]) -> Judgement:
        rows = np.array([place.get(space.simplify(one), len(place)) for one in asked], dtype=int)
        return Judgement(scores[rows], shortfall[rows])

    strategy = STRATEGIES[config.strategy](space, seed=derive_seed(config.seed, "search", str(len(targets) > 0)))
    trace = search(
        strategy, objective, evaluations=config.evaluations or len(candidates.architectures), keep=len(place)
    )
    found = dict.fromkeys(place[space.simplify(one.architecture)] for one in trace.best)
    if not found:
        raise SearchError("the strategy found no candidate; give it more --evaluations")
    return np.array(list(found)[:count])


def learn_by_proxies(
    space: Space,
    source: Task,
    targets: Mapping[str, Task],
    preference: str,
    *,
    architectures: Sequence[Architecture],
    resources: Resources,
    device: str,
) -> Preference:
    """Measure the proxies of these architectures, untrained, on every task, and learn from them."""
    chosen = tuple(architectures)
    tasks = {SOURCE_TASK: source, **targets}
    work = ProxyWork.on(tasks, PROXIES_BOUGHT, seed=resources.seed, device=device)
    known = resources.store.read(fidelity=work.fidelity)
    left = [a for a in chosen if not all(key in known for key in work.keys(a))]
    resources.progress.begin("zero-cost proxies", len(chosen), len(chosen) - len(left))
    for _, found in executor_for(resources.workers).run(measure_proxies, work, left):
        known.update(settle(resources.store, found, resources.progress))
        resources.progress.advance()
    columns = tuple(Column(name, proxy) for name in tasks for proxy in PROXIES_BOUGHT.proxies)
    values = np.array([[known[key].value for key in work.keys(a)] for a in chosen])
    embeddings = _embeddings(tasks, resources, device) if preference == "binary_ranker" else None
    table = EvidenceTable(chosen, columns, values)
    return PREFERENCES[preference](table, space, embeddings=embeddings, seed=resources.seed)


def _embeddings(tasks: Mapping[str, Task], resources: Resources, device: str) -> dict[str, np.ndarray]:
    probe, place = open_probe("embedded"), float64_device(device)
    resources.progress.begin("task embeddings", len(tasks))
    found = {}
    for name, task in tasks.items():
        found[name] = task2vec(task, probe, examples=EMBEDDED_EXAMPLES, seed=resources.seed, device=place).vector
        resources.progress.advance(1, name)
    return found
