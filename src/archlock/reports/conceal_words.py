"""What a concealment comes to, in sentences, as lines for the terminal and as a card."""

from collections import Counter
from typing import Final

from archlock.reports.conceal import ConcealRecord, HiddenFrom, ReadRecord
from archlock.reports.peep import Between, between_recordings
from archlock.reports.wording import day, number, percent, plural

LEARNED: Final = 0.8
"""Share of what it was taught by below which a reader of trees has not learned."""
CONCEAL_LIMITS: Final = (
    "The figure that counts is that of the reader who knows: it was taught on random networks that were disguised by "
    "the same policy and recorded anew. The naive reader, by whom such defences are usually judged, is shown beside "
    "it and means nothing alone.",
    "The reader who knows the policy does not know the dice. Somebody who learns to undo disguises from whole "
    "sequences, as NeuroUnlock does, or who averages over many models of the owner, may read more.",
    "Skeleton errors leave out normalisation, scaling, copies and decoys on both sides: 0 is all of the true "
    "architecture.",
    "The time is that of one image on this machine with one thread, both models in turn. Another machine, library or "
    "batch has another ratio. The budget is against the model as it was given, before its normalisations were folded.",
    "What disguises add are ordinary weights: whoever is given the file sees them, and training goes on from zeros and "
    "identities that do not stay what they are.",
    "What the visible architecture is worth to a thief who trains it (ObfuNAS's term) is looked at on request, by one "
    "short training each; archlock peep with --source measures what is read.",
)
COLUMNS: Final = ("nothing done", "naive reader", "reader who knows")


def conceal_headline(record: ConcealRecord) -> str:
    """One sentence: what the reader who knows still gets wrong, and at what price."""
    said = [
        f"{percent(_mean(one.taught))} of the skeleton by {one.name} (nothing done {percent(_mean(one.before))})"
        for one in record.observers
    ]
    return (
        f"{record.model} at {number(record.speed.ratio, 2)} times its latency (budget "
        f"{number(record.speed.budget, 2)}): a reader who knows the disguise reads wrongly {'; '.join(said)}."
    )


def conceal_verdict(one: HiddenFrom) -> str:
    """Whether disguise helps against one observer who knows."""
    before, after = _between(one.before), _between(one.taught)
    if after.low > before.high:
        return "harder to read"
    if after.high < before.low:
        return "easier to read"
    return "no difference"


def conceal_rows(record: ConcealRecord) -> list[tuple[str, list[str]]]:
    """Of each observer the skeleton errors, with intervals over recordings, and those of unseen random networks."""
    return [
        (
            one.name + (" (simulated)" if one.simulated else ""),
            [
                *(error_words(_between(read)) for read in (one.before, one.naive, one.taught)),
                " / ".join(number(read.unseen, 3) for read in (one.before, one.naive, one.taught)),
                conceal_verdict(one),
            ],
        )
        for one in record.observers
    ]


def error_words(one: Between) -> str:
    """``0.034 (0.03 to 0.05)``."""
    return f"{number(one.mean, 3)} ({number(one.low, 2)} to {number(one.high, 2)})"


def plan_words(record: ConcealRecord) -> str:
    """How often each manoeuvre was taken."""
    counts = Counter(trick.manoeuvre for one in record.plan for trick in one.tricks)
    said = ", ".join(f"{name} {count}x" for name, count in counts.items()) or "nothing else"
    return (
        f"{plural(record.folded, 'normalisation')} folded; {len(record.plan)} of "
        f"{plural(record.convolutions, 'convolution')} disguised: {said}"
    )


def conceal_warnings(record: ConcealRecord) -> tuple[str, ...]:
    """What must be read before any number."""
    learned = [
        f"the {words} of {one.name} reads only {percent(read.training_accuracy)} of what it was taught by: it has not "
        "learned, and its figures flatter the disguise"
        for one in record.observers
        for words, read in (("naive reader", one.naive), ("reader who knows", one.taught))
        if read.training_accuracy < LEARNED and record.reader == "windowed_trees"
    ]
    simulated = [
        f"what {one.name} sees of memory is simulated: every allocation a block of the largest size (arena); nothing "
        "of the kind is in the file that was written"
        for one in record.observers
        if one.simulated
    ]
    return (*learned, *simulated, *record.notes)


def conceal_lines(record: ConcealRecord) -> str:
    """A table for the terminal, one row for each observer."""
    heads = (*COLUMNS, "unseen networks", "verdict")
    lines = [
        conceal_headline(record),
        plan_words(record),
        f"{'skeleton error':<20}" + "".join(f"{h:>24}" for h in heads),
    ]
    for name, cells in conceal_rows(record):
        lines.append(f"{name:<20}" + "".join(f"{cell:>24}" for cell in cells))
    lines += [line for line in (same_words(record), visible_words(record)) if line]
    return "\n".join(lines)


def same_words(record: ConcealRecord) -> str:
    """That the function is the same."""
    return (
        f"answers differ by at most {record.difference:.1e} of the largest on {record.images} images "
        f"({record.images_from}); {record.parameters[0]:,} numbers became {record.parameters[1]:,}"
    )


def visible_words(record: ConcealRecord) -> str:
    """What visible architectures learn, beside the true one; empty where none was trained."""
    if not record.visible:
        return ""
    true, *others = ("diverged" if one.score is None else percent(one.score) for one in record.visible)
    return (
        f"trained shortly from scratch the true architecture reaches {true}, what is visible of the best disguises "
        f"{', '.join(others)}; the one that learns least was taken (one training each: a hint)"
    )


def render_conceal_card(record: ConcealRecord) -> str:
    """The same in Markdown."""
    heads = ["observer", *COLUMNS, "unseen random networks", "verdict"]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    rows += [f"| {name} | {' | '.join(cells)} |" for name, cells in conceal_rows(record)]
    notes = [f"* {line}" for line in (*conceal_warnings(record), *CONCEAL_LIMITS)]
    head = [f"# {record.model}, hidden", "", f"{day(record.created)}, {record.machine}.", "", conceal_headline(record)]
    body = [
        "",
        f"{plan_words(record)}; {same_words(record)}.",
        visible_words(record),
        "",
        "Skeleton errors:",
        "",
        *rows,
    ]
    return "\n".join([*head, *body, "", "## How to read this", "", *notes, "", f"    {record.command}", ""])


def _between(read: ReadRecord) -> Between:
    return between_recordings(read.skeleton_errors)


def _mean(read: ReadRecord) -> float:
    return _between(read).mean
