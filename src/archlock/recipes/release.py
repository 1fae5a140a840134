"""Train a chosen architecture on the source with every seed; the first one is released."""

from dataclasses import dataclass

from torch import nn

from archlock.adaptation import SOURCE, adaptation_key, weights_file
from archlock.errors import RunError
from archlock.models import load_weights
from archlock.recipes.decide import Finalist
from archlock.recipes.export import Blueprint, build_blueprint
from archlock.recipes.gathering import Subjects, gather
from archlock.recipes.run import Run
from archlock.training import evaluate


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """A chosen architecture and its trained models, one per seed, with their scores on the source."""

    finalist: Finalist
    blueprint: Blueprint
    models: tuple[nn.Module, ...]
    """In evaluation mode; the first one was trained as a finalist."""
    validation: tuple[float, ...]
    test: tuple[float, ...]
    """The test split of the source is read here and nowhere else, after the decision."""
    seconds: float


def release(run: Run, finalist: Finalist, *, title: str) -> Released:
    """Train ``finalist`` with as many seeds as attackers will have; what was trained before is taken up."""
    settings = run.allocation.final
    architecture = finalist.architecture
    blueprint = Blueprint(architecture, run.source.signature, run.source.classes, settings.width, settings.depth)
    subjects = Subjects(run.source, {}, settings, run.workspace.checkpoints, run.config.device)
    seeds = tuple(run.config.seed + index for index in range(run.config.attack_seeds))
    known = gather(
        (architecture,),
        subjects,
        seeds=seeds,
        stage=f"{title} architecture, every seed",
        means=run.means,
    )
    measured = [known[adaptation_key(architecture, run.source, SOURCE, settings, seed=seed)] for seed in seeds]
    kept = [(m, seed) for m, seed in zip(measured, seeds, strict=True) if m.status == "valid"]
    if not kept:
        raise RunError(
            f"every training of {architecture} on the source diverged; try another --seed or a smaller --width"
        )
    models = tuple(
        load_weights(build_blueprint(blueprint), weights_file(run.workspace.checkpoints, architecture, seed)).eval()
        for _, seed in kept
    )
    return Released(
        finalist,
        blueprint,
        models,
        tuple(m.value for m, _ in kept),
        tuple(evaluate(model, run.source.test) for model in models),
        sum(m.seconds for m in measured),
    )
