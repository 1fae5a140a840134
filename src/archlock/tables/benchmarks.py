"""What the well-known benchmarks measured, written once for all their readers: names of tasks, metrics, schedules."""

from typing import Final, NamedTuple

from archlock.tables.table import RecordedColumn

NAS_TASKS: Final = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "imagenet16"}
"""Data sets of NAS-Bench-201, NATS-Bench and HW-NAS-Bench, and our names of the tasks."""

NAS_NOISE: Final = {"cifar10": 0.21, "cifar100": 0.45, "imagenet16": 0.57}
"""Standard deviation between trainings of NAS-Bench-201 for 200 epochs that differ in their seed, in percent points: on
CIFAR-10 the median over architectures; on the others by the differences between single runs and means of three that
published tables hold, among the better half of the architectures."""

NINAPRO_NOISE: Final = 1.7
"""The same for NinaPro DB5 on cells of NAS-Bench-201 (NAS-Bench-360), in percent points, here the root mean square over
groups of cells that are one function: most of them agree to half a point, some differ by ten."""

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

HELP_DEVICES: Final = (
    "1080ti_1", "1080ti_32", "1080ti_256", "2080ti_1", "2080ti_32", "2080ti_256", "essential_ph_1", "gold_6226",
    "gold_6240", "pixel2", "samsung_a50", "samsung_s7", "silver_4114", "silver_4210r", "titan_rtx_1", "titan_rtx_32",
    "titan_rtx_256", "titanx_1", "titanx_32", "titanx_256", "titanxp_1", "titanxp_32", "titanxp_256",
)  # fmt: skip
"""Devices, with the batch where one is named, on which HELP (Lee et al., NeurIPS 2021) timed the cells, dead edges and
all."""
BOARDS: Final = {
    "pi5_litert_latency": "ms",
    "pi5_onnx_latency": "ms",
    "pi5_torchmobile_latency": "ms",
    "pixel_litert_latency": "ms",
    "pi5_litert_energy": "mJ",
    "pi5_onnx_energy": "mJ",
    "pi5_torchmobile_energy": "mJ",
}
"""Measures of single boards by runtime and their units: one board is another device in each runtime."""
BOARD_TASKS: Final = ("cifar100", "ninapro")


def device_columns() -> tuple[RecordedColumn, ...]:
    """The cost columns of these devices. Latencies of HELP belong to no task."""
    timed = [
        RecordedColumn(f"{device}_latency", "", "cost", metric="latency", unit="ms", higher_is_better=False)
        for device in HELP_DEVICES
    ]
    boards = [
        RecordedColumn(f"{measure}_{task}", task, "cost", metric=measure, unit=unit, higher_is_better=False)
        for task in BOARD_TASKS
        for measure, unit in BOARDS.items()
    ]
    return (*timed, *boards)


def hardware_column(measure: str, task: str) -> RecordedColumn:
    """The cost column of a measure of HW-NAS-Bench on a task."""
    better = measure == "eyeriss_arithmetic_intensity"
    return RecordedColumn(
        f"{measure}_{task}", task, "cost", metric=measure, unit=HARDWARE[measure], higher_is_better=better
    )
