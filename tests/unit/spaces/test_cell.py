from itertools import product

import numpy as np
import pytest

from archlock.spaces.architecture import Architecture
from archlock.spaces.cell import EDGES, CellSpace, Edge, live_edges, without_dead_edges
from archlock.spaces.nasbench201 import nasbench201


def brute_force_alive(digits):
    """Edges on some path 0 -> 3, found by walking every path."""
    alive = [False] * 6

    def walk(node, used):
        if node == 3:
            for edge in used:
                alive[edge] = True
        for edge, (tail, head) in enumerate(EDGES):
            if tail == node and digits[edge] > 0:
                walk(head, [*used, edge])

    walk(0, [])
    return alive


def test_live_edges_equals_brute_force_on_every_pattern():
    patterns = np.array(list(product((0, 2), repeat=6)), dtype=np.uint8)
    np.testing.assert_array_equal(live_edges(patterns), [brute_force_alive(pattern) for pattern in patterns])


def test_removing_dead_edges_is_final_and_keeps_live_ones():
    digits = np.array(list(product((0, 1, 3), repeat=6)), dtype=np.uint8)
    pruned = without_dead_edges(digits)
    np.testing.assert_array_equal(without_dead_edges(pruned), pruned)
    np.testing.assert_array_equal(live_edges(pruned), pruned > 0)
    np.testing.assert_array_equal(pruned[live_edges(digits)], digits[live_edges(digits)])
    assert pruned.dtype == np.uint8


def test_edges_of_a_cell():
    # 0-1 skip leads nowhere, 2-3 pooling has no source; only 0-3 is alive
    assert nasbench201.edges(Architecture("nasbench201", "100304")) == (
        Edge(0, 1, "skip_connect", alive=False),
        Edge(0, 3, "nor_conv_3x3", alive=True),
        Edge(2, 3, "avg_pool_3x3", alive=False),
    )


def test_neighbours_are_all_codes_at_one_digit():
    neighbours = nasbench201.neighbours(Architecture("nasbench201", "000000"))
    assert len(neighbours) == 6 * 4
    assert [sum(digit != "0" for digit in neighbour.code) for neighbour in neighbours] == [1] * 24


def test_a_space_of_ones_own():
    tiny = CellSpace(
        "tiny",
        ("none", "skip"),
        write=lambda c: f"<{c}>",
        read=lambda text: None,
        class_key=lambda c: c,
        function_key=lambda c: c.count("1"),
    )
    assert tiny.simplify(tiny.architecture("010100")).code == "000011"
    assert len(tiny) == 64
    assert tiny.encode([tiny.architecture("010101")]).tolist() == [[1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1]]
    with pytest.raises(Exception, match="'210000' is not an architecture of tiny; expected 6 digits from 0 to 1"):
        tiny.architecture("210000")
