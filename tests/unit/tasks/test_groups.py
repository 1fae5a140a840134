"""Groups (recordings, patients) are never cut, and may be scored as one; scores beside the share of right answers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score
from torch import nn

from archlock.errors import ConfigurationError, TaskError, UnsupportedError
from archlock.tasks import (
    Scoring,
    Split,
    Task,
    enlarged,
    load_task,
    open_task,
    save_task,
    scored,
    scored_alike,
    subsample,
)
from archlock.tasks.scores import SCORES, majority
from archlock.testing.small_tasks import small_digits, small_task
from archlock.training import evaluate, linear_probe
from shared_data import shared

RNG = np.random.default_rng(0)
COUNT = 90
PATIENTS = np.array([f"patient {n}" for n in np.arange(COUNT) // 6])  # 15 of 6 windows each
LABELS = np.arange(COUNT) // 6 % 3


def written(tmp_path, **arrays):
    signals = RNG.normal(size=(COUNT, 1, 12)).astype(np.float32)
    path = tmp_path / "beats.npz"
    np.savez(path, **{"signal_train": signals, "y_train": LABELS, "group_train": PATIENTS, **arrays})
    return str(path)


def splits(task):
    return task.train, task.validation, task.test


def test_made_splits_cut_no_group_and_have_every_class(tmp_path):
    for seed in range(5):
        task = open_task(written(tmp_path), seed=seed)
        groups = [set(split.groups.tolist()) for split in splits(task)]
        assert sum(map(len, groups)) == len(set.union(*groups)) == 15
        assert [set(split.targets.tolist()) for split in splits(task)] == [{0, 1, 2}] * 3
        assert [len(split) for split in splits(task)] == [54, 18, 18]


def test_groups_of_several_classes_are_dealt_out_near_the_share(tmp_path):
    task = open_task(written(tmp_path, y_train=np.arange(COUNT) % 3))
    assert [len(split) for split in splits(task)] == [54, 18, 18]
    assert not set(task.train.groups) & set(task.test.groups)


def test_the_draw_does_not_depend_on_the_order_of_the_rows(tmp_path):
    first = open_task(written(tmp_path))
    path = tmp_path / "beats.npz"
    with np.load(path) as arrays:
        order = RNG.permutation(COUNT)
        turned = {key: arrays[key][order] for key in arrays}
    np.savez(path, **turned)
    assert open_task(str(path)).fingerprint == first.fingerprint


def test_other_arrays_are_groups_and_labels_where_they_are_named(tmp_path):
    wards = np.arange(COUNT) // 3
    path = written(tmp_path, doctor_train=np.arange(COUNT) % 2, doctors=np.array(["A", "B"]), ward_train=wards)
    task = open_task(f"{path}?label=doctor")
    assert task.classes == ("A", "B")
    grouped = open_task(f"{path}?group=ward&label=y")
    assert sum(len(set(split.groups.tolist())) for split in splits(grouped)) == 30
    with pytest.raises(ConfigurationError, match=r"has no arrays nurse_train and the like \(its keys: signal_train"):
        open_task(f"{path}?group=nurse")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"signal_test": np.ones((6, 1, 12)), "y_test": LABELS[:6], "group_test": PATIENTS[3:9]},
         r"2 groups are in train and in test \('patient 0', 'patient 1'\), so what is decided or"),
        ({"signal_test": np.ones((6, 1, 12)), "y_test": LABELS[:6]},
         r"the groups of train are named, those of test are not"),
        ({"y_train": (np.arange(COUNT) // 6 == 14).astype(int) + LABELS % 2 * 0},
         r"class '1' has signals of 1 group, and at least 3 are needed for splits that cut no group"),
        ({"group_train": PATIENTS[:50]}, r"train has 90 examples but 50 groups"),
        ({"group_train": PATIENTS[:50], "y_train": RNG.normal(size=COUNT), "kind": "regression"},
         r"train has 90 examples but 50 groups"),
        ({"group_train": RNG.normal(size=COUNT)}, r"groups of train are names or whole numbers"),
    ],
)  # fmt: skip
def test_groups_that_cannot_be_are_refused_in_words(tmp_path, arrays, words):
    with pytest.raises(TaskError, match=words):
        open_task(written(tmp_path, **arrays))


def test_a_task_itself_refuses_a_group_in_two_splits():
    task = small_digits(train=30, validation=10, test=10)
    grouped = [replace(split, groups=np.arange(len(split)) % 10 + 5 * n) for n, split in enumerate(splits(task))]
    with pytest.raises(TaskError, match=r"5 groups are in train and in validation \(5, 6, 7, 8, 9\)"):
        Task("t", task.kind, task.classes, *grouped, "")


def grouped_task(windows=4):
    """Digits, so many of one class to a group; every group in one split."""
    task, made = small_digits(train=80, validation=60, test=60, labels=(0, 1, 2)), []
    for number, split in enumerate(splits(task)):
        order = np.argsort(split.targets, kind="stable")
        place = np.concatenate([np.arange((split.targets == label).sum()) for label in range(3)])
        groups = 1000 * number + 100 * split.targets[order] + place // windows
        made.append(replace(split.take(order), groups=groups))
    return replace(task, train=made[0], validation=made[1], test=made[2])


def test_groups_stay_with_their_examples(tmp_path):
    task = grouped_task()
    fewer = subsample(task, 20, seed=0)
    assert (fewer.train.groups // 100 == fewer.train.targets).all()
    back = load_task(save_task(scored(task, Scoring("macro_f1", by_group=True)), tmp_path / "t.npz"))
    assert np.array_equal(back.test.groups, task.test.groups)
    assert back.scoring == Scoring("macro_f1", by_group=True)
    apart = [replace(split, groups=None) for split in splits(task)]
    others = {task.fingerprint, Task("t", task.kind, task.classes, *apart, "").fingerprint}
    assert len(others | {back.fingerprint}) == 3


def test_what_is_divided_for_further_training_cuts_no_group():
    more, new = enlarged(grouped_task(), 40, seed=0)
    assert not set(more.train.groups.tolist()) & set(more.validation.groups.tolist())
    assert 40 <= new <= 56
    lonely = replace(grouped_task(), validation=replace(grouped_task().validation, groups=np.full(60, 99)))
    with pytest.raises(ConfigurationError, match="has one group in its validation split"):
        enlarged(lonely, 40, seed=0)


def test_scores_are_those_of_scikit_learn():
    for _ in range(20):
        labels, answers = RNG.integers(0, 4, 30), RNG.integers(0, 5, 30)
        assert SCORES["macro_f1"].of(answers, labels) == pytest.approx(f1_score(labels, answers, average="macro"))
        right = np.where(RNG.random(30) < 0.5, labels, 0)
        assert SCORES["balanced_accuracy"].of(right, labels) == pytest.approx(balanced_accuracy_score(labels, right))
        assert SCORES["accuracy"].of(answers, labels) == pytest.approx(np.mean(answers == labels))


def test_a_group_has_the_answer_that_most_of_its_examples_get():
    groups = np.array([7, 7, 7, 2, 2, 9])
    assert majority(np.array([1, 1, 0, 2, 0, 2]), groups).tolist() == [0, 1, 2]
    scoring = Scoring(by_group=True)
    assert scoring.of(np.array([1, 1, 0, 2, 0, 2]), np.array([1, 1, 1, 0, 0, 0]), groups) == pytest.approx(2 / 3)
    labels = np.repeat([0, 1], (90, 10))
    assert Scoring("macro_f1").chance(labels, None) == pytest.approx((2 * 0.9 / 1.9) / 2)
    assert Scoring("balanced_accuracy").chance(labels, None) == 0.5


class Fixed(nn.Module):
    """Answers what it is told, image by image."""

    def __init__(self, answers):
        super().__init__()
        self.answers, self.at = answers, 0

    def forward(self, images):
        said = self.answers[self.at : self.at + len(images)]
        self.at += len(images)
        return nn.functional.one_hot(torch.as_tensor(said), 3).float()


def test_models_are_scored_as_the_task_says():
    task = grouped_task(windows=3)
    answers = np.where(RNG.random(60) < 0.7, task.test.targets, 0)
    for name in SCORES:
        for by_group in (False, True):
            scoring = Scoring(name, by_group)
            asked = scored(task, scoring)
            expected = scoring.of(answers, task.test.targets, task.test.groups)
            assert evaluate(Fixed(answers), asked.test) == pytest.approx(expected)
            assert asked.chance == pytest.approx(scoring.chance(task.train.targets, task.train.groups))


def test_a_probe_is_chosen_by_the_score_of_the_task():
    from archlock.models import build
    from archlock.spaces import SPACES

    task = scored(grouped_task(), Scoring("macro_f1", by_group=True))
    model = build(SPACES["nasbench201"].architecture("333333"), task.signature, width=4, depth=1, seed=0)
    probed = linear_probe(model, task, strengths=(0.01, 1.0), seed=0, device="cpu")
    assert evaluate(probed.model, task.validation) == pytest.approx(probed.validation)


def test_scores_that_cannot_be_are_refused_in_words():
    with pytest.raises(ConfigurationError, match="unknown score 'f2'; known: accuracy, balanced_accuracy, macro_f1"):
        Scoring("f2")
    with pytest.raises(UnsupportedError, match="there is no score by group; name the groups in group_train"):
        scored(small_digits(), Scoring(by_group=True))
    with pytest.raises(UnsupportedError, match="the score macro F1 is of classes"):
        scored(small_task("labels"), Scoring("macro_f1"))
    mixed = grouped_task()
    mixed = replace(mixed, train=replace(mixed.train, groups=np.arange(80) % 5 + 5000))
    with pytest.raises(
        UnsupportedError, match="5 groups hold examples of several classes, so a group has no right answer"
    ):
        scored(mixed, Scoring(by_group=True))
    assert scored_alike(small_task("labels"), Scoring("macro_f1")).scoring is None
    assert scored_alike(small_digits(), Scoring("macro_f1", by_group=True)).scoring == Scoring("macro_f1")
    plain = small_digits()
    assert scored(plain, Scoring()) is plain


def test_speakers_of_recorded_digits_are_groups_or_labels():
    path = shared("signals/spoken_digits.npz")
    assert len(open_task(f"{path}?label=speaker").classes) == 6
    with pytest.raises(TaskError, match="6 groups are in train and in validation"):
        open_task(f"{path}?group=speaker")


def test_a_split_by_itself_has_no_groups():
    assert Split(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(1, np.int64)).groups is None
