"""JPEG packs of an archive: all files end to end, and where each begins; see :mod:`archlock.tasks.sources.npz`."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from archlock.errors import TaskError
from archlock.tasks.sources.class_names import shown
from archlock.tasks.sources.decoding import UnreadableError, decode, header_of, stacked
from archlock.tasks.sources.depth import Scale, scale_of
from archlock.tasks.sources.npz_keys import Keys


def scale_of_packs(keys: Keys, arrays: dict[str, np.ndarray], path: Path) -> tuple[Scale, str]:
    """The scale of all files of more than 8 bits, and a remark on it; what cannot be read is for the decoder to say."""
    depths = []
    for (role, part), key in keys.arrays.items():
        ends = keys.arrays.get((role, "offsets"))
        if part != "pack" or ends is None or arrays[ends].ndim != 1 or arrays[ends].dtype.kind not in "iu":
            continue
        for begin, end in pairwise(arrays[ends].tolist()):
            try:
                depths.append(header_of(arrays[key][begin:end].tobytes()).depth)
            except UnreadableError:
                continue
    return scale_of((depth for depth in depths if depth is not None), shown(str(path)))


def unpacked(
    files: np.ndarray, offsets: np.ndarray, path: Path, split: str, scale: Scale
) -> UInt8[np.ndarray, "examples height width channels"]:
    """The images of a pack; TaskError for what is no pack, or not of one size."""
    where = f"{path}, key 'off_{split}'"
    if files.dtype != np.uint8 or files.ndim != 1:
        raise TaskError(
            f"{path}, key 'jpeg_{split}': expected bytes (uint8, one axis), got {files.dtype} {files.shape}"
        )
    if offsets.dtype.kind not in "iu" or offsets.ndim != 1 or len(offsets) < 2:
        raise TaskError(f"{where}: expected N + 1 whole numbers, got {offsets.dtype} {offsets.shape}")
    places = offsets.astype(object)  # exact for any integer type
    if places[0] < 0 or places[-1] > len(files) or any(a >= b for a, b in pairwise(places)):
        raise TaskError(
            f"{where}: offsets must ascend from 0 to at most {len(files)}, the length of jpeg_{split}; write "
            "the pack again"
        )
    decoded = []
    for row, (begin, end) in enumerate(pairwise(places)):
        try:
            decoded.append(decode(files[begin:end].tobytes(), scale=scale))
        except UnreadableError as error:
            raise TaskError(
                f"{path}, key 'jpeg_{split}', image {row}: {error}; write the pack again without it"
            ) from error
        if decoded[row].shape[:2] != decoded[0].shape[:2]:
            raise TaskError(
                f"{path}, key 'jpeg_{split}', image {row}: is {decoded[row].shape[:2]}, but image 0 is "
                f"{decoded[0].shape[:2]}; a pack holds images of one size (put files of many sizes in an image folder)"
            )
    return stacked(decoded)
