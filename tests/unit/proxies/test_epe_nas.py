import math

import numpy as np
import pytest
import torch

from archlock.errors import MeasurementError, UnsupportedError
from archlock.proxies.epe_nas import EpeNas, class_spread
from archlock.proxies.workbench import Workbench
from proxy_networks import dense_batch, dense_network, image_batches, residual


def test_against_the_formula_in_loops():
    (batch,) = image_batches(1, size=8)
    bench = Workbench(residual(), [batch], seed=0)
    with bench.undisturbed():
        jacobian = bench.input_jacobian.numpy()
    slow = 0.0
    for label in range(3):
        members = [row for row, target in zip(jacobian, batch.targets.tolist(), strict=True) if target == label]
        slow += abs(sum(math.log(abs(np.corrcoef(x, y)[0, 1]) + 1e-5) for x in members for y in members))
    assert EpeNas().measure(residual(), [batch], seed=0) == pytest.approx(slow, rel=1e-9)


def test_more_than_a_hundred_classes_are_compared_in_pairs():
    rng = np.random.default_rng(0)
    matrices = [np.corrcoef(rng.normal(size=(2 + index % 2, 5))) for index in range(101)]
    sums = [sum(math.log(abs(value) + 1e-5) for value in matrix.ravel()) / len(matrix) for matrix in matrices]
    slow = sum(abs(a - b) for a in sums for b in sums) / 101
    assert class_spread([torch.from_numpy(matrix) for matrix in matrices]) == pytest.approx(slow, rel=1e-9)


def test_classes_of_one_image_are_not_enough():
    with pytest.raises(MeasurementError, match="epe_nas has no value for this model: no class has two images"):
        EpeNas().measure(residual(), image_batches(1, size=3), seed=0)


def test_dense_tasks_have_no_classes():
    with pytest.raises(UnsupportedError, match="epe_nas has no meaning for a dense task; it supports: classification"):
        EpeNas().measure(dense_network(), [dense_batch()], seed=0)
