"""Zero-cost proxies: numbers read off an untrained model and one or two batches. Takes any ``nn.Module``."""

from collections.abc import Sequence
from typing import Final

from torch import nn

from archlock.catalog import Catalog
from archlock.proxies.epe_nas import EpeNas
from archlock.proxies.fisher import Fisher
from archlock.proxies.flops import Flops
from archlock.proxies.grad_norm import GradNorm
from archlock.proxies.grad_sign import GradSign
from archlock.proxies.grasp import Grasp
from archlock.proxies.jacov import Jacov
from archlock.proxies.l2_norm import L2Norm
from archlock.proxies.linear_regions import LinearRegions
from archlock.proxies.meco import Meco
from archlock.proxies.nn_degree import NnDegree
from archlock.proxies.nn_mass import NnMass
from archlock.proxies.ntk_condition import NtkCondition
from archlock.proxies.nwot import Nwot
from archlock.proxies.params import Params
from archlock.proxies.plain import Plain
from archlock.proxies.proxy import Cost, Proxy
from archlock.proxies.snip import Snip
from archlock.proxies.swap import Swap
from archlock.proxies.synflow import Synflow
from archlock.proxies.together import ProxyValue, measure_together
from archlock.proxies.zen import Zen
from archlock.proxies.zico import Zico, ZicoReleased
from archlock.training import Batch

__all__ = [
    "PROXIES",
    "PUBLISHED_SEVEN",
    "Cost",
    "Proxy",
    "ProxyValue",
    "measure_all",
    "measure_together",
]

PROXIES: Final[Catalog[Proxy]] = Catalog(
    "proxy",
    {
        "params": Params(),
        "flops": Flops(),
        "l2_norm": L2Norm(),
        "grad_norm": GradNorm(),
        "plain": Plain(),
        "snip": Snip(),
        "grasp": Grasp(),
        "synflow": Synflow(),
        "fisher": Fisher(),
        "jacov": Jacov(),
        "nwot": Nwot(),
        "zen": Zen(),
        "zico": Zico(),
        "zico_released": ZicoReleased(),
        "epe_nas": EpeNas(),
        "grad_sign": GradSign(),
        "nn_degree": NnDegree(),
        "nn_mass": NnMass(),
        "swap": Swap(),
        "ntk_condition": NtkCondition(),
        "meco": Meco(),
        "linear_regions": LinearRegions(),
    },
)
"""Every proxy there is, by name."""

PUBLISHED_SEVEN: Final = ("fisher", "flops", "grad_norm", "grasp", "jacov", "nwot", "snip")
"""The proxies whose majority vote labels the published binary predictor (Zhou, Ren, Xu, ICLR 2024)."""


def measure_all(
    model: nn.Module, batches: Sequence[Batch], names: Sequence[str], *, seed: int
) -> dict[str, ProxyValue]:
    """:func:`measure_together` for proxies given by name; an unknown name raises UnknownNameError."""
    return measure_together(model, batches, [PROXIES[name] for name in names], seed=seed)
