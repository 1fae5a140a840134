"""Who takes part in an evaluation: methods with a label, what they are made of, and what they may look up."""

from dataclasses import dataclass, field
from typing import Literal

from archlock.errors import ConfigurationError
from archlock.recipes.evaluate.baselines.passive import PassiveFewShot
from archlock.recipes.evaluate.method import RecordedMethod
from archlock.recipes.evaluate.methods import METHODS, Entry
from archlock.tables import SCHEMES, Allowance, Scheme


@dataclass(frozen=True, slots=True)
class Contender:
    """One method in one scheme."""

    label: str
    """Different for every contender of an evaluation."""
    scheme: Scheme
    preference: str
    strategy: str
    evidence: str
    allowance: Allowance
    method: RecordedMethod
    known_feasible: int = field(default=0, repr=False)
    """It is shown so many random architectures that keep the source floor, and chooses among them."""


def parse_budget(text: str) -> Allowance:
    """``150+40`` is 150 trainings and 40 finalists per task; ``150`` alone has no finalists."""
    try:
        trainings, _, finalists = text.partition("+")
        return Allowance(int(trainings), int(finalists or 0))
    except ValueError:
        raise ConfigurationError(
            f"a budget is written as trainings+finalists per task, for example 150+40; got {text!r}"
        ) from None


def chosen_contenders(
    schemes: tuple[str, ...],
    methods: tuple[str, ...] = (),
    *,
    evidence: Literal["few_shot", "zero_cost"] = "few_shot",
    allowance: Allowance | None = None,
    preference: str | None = None,
    strategy: str | None = None,
) -> tuple[Contender, ...]:
    """Every method in every scheme. Without a method it is ours for the evidence (``lock`` or ``zero_cost``); a
    preference or a strategy stands for the ordinary few-shot method made of it.

    An unknown scheme raises ConfigurationError, an unknown method UnknownNameError.
    """
    wrong = [scheme for scheme in schemes if scheme not in SCHEMES]
    if wrong or not schemes:
        raise ConfigurationError(f"schemes are {', '.join(SCHEMES)}, separated by commas; got {', '.join(schemes)!r}")
    allowance = allowance or Allowance()
    contenders = []
    made = [(name, METHODS[name]) for name in methods]
    if preference or strategy:
        learned = PassiveFewShot(preference or "score_model", strategy or "exhaustive")
        label = f"{learned.preference}+{learned.strategy}"
        made.append((label, Entry(learned, learned.preference, learned.strategy, "few_shot")))
    elif not methods:
        name = {"few_shot": "lock", "zero_cost": "zero_cost"}[evidence]
        made.append((name, METHODS[name]))
    for name, entry in made:
        paid = Allowance(0, allowance.finalists) if entry.evidence == "zero_cost" else allowance
        contenders += [
            Contender(
                _label(name, scheme),
                scheme,
                entry.preference,
                entry.strategy,
                entry.evidence,
                paid,
                entry.method,
                entry.known_feasible,
            )
            for scheme in SCHEMES
            if scheme in schemes and scheme in entry.schemes
        ]
    return tuple(contenders)


def _label(name: str, scheme: str) -> str:
    return scheme if name == "lock" else f"{name} {scheme}"
