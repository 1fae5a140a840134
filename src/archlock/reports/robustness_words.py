"""What a robustness evaluation comes to, in sentences and as lines for the terminal."""

from dataclasses import dataclass
from typing import Final

from archlock.reports.robustness import RobustnessRecord
from archlock.reports.shares import Share
from archlock.reports.wording import capital, duration, listed, number, percent, plural

LEVELS: Final = 255
_HALVES: Final = 5
"""Below so many grey levels halves are said."""
NORM_NAMES: Final = {"linf": "L infinity", "l2": "L2"}
UPPER: Final = (
    "Robust accuracy is an upper bound: another adversary, or the same with more time, may beat more images. It holds "
    "for changes within epsilon in this norm, and for no others (rotation, blur, another camera)."
)


@dataclass(frozen=True, slots=True)
class RobustnessVerdict:
    """The headline: one word, one sentence, and what speaks against taking it at its word."""

    word: str
    masked: bool
    sentence: str
    reasons: tuple[str, ...]


def robustness_verdict(record: RobustnessRecord) -> RobustnessVerdict:
    """What a reader should know first."""
    worst, last = record.robust(record.worst)[-1], epsilon_words(record.epsilons[-1], record)
    sentence = (
        f"The model is right about {share_words(record.clean)} of {plural(len(record.rows), 'test image')} as they "
        f"are, and about {share_words(worst)} when each is changed within {last} by the adversary that does worst."
    )
    if record.masked:
        reasons = tuple(f"{capital(sign.words)}." for sign in record.masked)
        return RobustnessVerdict("Masked gradients: the figures flatter the model", True, sentence, reasons)
    return RobustnessVerdict("No sign of masked gradients", False, sentence, ())


def robustness_warnings(record: RobustnessRecord) -> tuple[str, ...]:
    """What must be read before any number."""
    masked = [
        f"the model's gradients are masked, so its robust accuracy is an upper bound that flatters it ({sign.words})"
        for sign in record.masked
    ]
    return (*masked, *_no_better_than_one_answer(record), *record.notes)


def _no_better_than_one_answer(record: RobustnessRecord) -> list[str]:
    """What is said of a model that is right about no more images than one answer for all of them would be."""
    if record.clean.value > record.source.constant:
        return []
    return [
        f"on images as they are the model is right about {percent(record.clean.value)}, where one answer for all of "
        f"them is right about {percent(record.source.constant)}: are images normalised outside of the model, or are "
        "the classes in another order? Then no figure here means anything"
    ]


def robustness_lines(record: RobustnessRecord) -> str:
    """A table for the terminal: accuracy in percent, one row for each adversary and the worst case of each image."""
    names = [epsilon_words(epsilon, record) for epsilon in record.epsilons]
    width = max(len("worst case"), *(len(one.name) for one in record.adversaries)) + 2
    rows = [(one.name, record.robust(one.beaten)) for one in record.adversaries]
    rows.append(("worst case", record.robust(record.worst)))
    lines = [
        f"{record.model}: {share_words(record.clean)} of {len(record.rows)} test images of {record.source.name} as "
        f"they are ({NORM_NAMES[record.norm]})",
        "accuracy %".ljust(width) + "".join(f"{name:>22}" for name in names),
    ]
    lines += [name.ljust(width) + "".join(f"{_cell(share):>22}" for share in shares) for name, shares in rows]
    seconds = sum(one.seconds for one in record.adversaries)
    lines.append(f"adversaries worked for {duration(seconds)}; brackets: 95 % Wilson intervals")
    return "\n".join(lines)


def share_words(share: Share) -> str:
    """``91.0% (89.1 to 92.6)``."""
    return f"{percent(share.value)} ({number(100 * share.low)} to {number(100 * share.high)})"


def epsilon_words(epsilon: float, record: RobustnessRecord) -> str:
    """``8/255`` where it is that (also half a level, of few), else the number."""
    levels = epsilon * LEVELS
    nearest = round(2 * levels) / 2 if levels < _HALVES else round(levels)
    if record.norm == "linf" and nearest and abs(levels - nearest) < 1e-6:
        return f"{nearest:g}/{LEVELS}"
    return f"{epsilon:.4g}"


def effort_words(record: RobustnessRecord) -> str:
    """How hard they tried."""
    tried = {
        "pgd": f"pgd {plural(record.restarts, 'climb')} of {plural(record.steps, 'step')}",
        "apgd": f"apgd {plural(record.restarts, 'climb')} of {plural(record.steps, 'step')} on each of two losses",
        "square": f"square at most {plural(record.queries, 'query', 'queries')} an image",
    }
    return listed([tried.get(one.name, one.name) for one in record.adversaries])


def _cell(share: Share) -> str:
    return f"{number(100 * share.value)} ({number(100 * share.low)}-{number(100 * share.high)})"
