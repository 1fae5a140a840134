"""Whether what a file says can be: percentages outside 0 to 100 are refused, what looks odd is told.

Not here: what is no number at all (``sheets``), and which architectures lack values (``gaps``).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import TableError
from archlock.tables.table import RecordedColumn

ODD: Final = "Warning: "
"""How a note begins that a reader should not miss."""
_PERCENT: Final = ("%", "percent", "pct")
_LESS: Final = frozenset(["error", "errors", "err", "loss", "losses", "nll", "perplexity", "ppl", "mse", "rmse", "mae"])
_PERCENTAGES: Final = frozenset(["acc", "accuracy", "top1", "top5"])
_MORE: Final = frozenset(["acc", "accuracy", "accuracies", "top1", "top5", "ssim", "miou", "iou", "auc", "r2"])
_TURNED: Final = frozenset(["neg", "negative", "negated", "minus", "inverse"])
_SHARE: Final = 0.5
"""Share of the values up to 1 that, taken as fractions, lie among the others."""


def refuse_impossible(
    column: RecordedColumn,
    values: Float[np.ndarray, " rows"],
    *,
    source: str,
    file: str,
    codes: Sequence[str],
) -> None:
    """Quality in percent lies between 0 and 100; anything else raises TableError, which names the row.

    ``values`` are in the order of the rows of the first file, whose first is row 2; ``codes`` are their architectures.
    """
    if column.role in ("proxy", "cost") or column.unit.casefold() not in _PERCENT:
        return
    wrong = np.flatnonzero((values < 0) | (values > 100))
    if len(wrong):
        row = int(wrong[0])
        more = f" (and {len(wrong) - 1} more rows)" if len(wrong) > 1 else ""
        raise TableError(
            f"{file}, row {row + 2}: {source} of architecture {codes[row]} is {values[row]:g} {column.unit}, expected "
            f"0 to 100{more}; leave the cell of a failed training empty, and give another unit if it is no percentage"
        )


def oddities(column: RecordedColumn, values: Float[np.ndarray, " rows"], source: str) -> Iterator[str]:
    """What a reader should be told of a column, in sentences."""
    if column.role in ("proxy", "cost"):
        return
    there = values[~np.isnan(values)]
    yield from _of_direction(column, source)
    if not len(there):
        yield f"{ODD}{source} has no values."
        return
    if len(there) > 1 and there.min() == there.max():
        yield f"{ODD}{source} is {there[0]:g} for every architecture, so nothing can be chosen by it."
    if (there == -1).any() and (there[there != -1] >= 0).all():
        yield (
            f"{ODD}{source} is -1 in {int((there == -1).sum())} rows and never below 0 elsewhere; if -1 stands for a "
            "failed training, leave these cells empty."
        )
    if not column.unit and _words(column, source) & _PERCENTAGES and (there.min() < 0 or there.max() > 100):
        yield f"{ODD}{source} goes from {there.min():g} to {there.max():g}, which no accuracy does."
    yield from _of_fractions(column, there, source)


def _words(column: RecordedColumn, source: str) -> set[str]:
    """What a column is called, word by word."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", f"{source} {column.metric}")
    return set(re.findall(r"[a-z]+\d*", apart.lower()))


def _of_direction(column: RecordedColumn, source: str) -> Iterator[str]:
    words = _words(column, source)
    if words & _TURNED:
        return
    if column.higher_is_better and words & _LESS:
        yield (
            f"{ODD}{source} is taken as the higher the better, though it is called {min(words & _LESS)}; if less is "
            f"better, import it as {column.task}={source}:lower."
        )
    if not column.higher_is_better and words & _MORE and not words & _LESS:
        yield (
            f"{ODD}{source} is taken as the lower the better, though it is called {min(words & _MORE)}; if more is "
            "better, leave out :lower."
        )


def _of_fractions(column: RecordedColumn, there: Float[np.ndarray, " values"], source: str) -> Iterator[str]:
    """Fractions among percentages, or all fractions where percent is said."""
    small, large = there[(there > 0) & (there <= 1)], there[there > 1]
    percent = column.unit.casefold() in _PERCENT
    if percent and len(small) == len(there):
        yield f"{ODD}all values of {source} lie between 0 and 1, though its unit is {column.unit}: are they fractions?"
    if len(small) and len(large) and there.min() >= 0 and there.max() <= 100:
        among = np.mean((100 * small >= large.min()) & (100 * small <= large.max()))
        if among >= _SHARE:
            yield (
                f"{ODD}{source} seems to mix fractions and percentages: {len(small)} values lie between 0 and 1, "
                f"{len(large)} between {large.min():g} and {large.max():g}."
            )
