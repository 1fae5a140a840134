"""Which axis of an array of images is which: N x H x W x C is read, anything that looks otherwise is refused.

Arrays do not say it. Channels first is what PyTorch users save; taken for height it makes images a few pixels high. So
a shape that reads better the other way, or as well, is an error, unless its layout is said.
"""

from typing import Final, Literal, get_args

from archlock.errors import TaskError

Layout = Literal["NHWC", "NCHW", "NHW"]
LAYOUTS: Final[tuple[str, ...]] = get_args(Layout)

FEW_CHANNELS: Final = 4
"""Channels of ordinary images at most: grey, with alpha, RGB, RGBA."""

STRIP, ELONGATED = 4, 2
"""Images of fewer than STRIP pixels one way and ELONGATED times as many the other are taken for signals or tables."""


def layout_of(shape: tuple[int, ...], where: str, key: str) -> Layout:
    """The layout of an array of that shape, N first; TaskError where it is not N x H x W (x C), or not clearly so."""
    if len(shape) not in (3, 4) or 0 in shape[1:]:
        raise TaskError(f"{where}: expected images N x H x W or N x H x W x C, got shape {shape}; reshape the array")
    say = 'say which with layout="NHWC" in the archive, or FILE.npz?layout=NHWC'
    if len(shape) == 3:
        _refuse_strips(shape, where, say.replace("NHWC", "NHW"))
        return "NHW"
    high, middle, last = shape[1:]
    reads_first, reads_last = _elongation(middle, last), _elongation(high, middle)
    few_last, few_first = last <= FEW_CHANNELS, high <= FEW_CHANNELS
    if few_last and (not few_first or reads_last < reads_first):
        _refuse_strips(shape, where, say)
        return "NHWC"
    much_smaller = 2 * high <= min(middle, last) or few_first
    if (middle == last and high < last) or (much_smaller and reads_first <= 4 and not few_last):
        raise TaskError(
            f"{where}: shape {shape} looks like N x C x H x W; expected N x H x W x C, use {key}.transpose(0, 2, 3, 1)"
            f", or {say.replace('NHWC', 'NCHW')} (NHWC if it is not what it looks like)"
        )
    bands = last < min(high, middle) or (reads_last < 2 and last >= 2 * max(high, middle))
    if not few_last and bands:
        return "NHWC"
    raise TaskError(f"{where}: shape {shape} may be N x H x W x C or N x C x H x W; {say} (or NCHW)")


def _refuse_strips(shape: tuple[int, ...], where: str, say: str) -> None:
    short, long = sorted(shape[1:3])
    if short < STRIP and long >= ELONGATED * short:
        raise TaskError(
            f"{where}: shape {shape} looks like signals or a table ({short} rows or channels), not like images N x H x "
            f"W (x C); signals N x C x L are read with --signals, or under the key signal_train; if they are images, "
            f"{say}"
        )


def _elongation(one: int, other: int) -> float:
    return max(one, other) / min(one, other)
