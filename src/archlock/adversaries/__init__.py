"""Adversaries: who perturbs the images of a trained model, within an epsilon. Takes any ``nn.Module``.

They are not attackers, who repurpose a model by training it.
"""

from archlock.adversaries.adversary import Adversary, Effort, Given, in_evaluation
from archlock.adversaries.apgd import checkpoints
from archlock.adversaries.ball import LEVELS, NORMS, Ball, Norm, check_epsilon
from archlock.adversaries.beating import ALREADY, first_beaten, wrong_about
from archlock.adversaries.looking import Look, look_at
from archlock.adversaries.losses import difference_of_logits_ratio, margins
from archlock.adversaries.masking import SILENT, Sign, signs_of_masking
from archlock.adversaries.members import ADVERSARIES
from archlock.adversaries.near import worst_near

__all__ = [
    "ADVERSARIES",
    "ALREADY",
    "LEVELS",
    "NORMS",
    "SILENT",
    "Adversary",
    "Ball",
    "Effort",
    "Given",
    "Look",
    "Norm",
    "Sign",
    "check_epsilon",
    "checkpoints",
    "difference_of_logits_ratio",
    "first_beaten",
    "in_evaluation",
    "look_at",
    "margins",
    "signs_of_masking",
    "worst_near",
    "wrong_about",
]
