"""The arms beside the lock: other architectures above the source floor, trained like it, attacked like it.

What they take from attackers as well is no merit of the search. Two are chosen by lot: any architecture that keeps the
floor (``random``), and one that has the size of the locked one, too (``same_size``), since smaller networks may be
harder to repurpose whatever they look like. The third (``nsga2``) is what another search chooses (``rival``). All are
chosen after the decision and from what it rests on: no argument here carries a sealed target.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.evidence import Measurement
from archlock.models import build, count_parameters
from archlock.recipes.lock.decide import Decision
from archlock.recipes.lock.finalists import Finalist, every_seed
from archlock.recipes.lock.gathering import EvidenceTasks, gather
from archlock.recipes.lock.release import Released, release
from archlock.recipes.lock.rival import find_rival
from archlock.recipes.lock.run import Run
from archlock.reports import USUAL_ARMS, Role, score_in_words
from archlock.seeding import rng_for
from archlock.spaces import Architecture

DRAWS: Final = 3
"""How many architectures are tried for an arm, until the training of one keeps the floor."""
NEAR: Final = 0.1
"""By how much, as a share, the parameters of the same-size architecture may differ from those of the locked one."""
WEIGHED: Final = 200
"""Of how many architectures above the floor, at most, the size is looked at: counting means building."""


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """The arms of a run, released, and everything that finding them took."""

    released: Mapping[Role, Released]
    tried: tuple[Architecture, ...]
    trainings: tuple[Measurement, ...]
    """Of all that were tried: of random ones on the source."""


def ordinary_arms(
    architectures: Sequence[Architecture],
    source: Float[np.ndarray, " architectures"],
    size: Callable[[Architecture], int],
    *,
    threshold: float,
    locked: Architecture,
    excluded: Collection[Architecture],
    rng: np.random.Generator,
    passes: Callable[[Architecture], bool] = lambda _: True,
) -> dict[Role, tuple[Architecture, ...]]:
    """For each arm the architectures to try, in turn: at most :data:`DRAWS`, never ``locked`` nor one of ``excluded``.

    ``architectures`` are those that may be trained, each function once, ``source`` what is believed of them on the
    source; those with ``threshold`` at least are sampled from uniformly. Where there are no others above it, the best
    believed are. ``same_size`` are those with the ``size`` of the locked one within a tenth, in the order of the lot,
    then the nearest; none that is tried as ``random``, unless there are no others. Empty where nothing else is there.
    What does not pass (a limit on latency, measured in the order of the lot) is passed over.
    """
    barred = {locked, *excluded}
    others = [(value, a) for value, a in zip(source.tolist(), architectures, strict=True) if a not in barred]
    pool = [a for value, a in others if value >= threshold]
    if not pool:
        pool = [a for _, a in sorted(others, key=lambda one: (-one[0], one[1].code))[: 2 * DRAWS]]
    lot = [pool[place] for place in rng.permutation(len(pool))]
    first = list(islice(filter(passes, lot), DRAWS))
    after = lot.index(first[-1]) + 1 if first else len(lot)
    rest = lot[after : after + WEIGHED] or lot[::-1]
    wanted = size(locked)
    off = {a: abs(size(a) - wanted) / wanted for a in rest}
    same = sorted(rest, key=lambda a: off[a] if off[a] > NEAR else 0.0)  # (stable: those within keep the order)
    return {"random": tuple(first), "same_size": tuple(islice(filter(passes, same), DRAWS))}


def train_arms(run: Run, decision: Decision) -> Arms:
    """Draw the arms of the configuration, try them until one keeps the floor, and train those with every seed.

    An arm all of whose trainings diverge is left out. One that misses the floor with every draw is the best of them.
    """
    by_lot = _train_random(run, decision)
    if "nsga2" not in run.config.arms:
        return by_lot
    rival = find_rival(run, decision)
    released, trainings = dict(by_lot.released), (*by_lot.trainings, *rival.trainings)
    if rival.finalist is None:
        run.resources.progress.say("nsga2: nothing that it found could be trained and released")
    else:
        released["nsga2"] = _released(run, "nsga2", rival.finalist, keeps=rival.keeps_floor)
        trainings += every_seed(run, rival.finalist.architecture)
    tried = (*by_lot.tried, *rival.tried)
    return Arms(released, tried, tuple({one.key: one for one in trainings}.values()))


def _train_random(run: Run, decision: Decision) -> Arms:
    draws = _draws(run, decision)
    if not draws:
        return Arms({}, (), ())
    tasks = EvidenceTasks(run.source, {}, run.allocation.final, run.trained, device=run.config.device)
    first = run.config.seed
    scores: dict[Architecture, Measurement] = {}
    for turn in range(DRAWS):
        waiting = [sampled for sampled in draws.values() if not any(_keeps(run, decision, a, scores) for a in sampled)]
        wanted = tuple(dict.fromkeys(sampled[turn] for sampled in waiting if turn < len(sampled)))
        if not wanted:
            break
        stage = f"random architectures, draw {turn + 1}"
        known = gather([(one, first) for one in wanted], tasks, stage=stage, resources=run.resources)
        scores.update({a: known[tasks.keys(a, first)[0]] for a in wanted})
    chosen = {
        role: arm for role, sampled in draws.items() if (arm := _best(run, decision, sampled, scores)) is not None
    }
    architectures = tuple(dict.fromkeys(chosen.values()))
    seeds = tuple(first + index for index in range(run.config.attack_seeds))
    stage = "random architectures, trained with every seed"
    jobs = [(one, seed) for one in architectures for seed in seeds]
    known = gather(jobs, tasks, stage=stage, resources=run.resources)
    rest = [known[tasks.keys(a, seed)[0]] for a in architectures for seed in seeds[1:]]
    released = {
        role: _released(
            run,
            role,
            Finalist(architecture, (scores[architecture].value,), {}),
            keeps=_keeps(run, decision, architecture, scores),
        )
        for role, architecture in chosen.items()
    }
    return Arms(released, tuple(scores), (*scores.values(), *rest))


def _released(run: Run, role: Role, finalist: Finalist, *, keeps: bool) -> Released:
    """Trained with every seed."""
    one = replace(release(run, finalist), keeps_floor=keeps)
    reached, kept = score_in_words(finalist.source_validation, run.source.kind), "" if keeps else ", misses the floor"
    run.resources.progress.say(f"{role.replace('_', ' ')}: {finalist.architecture}, {reached}{kept}")
    return one


def _draws(run: Run, decision: Decision) -> dict[Role, tuple[Architecture, ...]]:
    """What is to be tried for every random arm that is asked for."""
    if not set(run.config.arms) & set(USUAL_ARMS):
        return {}
    plan = run.allocation.final
    found = ordinary_arms(
        decision.candidates.architectures,
        decision.source.mean,
        lambda a: count_parameters(build(a, run.source.signature, width=plan.width, depth=plan.depth, seed=0)),
        threshold=decision.threshold,
        locked=decision.locked.architecture,
        excluded=(decision.source_only.architecture,),
        rng=rng_for(run.config.seed, "random architectures"),
        passes=run.bounds.gate.passes if run.bounds is not None and run.bounds.gate is not None else lambda _: True,
    )
    return {role: sampled for role, sampled in found.items() if role in run.config.arms}


def _keeps(
    run: Run, decision: Decision, architecture: Architecture, scores: Mapping[Architecture, Measurement]
) -> bool:
    """Whether its training succeeded and keeps the source floor, on the validation split."""
    if architecture not in scores or scores[architecture].status != "valid":
        return False
    return decision.keeps(run.config.floor, architecture, scores[architecture].value)


def _best(
    run: Run, decision: Decision, sampled: Sequence[Architecture], scores: Mapping[Architecture, Measurement]
) -> Architecture | None:
    """The first that keeps the floor, else the best on the source; None where every training diverged."""
    tried = [a for a in sampled if a in scores and scores[a].status == "valid"]
    keeping = [a for a in tried if _keeps(run, decision, a, scores)]
    return keeping[0] if keeping else max(tried, key=lambda a: scores[a].value, default=None)
