"""Recipes: end-to-end procedures. The only room that knows all the others, and reads like the abstract of a paper."""

from archlock.recipes.attacking import AttackConfig, AttackResult, attack
from archlock.recipes.budget import Budget
from archlock.recipes.config import LockConfig, parse_floor
from archlock.recipes.demonstration import demo
from archlock.recipes.export import load
from archlock.recipes.locking import LockResult, lock
from archlock.recipes.pages import rebuild

__all__ = [
    "AttackConfig",
    "AttackResult",
    "Budget",
    "LockConfig",
    "LockResult",
    "attack",
    "demo",
    "load",
    "lock",
    "parse_floor",
    "rebuild",
]
