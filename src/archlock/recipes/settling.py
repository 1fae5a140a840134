"""What a store knows decides: measured again, a known value stands, and where the new one differs that is said."""

import re
from collections.abc import Iterable
from typing import Final, get_args

from archlock.evidence import RECIPE_VERSIONS, EvidenceStore, Key, Measurement, Recipe
from archlock.execution import torch_version
from archlock.progress import Progress
from archlock.recipes.model_identity import BY_PRINT

_NAME: Final = re.compile(rf"(?P<recipe>{'|'.join(get_args(Recipe))})-(v(?P<version>\d+)-)?(torch(?P<torch>[\d.]+)-)?")


def settle(store: EvidenceStore, found: Iterable[Measurement], progress: Progress) -> dict[Key, Measurement]:
    """Write what was measured, and answer what counts from now on: what the store holds under these keys.

    A value is measured again when its model is needed and its weights are gone, or when two runs share a store. What
    differs then is said in one line.
    """
    given = tuple(found)
    counted = store.settle(given)
    differing = [pair for pair in zip(given, counted, strict=True) if _in_words(pair[0]) != _in_words(pair[1])]
    if differing:
        new, old = differing[0]
        others = f" (and {len(differing) - 1} more like that)" if len(differing) > 1 else ""
        progress.say(
            f"warning: {new.key.measure} of {new.key.architecture} (seed {new.key.seed}) was measured again as "
            f"{_in_words(new)}, but {store.path} has {_in_words(old)}, which counts{others}. Another machine or "
            "library rounds in another way; if they differ by much, take another store"
        )
    return {measurement.key: measurement for measurement in counted}


def say_what_is_outdated(store: EvidenceStore, progress: Progress) -> None:
    """One line if the store has values that are never found again: of earlier recipes, or of another torch.

    And one for those of foreign models whose identity did not hold what they compute.
    """
    count = sum(number for name, number in store.fidelities().items() if is_outdated(name))
    if count:
        progress.say(
            f"{store.path} holds {count:,} measurements of an earlier recipe or another version of torch; they are "
            "kept and not used"
        )
    foreign = store.count_of(BY_PRINT)
    if foreign:
        progress.say(
            f"{store.path} holds {foreign:,} measurements of foreign models that an earlier version knew by how they "
            "print and not by what they answer, so they may be of another model; they are kept and not used, and "
            "attacks on such models are done again"
        )


def is_outdated(fidelity: str) -> bool:
    """Whether a fidelity is of a recipe of ours as it is no longer computed here; others' fidelities are not judged."""
    name = _NAME.match(fidelity)
    if name is None:
        return False
    current = {str(version) for recipe, version in RECIPE_VERSIONS.items() if recipe == name["recipe"]}
    return name["version"] not in current or name["torch"] not in (None, torch_version())


def _in_words(measurement: Measurement) -> str:
    """The value to six digits (rounding beyond that is no news), or why there is none."""
    return f"{measurement.value:.6g}" if measurement.status == "valid" else measurement.status
