"""Every adversary there is, from the quickest to the slowest."""

from archlock.adversaries.adversary import Adversary
from archlock.adversaries.apgd import AutoProjectedGradientDescent
from archlock.adversaries.fgsm import FastGradientSign
from archlock.adversaries.pgd import ProjectedGradientDescent
from archlock.adversaries.square import SquareSearch
from archlock.catalog import Catalog

ADVERSARIES: Catalog[Adversary] = Catalog(
    "adversary",
    {
        adversary.name: adversary
        for adversary in (
            FastGradientSign(),
            ProjectedGradientDescent(),
            AutoProjectedGradientDescent(),
            SquareSearch(),
        )
    },
)
