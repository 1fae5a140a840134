"""Whether a locked network is easier to recognise than an ordinary one, in sentences."""

from archlock.reports.leak_parts import LeakSeen
from archlock.reports.peep import between_recordings
from archlock.reports.peep_words import REPEATS
from archlock.reports.record import LockRecord
from archlock.reports.wording import percent


def leak_sentences(record: LockRecord) -> tuple[str, ...]:
    """One for each observer; none where nobody asked."""
    if record.leak is None:
        return ()
    same = record.locked.code == record.source_only.code
    return tuple(_sentence(one, same=same) for one in record.leak.observers)


def leak_said(record: LockRecord) -> str:
    """All of it, as a paragraph; empty where nobody asked."""
    said = leak_sentences(record)
    return f"Recognised by its execution: {' '.join(said)} These are two networks, not two kinds." if said else ""


def leak_comparison(one: LeakSeen) -> str:
    """The locked network is *easier to read*, *harder to read*, or *read as well* (*not judged*: busy machine)."""
    if one.repeatability is not None and one.repeatability < REPEATS:
        return "not judged"
    locked, ordinary = between_recordings(one.locked), between_recordings(one.source_only)
    if locked.high < ordinary.low:
        return "easier to read"
    return "harder to read" if locked.low > ordinary.high else "read as well"


def _sentence(one: LeakSeen, *, same: bool) -> str:
    errors = [between_recordings(values) for values in (one.locked, one.source_only)]
    locked, ordinary = (f"{percent(e.mean)} ({percent(e.low)} to {percent(e.high)})" for e in errors)
    if same:
        return f"{one.observer} reads {locked} of the skeleton wrongly; the ordinary search found the same network."
    word = leak_comparison(one)
    judged = "the machine was busy, so this is not judged" if word == "not judged" else f"it is {word}"
    return (
        f"{one.observer} reads {locked} of the skeleton of the locked network wrongly, {ordinary} of the source-only "
        f"one, {percent(one.unseen)} of random networks: {judged}."
    )
