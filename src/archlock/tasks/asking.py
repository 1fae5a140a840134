"""What ``archlock tasks make`` is asked for, as the one text that names such data everywhere."""

from collections.abc import Mapping

from archlock.errors import ConfigurationError
from archlock.tasks.generated import RECIPES
from archlock.tasks.generated.suite import NASBENCH360
from archlock.tasks.sources.source_texts import SourceText

SIZES = {"darcy": "", "spherical": "side", "letters": "side"}
"""The option that a size is; empty: it is what stands behind the colon."""


def made_text(name: str, data: str | None, given: Mapping[str, str]) -> str:
    """``darcy:43?train=400`` of the name, the data it is made of, and ``size``, ``train`` ... as they were given.

    The name may have what stands behind its colon, as in ``letters:7``.
    ConfigurationError for a name that nothing is made of, data or options that are missing or too many.
    """
    name, colon, behind = name.partition(":")
    if name in NASBENCH360 and name not in RECIPES:
        task = NASBENCH360[name]
        stand_in = f"; instead, and not the same: {task.stand_in}" if task.stand_in else ""
        raise ConfigurationError(
            f"{name} is not made here: {task.reason}{stand_in} (archlock tasks show {name} says how its own files are "
            "read, if they are)"
        )
    recipe, options = RECIPES[name], dict(given)
    if recipe.based != (data is not None):
        wrong = (
            "is made of other data: name them with --from" if recipe.based else "is made of nothing: leave out --from"
        )
        raise ConfigurationError(f"{name} {wrong}")
    argument, base = behind if colon else recipe.usual, dict[str, str]()
    if data is not None:
        based = SourceText.parsed(data)
        argument, base = based.place, dict(based.options)
    if "size" in options and name in SIZES:
        size = options.pop("size")
        if SIZES[name]:
            options[SIZES[name]] = size
        else:
            argument = size
    for option in options:
        if option not in recipe.options:
            raise ConfigurationError(f"{name} takes no --{option}; see archlock tasks list")
    return SourceText(f"{name}:{argument}", base | options).text
