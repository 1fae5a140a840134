"""The state of a trained model as a table for the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlock.transferability import LayerState, ModelState

COLUMNS = "units", "dead", "copies", "rank", "eff. rank", "NC1", "condition", "probe %", "gradient"
NONE = "-"


def state_table(state: "ModelState") -> str:
    """One line a layer, in the order of use; below it what concerns them all, and why numbers are missing."""
    width = max(len("what arrives at"), *(len(one.name) for one in state.layers)) + 2
    lines = ["what arrives at".ljust(width) + "".join(f"{word:>11}" for word in COLUMNS)]
    lines += [one.name.ljust(width) + "".join(f"{cell:>11}" for cell in _cells(one)) for one in state.layers]
    lines.append(f"{state.images} images of {state.classes} classes")
    if state.tunnel is not None:
        last, best, begins = (state.layers[place] for place in (-1, state.tunnel.best, state.tunnel.begins))
        lines.append(
            f"tunnel strength {state.tunnel.strength:.2f}: a probe reaches {100 * last.probe:.1f} % at the last layer "
            f"and {100 * best.probe:.1f} % at best ({best.name}); 95 % of that are reached from {begins.name} on"
        )
    if state.gradient_spread is not None:
        lines.append(f"spread of gradients over layers {state.gradient_spread:.2f} powers of ten")
    lines += [f"{one.name}: {note}" for one in state.layers for note in one.notes]
    return "\n".join(lines)


def _cells(one: "LayerState") -> tuple[str, ...]:
    return (
        str(one.units),
        str(one.dead),
        NONE if one.copies is None else str(one.copies),
        NONE if one.rank is None else str(one.rank),
        NONE if one.effective_rank is None else f"{one.effective_rank:.1f}",
        NONE if one.collapse is None else f"{one.collapse:.3g}",
        NONE if one.condition is None else f"{one.condition:.2g}",
        f"{100 * one.probe:.1f}",
        NONE if one.gradient is None else f"{one.gradient:.2f}",
    )
