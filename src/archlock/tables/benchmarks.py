"""What the well-known benchmarks measured, written once for all their readers: names of tasks, metrics, schedules."""

from typing import Final, NamedTuple

from archlock.tables.table import RecordedColumn

NAS_TASKS: Final = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "imagenet16"}
"""Data sets of NAS-Bench-201, NATS-Bench and HW-NAS-Bench, and our names of the tasks."""

NAS_NOISE: Final = {"cifar10": 0.21, "cifar100": 0.45, "imagenet16": 0.57}
"""Standard deviation between trainings of NAS-Bench-201 for 200 epochs that differ in their seed, in percent points: on
CIFAR-10 the median over architectures; on the others by the differences between single runs and means of three that
published tables hold, among the better half of the architectures."""

MACRO_NOISE: Final = 0.17
"""Standard deviation between trainings of NAS-Bench-Macro that differ in their seed, in percent points: the median over
architectures."""


class Measured(NamedTuple):
    """What TransNAS-Bench-101 measures on a task; higher is better in all."""

    metric: str
    recorded: str
    """Name in the official file, without the split."""
    unit: str
    epochs: int
    """Length of the published training schedule."""
    noise: float
    """Standard deviation between recorded trainings of one and the same network, in the unit: the median over groups of
    cells that differ only in dead edges."""


TRANSNAS_TASKS: Final = {
    "class_scene": Measured("accuracy", "top1", "%", 25, 0.33),
    "class_object": Measured("accuracy", "top1", "%", 25, 0.59),
    "room_layout": Measured("negative loss", "neg_loss", "", 25, 0.0094),
    "jigsaw": Measured("accuracy", "top1", "%", 10, 1.6),
    "segmentsemantic": Measured("pixel accuracy", "acc", "%", 30, 0.032),
    "normal": Measured("ssim", "ssim", "", 30, 0.007),
    "autoencoder": Measured("ssim", "ssim", "", 30, 0.022),
}

HARDWARE: Final = {
    "edgegpu_latency": "ms",
    "edgegpu_energy": "mJ",
    "raspi4_latency": "ms",
    "edgetpu_latency": "ms",
    "pixel3_latency": "ms",
    "eyeriss_latency": "ms",
    "eyeriss_energy": "mJ",
    "eyeriss_arithmetic_intensity": "operations per byte",
    "fpga_latency": "ms",
    "fpga_energy": "mJ",
}
"""Measures of HW-NAS-Bench and their units; less is better, but for the arithmetic intensity."""


def hardware_column(measure: str, task: str) -> RecordedColumn:
    """The cost column of a measure of HW-NAS-Bench on a task."""
    better = measure == "eyeriss_arithmetic_intensity"
    return RecordedColumn(
        f"{measure}_{task}", task, "cost", metric=measure, unit=HARDWARE[measure], higher_is_better=better
    )
