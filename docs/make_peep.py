"""Write a section of docs/findings.md: what the execution of a few networks betrays, and to whom. On a quiet machine.

    python docs/make_peep.py --weights path/to/weights --out runs/peep

``--weights`` holds ``resnet20_cifar10.safetensors`` and ``mobilenet_v2_imagenet.safetensors``; without it these two are
left out. Random networks are recorded once for each size of images, every peep and closed set is a directory in
``--out``: the same command goes on where it was stopped. ``--observers memory`` needs no quiet machine.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from findings_of_runs import PEEP, put_section, row
from torch import nn

import archlock
from archlock.leaks import training_network
from archlock.models import build, open_probe
from archlock.reports import (
    CandidatesRecord,
    ObserverRecord,
    PeepRecord,
    between_recordings,
    candidates_from_json,
    peep_from_json,
)
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.tasks import Signature

SHAPE = (3, 32, 32)
SIGNATURE = Signature("classification", SHAPE, 10, (0.5,) * 3, (0.25,) * 3)
NETWORKS, LARGE = 350, 140
"""Random networks: at 32 pixels (70 of them unseen), and at 224, where calls of eight images are not timed: they would
take ten times as long as all else."""
CELLS, MEMBERS, RECORDINGS = 6, 10, 5
HEADS = [
    "observer", "networks", "edit error", "skeleton", "operators %", "convolutions %", "exact %", "majority %",
    "shuffled %", "family %", "of three %",
]  # fmt: skip


def main() -> None:
    """Measure what is missing, then write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--observers", nargs="+", default=["service", "memory", "timer", "both"])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    observers = tuple(given.observers)
    peeps = {name: peeped(name, module, size, observers, given.out) for name, module, size in victims(given.weights)}
    closed = which(observers, given.out)
    put_section(PEEP, "\n".join(section(peeps, closed)))


def victims(weights: Path | None) -> Iterator[tuple[str, nn.Module, int]]:
    """Networks that no reader was taught by, with the height and width of their images."""
    for space in ("nasbench201", "transnas101_micro"):
        for number in range(CELLS):
            yield f"{space}-{number}", cell(space, "victim", number), SHAPE[1]
    if weights is not None:
        for name, file, size in (
            ("resnet20_cifar", "resnet20_cifar10", 32),
            ("mobilenet_v2", "mobilenet_v2_imagenet", 224),
        ):
            probe = open_probe(name, weights=weights / f"{file}.safetensors")
            features = 64 if size == 32 else 1280
            head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 10))
            yield name, nn.Sequential(probe.network(), *head), size


def cell(space: str, *labels: str | int, width: int = 16) -> nn.Module:
    """A network of a random connected cell."""
    rng = rng_for(0, "peep", space, *labels)
    architecture = next(one for one in iter(lambda: SPACES[space].sample(rng), None) if SPACES[space].is_connected(one))
    return build(architecture, SIGNATURE, width=width, depth=1, seed=0).eval()


def peeped(name: str, module: nn.Module, size: int, observers: tuple[str, ...], out: Path) -> PeepRecord:
    """The record of a peep, made or found."""
    path = out / name / "peep.json"
    small = size == SHAPE[1]
    if not path.exists():
        archlock.peep(
            module,
            size=(size, size),
            out=path.parent,
            recordings_in=out / "recordings",
            observers=observers if small else tuple(one for one in observers if one != "service"),
            networks=NETWORKS if small else LARGE,
        )
    return peep_from_json(path)


def which(observers: tuple[str, ...], out: Path) -> CandidatesRecord:
    """The record of a closed set of thirty networks: cells, the eight families, widths of one cell."""
    path = out / "which" / "candidates.json"
    if not path.exists():
        known: dict[str, Any] = {f"cell {n}": cell("nasbench201", "closed", n) for n in range(MEMBERS)}
        for number in range(MEMBERS):
            name, network = training_network(14 * (number // 8) + number % 8, SHAPE, seed=77)
            known[f"{name} {number}"] = network.eval()
        known |= {f"width {8 + 4 * n}": cell("nasbench201", "widths", width=8 + 4 * n) for n in range(MEMBERS)}
        archlock.which_is_running(
            known,
            cell("nasbench201", "closed", 0),
            out=path.parent,
            observers=observers,
            recordings=RECORDINGS,
            size=SHAPE[1:],
        )
    return candidates_from_json(path)


def section(peeps: dict[str, PeepRecord], closed: CandidatesRecord) -> Iterator[str]:
    """What is written."""
    first = next(iter(peeps.values()))
    yield f"`python docs/make_peep.py`; {first.machine}, {first.networks} random networks of {len(first.families)}"
    yield f"families at {SHAPE[1]} pixels. Edit error: edit distance over length (0: all is read); skeleton: without"
    yield "normalisation, scaling and copies. What teaches a reader decides: before random networks had the habits of"
    yield "implementations (padding by an operator of its own, shortcuts without weights, shortcuts computed early),"
    yield "both together read MobileNetV2 at an error of .437 and ResNet-20 at .057. These two led to the habits, so"
    yield "they are no strangers to the generators; the random networks that only check are.\n"
    yield "Random networks that the reader was not taught by:\n"
    yield row(HEADS)
    yield row(["---"] * len(HEADS))
    for one in first.observers:
        yield row(_unseen(one))
    yield "\nNetworks that are none of these (edit error / skeleton, mean over recordings; of cells over six):\n"
    groups = list(dict.fromkeys(name.rpartition("-")[0] or name for name in peeps))
    names = [one.name for one in first.observers if one.check is not None]
    yield row(["network", *names])
    yield row(["---"] * (1 + len(names)))
    for group in groups:
        members = [record for name, record in peeps.items() if name.startswith(group)]
        yield row([group, *(_errors(members, name) for name in names)])
    each = f"{closed.recordings} recordings of each in processes of their own"
    yield f"\nA closed set of {len(closed.candidates)} networks, {each}:\n"
    yield row(["observer", "right %", "among three %", "strangers called none of these %", "repeats"])
    yield row(["---"] * 5)
    for seen in closed.observers:
        strangers = "-" if seen.strangers is None else f"{100 * seen.strangers:.0f}"
        shares = [f"{100 * seen.top1:.0f}", f"{100 * seen.top3:.0f}", strangers]
        yield row([seen.name, *shares, f"{seen.repeatability:.2f}"])
    yield "\nA remote user makes all kinds of calls in turn, over two seconds; when each kind was made nine times in a"
    yield "row, slow moments of the machine made some kinds slow, and 46 % of strangers were called none of these."


def _unseen(one: ObserverRecord) -> list[str]:
    family = [f"{100 * one.family.top1:.0f}", f"{100 * one.family.top3:.0f}"]
    if one.check is None:
        return [one.name, *["-"] * 8, *family]
    c = one.check
    shares = (c.accuracy, c.convolutions or 0.0, c.exact, c.majority_accuracy, c.shuffled_accuracy)
    errors = [f"{c.edit_error:.3f}", f"{c.skeleton_error:.3f}"]
    return [one.name, str(c.networks), *errors, *(f"{100 * value:.1f}" for value in shares), *family]


def _errors(members: Sequence[PeepRecord], name: str) -> str:
    seen = [[s for one in record.observers if one.name == name for s in one.seen] for record in members]
    edit = [between_recordings([s.edit_error for s in one]).mean for one in seen]
    bones = [between_recordings([s.skeleton_error for s in one]).mean for one in seen]
    return f"{sum(edit) / len(edit):.3f} / {sum(bones) / len(bones):.3f}"


if __name__ == "__main__":
    main()
