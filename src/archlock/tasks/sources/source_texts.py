"""The texts that name data on the command line, taken apart: ``hf:cifar100?label=fine_label&name=fine``.

What stands before the question mark names the data, what stands behind it says how they are read. All sources have the
option ``name``, under which the task stands in reports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from archlock.errors import ConfigurationError
from archlock.tasks.generated import RECIPES
from archlock.tasks.generated.recipe import Recipe
from archlock.tasks.sources.axes import LAYOUTS
from archlock.tasks.sources.class_names import shown
from archlock.tasks.sources.hugging_face import PREFIX
from archlock.tasks.sources.measured import SIGNAL_LAYOUTS

Source = Literal["digits", "folder", "archive", "hugging_face", "recipe", "unknown"]

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
    "recipe": {},
    "unknown": {},
}
"""Options of each kind of source, and what they say; ``name`` is one of all. Every recipe has its own."""

NAME: Final = "name"


@dataclass(frozen=True, slots=True)
class SourceText:
    """A text that names data; born valid (else ConfigurationError): options are those that its source knows."""

    place: str
    """What stands before the question mark."""
    options: Mapping[str, str]

    def __post_init__(self) -> None:
        known, recipe = OPTIONS[self.source], self.recipe
        if recipe is not None:
            base = self.base
            known = {**recipe.options, **({} if base is None else dict.fromkeys(base.options, ""))}
            recipe.check(self.argument, self.options)
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
    def text(self) -> str:
        """The whole of it again."""
        said = "&".join(f"{option}={value}" for option, value in self.options.items())
        return f"{self.place}?{said}" if said else self.place

    @property
    def recipe(self) -> Recipe | None:
        """The recipe by which the data are made, if they are."""
        name, colon, _ = self.place.partition(":")
        return RECIPES[name] if colon and name in RECIPES else None

    @property
    def argument(self) -> str:
        """What stands behind the name of a recipe."""
        return self.place.partition(":")[2]

    @property
    def base(self) -> "SourceText | None":
        """The text of the data that a recipe makes others of, with the options that are not its own."""
        recipe = self.recipe
        if recipe is None or not recipe.based:
            return None
        if not self.argument:
            raise ConfigurationError(f"{self.place} names no data; write them behind it, as in {recipe.example}")
        rest = {option: value for option, value in self.options.items() if option not in (*recipe.options, NAME)}
        return SourceText(self.argument, rest)

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
        if self.recipe is not None:
            return "recipe"
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
        if self.recipe is not None:
            return f"{self.recipe.name}-{self.argument if self.base is None else self.base.name}"
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
    if text.recipe is not None:
        own = tuple(f"{option}-{text.options[option]}" for option in text.recipe.options if option in text.options)
        return (*(() if text.base is None else _parts(text.base)[:-1]), *own, text.name)
    if text.source in ("folder", "archive"):
        path = text.path.resolve()
        return (*path.parts[:-1], path.stem if text.source == "archive" else path.name)
    return tuple(text.place.removeprefix(PREFIX).split("/"))
