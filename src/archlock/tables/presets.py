"""Layouts of CSV files that are known column by column: what each column measures, and which are no good and why.

``nasbench201`` is the family ``nasbench201.csv.gz``, ``_zc``, ``_alt``, ``_hw``, ``_devices`` and ``_ninapro`` (a
task far from pictures); ``transnas101_micro`` is ``transnas101_micro.csv.gz`` and ``_zc``; ``nasbench_macro`` is
``nasbench_macro.csv.gz``: public files of these benchmarks, gathered by column. The first file of a family has the
architectures, the others are joined by ``arch_index``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archlock.catalog import Catalog
from archlock.errors import TableError
from archlock.tables.benchmarks import (
    HARDWARE,
    MACRO_NOISE,
    NAS_NOISE,
    NAS_TASKS,
    NINAPRO_NOISE,
    TRANSNAS_TASKS,
    device_columns,
    hardware_column,
)
from archlock.tables.column_specs import NOT_VALIDATION, ColumnSpec
from archlock.tables.delimited import assemble
from archlock.tables.sheets import read_sheet
from archlock.tables.table import RecordedColumn, Role, Table

PROXY_RUN = "one random initialisation, one mini-batch"
SCORES = ("epe_nas", "fisher", "grad_norm", "grasp", "jacov", "l2_norm", "nwot", "plain", "snip", "synflow", "zen")
IDENTITIES = ("arch_index", "arch_str", "ops", "canon_ops", "iso_class", "connected")
"""Columns that say which architecture a row is."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A known layout: the columns in the order in which they are taken, first truth first."""

    name: str
    space: str
    key: str
    on: str
    columns: tuple[ColumnSpec, ...]
    left_out: tuple[tuple[str, str], ...]
    """Part of the name of columns that are never taken, and why."""
    note: str


def read_preset(preset: str, path: str | Path, *, joins: Sequence[str | Path] = (), name: str | None = None) -> Table:
    """The table of files of a known layout: every column of it that is there, with its exact meaning.

    Columns that are left out are named in the table's note. Files without a column of truth raise TableError.
    """
    layout = PRESETS[preset]
    sheets = [read_sheet(file) for file in (path, *joins)]
    there = {column for sheet in sheets for column in sheet.columns}
    chosen = [spec for spec in layout.columns if spec.source in there]
    if not any(spec.column.role == "truth" for spec in chosen):
        wanted = ", ".join(spec.source for spec in layout.columns if spec.column.role == "truth")
        raise TableError(f"{Path(path).name} is not of the layout {preset}: it has none of {wanted}")
    rest = sorted(there - {spec.source for spec in layout.columns} - set(IDENTITIES))
    return assemble(
        sheets,
        chosen,
        space=layout.space,
        key=layout.key,
        on=layout.on,
        name=name or layout.name,
        reader=f"csv, layout {preset}",
        note="\n".join([layout.note, *(_left_out(layout, column) for column in rest)]),
    )


def _left_out(layout: Preset, column: str) -> str:
    for part, reason in layout.left_out:
        if part in column:
            return f"Left out {column}: {reason}."
    return f"Left out {column}: not a column of this layout."


def _spec(source: str, task: str, role: Role, metric: str, *, name: str = "", **parts: object) -> ColumnSpec:
    return ColumnSpec(source, RecordedColumn(name or source, task, role, metric=metric, **parts))  # type: ignore[arg-type]


def _accuracy(source: str, role: Role, split: str, runs: str, *, epochs: int = 200) -> ColumnSpec:
    task = source.partition("_")[0]
    noise = NAS_NOISE[task] if role == "truth" else 0.0
    return _spec(
        source, task, role, "accuracy", split=split, epochs=epochs, checkpoint="final", runs=runs, unit="%", noise=noise
    )


def _nasbench201() -> Preset:
    tasks = tuple(NAS_TASKS.values())
    others = ("cifar100", "imagenet16")
    seeds = "mean over the NATS-Bench seeds (1 to 3 runs)"
    robot = "as stored by RoBoT; about 41 % of rows are one seed, the others a mean"
    counts = [(f"{count}_M_{task}", task, count) for task in ("cifar10", "imagenet16") for count in ("flops", "params")]
    return Preset(
        "nasbench201",
        "nasbench201",
        key="ops",
        on="arch_index",
        columns=(
            _accuracy("cifar10_test_200", "judge", "test", seeds),
            _accuracy(
                "cifar10_valid_200", "truth", "x-valid", "mean over the available seeds, trained on 25,000 images"
            ),
            *(_accuracy(f"{task}_test_200", "truth", "x-test", seeds) for task in others),
            _spec(
                "ninapro_test_200",
                "ninapro",
                "truth",
                "accuracy",
                split="test",
                epochs=200,
                checkpoint="final",
                runs="one run, seed 777",
                unit="%",
                noise=NINAPRO_NOISE,
            ),
            _accuracy(
                "cifar10_validsplit_test_200",
                "repeat",
                "test",
                "mean over the available seeds, trained on 25,000 images",
            ),
            _accuracy("cifar100_test_200_nb201v11", "repeat", "x-test", "mean over the NAS-Bench-201 v1.1 seeds"),
            *(
                _accuracy(f"cifar10_test_200_run{run}", "repeat", "test", f"run {run} of NAS-Bench-201 v1.1")
                for run in (1, 2, 3)
            ),
            *(
                _accuracy(f"{task}_test_200_robot", "repeat", "test" if task == "cifar10" else "x-test", robot)
                for task in tasks
            ),
            _accuracy(
                "cifar10_valid_12", "evidence", "x-valid", "mean of two runs, trained on 25,000 images", epochs=12
            ),
            *(_accuracy(f"{task}_valid_12", "evidence", "x-valid", "one run", epochs=12) for task in others),
            *(
                _spec(f"{score}_{task}", task, "proxy", score, runs=PROXY_RUN)
                for task in ("cifar10", "imagenet16")
                for score in SCORES
            ),
            _spec("zen_cifar100", "cifar100", "proxy", "zen", runs=PROXY_RUN),
            *(
                _spec(f"{score}_cifar100_part", "cifar100", "proxy", score, runs=f"{PROXY_RUN}, an earlier run")
                for score in SCORES
                if score != "zen"
            ),
            _spec("naswot_orig_cifar10", "cifar10", "proxy", "naswot_orig", runs=f"{PROXY_RUN}, code of its authors"),
            *(_spec(source, task, "proxy", count, name=f"{count}_{task}", unit="M") for source, task, count in counts),
            *(_spec(source, task, "cost", count, unit="M", higher_is_better=False) for source, task, count in counts),
            _spec(
                "cifar10_train_cost_s_12",
                "cifar10",
                "cost",
                "training time",
                epochs=12,
                unit="s",
                higher_is_better=False,
            ),
            *(
                ColumnSpec(f"{measure}_{task}", hardware_column(measure, task))
                for task in tasks
                for measure in HARDWARE
            ),
            *(ColumnSpec(column.name, column) for column in device_columns()),
        ),
        left_out=(
            (NOT_VALIDATION, "what NASLib calls validation accuracy here is a test value of one seed"),
            ("_test_12", "a test value of a short training is neither truth nor honest evidence"),
            ("_nseeds", "a number of runs, not a measurement"),
        ),
        note=(
            "NAS-Bench-201 (Dong and Yang 2020), NATS-Bench (Dong et al. 2021), proxies of NAS-Bench-Suite-Zero "
            "(Krishnakumar et al. 2022), HW-NAS-Bench (Li et al. 2021), latencies of HELP "
            "(Lee et al. 2021), NinaPro scores of NAS-Bench-360 (Tu et al. 2022), each from public repositories: cite "
            "them.\n"
            "Columns of NATS-Bench seeds and of NAS-Bench-201 v1.1 average different runs: keep to one of them.\n"
            "CIFAR-10 is sold by validation after training on half of the images and judged by test after training on "
            "all. There is no 200-epoch validation accuracy of CIFAR-100 and ImageNet16-120: their test accuracy "
            "judges, and is sold with the noise of one training. So does NinaPro's (surface EMG, 18 gestures; the "
            "largest class has 64.8 %): one training, for which no validation split exists."
        ),
    )


def _transnas101_micro() -> Preset:
    return Preset(
        "transnas101_micro",
        "transnas101_micro",
        key="ops",
        on="arch_index",
        columns=(
            *(
                _spec(
                    task,
                    task,
                    "truth",
                    measured.metric,
                    split="validation",
                    epochs=measured.epochs,
                    checkpoint="final",
                    runs="one run",
                    unit=measured.unit,
                    noise=measured.noise,
                )
                for task, measured in TRANSNAS_TASKS.items()
            ),
            *(
                _spec(f"{score}_{task}", task, "proxy", score, runs=PROXY_RUN)
                for task in TRANSNAS_TASKS
                for score in SCORES
            ),
            _spec("params_M", "class_scene", "cost", "params", unit="M", higher_is_better=False),
            _spec("flops_M", "class_scene", "cost", "flops", unit="M", higher_is_better=False),
            *(
                _spec(f"inference_ms_{task}", task, "cost", "inference time", unit="ms", higher_is_better=False)
                for task in TRANSNAS_TASKS
            ),
        ),
        left_out=(),
        note=(
            "TransNAS-Bench-101 (Duan et al. 2021), values and proxies as released with NASLib: cite both.\n"
            "The truth is on the validation split, final epoch, one run: this layout has no test values.\n"
            "Segmentation is pixel accuracy, not mIoU. Schedules are those of the published training settings."
        ),
    )


def _nasbench_macro() -> Preset:
    roles: tuple[Role, ...] = ("truth", "judge", "repeat")
    counts = (("params", "params"), ("flops", "macs"))
    return Preset(
        "nasbench_macro",
        "mobilenet_macro",
        key="code",
        on="code",
        columns=(
            *(
                _spec(
                    f"cifar10_test_run{run}",
                    "cifar10",
                    role,
                    "accuracy",
                    split="test",
                    epochs=50,
                    checkpoint="final",
                    runs=f"run {run} of 3",
                    unit="%",
                    noise=MACRO_NOISE if role == "truth" else 0.0,
                )
                for run, role in enumerate(roles, start=1)
            ),
            *(_spec(source, "cifar10", "proxy", count, name=f"{count}_score") for source, count in counts),
            *(_spec(source, "cifar10", "cost", count, name=count, higher_is_better=False) for source, count in counts),
        ),
        left_out=(),
        note=(
            "NAS-Bench-Macro (Su et al. 2021), Apache-2.0: cite it. Its column flops holds multiply-adds.\n"
            "Codes that are one function share one accuracy: 6,561 rows, 3,969 trained networks. One run is sold, "
            "another judges; all are on the test split, since no other is recorded."
        ),
    )


PRESETS: Catalog[Preset] = Catalog(
    "layout", {layout.name: layout for layout in (_nasbench201(), _transnas101_micro(), _nasbench_macro())}
)
