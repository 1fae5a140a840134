"""Write a section of docs/findings.md: does compaction close a lock or open it, and does robustness?

    python docs/make_edited.py measure --network "a locked cell=runs/mine" --network "ResNet-20=r20.safetensors" \
        --module shared_networks:resnet20 --size 32 --source cifar10.npz --target signs.npz --target svhn.npz \
        --out edited
    python docs/make_edited.py write --out edited --rows docs/rows/edited.jsonl

Every network is made compact at several shares and made robust, with several seeds, and the same attackers are let
loose on it before and after. Every run is a directory of ``archlock compact`` or ``archlock harden`` and is taken up
where it was; what has a row (of this session or of another) is not done again. ``write`` adds rows of what is finished,
and makes the section of all.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from findings_of_runs import EDITED, put_section, row

from archlock.evidence import EvidenceStore
from archlock.recipes import CompactConfig, HardenConfig, OpenedModel, PairedAttacks, compact, harden, open_model
from archlock.records import write_atomic
from archlock.reports import CompactRecord, HardeningRecord, compact_from_json, hardening_from_json
from archlock.reports.before_after import headline_changes
from archlock.reports.statistics import Estimate, estimate

HOW = """The cell is 030303 of NAS-Bench-201 with 16 channels, which a lock run chose (12,000 images of CIFAR-10, target
traffic signs, 15 minutes), trained 30 epochs more. HESSO makes it compact in 10 epochs and ResNet-20 in 5; against an
adversary they train 6 and 2.
"""
SHARES = (0.7, 0.5, 0.3)
EPSILON = 4 / 255
EVIDENCE = "evidence.sqlite"
ROWS = Path(__file__).parent / "rows" / "edited.jsonl"


@dataclass(frozen=True)
class Row:
    """What one edit of a network came to."""

    network: str
    share: float | None
    """Kept; None: made robust."""
    seed: int
    attackers: tuple[str, ...]
    shots: int
    """Images of each class that they had."""
    own: float
    """Test accuracy on the own task, after minus before."""
    before: dict[str, float]
    """Of every target what the strongest attack gets from the network as it was."""
    after: dict[str, float]
    robust: tuple[float, float] | None = None
    """Share of test images about which it is right within 4/255, before and after; of robust ones."""

    @property
    def edit(self) -> "Edit":
        """What was done."""
        return Edit(self.share, self.seed)


@dataclass(frozen=True)
class Edit:
    """One way to change a network, with one seed."""

    share: float | None
    """Kept; None: made robust instead."""
    seed: int

    @property
    def name(self) -> str:
        """In words."""
        return "robust within 4/255" if self.share is None else f"{self.share:.0%} of the groups kept"

    @property
    def folder(self) -> str:
        """Where it lies."""
        return f"{'robust' if self.share is None else f'keep{self.share:.0%}'.rstrip('%')}-{self.seed}"


def main() -> None:
    """Measure what is missing, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure", help="edit and attack what is not there yet")
    measuring.add_argument("--network", action="append", required=True, help="NAME=PATH; may be repeated")
    measuring.add_argument("--module", help="of a file of weights")
    measuring.add_argument("--size", type=int, default=None, help="of its images")
    measuring.add_argument("--source", required=True, help="what all of them were trained on")
    measuring.add_argument("--target", action="append", required=True)
    measuring.add_argument("--examples", type=int, default=None, help="of the source that an edited network trains on")
    measuring.add_argument("--epochs", type=int, default=5, help="of a training that makes a network compact")
    measuring.add_argument("--robust-epochs", type=int, default=2, help="of one against an adversary")
    measuring.add_argument("--shots", type=int, default=20, help="images a class that attackers have")
    measuring.add_argument("--attacker", action="append", default=[], help="instead of the informed panel")
    measuring.add_argument("--attack-epochs", type=int, default=None)
    measuring.add_argument("--seeds", type=int, default=3)
    measuring.add_argument("--first-seed", type=int, default=0, help="another process may have those before")
    measuring.add_argument("--flip", action="store_true")
    for one in (measuring, verbs.add_parser("write", help="make the section of what is finished")):
        one.add_argument("--out", type=Path, required=True, help="directory of the runs")
        one.add_argument("--rows", type=Path, default=ROWS, help="what is known of all sessions")
    given = parser.parse_args()
    if given.verb == "measure":
        measure(given, {(one.network, one.edit) for one in read_rows(given.rows)})
        return
    known = {(one.network, one.edit): one for one in read_rows(given.rows)}
    known |= {(one.network, one.edit): one for one in finished(given.out)}
    rows = sorted(known.values(), key=lambda one: (one.network, one.share is None, -(one.share or 0), one.seed))
    write_atomic(given.rows, "".join(f"{json.dumps(asdict(one))}\n" for one in rows))
    put_section(EDITED, "\n".join(said(rows)))


def measure(given: argparse.Namespace, known: Set[tuple[str, Edit]]) -> None:
    """Seed by seed, so that what is finished is balanced at any time."""
    for seed, text in itertools.product(range(given.first_seed, given.seeds), given.network):
        name, _, path = text.partition("=")
        weights = Path(path).suffix == ".safetensors"
        factory = given.module if weights else None
        opened: str | OpenedModel = path  # (a lock run says itself what it was trained on)
        if weights:
            opened = open_model(path, factory=factory, size=(given.size, given.size))
        attacks = PairedAttacks(
            attackers=tuple(given.attacker), fractions=(), shots=(given.shots,), seeds=1, epochs=given.attack_epochs,
            seed=seed,
        )  # fmt: skip
        for share in (*SHARES, None):
            edit = Edit(share, seed)
            if (name, edit) in known:
                continue
            out = given.out / name / edit.folder
            for targets in ((), given.target):  # (first the training, then what attackers make of it)
                if targets:
                    take_over(given.out / name, seed, out)
                if edit.share is None:
                    hardened = HardenConfig(
                        epsilon=EPSILON, sparsity=0.0, condition=0.0, epochs=given.robust_epochs, flip=given.flip,
                        images=200, steps=20, queries=200, attacks=attacks, seed=seed,
                    )  # fmt: skip
                    harden(opened, given.source, hardened, out=out, targets=targets, factory=factory)
                else:
                    smaller = CompactConfig(
                        keep=edit.share, epochs=given.epochs, examples=given.examples, flip=given.flip,
                        runtime="torch", seed=seed,
                    )  # fmt: skip
                    compact(opened, given.source, smaller, out=out, targets=targets, attacks=attacks, factory=factory)
            sys.stderr.write(f"{out}: done\n")


def take_over(network: Path, seed: int, out: Path) -> None:
    """What is known of attacks on the network as it was: every edit of a seed is compared with the same ones."""
    here = EvidenceStore(out / EVIDENCE)
    for edit in edits():
        known = network / edit.folder / EVIDENCE
        if edit.seed == seed and known.exists():
            here.write(EvidenceStore(known).read().values())


def finished(out: Path) -> Iterator[Row]:
    """A row of every run that was attacked."""
    for folder in sorted(path for path in out.iterdir() if path.is_dir()):
        for edit in edits():
            record = record_of(folder / edit.folder)
            if record is not None and record.attacks is not None:
                yield row_of(folder.name, edit, record)


def row_of(network: str, edit: Edit, record: CompactRecord | HardeningRecord) -> Row:
    """What is kept of a run."""
    assert record.attacks is not None
    changes = headline_changes(record.attacks)
    robust = None
    if isinstance(record, HardeningRecord):
        place = 1 + record.after.epsilons.index(EPSILON)
        robust = tuple(float(np.mean([at > place for at in one.worst])) for one in (record.before, record.after))
    outcomes = record.attacks.outcomes
    return Row(
        network,
        edit.share,
        edit.seed,
        tuple(dict.fromkeys(one.attacker for one in outcomes)),
        next(one.shots for one in outcomes if one.shots is not None),
        record.test[1] - record.test[0] if isinstance(record, CompactRecord) else record.clean_change.mean,
        {one.target.name: float(np.mean(one.before)) for one in changes},
        {one.target.name: float(np.mean(one.after)) for one in changes},
        robust,  # type: ignore[arg-type]
    )


def read_rows(path: Path) -> list[Row]:
    """Those that are there."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Row(**{**one, "attackers": tuple(one["attackers"])}) for one in map(json.loads, lines)]


def edits() -> Iterator[Edit]:
    """All that may lie in the folder of a network."""
    for share, seed in itertools.product((*SHARES, None), range(20)):
        yield Edit(share, seed)


def record_of(folder: Path) -> CompactRecord | HardeningRecord | None:
    """What a finished run found; None where there is none."""
    if (folder / "compact.json").exists():
        return compact_from_json(folder / "compact.json")
    return hardening_from_json(folder / "hardening.json") if (folder / "hardening.json").exists() else None


def said(rows: Sequence[Row]) -> Iterator[str]:
    """Of every network a table, and how robust the robust ones are."""
    first = rows[0]
    attackers = ", ".join(f"`{name}`" for name in first.attackers)
    yield f"`python docs/make_edited.py`. The same attackers ({attackers}; {first.shots} images of each class) before"
    yield "and after, of each model the strongest by validation, paired by seed; test accuracy in percent, differences"
    yield "in points with 95 % intervals (t over seeds). Above 0: attackers get more from the edited network.\n"
    yield HOW
    for name in dict.fromkeys(one.network for one in rows):
        of_network = [one for one in rows if one.network == name]
        targets = list(of_network[0].before)
        yield f"### {name}\n"
        heads = ["edit", "seeds", "own task, points", *(f"{name}: before, after, points" for name in targets)]
        yield row(heads)
        yield row(["---"] * len(heads))
        for share in (*SHARES, None):
            met = [one for one in of_network if one.share == share]
            if met:
                yield row([Edit(share, 0).name, str(len(met)), *_cells(met, targets)])
        yield ""
        pairs = [one.robust for one in of_network if one.robust is not None]
        if pairs:
            before, after = (100 * np.mean(values) for values in zip(*pairs, strict=True))
            yield f"Within 4/255 the robust models are right about {after:.1f} % of test images, the network as it was"
            yield f"about {before:.1f} %.\n"


def _cells(met: Sequence[Row], targets: Sequence[str]) -> Iterator[str]:
    yield _points(estimate([one.own for one in met]))
    for name in targets:
        before, after = (100 * np.mean([side[name] for side in sides]) for sides in _sides(met))
        yield f"{before:.1f}, {after:.1f}, {_points(estimate([one.after[name] - one.before[name] for one in met]))}"


def _sides(met: Sequence[Row]) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    return [one.before for one in met], [one.after for one in met]


def _points(found: Estimate) -> str:
    between = "" if found.low is None or found.high is None else f" ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return f"{100 * found.mean:+.1f}{between}"


if __name__ == "__main__":
    main()
