"""What a model costs, as lines for a terminal."""

from archlock.recipes.cost.procedure import ModelCost
from archlock.recipes.limits.timing import BLOCKS, Timing
from archlock.reports import bytes_in_words, time_in_words


def cost_lines(found: ModelCost) -> tuple[str, ...]:
    """One line for each cost; every count with its unit, every latency with its machine and runtime."""
    file = f"; the file has {bytes_in_words(found.file_bytes)}" if found.file_bytes is not None else ""
    how = "a file was made" if found.int8_is_measured else "counted, no file was made"
    rows = [
        ("parameters", f"{found.parameters:,}"),
        ("MACs", f"{found.macs:,} for one image of {' x '.join(map(str, found.shape))}"),
        ("FLOPs", f"{found.flops:,} (2 for each MAC)"),
        ("weights", f"{bytes_in_words(found.weights_bytes)}{file}"),
        ("int8 weights", "not known" if found.int8_bytes is None else f"{bytes_in_words(found.int8_bytes)} ({how})"),
        ("feature maps", f"{bytes_in_words(found.peak_activation_bytes)} at once (float32, without work space)"),
        ("intensity", f"{found.intensity:.3g} FLOPs a byte"),
        ("latency", "not measured" if found.latency is None else _timing(found.latency)),
    ]
    if found.int8_latency is not None:
        rows.append(("int8 latency", _timing(found.int8_latency)))
    if found.on:
        rows.append(("measured on", found.on))
    return (f"{found.name} ({found.origin})", *(f"{name:<14}{text}" for name, text in rows))


def _timing(timing: Timing) -> str:
    cpu_p90, wall, wall_p90 = map(time_in_words, (timing.cpu_p90_ms, timing.wall_median_ms, timing.wall_p90_ms))
    return (
        f"{time_in_words(timing.cpu_ms)} (CPU time, median of {BLOCKS} blocks' medians), p90 {cpu_p90}; "
        f"wall median {wall}, p90 {wall_p90}; {timing.calls} calls"
    )
