"""Every attacker there is."""

from archlock.attacks.attack import Attack
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
