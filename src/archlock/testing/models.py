"""What every builder of models must keep: ``for check in BUILDER_CHECKS: check(space, samples)``.

Plug-in authors run it on a space of their own once its builder is in ``archlock.models.BUILDERS``.
"""

from collections.abc import Callable, Sequence

import torch

from archlock.models import BUILDERS, build, count_parameters, features_before_head, with_new_head
from archlock.spaces import Architecture
from archlock.tasks import Signature

SHAPES = ((1, 8, 8), (3, 28, 28), (3, 32, 32), (1, 48, 48), (3, 33, 21))


def signature(shape: tuple[int, int, int], outputs: int, *, dense: bool = False) -> Signature:
    """Signature of a task with images of that shape (channels, height, width)."""
    channels = shape[0]
    return Signature("dense" if dense else "classification", shape, outputs, (0.4,) * channels, (0.2,) * channels)


def answers_in_shape(architectures: Sequence[Architecture]) -> None:
    """Logits, or images of exactly the asked size; for small and odd images, at any width and depth."""
    for shape, (width, depth) in zip(SHAPES, ((1, 1), (3, 2), (4, 1), (2, 1), (4, 2)), strict=True):
        images = torch.rand(2, *shape)
        for architecture in architectures:
            model = build(architecture, signature(shape, 7), width=width, depth=depth, seed=0)
            assert model(images).shape == (2, 7)
            dense = build(architecture, signature(shape, 2, dense=True), width=width, depth=depth, seed=0)
            assert dense(images).shape == (2, 2, *shape[1:])
            assert torch.isfinite(model.eval()(images)).all()
            assert features_before_head(model, images).shape == features_before_head(dense, images).shape
            assert with_new_head(model, signature(shape, 2, dense=True), seed=1)(images).shape == (2, 2, *shape[1:])


def draws_from_the_seed_alone(architectures: Sequence[Architecture]) -> None:
    """Same seed, same bits; another seed, other weights; the global generator is where it was."""
    for architecture in architectures:
        before = torch.random.get_rng_state()
        models = [build(architecture, signature((1, 8, 8), 3), width=2, depth=1, seed=seed) for seed in (0, 0, 1)]
        assert torch.equal(before, torch.random.get_rng_state())
        torch.rand(1)
        first, same, other = (torch.cat([p.detach().flatten() for p in model.parameters()]) for model in models)
        assert torch.equal(first, same)
        assert not torch.equal(first, other)


def learns_everywhere(architectures: Sequence[Architecture]) -> None:
    """Every parameter gets a gradient (of zero, if need be), so that nothing downstream meets a missing one."""
    images = torch.rand(4, 3, 32, 32)
    for architecture in architectures:
        model = build(architecture, signature((3, 32, 32), 5), width=4, depth=1, seed=0)
        model(images).square().mean().backward()
        assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def leaves_images_alone(architectures: Sequence[Architecture]) -> None:
    """The images are not written to, in either memory layout, and both layouts give the same answer."""
    for architecture in architectures:
        model = build(architecture, signature((3, 16, 16), 5), width=4, depth=1, seed=0).eval()
        images = torch.rand(3, 3, 16, 16)
        kept = images.clone()
        plain = model(images)
        channels_last = model(images.contiguous(memory_format=torch.channels_last))
        assert torch.equal(images, kept)
        torch.testing.assert_close(plain, channels_last, rtol=1e-3, atol=1e-4)


def prunes_what_is_dead(architectures: Sequence[Architecture]) -> None:
    """The pruned network is never larger than the published one and, given its weights, the same function at birth."""
    images = torch.rand(2, 1, 8, 8)
    for architecture in architectures:
        builder = BUILDERS[architecture.space]
        task = signature((1, 8, 8), 3)
        pruned = builder(architecture, task, width=4, depth=1, prune=True).eval()
        published = builder(architecture, task, width=4, depth=1, prune=False).eval()
        assert count_parameters(pruned) <= count_parameters(published)
        missing = pruned.load_state_dict(published.state_dict(), strict=False).missing_keys
        assert missing == []
        torch.testing.assert_close(pruned(images), published(images))


BUILDER_CHECKS: tuple[Callable[[Sequence[Architecture]], None], ...] = (
    answers_in_shape,
    draws_from_the_seed_alone,
    learns_everywhere,
    leaves_images_alone,
    prunes_what_is_dead,
)
