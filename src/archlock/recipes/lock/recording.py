"""From what a run did to the records that a report is made of."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple

from archlock.evidence import Key, Measurement
from archlock.models import count_flops, count_parameters
from archlock.recipes.lock.arms import Arms
from archlock.recipes.lock.cost_recording import cost_record
from archlock.recipes.lock.decide import Decision
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.lessons import lesson_in_words
from archlock.recipes.lock.outputs import left_files, left_out
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run, known_fingerprints
from archlock.recipes.task_records import Attacked, enlargements, target_record, task_record, versions
from archlock.reports import (
    BudgetRecord,
    EvidenceRecord,
    FinalistRecord,
    FloorRecord,
    FurtherRecord,
    LeakRecord,
    LockRecord,
    ModelRecord,
    NontransferableRecord,
    OutcomeRecord,
    Role,
)
from archlock.spaces import SPACES
from archlock.tasks import SIMULATORS, FormWords
from archlock.training import only_answer


def lock_record(
    run: Run,
    decision: Decision,
    every: Mapping[Role, Released],
    arms: Arms,
    targets: Mapping[str, Attacked],
    outcomes: tuple[OutcomeRecord, ...],
    further: tuple[FurtherRecord, ...],
    nontransferable: NontransferableRecord | None = None,
    leak: LeakRecord | None = None,
    *,
    command: str,
) -> LockRecord:
    """Everything a lock run found."""
    config = run.config
    beside = {str(a) for a in arms.tried} - {str(f.architecture) for f in decision.finalists}
    also = {one.key for one in arms.trainings if one.key.architecture not in beside}
    evidence = evidence_records(run, decision.evidence | also)
    models = {role: model_record(role, released, decision, run) for role, released in every.items()}
    return LockRecord(
        created=decision.choice.decided_at,
        seed=config.seed,
        scheme=config.scheme,
        evidence_kind=config.evidence,
        demo=config.demo,
        command=command,
        versions=versions(),
        source=task_record(run.source),
        floor=FloorRecord(
            kind=config.floor.kind, value=config.floor.value * (100 if config.floor.kind == "percentile" else 1)
        ),
        locked=models["locked"],
        source_only=models["source_only"],
        random=models.get("random"),
        same_size=models.get("same_size"),
        nsga2=models.get("nsga2"),
        finalists=tuple(_finalist(f, decision) for f in decision.finalists),
        trade_off=decision.trade_off,
        targets=tuple(target_record(name, target) for name, target in targets.items()),
        outcomes=outcomes,
        further=further,
        evidence=evidence,
        budget=_budget(
            run,
            evidence,
            [m for m in arms.trainings if m.key.architecture in beside and m.key not in decision.evidence],
            outcomes,
            further,
            nontransferable,
        ),
        limits=(
            *_limits(run),
            *_lessons(run, decision),
            *enlargements({name: target.task for name, target in targets.items()}),
            *left_out(),
        ),
        files=left_files(),
        cost=cost_record(run, decision, every),
        nontransferable=nontransferable,
        leak=leak,
    )


def model_record(role: Role, released: Released, decision: Decision, run: Run) -> ModelRecord:
    """What a report says of a trained model."""
    blueprint = released.blueprint
    architecture, model = blueprint.architecture, released.models[0]
    answer = only_answer(model, run.source.test, device=run.config.device)
    return ModelRecord(
        role=role,
        space=architecture.space,
        code=architecture.code,
        official_string=SPACES[architecture.space].official_string(architecture),
        parameters=count_parameters(model),
        multiply_adds=count_flops(model, blueprint.signature.shape) // 2,
        width=blueprint.width,
        depth=blueprint.depth,
        source_validation=released.validation,
        source_test=released.test,
        diverged=released.diverged,
        source_percentile=100 * decision.percentiles[architecture],
        seconds=released.seconds,
        keeps_floor=released.keeps_floor,
        only_answer="" if answer is None else run.source.classes[answer],
    )


def evidence_records(run: Run, used: Collection[Key]) -> tuple[EvidenceRecord, ...]:
    """What this run used of its store, by measure and task (in a shared store other runs may have paid for it)."""
    names, known = known_fingerprints(run), run.resources.store.read()
    groups: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for key in sorted(used, key=astuple):
        groups[key.measure, names[key.task]].append(known[key])
    return tuple(
        EvidenceRecord(
            measure=measure,
            task=task,
            count=len(found),
            failed=sum(m.status != "valid" for m in found),
            seconds=sum(m.seconds for m in found),
        )
        for (measure, task), found in sorted(groups.items())
    )


def _finalist(finalist: Finalist, decision: Decision) -> FinalistRecord:
    notes = [
        note
        for note, chosen in (("locked", decision.locked), ("source-only", decision.source_only))
        if chosen is finalist
    ]
    return FinalistRecord(
        code=finalist.architecture.code,
        source_validation=finalist.source_scores,
        target_gain=finalist.target_gain if finalist.per_target else None,
        per_target=finalist.per_target,
        note=" and ".join(notes),
    )


def _budget(
    run: Run,
    evidence: Sequence[EvidenceRecord],
    beside: Sequence[Measurement],
    outcomes: Sequence[OutcomeRecord],
    further: Sequence[FurtherRecord],
    nontransferable: NontransferableRecord | None,
) -> BudgetRecord:
    plan, before = run.allocation, () if nontransferable is None else nontransferable.outcomes
    by_stage = {
        "evidence and training": sum(e.seconds for e in evidence),
        "attacks": sum(o.seconds for o in outcomes),
    }
    if beside:
        by_stage["other architectures"] = sum(one.seconds for one in beside)
    if further:
        by_stage["further training"] = sum(f.seconds for f in further)
    if nontransferable is not None:
        by_stage["nontransferable training"] = sum(one.seconds for one in nontransferable.models)
        by_stage["attacks on the plainly trained"] = sum(o.seconds for o in nontransferable.outcomes)
    return BudgetRecord(
        asked=str(run.config.budget),
        planned={
            "candidates": plan.candidates,
            "finalists": plan.finalists,
            "epochs of full training": plan.final.source_plan.epochs,
            "epochs of an attack": plan.attack_plan.epochs,
            "examples an attacker has": plan.attack_examples,
        },
        spent_seconds=by_stage,
        trainings={
            "of candidates and finalists": sum(e.count for e in evidence),
            **({"of other architectures": len(beside)} if beside else {}),
            "of attackers": len(outcomes) + len(before),
        },
    )


def _limits(run: Run) -> tuple[str, ...]:
    config, plan, words = run.config, run.allocation, run.source.words
    found = [
        f"The networks are small: {config.width} channels and {config.depth} cell"
        f"{'s' if config.depth > 1 else ''} a stage, trained for at most {_epochs(plan.final.source_plan.epochs)} on "
        f"{len(run.source.train)} {words}. A lock found at this size is not proven at another.",
        f"Attackers trained for {_epochs(plan.attack_plan.epochs)} on at most {plan.attack_examples} {words}; one with "
        "more time may get further.",
    ]
    if plan.shape != plan.original_shape:
        found.append(
            f"The budget was small for {words} of {words.size(plan.original_shape)}, so everything was done at "
            f"{words.size(plan.shape)}{' pixels' if run.source.form == 'image' else ''}, the attacks too."
        )
    if config.scheme == "tu":
        found.append(
            f"The search knew no target. It locked against {_stand_ins(tuple(run.targets), words)}. Whether these "
            "foretell a stranger's task is an open question."
        )
    if config.nontransferable is not None:
        found.append(
            f"Every released network was trained on ({config.nontransferable.name}) after its plain training, so "
            "verdict and source floor compare networks that were trained alike; what training takes and costs beside "
            "the plain one is said in a section of its own."
        )
    if config.evidence == "zero_cost":
        found.append("Zero-cost evidence hardly differs between tasks, so this lock is mostly chance above the floor.")
    return tuple(found)


def _lessons(run: Run, decision: Decision) -> tuple[str, ...]:
    if decision.lesson is None:
        return ()
    return (f"{lesson_in_words(run, decision.lesson)} which architectures may train well before anything was trained.",)


def _stand_ins(names: Sequence[str], words: FormWords) -> str:
    """The simulated targets in words: which are made from the source's images, and which are drawn."""
    made = [name for name in names if not SIMULATORS[name].draws]
    drawn = [name for name in names if SIMULATORS[name].draws]
    parts = [f"tasks made from the source's own {words} ({', '.join(made)})"] if made else []
    parts += [f"tasks that are drawn, with nothing of its images in them ({', '.join(drawn)})"] if drawn else []
    return " and ".join(parts)


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count > 1 else ''}"
