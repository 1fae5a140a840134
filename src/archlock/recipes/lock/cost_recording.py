"""From the limits of a run and its released models to the cost block of the record."""

from collections.abc import Mapping

from archlock.models import Costs, costs_of, count_int8_bytes
from archlock.recipes.limits.filtering import counted
from archlock.recipes.lock.bounds import Bounds, networks_of
from archlock.recipes.lock.decide import Decision
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run
from archlock.reports import CostRecord, LatencyKind, LimitRecord, ModelCostRecord, Role
from archlock.spaces import Architecture


def cost_record(run: Run, decision: Decision, every: Mapping[Role, Released]) -> CostRecord:
    """What the released models cost, and the limits they keep."""
    bounds, networks = run.bounds, networks_of(run.config, run.source.signature)
    architectures = [released.finalist.architecture for released in every.values()]
    costs = costs_of(architectures, run.source.signature, width=networks.width, depth=networks.depth)
    latencies = [_latency(bounds, one) for one in architectures]
    models = tuple(
        _model(role, costs, row, count_int8_bytes(released.models[0]), latencies[row])
        for row, (role, released) in enumerate(every.items())
    )
    limits = [_limit(name, limit, float(counted(name, costs)[0])) for name, limit in run.config.limits.exact.items()]
    most, locked = run.config.limits.latency_ms, latencies[0][0]
    if most is not None and locked is not None:
        limits.append(_limit("latency_ms", most, locked))
    return CostRecord(
        models=models,
        limits=tuple(limits),
        device="" if bounds is None else bounds.place,
        architectures=len(decision.candidates.architectures if bounds is None else bounds.every.architectures),
        within=len(decision.candidates.architectures),
        price=decision.price,
        notes=() if bounds is None else bounds.notes,
    )


def _latency(bounds: Bounds | None, architecture: Architecture) -> tuple[float | None, LatencyKind | None]:
    """Measured where this machine is the device, else what its table or its calibration says."""
    if bounds is not None and bounds.gate is not None:
        return bounds.gate.measure(architecture), "measured"
    if bounds is not None and bounds.forecast is not None:
        value = float(bounds.forecast.milliseconds([architecture])[0])
        return value, "foretold" if bounds.forecast.error else "recorded"
    return None, None


def _model(
    role: Role, costs: Costs, row: int, int8_bytes: int, latency: tuple[float | None, LatencyKind | None]
) -> ModelCostRecord:
    macs = int(costs.macs[row])
    return ModelCostRecord(
        role=role,
        parameters=int(costs.parameters[row]),
        macs=macs,
        flops=2 * macs,
        weights_bytes=int(costs.weights_bytes[row]),
        int8_bytes=int8_bytes,
        peak_bytes=int(costs.peak_bytes[row]),
        intensity=float(costs.intensity[row]),
        latency_ms=latency[0],
        latency_kind=latency[1],
    )


def _limit(name: str, limit: float, locked: float) -> LimitRecord:
    slack = (locked - limit if name == "intensity" else limit - locked) / limit
    return LimitRecord(name=name, limit=float(limit), locked=locked, slack=slack)  # type: ignore[arg-type]
