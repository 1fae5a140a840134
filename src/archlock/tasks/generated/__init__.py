"""Tasks that are made and not read: one line for each recipe."""

from typing import Final

from archlock.catalog import Catalog
from archlock.tasks.generated.darcy import Darcy
from archlock.tasks.generated.letters import Letters
from archlock.tasks.generated.mixtures import Mixtures
from archlock.tasks.generated.recipe import Recipe
from archlock.tasks.generated.spherical import Spherical

RECIPES: Final[Catalog[Recipe]] = Catalog(
    "recipe", {recipe.name: recipe for recipe in (Darcy(), Spherical(), Mixtures(), Letters())}
)
