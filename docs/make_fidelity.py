"""Write docs/fidelity.md: how much of a measurement survives when network, images and training are made smaller.

    python docs/make_fidelity.py --images cifar10.npz --table nasbench201 --store fidelity.sqlite

``--images`` is CIFAR-10 as an ``.npz`` (``x_train``, ``y_train``, ...), ``--table`` an imported table of NAS-Bench-201
(or its file), whose accuracy after 200 epochs is what short trainings are compared with. Everything that is measured
goes to the store: a run that was stopped goes on where it was. About an hour on two processors.

    python docs/make_fidelity.py --recorded --table nasbench201

writes nothing but the section on recorded proxies anew, in seconds.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap, spearmanr

from archlock.cli.options import stderr
from archlock.cli.progress import progress_on
from archlock.evidence import EvidenceStore, Measurement
from archlock.execution import Executor, default_workers, executor_for
from archlock.progress import Progress
from archlock.proxies import PROXIES
from archlock.recipes.evaluate.proxy_agreement import proxy_agreements
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_proxies
from archlock.reports import TRUTH_AGAIN, ProxyAgreement
from archlock.seeding import rng_for
from archlock.short_training import SHORT, ShortTrainingSettings, measure_short_trainings, short_training_key
from archlock.spaces import SPACES, Architecture
from archlock.tables import Table, open_by_name_or_path, within_costs
from archlock.tasks import Task, conform, open_task, subsample
from archlock.training import Plan

PAGE = Path(__file__).parent / "fidelity.md"
SPACE = SPACES["nasbench201"]
TRUTH = "cifar10_test_200"
TASKS = ("cifar10", "cifar100", "imagenet16")
LIMIT = ("params_M_cifar10", 0.4)
RECORDED = "## Where it decides"
"""Title of the section that is made from a recorded table alone."""

FULL = ProxySettings(tuple(PROXIES), width=16, depth=5, batch=64, side=32)
REDUCED = (
    FULL,
    replace(FULL, batch=16),
    replace(FULL, width=8, batch=16),
    replace(FULL, width=8, batch=16, side=16),
    replace(FULL, width=8, side=8),
    replace(FULL, depth=1),
)

TRAININGS = (
    # width, depth, side, images, epochs
    (8, 1, 16, 2000, 4),
    (8, 1, 16, 2000, 12),
    (8, 1, 16, 4000, 6),
    (8, 1, 8, 2000, 12),
    (4, 1, 16, 2000, 12),
    (8, 5, 16, 2000, 4),
    (16, 1, 32, 2000, 4),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", help="CIFAR-10, a .npz file")
    parser.add_argument("--recorded", action="store_true", help="only the section that a table alone makes")
    parser.add_argument("--table", default="nasbench201", help="recorded table with the accuracies after 200 epochs")
    parser.add_argument("--store", type=Path, default=Path("runs/fidelity.sqlite"), help="what is measured goes there")
    parser.add_argument("--cells", type=int, default=60, help="functions whose proxies are compared")
    parser.add_argument("--trained", type=int, default=32, help="functions that are trained")
    parser.add_argument("--workers", type=int, default=default_workers())
    given = parser.parse_args()
    table = open_by_name_or_path(given.table)
    recorded = "\n".join(recorded_lines(table))
    if given.recorded:
        text = PAGE.read_text(encoding="utf-8")
        section = RECORDED_TEXT.format(title=RECORDED, lines=recorded)
        PAGE.write_text(re.sub(rf"{RECORDED}\n.*?(?=## )", lambda _: section, text, flags=re.DOTALL), encoding="utf-8")
        return
    if given.images is None:
        parser.error("--images is needed for all but --recorded")
    store, executor = EvidenceStore(given.store), executor_for(given.workers)
    task = open_task(given.images)
    sampled = connected_functions(max(given.cells, given.trained))
    with progress_on(stderr(), quiet=False) as progress:
        proxies = proxy_rows(task, sampled[: given.cells], store, executor, progress)
        trainings = training_rows(task, sampled[: given.trained], table, store, executor, progress)
    PAGE.write_text(
        PAGE_TEXT.format(
            cells=given.cells,
            trained=given.trained,
            proxies="\n".join(proxies),
            recorded=RECORDED_TEXT.format(title=RECORDED, lines=recorded),
            trainings="\n".join(trainings),
        ),
        encoding="utf-8",
    )
    print(f"wrote {PAGE}")  # noqa: T201


def connected_functions(count: int) -> tuple[Architecture, ...]:
    """Random connected functions of the space, each as its cheapest architecture."""
    functions = sorted({SPACE.simplify(one) for one in SPACE.enumerate() if SPACE.is_connected(one)})
    order = rng_for(0, "fidelity").permutation(len(functions))[:count]
    return tuple(functions[place] for place in order)


def recorded_lines(table: Table) -> list[str]:
    """Lines of a table: every recorded proxy against the truth, over the whole, in the top 5 %, and below a limit."""
    limited, _ = within_costs(table, [LIMIT])
    columns = [
        {one.proxy: one for one in proxy_agreements(part, (task,))} for task in TASKS for part in (table, limited)
    ]
    heads = [f"{task}{part}" for task in TASKS for part in ("", ", at most 0.4 M parameters")]
    lines = [f"| proxy | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    names = [TRUTH_AGAIN, *sorted({name for column in columns for name in column} - {TRUTH_AGAIN})]
    return lines + [f"| {name} | {' | '.join(cell(column.get(name)) for column in columns)} |" for name in names]


def cell(one: ProxyAgreement | None) -> str:
    """Whole and top 5 %; bold where it is more than both sizes have on the same architectures."""
    if one is None:
        return "-"
    values = zip((one.whole, one.top), one.beats_size, strict=True)
    texts = [("-" if value is None else f"{value:.2f}", better) for value, better in values]
    return " / ".join(f"**{text}**" if better and one.proxy != TRUTH_AGAIN else text for text, better in texts)


def proxy_rows(
    task: Task, sampled: Sequence[Architecture], store: EvidenceStore, executor: Executor, progress: Progress
) -> list[str]:
    """Lines of a table: Spearman of every proxy at every setting with the full setting, and seconds a cell."""
    measured = {}
    for settings, seed in [*((settings, 0) for settings in REDUCED), (FULL, 1)]:
        work = ProxyWork.on({"images": task}, settings, seed=seed, device="cpu")
        known = store.read(fidelity=work.fidelity)
        left = [one for one in sampled if any(key not in known for key in work.keys(one))]
        progress.begin(f"proxies {settings.size}, seed {seed}", len(sampled), len(sampled) - len(left))
        for _, found in executor.run(measure_proxies, work, left):
            store.write(found)
            known.update({one.key: one for one in found})
            progress.advance()
        measured[settings.size, seed] = [[known[key] for key in work.keys(one)] for one in sampled]
    full = values(measured[FULL.size, 0])
    names = [name for name in PROXIES if name not in ("params", "flops", "l2_norm", "nn_mass", "nn_degree")]
    lines = [f"| setting | {' | '.join(names)} | s a cell |", "|---" * (len(names) + 2) + "|"]
    for (size, seed), found in measured.items():
        said = values(found)
        agreement = [agreed(full[:, place], said[:, place]) for place, name in enumerate(PROXIES) if name in names]
        label = size.replace("-", " ") + ("" if seed == 0 else ", another seed")
        lines.append(f"| {label} | {' | '.join(agreement)} | {seconds(found):.2f} |")
    return lines


def training_rows(
    task: Task,
    sampled: Sequence[Architecture],
    table: Table,
    store: EvidenceStore,
    executor: Executor,
    progress: Progress,
) -> list[str]:
    """Lines of a table: how short trainings agree with accuracy after 200 epochs, with themselves, and their cost."""
    truth = accuracies(table, sampled)
    good = truth >= np.median(truth)
    lines = [
        "| width, depth, side, images, epochs | Spearman with 200 epochs (95 %) | in the better half | two seeds agree "
        "| mean of two seeds with 200 epochs | s a training |",
        "|---|---|---|---|---|---|",
    ]
    for width, depth, side, images, epochs in TRAININGS:
        settings = ShortTrainingSettings(width, depth, Plan(epochs))
        small = subsample(conform(task, (task.shape[0], side, side)), images, seed=0)
        found = short_trainings(small, settings, sampled, store, executor, progress)
        scores = values(found)
        both = scores.mean(1)
        lines.append(
            f"| {width}, {depth}, {side}, {images}, {epochs} | {interval(scores[:, 0], truth)} | "
            f"{agreed(scores[good, 0], truth[good])} | {agreed(scores[:, 0], scores[:, 1])} | {agreed(both, truth)} | "
            f"{seconds(found) / 2:.2f} |"
        )
    return lines


def short_trainings(
    task: Task,
    settings: ShortTrainingSettings,
    sampled: Sequence[Architecture],
    store: EvidenceStore,
    executor: Executor,
    progress: Progress,
) -> list[list[Measurement]]:
    """Validation accuracy of every architecture with two seeds, bought where the store lacks it."""
    keys = [
        [short_training_key(one, task, SHORT, settings, seed=seed, device="cpu") for seed in (0, 1)] for one in sampled
    ]
    known = store.read(fidelity=settings.fidelity(device="cpu"))
    left = [(one, key.seed) for one, pair in zip(sampled, keys, strict=True) for key in pair if key not in known]
    progress.begin(
        f"trainings {settings.width} {settings.depth} {task.shape[1]} {len(task.train)}",
        2 * len(sampled),
        2 * len(sampled) - len(left),
    )
    for _, found in executor.run(train_one, (task, settings), left):
        store.write(found)
        known.update({one.key: one for one in found})
        progress.advance()
    return [[known[key] for key in pair] for pair in keys]


def train_one(shared: tuple[Task, ShortTrainingSettings], job: tuple[Architecture, int]) -> tuple[Measurement, ...]:
    """One training, as a job."""
    task, settings = shared
    return measure_short_trainings([job], task, settings)


def accuracies(table: Table, sampled: Sequence[Architecture]) -> np.ndarray:
    """Recorded accuracy after 200 epochs."""
    found = table.look_up(table.column(TRUTH), [one.code for one in sampled])
    return np.asarray(found)


def values(found: Sequence[Sequence[Measurement]]) -> np.ndarray:
    """Architectures x measurements; NaN where there is none."""
    return np.array([[one.value for one in row] for row in found])


def seconds(found: Sequence[Sequence[Measurement]]) -> float:
    """Mean seconds of an architecture, one thread."""
    return float(np.mean([sum(one.seconds for one in row) for row in found]))


def agreed(first: np.ndarray, second: np.ndarray) -> str:
    """Spearman over the architectures where both are known."""
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or min(len(set(first[both])), len(set(second[both]))) < 2:
        return "-"
    return f"{spearmanr(first[both], second[both]).statistic:.2f}"


def interval(first: np.ndarray, second: np.ndarray) -> str:
    """Spearman with its bootstrap interval."""

    def statistic(a: np.ndarray, b: np.ndarray) -> float:
        return float(spearmanr(a, b).statistic)

    both = np.isfinite(first) & np.isfinite(second)
    pair = (first[both], second[both])
    found = bootstrap(
        pair,
        statistic,
        paired=True,
        vectorized=False,
        n_resamples=1000,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    low, high = found.confidence_interval
    return f"{statistic(*pair):.2f} ({low:.2f} to {high:.2f})"


RECORDED_TEXT = """{title}

Rank correlation (Spearman) of the recorded proxies with the recorded accuracy after 200 epochs, over all connected
cells / among the top 5 %, for each task and for the cells that keep a limit. Bold: more than both sizes (parameters,
multiply-adds), which cost nothing to know, on the same cells. The first row is the truth asked again: two single runs
against each other on CIFAR-10, the best chosen by a third one; on the other tasks, where one number is recorded, that
number against itself and noise of the size of one training. Nothing can agree better than that. Most proxies are
recorded of the cells without dead edges only, those of CIFAR-100 of an earlier run and fewer cells.

{lines}

What to take from it:

* Over the whole space few proxies beat size, and by little. Among the best most of them say nothing, or the opposite;
  `synflow` and `zen` keep something there, far below what the truth says of itself.
* So choose finalists by short trainings, not by one proxy. `archlock evaluate` makes these figures for every table, and
  says which proxies do not beat size.
* Under a limit size says less than without one: take it as a limit, not as a score.

"""

PAGE_TEXT = """# Reduced fidelity: what survives when everything is made smaller

Written by `python docs/make_fidelity.py`; do not edit. Real images (CIFAR-10), random connected cells of NAS-Bench-201,
no two the same function. Settings are width (channels after the stem), depth (cells in a row), batch and side of the
images.

## Proxies

Spearman with the full setting over {cells} cells, same seed; "another seed" is the noise ceiling: nothing can agree
better with a measurement than a second one does.

{proxies}

**Default** (`archlock measure`, `lock --evidence zero_cost`): `c8 n5 b16 s16`. Width, batch and images may shrink,
depth may not. `epe_nas` compares classes within a batch and wants `--batch 64`; `plain` does not agree with itself.

{recorded}## Short trainings

{trained} cells trained with two seeds at each setting; validation accuracy compared with the recorded accuracy after
200 epochs at full size (CIFAR-10, test).

{trainings}

**Default** (`archlock measure --epochs 4`): width 16, depth 1, images of 32 x 32. Smaller images and narrower networks
cost a quarter and keep little more than half of the agreement; more epochs at the small size do not bring it back, and
deep networks learn too little in 4 epochs to tell anything. Within the better half no setting says much: there, buy
seeds.
"""


if __name__ == "__main__":
    main()
