"""Neither the preference ``transferred`` nor recorded trainings are judged by tasks that taught them."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.preferences import TRANSFERRED, taught_by
from archlock.recipes import LockConfig, lock
from archlock.recipes.lock.lessons import refuse_lessons
from archlock.tasks import seal
from tiny_runs import tiny_source, tiny_target


def test_tasks_of_its_table_are_known_however_they_are_spelled():
    names = ["CIFAR-10", "gtsrb.npz", "Fashion MNIST", "photos", "cifar100"]
    assert taught_by("nasbench201", names) == ("CIFAR-10", "gtsrb.npz", "Fashion MNIST")
    assert taught_by("transnas101_micro", names) == ()


def test_a_lock_refuses_them_and_says_which():
    config = LockConfig(evidence="zero_cost", preference=TRANSFERRED)
    with pytest.raises(ConfigurationError, match=r"taught by recorded results on omniglot, GTSRB; .*Take other tasks"):
        refuse_lessons(config, tiny_source(), ["photos", "omniglot", "GTSRB"])
    refuse_lessons(config, tiny_source(), ["photos", "mnist"])


TAUGHT = {"space": "locking_macro", "lessons": True}


def test_lessons_are_refused_where_an_audit_goes_by_the_name_of_what_taught(tmp_path):
    audit = seal(tiny_target, name="strangers from CIFAR-100")
    with pytest.raises(ConfigurationError, match="'strangers from CIFAR-100' seems to be, and nothing may be known"):
        lock(tiny_source(), out=tmp_path / "run", sealed=[audit], **TAUGHT)
    assert audit.opened_by == ()
    assert not (tmp_path / "run").exists()


def test_and_where_a_known_target_does(tmp_path):
    target = replace(tiny_target(), name="cifar10_train")
    with pytest.raises(ConfigurationError, match="'cifar10_train' seems to be"):
        lock(tiny_source(), out=tmp_path / "run", known=[target], scheme="tk", **TAUGHT)


def test_and_where_only_the_path_tells(tmp_path):
    folder = tmp_path / "cifar10" / "train"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / name / "a.png")
    with pytest.raises(ConfigurationError, match=r"cifar10.train' seems to be"):
        lock(tiny_source(), out=tmp_path / "run", sealed=[folder], **TAUGHT)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"space": "nasbench201"}, "no recorded trainings of nasbench201"), ({"evidence": "zero_cost"}, "zero_cost has")],
)
def test_lessons_that_nobody_can_give_are_refused_at_once(changes, said):
    with pytest.raises(ConfigurationError, match=said):
        LockConfig(**{**TAUGHT, **changes})


def test_lessons_are_for_image_classifiers():
    source: Any = SimpleNamespace(form="signal", name="ecg", traits=tiny_source().traits)
    with pytest.raises(UnsupportedError, match="recorded trainings are of image classifiers"):
        refuse_lessons(LockConfig(**TAUGHT), source, [])
