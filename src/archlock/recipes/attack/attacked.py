"""What is attacked: every model of a lock run, or one opened model and perhaps another as its reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archlock.attacks import check_fits
from archlock.errors import ArchLockError, ConfigurationError, RunError, UnsupportedError
from archlock.models import count_flops, count_parameters, load_weights
from archlock.recipes.doubles import doubles
from archlock.recipes.export import build_blueprint, load_blueprint
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import BLUEPRINT, OpenedModel, Shape, open_model, with_head
from archlock.recipes.suite_jobs import Defended
from archlock.recipes.task_records import Attacked, enlargements
from archlock.recipes.workspace import REFERENCE, RESULT
from archlock.reports import LockRecord, ModelRecord, Role, TaskRecord, from_json
from archlock.spaces import SPACES
from archlock.tasks import Framing, Signature, Task, conform, conform_to, open_task
from archlock.training import batch_of, evaluate_copy, only_answer

ROLES: tuple[Role, Role] = ("locked", "source_only")
"""The attacked model and its reference, in the words of a record."""
NAMES = ("model", "reference")
"""The same, in the words of the command line."""


@dataclass(frozen=True, slots=True, eq=False)
class AttackedModels:
    """The attacked model, and its reference if there is one, with what a record says of them."""

    defended: tuple[Defended, ...]
    shape: Shape | None
    """Of the images they take; None: targets are taken as they are."""
    reading: Framing | None
    """How data are opened for them, where that is known."""
    identity: dict[str, Any]
    """What makes a run with other models another run; of opened ones it is known once they are :func:`identified`."""
    opened: tuple[OpenedModel, ...] = ()
    """Where they were opened one by one."""
    lock: LockRecord | None = None
    """Where they are those of a lock run."""
    home: Path | None = None
    """The lock run's directory, in which its attacks lie."""
    signature: Signature | None = None
    """What the attacked model was built for, where it is a network of ours."""


def is_run(model: object) -> bool:
    """Whether a text or path is the directory of a finished lock or attack run."""
    return isinstance(model, str | Path) and (Path(model) / RESULT).is_file()


def attacked_models(
    model: str | Path | nn.Module | OpenedModel, reference: str | Path | nn.Module | OpenedModel | None
) -> AttackedModels:
    """Every model of a lock run's directory; else the model, and the reference if one is given."""
    if isinstance(model, str | Path) and is_run(model):
        return _lock_run(Path(model), reference)
    both = [model] if reference is None else [model, reference]
    opened = tuple(one if isinstance(one, OpenedModel) else open_model(one) for one in both)
    shapes = {one.shape for one in opened}
    if len(shapes) > 1:
        raise ConfigurationError(
            f"the model takes images of channels x height x width {opened[0].shape}, its reference {opened[-1].shape}; "
            "both must be given the same images, so say which with --size, or choose another reference"
        )
    defended = tuple(Defended(role, one.name, (one.module,)) for role, one in zip(ROLES, opened, strict=False))
    reading = next((one.framing for one in opened if one.framing is not None), opened[0].reading)
    return AttackedModels(defended, opened[0].shape, reading, {}, opened, signature=opened[0].signature)


def identified(models: AttackedModels, shape: Shape) -> AttackedModels:
    """The models with their identities, which take opened ones to be run on images of that shape."""
    if not models.opened:
        return models
    known = [identify(one, shape) for one in models.opened]
    defended = tuple(
        replace(one, architecture=own.architecture) for one, own in zip(models.defended, known, strict=True)
    )
    return replace(models, defended=defended, identity=run_identity(dict(zip(NAMES, known, strict=False))))


def with_heads(models: AttackedModels, shape: Shape) -> AttackedModels:
    """Models of unknown image size as attackers take them; looked at with images of that shape, the first target's."""
    if models.shape is not None or models.lock is not None:
        return models
    opened = tuple(with_head(one, shape) for one in models.opened)
    defended = tuple(replace(d, models=(one.module,)) for d, one in zip(models.defended, opened, strict=True))
    return replace(models, opened=opened, defended=defended)


def image_framing(model: str | Path | OpenedModel) -> Framing | None:
    """How data are opened for an attack on a model, or on both of a lock run's directory; None where nobody says."""
    if isinstance(model, OpenedModel):
        return model.reading
    if is_run(model):
        return _framing_of(load_blueprint(Path(model) / BLUEPRINT).signature)
    return open_model(model).reading


def takes_signals(model: str | Path | OpenedModel) -> bool:
    """Whether the model, or those of a lock run's directory, take signals, as far as anybody says."""
    if isinstance(model, OpenedModel):
        return model.takes_signals
    if is_run(model):
        return load_blueprint(Path(model) / BLUEPRINT).signature.form == "signal"
    return takes_signals(open_model(model))


def opened_task(models: AttackedModels, data: Task | str | Path, *, name: str | None = None, seed: int) -> Task:
    """The data that a text or path names (see ``open_task``) at the size that the models take; a task as it is."""
    if isinstance(data, Task):
        return data
    signals = models.signature is not None and models.signature.form == "signal"
    return open_task(str(data), image_size=models.reading, signals=signals, name=name, seed=seed)


def prepared_targets(models: AttackedModels, targets: Sequence[Task]) -> dict[str, Task]:
    """The targets by name, with images as the models take them; UnsupportedError for what an opened model cannot take.

    Names must differ, and there must be at least one target (ConfigurationError).
    """
    if not targets:
        raise ConfigurationError("an attack needs at least one target; name one with --target")
    prepared = {task.name: _fitting(models, task) for task in targets}
    if len(prepared) < len(targets):
        raise ConfigurationError(f"targets must have different names; got {', '.join(task.name for task in targets)}")
    for opened in models.opened:
        for task in prepared.values():
            _check_fits(opened, task)
    return prepared


def model_records(
    models: AttackedModels, shape: Shape, source_scores: Sequence[tuple[float, float]], answers: Sequence[str] = ()
) -> tuple[ModelRecord, ...]:
    """What a report says of the models. ``source_scores``: (validation, test) of each opened one; empty if unknown.

    ``answers`` are the classes that they answer whatever they see (:func:`only_answers`).
    """
    if models.lock is not None:
        return models.lock.models
    scores = [*source_scores, *([None] * len(models.opened))]
    only = [*answers, *([""] * len(models.opened))]
    return tuple(
        replace(_model_record(role, opened, shape, score), only_answer=answer)
        for role, opened, score, answer in zip(ROLES, models.opened, scores, only, strict=False)
    )


def check_source(models: AttackedModels, source: Task) -> None:
    """A source that the models were not trained for, as far as their outputs tell, raises ConfigurationError."""
    if models.lock is not None:
        raise ConfigurationError(f"{models.home} is a lock run and knows its source; leave out --source")
    _check_classes(models, _fitting(models, source), "--source the data it was trained for")


def more_of_source(models: AttackedModels, more: Task) -> Task:
    """Further images of the models' own task, as the models take them; ConfigurationError if the classes do not fit."""
    fitting = _fitting(models, more)
    _check_classes(models, fitting, "--more images of the classes it was trained for")
    if models.lock is not None and models.lock.source.classes != more.classes:
        raise ConfigurationError(
            f"the classes of {more.name!r} are not those of the source of {models.home}, in the same order: got "
            f"{', '.join(more.classes[:5])}, expected {', '.join(models.lock.source.classes[:5])}"
        )
    return fitting


def _check_classes(models: AttackedModels, task: Task, wanted: str) -> None:
    """As many classes as the models have outputs, else ConfigurationError."""
    image = batch_of(task.train.take([0])).images
    names = [one.name for one in models.opened] or [one.architecture for one in models.defended]
    for name, one in zip(names, models.defended, strict=True):
        with torch.no_grad():
            outputs = one.models[0](image).shape[1]
        if outputs != task.outputs:
            raise ConfigurationError(
                f"{name} has {outputs} outputs, but {task.name!r} has {task.outputs} classes; give as "
                f"{wanted}, with its classes in the order of the outputs, or leave it out"
            )


def source_scores(models: AttackedModels, source: Task, *, device: str) -> list[tuple[float, float]]:
    """Scores of the opened models, as they are, on validation and test split of the task they were trained for.

    Classes must come in the order of the models' outputs.
    """
    task, found = _fitting(models, source), []
    for opened in models.opened:
        validation, test = (evaluate_copy(opened.module, s, device=device) for s in (task.validation, task.test))
        found.append((validation, test))
    return found


def only_answers(models: AttackedModels, source: Task, *, device: str) -> list[str]:
    """For each opened model the class that it answers for every test image of its source; empty where several."""
    task = _fitting(models, source)
    found = [only_answer(opened.module, task.test, device=device) for opened in models.opened]
    return ["" if answer is None else task.classes[answer] for answer in found]


def in_common(models: AttackedModels, source: Task | None, targets: Mapping[str, Task]) -> dict[str, Attacked]:
    """The targets with what they share with the models' source and with each other, as far as that is at hand."""
    found = doubles(None if source is None else _fitting(models, source), targets)
    known = "" if models.lock is None else models.lock.source.fingerprint
    return {
        name: Attacked(
            targets[name], in_common=shared, same_as="source" if targets[name].fingerprint == known else same
        )
        for name, (shared, same) in found.items()
    }


def source_record(models: AttackedModels) -> TaskRecord | None:
    """The source of a lock run."""
    return None if models.lock is None else models.lock.source


def image_limits(models: AttackedModels, targets: Mapping[str, Task]) -> tuple[str, ...]:
    """What the size of the images keeps an attack from showing: of targets that were enlarged, or taken as read."""
    found = enlargements(targets)
    if models.shape is not None:
        return found
    sizes = ", ".join(
        f"{name} at {task.shape[1]} x {task.shape[2]}"
        + (f" (stored with {task.stored_side})" if (task.stored_side or task.side) > task.side else "")
        for name, task in targets.items()
    )
    return (
        *found,
        f"Nobody said which size of images the model takes, so targets were taken as they were read: {sizes}. At "
        "another size it may give more; say which with --size, or open_model(model, size=(height, width)).",
    )


def released_models(run: Path, record: LockRecord) -> dict[Role, Defended]:
    """The trained models of a lock run, one per source training, by role."""
    found: dict[Role, Defended] = {}
    for model in record.models:
        blueprint = load_blueprint(run / REFERENCE / f"{model.role}.json")
        files = (run / REFERENCE).glob(f"{model.role}-*.safetensors")
        weights = sorted(files, key=lambda path: (len(path.name), path.name))  # by number: 2 before 10
        models = tuple(load_weights(build_blueprint(blueprint), path).eval() for path in weights)
        if not models:
            raise RunError(f"{run / REFERENCE} holds no weights of the {model.role} model; repeat the lock command")
        found[model.role] = Defended(model.role, model.architecture, models, model.diverged)
    return found


def _fitting(models: AttackedModels, task: Task) -> Task:
    """The task with images as the models take them."""
    if models.shape is None:
        return task
    said = next((one.framing for one in models.opened if one.framing is not None), None)
    if models.signature is not None:
        return conform_to(task, replace(models.signature, shape=models.shape), framing=said)
    return conform(task, models.shape, framing=said)


def _framing_of(signature: Signature) -> Framing | None:
    """Signals have none."""
    return None if signature.form == "signal" else Framing(*signature.shape[1:])


def _lock_run(run: Path, reference: object) -> AttackedModels:
    record = from_json(run / RESULT)
    if not isinstance(record, LockRecord):
        raise RunError(f"{run} holds an attack, not a lock; give the directory of the lock run that it attacked")
    if reference is not None:
        raise ConfigurationError(f"{run} is a lock run and brings its own reference; leave out --reference")
    defended = tuple(released_models(run, record).values())
    signature = load_blueprint(run / BLUEPRINT).signature
    return AttackedModels(
        defended,
        signature.shape,
        _framing_of(signature),
        {"run": record.created},
        lock=record,
        home=run,
        signature=signature,
    )


def _model_record(role: Role, opened: OpenedModel, shape: Shape, score: tuple[float, float] | None) -> ModelRecord:
    blueprint = opened.blueprint
    architecture = None if blueprint is None else blueprint.architecture
    return ModelRecord(
        role=role,
        space=architecture.space if architecture else "",
        code=architecture.code if architecture else opened.name,
        official_string=SPACES[architecture.space].official_string(architecture) if architecture else "",
        parameters=count_parameters(opened.module),
        multiply_adds=count_flops(opened.module, shape) // 2,
        width=blueprint.width if blueprint else 0,
        depth=blueprint.depth if blueprint else 0,
        source_validation=() if score is None else (score[0],),
        source_test=() if score is None else (score[1],),
        origin=opened.origin,
    )


def _check_fits(opened: OpenedModel, task: Task) -> None:
    try:
        check_fits(opened.module, task)
    except ArchLockError as error:
        raise UnsupportedError(f"{opened.name} cannot be attacked on {task.name!r}: {error}") from error
    except Exception as error:  # a stranger's module may raise anything on images that it does not know
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnsupportedError(
            f"{opened.name} cannot take the images of {task.name!r}, channels x height x width {task.shape} "
            f"({reason}); say which it takes with --size and --channels"
        ) from error
