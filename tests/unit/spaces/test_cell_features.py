import numpy as np

from archlock.spaces.cell import without_dead_edges
from archlock.spaces.cell_features import path_features
from archlock.spaces.nasbench201 import OPERATIONS, nasbench201
from archlock.spaces.transnas101_micro import transnas101_micro


def test_path_features_of_a_cell_worked_out_by_hand():
    # 0-1 conv3x3, 0-2 none, 1-2 skip, 0-3 skip, 1-3 conv1x1, 2-3 pool: paths 0-3, 0-1-3 and 0-1-2-3 are alive
    digits = [3, 0, 1, 1, 2, 4]
    features = path_features(np.eye(5)[[digits]], OPERATIONS)[0]
    alive = [1, 1, 0, 1]
    counts = [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 1]]  # skip, conv1x1, conv3x3, pool
    groups = np.array([[1, 0, 0, 0], [2, 2, 1, 0], [3, 1, 2, 1]])  # edges, convolutions, 3x3 windows, poolings
    expected = [*alive, *np.ravel(counts), *groups.max(axis=0), *groups.min(axis=0), *groups.sum(axis=0)]
    expected += [3, 1, 5, 1]  # live paths, of them without convolution, live edges, skip from input to output
    expected += [2, 1, 1, 1]  # live edges by operation
    assert features.tolist() == expected


def test_a_cell_without_a_path_has_no_paths():
    features = path_features(np.eye(5)[[[0] * 6]], OPERATIONS)
    assert not features.any()


def test_dead_edges_do_not_show_in_the_features():
    for space in (nasbench201, transnas101_micro):
        architectures = list(space.enumerate())
        features = space.features(architectures)
        pruned = without_dead_edges(space.digits(architectures))
        _, first, group = np.unique(pruned, axis=0, return_index=True, return_inverse=True)
        np.testing.assert_array_equal(features, features[first[group.ravel()]])
        # and different live parts always show
        assert len(np.unique(features[:, : 6 * len(space.operations)], axis=0)) == len(first)
