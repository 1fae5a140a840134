"""The preference ``transferred`` is not judged by tasks that taught it."""

import pytest

from archlock.errors import ConfigurationError
from archlock.preferences import taught_by
from archlock.recipes.lock.procedure import refuse_lessons


def test_tasks_of_its_table_are_known_however_they_are_spelled():
    names = ["CIFAR-10", "gtsrb.npz", "Fashion MNIST", "photos", "cifar100"]
    assert taught_by("nasbench201", names) == ("CIFAR-10", "gtsrb.npz", "Fashion MNIST")
    assert taught_by("transnas101_micro", names) == ()


def test_a_lock_refuses_them_and_says_which():
    with pytest.raises(ConfigurationError, match=r"taught by recorded results on omniglot, GTSRB; .*Take other tasks"):
        refuse_lessons("nasbench201", ["photos", "omniglot", "GTSRB"])
    refuse_lessons("nasbench201", ["photos", "mnist"])
