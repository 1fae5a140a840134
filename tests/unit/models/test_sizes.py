import pytest
import torch

from archlock.models import build, count_flops, count_parameters
from archlock.spaces import SPACES
from archlock.tables.unpickling import load_compressed_pickle
from archlock.tasks import Signature
from shared_data import shared

SPACE = SPACES["sizes"]


def network(official, classes, side, *, width=16):
    signature = Signature("classification", (3, side, side), classes, (0.5,) * 3, (0.25,) * 3)
    return build(SPACE.parse(official), signature, width=width, depth=1, seed=0)


def test_published_counts():
    small, wider = network("8:8:8:8:8", 10, 32), network("8:8:8:16:32", 10, 32)
    assert (count_parameters(small), count_parameters(wider)) == (11_714, 49_202)
    assert count_flops(wider, (3, 32, 32)) // 2 == 6_840_640


def test_counts_of_the_official_files():
    for index in (0, 11):
        path = shared(f"nats_sample/NATS-sss-v1_0-50262-simple/{index:06d}.pickle.pbz2")
        for (dataset, _), run in load_compressed_pickle(path)["90"]["all_results"].items():
            classes, side = run["arch_config"]["class_num"], 16 if "16" in dataset else 32
            built = network(run["arch_config"]["channels"], classes, side)
            assert count_parameters(built) == round(run["params"] * 1e6)
            assert count_flops(built, (3, side, side)) // 2 + classes == round(
                run["flop"] * 1e6
            )  # (biases count there)


def test_cost_says_the_multiply_adds():
    for official in ("64:8:32:16:8", "8:16:16:24:24"):
        macs = count_flops(network(official, 10, 32), (3, 32, 32)) // 2
        channels = int(official.split(":")[-1])
        assert SPACE.relative_cost([SPACE.parse(official)])[0] == pytest.approx((macs - 10 * channels) / 1e6, abs=1e-9)


def test_other_widths_scale_the_channels():
    wide = network("8:16:24:32:64", 3, 16, width=4)
    assert wide.features == 16
    assert wide(torch.rand(2, 3, 16, 16)).shape == (2, 3)
    assert network("8:8:8:8:8", 3, 16, width=1).features == 1
