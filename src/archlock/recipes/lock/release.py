"""What was chosen, as models: one for each training seed; the first one is released."""

from dataclasses import dataclass

from torch import nn

from archlock.adaptation import weights_file
from archlock.errors import RunError
from archlock.models import load_weights
from archlock.recipes.export import Blueprint, build_blueprint
from archlock.recipes.lock.finalists import Finalist, every_seed
from archlock.recipes.lock.run import Run
from archlock.training import evaluate_copy


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """A chosen architecture and its trained models, one per seed, with their scores on the source."""

    finalist: Finalist
    blueprint: Blueprint
    models: tuple[nn.Module, ...]
    """In evaluation mode, in the order of the trainings; the first one was trained as a finalist."""
    validation: tuple[float, ...]
    test: tuple[float, ...]
    """The test split of the source is read here, after the decision, and after further training; never before."""
    seconds: float
    diverged: tuple[int, ...] = ()
    """Numbers of the trainings, from 0, that gave no model."""
    keeps_floor: bool | None = None
    """Of a random architecture: whether its first training kept the source floor; else None."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the trainings that the models come from."""
        every = range(len(self.models) + len(self.diverged))
        return tuple(number for number in every if number not in self.diverged)


def release(run: Run, finalist: Finalist) -> Released:
    """The models of a confirmed ``finalist``, loaded, and measured on the test split of the source."""
    settings = run.allocation.final
    architecture = finalist.architecture
    blueprint = Blueprint(architecture, run.source.signature, run.source.classes, settings.width, settings.depth)
    measured = every_seed(run, architecture)
    kept = [m for m in measured if m.status == "valid"]
    if not kept:
        raise RunError(
            f"every training of {architecture} on the source diverged; try another --seed or a smaller --width"
        )
    files = [weights_file(run.trained, architecture, m.key.seed) for m in kept]
    models = tuple(load_weights(build_blueprint(blueprint), file).eval() for file in files)
    return Released(
        finalist,
        blueprint,
        models,
        tuple(m.value for m in kept),
        tuple(evaluate_copy(model, run.source.test, device=run.config.device) for model in models),
        sum(m.seconds for m in measured),
        tuple(number for number, m in enumerate(measured) if m.status != "valid"),
    )
