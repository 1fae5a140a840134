"""What finished runs of ``archlock lock`` and ``archlock attack`` say, as Markdown for ``docs/make_findings.py``."""

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from archlock.reports import AttackRecord, LockRecord, from_json
from archlock.reports.measures import Group, cost_groups, further_sentence, worth_groups
from archlock.reports.slc_auc import areas
from archlock.reports.statistics import Comparison, Estimate, comparisons, estimate, headline, strongest

PAGE = Path(__file__).parent / "findings.md"
WORTH = "## What the weights are worth"
LOCKING = "## Does architecture lock where weights are worth something?"
LOCKS = "## Locks where weights are worth something"
AXES = "## Which choices of architecture lock?"
STATE = "## Does the state of a model foretell the attack?"
PEEP = "## What the execution of a model betrays"
CONCEAL = "## What hiding costs"
HARDENED = "## A hard and sparse network"
COMPACTED = "## What compaction costs"
EDITED = "## Does compaction lock, does robustness unlock?"
KEPT = (WORTH, LOCKING, LOCKS, AXES, STATE, COMPACTED, HARDENED, EDITED, PEEP, CONCEAL)
"""Sections that scripts of their own write, in the order of the page."""
UNDER_ATTACK = """## A lock under attack

The first audits, by the attackers of then: their sweeps were narrow and their trainings short. What holds is
[above](#what-the-weights-are-worth).

Percent of the test images; the difference is source-only minus locked, paired by seed; *strongest attack*: for each
model and seed the one that was best on the attacker's validation split. Source CIFAR-10 at reduced fidelity: 4,000
images of 16 x 16, networks of width 8, 10 epochs. With `--target` the search knew that target; `--audit` names targets
that it could not see.
"""


def attacked(run: Path) -> str:
    """A real attack on the models of a lock run, with the largest share of the data that attackers had."""
    record = from_json(run / "result.json")
    parts = [f"```sh\n{record.command}\n```", *scores(record), *by_data(record), *worth(record), *costs(record)]
    said = further_sentence(record)
    if said:
        parts.append(f"**What honest users keep.** {said}")
    return with_plain_spaces("\n\n".join(parts)) + "\n"


def put_runs(
    doc: str | None, title: str, introduction: str, said: Callable[[LockRecord | AttackRecord], Iterable[str]]
) -> None:
    """Write the section of that title from the results that are named on the command line, each with its command.

    Runs that go by other titles stay in it: their results may be gone.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="append", required=True, help="TITLE=result.json; may be repeated")
    parts = dict(re.findall(r"^### (.*?)\n\n(.*?)(?=^### |^## |\Z)", kept_sections(title), flags=re.S | re.M))
    for given in parser.parse_args().run:
        name, path = given.rsplit("=", 1)
        record = from_json(Path(path))
        command = re.sub(r"(?<=\s)(\.\.)?/\S*/(?=[^/\s])", "", record.command)  # (paths are of one machine)
        parts[name] = "\n".join([f"```sh\n{command}\n```\n", *said(record)])
    put_section(title, "\n".join([introduction, *(f"### {name}\n\n{text.rstrip()}\n" for name, text in parts.items())]))


def put_section(title: str, text: str) -> None:
    """Replace the section of that title in the page of findings, or put it before the recorded table."""
    page = PAGE.read_text(encoding="utf-8")
    old = re.search(rf"^{re.escape(title)}\n.*?(?=^## )", page, flags=re.S | re.M)
    begin, end = old.span() if old else (page.index("## A recorded table"),) * 2
    section = f"{title}\n\n{with_plain_spaces(text).rstrip()}\n\n"
    PAGE.write_text(page[:begin] + section + page[end:], encoding="utf-8")


def kept_sections(*titles: str) -> str:
    """The sections of these titles as they stand on the page."""
    page = PAGE.read_text(encoding="utf-8")
    found = [re.search(rf"^{re.escape(title)}\n.*?(?=^## )", page, flags=re.S | re.M) for title in titles]
    return "".join(one.group() for one in found if one)


def with_plain_spaces(text: str) -> str:
    """The text with ordinary spaces for those that do not break."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def scores(record: LockRecord | AttackRecord) -> Iterator[str]:
    """What every attack reaches with the most data, at every length of training."""
    models = record.models[:2][::-1]
    plain, locked = (f"`{model.code}`" for model in models)
    lines = [row(["", f"source-only {plain}", f"locked {locked}", "difference (95 %)"]), row(["---"] * 4)]
    loss = estimate([p - k for p, k in zip(models[0].source_test, models[1].source_test, strict=True)])
    means = [float(np.mean(model.source_test)) for model in models]
    lines.append(row(["source, test accuracy", *(f"{100 * mean:.1f}" for mean in means), away(loss)]))
    most = max(comparison.fraction for comparison in comparisons(record))
    both = (*comparisons(record), *strongest(record))
    lines += [_score(comparison) for comparison in both if comparison.fraction == most]
    yield "\n".join(lines)


def by_data(record: LockRecord | AttackRecord) -> Iterator[str]:
    """The strongest attack by the share of the data, and the area under it."""
    curves = [comparison for comparison in strongest(record) if comparison.terms.horizon == 1]
    fractions = sorted({comparison.fraction for comparison in curves})
    if len(fractions) < 3:
        return
    names = {comparison.target: None for comparison in headline(record)}
    lines = [row(["taken from the strongest attack with", *(f"{100 * fraction:g} %" for fraction in fractions)])]
    lines.append(row(["---"] * (1 + len(fractions))))
    for name in names:
        found = {one.fraction: one for one in curves if one.target == name}
        lines.append(row([name, *(away(found[fraction].taken_away) for fraction in fractions)]))
    yield "\n".join(lines)
    lines = [row(["SLC-AUC over these shares", "source-only", "locked", "difference (95 %)"]), row(["---"] * 4)]
    for area in areas(record):
        if area.horizon == 1 and area.attacker != "ordinary":
            means = (float(np.mean(area.other)), float(np.mean(area.locked)))
            label = f"{area.target}, {area.attacker.replace('_', ' ')}"
            lines.append(row([label, *(f"{100 * mean:.1f}" for mean in means), away(area.taken_away)]))
    yield "\n".join(lines)


def worth(record: LockRecord | AttackRecord) -> Iterator[str]:
    """What the strongest attack gains over those who have no model."""
    groups = worth_groups(record)
    if groups:
        yield table_of(
            "points above those without the weights, or without the model", ["source-only", "locked"], groups
        )


def costs(record: LockRecord | AttackRecord) -> Iterator[str]:
    """What it costs to get to a level."""
    groups = cost_groups(record)
    if groups:
        yield "\n".join(f"* {group.said}" for group in groups)
        heads = [f"{model}: {what}" for model in ("source-only", "locked") for what in ("steps", "operations", "time")]
        yield table_of("to that level", heads, groups)


def table_of(what: str, heads: list[str], groups: tuple[Group, ...]) -> str:
    """Groups of rows as one table, the target before each row."""
    lines = [row([what, *heads]), row(["---"] * (1 + len(heads)))]
    lines += [row([f"{group.name}, {one.name.lower()}", *one.cells]) for group in groups for one in group.rows]
    return "\n".join(lines)


def _score(comparison: Comparison) -> str:
    means = [float(np.mean(tests)) for tests in (comparison.other, comparison.locked)]
    longer = "" if comparison.terms.horizon == 1 else f", {comparison.terms.horizon:g}x as long"
    label = f"{comparison.target}, {comparison.attacker.replace('_', ' ')}{longer}"
    difference = "-" if comparison.attacker == "ordinary" else away(comparison.taken_away)
    return row([label, *(f"{100 * mean:.1f}" for mean in means), difference])


def away(found: Estimate, scale: float = 100, form: str = ".1f") -> str:
    """A difference with its interval, in points unless another scale is given."""
    if found.low is None or found.high is None:
        return format(scale * found.mean, form)
    return shown((scale * found.mean, scale * found.low, scale * found.high), form)


def shown(estimate: tuple[float, float, float], form: str = ".2f") -> str:
    """``0.45 (0.30 to 0.58)``, or a dash for what does not exist."""
    if np.isnan(estimate[0]):
        return "-"
    value, low, high = (format(one, form) for one in estimate)
    return f"{value} ({low} to {high})"


def row(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
