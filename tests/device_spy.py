"""Who computes where: notes the device of every training, probe and score, and lets it compute on the processor.

So a run can be asked for a device that is not here, and every place that forgets to pass it on is found.
"""

import inspect
import sys
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
import torch
from torch import nn

from archlock.embeddings import task2vec
from archlock.execution import resolve_device
from archlock.training import (
    at_best_layer,
    distil,
    evaluate,
    evaluate_copy,
    evaluate_stack,
    fit,
    fit_many,
    frozen_features,
    linear_probe,
    only_answer,
)
from archlock.transferability import measure_estimates

WATCHED: tuple[Callable[..., Any], ...] = (
    frozen_features,
    *(fit, fit_many, distil, linear_probe, evaluate, evaluate_copy, evaluate_stack),
    *(task2vec, measure_estimates, only_answer, at_best_layer),
)


class DeviceSpy:
    """What was asked for: (function, device), counted. What a watched function itself calls is not noted.

    Moves of whole models are noted as ``to``, but for those to the processor, which end a computation.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self._inside = False
        for function in WATCHED:
            _replace(patch, function, self._watching(function))
        _replace(patch, resolve_device, lambda name: name)
        patch.setattr(nn.Module, "to", self._moving(nn.Module.to))

    @property
    def devices(self) -> set[str]:
        """Every device that was asked for."""
        return {device for _, device in self.calls}

    @property
    def functions(self) -> set[str]:
        """Every function that was asked."""
        return {name for name, _ in self.calls}

    def _watching(self, function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        @wraps(function)
        def watching(*arguments: Any, **kinds: Any) -> Any:
            if self._inside:
                return function(*arguments, **kinds)
            asked = signature.bind(*arguments, **kinds)
            asked.apply_defaults()
            self.calls[function.__name__, asked.arguments["device"]] += 1
            self._inside = True
            try:
                return function(*arguments, **{**kinds, "device": "cpu"})
            finally:
                self._inside = False

        return watching

    def _moving(self, move: Callable[..., Any]) -> Callable[..., Any]:
        def moving(module: nn.Module, *arguments: Any, **kinds: Any) -> Any:
            if not self._inside and _is_away(*arguments[:1]):
                self.calls["to", str(arguments[0])] += 1
                arguments = ("cpu", *arguments[1:])
            return move(module, *arguments, **kinds)

        return moving


def _is_away(place: Any = "cpu") -> bool:
    """Whether a module is moved to another device; another precision is none."""
    return not isinstance(place, torch.dtype) and place not in ("cpu", torch.device("cpu"))


def _replace(patch: pytest.MonkeyPatch, function: Callable[..., Any], by: Callable[..., Any]) -> None:
    """Under every name that a module of ours has for it."""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "archlock"]
    for module in modules:
        for name, value in list(vars(module).items()):
            if value is function:
                patch.setattr(module, name, by)
