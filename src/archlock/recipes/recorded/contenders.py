"""Who takes part in an evaluation: methods with a label, what they are made of, and what they may look up."""

from dataclasses import dataclass

from archlock.errors import ConfigurationError
from archlock.recipes.recorded.method import RecordedMethod
from archlock.tables import Allowance, Scheme


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


def parse_budget(text: str) -> Allowance:
    """``150+40`` is 150 trainings and 40 finalists per task; ``150`` alone has no finalists."""
    try:
        trainings, _, finalists = text.partition("+")
        return Allowance(int(trainings), int(finalists or 0))
    except ValueError:
        raise ConfigurationError(
            f"a budget is written as trainings+finalists per task, for example 150+40; got {text!r}"
        ) from None
