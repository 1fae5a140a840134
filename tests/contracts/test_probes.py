import pytest

from archlock.models import PROBES
from archlock.testing.probes import check_probe
from shared_data import shared

WEIGHTS = {"resnet20_cifar": "resnet20_cifar10", "mobilenet_v2": "mobilenet_v2_imagenet"}


@pytest.mark.parametrize("name", PROBES)
def test_probe_keeps_its_contract(name):
    weights = shared(f"weights/{WEIGHTS[name]}.safetensors") if name in WEIGHTS else None
    check_probe(PROBES[name](weights=weights))
