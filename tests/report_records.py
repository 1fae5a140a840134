"""Made-up records for the tests of reports. Not measurements: no number here says anything about ArchLock."""

from dataclasses import replace

import numpy as np

from archlock.reports import (
    AttackRecord,
    BudgetRecord,
    EvidenceRecord,
    FileRecord,
    FinalistRecord,
    FloorRecord,
    LockRecord,
    ModelRecord,
    OutcomeRecord,
    Role,
    TargetRecord,
    TaskRecord,
    TradeOffPoint,
)

ATTACKERS = {"linear_probe": -0.22, "fine_tune": 0.0, "renormalised": 0.012, "from_scratch": -0.35}
REAL = {"letters": (0.81, 0.62, 26), "fashion": (0.74, 0.66, 10), "traffic signs": (0.69, 0.47, 43)}
SIMULATED = {"jigsaw of digits": (0.62, 0.41, 24), "rotated digits": (0.89, 0.84, 4)}
HOSTILE = "<script>alert('x')</script> & \"$\\frac{1}{2}$\" {{ 7 * 7 }}"


def source_task(name: str = "digits") -> TaskRecord:
    return TaskRecord(
        name=name,
        origin="scikit-learn digits, 1,797 scans of hand-written digits",
        fingerprint="3f9a1c27b5d80e64",
        kind="classification",
        classes=tuple("0123456789"),
        shape=(1, 16, 16),
        examples={"train": 1197, "validation": 300, "test": 300},
        class_balance=(0.099, 0.101, 0.099, 0.102, 0.101, 0.101, 0.1, 0.1, 0.097, 0.1),
    )


def model(role: Role, code: str, level: float, official: str, seeds: int = 3) -> ModelRecord:
    offsets = ((0.0, 0.004, -0.003) if role == "locked" else (0.001, 0.002, -0.003))[:seeds]
    epochs = np.arange(1, 21)
    return ModelRecord(
        role=role,
        space="nasbench201",
        code=code,
        official_string=official,
        parameters={"locked": 72_346, "same_size": 74_010}.get(role, 130_986),
        multiply_adds=9_713_152 if role == "locked" else 17_804_288,
        width=16,
        depth=1,
        source_validation=tuple(level + 0.002 + o for o in offsets),
        source_test=tuple(level + o for o in offsets),
        source_percentile=96.4 if role == "locked" else 99.8,
        curve=tuple(float(v) for v in (level + 0.002) * (1 - 0.85 * np.exp(-epochs / 3.1))),
        seconds=42.3,
    )


def outcomes(
    targets: dict[str, tuple[float, float, int]],
    *,
    seeds: int = 3,
    fractions: tuple[float, ...] = (0.1, 1.0),
    roles: tuple[Role, Role] = ("source_only", "locked"),
) -> tuple[OutcomeRecord, ...]:
    rng = np.random.default_rng(7)
    found = []
    for target, (plain, locked, _) in targets.items():
        for attacker, offset in ATTACKERS.items():
            for fraction in fractions:
                for role, level in zip(roles, (plain, locked), strict=True):
                    for seed in range(seeds):
                        score = (level + offset) * (0.45 + 0.55 * fraction**0.5) + rng.normal(0, 0.012)
                        found.append(
                            OutcomeRecord(
                                defended=role,
                                target=target,
                                attacker=attacker,
                                fraction=fraction,
                                seed=seed,
                                setting="learning rate 0.03",
                                validation=round(score + 0.01, 4),
                                test=round(score, 4),
                                seconds=3.2,
                            )
                        )
    return tuple(found)


def target(name: str, classes: int, *, simulated: bool = False, seen: bool = False) -> TargetRecord:
    return TargetRecord(
        name=name,
        origin="made from the source images" if simulated else f"images/{name.replace(' ', '_')}",
        kind="classification",
        classes=classes,
        chance=1.0 / classes,
        examples=1197 if simulated else 2400,
        seen_by_search=seen,
        simulated=simulated,
        drawn=False if simulated else None,
        fingerprint="a1b2c3d4e5f60718",
    )


def lock_record() -> LockRecord:
    """A full run: three real targets never seen, two simulated ones, four attacks, two fractions, three seeds."""
    finalists = tuple(
        FinalistRecord(
            code=code,
            source_validation=(0.985 - 0.002 * place, 0.984 - 0.002 * place),
            target_gain=0.82 - 0.034 * place,
            per_target={"jigsaw of digits": 0.7 - 0.03 * place, "rotated digits": 0.94 - 0.03 * place},
            note="the lock" if code == "030141" else "",
        )
        for place, code in enumerate(("333131", "331132", "230131", "313041", "030141", "100431"))
    )
    points = ((0.0, "331132", 0.035), (0.005, "313041", 0.098), (0.01, "030141", 0.142), (0.02, "100431", 0.17),
              (0.05, "100411", 0.19))  # fmt: skip
    return LockRecord(
        created="2026-02-03T10:21:44+00:00",
        seed=0,
        scheme="tu",
        evidence_kind="adaptation",
        command="archlock lock digits --target images/letters --target images/fashion --out runs/mine --seed 0",
        versions={"archlock": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "numpy": "2.2.1"},
        source=source_task(),
        floor=FloorRecord(kind="accuracy_loss", value=0.01),
        locked=model(
            "locked", "030141", 0.977,
            "|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|avg_pool_3x3~1|skip_connect~2|",
        ),
        source_only=model(
            "source_only", "333131", 0.983,
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
        ),
        finalists=finalists,
        trade_off=tuple(
            TradeOffPoint(
                source_loss=loss, code=code, source_validation=0.985 - loss, target_gain=0.82 - away, taken_away=away,
                estimated=code == "100411",
            )
            for loss, code, away in points
        ),
        targets=(
            *(target(name, classes) for name, (_, _, classes) in REAL.items()),
            *(target(name, classes, simulated=True, seen=True) for name, (_, _, classes) in SIMULATED.items()),
        ),
        outcomes=outcomes(REAL | SIMULATED),
        evidence=(
            EvidenceRecord(measure="source_training", task="digits", count=160, failed=0, seconds=256.4),
            EvidenceRecord(measure="fine_tune", task="jigsaw of digits", count=160, failed=1, seconds=141.0),
            EvidenceRecord(measure="linear_probe", task="rotated digits", count=160, failed=0, seconds=12.5),
        ),
        budget=BudgetRecord(
            asked="20 minutes",
            planned={"source_training": 160.0, "fine_tune": 160.0},
            spent_seconds={"evidence": 409.9, "preference": 2.1, "search": 0.7, "finalists": 96.0, "attacks": 768.0},
            trainings={"short source training": 160, "adaptation": 320, "finalist": 12},
        ),
        limits=("The images are 16 x 16 pixels: nothing here speaks of large pictures.",),
        files=(
            FileRecord(path="result.json", what="this record"),
            FileRecord(path="model_card.md", what="model card of the locked model"),
            FileRecord(path="locked/model.safetensors", what="weights of the locked model"),
        ),
    )  # fmt: skip


def with_arms(
    record: LockRecord | None = None, *, random: float = 0.05, same_size: float = 0.08, code: str = "230131"
) -> LockRecord:
    """The record with random architectures that take so much from attackers on every target as well."""
    record = lock_record() if record is None else record
    models = (replace(model(role, code, 0.979, "|a|"), keeps_floor=True) for role in ("random", "same_size"))
    taken = {"random": random, "same_size": same_size}
    rng = np.random.default_rng(11)
    more = tuple(
        replace(o, defended=role, test=round((o.test or 0.0) - away + rng.normal(0, 0.004), 4))
        for role, away in taken.items()
        for o in record.outcomes
        if o.defended == "source_only" and o.test is not None
    )
    first, second = models
    return replace(record, random=first, same_size=second, outcomes=(*record.outcomes, *more))


def attack_record(*, reference: bool = True) -> AttackRecord:
    """A stand-alone attack run, with or without a reference model."""
    lock = lock_record()
    return AttackRecord(
        created=lock.created,
        seed=0,
        command="archlock attack runs/mine --target images/letters",
        versions=lock.versions,
        source=lock.source,
        models=(lock.locked, lock.source_only) if reference else (lock.locked,),
        targets=lock.targets[:3],
        outcomes=tuple(
            o for o in lock.outcomes if o.target in REAL and (reference or o.defended == "locked")
        ),
        spent_seconds={"attacks": 412.0},
    )  # fmt: skip


def unhappy_records() -> dict[str, LockRecord]:
    """Everything that a run can come to besides success."""
    full = lock_record()
    one = outcomes(REAL, seeds=1, fractions=(1.0,))
    failed = tuple(
        replace(o, status="failed", validation=None, test=None, note="the loss was not finite")
        if o.attacker == "fine_tune" and o.defended == "locked" else o
        for o in full.outcomes
    )  # fmt: skip
    small = replace(full, outcomes=outcomes(REAL, fractions=(1.0,)))  # no panels by fraction: quick to draw
    dense_source = replace(full.source, kind="dense", classes=(), class_balance=())
    dense = {"denoising": (0.61, 0.33, 0), "colouring": (0.4, -1.7, 0)}
    long = "a name " * 40 + "x" * 200
    return {
        "no_outcomes": replace(full, outcomes=(), targets=full.targets[:1]),
        "nothing": replace(
            full, outcomes=(), targets=(), finalists=(), trade_off=(), evidence=(), limits=(), files=(), versions={},
            budget=BudgetRecord(asked="nothing"), floor=FloorRecord(kind="percentile", value=97.0),
            locked=replace(full.locked, curve=(), source_percentile=None),
            source_only=replace(full.source_only, curve=()),
        ),
        "one_seed": replace(full, outcomes=one, locked=_once(full.locked), source_only=_once(full.source_only)),
        "same": replace(small, locked=replace(full.source_only, role="locked")),
        "failed": replace(full, outcomes=failed),
        "all_failed": replace(
            full,
            outcomes=tuple(replace(o, status="unsupported", validation=None, test=None) for o in one),
        ),
        "dense": replace(
            full,
            source=dense_source,
            targets=tuple(replace(target(name, 2), kind="dense", classes=0, chance=0.0) for name in dense),
            outcomes=outcomes(dense, fractions=(0.5, 1.0)),
        ),
        "long_names": _renamed(full, long),
        "hostile_names": _renamed(full, HOSTILE),
        "foreign_letters": _renamed(small, "手写数字 🦊 العربية"),
        "simulated_only": replace(full, outcomes=outcomes(SIMULATED, fractions=(1.0,)), targets=full.targets[3:]),
        "macro": replace(
            small,
            locked=replace(full.locked, space="transnas101_macro", code="112341", official_string="64-112341-basic"),
            source_only=replace(full.source_only, space="elsewhere", code="vgg", official_string="vgg"),
        ),
        "demo": replace(small, demo=True, scheme="tk", evidence_kind="zero_cost"),
    }  # fmt: skip


def _once(record: ModelRecord) -> ModelRecord:
    return replace(record, source_validation=record.source_validation[:1], source_test=record.source_test[:1])


def _renamed(record: LockRecord, name: str) -> LockRecord:
    """The record with untrusted text wherever a stranger's text can get in."""
    names = {t.name: f"{name} {place}" for place, t in enumerate(record.targets)}
    return replace(
        record,
        evidence_kind=name,
        command=f"archlock lock '{name}'",
        source=replace(record.source, name=name, origin=name, classes=(name, f"{name}2")),
        locked=replace(record.locked, official_string=name),
        targets=tuple(replace(t, name=names[t.name], origin=name) for t in record.targets),
        outcomes=tuple(replace(o, target=names[o.target], attacker=f"{o.attacker} {name}") for o in record.outcomes),
        finalists=tuple(replace(f, note=name) for f in record.finalists),
        evidence=tuple(replace(e, task=name, measure=name) for e in record.evidence),
        budget=replace(record.budget, asked=name, spent_seconds={name: 3.0}, trainings={name: 2}),
        limits=(name,),
        versions={name: name},
        files=(FileRecord(path="result.json", what=name),),
    )
