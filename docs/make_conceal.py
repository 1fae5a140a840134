"""Write a section of docs/findings.md: what hiding costs, and the secure block beside the depthwise one. On a quiet
machine.

    python docs/make_conceal.py --data path/to/own.npz --out runs/conceal

``--data`` is what the secure blocks are trained on (without it scikit-learn's digits). Random networks are recorded
once for each size and policy, every concealment, peep and training is a file in ``--out``: the same command goes on
where it was stopped. ``--small`` is a look at whether it runs: few networks, one round, figures of no worth, in
``section.md`` and not on the page.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from findings_of_runs import CONCEAL, put_section, row

import archlock
from archlock.decoding import decode
from archlock.models import Network, build, count_flops, count_parameters, load_weights, save_weights
from archlock.recipes.conceal.latency import SURE, Paired, paired_latency
from archlock.recipes.export import Blueprint, build_blueprint, save_blueprint
from archlock.records import read_json, write_atomic, write_json
from archlock.reports import ConcealRecord, PeepRecord, between_recordings, conceal_from_json, peep_from_json
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Signature, Task, digits, open_task
from archlock.training import Plan, evaluate, fit

WIDTH: Final = 16
GROUPS: Final = (1, 8)
CODES: Final = ("11111111", "02012100", "22222222")
CELLS: Final = 2
BUDGETS: Final = (1.5, 2.0)


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    networks: int = 250
    hidden: int = 140
    rounds: int = 3
    plans: int = 24
    recordings: int = 5
    seeds: int = 2
    epochs: int = 10
    calls: int = 5 * SURE
    cells: int = CELLS
    codes: tuple[str, ...] = CODES
    budgets: tuple[float, ...] = BUDGETS
    groups: tuple[int, ...] = GROUPS
    side: int = 32
    """Height and width of the images of the networks that are hidden."""


SMALL: Final = Effort(
    networks=70, hidden=70, rounds=1, plans=4, recordings=1, seeds=1, epochs=1, calls=5, cells=1, codes=("11111111",),
    budgets=(1.5,), groups=(1, 8), side=8,
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """One network with groups of one width."""

    code: str
    group_width: int
    parameters: int
    flops: int
    scores: tuple[float, ...]
    """On the test split, of each seed."""
    latency: Paired
    """The first is the network with depthwise convolutions."""


def main() -> None:
    """Measure what is missing, then write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--observers", nargs="+", default=["timer"])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    effort, observers = (SMALL if given.small else Effort()), tuple(given.observers)
    task = digits(seed=0) if given.data is None else open_task(given.data, seed=0)
    hidden = list(concealed(effort, observers, given.out))
    blocks = [
        (block_of(code, width, task, effort, given.out), peeped(code, width, task, effort, observers, given.out))
        for code in effort.codes
        for width in effort.groups
    ]
    text = "\n".join(section(hidden, blocks, task))
    if given.small:
        write_atomic(given.out / "section.md", text)
    else:
        put_section(CONCEAL, text)


def concealed(effort: Effort, observers: tuple[str, ...], out: Path) -> Iterator[tuple[str, ConcealRecord]]:
    """Every network hidden with every budget, and by folding alone."""
    for name, architecture in victims(effort.cells):
        folder = out / "networks" / name
        if not (folder / "locked.safetensors").exists():
            shape = (3, effort.side, effort.side)
            signature = Signature("classification", shape, 10, (0.5,) * 3, (0.25,) * 3)
            blueprint = Blueprint(architecture, signature, tuple("0123456789"), WIDTH, 1)
            save_blueprint(blueprint, folder / "architecture.json")
            save_weights(build_blueprint(blueprint), folder / "locked.safetensors")
        for budget in effort.budgets:
            yield name, _concealed(folder, budget, (), effort, observers, out / f"{name}-{budget:g}")
        yield name, _concealed(folder, 1.5, ("fold",), effort, observers, out / f"{name}-fold")


def victims(cells: int) -> Iterator[tuple[str, Architecture]]:
    """Architectures that no reader was taught by."""
    for space in ("nasbench201", "mobilenet_macro"):
        for number in range(cells):
            rng = rng_for(0, "conceal", space, number)
            found = iter(lambda rng=rng, space=space: SPACES[space].sample(rng), None)  # type: ignore[misc]
            yield f"{space}-{number}", next(one for one in found if SPACES[space].is_connected(one))


def _concealed(
    folder: Path, budget: float, manoeuvres: tuple[str, ...], effort: Effort, observers: tuple[str, ...], out: Path
) -> ConcealRecord:
    path = out / "conceal.json"
    if not path.exists():
        archlock.conceal(
            folder,
            out=out,
            budget=budget,
            manoeuvres=manoeuvres,
            observers=observers,
            networks=effort.hidden,
            rounds=effort.rounds if not manoeuvres else 1,
            plans=effort.plans,
            recordings=effort.recordings,
            recordings_in=out.parent / "recordings",
        )
    return conceal_from_json(path)


def block_of(code: str, group_width: int, task: Task, effort: Effort, out: Path) -> Block:
    """One network trained and timed, now or before."""
    path = out / f"block-{code}-{group_width}.json"
    if not path.exists():
        plain, grouped = (network(code, width, task) for width in (1, group_width))
        scores = []
        for seed in range(effort.seeds):
            weights = out / f"block-{code}-{group_width}-{seed}.safetensors"
            if not weights.exists():
                made = network(code, group_width, task, seed=seed)
                save_weights(fit(made, task, Plan(effort.epochs), seed=seed).model, weights)
            scores.append(evaluate(load_weights(network(code, group_width, task), weights).eval(), task.test))
        latency = paired_latency(plain, grouped, task.shape, calls=effort.calls)
        sizes = count_parameters(grouped), count_flops(grouped, task.shape)
        write_json(path, Block(code, group_width, *sizes, tuple(scores), latency))
    return decode(Block, read_json(path))


def network(code: str, group_width: int, task: Task, *, seed: int = 0) -> Network:
    """A network of the space."""
    architecture = SPACES["mobilenet_macro"].architecture(code)
    made = build(architecture, task.signature, width=WIDTH, depth=1, group_width=group_width, seed=seed)
    made.eval()
    return made


def peeped(
    code: str, group_width: int, task: Task, effort: Effort, observers: tuple[str, ...], out: Path
) -> PeepRecord:
    """What is read of it."""
    path = out / f"peep-{code}-{group_width}" / "peep.json"
    if not path.exists():
        archlock.peep(
            network(code, group_width, task),
            out=path.parent,
            recordings_in=out / "recordings",
            observers=observers,
            networks=effort.networks,
            recordings=effort.recordings,
        )
    return peep_from_json(path)


def section(
    hidden: Sequence[tuple[str, ConcealRecord]], blocks: Sequence[tuple[Block, PeepRecord]], task: Task
) -> Iterator[str]:
    """What is written."""
    first = hidden[0][1]
    yield f"`python docs/make_conceal.py`; {first.machine}, {first.networks} random networks for each reader."
    yield "Skeleton errors: 0 is all of the true architecture. *Who knows*: a reader taught on networks that were"
    yield "disguised by the same policy and recorded anew; the naive reader beside it means nothing alone."
    yield "Latency: times that of the network as it was given, in a process of its own."
    restless = sum(any("repeat too little" in note for note in record.notes) for _, record in hidden)
    if restless:
        yield f"In {restless} of {len(hidden)} cases recordings of the network repeated too little (slow moments of the"
        yield "machine), which makes it look better hidden than it is; the unseen networks are many."
    yield ""
    heads = ["network", "allowed", "latency", "observer", "nothing done", "naive", "who knows", "unseen: nothing done"]
    heads += ["unseen: naive", "unseen: who knows"]
    yield row(heads)
    yield row(["---"] * len(heads))
    for name, record in hidden:
        allowed = "fold" if record.manoeuvres == ("fold",) else f"{record.speed.budget:g}x"
        for one in record.observers:
            reads = (one.before, one.naive, one.taught)
            errors = [_error(read.skeleton_errors) for read in reads]
            unseen = [f"{read.unseen:.3f}" for read in reads]
            yield row([name, allowed, f"{record.speed.ratio:.2f}", one.name, *errors, *unseen])
    yield f"\nThe secure block (`mobilenet_macro`, width {WIDTH}, images of {task.shape[1]} x {task.shape[2]}): groups"
    yield "of constant width in place of depthwise convolutions, trained on"
    yield f"{task.name}. Latency: times that of G = 1. The reader's random networks have convolutions in groups"
    yield "(ResNeXt, ShuffleNet), but none of them is built of such blocks: one that knows would read more.\n"
    names = [one.name for one in blocks[0][1].observers if one.seen]
    heads = [
        "code",
        "G",
        "parameters",
        "MFLOPs",
        "ms",
        "latency",
        "accuracy %",
        *(f"{name}: skeleton" for name in names),
    ]
    yield row(heads)
    yield row(["---"] * len(heads))
    for block, peep in blocks:
        scores = f"{100 * np.mean(block.scores):.1f} ({100 * min(block.scores):.1f}-{100 * max(block.scores):.1f})"
        cells = [f"{block.parameters:,}", f"{block.flops / 1e6:.1f}", f"{block.latency.hidden_ms:.2f}"]
        leaks = [_error([s.skeleton_error for s in one.seen]) for one in peep.observers if one.seen]
        yield row([f"`{block.code}`", str(block.group_width), *cells, f"{block.latency.ratio:.2f}", scores, *leaks])


def _error(values: Sequence[float]) -> str:
    found = between_recordings(values)
    return f"{found.mean:.3f} ({found.low:.2f}-{found.high:.2f})"


if __name__ == "__main__":
    main()
