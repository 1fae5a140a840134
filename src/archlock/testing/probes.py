"""What every probe network must keep: run it over a probe of your own before it joins ``archlock.models.PROBES``."""

import torch
from torch import nn

from archlock.models import Probe


def check_probe(probe: Probe) -> None:
    """Raise AssertionError, saying what is wrong, unless the probe keeps its contract."""
    network = probe.network()
    assert not network.training, "network() must be in evaluation mode"
    assert not any(parameter.requires_grad for parameter in network.parameters()), (
        "parameters must not ask for gradients"
    )
    for name in probe.layers:
        assert isinstance(network.get_submodule(name), nn.Conv2d), f"layer {name!r} must be a convolution"
    assert set(probe.last) <= set(probe.layers), "the last layers must be among the layers"
    generator = torch.Generator().manual_seed(0)
    for channels, pixels in ((1, 20), (3, probe.size)):
        images = torch.rand(2, channels, pixels, pixels, generator=generator)
        prepared = probe.prepare(images)
        assert prepared.shape == (2, 3, probe.size, probe.size), f"prepare() gave {tuple(prepared.shape)}"
        with torch.no_grad():
            maps, again = network(prepared), probe.network()(prepared)
            alone = network(prepared[:1])
        assert maps.ndim == 4, f"the network must return maps N x features x h x w; got {tuple(maps.shape)}"
        assert torch.isfinite(maps).all(), "maps must be finite"
        assert torch.equal(maps, again), "two copies must agree to the bit"
        assert torch.allclose(maps[:1], alone, rtol=1e-3, atol=1e-4), "an image's maps must not depend on its batch"
    for parameter in network.parameters():
        parameter.zero_()
    twin = Probe(probe.name, probe.template, probe.size, probe.mean, probe.std)
    assert twin.fingerprint == probe.fingerprint, "writing into a copy must not reach the probe"
