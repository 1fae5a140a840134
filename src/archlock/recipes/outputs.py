"""What a finished run leaves in its directory: model, architecture, card, ONNX, result and report."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from torch import nn

import archlock
from archlock.models import count_flops, count_parameters, save_weights
from archlock.recipes.export import Blueprint, export_onnx, save_blueprint
from archlock.recipes.workspace import CARD, REPORT, RESULT
from archlock.records import write_atomic
from archlock.reports import (
    FileRecord,
    LockRecord,
    ModelRecord,
    Role,
    TargetRecord,
    TaskRecord,
    render_card,
    render_html,
    to_json,
)
from archlock.spaces import SPACES
from archlock.tasks import Task

FILES = (
    FileRecord(path="locked.safetensors", what="weights of the locked model"),
    FileRecord(path="architecture.json", what="what to build them into"),
    FileRecord(path="locked.onnx", what="the same model for other runtimes"),
    FileRecord(path="source_only.safetensors", what="weights of the source-only model, for comparison"),
    FileRecord(path=CARD, what="model card"),
    FileRecord(path=RESULT, what="every number of the report"),
    FileRecord(path="evidence.sqlite", what="every measurement that was made"),
)


def write_models(folder: Path, blueprint: Blueprint, locked: nn.Module, source_only: nn.Module) -> None:
    """Write the released model in all its forms, and the weights of the model it is compared with."""
    save_blueprint(blueprint, folder / "architecture.json")
    save_weights(locked, folder / "locked.safetensors")
    save_weights(source_only, folder / "source_only.safetensors")
    export_onnx(locked, blueprint.signature.shape, folder / "locked.onnx")


def write_pages(folder: Path, record: LockRecord) -> Path:
    """Write the result, the model card and the report; returns the path of the report."""
    to_json(folder / RESULT, record)
    write_atomic(folder / CARD, render_card(record))
    return write_atomic(folder / REPORT, render_html(record))


def task_record(task: Task) -> TaskRecord:
    """What a report says of the source."""
    return TaskRecord(
        name=task.name,
        origin=task.origin,
        fingerprint=task.fingerprint,
        kind=task.kind,
        classes=task.classes,
        shape=task.shape,
        examples={name: len(getattr(task, name)) for name in ("train", "validation", "test")},
        class_balance=task.class_balance,
        skipped=len(task.skipped),
    )


def target_record(name: str, task: Task, *, seen_by_search: bool, simulated: bool) -> TargetRecord:
    """What a report says of a target."""
    return TargetRecord(
        name=name,
        origin=task.origin,
        kind=task.kind,
        classes=len(task.classes),
        chance=task.chance,
        examples=len(task.train),
        seen_by_search=seen_by_search,
        simulated=simulated,
        fingerprint=task.fingerprint,
    )


def model_record(
    role: Role,
    blueprint: Blueprint,
    model: nn.Module,
    *,
    validation: tuple[float, ...],
    test: tuple[float, ...],
    percentile: float | None,
    seconds: float,
) -> ModelRecord:
    """What a report says of a trained model."""
    architecture = blueprint.architecture
    return ModelRecord(
        role=role,
        space=architecture.space,
        code=architecture.code,
        official_string=SPACES[architecture.space].official_string(architecture),
        parameters=count_parameters(model),
        multiply_adds=count_flops(model, blueprint.signature.shape) // 2,
        width=blueprint.width,
        depth=blueprint.depth,
        source_validation=validation,
        source_test=test,
        source_percentile=percentile,
        seconds=seconds,
    )


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    found = {"archlock": archlock.__version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # pragma: no cover  (a package without metadata)
            continue
    return found
