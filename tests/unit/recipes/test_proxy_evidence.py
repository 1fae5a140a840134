"""Proxies of an architecture as evidence: a proxy of one's own is known to every worker."""

import os
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"
SCRIPT = """
from archlock.execution import ProcessPool
from archlock.proxies import PROXIES, Proxy
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_proxies
from archlock.spaces import SPACES
from archlock.testing.small_tasks import small_digits


class Layers(Proxy):
    name = "layers"
    paper = "-"
    unit = "modules with weights of their own"
    cost = "counts"

    def score(self, bench):
        return float(sum(any(True for _ in m.parameters(recurse=False)) for m in bench.original.modules()))


PROXIES.add("layers", Layers())
settings = ProxySettings(("layers", "params"), width=4, depth=1, batch=8, side=8)
work = ProxyWork.on({"digits": small_digits()}, settings, seed=0, device="cpu")
cells = [SPACES["nasbench201"].architecture(code) for code in ("421211", "334131", "111111")]
found = dict(ProcessPool(2).run(measure_proxies, work, cells))
for place, cell in enumerate(cells):
    here = [one.value for one in measure_proxies(work, cell)]
    assert [one.value for one in found[place]] == here, (found[place], here)
    assert [one.key for one in found[place]] == work.keys(cell)
print("the same in a worker")
"""


def test_a_proxy_of_a_script_is_measured_in_the_workers(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    words = [sys.executable, str(tmp_path / "own.py")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "the same in a worker\n", done.stderr
