"""Attacks: what somebody with a trained model and a target task can gain. Takes any ``nn.Module``."""

from archlock.attacks.attack import Adapted, Attack, Outcome, check_fits
from archlock.attacks.best_layer_probe import BestLayerProbe
from archlock.attacks.cut_at import CutAt
from archlock.attacks.direct import Direct
from archlock.attacks.direct_head import DirectHead
from archlock.attacks.distilled import Distilled
from archlock.attacks.fine_tune import FineTune
from archlock.attacks.from_scratch import FromScratch
from archlock.attacks.last_stages import LastStages
from archlock.attacks.linear_probe import LinearProbe
from archlock.attacks.lp_ft import LinearProbeThenFineTune
from archlock.attacks.ordinary import OrdinaryNetwork
from archlock.attacks.pruned import Pruned
from archlock.attacks.regrown import Regrown
from archlock.attacks.renormalised import Renormalised
from archlock.attacks.ridge import RidgeProbe
from archlock.attacks.setting import Setting
from archlock.attacks.surgery import Surgery
from archlock.attacks.whitened import WhitenedProbe
from archlock.catalog import Catalog

ATTACKS: Catalog[Attack] = Catalog(
    "attacker",
    {
        attack.name: attack
        for attack in (
            FromScratch(),
            LinearProbe(),
            FineTune(),
            LinearProbeThenFineTune(),
            Direct(),
            DirectHead(),
            LastStages(),
            Pruned(),
            Distilled(),
            Surgery(),
            RidgeProbe(),
            WhitenedProbe(),
            BestLayerProbe(),
            CutAt(),
            Renormalised(),
            Regrown(),
            OrdinaryNetwork(),
        )
    },
)

PANEL = ("from_scratch", "linear_probe", "fine_tune", "lp_ft")
"""Who attacks unless others are named: cheap ones of every kind. The rest cost one to six times a fine-tuning each."""

__all__ = ["ATTACKS", "PANEL", "Adapted", "Attack", "Outcome", "Setting", "check_fits"]
