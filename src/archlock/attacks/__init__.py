"""Attacks: what somebody with a trained model and a target task can gain. Takes any ``nn.Module``."""

from archlock.attacks.attack import Adapted, Attack, Outcome, check_fits
from archlock.attacks.fine_tune import FineTune
from archlock.attacks.from_scratch import FromScratch
from archlock.attacks.linear_probe import LinearProbe
from archlock.attacks.lp_ft import LinearProbeThenFineTune
from archlock.attacks.setting import Setting
from archlock.catalog import Catalog

ATTACKS: Catalog[Attack] = Catalog(
    "attacker",
    {attack.name: attack for attack in (FromScratch(), LinearProbe(), FineTune(), LinearProbeThenFineTune())},
)

__all__ = ["ATTACKS", "Adapted", "Attack", "Outcome", "Setting", "check_fits"]
