"""Write the tables of docs/how-to/own-data.md: ``python docs/make_sources.py``. A test compares the two.

Every row is made by the code: the sample (``sample_data.py``) is opened, and what becomes of it, or the words in which
it is refused, is written down.
"""

import contextlib
import logging
import runpy
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from archlock.errors import ArchLockError
from archlock.tables import read_delimited
from archlock.tasks import Task, open_task
from archlock.tasks.sources.decoding import EXTENSIONS
from archlock.tasks.sources.hf_columns import LABEL_NAMES
from archlock.tasks.sources.npz_keys import CLASSES, PARTS
from archlock.tasks.sources.passed_over import LIKE_IMAGES
from archlock.tasks.sources.source_texts import OPTIONS
from archlock.tasks.sources.split_names import EVALUATION, FILLERS, WORDS

PAGE = Path(__file__).parent / "how-to" / "own-data.md"
BEGIN, END = "<!-- made by docs/make_sources.py -->", "<!-- end -->"


def tables() -> str:
    """One table for each kind of source."""
    found = runpy.run_path(str(Path(__file__).parent / "sample_data.py"))
    noticed = logging.getLogger("archlock.tasks")
    level = noticed.level
    noticed.setLevel(logging.ERROR)  # what would be told is in the tables
    kinds = {
        "Folders": ("FOLDERS", _of_task),
        "NumPy archives": ("ARCHIVES", _of_task),
        "Hugging Face data sets": ("HUGGING_FACE", _of_task),
        "Recorded tables": ("TABLES", _of_table),
    }
    parts = [_names(), _options()]
    parts += [f"### {title}\n\n{_table(found[name], open_)}" for title, (name, open_) in kinds.items()]
    noticed.setLevel(level)
    return "\n\n".join(parts)


def page(text: str) -> str:
    """The page with its tables made anew."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables()}\n\n{END}{tail}"


def _table(samples: Iterable[Any], opened: Callable[[str], tuple[str, str]]) -> str:
    lines = ["| data | what becomes of it | in which words |", "|---|---|---|"]
    for sample in samples:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            text = sample.make()
            try:
                outcome, words = opened(text)
            except ArchLockError as error:
                outcome, words = "refused", str(error)
        lines.append(f"| {sample.words} | {outcome} | {words.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def _names() -> str:
    """The words that are understood."""
    rows = [(f"split for {role}", words) for role, words in WORDS.items()]
    rows += [
        ("validation beside a test split, else test", EVALUATION),
        ("words that change nothing beside these", FILLERS),
    ]
    rows += [(f"{part} of an archive", words) for part, words in PARTS.items()]
    rows += [
        ("names of classes in an archive", CLASSES),
        ("labels of a Hugging Face data set, undeclared", LABEL_NAMES),
    ]
    rows += [("endings of images that are read", sorted(EXTENSIONS))]
    rows += [("endings of files that are counted and told", sorted(f".{ending}" for ending in LIKE_IMAGES))]
    lines = [f"| {meaning} | {', '.join(words)} |" for meaning, words in rows]
    return "\n".join(("### Names\n", "| meaning | words, in small or capital letters |", "|---|---|", *lines))


def _options() -> str:
    """The options of every kind of source."""
    forms = {"hugging_face": "`hf:NAME?`", "folder": "`FOLDER?`", "archive": "`FILE.npz?`"}
    lines = [
        f"| {form} | `{name}` | {words} |" for kind, form in forms.items() for name, words in OPTIONS[kind].items()
    ]
    lines.append("| all | `name` | name of the task in reports |")
    return "\n".join(("### Options\n", "| data | option | value |", "|---|---|---|", *lines))


def _of_task(text: str) -> tuple[str, str]:
    task = open_task(text)
    return f"{'told' if task.remarks else 'understood'}: {_in_short(task)}", "; ".join(task.remarks)


def _in_short(task: Task) -> str:
    channels, height, width = task.shape
    sizes = " + ".join(str(len(split)) for split in (task.train, task.validation, task.test))
    if task.form == "signal":
        size = f"{channels} {'channel' if channels == 1 else 'channels'} x {width} steps"
    else:
        size = f"{height} x {width} x {channels}"
    groups = "" if task.train.groups is None else ", no group in two splits"
    return f"{', '.join(task.classes)}; {sizes} {task.words} of {size}{groups}"


def _of_table(path: str) -> tuple[str, str]:
    columns = ["cifar10=top:unit=%", "cifar10@12=early:evidence:unit=%"]
    found = read_delimited(path, space="nasbench201", key="code", columns=columns)
    missing = int((found.values != found.values).sum())
    outcome = "told" if found.provenance.note else "understood"
    return f"{outcome}: {len(found.codes)} architectures, {missing} values missing", found.provenance.note


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
