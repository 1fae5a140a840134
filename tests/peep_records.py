"""Records of peeps and of closed sets, written by hand."""

from dataclasses import replace

from archlock.reports import (
    CandidatesRecord,
    CandidatesSeen,
    CheckRecord,
    FamilyRecord,
    NearRecord,
    ObserverRecord,
    OperatorRecord,
    PeepRecord,
    SeenRecord,
)

TRUE = ("conv3", "norm", "activation", "conv1", "norm", "activation", "mean", "linear")
FAMILY = FamilyRecord(names=("plain", "residual", "nasbench201"), probabilities=(0.6, 0.3, 0.1), top1=0.7, top3=0.9)
CHECK = CheckRecord(
    networks=50,
    accuracy=0.95,
    convolutions=0.9,
    edit_error=0.04,
    skeleton_error=0.05,
    exact=0.6,
    majority_accuracy=0.25,
    majority_error=0.75,
    shuffled_accuracy=0.2,
    training_accuracy=1.0,
)


def seen(*kinds: str, edit: float, skeleton: float) -> SeenRecord:
    return SeenRecord(
        kinds=kinds,
        accuracy=1 - edit,
        convolutions=0.5,
        edit_error=edit,
        skeleton_error=skeleton,
        kernels=1.0,
        log_candidates=1.5,
    )


def observer(name: str, *errors: float, **changes: object) -> ObserverRecord:
    made = ObserverRecord(
        name=name,
        who="somebody",
        summary="something",
        timed=name != "memory",
        repeatability=0.97,
        family=FAMILY,
        check=CHECK if errors else None,
        seen=tuple(seen(*TRUE[:-1], edit=error, skeleton=error) for error in errors),
        motif=("conv3", "norm", "activation") if errors else (),
        motif_times=2,
        motif_is_true=True,
        log_all=40.0,
    )
    return replace(made, **changes)


def peep_record(*observers: ObserverRecord, **changes: object) -> PeepRecord:
    made = PeepRecord(
        created="2026-07-01T10:00:00+00:00",
        seed=0,
        command="archlock peep runs/mine --out peeps/mine",
        versions={"archlock": "0.1.0"},
        model="nasbench201:421211",
        origin="runs/mine/locked.safetensors",
        shape=(3, 32, 32),
        machine="a machine, torch 2.13, one thread",
        reader="windowed_trees",
        networks=250,
        families=("plain", "residual", "nasbench201"),
        noise=0.0,
        operators=tuple(OperatorRecord(kind=kind, channels=8) for kind in TRUE),
        family="nasbench201",
        observers=observers or (observer("service"), observer("memory", 0.125), observer("both", 0.0, 0.0, 0.0)),
    )
    return replace(made, **changes)


def candidates_record(**changes: object) -> CandidatesRecord:
    ranking = (NearRecord(name="a/", distance=0.02), NearRecord(name="b/", distance=4.5))
    timer = CandidatesSeen(
        name="timer",
        who="somebody",
        ranking=ranking,
        limit=0.05,
        separated=True,
        found="a/",
        top1=1.0,
        top3=1.0,
        strangers=None,
        repeatability=0.98,
    )
    made = CandidatesRecord(
        created="2026-07-01T10:00:00+00:00",
        command="archlock peep --candidates a/ b/ --suspect c/ --out which",
        versions={"archlock": "0.1.0"},
        machine="a machine, torch 2.13, one thread",
        suspect="c/",
        candidates=("a/", "b/"),
        recordings=5,
        observers=(timer, replace(timer, name="memory", found="", limit=0.01, separated=False)),
        notes=("b/ and d/ compute the same operators",),
    )
    return replace(made, **changes)
