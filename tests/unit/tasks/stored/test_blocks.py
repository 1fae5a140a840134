import numpy as np
import pytest

from archlock.tasks.stored.blocks import Block, facts_of, found_block, reasons_in, write_block

RNG = np.random.default_rng(0)
IMAGES = [RNG.integers(0, 256, (4, 6, 3), dtype=np.uint8), None, RNG.integers(0, 256, (4, 6, 1), dtype=np.uint8)]


def written(folder, *, with_pixels=True):
    return write_block(str(folder), "ab" * 16, IMAGES, (4, 6), reasons={1: "is torn"}, with_pixels=with_pixels)


def test_what_was_put_in_comes_out(tmp_path):
    block = written(tmp_path)
    np.testing.assert_array_equal(block.pixels(np.array([2, 0]), (4, 6))[1], IMAGES[0])
    np.testing.assert_array_equal(block.pixels(np.array([2, 0]), (4, 6))[0], np.repeat(IMAGES[2], 3, axis=2))
    assert reasons_in(block) == {1: "is torn"}
    assert found_block(str(tmp_path), block.key, 3, (4, 6), with_pixels=True) == block


def test_facts_are_sums_of_levels():
    facts = facts_of(IMAGES)
    assert facts["channels"].tolist() == [3, 0, 1]
    np.testing.assert_array_equal(facts["sum"][0], IMAGES[0].sum(axis=(0, 1), dtype=np.int64))
    np.testing.assert_array_equal(facts["square"][2], [np.square(IMAGES[2].astype(np.int64)).sum()] * 3)
    assert (facts["low"][0], facts["high"][0]) == (IMAGES[0].min(), IMAGES[0].max())


@pytest.mark.parametrize("harm", ["shorter", "zeros", "no facts", "facts of others", "gone"])
def test_a_block_that_is_not_whole_is_none(tmp_path, harm):
    block = written(tmp_path)
    pixels, facts = block.path("u8"), block.path("facts")
    harms = {
        "shorter": lambda: pixels.write_bytes(pixels.read_bytes()[:-1]),
        "zeros": lambda: pixels.write_bytes(bytes(pixels.stat().st_size)),
        "no facts": facts.unlink,
        "facts of others": lambda: facts.write_bytes(facts.read_bytes()[:-7]),
        "gone": pixels.unlink,
    }
    harms[harm]()
    assert found_block(str(tmp_path), block.key, 3, (4, 6), with_pixels=True) is None


def test_facts_alone(tmp_path):
    block = written(tmp_path, with_pixels=False)
    assert not block.path("u8").exists()
    assert found_block(str(tmp_path), block.key, 3, (4, 6), with_pixels=False) == Block(str(tmp_path), block.key, 3, 3)
    assert found_block(str(tmp_path), block.key, 3, (4, 6), with_pixels=True) is None
