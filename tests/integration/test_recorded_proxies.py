import csv
import gzip

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.models import build
from archlock.proxies import measure_all
from archlock.spaces import SPACES
from archlock.tasks import Split, Task
from archlock.training import batch_of
from shared_data import shared

CELLS = 24
FLOORS = {"params": 0.99, "flops": 0.98, "l2_norm": 0.85, "grad_norm": 0.85, "snip": 0.85, "synflow": 0.9}
FLOORS |= {"fisher": 0.7, "nwot": 0.85, "jacov": 0.6}


def rows(name):
    with gzip.open(shared(name), "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def small_cifar10():
    with np.load(shared("images/cifar10.npz")) as data:
        images = data["x_train"][:64].reshape(64, 16, 2, 16, 2, 3).mean((2, 4)).astype(np.uint8)
        split = Split(images, data["y_train"][:64].astype(np.int64))
        return Task("cifar10", "classification", tuple(map(str, data["classes"])), split, split, split, "CIFAR-10")


def test_ranks_of_recorded_values():
    """Small networks and one small batch order cells as the published full-size measurements do."""
    task = small_cifar10()
    batch = batch_of(task.train.take(range(12)))
    codes = {row["arch_index"]: row["ops"] for row in rows("nasbench201.csv.gz")}
    recorded = [row for row in rows("nasbench201_zc.csv.gz") if row["snip_cifar10"]]
    picked = [recorded[i] for i in np.random.default_rng(1).choice(len(recorded), CELLS, replace=False)]
    found = []
    for row in picked:
        architecture = SPACES["nasbench201"].architecture(codes[row["arch_index"]])
        model = build(architecture, task.signature, width=4, depth=5, seed=int(row["arch_index"]))
        found.append(measure_all(model, [batch], list(FLOORS), seed=0))
    agreement = {}
    for name in FLOORS:
        column = {"params": "params_M", "flops": "flops_M"}.get(name, name) + "_cifar10"
        agreement[name] = spearmanr([v[name].value for v in found], [float(row[column]) for row in picked]).statistic
    assert {name: value for name, value in agreement.items() if value < FLOORS[name]} == {}


@pytest.mark.parametrize("code", ["000000", "030000"])
def test_a_disconnected_cell_has_no_value(code):
    task = small_cifar10()
    model = build(SPACES["nasbench201"].architecture(code), task.signature, width=4, depth=1, seed=0)
    batches = [batch_of(task.train.take(range(i, i + 8))) for i in (0, 8)]
    names = ["grad_norm", "plain", "snip", "grasp", "synflow", "fisher", "jacov", "nwot", "zen", "zico", "epe_nas"]
    found = measure_all(model, batches, [*names, "grad_sign", "params"], seed=0)
    assert {name for name, value in found.items() if value.status == "valid"} == {"params"}
