"""What a hardening comes to, in sentences and as lines for the terminal; what the paper claims, and what is seen here.

Nothing is promised. Each claim is held against the figures of the run, and where one run cannot say, that is said.
"""

from dataclasses import dataclass
from typing import Final, Literal

from archlock.reports.amounts import bytes_in_words
from archlock.reports.before_after import before_after_lines, before_after_sentences
from archlock.reports.hardening import HardeningRecord, ImmunityRecord
from archlock.reports.robustness_words import NORM_NAMES, epsilon_words, share_words
from archlock.reports.statistics import Estimate
from archlock.reports.wording import interval, number, percent, plural

Finding = Literal["borne out", "not borne out", "cannot be said"]
NOT_ATTACKED: Final = (
    "Nothing was attacked: no target was given. Robust models are known to transfer better (Salman et al. 2020), so "
    "hardening may open a lock; --target measures it."
)
MASKS: Final = (
    "Zeros in the weights make neither the file nor an answer cheaper by themselves: the sizes and times here are "
    "measured, of the model as it is written."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of TSCNC, and what this run says of it."""

    claim: str
    finding: Finding
    words: str


def claims(record: HardeningRecord) -> tuple[Claim, ...]:
    """What the paper claims, beside our figures."""
    return (_of_bound(record), _of_conditions(record), _of_constraint(record), _of_robustness())


def hardening_sentence(record: HardeningRecord) -> str:
    """What a reader should know first: what adversaries left before and leave now, and what it cost."""
    place = _trained_at(record)
    epsilon = epsilon_words(record.after.epsilons[place], record.after)
    before, after = (one.robust(one.worst)[place] for one in (record.before, record.after))
    change, clean = record.robust_changes()[place], record.clean_change
    return (
        f"Within {epsilon} the model is right about {share_words(after)} of "
        f"{plural(len(record.after.rows), 'test image')} where it was right about {share_words(before)}: "
        f"{_points(change)}. On images as they are it is right about "
        f"{share_words(record.after.clean)} where it was about {share_words(record.before.clean)}: {_points(clean)}."
    )


def hardening_verdict(record: HardeningRecord) -> str:
    """One phrase."""
    change = record.robust_changes()[_trained_at(record)]
    if record.after.masked:
        return "Masked gradients: the figures flatter the model"
    if record.before.masked:
        return "Masked gradients before: what was there is flattered, and no change can be told"
    if change.low is not None and change.low > 0:
        return "More robust than before"
    if change.high is not None and change.high < 0:
        return "Less robust than before"
    return "No difference in robustness that chance does not explain"


def hardening_warnings(record: HardeningRecord) -> tuple[str, ...]:
    """What must be read before any number."""
    masked = [
        f"{name} gradients are masked ({sign.words})"
        for name, one in (("the hardened model's", record.after), ("the given model's", record.before))
        for sign in one.masked
    ]
    lost = record.clean_change
    costly = [f"accuracy on images as they are fell by {number(-100 * lost.mean)} points"] if lost.mean < -0.05 else []
    busy = [f"latencies: {one.busy}" for one in record.sizes if one.busy][:1]
    return (*masked, *costly, *record.notes, *busy, *([] if record.attacks else [NOT_ATTACKED]))


def hardening_lines(record: HardeningRecord) -> str:
    """For the terminal."""
    after = record.after
    names = ["as they are", *(epsilon_words(epsilon, after) for epsilon in after.epsilons)]
    rows = [(name, [one.clean, *one.robust(one.worst)]) for name, one in (("before", record.before), ("after", after))]
    lines = [
        f"{record.model}: {hardening_verdict(record)}",
        hardening_sentence(record),
        f"accuracy %, worst case of each image ({NORM_NAMES[record.norm]})",
        " " * 8 + "".join(f"{name:>22}" for name in names),
    ]
    for name, shares in rows:
        cells = [f"{number(100 * s.value)} ({number(100 * s.low)}-{number(100 * s.high)})" for s in shares]
        lines.append(name.ljust(8) + "".join(f"{cell:>22}" for cell in cells))
    lines += [f"zeros: {percent(record.zeros)} of the weights; {sizes_sentence(record)}"]
    lines += [f"{one.finding}: {one.claim}: {one.words}" for one in claims(record)]
    if record.immunity is not None:
        lines += immunity_sentences(record)
    if record.attacks is not None:
        lines += [*before_after_sentences(record.attacks), before_after_lines(record.attacks)]
    return "\n".join(lines)


def sizes_sentence(record: HardeningRecord) -> str:
    """What the zeros are worth in bytes and time, measured."""
    before, after = record.sizes
    return (
        f"file {bytes_in_words(before.file_bytes)} before and {bytes_in_words(after.file_bytes)} after, compressed "
        f"{bytes_in_words(before.deflated_bytes)} and {bytes_in_words(after.deflated_bytes)}; one image takes "
        f"{before.latency_ms:.3g} ms before and {after.latency_ms:.3g} ms after"
    )


def immunity_sentences(record: HardeningRecord) -> list[str]:
    """What immunisation did to condition numbers, and what heads get that do not know them."""
    found = record.immunity
    if found is None:
        return []
    probes = ", ".join(f"{name} {percent(b)} -> {percent(a)}" for name, (b, a) in found.probes.items())
    return [
        f"Immunised against {found.target}: condition number of its features {found.other_condition[0]:.3g} -> "
        f"{found.other_condition[1]:.3g}, of the own ones {found.own_condition[0]:.3g} -> "
        f"{found.own_condition[1]:.3g}{_ratio_words(found)}.",
        f"Heads on its frozen features, before and after: {probes}. Whoever solves for a head in closed form, or "
        "whitens the features first, does not notice a condition number; that is no lock.",
    ]


def _ratio_words(found: ImmunityRecord) -> str:
    """The published ratio where it means something, beside the best that there could be."""
    changed = [
        f"the rank of {name} went from {before} to {after} of {found.width} features"
        for name, (before, after) in (("the target's", found.other_rank), ("the own ones", found.own_rank))
        if before != after
    ]
    if changed:
        return f"; {' and '.join(changed)}, so these are of what is left, and their ratio would say nothing"
    best = "singular features have none" if found.best_ratio is None else f"{found.best_ratio:.3g}"
    return f", a ratio of {found.ratio:.3g} (the best of any linear map of the features given: {best})"


def _trained_at(record: HardeningRecord) -> int:
    """Place of the epsilon that the model was trained against."""
    distances = [abs(epsilon - record.epsilon) for epsilon in record.after.epsilons]
    return distances.index(min(distances))


def _of_bound(record: HardeningRecord) -> Claim:
    claim = "making a network sparse lowers the bound of its Lipschitz constant"
    _, dense, after = record.smoothness
    if not record.sparsity:
        return Claim(claim, "cannot be said", "nothing was pruned")
    local = (
        f"the largest constant measured at an image went from {dense.largest_local:.3g} to {after.largest_local:.3g}"
    )
    if dense.bound is None or after.bound is None:
        return Claim(claim, "cannot be said", f"there is no bound for this network ({after.note}); {local}")
    words = (
        f"from the dense to the sparse model the bound went from {dense.bound:.3g} to {after.bound:.3g}, and {local}"
    )
    return Claim(claim, "borne out" if after.bound < dense.bound else "not borne out", words)


def _of_conditions(record: HardeningRecord) -> Claim:
    claim = "making a network sparse makes its layers ill-conditioned"
    dense, after = record.median_condition("dense"), record.median_condition("after")
    if dense is None or after is None or not record.sparsity:
        return Claim(claim, "cannot be said", "nothing was pruned, or no layer has a condition number")
    words = (
        f"from the dense to the sparse model the median condition number went from {dense:.3g} to {after:.3g}, layers "
        f"short of rank from {record.short('dense')} to {record.short('after')}, dead filters from "
        f"{record.dead('dense')} to {record.dead('after')}"
    )
    worse = after > dense or record.short("after") > record.short("dense")
    return Claim(claim, "borne out" if worse else "not borne out", words)


def _of_constraint(record: HardeningRecord) -> Claim:
    claim = "the condition-number constraint lowers condition numbers"
    before, after = record.median_condition("before"), record.median_condition("after")
    if not record.condition or before is None or after is None:
        return Claim(claim, "cannot be said", "the constraint was off, or no layer has a condition number")
    words = (
        f"the median went from {before:.3g} to {after:.3g}; pruning and training move it too, so only the same command "
        "with --condition 0 says what the constraint did"
    )
    return Claim(claim, "cannot be said", words)


def _of_robustness() -> Claim:
    words = (
        "training against an adversary raises it; whether the constraints add anything, one run cannot say, only the "
        "same command with --condition 0, over seeds (a small trial lowered condition numbers and gained nothing)"
    )
    return Claim("the constraints raise robust accuracy", "cannot be said", words)


def _points(found: Estimate) -> str:
    sign = "+" if found.mean > 0 else ""
    bounds = f" (95% interval {interval(found)})" if found.has_interval else ""
    return f"{sign}{number(100 * found.mean)} points{bounds}"
