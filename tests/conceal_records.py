"""Records of concealments, written by hand."""

from dataclasses import replace

from archlock.reports import (
    ConcealRecord,
    DisguiseRecord,
    HiddenFrom,
    ReadRecord,
    SearchRecord,
    SpeedRecord,
    TrickRecord,
    VisibleRecord,
)

VISIBLE = (
    VisibleRecord(skeleton_error=0.0, ratio=1.0, score=0.8),
    VisibleRecord(skeleton_error=0.3, ratio=1.4, score=0.6),
    VisibleRecord(skeleton_error=0.25, ratio=1.3, score=None),
)


def read(*errors: float, unseen: float = 0.1, training_accuracy: float = 1.0) -> ReadRecord:
    return ReadRecord(
        skeleton_errors=errors,
        edit_errors=tuple(error + 0.05 for error in errors),
        unseen=unseen,
        training_accuracy=training_accuracy,
    )


def hidden_from(name: str = "timer", **changes: object) -> HiddenFrom:
    made = HiddenFrom(
        name=name,
        who="somebody",
        simulated=False,
        before=read(0.03, 0.03, 0.03, unseen=0.034),
        naive=read(0.6, 0.6, 0.6, unseen=0.66),
        taught=read(0.2, 0.21, 0.19, unseen=0.25),
    )
    return replace(made, **changes)


def conceal_record(*observers: HiddenFrom, **changes: object) -> ConcealRecord:
    made = ConcealRecord(
        created="2026-07-01T10:00:00+00:00",
        seed=0,
        command="archlock conceal runs/mine --budget 1.5x --out hidden",
        versions={"archlock": "0.1.0"},
        model="nasbench201:421211",
        origin="runs/mine/locked.safetensors",
        shape=(3, 32, 32),
        machine="a machine, torch 2.13, one thread",
        reader="windowed_trees",
        networks=140,
        manoeuvres=("fold", "branch", "dummy"),
        folded=7,
        convolutions=9,
        plan=(
            DisguiseRecord(
                layer="stem.0",
                tricks=(
                    TrickRecord(manoeuvre="branch", amount=2, of="outputs"),
                    TrickRecord(manoeuvre="dummy", amount=1, of=""),
                ),
            ),
        ),
        speed=SpeedRecord(original_ms=2.0, hidden_ms=2.8, budget=1.5),
        parameters=(1000, 1010),
        file_bytes=4000,
        difference=3e-7,
        images=64,
        images_from="the test images of digits",
        rounds=(
            SearchRecord(tried=24, too_slow=3, best=(0.3,), middle=(0.2,), unseen=(0.24,)),
            SearchRecord(tried=24, too_slow=9, best=(0.35,), middle=(0.25,), unseen=(0.26,)),
        ),
        chosen_round=2,
        observers=observers or (hidden_from(),),
    )
    return replace(made, **changes)
