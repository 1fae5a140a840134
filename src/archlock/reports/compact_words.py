"""What a compaction comes to, in sentences, as lines for the terminal, and as a Markdown card."""

from collections.abc import Sequence
from typing import Final

from archlock.reports.amounts import bytes_in_words, count_in_words, time_in_words
from archlock.reports.before_after import (
    before_after_cells,
    before_after_lines,
    before_after_sentences,
    changes,
)
from archlock.reports.compact import CompactRecord, CompactSize
from archlock.reports.wording import DASH, day, number, percent, plural, points

COSTS: Final = {"groups": "units", "parameters": "parameters", "macs": "MACs"}
UNATTACKED: Final = (
    "Nothing was attacked: no target was given. Whether a smaller model is a better or a worse start for other tasks "
    "is a question for archlock attack, with the model as --reference."
)


def compact_headline(record: CompactRecord) -> str:
    """What a reader should know first."""
    before, after = record.test
    change = after - before
    moved = "keeps" if change == 0 else f"{'loses' if change < 0 else 'gains'} {points(abs(change))} of"
    return (
        f"With {percent(record.kept)} of its {COSTS[record.cost]} ({record.units[1]:,} of {record.units[0]:,} channels "
        f"and heads that can go) the model {moved} its test accuracy: {percent(after)}, before {percent(before)}."
    )


def size_rows(record: CompactRecord) -> list[tuple[str, str, str, str]]:
    """Of each cost its name, before, after, and how many times as small."""

    def row(name: str, words: tuple[str, str], of: Sequence[float]) -> tuple[str, str, str, str]:
        return name, *words, f"{of[0] / of[1]:.2f}x" if of[1] else DASH

    def both(name: str, words: str, of: tuple[float, float]) -> tuple[str, str, str, str]:
        said = {"count": count_in_words, "bytes": bytes_in_words, "time": time_in_words}[words]
        return row(name, (said(of[0]), said(of[1])), of)

    one, other = record.before, record.after

    def of(field: str) -> tuple[float, float]:
        return getattr(one, field), getattr(other, field)

    return [
        both("parameters", "count", of("parameters")),
        both("MACs", "count", of("macs")),
        both("file of weights", "bytes", of("weights_bytes")),
        both("latency of an image", "time", of("latency_ms")),
    ]


def compact_remarks(record: CompactRecord) -> tuple[str, ...]:
    """What a reader must know: a share that was not reached, accuracy that fell far, no gain in speed."""
    found = []
    said = f"{percent(record.kept)} of the {COSTS[record.cost]} are left, asked for were {percent(record.asked)}"
    if record.divisible > 1 and percent(record.kept) != percent(record.asked):
        found.append(f"{said}: every group keeps a multiple of {record.divisible}")
    elif record.kept > record.asked + 1e-9 and not _next_unit(record):
        found.append(said)
    if record.after.latency_ms >= record.before.latency_ms:
        found.append("the smaller model is not faster here: what goes is not what takes its time")
    return (*found, *record.notes)


def _next_unit(record: CompactRecord) -> bool:
    """Whether the share was reached as nearly as whole units allow."""
    return record.cost == "groups" and record.kept - record.asked < 1 / record.units[0]


def compact_lines(record: CompactRecord) -> str:
    """For the terminal."""
    rows = [("", "before", "after", "ratio"), *size_rows(record)]
    accuracies = (("validation accuracy", record.validation), ("test accuracy", record.test))
    rows += [(name, percent(before), percent(after), points(after - before)) for name, (before, after) in accuracies]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    lines = [compact_headline(record)]
    lines += [
        f"  {row[0].ljust(widths[0])}"
        + "".join(f"  {cell:>{size}}" for cell, size in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    table = [] if record.attacks is None else [before_after_lines(record.attacks)]
    return "\n".join([*lines, training_words(record), *attack_sentences(record), *table])


def attack_sentences(record: CompactRecord) -> tuple[str, ...]:
    """What the same attackers get of both, or that nothing was attacked."""
    return (UNATTACKED,) if record.attacks is None else before_after_sentences(record.attacks)


def training_words(record: CompactRecord) -> str:
    """How it was made smaller."""
    trained = plural(record.epochs[1], "epoch")
    if not record.periods:
        return f"{record.method}: units went before {trained} of training at rate {record.rate:g}"
    cycles = f", decided in {plural(record.cycles, 'corrective cycle')}" if record.cycles else ""
    return (
        f"{record.method}: units faded in {plural(record.periods, 'period')} of {plural(record.pruning_steps, 'step')} "
        f"within {plural(record.epochs[0], 'epoch')}{cycles}; what was left trained on for {trained}, at rate "
        f"{record.rate:g}"
    )


def render_compact_card(record: CompactRecord, *, folder: str) -> str:
    """The card of the smaller model. ``folder`` is the path that opening is shown with."""
    rows = ["| | before | after | ratio |", "|---|---|---|---|"]
    rows += [f"| {' | '.join(row)} |" for row in size_rows(record)]
    accuracies = (("validation accuracy", record.validation), ("test accuracy", record.test))
    rows += [
        f"| {name} | {percent(before)} | {percent(after)} | {points(after - before)} |"
        for name, (before, after) in accuracies
    ]
    widths = "\n".join(f"| {one.name} | {one.units} | {one.kept} |" for one in record.groups)
    more = f" {record.opened_with}" if record.opened_with else ""
    python = f'archlock.open_model("{folder}", factory=...).module' if more else f'archlock.load("{folder}")'
    parts = (
        f"# {record.model}, smaller\n",
        f"{compact_headline(record)}\n",
        "\n".join(rows) + "\n",
        f"Made by {training_words(record)} ({record.paper}) on `{record.source.name}`. Latencies: {record.timed_in}.\n",
        *(f"* {line}.\n" for line in compact_remarks(record)),
        f"## What went\n\n| made by | units | kept |\n|---|---|---|\n{widths}\n",
        _attackers(record),
        "## Opening it\n\n"
        f"```sh\narchlock attack {folder}{more} --target path/to/images --out attacks/small\n```\n\n"
        f"In Python: `{python}`. `edited.json` says what it is built from and what was done; the weights are in "
        "`edited.safetensors`. Reading them runs no code.\n",
        f"Made {day(record.created)} by `{record.command}`, ArchLock {record.versions.get('archlock', '')}.\n",
    )
    return "\n".join(parts)


def _attackers(record: CompactRecord) -> str:
    said = "\n\n".join(attack_sentences(record))
    if record.attacks is None:
        return f"## What attackers get\n\n{said}\n"
    head = ("target", "attack", "data", *record.attacks.names, "points", "95% interval", "seeds")
    rows = [head, ("---",) * len(head), *(before_after_cells(one) for one in changes(record.attacks))]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## What attackers get\n\n{said}\n\n{table}\n"


def ratio(before: CompactSize, after: CompactSize, field: str) -> str:
    """How many times as small a cost is: ``1.9x``."""
    return f"{number(getattr(before, field) / getattr(after, field))}x"
