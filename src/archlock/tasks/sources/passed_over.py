"""Files in a folder of images that are not read although they look like images or other data: counted, and told.

By the ending of the name, or by the first bytes where the ending says nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from archlock.tasks.wording import several

_CAMERA = "heic heics heif heifs hif avif avifs jp2 j2k jpf jpx jpc j2c jpm jxl jxr wdp hdp apng mpo jps bpg flif qoi"
_RAW = "dng nef nrw cr2 cr3 crw arw srf sr2 orf rw2 raf pef srw x3f raw rwl 3fr erf kdc mrw mos iiq dcr"
_MEDICINE = "dcm dicom dic ima nii mha mhd nrrd mgh czi lif nd2 lsm svs ndpi scn mrxs vsi bif oib oif"
_GRAPHICS = (
    "svg svgz eps ps pdf ai psd psb xcf kra tga icb vda vst ico icns cur pcx dds exr hdr pfm sgi rgb rgba bw ras sun "
    "xbm xpm fits fit fts wmf emf img pam jpeg2000 jng mng dib rle"
)
_FILMS = "mp4 mov avi mkv wmv m4v mpg mpeg 3gp webm"
_TABLES = "npy npz mat h5 hdf5 parquet arrow feather tfrecord tfrecords lmdb pkl pickle pt pth"
_ARCHIVES = "zip tar gz tgz bz2 xz 7z rar"

LIKE_IMAGES: Final = frozenset(" ".join((_CAMERA, _RAW, _MEDICINE, _GRAPHICS, _FILMS, _TABLES, _ARCHIVES)).split())
"""Endings of files that hold images or other data in a form that is not read."""

STARTS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (8, b"WEBP", "WebP"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypavif", "AVIF"),
    (128, b"DICM", "DICOM"),
)
"""Place, bytes and name of a format: how its files begin."""

LOUD_SHARE: Final = 0.1
"""Share of the files of a class that are missing from which on the class is named."""

NAMED: Final = 5
"""Classes that are named at most."""


def passed_over_as(path: Path) -> str | None:
    """What to call a file that looks like data and is not read: its ending, or its format; None for any other."""
    ending = path.suffix.lower().removeprefix(".")
    if ending in LIKE_IMAGES:
        return f".{ending}"
    name = format_of(path)
    return None if name is None else f"{name} named {f'.{ending}' if ending else 'without an ending'}"


def format_of(source: bytes | Path) -> str | None:
    """The format that a file begins as; None for any other, and for one that cannot be opened."""
    if isinstance(source, Path):
        try:
            with source.open("rb") as stream:
                source = stream.read(160)
        except OSError:
            return None
    return next((name for place, begin, name in STARTS if source[place : place + len(begin)] == begin), None)


def counted(kinds: Counter[str]) -> str:
    """``12 .heic, 1 .dcm``, the most frequent first."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0])))


def on_passed_over(missing: Mapping[str, Counter[str]], read: Mapping[str, int], classes: Sequence[str]) -> str:
    """A remark on the files that were passed over: by class what they are, and how many files were read; "" if none."""
    every = sum(missing.values(), Counter[str]())
    if not every:
        return ""
    shares = {name: missing[name].total() / (missing[name].total() + read[name]) for name in classes if name in missing}
    worst = [name for name in sorted(shares, key=lambda name: -shares[name]) if shares[name] >= LOUD_SHARE]
    losses = [f"{name!r} loses {missing[name].total():,} of {missing[name].total() + read[name]:,}" for name in worst]
    more = f" and {len(losses) - NAMED} more classes" if len(losses) > NAMED else ""
    loud = f"; class {', '.join(losses[:NAMED])}{more}" if losses else ""
    return (
        f"{several(every.total(), 'file was', 'files were')} passed over, of kinds that are not read ({counted(every)})"
        f"{loud}: convert to PNG or JPEG"
    )
