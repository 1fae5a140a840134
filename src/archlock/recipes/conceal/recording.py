"""The record of a concealment: the hidden model judged by readers that chose nothing, and the search in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from torch import nn

from archlock.leaks import OBSERVERS, Operator, Policy, Recording, watch_sizes
from archlock.models import Disguise, count_parameters
from archlock.recipes.conceal.latency import Paired
from archlock.recipes.conceal.readers import Taught, lesson_of, seen, taught_by
from archlock.recipes.conceal.search import Round, Search, Tried, networks_by
from archlock.recipes.conceal.visible import Visible
from archlock.recipes.peep.library import NOISY, Recorded
from archlock.recipes.peep.victim import BUSY_REPEATABILITY, Victim, recordings_of, repeatability
from archlock.reports import (
    ConcealRecord,
    DisguiseRecord,
    HiddenFrom,
    ReadRecord,
    SearchRecord,
    SpeedRecord,
    TrickRecord,
    VisibleRecord,
)
from archlock.seeding import derive_seed


def judged(
    search: Search, victim: Victim, made: nn.Module, policy: Policy
) -> tuple[tuple[HiddenFrom, ...], tuple[str, ...]]:
    """What observers read of the model as given and in disguise, in fresh processes; and whether the machine was busy.

    The reader who knows is taught on other networks than those of the search, disguised by the policy of the round.
    """
    config = search.config
    before = _recordings(search, victim, "before")
    after = _recordings(search, replace(victim, opened=replace(victim.opened, module=made)), "after")
    operators = watch_sizes(made, search.shape, true=True).operators
    ordinary = networks_by(search, None, seed=config.seed)
    disguised = networks_by(search, policy, seed=derive_seed(config.seed, "judge"))
    naive = taught_by(ordinary, config, arena=False, label="naive")
    knowing = taught_by(disguised, config, arena=config.arena, label="judge")
    search.progress.begin("readers", len(config.watching))
    found = []
    for name in config.watching:
        fooled = [one.skeleton_error for one in naive[name].judged(knowing[name].unseen)]
        found.append(
            HiddenFrom(
                name=name,
                who=OBSERVERS[name].who,
                simulated=config.arena and OBSERVERS[name].memory,
                before=_read(naive[name], before, victim.operators, arena=False),
                naive=_read(naive[name], after, operators, arena=config.arena, unseen=float(np.mean(fooled))),
                taught=_read(knowing[name], after, operators, arena=config.arena),
            )
        )
        search.progress.advance(1, name)
    return tuple(found), _busy(search, {"before": before, "after": after}, [*ordinary, *disguised])


def conceal_record(
    search: Search,
    victim: Victim,
    made: nn.Module,
    rounds: Sequence[Round],
    *,
    chosen_round: int,
    plan: Sequence[Disguise],
    visible: tuple[VisibleRecord, ...],
    latency: Paired,
    difference: float,
    images: tuple[int, str],
    observers: tuple[HiddenFrom, ...],
    notes: tuple[str, ...],
    about: Mapping[str, Any],
) -> ConcealRecord:
    """All of it; ``about`` is what does not come from the work itself."""
    config = search.config
    return ConcealRecord(
        seed=config.seed,
        model=victim.opened.name,
        origin=victim.opened.origin,
        shape=victim.shape,
        reader=config.reader,
        networks=config.networks,
        manoeuvres=config.chosen,
        folded=len(search.given.folds),
        convolutions=len(search.given.names),
        plan=tuple(
            DisguiseRecord(
                layer=one.layer,
                tricks=tuple(TrickRecord(manoeuvre=t.manoeuvre, amount=t.amount, of=t.of) for t in one.tricks),
            )
            for one in plan
        ),
        visible=visible,
        speed=SpeedRecord(original_ms=latency.original_ms, hidden_ms=latency.hidden_ms, budget=config.budget),
        parameters=(count_parameters(search.original), count_parameters(made)),
        difference=difference,
        images=images[0],
        images_from=images[1],
        rounds=tuple(_round(one) for one in rounds),
        chosen_round=chosen_round + 1,
        observers=observers,
        notes=notes,
        **about,
    )


def visible_records(found: Sequence[tuple[Tried, Visible]], original: Visible | None) -> tuple[VisibleRecord, ...]:
    """The true architecture first, then the disguises that were to choose from; empty where nothing was trained."""
    if original is None:
        return ()
    true = VisibleRecord(skeleton_error=0.0, ratio=1.0, score=original.score)
    rest = [VisibleRecord(skeleton_error=t.worst, ratio=t.ratio, score=visible.score) for t, visible in found]
    return (true, *rest)


def _recordings(search: Search, victim: Victim, place: str) -> tuple[Recording, ...]:
    return recordings_of(
        victim,
        search.parts,
        count=search.config.recordings,
        folder=search.folder / place,
        progress=search.progress,
    )


def _read(
    taught: Taught,
    recordings: Sequence[Recording],
    operators: tuple[Operator, ...],
    *,
    arena: bool,
    unseen: float | None = None,
) -> ReadRecord:
    found = taught.judged([lesson_of(taught.observer, seen(one, arena=arena), operators) for one in recordings])
    return ReadRecord(
        skeleton_errors=tuple(one.skeleton_error for one in found),
        edit_errors=tuple(one.edit_error for one in found),
        unseen=taught.checked.skeleton_error if unseen is None else unseen,
        training_accuracy=taught.reader.training_accuracy,
    )


def _round(one: Round) -> SearchRecord:
    columns = list(zip(*(tried.errors for tried in one.tried), strict=True))
    return SearchRecord(
        tried=len(one.tried),
        too_slow=one.too_slow,
        best=one.tried[0].errors,
        middle=tuple(float(median(values)) for values in columns),
        unseen=one.unseen_errors,
    )


def _busy(
    search: Search, recordings: Mapping[str, Sequence[Recording]], networks: Sequence[Recorded]
) -> tuple[str, ...]:
    """What is said of a busy machine."""
    said = []
    noisy = sum(one.spread > NOISY for one in networks)
    if noisy:
        said.append(
            f"the machine was busy while {noisy} of {len(networks)} random networks were recorded (halves of the "
            f"passes disagree by more than {NOISY:.0%}), so readers of times are worse than they could be, and the "
            "model looks better hidden than it is"
        )
    for name in search.config.watching:
        observer = OBSERVERS[name]
        for place, found in recordings.items():
            repeats = repeatability([observer.observe(one) for one in found]) if observer.timed else None
            if repeats is not None and repeats < BUSY_REPEATABILITY:
                said.append(
                    f"recordings of the model {place} repeat too little for {name} ({repeats:.2f}; 1 is exactly, "
                    f"expected {BUSY_REPEATABILITY}): the machine was busy"
                )
    return tuple(said)
