"""Write a section of docs/findings.md: does compaction close a lock or open it, and does robustness?

    python docs/make_edited.py measure --network "a locked cell=runs/mine" --network "ResNet-20=r20.safetensors" \
        --module shared_networks:resnet20 --size 32 --source cifar10.npz --target signs.npz --target svhn.npz \
        --out edited
    python docs/make_edited.py write --out edited

Every network is made compact at several shares and made robust, with several seeds, and the same attackers are let
loose on it before and after. Every run is a directory of ``archlock compact`` or ``archlock harden`` and is taken up
where it was; ``write`` reads what is finished.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from findings_of_runs import EDITED, put_section, row

from archlock.evidence import EvidenceStore
from archlock.recipes import CompactConfig, HardenConfig, OpenedModel, PairedAttacks, compact, harden, open_model
from archlock.reports import CompactRecord, HardeningRecord, compact_from_json, hardening_from_json
from archlock.reports.before_after import Change, headline_changes
from archlock.reports.statistics import Estimate, estimate

SHARES = (0.7, 0.5, 0.3)
EPSILON = 4 / 255
EVIDENCE = "evidence.sqlite"


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
    measuring.add_argument("--flip", action="store_true")
    for one in (measuring, verbs.add_parser("write", help="make the section of what is finished")):
        one.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if given.verb == "measure":
        measure(given)
    else:
        put_section(EDITED, "\n".join(said(given.out)))


def measure(given: argparse.Namespace) -> None:
    """Seed by seed, so that what is finished is balanced at any time."""
    for seed, text in itertools.product(range(given.seeds), given.network):
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


def said(out: Path) -> Iterator[str]:
    """Of every network a table, and the sentence that it bears out."""
    yield "`python docs/make_edited.py`. The same attackers (each model's strongest, chosen by validation) before and"
    yield "after, paired by seed; points of test accuracy with 95 % intervals (t over seeds). Above 0: attackers get"
    yield "more from the edited network.\n"
    for folder in sorted(path for path in out.iterdir() if path.is_dir()):
        found = {edit: record for edit in edits() if (record := record_of(folder / edit.folder)) is not None}
        if not found:
            continue
        yield f"### {folder.name}\n"
        targets = [change.target.name for change in changes_of(next(iter(found.values())))]
        heads = ["edit", "seeds", "own task, points", *(f"{name}: before, after, points" for name in targets)]
        yield row(heads)
        yield row(["---"] * len(heads))
        for share in (*SHARES, None):
            records = [record for edit, record in found.items() if edit.share == share]
            if records:
                yield row([Edit(share, 0).name, str(len(records)), *_cells(records, targets)])
        yield ""
        yield from _robustness([record for record in found.values() if isinstance(record, HardeningRecord)])


def edits() -> Iterator[Edit]:
    """All that may lie in the folder of a network."""
    for share, seed in itertools.product((*SHARES, None), range(20)):
        yield Edit(share, seed)


def record_of(folder: Path) -> CompactRecord | HardeningRecord | None:
    """What a finished run found; None where there is none."""
    if (folder / "compact.json").exists():
        return compact_from_json(folder / "compact.json")
    return hardening_from_json(folder / "hardening.json") if (folder / "hardening.json").exists() else None


def changes_of(record: CompactRecord | HardeningRecord) -> tuple[Change, ...]:
    """The strongest attack on every target."""
    assert record.attacks is not None
    return headline_changes(record.attacks)


def _own(record: CompactRecord | HardeningRecord) -> float:
    if isinstance(record, CompactRecord):
        return record.test[1] - record.test[0]
    return record.clean_change.mean


def _cells(records: Sequence[CompactRecord | HardeningRecord], targets: Sequence[str]) -> Iterator[str]:
    yield _points(estimate([_own(record) for record in records]))
    for name in targets:
        met = [change for record in records for change in changes_of(record) if change.target.name == name]
        if not met:
            yield "-"
            continue
        before, after = (np.mean([value for one in met for value in side(one)]) for side in (_before, _after))
        yield f"{100 * before:.1f}, {100 * after:.1f}, {_points(estimate([one.difference.mean for one in met]))}"


def _robustness(records: Sequence[HardeningRecord]) -> Iterator[str]:
    """How robust the robust ones became."""
    if records:
        place = 1 + records[0].after.epsilons.index(EPSILON)
        before = 100 * np.mean([at > place for record in records for at in record.before.worst])
        after = 100 * np.mean([at > place for record in records for at in record.after.worst])
        yield f"Within 4/255 the robust models are right about {after:.1f} % of {len(records[0].after.worst)} test"
        yield f"images, the network as it was about {before:.1f} %.\n"


def _before(change: Change) -> tuple[float, ...]:
    return change.before


def _after(change: Change) -> tuple[float, ...]:
    return change.after


def _points(found: Estimate) -> str:
    between = "" if found.low is None or found.high is None else f" ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    return f"{100 * found.mean:+.1f}{between}"


if __name__ == "__main__":
    main()
