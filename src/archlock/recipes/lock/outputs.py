"""What a finished run leaves in its directory: models, architecture, card, ONNX, result and report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archlock.models import save_weights
from archlock.recipes.export import export_onnx, save_blueprint
from archlock.recipes.workspace import CARD, REFERENCE, REPORT, RESULT
from archlock.records import write_atomic
from archlock.reports import FileRecord, LockRecord, Role, render_card, render_html, to_json

if TYPE_CHECKING:
    from archlock.recipes.lock.release import Released

FILES = (
    FileRecord(path="locked.safetensors", what="weights of the locked model"),
    FileRecord(path="architecture.json", what="what to build them into"),
    FileRecord(path="locked.onnx", what="the same model for other runtimes"),
    FileRecord(path="reference", what="the other models, for comparison, and every training seed of all"),
    FileRecord(path=CARD, what="model card"),
    FileRecord(path=RESULT, what="every number of the report"),
    FileRecord(path="evidence.sqlite", what="every measurement that was made"),
)


def write_models(folder: Path, every: "Mapping[Role, Released]") -> None:
    """Write the locked model in all its forms, and, as reference, every training of it and of the other models."""
    locked = every["locked"]
    save_blueprint(locked.blueprint, folder / "architecture.json")
    save_weights(locked.models[0], folder / "locked.safetensors")
    export_onnx(locked.models[0], locked.blueprint.signature.shape, folder / "locked.onnx")
    for role, released in every.items():
        save_blueprint(released.blueprint, folder / REFERENCE / f"{role}.json")
        for index, model in enumerate(released.models):
            save_weights(model, folder / REFERENCE / f"{role}-{index}.safetensors")


def write_pages(folder: Path, record: LockRecord) -> Path:
    """Write the result, the model card and the report; returns the path of the report."""
    to_json(folder / RESULT, record)
    write_atomic(folder / CARD, render_card(record))
    return write_atomic(folder / REPORT, render_html(record))
