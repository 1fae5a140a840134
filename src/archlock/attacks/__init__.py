"""Attacks: what somebody with a trained model and a target task can gain. Takes any ``nn.Module``."""

from archlock.attacks.attack import Attack, Outcome, check_fits
from archlock.attacks.members import ATTACKS
from archlock.attacks.panels import DEFAULT, NAIVE, PANEL_NAMES, WITHOUT, Panel, panel_named
from archlock.attacks.setting import Setting
from archlock.attacks.sweeping import lengths
from archlock.attacks.trial import Adapted, Trial, training_from, training_from_head

__all__ = [
    "ATTACKS",
    "DEFAULT",
    "NAIVE",
    "PANEL_NAMES",
    "WITHOUT",
    "Adapted",
    "Attack",
    "Outcome",
    "Panel",
    "Setting",
    "Trial",
    "check_fits",
    "lengths",
    "panel_named",
    "training_from",
    "training_from_head",
]
