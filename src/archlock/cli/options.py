"""Options that several commands share, each written once."""

import json
import logging
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import typer
from rich.console import Console

if TYPE_CHECKING:
    from archlock.reports import Role

DATA = (
    "digits, a folder of images (one subfolder per class), a .npz file, hf:NAME of a Hugging Face data set, or a "
    "recipe such as darcy:43 (archlock tasks list); options behind a question mark, as in "
    "'hf:NAME?label=fine_label&test=validation' (docs/how-to/own-data.md has them)"
)

MODEL = (
    "Directory of a finished lock run, a folder of one of our models, a Hugging Face folder, hf:NAME from the local "
    "cache (nothing is downloaded), or a file of weights with --module"
)

FILES = "Weights (.safetensors, .pt, .pth)"

SPACE = "nasbench201, transnas101_micro, transnas101_macro, mobilenet_macro, sizes or locking_macro"

Space = Annotated[str, typer.Option(help=f"{SPACE}.")]
Seed = Annotated[int, typer.Option(help="Root seed: same seed and settings, same answer.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto (a CUDA GPU where there is one).")]
Workers = Annotated[int | None, typer.Option(help="Worker processes; default: one per processor, 1 on a GPU.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on the standard output, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
ImageSize = Annotated[
    int | None, typer.Option(help="Height and width to bring images to; default: worked out from the data, at most 64.")
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave unreadable images out (counted and listed) instead of stopping.")
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        help="Folder for decoded images of data that are too large for memory (more than 256 MiB); default: "
        "~/.cache/archlock/images.",
    ),
]
ScoreName = Annotated[
    Literal["accuracy", "balanced_accuracy", "macro_f1"],
    typer.Option(
        "--score",
        help="How answers are scored where there are classes: accuracy, balanced_accuracy (mean share of right answers "
        "of each class) or macro_f1.",
    ),
]
ByGroup = Annotated[
    bool,
    typer.Option(
        "--by-group",
        help="Score one answer for each group (recording, patient), the class that most of its examples get; for data "
        "with groups (FILE.npz?group=NAME).",
    ),
]
Signals = Annotated[
    bool,
    typer.Option(
        "--signals",
        help="The arrays of a .npz file are signals, N x C x L (channels, length) or N x L, not images. Not needed "
        "where they are called signal_train and the like.",
    ),
]
Module = Annotated[
    str | None,
    typer.Option(help=f"{FILES}: what builds their module, as package.module:callable. It is your code, and is run."),
]
ModuleArgs = Annotated[str | None, typer.Option(help="Keyword arguments for --module, as a JSON object.")]
Size = Annotated[
    str | None,
    typer.Option(help="Height and width of the model's images, as in 224,224, where the checkpoint does not say."),
]
Channels = Annotated[
    int | None, typer.Option(min=1, help="Channels of the model's images. Default: those of the first convolution.")
]
ReaderName = Annotated[str, typer.Option(help="Who reads: windowed_trees, or recurrent (the published attack's).")]
RecordingsIn = Annotated[
    Path | None,
    typer.Option(help="Folder of the recordings of random networks. Default: the user's cache, by machine."),
]
Attackers = Annotated[
    list[str] | None,
    typer.Option(
        "--attacker",
        help="An attacker such as surgery, or all, instead of the panel's (docs/how-to/attack.md has them); may be "
        "repeated.",
    ),
]
PanelName = Annotated[
    str,
    typer.Option(
        "--panel",
        help="Who attacks: naive (what a tutorial does: no verdict), informed (who know what hinders fine-tuning), "
        "patient (the same, up to 16 times as long, until they stop improving), all (every attacker, patient).",
    ),
]
NormName = Annotated[
    Literal["linf", "l2"],
    typer.Option(help="linf: no value changes by more than epsilon. l2: the root of the sum of squared changes."),
]
Queries = Annotated[int, typer.Option(min=1, help="Answers that square may ask for, for one image.")]
AttackSeeds = Annotated[int, typer.Option(min=1, help="Repetitions of every attack, each with other random numbers.")]
Fractions = Annotated[
    str, typer.Option(help="Shares of the target data the attackers get, in percent; none: only --shots of each class.")
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, help="Settings that each attacker tries (rate, optimiser); default: its own sweep."),
]
Horizons = Annotated[
    str,
    typer.Option(
        help="The longest trainings, in multiples of the usual, as in 1,4: doubled as long as it pays. Default: the "
        "panel's."
    ),
]
Shots = Annotated[str, typer.Option(help="Examples of each class that attackers get, beside the shares: 1,10.")]
Curves = Annotated[
    bool,
    typer.Option(
        "--curves",
        help="Watch the attackers train, so that the report says what an attack costs (steps, "
        "operations, time). About a third more work; a search by --trials is watched always.",
    ),
]
Runtime = Annotated[
    Literal["onnx", "torch"] | None,
    typer.Option(
        help="What runs the model where its latency is taken: onnx (ONNX Runtime, the extra deploy) or torch. Default: "
        "onnx where it is installed."
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(help="Evidence store to share between runs; default: evidence.sqlite in the run directory."),
]


def stderr() -> Console:
    """Where progress and remarks go, so that the standard output is the result alone.

    Remarks on data are shown from here on, also where progress is not.
    """
    noticed = logging.getLogger("archlock.tasks")
    if not any(isinstance(handler, _Remarks) for handler in noticed.handlers):
        noticed.addHandler(_Remarks())
    return Console(stderr=True)


class _Remarks(logging.Handler):
    """Shows what is noticed about data on the standard error stream, whichever that is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        typer.echo(f"note: {record.getMessage()}", err=True)


def warn(lines: Iterable[str]) -> None:
    """Warnings on the standard error stream, with ``--quiet`` and ``--json`` too: no number is read without them."""
    for line in lines:
        typer.echo(f"warning: {line}", err=True)


class AttackersAsked(TypedDict):
    """Who attacks and how hard, by the names that the settings of a lock and of an attack share."""

    panel: str
    attackers: tuple[str, ...]
    fractions: tuple[float, ...]
    trials: int | None
    horizons: tuple[float, ...]
    shots: tuple[int, ...]
    curves: bool


def attackers_asked(
    panel: str, attacker: list[str] | None, fractions: str, trials: int | None, horizons: str, shots: str, curves: bool
) -> AttackersAsked:
    """What the options of the attackers say; one that is not understood raises ConfigurationError."""
    from archlock.attacks import ATTACKS

    return {
        "panel": panel,
        "attackers": tuple(ATTACKS) if attacker == ["all"] else tuple(attacker or ()),
        "fractions": percentages(fractions),
        "trials": trials,
        "horizons": multiples(horizons) if horizons else (),
        "shots": counts(shots),
        "curves": curves,
    }


def arms_named(text: str) -> "tuple[Role, ...]":
    """``random,same_size`` as a tuple, ``none`` as an empty one; anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError
    from archlock.reports import ARMS

    parts = [] if text == "none" else text.split(",")
    unknown = [part for part in parts if part not in ARMS]
    if unknown:
        raise ConfigurationError(
            f"arms {text!r} are not understood; write {', '.join(ARMS)}, several with commas, or none"
        )
    return tuple(role for role in ARMS if role in parts)


def percentages(text: str) -> tuple[float, ...]:
    """``10,100`` as (0.1, 1.0), ``none`` as an empty tuple; anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    if text == "none":
        return ()
    try:
        found = tuple(sorted(float(part) / 100 for part in text.split(",")))
    except ValueError:
        found = ()
    if not found or not all(0 < share <= 1 for share in found):
        raise ConfigurationError(
            f"fractions {text!r} are not understood; write percentages in (0, 100], for example 10,100, or none"
        )
    return found


def sides(text: str) -> tuple[int, int]:
    """``224,160`` as (height, width), ``224`` as a square; anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    parts = text.split(",")
    if len(parts) > 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ConfigurationError(f"size {text!r} is not understood; write height,width in pixels, for example 224,224")
    return int(parts[0]), int(parts[-1])


def keyword_arguments(text: str | None) -> dict[str, Any]:
    """A JSON object as keyword arguments; None is none. Anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"module arguments {text!r} are not understood; write a JSON object, for example '{{\"num_classes\": 10}}'"
        )
    return found


def multiples(text: str, *, name: str = "horizons", example: str = "1,4") -> tuple[float, ...]:
    """``1,4`` as (1.0, 4.0); anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    try:
        found = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        found = ()
    if not found or not all(0 < length < math.inf for length in found):
        raise ConfigurationError(f"{name} {text!r} are not understood; write numbers above 0, for example {example}")
    return found


def counts(text: str) -> tuple[int, ...]:
    """``1,10`` as (1, 10), nothing as (); anything else raises ConfigurationError."""
    from archlock.errors import ConfigurationError

    try:
        found = tuple(sorted({int(part) for part in text.split(",")})) if text else ()
    except ValueError:
        found = (0,)
    if not all(count > 0 for count in found):
        raise ConfigurationError(f"shots {text!r} are not understood; write whole numbers above 0, for example 1,10")
    return found
