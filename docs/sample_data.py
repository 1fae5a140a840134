"""Small data of every source, as strangers bring them: what docs/make_sources.py opens to see what becomes of it.

Each sample writes its data into the current folder and answers the text that names them. All of it is deterministic.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Make = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Data in words, and how to make them."""

    words: str
    make: Make


def noise(count: int, *shape: int, low: int = 0, high: int = 256, seed: int = 0) -> np.ndarray:
    """Random levels, ``count`` images of a shape."""
    return np.random.default_rng(seed).integers(low, high, (count, *shape))


def folder(
    *places: str, count: int = 5, high: int = 256, low: int = 0, kind: Any = np.uint8, ending: str = "png"
) -> str:
    """So many images in each of these folders below ``photos``, no two the same."""
    for seed, place in enumerate(places):
        Path("photos", place).mkdir(parents=True, exist_ok=True)
        shape = (16, 16, 3) if kind is np.uint8 else (16, 16)
        for number, image in enumerate(noise(count, *shape, low=low, high=high, seed=seed)):
            Image.fromarray(image.astype(kind)).save(Path("photos", place, f"{number}.{ending}"))
    return "photos"


def splits(*names: str) -> str:
    """Folders of those names, each with the classes cat and dog."""
    return folder(*(f"{name}/{animal}" for name in names for animal in ("cat", "dog")))


def beside(text: str, **files: bytes) -> str:
    """Files of that content, double underscores of their names being slashes and a last one the dot."""
    for name, content in files.items():
        path = Path("photos", *name.rpartition("_")[0].split("__")).with_suffix(f".{name.rpartition('_')[2]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return text


def stack() -> str:
    """Films: three images in each file."""
    for seed, animal in enumerate(("cat", "dog")):
        Path("photos", animal).mkdir(parents=True)
        levels = noise(15, 16, 16, seed=seed).astype(np.uint8)
        for number, (first, *others) in enumerate(zip(*[map(Image.fromarray, levels)] * 3, strict=True)):
            first.save(f"photos/{animal}/{number}.gif", save_all=True, append_images=others)
    return "photos"


def double() -> str:
    """Five of ten test images are training images, too."""
    splits("train", "test")
    for number in range(5):
        Path(f"photos/test/cat/{number}.png").write_bytes(Path(f"photos/train/cat/{number}.png").read_bytes())
    return "photos"


def archive(*, text: str = "data.npz", train: bool = True, **arrays: Any) -> str:
    """An archive of 60 images and labels to train on, and further arrays or others instead."""
    first = {"x_train": noise(60, 16, 16, 3).astype(np.uint8), "y_train": np.arange(60) % 3} if train else {}
    np.savez("data.npz", allow_pickle=False, **{**first, **arrays})
    return text


def pack() -> str:
    """JPEG files end to end."""
    files = []
    for image in noise(60, 16, 16, 3):
        stream = io.BytesIO()
        Image.fromarray(image.astype(np.uint8)).save(stream, "JPEG")
        files.append(stream.getvalue())
    jpeg, off = np.frombuffer(b"".join(files), np.uint8), np.cumsum([0, *map(len, files)])
    return archive(train=False, jpeg_train=jpeg, off_train=off, y_train=np.arange(60) % 3)


def part(seed: int, count: int = 15) -> np.ndarray:
    """Images that no other seed has."""
    return noise(count, 16, 16, 3, seed=seed).astype(np.uint8)


def hub(*, query: str = "", **parts: Any) -> str:
    """A data set on disk with those splits."""
    import datasets

    datasets.disable_progress_bars()
    datasets.DatasetDict(parts).save_to_disk("animals", num_proc=None)
    return f"hf:animals{query}"


def rows(seed: int, count: int = 15, **columns: Any) -> Any:
    """Rows of images and of columns: name -> (kind of datasets, values)."""
    import datasets

    images = [Image.fromarray(image) for image in part(seed, count)]
    chosen = columns or {"label": declared(count=count)}
    features = {"image": datasets.Image(), **{name: kind for name, (kind, _) in chosen.items()}}
    made = {"image": images, **{name: list(values) for name, (_, values) in chosen.items()}}
    return datasets.Dataset.from_dict(made, features=datasets.Features(features))


def declared(names: str = "cat dog owl", *, count: int = 60, label: int | None = None) -> tuple[Any, list[int]]:
    """A column of class labels, in turn or all of one value."""
    import datasets

    known = names.split()
    values = [row % len(known) if label is None else label for row in range(count)]
    return datasets.ClassLabel(names=known), values


def plain(kind: str = "int64", *, count: int = 60, first: int = 0) -> tuple[Any, list[Any]]:
    """A column of whole numbers (or others) that nobody declared to be labels."""
    import datasets

    values = [first + row % 3 for row in range(count)]
    return datasets.Value(kind), [float(value) for value in values] if kind.startswith("float") else values


LABELS, ONE_HOT = np.arange(60) % 3, np.eye(3)[np.arange(60) % 3]
HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(200)

FOLDERS = (
    Sample("`cat/`, `dog/`", lambda: folder("cat", "dog")),
    Sample("`Training/`, `Testing/` with `cat/`, `dog/` in each", lambda: splits("Training", "Testing")),
    Sample("`train_set/`, `dev/`, `EVAL/`", lambda: splits("train_set", "dev", "EVAL")),
    Sample("`train/` and `Train2/`", lambda: splits("train", "Train2")),
    Sample("`first/`, `second/` with the same folders in both", lambda: splits("first", "second")),
    Sample("the same, `photos?splits=none`", lambda: f"{splits('first', 'second')}?splits=none"),
    Sample("`cat/`, `dog/`, and `test/cat/`", lambda: folder("cat", "dog", "test/cat")),
    Sample(
        "`cat/train/`, `cat/test/`, `dog/train/` ...",
        lambda: folder(*(f"{a}/{s}" for a in ("cat", "dog") for s in ("train", "test"))),
    ),
    Sample("`train/`, `test/` without class folders", lambda: folder("train", "test")),
    Sample("`trainA/`, `testA/`, `trainB/` ...", lambda: folder("trainA", "testA", "trainB", "testB")),
    Sample("one folder around it all", lambda: splits("set/train", "set/test")),
    Sample("`test/` holds the images of `train/`", lambda: (splits("train"), splits("test"))[0]),
    Sample("some images are in `train/` and in `test/`", double),
    Sample("a `.heic` among the images", lambda: beside(folder("cat", "dog"), cat__IMG_heic=HEIC)),
    Sample("nothing but `.dcm` in a class", lambda: beside(folder("cat", "dog"), owl__1_dcm=b"x")),
    Sample("a file that is no image", lambda: beside(folder("cat", "dog"), cat__bad_png=b"text")),
    Sample("levels of 12 bits in 16-bit PNG", lambda: folder("cat", "dog", low=300, high=4096, kind=np.uint16)),
    Sample("levels of 8 bits in 32-bit TIFF", lambda: folder("cat", "dog", kind=np.int32, ending="tif")),
    Sample("levels 800 to 1200 of 65535", lambda: folder("cat", "dog", low=800, high=1201, kind=np.uint16)),
    Sample("floating-point TIFF", lambda: folder("cat", "dog", kind=np.float32, ending="tif", count=3)),
    Sample("films or stacks (GIF, TIFF)", stack),
    Sample("all images black", lambda: folder("cat", "dog", high=1)),
    Sample("levels 0 to 3 only", lambda: folder("cat", "dog", high=4)),
    Sample("a name with a line end", lambda: folder("cat", "big\ndog")),
    Sample("`cat/` and `Cat/`", lambda: folder("cat", "Cat")),
    Sample("one class", lambda: folder("cat")),
)

WARDS = np.arange(60) // 4


def uint16() -> np.ndarray:
    """Levels of 12 bits."""
    return noise(60, 16, 16, high=4096).astype(np.uint16)


def signals() -> np.ndarray:
    """Two sensors, fifty steps."""
    return noise(60, 2, 50) / 100 - 1


def with_gaps() -> np.ndarray:
    """The last signals are shorter."""
    filled = signals()
    filled[50:, :, 40:] = np.nan
    return filled


def one_dead() -> np.ndarray:
    """The second sensor is broken."""
    made = signals()
    made[:, 1] = 3.3
    return made


ARCHIVES = (
    Sample("`x_train`, `y_train`", archive),
    Sample("`x_val`, `y_val` too", lambda: archive(x_val=part(1), y_val=LABELS[:15])),
    Sample(
        "`train_images`, `train_labels`, `val_images` ...",
        lambda: archive(
            train=False,
            train_images=part(0, 60),
            train_labels=LABELS[:, None],
            val_images=part(1),
            val_labels=LABELS[:15, None],
        ),
    ),
    Sample("`images`, `labels`", lambda: archive(train=False, images=part(0, 60), labels=LABELS)),
    Sample("JPEG files: `jpeg_train`, `off_train`, `y_train`", pack),
    Sample("`arr_0`, `arr_1`", lambda: archive(train=False, arr_0=part(0, 60), arr_1=LABELS)),
    Sample("`x_val` and `x_validation`", lambda: archive(x_val=part(1), x_validation=part(2), y_val=LABELS[:15])),
    Sample("`x_extra`, as large as `x_train`", lambda: archive(x_extra=part(1))),
    Sample("`train_ids` beside the images", lambda: archive(train_ids=np.arange(60))),
    Sample("N x 4 x 16 x 16", lambda: archive(x_train=noise(60, 4, 16, 16).astype(np.uint8))),
    Sample(
        "the same, `data.npz?layout=NCHW`",
        lambda: archive(text="data.npz?layout=NCHW", x_train=noise(60, 4, 16, 16).astype(np.uint8)),
    ),
    Sample("N x 16 x 16 x 13", lambda: archive(x_train=noise(60, 16, 16, 13).astype(np.uint8))),
    Sample("N x 16 x 16 x 16", lambda: archive(x_train=noise(60, 16, 16, 16).astype(np.uint8))),
    Sample("N x 2 x 128", lambda: archive(x_train=noise(60, 2, 128).astype(np.uint8))),
    Sample("floats in [0, 1]", lambda: archive(x_train=noise(60, 16, 16) / 255)),
    Sample("floats to 255", lambda: archive(x_train=noise(60, 16, 16).astype(np.float32))),
    Sample("uint16", lambda: archive(x_train=noise(60, 16, 16, high=4096).astype(np.uint16))),
    Sample("floats, divided by 255 twice", lambda: archive(x_train=noise(60, 16, 16) / 255 / 255)),
    Sample("whole numbers first, then divided", lambda: archive(x_train=(noise(60, 16, 16) / 256).astype(np.uint8))),
    Sample("the same, `data.npz?values=measured`", lambda: archive(text="data.npz?values=measured", x_train=uint16())),
    Sample("`signal_train`, N x 2 x 50", lambda: archive(train=False, signal_train=signals(), y_train=LABELS)),
    Sample(
        "N x 50 under `x_train`, `--signals` or `data.npz?layout=NCL`",
        lambda: archive(text="data.npz?layout=NCL", x_train=signals()[:, 0]),
    ),
    Sample(
        "signals and `group_train`",
        lambda: archive(train=False, signal_train=signals(), y_train=LABELS, group_train=WARDS),
    ),
    Sample(
        "a group in two splits",
        lambda: archive(
            train=False,
            signal_train=signals(),
            y_train=LABELS,
            group_train=WARDS,
            signal_test=signals()[:9] + 1,
            y_test=LABELS[:9],
            group_test=WARDS[:9],
        ),
    ),
    Sample(
        "letters by number, N x 50", lambda: archive(train=False, signal_train=noise(60, 50, high=4), y_train=LABELS)
    ),
    Sample("signals filled up with NaN", lambda: archive(train=False, signal_train=with_gaps(), y_train=LABELS)),
    Sample("a channel that never changes", lambda: archive(train=False, signal_train=one_dead(), y_train=LABELS)),
    Sample("labels N x 1", lambda: archive(y_train=LABELS[:, None])),
    Sample("one-hot labels", lambda: archive(y_train=ONE_HOT)),
    Sample("labels 0.0, 1.0, 2.0", lambda: archive(y_train=LABELS.astype(float))),
    Sample("labels of -1", lambda: archive(y_train=LABELS - 1)),
)

HUGGING_FACE = (
    Sample("`train`, `validation`, `test`", lambda: hub(train=rows(0, 60), validation=rows(1), test=rows(2))),
    Sample("`train`, `dev`, `eval`", lambda: hub(train=rows(0, 60), dev=rows(1), eval=rows(2))),
    Sample("`test` with labels -1", lambda: hub(train=rows(0, 60), test=rows(1, label=declared(count=15, label=-1)))),
    Sample(
        "the same, `hf:animals?test=validation`",
        lambda: hub(
            query="?test=validation",
            train=rows(0, 60),
            validation=rows(1),
            test=rows(2, label=declared(count=15, label=-1)),
        ),
    ),
    Sample("a further split", lambda: hub(train=rows(0, 60), unsupervised=rows(1))),
    Sample("`validation` holds the images of `test`", lambda: hub(train=rows(0, 60), validation=rows(1), test=rows(1))),
    Sample(
        "two columns of class labels",
        lambda: hub(train=rows(0, 60, fine_label=declared(), coarse_label=declared("pet wild"))),
    ),
    Sample(
        "the same, `hf:animals?label=fine_label`",
        lambda: hub(
            query="?label=fine_label", train=rows(0, 60, fine_label=declared(), coarse_label=declared("pet wild"))
        ),
    ),
    Sample("whole numbers in a column `label`", lambda: hub(train=rows(0, 60, label=plain()))),
    Sample("whole numbers in a column `animal`", lambda: hub(train=rows(0, 60, animal=plain()))),
    Sample(
        "numbers with a point in `label`", lambda: hub(query="?label=label", train=rows(0, 60, label=plain("float32")))
    ),
    Sample("whole numbers from -1", lambda: hub(train=rows(0, 60, label=plain(first=-1)))),
    Sample(
        "classes in another order in `test`",
        lambda: hub(train=rows(0, 60), test=rows(1, label=declared("owl dog cat", count=15))),
    ),
    Sample("an option that is not known", lambda: hub(query="?column=label", train=rows(0, 60))),
    Sample("the folder without `hf:`", lambda: hub(train=rows(0, 60)).removeprefix("hf:")),
)


def table(*lines: str) -> str:
    """A file of recorded measurements."""
    Path("mine.csv").write_text("\n".join(("code,top,early", *lines)) + "\n", encoding="utf-8")
    return "mine.csv"


TABLES = (
    Sample("codes and percentages", lambda: table("421211,90,80", "000001,50,40")),
    Sample("an empty cell", lambda: table("421211,90,80", "000001,50,")),
    Sample("percentages of 932 or -1", lambda: table("421211,932,80", "000001,-1,40")),
    Sample(
        "fractions among percentages", lambda: table("421211,90,80", "000001,.65,40", "012340,.7,60", "444444,60,50")
    ),
    Sample("one value for all", lambda: table("421211,50,80", "000001,50,40", "012340,50,60")),
    Sample("a cell that is no number", lambda: table("421211,90,80", "000001,50,good")),
    Sample("an architecture twice", lambda: table("421211,90,80", "421211,50,40")),
    Sample("a code that is none", lambda: table("421219,90,80")),
    Sample("no rows", table),
)
