"""What a peep comes to, in sentences, as lines for the terminal and as a card."""

from dataclasses import dataclass
from typing import Final

from archlock.reports.peep import Between, ObserverRecord, PeepRecord, between_recordings
from archlock.reports.wording import day, number, percent, plural

READ, HIDDEN = 0.10, 0.50
"""Skeleton errors up to which (with the whole interval) a model is read, and from which it is hidden."""
REPEATS: Final = 0.9
"""Repeatability below which nothing is judged."""
LIMITS: Final = (
    "All observers but the remote user are assumed to tell where one operator ends and the next begins, as in the "
    "literature. Caches, power, electromagnetic emission and counters of a GPU are not watched here: what they show is "
    "at most what the tiers are given.",
    "Sizes are of what outlives an operator; the work space that it gives back before it ends is not seen. Times are "
    "CPU times of the thread with one numerical thread, the least of several passes: what somebody patient finds out.",
    "A reader knows the families that it was taught. Another designer's blocks are read worse, and one who knows the "
    "model's family would read it better.",
    "Candidates left count shapes of convolutions, not ways to wire them.",
    "Whoever is given the file of the model has its architecture. This is for a model that is hosted, compiled or "
    "encrypted.",
)


@dataclass(frozen=True, slots=True)
class ObserverVerdict:
    """One word, and what it rests on."""

    word: str
    sentence: str


def observer_verdict(one: ObserverRecord, record: PeepRecord) -> ObserverVerdict:
    """What one observer learns."""
    if one.repeatability is not None and one.repeatability < REPEATS:
        return ObserverVerdict("not judged", "recordings do not repeat: the machine was busy")
    if not one.seen:
        return _by_family(one, record)
    error = skeleton_between(one)
    words = f"{percent(error.mean)} of the skeleton is read wrongly ({between_words(error)})"
    if error.high <= READ:
        return ObserverVerdict("read", words)
    return ObserverVerdict("hidden" if error.low >= HIDDEN else "partly read", words)


def _by_family(one: ObserverRecord, record: PeepRecord) -> ObserverVerdict:
    first = one.family.names[:3]
    said = f"the likeliest families are {', '.join(first)}"
    if not record.family:
        return ObserverVerdict("a hint", f"{said}; which one this model is of is not known here")
    if record.family == first[0]:
        return ObserverVerdict("family read", said)
    if record.family in first:
        return ObserverVerdict("a hint", f"{said}; it is {record.family}")
    return ObserverVerdict("hidden", f"{said}; it is {record.family}")


def peep_headline(record: PeepRecord) -> str:
    """One sentence: who reads it."""
    words = {one.name: observer_verdict(one, record).word for one in record.observers}
    said = [f"{word} by {name}" for name, word in words.items()]
    return f"{record.model}, {plural(len(record.operators), 'operator')}: {', '.join(said)}."


def skeleton_between(one: ObserverRecord) -> Between:
    """Skeleton error over the recordings."""
    return between_recordings([seen.skeleton_error for seen in one.seen])


def edit_between(one: ObserverRecord) -> Between:
    """Edit error over the recordings."""
    return between_recordings([seen.edit_error for seen in one.seen])


def between_words(one: Between) -> str:
    """``0.034 to 0.051``, in shares of the sequence."""
    return f"{number(one.low, 3)} to {number(one.high, 3)}"


def worth_sentences(record: PeepRecord) -> tuple[str, ...]:
    """What training what was read brings, beside the true architecture."""
    said = []
    for one in record.worth:
        name = f"as read by {one.observer}" if one.observer else "the true architecture"
        if one.problem:
            said.append(f"{name}: not built ({one.problem})")
            continue
        scores = between_recordings(one.scores)
        between = f"{number(100 * scores.low)} to {number(100 * scores.high)}"
        said.append(f"{name}: {percent(scores.mean)} ({between}), {one.parameters:,} parameters")
    return tuple(said)


def peep_warnings(record: PeepRecord) -> tuple[str, ...]:
    """What must be read before any number."""
    learned = [
        f"the reader of {one.name} reads only {percent(one.check.training_accuracy)} of what it was taught by: it has "
        "not learned, and its figures flatter the model"
        for one in record.observers
        if one.check is not None and one.check.training_accuracy < 0.8 and record.reader == "windowed_trees"
    ]
    noise = [f"times are disturbed by simulated noise of {record.noise:g}"] if record.noise else []
    return (*learned, *noise, *record.notes)


def peep_lines(record: PeepRecord) -> str:
    """A table for the terminal, one row for each observer."""
    lines = [
        peep_headline(record),
        f"{'observer':<10}{'verdict':<14}{'edit error':>20}{'skeleton':>20}{'operators':>11}{'family (likeliest)':>26}",
    ]
    for one in record.observers:
        cells = [_cell(edit_between(one)), _cell(skeleton_between(one))] if one.seen else ["-", "-"]
        right = percent(one.seen[0].accuracy) if one.seen else "-"
        family = f"{one.family.names[0]} {number(one.family.probabilities[0], 2)}"
        word = observer_verdict(one, record).word
        lines.append(f"{one.name:<10}{word:<14}{cells[0]:>20}{cells[1]:>20}{right:>11}{family:>26}")
    checks = [one for one in record.observers if one.check is not None]
    for one in checks:
        check = one.check
        assert check is not None
        lines.append(
            f"reader of {one.name} on {plural(check.networks, 'unseen random network')}: edit error "
            f"{number(check.edit_error, 3)}, operators {percent(check.accuracy)} (majority "
            f"{percent(check.majority_accuracy)}, shuffled {percent(check.shuffled_accuracy)})"
        )
    if record.worth:
        lines.append(f"trained from scratch on {record.worth[0].task}:")
        lines += [f"  {sentence}" for sentence in worth_sentences(record)]
    return "\n".join(lines)


def render_peep_card(record: PeepRecord) -> str:
    """The same in Markdown."""
    rows = ["| observer | verdict | edit error | skeleton error | operators | candidates left | family |"]
    rows.append("|---|---|---|---|---|---|---|")
    for one in record.observers:
        seen = one.seen[0] if one.seen else None
        cells = (
            [
                _cell(edit_between(one)),
                _cell(skeleton_between(one)),
                percent(seen.accuracy),
                f"10^{seen.log_candidates:.1f} of 10^{one.log_all:.0f}",
            ]
            if seen is not None
            else ["-", "-", "-", "-"]
        )
        word = observer_verdict(one, record).word
        rows.append(f"| {one.name} | {word} | {' | '.join(cells)} | {one.family.names[0]} |")
    notes = [f"* {line}" for line in (*peep_warnings(record), *LIMITS)]
    head = [
        f"# What {record.model} betrays",
        "",
        f"{day(record.created)}, {record.machine}.",
        "",
        peep_headline(record),
    ]
    worth = [f"* {sentence}" for sentence in worth_sentences(record)]
    if worth:
        worth = ["", f"## What it is worth: trained from scratch on {record.worth[0].task}", "", *worth]
    return "\n".join([*head, "", *rows, *worth, "", "## How to read this", "", *notes, "", f"    {record.command}", ""])


def _cell(one: Between) -> str:
    return f"{number(one.mean, 3)} ({number(one.low, 2)}-{number(one.high, 2)})"
