"""The texts that name data on the command line, taken apart: ``hf:cifar100?label=fine_label&name=fine``.

What stands before the question mark names the data, what stands behind it says how they are read. All sources have the
option ``name``, under which the task stands in reports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archlock.errors import ConfigurationError
from archlock.tasks.sources.axes import LAYOUTS
from archlock.tasks.sources.class_names import shown
from archlock.tasks.sources.hugging_face import PREFIX
from archlock.tasks.sources.measured import SIGNAL_LAYOUTS

Source = Literal["digits", "folder", "archive", "hugging_face", "unknown"]

DIGITS: Final = "digits"
SURELY_DIGITS: Final = "sklearn:digits"

OPTIONS: Final[Mapping[Source, Mapping[str, str]]] = {
    "hugging_face": {
        "image": "column of the images",
        "label": "column of the labels",
        "config": "configuration of the data set",
        "train": "split to train on",
        "validation": "split to decide by, or none: one is made of train",
        "test": "split to report on, or none: one is made of train",
    },
    "folder": {"splits": "none: every subfolder is a class, whatever it is called"},
    "archive": {
        "layout": f"axes of the images: {', '.join(LAYOUTS)}; or of signals: {', '.join(SIGNAL_LAYOUTS)}",
        "values": "measured: the values of images are no levels of 0 to 255",
        "label": "arrays of the labels: NAME of NAME_train and the like",
        "group": "arrays of the groups (recordings, patients) that no split cuts: NAME of NAME_train and the like",
    },
    "digits": {},
    "unknown": {},
}
"""Options of each kind of source, and what they say; ``name`` is one of all."""

NAME: Final = "name"


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text that names data; born valid (else ConfigurationError): options are those that its source knows."""

    place: str
    """What stands before the question mark."""
    options: Mapping[str, str]

    def __post_init__(self) -> None:
        known = OPTIONS[self.source]
        for option, value in self.options.items():
            if option not in known and option != NAME:
                listed = "".join(f"{name} ({words}), " for name, words in known.items())
                raise ConfigurationError(
                    f"{shown(self.place)} has no option {option!r}; expected {listed}{NAME} (of the task in reports)"
                )
            if not value or (
                option == NAME and (len(value) > 200 or set(value) & set("/\\\0") or shown(value) != value)
            ):
                raise ConfigurationError(
                    f"{shown(self.place)}: {option}={shown(value)!r} is not possible; give another"
                )
        if self.options.get("splits", "none") != "none":
            raise ConfigurationError(
                f"{shown(self.place)}: splits={self.options['splits']!r} is not known; expected splits=none, or nothing"
            )

    @classmethod
    def parsed(cls, text: str) -> "SourceText":
        """The text taken apart; a path that is there is a path, whatever letters it has."""
        place, mark, query = text.rpartition("?")
        if not mark or "=" not in query or Path(text).exists():
            return cls(text, {})
        pairs = [piece.partition("=") for piece in query.split("&")]
        wrong = [name for name, equals, _ in pairs if not equals]
        names = [name for name, _, _ in pairs]
        if wrong or len(set(names)) < len(names):
            raise ConfigurationError(
                f"the options {query!r} of {place!r} are not understood; write them as in "
                f"'{place}?OPTION=VALUE&OPTION=VALUE', each once"
            )
        return cls(place, {name: value for name, _, value in pairs})

    @property
    def path(self) -> Path:
        """The file or folder that the text names (for a Hugging Face data set: that would have its name)."""
        text = self.place.removeprefix(PREFIX)
        return Path(text).expanduser() if text.startswith("~/") else Path(text)

    @property
    def source(self) -> Source:
        """What kind of data it names."""
        if self.place.startswith(PREFIX):
            return "hugging_face"
        if self.place in (DIGITS, SURELY_DIGITS):
            return "digits"
        if self.place and self.path.is_dir():
            return "folder"
        return "archive" if self.path.suffix.lower() == ".npz" else "unknown"

    @property
    def name(self) -> str:
        """The name that the task gets by itself, or by its option."""
        if NAME in self.options or self.source == "digits":
            return self.options.get(NAME, DIGITS)
        if self.source == "archive":
            return shown(self.path.stem)
        return shown(self.path.resolve().name if self.source == "folder" else self.path.name)


def names_apart(texts: Sequence[str], *, beside: Sequence[str] = ()) -> dict[str, str]:
    """Another name for each text whose data would have the name of different data: it is told apart by its folders.

    ``a/photos`` and ``b/photos`` become ``a-photos`` and ``b-photos``. Names that were asked for, and those of the
    texts ``beside``, stay.
    """
    every = {text: SourceText.parsed(text) for text in (*texts, *beside)}
    parts = {text: _parts(one) for text, one in every.items()}
    found = {}
    for text in texts:
        own = parts[text]
        others = [parts[other] for other, one in every.items() if one.name == every[text].name and parts[other] != own]
        if not others or NAME in every[text].options:
            continue
        length = next((n for n in range(1, len(own)) if all(one[-n:] != own[-n:] for one in others)), len(own))
        found[text] = shown("-".join(own[-length:]).strip("/-"))
    return found


def _parts(text: SourceText) -> tuple[str, ...]:
    """What tells data from others: the folders on the way to it, and its name."""
    if text.source in ("folder", "archive"):
        path = text.path.resolve()
        return (*path.parts[:-1], path.stem if text.source == "archive" else path.name)
    return tuple(text.place.removeprefix(PREFIX).split("/"))
