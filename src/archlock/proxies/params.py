"""Number of parameters: the simplest baseline, and a strong one on most benchmarks."""

from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench


class Params(Proxy):
    """Elements of all parameters (weights, biases, normalisation), a shared one once. Does not look at connections."""

    name = "params"
    paper = "-"
    unit = "parameters"
    cost = "counts"

    def score(self, bench: Workbench) -> float:
        """The count."""
        return float(sum(parameter.numel() for parameter in bench.original.parameters()))
