"""What a finished run leaves in its directory: models, architecture, card, ONNX, result and report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from archlock.extras import absent, install_line
from archlock.models import save_weights
from archlock.recipes.export import export_onnx, save_blueprint
from archlock.recipes.workspace import CARD, REFERENCE, REPORT, RESULT
from archlock.records import write_atomic
from archlock.reports import FileRecord, LockRecord, Role, render_card, render_html, to_json

if TYPE_CHECKING:
    from archlock.recipes.lock.release import Released

ONNX = "locked.onnx"
PLAIN_REFERENCE = Path(REFERENCE) / "plain"
"""Where the plainly trained are, of networks that were trained on."""
FILES = (
    FileRecord(path="locked.safetensors", what="weights of the locked model"),
    FileRecord(path="architecture.json", what="what to build them into"),
    FileRecord(path=ONNX, what="the same model for other runtimes"),
    FileRecord(path="reference", what="the other models, for comparison, and every training seed of all"),
    FileRecord(path=CARD, what="model card"),
    FileRecord(path=RESULT, what="every number of the report"),
    FileRecord(path="evidence.sqlite", what="every measurement that was made"),
)


def left_files() -> tuple[FileRecord, ...]:
    """What a run leaves; without the extra ``onnx``, the ONNX file is not among it."""
    return tuple(file for file in FILES if file.path != ONNX or not absent("onnx"))


def left_out() -> tuple[str, ...]:
    """What a report says of a file that could not be written."""
    missing = absent("onnx")
    if not missing:
        return ()
    return (
        f"The ONNX file was left out: it needs {' and '.join(missing)}. Run {install_line('onnx')}, then the same "
        "command again: it trains nothing anew and writes the file.",
    )


def will_be_left_out() -> tuple[str, ...]:
    """The same before the work."""
    missing = absent("onnx")
    return (
        (f"{ONNX} will be left out: it needs {' and '.join(missing)}; run: {install_line('onnx')}",) if missing else ()
    )


def write_models(folder: Path, every: "Mapping[Role, Released]") -> None:
    """Write the locked model in all its forms, and, as reference, every training of it and of the other models."""
    locked = every["locked"]
    save_blueprint(locked.blueprint, folder / "architecture.json")
    save_weights(locked.models[0], folder / "locked.safetensors")
    if not absent("onnx"):
        export_onnx(locked.models[0], locked.blueprint.signature.shape, folder / ONNX)
    write_reference(folder / REFERENCE, every)


def write_reference(folder: Path, every: "Mapping[Role, Released]") -> None:
    """Write every training of every model, and what each is built from, into a folder."""
    for role, released in every.items():
        save_blueprint(released.blueprint, folder / f"{role}.json")
        for number, model in zip(released.numbers, released.models, strict=True):
            save_weights(model, folder / f"{role}-{number}.safetensors")


def write_pages(folder: Path, record: LockRecord) -> Path:
    """Write the result, the model card and the report; returns the path of the report."""
    to_json(folder / RESULT, record)
    write_atomic(folder / CARD, render_card(record))
    return write_atomic(folder / REPORT, render_html(record))
