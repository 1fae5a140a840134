"""Amounts of sizes and times in words: counts, bytes, milliseconds."""


def count_in_words(count: float) -> str:
    """``73,306`` as ``73.31k``; below ten thousand as it is."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 10 * size or (unit != "k" and count >= size):
            return f"{count / size:.4g}{unit}"
    return f"{count:,.4g}" if count != round(count) else f"{count:,.0f}"


def bytes_in_words(count: float) -> str:
    """``293224`` as ``293.2 KB`` (a KB is a thousand bytes)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:g} B"


def time_in_words(milliseconds: float) -> str:
    """``1.234`` as ``1.234 ms``, what is below a tenth in microseconds."""
    return f"{milliseconds:.4g} ms" if milliseconds >= 0.1 else f"{1e3 * milliseconds:.4g} us"


def amount_in_words(name: str, value: float) -> str:
    """An amount of what a limit is on, by the limit's name: ``73.31k parameters``, ``2 ms``."""
    if name in ("parameters", "macs"):
        return f"{count_in_words(value)} {'MACs' if name == 'macs' else name}"
    if name == "intensity":
        return f"{value:.4g} FLOPs a byte"
    if name == "latency_ms":
        return time_in_words(value)
    return f"{bytes_in_words(value)} of {'weights' if name == 'weights_bytes' else 'feature maps at once'}"
