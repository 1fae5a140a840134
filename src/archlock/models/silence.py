"""Which channels of a model say nothing on images, and which say only what another one says."""

from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.tracing import BATCH, Hook, Layer, hooked, per_channel

QUIET: Final = 1e-6
"""Of the largest contribution to what a layer says, or of what a channel says: what counts as none."""
ENOUGH: Final = 32
"""Values of a channel from which on its silence says anything; of fewer it may be chance."""
ALIKE: Final = 1e-5
"""Of their size, by which multiples of one another may be apart."""
PARALLEL: Final = 1e-5
"""By which the directions of the weights of copies may be apart."""
SKETCHED: Final = 8
"""Random sums over all images and places by which columns are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What was seen of a model while it looked at images."""

    peaks: dict[str, Float[Tensor, " columns"]]
    """Of each layer: the largest size of what each of its columns takes, over all uses."""
    sketches: dict[str, Float[Tensor, "columns numbers"]]
    """Of each layer: random sums of what each column takes; the same sums for all columns, others for each use."""
    lowest: dict[str, Float[Tensor, " channels"]]
    """Of each module that was asked for: the least that each channel says, and the most."""
    highest: dict[str, Float[Tensor, " channels"]]
    values: dict[str, int]
    """Of each of these: how many values of a channel were seen."""

    def quiet(self, name: str, columns: list[int], sizes: Float[Tensor, " columns"]) -> bool:
        """Whether these columns of a layer, whose weights have at most these sizes, bring nothing."""
        brought = self.peaks[name].double() * sizes.double()
        return bool((brought[columns] <= QUIET * brought.max()).all())

    def factor(self, name: str, columns: list[int], others: list[int]) -> float | None:
        """How many times as large the columns are as the others, all of them by the same positive factor; or None."""
        if len(columns) != len(others):
            return None
        one, other = (self.sketches[name][rows].flatten() for rows in (columns, others))
        factor = float(one @ other / (other @ other).clamp(min=1e-300))
        return factor if factor > 0 and float((one - factor * other).norm()) <= ALIKE * float(one.norm()) else None

    def constant(self, name: str) -> list[int]:
        """Channels of a module that say the same everywhere; none where too little was seen."""
        low, high = self.lowest[name], self.highest[name]
        alike = high - low <= QUIET * torch.maximum(high.abs(), low.abs())
        return _where(alike) if self.values[name] >= ENOUGH else []

    def never_positive(self, name: str) -> list[int]:
        """Channels of a module that never say anything above 0; none where too little was seen."""
        return _where(self.highest[name] <= 0) if self.values[name] >= ENOUGH else []


def heard(model: nn.Module, images: Float[Tensor, "n c h w"], speakers: list[tuple[str, str]], seed: int) -> Heard:
    """Look at the model, which must be in evaluation mode, while it sees the images.

    ``speakers`` are the modules whose channels are asked for, each with the name of the layer whose channels they are.
    """
    peaks: dict[str, Tensor] = {}
    sums: dict[str, list[Tensor]] = {}
    lowest: dict[str, Tensor] = {}
    highest: dict[str, Tensor] = {}
    values: dict[str, int] = {}
    used: dict[str, int] = {}
    generator = torch.Generator().manual_seed(seed)

    def take(name: str) -> Hook:
        def hook(layer: nn.Module, given: Tensor, _: Tensor) -> None:
            columns = per_channel(layer, given)
            size = columns.abs().amax(0)
            peaks[name] = torch.maximum(peaks[name], size) if name in peaks else size
            use, rows = used.get(name, 0), sums.setdefault(name, [])
            used[name] = use + 1
            shares = torch.rand(len(columns), SKETCHED, generator=generator, dtype=torch.float64).to(columns.device)
            sketch = columns.double().T @ shares
            if use < len(rows):
                rows[use] += sketch
            else:
                rows.append(sketch)

        return hook

    def say(name: str, layer: nn.Module) -> Hook:
        def hook(_: nn.Module, __: Tensor, answer: Tensor) -> None:
            rows = per_channel(layer, answer)
            low, high = rows.amin(0), rows.amax(0)
            values[name] = values.get(name, 0) + len(rows)
            lowest[name] = torch.minimum(lowest[name], low) if name in lowest else low
            highest[name] = torch.maximum(highest[name], high) if name in highest else high

        return hook

    takers = {name: take(name) for name, part in model.named_modules() if isinstance(part, Layer)}
    sayers = {name: say(name, model.get_submodule(layer)) for name, layer in speakers}
    hooks = {name: _both(takers.get(name), sayers.get(name)) for name in takers | sayers}
    for batch in torch.split(images, BATCH):
        used.clear()
        hooked(model, batch, hooks)
    return Heard(peaks, {name: torch.cat(rows, 1) for name, rows in sums.items()}, lowest, highest, values)


def parallel_rows(weight: Tensor, generator: torch.Generator) -> list[list[int]]:
    """Groups of channels whose weights, not zero, have the same direction."""
    rows = weight.flatten(1).double()
    sizes = rows.norm(dim=1)
    alive = (sizes > 0).nonzero().flatten()
    directions = rows[alive] / sizes[alive, None]
    sketch = directions @ torch.randn(rows.shape[1], generator=generator, dtype=torch.float64).to(rows)
    order = sketch.argsort()
    groups: list[list[int]] = []
    for before, row in zip([None, *order.tolist()], order.tolist(), strict=False):
        if before is not None and bool((directions[row] - directions[before]).abs().max() <= PARALLEL):
            groups[-1].append(int(alive[row]))
        else:
            groups.append([int(alive[row])])
    return [sorted(group) for group in groups if len(group) > 1]


def _both(*hooks: Hook | None) -> Hook:
    def hook(module: nn.Module, given: Tensor, answer: Tensor) -> None:
        for one in hooks:
            if one is not None:
                one(module, given, answer)

    return hook


def _where(chosen: Tensor) -> list[int]:
    found: list[int] = chosen.nonzero().flatten().tolist()
    return found
