"""What every space of architectures must keep: ``for check in SPACE_CHECKS: check(space)``.

Plug-in authors run it on their own space; our tests run it on every member of the catalog.
"""

from collections.abc import Callable

import numpy as np
import pytest

from archlock.errors import ArchitectureError
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

EXAMPLES = 25


def enumerates_each_once_in_order(space: Space) -> None:
    """As many as the length says, all different, ascending, all of this space."""
    architectures = list(space.enumerate())
    assert len(architectures) == len(set(architectures)) == len(space)
    assert architectures == sorted(architectures)
    assert {architecture.space for architecture in architectures} == {space.name}


def reads_what_it_writes(space: Space) -> None:
    """Official strings, codes and ``space:code`` all lead back to the architecture."""
    for architecture in space.enumerate():
        assert space.parse(space.official_string(architecture)) == architecture
    for architecture in _examples(space):
        assert space.architecture(architecture.code) == architecture
        assert space.parse(architecture.code) == space.parse(f" {architecture}\n") == architecture


def refuses_what_is_not_a_member(space: Space) -> None:
    """Texts that mean nothing, and architectures of other spaces, are named in an ArchitectureError."""
    code = next(space.enumerate()).code
    for text in ("", "no such thing", code + "0" * 9, code[:-1] + "9", code[:-1] + "²", f"other_space:{code}"):
        with pytest.raises(ArchitectureError) as parsing:
            space.parse(text)
        assert repr(text) in str(parsing.value)
        assert space.name in str(parsing.value)
        with pytest.raises(ArchitectureError) as making:
            space.architecture(text)
        assert repr(text) in str(making.value)
    stranger = Architecture("other_space", code)
    uses = (space.official_string, space.neighbours, space.canonicalise, space.simplify, space.is_connected)
    for use in (*uses, lambda architecture: space.features([architecture])):
        with pytest.raises(ArchitectureError, match=f"'other_space:{code}' is not an architecture of {space.name}"):
            use(stranger)


def moves_to_neighbours(space: Space) -> None:
    """Neighbours are members, sorted, never the architecture itself, and mutual; mutation reaches just them."""
    rng = rng_for(0, "mutations")
    for architecture in _examples(space):
        neighbours = space.neighbours(architecture)
        assert list(neighbours) == sorted(set(neighbours))
        assert architecture not in neighbours
        for neighbour in neighbours:
            assert space.architecture(neighbour.code) == neighbour
            assert architecture in space.neighbours(neighbour)
    reached = {space.mutate(architecture, rng) for _ in range(20 * len(neighbours))}
    assert reached == set(neighbours)


def samples_its_members(space: Space) -> None:
    """A sample is a member, depends on the generator alone, and the draws cover the space as chance would.

    What is sensible to begin with is a connected member, as the cheapest of its function.
    """
    begin = space.sensible()
    if begin is not None:
        assert space.architecture(begin.code) == begin == space.simplify(begin)
        assert space.is_connected(begin)
    rng = rng_for(0, "samples")
    sampled = [space.sample(rng) for _ in range(len(space))]
    again = rng_for(0, "samples")
    assert sampled[:10] == [space.sample(again) for _ in range(10)]
    assert all(space.architecture(architecture.code) == architecture for architecture in sampled)
    # of n boxes, n balls leave 1 / e empty; the standard deviation is below 0.32 sqrt(n)
    empty = len(space) - len(set(sampled))
    assert abs(empty - len(space) / np.e) < 5 * 0.32 * np.sqrt(len(space))


def canonicalises(space: Space) -> None:
    """The representative is in the class, is its smallest code, and represents itself."""
    for architecture in space.enumerate():
        representative = space.canonicalise(architecture)
        assert representative <= architecture
        assert space.canonicalise(representative) == representative


def simplifies(space: Space) -> None:
    """The cheapest of a function is a member, is its own cheapest, and is connected exactly if the others are."""
    everything = set(space.enumerate())
    for architecture in everything:
        cheapest = space.simplify(architecture)
        assert cheapest in everything
        assert space.simplify(cheapest) == cheapest
        assert space.is_connected(cheapest) == space.is_connected(architecture)


def encodes_one_hot(space: Space) -> None:
    """Float zeros and ones, as many ones in every row, a different row for every architecture."""
    architectures = list(space.enumerate())
    encoding = space.encode(architectures)
    assert encoding.dtype == np.float64
    assert len(encoding) == len(architectures)
    assert set(np.unique(encoding)) == {0.0, 1.0}
    assert len(np.unique(encoding.sum(axis=1))) == 1
    assert len(np.unique(encoding, axis=0)) == len(architectures)


def computes_features(space: Space) -> None:
    """Finite numbers; an architecture has the same ones alone and among others; no architectures give no rows."""
    architectures = list(space.enumerate())
    features = space.features(architectures)
    assert features.dtype == np.float64
    assert len(features) == len(architectures)
    assert np.isfinite(features).all()
    for row in range(0, len(architectures), len(architectures) // EXAMPLES):
        np.testing.assert_array_equal(space.features([architectures[row]])[0], features[row])
    assert space.features([]).shape == (0, features.shape[1])
    assert space.encode([]).shape == (0, space.encode(architectures[:1]).shape[1])


SPACE_CHECKS: tuple[Callable[[Space], None], ...] = (
    enumerates_each_once_in_order,
    reads_what_it_writes,
    refuses_what_is_not_a_member,
    moves_to_neighbours,
    samples_its_members,
    canonicalises,
    simplifies,
    encodes_one_hot,
    computes_features,
)


def _examples(space: Space) -> list[Architecture]:
    rng = rng_for(0, "examples")
    return [space.sample(rng) for _ in range(EXAMPLES)]
