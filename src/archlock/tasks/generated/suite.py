"""The ten tasks of NAS-Bench-360 (Tu et al., NeurIPS 2022, data sets and benchmarks), and how to come by each here.

The files of the benchmark are large, and the place where they lay refused requests already in 2022 (issue 3 of its
repository), so none is ever downloaded: what has a published recipe is generated, what somebody has is read, and of the
rest is said why not. Numbers of examples, licences and names of files are those of the benchmark's data sheet; formats
are those its own programs read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from archlock.catalog import Catalog

SITE: Final = "https://github.com/rtu715/NAS-Bench-360"
"""Where the benchmark says what its files are and where they lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTask:
    """One task of the suite, as published, and what this package has of it."""

    name: str
    title: str
    shape: tuple[int, ...]
    """Channels and size of an example."""
    targets: str
    metric: str
    """As published, lower is better."""
    examples: tuple[int, int, int]
    """Training, validation, test."""
    licence: str
    files: str
    """The files of the benchmark, by their names."""
    text: str = ""
    """What makes it here, as ``--source`` takes it; empty where nothing does."""
    reason: str = ""
    """Why nothing does."""
    stand_in: str = ""
    """What may be used instead; these are other data."""
    reading: str = ""
    """The text for ``--source`` that reads them as they are, or the same data from elsewhere."""
    conversion: str = ""
    """Or a Python program that makes such an archive of them, to be run beside them."""


PICKLED: Final = "# reading a pickle runs what is in it: only for files that you trust\n"

NINAPRO: Final = """import numpy as np

arrays = {}
for role, file in (("train", "train"), ("validation", "val"), ("test", "test")):
    arrays[f"x_{role}"] = np.load(f"ninapro_{file}.npy").swapaxes(1, 2).astype(np.float32)
    arrays[f"y_{role}"] = np.load(f"label_{file}.npy").astype(np.int64)
np.savez("ninapro.npz", values="measured", layout="NHW", **arrays)
"""

DARCY: Final = """import numpy as np
from scipy.io import loadmat

place = np.stack(np.meshgrid(*[np.linspace(0, 1, 85, dtype=np.float32)] * 2, indexing="ij"), axis=-1)
arrays = {}
for file, rows in (
    ("smooth1", {"train": slice(0, 900), "validation": slice(900, 1000)}),
    ("smooth2", {"test": slice(0, 100)}),
):
    held = loadmat(f"piececonst_r421_N1024_{file}.mat")
    for role, some in rows.items():
        ground = held["coeff"][some, ::5, ::5].astype(np.float32)
        arrays[f"x_{role}"] = np.concatenate([ground[..., None], np.broadcast_to(place, (*ground.shape, 2))], axis=-1)
        arrays[f"y_{role}"] = held["sol"][some, ::5, ::5].astype(np.float32)
np.savez("darcy.npz", kind="field", values="measured", layout="NHWC", **arrays)
"""

SPHERICAL: Final = f"""import gzip
import pickle

import numpy as np

{PICKLED}with gzip.open("s2_cifar100.gz") as file:
    held = pickle.load(file)
cut = len(held["train"]["labels"]) * 4 // 5
rows = {{"train": ("train", slice(0, cut)), "validation": ("train", slice(cut, None)), "test": ("test", slice(None))}}
arrays = {{}}
for role, (part, some) in rows.items():
    arrays[f"x_{{role}}"] = held[part]["images"][some].astype(np.uint8)
    arrays[f"y_{{role}}"] = np.asarray(held[part]["labels"])[some].astype(np.int64)
np.savez("spherical.npz", layout="NCHW", **arrays)
"""

ECG: Final = f"""import pickle

import numpy as np

{PICKLED}with open("challenge2017.pkl", "rb") as file:
    held = pickle.load(file)
steps, signals, labels, recordings = {{"N": 500, "A": 83, "O": 250, "~": 25}}, [], [], []
for recording, (series, rhythm) in enumerate(zip(held["data"], held["label"])):
    series = (series - np.mean(series)) / np.std(series)
    for begin in range(0, len(series) - 999, steps[rhythm]):
        signals.append(series[begin : begin + 1000])
        labels.append("NAO~".index(rhythm))
        recordings.append(recording)
np.savez(
    "ecg.npz",
    signal_train=np.array(signals, dtype=np.float32)[:, None],
    y_train=labels,
    group_train=recordings,
    classes=["N", "A", "O", "~"],
)
"""

SATELLITE: Final = f"""import numpy as np

{PICKLED}arrays = {{}}
for role in ("train", "test"):
    held = np.load(f"satellite_{{role}}.npy", allow_pickle=True)[()]
    series = held["data"].astype(np.float32)
    middle, spread = series.mean(axis=1, keepdims=True), series.std(axis=1, keepdims=True)
    arrays[f"signal_{{role}}"] = ((series - middle) / np.where(spread > 0, spread, 1))[:, None]
    arrays[f"y_{{role}}"] = held["label"].astype(np.int64) - 1
np.savez("satellite.npz", **arrays)
"""


def _catalog(tasks: Iterable[SuiteTask]) -> Catalog[SuiteTask]:
    return Catalog("task of NAS-Bench-360", {task.name: task for task in tasks})


NASBENCH360: Final[Catalog[SuiteTask]] = _catalog(
    (
        SuiteTask(
            name="cifar100",
            title="CIFAR-100",
            shape=(3, 32, 32),
            targets="100 classes",
            metric="error %",
            examples=(40_000, 10_000, 10_000),
            licence="CC BY 4.0",
            files="cifar-100-python.tar.gz",
            reason="it is a set of images, and none comes with this package",
            reading="hf:cifar100?label=fine_label",
        ),
        SuiteTask(
            name="spherical",
            title="Spherical CIFAR-100",
            shape=(3, 60, 60),
            targets="100 classes",
            metric="error %",
            examples=(40_000, 10_000, 10_000),
            licence="CC BY-SA",
            files="s2_cifar100.gz",
            text="spherical:hf:cifar100?label=fine_label",
            conversion=SPHERICAL,
        ),
        SuiteTask(
            name="ninapro",
            title="NinaPro DB5 (surface EMG)",
            shape=(1, 16, 52),
            targets="18 classes",
            metric="error %",
            examples=(2_638, 659, 659),
            licence="CC BY-ND",
            files="ninapro_train.npy, label_train.npy, and the same with val and test",
            reason="recordings of people: they cannot be generated",
            stand_in="an archive of muscle signals of your own",
            conversion=NINAPRO,
        ),
        SuiteTask(
            name="fsd50k",
            title="FSD50K (sounds)",
            shape=(1, 96, 101),
            targets="200 labels, any number of them",
            metric="1 - mAP",
            examples=(37_000, 4_000, 10_000),
            licence="CC BY 4.0",
            files="audio.zip",
            reason="24 GB of audio, of which spectra would have to be made",
            stand_in="mixtures:DATA, two speakers at once from recordings of one",
        ),
        SuiteTask(
            name="darcy",
            title="Darcy Flow",
            shape=(3, 85, 85),
            targets="a field of 85 x 85",
            metric="relative L2",
            examples=(900, 100, 100),
            licence="MIT",
            files="piececonst_r421_N1024_smooth1.mat, piececonst_r421_N1024_smooth2.mat",
            text="darcy:85",
            conversion=DARCY,
        ),
        SuiteTask(
            name="psicov",
            title="PSICOV (distances in proteins)",
            shape=(57, 128, 128),
            targets="a field of 128 x 128",
            metric="MAE below 8 A",
            examples=(3_356, 100, 150),
            licence="GPL",
            files="protein.zip",
            reason="nothing small stands for it; its test proteins are covered by windows, which no score here knows, "
            "and images of 57 x 128 x 128 are beyond a search on a few processors",
        ),
        SuiteTask(
            name="cosmic",
            title="Cosmic (rays on telescope images)",
            shape=(1, 128, 128),
            targets="a mask of 128 x 128",
            metric="1 - true positive rate, %",
            examples=(4_347, 483, 420),
            licence="open data",
            files="deepCR.ACS-WFC.train.tar, deepCR.ACS-WFC.test.tar",
            reason="masks with pixels to be ignored are no kind of task here",
        ),
        SuiteTask(
            name="ecg",
            title="ECG (PhysioNet 2017)",
            shape=(1, 1000),
            targets="4 classes, by recording",
            metric="1 - mean F1",
            examples=(260_000, 33_000, 33_000),
            licence="ODC-BY 1.0",
            files="challenge2017.pkl",
            reason="recordings of people: they cannot be generated",
            stand_in="an archive of heartbeats of your own",
            conversion=ECG,
        ),
        SuiteTask(
            name="satellite",
            title="Satellite (crops by their seasons)",
            shape=(1, 46),
            targets="24 classes",
            metric="error %",
            examples=(800_000, 100_000, 100_000),
            licence="GPL",
            files="satellite_train.npy, satellite_test.npy",
            reason="measured from orbit: it cannot be generated",
            conversion=SATELLITE,
        ),
        SuiteTask(
            name="deepsea",
            title="DeepSEA (DNA)",
            shape=(4, 1000),
            targets="36 labels, any number of them",
            metric="1 - AUROC",
            examples=(71_000, 2_500, 150_000),
            licence="CC BY 4.0",
            files="deepsea_filtered.npz",
            reason="measured in cells: it cannot be generated",
            reading="deepsea_filtered.npz?layout=NLC",
        ),
    )
)
