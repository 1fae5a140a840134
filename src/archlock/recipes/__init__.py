"""Recipes: end-to-end procedures. The only room that knows all the others, and reads like the abstract of a paper."""

from archlock.recipes.attack.attacked import image_framing, is_run, takes_signals
from archlock.recipes.attack.config import AttackConfig
from archlock.recipes.attack.procedure import AttackResult, attack
from archlock.recipes.before_after import PairedAttacks
from archlock.recipes.budget import Budget
from archlock.recipes.compact.config import CompactConfig, parse_share
from archlock.recipes.compact.procedure import CompactResult, compact
from archlock.recipes.conceal.config import ConcealConfig, parse_slowdown
from archlock.recipes.conceal.procedure import ConcealResult, conceal
from archlock.recipes.cost.procedure import ModelCost, calibrate_machine, cost
from archlock.recipes.cost.wording import cost_lines
from archlock.recipes.edits.procedure import EditedModel, EditsFound, edit, list_edits
from archlock.recipes.edits.record import EditsRecord, edits_lines
from archlock.recipes.evaluate.comparing import METHODS_COMPARED, compared, comparison_text, has_published_figures
from archlock.recipes.evaluate.config import EvaluateConfig, parse_costs
from archlock.recipes.evaluate.contenders import Contender, chosen_contenders, parse_budget
from archlock.recipes.evaluate.methods import METHODS
from archlock.recipes.evaluate.procedure import EvaluationResult, evaluate
from archlock.recipes.harden.config import HardenConfig, parse_epsilon
from archlock.recipes.harden.procedure import HardenResult, harden
from archlock.recipes.limits.forecast import Calibration, Networks
from archlock.recipes.limits.parsing import parse_limits
from archlock.recipes.limits.record import Limits
from archlock.recipes.loading import load
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.demonstration import demo
from archlock.recipes.lock.lessons import refuse_recorded
from archlock.recipes.lock.procedure import LockResult, lock
from archlock.recipes.lock.texts import parse_floor
from archlock.recipes.measure.config import MeasureConfig
from archlock.recipes.measure.procedure import MeasureResult, measure, proxies_named
from archlock.recipes.measure.state import measure_state
from archlock.recipes.measure.training_evidence import TrainingConfig
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.own_task import source_of
from archlock.recipes.pages import rebuild
from archlock.recipes.peep.candidates import CandidatesResult, candidates_named, which_is_running
from archlock.recipes.peep.config import PeepConfig
from archlock.recipes.peep.procedure import PeepResult, peep
from archlock.recipes.proxy_evidence import ProxySettings
from archlock.recipes.release.config import ReleaseConfig
from archlock.recipes.release.procedure import FrictionResult, release_with_friction
from archlock.recipes.robustness.config import RobustnessConfig, parse_epsilons
from archlock.recipes.robustness.procedure import RobustnessResult, robustness
from archlock.recipes.transfer.config import TransferConfig
from archlock.recipes.transfer.procedure import TransferResult, transfer

__all__ = [
    "METHODS",
    "METHODS_COMPARED",
    "AttackConfig",
    "AttackResult",
    "Budget",
    "Calibration",
    "CandidatesResult",
    "CompactConfig",
    "CompactResult",
    "ConcealConfig",
    "ConcealResult",
    "Contender",
    "EditedModel",
    "EditsFound",
    "EditsRecord",
    "EvaluateConfig",
    "EvaluationResult",
    "FrictionResult",
    "HardenConfig",
    "HardenResult",
    "Limits",
    "LockConfig",
    "LockResult",
    "MeasureConfig",
    "MeasureResult",
    "ModelCost",
    "Networks",
    "OpenedModel",
    "PairedAttacks",
    "PeepConfig",
    "PeepResult",
    "ProxySettings",
    "ReleaseConfig",
    "RobustnessConfig",
    "RobustnessResult",
    "TrainingConfig",
    "TransferConfig",
    "TransferResult",
    "attack",
    "calibrate_machine",
    "candidates_named",
    "chosen_contenders",
    "compact",
    "compared",
    "comparison_text",
    "conceal",
    "cost",
    "cost_lines",
    "demo",
    "edit",
    "edits_lines",
    "evaluate",
    "harden",
    "has_published_figures",
    "image_framing",
    "is_run",
    "list_edits",
    "load",
    "lock",
    "measure",
    "measure_state",
    "open_model",
    "parse_budget",
    "parse_costs",
    "parse_epsilon",
    "parse_epsilons",
    "parse_floor",
    "parse_limits",
    "parse_share",
    "parse_slowdown",
    "peep",
    "proxies_named",
    "rebuild",
    "refuse_recorded",
    "release_with_friction",
    "robustness",
    "source_of",
    "takes_signals",
    "transfer",
    "which_is_running",
]
