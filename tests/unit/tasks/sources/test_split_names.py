import pytest

from archlock.tasks.sources.split_names import alike_but_for_the_split, roles_of, split_word


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *(
            (name, "train")
            for name in ("train", "Training", "TRAIN", "train_set", "train_images", "trainset", "Train Data")
        ),
        *((name, "train") for name in ("images-train", "01_train", "train2017", "trn")),
        *(
            (name, "validation")
            for name in ("val", "Valid", "VALIDATION", "dev", "dev_set", "val-images", "Development")
        ),
        *((name, "test") for name in ("test", "Testing", "TEST", "test_set", "held-out", "holdout", "tst")),
        *(
            (name, None)
            for name in ("cat", "trainer", "bullet train", "invalid", "test tube", "device", "contest", "x", "")
        ),
        *((name, None) for name in ("тест", "evaluated", "data", "images", "12")),
    ],
)
def test_usual_names_whatever_their_case(name, role):
    assert roles_of([name]).get(name) == role


def test_an_evaluation_split_is_the_test_split_where_there_is_no_other():
    assert roles_of(["train", "eval"]) == {"train": "train", "eval": "test"}
    assert roles_of(["train", "val", "evaluation"])["evaluation"] == "test"
    assert roles_of(["train", "eval", "Testing"]) == {"train": "train", "eval": "validation", "Testing": "test"}


def test_the_word_that_means_the_split():
    assert split_word("Test Set 2") == "test"
    assert split_word("sets") is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["trainA", "trainB", "testA", "testB"], ["testA", "trainA"]),
        (["seg_train", "seg_test", "seg_pred"], ["seg_test", "seg_train"]),
        (["imagesTr", "imagesTs"], ["imagesTr", "imagesTs"]),
        (["x_tr", "x_te", "y"], ["x_te", "x_tr"]),
        (["tr", "te", "us"], []),
        (["train_cats", "val_dogs"], []),
        (["testA", "valA"], []),
        (["bus", "train", "tram"], []),
        (["bullet_train", "contest", "test_tube"], []),
    ],
)
def test_names_that_differ_by_the_word_of_a_split_alone(names, found):
    assert alike_but_for_the_split(names) == found
