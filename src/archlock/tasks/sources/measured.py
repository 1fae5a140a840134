"""Measured values of an archive: signals N x C x L, and images whose values are no levels of 0 to 255.

Whole numbers of 16 bits are kept as they are, everything else becomes single precision. What cannot be meant is
refused: text and letters by number (a one-hot code has a channel for each letter), signals of several lengths, values
that single precision does not hold.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.sources.split_names import Role

SignalLayout = Literal["NCL", "NLC"]
SIGNAL_LAYOUTS: Final[tuple[str, ...]] = get_args(SignalLayout)

MEASURED: Final = "measured"
"""What an archive, or an option, says of images whose values are not levels."""

MOST_LETTERS: Final = 26
"""Letters of an alphabet at most; amino acids are 20."""
TALL: Final = 4
"""A signal of so many more channels than steps is taken for one whose axes are the other way round."""
ROUGH: Final = 0.85
"""Neighbouring letters differ by at least this part of what letters of different sequences differ by."""
EXACT: Final = 2**24
"""Whole numbers below this are exact in single precision."""


def signals_of(array: np.ndarray, where: str, layout: str | None) -> np.ndarray:
    """Signals N x 1 x length x channels, of an array N x C x L, or N x L of one channel; ``layout`` NLC turns axes."""
    if array.dtype.kind in "US" or _letters_by_number(array):
        kind = "letters" if array.dtype.kind in "US" else "letters by number"
        raise TaskError(
            f"{where}: {kind} are no signal, since no letter is more than another; write them one-hot, N x letters x "
            "L, as numpy.eye(K)[array].swapaxes(1, 2) does (measured values that look like this: save them as float32)"
        )
    if array.ndim not in (2, 3) or 0 in array.shape[1:]:
        raise TaskError(f"{where}: expected signals N x C x L (channels, length) or N x L, got shape {array.shape}")
    if array.ndim == 2:
        array = array[:, None]
    elif layout == "NLC":
        array = array.swapaxes(1, 2)
    _, channels, length = array.shape
    if layout is None and channels > TALL * length:
        raise TaskError(
            f"{where}: shape {array.shape} has {channels} channels of {length} {'step' if length == 1 else 'steps'} as "
            "N x C x L; it looks like N x L x C: swap the axes, or say layout=NLC (NCL if it is what it says)"
        )
    return np.ascontiguousarray(held(array, where).swapaxes(1, 2)[:, None])


def held(array: np.ndarray, where: str) -> np.ndarray:
    """Values as a task holds them: ``int16`` where they are whole numbers that fit, else ``float32``."""
    if array.dtype.kind not in "iuf":
        raise TaskError(f"{where}: expected numbers, got {array.dtype}")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            single = array.astype(np.float32)
        if (np.isinf(single) & np.isfinite(array)).any():
            raise TaskError(
                f"{where}: values up to {np.abs(array[np.isfinite(array)]).max():.3g} are too large for single "
                "precision; scale them"
            )
        return single
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low >= -(2**15) and high < 2**15:
        return array.astype(np.int16)
    if max(-low, high) >= EXACT:
        raise TaskError(
            f"{where}: whole numbers from {low} to {high} are more than single precision holds exactly; scale them and "
            "save them as float32"
        )
    return array.astype(np.float32)


def alike(splits: Mapping[Role, np.ndarray], where: str) -> dict[Role, np.ndarray]:
    """Signals of all splits in one type; TaskError where they differ in length or channels."""
    _, _, length, channels = splits["train"].shape
    for role, array in splits.items():
        if array.shape[2:] != (length, channels):
            raise TaskError(
                f"{where}: signals of {role} have {array.shape[3]} channels of {array.shape[2]} steps, those of train "
                f"{channels} of {length}; all need one length and the same channels: cut or pad them"
            )
    if len({array.dtype for array in splits.values()}) > 1:
        return {role: array.astype(np.float32) for role, array in splits.items()}
    return dict(splits)


def _letters_by_number(array: np.ndarray) -> bool:
    """Whether these are whole numbers of one channel, all there are from 0 or 1 to a few, and no step is like the next.

    A measured signal of few levels is smooth, letters are not.
    """
    if array.dtype.kind not in "iu" or array.ndim not in (2, 3) or (array.ndim == 3 and 1 not in array.shape[1:]):
        return False
    if array.size == 0 or int(array.min()) not in (0, 1) or int(array.max()) > MOST_LETTERS:
        return False
    found = np.unique(array)
    if len(found) < 3 or len(found) < int(found[-1]) - int(found[0]) + 1:
        return False
    values = array.reshape(len(array), -1).astype(np.float64)
    apart = np.abs(values - np.roll(values, 1, axis=0)).mean()  # of steps that have nothing to do with each other
    return values.shape[1] < 2 or bool(np.abs(np.diff(values, axis=1)).mean() > ROUGH * apart)
