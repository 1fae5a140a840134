import importlib

import pytest

import archlock


def test_every_name_of_the_package_is_there() -> None:
    for name in archlock.__all__:
        assert getattr(archlock, name) is not None
    assert dir(archlock) == archlock.__all__


def test_the_names_are_those_of_the_rooms() -> None:
    recipes = importlib.import_module("archlock.recipes")
    functions = ("attack", "harden", "load", "lock", "open_model", "peep", "robustness", "which_is_running")
    for name in ("AttackConfig", "AttackResult", "LockConfig", "LockResult", *functions):
        assert getattr(archlock, name) is getattr(recipes, name)
    assert archlock.tasks is importlib.import_module("archlock.tasks")


def test_every_recipe_that_is_offered_is_there() -> None:
    recipes = importlib.import_module("archlock.recipes")
    assert not [name for name in recipes.__all__ if not hasattr(recipes, name)]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        AttributeError, match=r"has no attribute 'unlock'; it has AttackConfig, .*lock, open_model, peep, reports"
    ):
        archlock.unlock  # noqa: B018
