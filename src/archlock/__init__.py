"""ArchLock: neural architectures that are good at your task and hard to repurpose.

The names below are loaded when they are first used, so importing the package (and ``archlock --help``) is quick.

    import archlock
    result = archlock.lock(archlock.tasks.image_folder("path/to/images"), out="runs/mine")
    result.model, result.architecture, result.outcomes, result.report("report.html")
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archlock import reports, spaces, tasks
    from archlock.recipes import (
        AttackConfig,
        AttackResult,
        Budget,
        CompactConfig,
        CompactResult,
        ConcealConfig,
        ConcealResult,
        HardenConfig,
        HardenResult,
        Limits,
        LockConfig,
        LockResult,
        OpenedModel,
        PeepConfig,
        PeepResult,
        RobustnessConfig,
        RobustnessResult,
        load,
        open_model,
    )
    from archlock.recipes.attack.procedure import attack  # a type checker would take recipes.attack for the folder
    from archlock.recipes.compact.procedure import compact
    from archlock.recipes.conceal.procedure import conceal
    from archlock.recipes.harden.procedure import harden
    from archlock.recipes.lock.procedure import lock
    from archlock.recipes.peep.candidates import which_is_running
    from archlock.recipes.peep.procedure import peep
    from archlock.recipes.robustness.procedure import robustness

__version__ = "0.1.0"

_ROOMS = ("reports", "spaces", "tasks")
_RECIPES = (
    "AttackConfig",
    "AttackResult",
    "Budget",
    "CompactConfig",
    "CompactResult",
    "ConcealConfig",
    "ConcealResult",
    "HardenConfig",
    "HardenResult",
    "Limits",
    "LockConfig",
    "LockResult",
    "OpenedModel",
    "PeepConfig",
    "PeepResult",
    "RobustnessConfig",
    "RobustnessResult",
    "attack",
    "compact",
    "conceal",
    "harden",
    "load",
    "lock",
    "open_model",
    "peep",
    "robustness",
    "which_is_running",
)

__all__ = [
    "AttackConfig",
    "AttackResult",
    "Budget",
    "CompactConfig",
    "CompactResult",
    "ConcealConfig",
    "ConcealResult",
    "HardenConfig",
    "HardenResult",
    "Limits",
    "LockConfig",
    "LockResult",
    "OpenedModel",
    "PeepConfig",
    "PeepResult",
    "RobustnessConfig",
    "RobustnessResult",
    "__version__",
    "attack",
    "compact",
    "conceal",
    "harden",
    "load",
    "lock",
    "open_model",
    "peep",
    "reports",
    "robustness",
    "spaces",
    "tasks",
    "which_is_running",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"archlock.{name}")
    if name in _RECIPES:
        return getattr(importlib.import_module("archlock.recipes"), name)
    raise AttributeError(f"module 'archlock' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
