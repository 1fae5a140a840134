"""What proxies are worth: by hand, and on NAS-Bench-201 against figures that were made by other code."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.recipes.evaluate.proxy_agreement import proxy_agreements
from archlock.tables import open_by_name_or_path, read_preset, within_costs
from made_up_tables import made_up_table
from shared_data import shared


def of(table, task):
    return {one.proxy: one for one in proxy_agreements(table, (task,))}


def test_by_hand():
    table = made_up_table(codes=400, judge=True, noise=0.5)
    found, judge = of(table, "t0"), table.scores(table.judge("t0"))
    proxy = table.scores(table.column("nwot_t0"))
    sold = table.scores(table.truth("t0"))
    best = sold >= np.quantile(sold, 0.95)
    assert list(found) == ["truth again", "macs", "nwot"]
    assert found["nwot"].whole == pytest.approx(spearmanr(proxy, judge).statistic)
    assert found["nwot"].top == pytest.approx(spearmanr(proxy[best], judge[best]).statistic)
    assert found["nwot"].architectures == 400
    assert found["nwot"].size_top == found["macs"].top
    assert found["truth again"].whole > 0.95
    assert found["truth again"].top < found["truth again"].whole


def test_too_few_are_not_judged_and_unknown_noise_gives_no_bound():
    small = made_up_table(codes=60)
    assert "truth again" not in of(small, "t0")
    assert of(small, "t0")["nwot"].top is None
    values = small.values.copy()
    values[:, 15:] = np.nan
    assert of(replace(small, values=values), "t0")["nwot"].whole is None


@pytest.fixture(scope="module")
def recorded():
    joins = [shared(f"nasbench201_{part}.csv.gz") for part in ("zc", "alt")]
    return read_preset("nasbench201", shared("nasbench201.csv.gz"), joins=joins)


def test_nasbench201(recorded):
    found = {task: of(recorded, task) for task in ("cifar10", "cifar100", "imagenet16")}
    for task, params, macs in (("cifar10", 0.76, 0.73), ("cifar100", 0.73, 0.71), ("imagenet16", 0.69, 0.67)):
        assert found[task]["params"].whole == pytest.approx(params, abs=0.015)
        assert found[task]["macs"].whole == pytest.approx(macs, abs=0.015)
    again = found["cifar10"]["truth again"]
    assert again.whole == pytest.approx(0.985, abs=0.01)
    assert again.top == pytest.approx(0.73, abs=0.05)
    assert found["cifar10"]["zen"].top > found["cifar10"]["nwot"].top, "what is best over all is not where it decides"


def test_within_limits(recorded):
    limited, _ = within_costs(recorded, [("params_M_cifar10", 0.4)])
    assert of(limited, "cifar10")["params"].architectures < of(recorded, "cifar10")["params"].architectures


def test_a_target_without_a_training_from_scratch_is_judged_by_who_began_with_weights():
    table = open_by_name_or_path("transfer_macro")
    assert table.first_start("gtsrb") == "cifar10_full"
    assert table.first_start("cifar10_full") == ""
    leep = of(table, "gtsrb")["leep"]
    assert leep.architectures == len(table.codes)
    values = table.scores(table.column("gtsrb_from_cifar10_full_leep"))
    judge = table.scores(table.judge("gtsrb", "cifar10_full"))
    assert leep.whole == pytest.approx(spearmanr(values, judge).statistic)
