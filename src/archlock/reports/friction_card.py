"""A release with friction as a Markdown card: what was done, and what attackers get, the naive beside the informed.

The card promises nothing. Friction costs the unprepared time; those who know lose none of what the model knows, and
the card says so beside every figure.
"""

import math

import numpy as np

from archlock.reports.friction import FORMS, FrictionRecord, Panel
from archlock.reports.wording import DASH, attack_name, capital, day, percent, plural, points, seeds

PANELS: dict[Panel, str] = {
    "naive": "naive: does what a tutorial says",
    "informed": "informed: knows what was done",
}


def render_friction_card(record: FrictionRecord, *, folder: str) -> str:
    """The card. ``folder`` is the path that opening is shown with."""
    parts = (
        f"# {record.name}, with friction\n",
        "The same function as the original, written so that plain fine-tuning of it goes badly. **This is not a "
        "lock**: whoever knows what was done undoes it in seconds, with some hundred unlabelled images, and then has "
        "all that the original has.\n",
        _done(record),
        _figures(record),
        _opening(record, folder),
        f"Made {day(record.created)} by `{record.command}`, ArchLock {record.versions.get('archlock', '')}.\n",
    )
    return "\n".join(parts)


def friction_lines(record: FrictionRecord) -> str:
    """What was done and what it comes to, for the terminal."""
    done = "; ".join(_edits(record))
    apart = f"answers differ by {record.difference:.1g} of the largest, {record.compared_on}"
    return "\n".join([f"{done}; {record.seconds:.1f} s", apart, *record.left, *_sentences(record)])


def _edits(record: FrictionRecord) -> list[str]:
    return [
        *([f"{plural(record.folded, 'normalisation')} folded into the layers before them"] if record.folded else []),
        *([f"channels of {plural(record.rescaled, 'layer')} rescaled"] if record.rescaled else []),
        *([f"features narrowed from {record.features} to {record.neck}"] if record.neck else []),
    ]


def _done(record: FrictionRecord) -> str:
    lines = [f"* {capital(line)}." for line in _edits(record)]
    if record.rescaled:
        lines.append(
            f"* Scales are exp({record.spread:g} x normal), taken back by the layers that take the channels; the neck "
            "and the biases change no answer."
        )
    lines.append(f"* Largest difference of an answer: {record.difference:.1g} of the largest, {record.compared_on}.")
    lines += [f"* Not done: {line}." for line in record.left]
    return "## What was done\n\n" + "\n".join(lines) + "\n"


def _figures(record: FrictionRecord) -> str:
    if record.target is None:
        return (
            "## What attackers get\n\nNothing was measured: no target was given. `archlock release ... --target DATA` "
            "measures naive and informed attackers on both forms.\n"
        )
    count = len({one.seed for one in record.trials})
    head = ["| attacker | | original | with friction |", "|---|---|---|---|"]
    rows = [
        f"| {attack_name(one)} | {words} | {_cell(record, one, 'original')} | {_cell(record, one, 'friction')} |"
        for panel, words in PANELS.items()
        for one in record.attackers(panel)
    ]
    measured = (
        f"Test accuracy on `{record.target}` after training on {record.images:,} of its images for {record.epochs} "
        f"epochs, mean of {seeds(count)} (least to largest); the commonest class alone is {percent(record.chance)}. "
        "Every attacker keeps the best of their settings by validation. By chance alone a figure from "
        f"{record.tested_on:,} test images may be off by {points(_error(record))}.\n"
    )
    parts = ["## What attackers get", measured, "\n".join([*head, *rows]) + "\n", *_sentences(record)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _error(record: FrictionRecord) -> float:
    """Half of the widest 95 % interval of a share of the test images."""
    return 1.96 * math.sqrt(0.25 / max(1, record.tested_on))


def _sentences(record: FrictionRecord) -> list[str]:
    """The naive and the informed figure side by side, and never the first alone."""
    if record.target is None:
        return []
    found = {(panel, form): record.best(panel, form) for panel in PANELS for form in FORMS}

    def said(panel: Panel) -> str:
        before, after = (found[panel, form] for form in FORMS)
        return f"{_best(after)} with friction and {_best(before)} without"

    lines = [f"Best naive attacker: {said('naive')}. Best informed attacker: {said('informed')}."]
    informed, original = found["informed", "friction"], [found[panel, "original"] for panel in PANELS]
    known = [one[1] for one in original if one is not None]
    if informed is None or not known:
        lines.append("There is no informed figure, so nothing can be said of what the friction is worth.")
        return lines
    lost = max(known) - informed[1]
    lines.append(
        "Next to the best attack on the original, those who know "
        + (f"lose {points(lost)}" if lost > 0 else f"lose nothing (they get {points(-lost)} more)")
        + "; with more time or data the naive come nearer, too."
    )
    return lines


def _best(found: tuple[str, float] | None) -> str:
    return "no score" if found is None else f"{percent(found[1])} ({attack_name(found[0]).lower()})"


def _cell(record: FrictionRecord, attacker: str, form: str) -> str:
    scores = record.scores(attacker, "original" if form == "original" else "friction")
    of_form = [one for one in record.trials if (one.attacker, one.form) == (attacker, form)]
    failed = sum(one.test is None for one in of_form)
    words = f"{failed} of {len(of_form)} trainings failed" if failed else ""
    if not scores:
        return words or DASH
    spread = f" ({percent(min(scores))} to {percent(max(scores))})" if len(scores) > 1 else ""
    return f"{percent(float(np.mean(scores)))}{spread}{'; ' if words else ''}{words}"


def _opening(record: FrictionRecord, folder: str) -> str:
    more = f" {record.opened_with}" if record.opened_with else ""
    python = f'archlock.open_model("{folder}", factory=...).module' if more else f'archlock.load("{folder}")'
    return (
        "## Opening it\n\n"
        f"```sh\narchlock attack {folder}{more} --target path/to/images --out attacks/friction\n```\n\n"
        f"In Python: `{python}`. `edited.json` says what it is built from and what was done; the weights are in "
        "`edited.safetensors`. Reading them runs no code.\n"
    )
