"""Who takes part in an evaluation: methods with a label, what they are made of, and what they may look up."""

from dataclasses import dataclass, field
from typing import Final, Literal

from archlock.errors import ConfigurationError
from archlock.recipes.evaluate.baselines.passive import PassiveFewShot
from archlock.recipes.evaluate.baselines.searching import SearchOnEvidence
from archlock.recipes.evaluate.method import RecordedMethod
from archlock.recipes.evaluate.methods import METHODS, Entry
from archlock.search import ABLATIONS, EpnasSettings
from archlock.tables import SCHEMES, Allowance, Scheme

LEARNING: Final = ("epnas", *ABLATIONS, "differential_evolution", "shgo")
"""Strategies that search trainings themselves unless a preference is named."""
BESIDE: Final = {"epnas": (*ABLATIONS, "random_sampling", "regularised_evolution")}
"""What is shown beside a strategy wherever it is shown, so that nobody takes for its merit what others do as well."""


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
    """Every method in every scheme. Without a method it is ours for the evidence (``lock`` or ``zero_cost``).

    A preference or a strategy stands for the ordinary few-shot method made of it. A strategy that learns (one of
    ``LEARNING``), named without a preference, searches the trainings themselves; ``epnas`` brings its ablations, random
    sampling and evolution along. An unknown scheme, or a budget that does not get beyond the warm-up of ``epnas``,
    raises ConfigurationError, an unknown name UnknownNameError.
    """
    wrong = [scheme for scheme in schemes if scheme not in SCHEMES]
    if wrong or not schemes:
        raise ConfigurationError(f"schemes are {', '.join(SCHEMES)}, separated by commas; got {', '.join(schemes)!r}")
    allowance = allowance or Allowance()
    contenders = []
    made = [(name, METHODS[name]) for name in methods]
    if preference or strategy:
        named = strategy or "exhaustive"
        direct = preference is None and named in LEARNING
        if direct:
            _check_warm_up(named, allowance)
        made += [
            _of_trainings(one) if direct else _of_scores(preference or "score_model", one)
            for one in (named, *BESIDE.get(named, ()))
        ]
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


def _of_trainings(strategy: str) -> tuple[str, Entry]:
    return f"trainings+{strategy}", Entry(SearchOnEvidence(strategy), "none", strategy, "few_shot")


def _of_scores(preference: str, strategy: str) -> tuple[str, Entry]:
    learned = PassiveFewShot(preference, strategy)
    return f"{preference}+{strategy}", Entry(learned, preference, strategy, "few_shot")


def _check_warm_up(strategy: str, allowance: Allowance) -> None:
    """ConfigurationError where ``epnas`` would foretell nothing."""
    warm_up = EpnasSettings().warm_up
    if strategy in BESIDE and allowance.trainings <= warm_up:
        raise ConfigurationError(
            f"{strategy} foretells nothing before it has seen {warm_up} trainings, and the budget has "
            f"{allowance.trainings}: allow more with --budget, or take --strategy regularised_evolution"
        )


def _label(name: str, scheme: str) -> str:
    return scheme if name == "lock" else f"{name} {scheme}"
