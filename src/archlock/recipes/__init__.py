"""Recipes: end-to-end procedures. The only room that knows all the others, and reads like the abstract of a paper."""

from archlock.recipes.attacking import AttackConfig, AttackResult, attack
from archlock.recipes.budget import Budget
from archlock.recipes.config import LockConfig, parse_floor
from archlock.recipes.demonstration import demo
from archlock.recipes.export import load
from archlock.recipes.locking import LockResult, lock
from archlock.recipes.measuring import MeasureConfig, MeasureResult, measure, proxies_named
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.pages import rebuild
from archlock.recipes.proxy_evidence import ProxySettings
from archlock.recipes.recorded.catalog import METHODS
from archlock.recipes.recorded.comparing import METHODS_COMPARED, compared, comparison_text, has_published_figures
from archlock.recipes.recorded.contenders import Contender, chosen_contenders, parse_budget
from archlock.recipes.recorded.evaluating import EvaluateConfig, EvaluationResult, evaluate
from archlock.recipes.subjects import is_run
from archlock.recipes.training_evidence import TrainingConfig
from archlock.recipes.transfer_work import TransferConfig
from archlock.recipes.transferring import TransferResult, transfer

__all__ = [
    "METHODS",
    "METHODS_COMPARED",
    "AttackConfig",
    "AttackResult",
    "Budget",
    "Contender",
    "EvaluateConfig",
    "EvaluationResult",
    "LockConfig",
    "LockResult",
    "MeasureConfig",
    "MeasureResult",
    "OpenedModel",
    "ProxySettings",
    "TrainingConfig",
    "TransferConfig",
    "TransferResult",
    "attack",
    "chosen_contenders",
    "compared",
    "comparison_text",
    "demo",
    "evaluate",
    "has_published_figures",
    "is_run",
    "load",
    "lock",
    "measure",
    "open_model",
    "parse_budget",
    "parse_floor",
    "proxies_named",
    "rebuild",
    "transfer",
]
