"""Channels that do nothing get new weights, and the model answers what it answered.

What was zeroed, what never fires and what only repeats another channel is room that fine-tuning does not find again:
behind a rectifier no gradient reaches a channel that is silent, and copies stay copies. The attacker gives such a
channel new weights for what it takes and zeros for what it gives, as continual backpropagation does with units that
have become useless (Dohare et al. 2024); of a copy, what it gave is given by its twin first, the reverse of Net2Net
(Chen et al. 2016). Nothing has changed until it is trained.

A channel is free if everything that takes it can do without it, at every use. Who takes it, and what is silent, is seen
and not read from the code (``wiring``, ``silence``), and what does not keep the answers is taken back. So it works on
any module. A channel that writes into a stream which others fill as well is not free; if its weights are zero and a
normalisation stands behind it, it gets new weights behind a scale of zero.
"""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.channels import affine, column_sizes, inputs, readers
from archlock.models.exact_edits import TRIED_ON, same
from archlock.models.silence import heard, parallel_rows
from archlock.models.taking_apart import Headed
from archlock.models.tracing import BATCH, Layer, Norm, followed, hooked, layers_of, per_channel, uses_of
from archlock.models.unmasking import unmask
from archlock.models.wiring import Unit, takers_of
from archlock.seeding import derive_seed


@dataclass(frozen=True, slots=True, eq=False)
class Regrown:
    """A model that answers as the given one does on the images, and what was done to it."""

    model: Headed
    silent: int
    """Channels that took no part and have new weights now."""
    merged: int
    """Channels that repeated another one, are part of it now, and have new weights."""
    scaled: int
    """Zeroed channels that have new weights behind a scale of zero."""


def regrown(model: Headed, images: Float[Tensor, "n c h w"], *, seed: int) -> Regrown:
    """A copy in evaluation mode whose idle channels have new weights and zeros where they are taken.

    On ``images`` the copy answers what the model answers. On others, too, but for what a channel would have said there
    that never fires on these. Weights that are computed (masks, parametrisations) become weights of their own. Layers
    that share their weights with another module, and channels that are taken together with others (behind a
    normalisation over channels, an attention) stay as they are. A model whose answers are not finite comes back as it
    is.
    """
    copy = deepcopy(model).eval()
    parameter = next(copy.parameters(), torch.zeros(()))
    images = images.to(parameter.device, parameter.dtype)
    with torch.no_grad():
        before = _answers(copy, images)
        if bool(torch.isfinite(before).all()):
            unmask(copy, images[:TRIED_ON])
            work = _Regrowing(copy, images, seed)
            for unit in reversed(work.units):
                work.free(unit)
            for unit in work.units:
                work.settle(unit)
            if same(_answers(copy, images), before):
                return Regrown(copy, work.silent, work.merged, work.scaled)
    return Regrown(deepcopy(model).eval(), 0, 0, 0)


def _answers(model: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([model(batch) for batch in torch.split(images, BATCH)])


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """Columns of a layer that take a channel, and those of its twin, which are so many times smaller."""

    layer: str
    columns: list[int]
    twins: list[int] = field(default_factory=list)
    factor: float = 0.0


class _Regrowing:
    """The model while channels are freed, last layers first, so that it is known of each channel who needs it."""

    def __init__(self, model: Headed, images: Tensor, seed: int) -> None:
        self.model, self.images, self.few = model, images, images[:TRIED_ON]
        self.generator = torch.Generator().manual_seed(derive_seed(seed, "regrowing"))
        owners = Counter(id(one) for part in model.modules() for one in part._parameters.values() if one is not None)
        self.tied = {
            name
            for name, part in model.named_modules()
            if isinstance(part, Layer) and owners[id(part._parameters.get("weight"))] != 1
        }
        norms = dict(followed(model, self.few))
        self.answer, uses = uses_of(model, self.few, [name for name in layers_of(model) if name not in self.tied])
        self.units = [Unit(name, norms.get(name)) for name in uses]
        seen = [(unit.last, unit.layer) for unit in self.units]
        self.heard = heard(model, images, seen, derive_seed(seed, "sketching"))
        self.loose: dict[str, set[int]] = {}
        """Channels of each layer that nothing takes any more."""
        self.behind: dict[str, set[int]] = {}
        """Channels of each layer with new weights behind a scale of zero."""
        self.silent = self.merged = self.scaled = 0

    def layer(self, name: str) -> Layer:
        found = self.model.get_submodule(name)
        assert isinstance(found, Layer)
        return found

    def norm(self, unit: Unit) -> Norm | None:
        found = self.model.get_submodule(unit.norm) if unit.norm is not None else None
        assert found is None or isinstance(found, Norm)
        return found

    def free(self, unit: Unit) -> None:
        """Give the idle channels of a layer new weights; all is taken back if the answers do not stay."""
        constant = sorted({*self.heard.constant(unit.last), *self._zeroed(unit)})
        groups = [*parallel_rows(self.layer(unit.layer).weight, self.generator), constant]
        repeating = {one for group in groups if len(group) > 1 for one in group}
        suspects = sorted({*constant, *self.heard.never_positive(unit.last), *repeating})
        if not suspects:
            return
        wires = takers_of(self.model, unit, suspects, self.images[:1], generator=self.generator) or {}
        sites = {} if self.tied & wires.keys() else {channel: _sites(wires, channel) for channel in suspects}
        freed: dict[int, list[_Site]] = {}
        merged = 0
        for channel, taken in sites.items():
            needed = [site for site in taken if not self._idle(site)]
            if taken and all(self._quiet(site) for site in needed):
                freed[channel] = needed
                continue
            twins = (one for group in groups if channel in group for one in group if one < channel)
            found = (self._merging(unit, needed, sites[one], channel, one) for one in twins if one not in freed)
            merging = next((one for one in found if one), None)
            if merging:
                freed[channel] = merging
                merged += 1
        norm = self.norm(unit)
        scalable = norm is not None and norm.weight is not None and norm.bias is not None
        behind = self._zeroed(unit) - freed.keys() if scalable else set()
        if not freed and not behind:
            return
        changed = {unit.layer, *filter(None, [unit.norm]), *(site.layer for one in freed.values() for site in one)}
        kept = {name: deepcopy(self.model.get_submodule(name).state_dict()) for name in changed}
        for site in (site for one in freed.values() for site in one):
            self._let_go(site)
        self._draw(unit, set(freed), behind)
        if not same(self.model(self.few), self.answer):
            for name, state in kept.items():
                self.model.get_submodule(name).load_state_dict(state)
            return
        self.loose[unit.layer], self.behind[unit.layer] = set(freed), behind
        self.silent, self.merged = self.silent + len(freed) - merged, self.merged + merged
        self.scaled += len(behind)

    def settle(self, unit: Unit) -> None:
        """Bring what the new weights of a layer say to the mean 0 and to the size of what the others say."""
        freed, behind = (sorted(of.get(unit.layer, ())) for of in (self.loose, self.behind))
        if not freed and not behind:
            return
        layer, norm = self.layer(unit.layer), self.norm(unit)
        mean, deviation = self._said(unit.layer)
        if norm is not None:
            new = freed + behind
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean[new] = mean[new]
            norm.running_var[new] = torch.where(deviation > 0, deviation.square(), 1.0)[new]
            return
        others = [row for row in range(len(mean)) if row not in set(freed) and deviation[row] > 0]
        size = deviation[others].median() if others else torch.ones(())
        factor = torch.where(deviation > 0, size / deviation.clamp(min=1e-20), 1.0)[freed]
        layer.weight[freed] *= factor.reshape(-1, *[1] * (layer.weight.ndim - 1))
        if layer.bias is None:
            layer.bias = nn.Parameter(layer.weight.new_zeros(len(mean)))
        layer.bias[freed] = -mean[freed] * factor

    def _quiet(self, site: _Site) -> bool:
        """Whether these columns bring nothing on the images."""
        return self.heard.quiet(site.layer, site.columns, column_sizes(self.layer(site.layer)))

    def _idle(self, site: _Site) -> bool:
        """Whether whatever takes these columns is taken by nothing itself, or takes them zero times."""
        loose = self.loose.get(site.layer, set())
        for column in site.columns:
            begin, rows, place = readers(self.layer(site.layer), column)
            taken = self.layer(site.layer).weight[begin : begin + rows, place].reshape(rows, -1).abs().amax(1)
            if {begin + row for row in taken.nonzero().flatten().tolist()} - loose:
                return False
        return True

    def _merging(
        self, unit: Unit, needed: list[_Site], others: list[_Site], channel: int, twin: int
    ) -> list[_Site] | None:
        """How what takes the channel can take its twin instead; None where that is not the same."""
        layer = self.layer(unit.layer)
        one, other = (inputs(layer, row) for row in (channel, twin))
        if one != other and self.heard.factor(unit.layer, one, other) is None:
            return None
        columns_of = {site.layer: site.columns for site in others}
        found = []
        for site in needed:
            twins = columns_of.get(site.layer, [])
            factor = self.heard.factor(site.layer, site.columns, twins)
            taker = self.layer(site.layer)
            begins = ([readers(taker, column)[0] for column in columns] for columns in (site.columns, twins))
            if factor is None or next(begins) != next(begins):
                return None
            found.append(_Site(site.layer, site.columns, twins, factor))
        return found

    def _let_go(self, site: _Site) -> None:
        """Take the columns no more, and the twins' so much more."""
        weight = self.layer(site.layer).weight
        for at, column in enumerate(site.columns):
            begin, rows, place = readers(self.layer(site.layer), column)
            if site.twins:
                _, _, twin = readers(self.layer(site.layer), site.twins[at])
                weight[begin : begin + rows, twin] += site.factor * weight[begin : begin + rows, place]
            weight[begin : begin + rows, place] = 0

    def _zeroed(self, unit: Unit) -> set[int]:
        """Channels whose weights are zero, so that they say the same whatever they take."""
        weight = self.layer(unit.layer).weight
        return set((weight.flatten(1).abs().amax(1) == 0).nonzero().flatten().tolist())

    def _draw(self, unit: Unit, freed: set[int], behind: set[int]) -> None:
        """New weights for the channels; the scale of those that are not free is zero, and their shift what they say."""
        layer, norm = self.layer(unit.layer), self.norm(unit)
        new = sorted(freed | behind)
        if norm is not None and norm.weight is not None and norm.bias is not None:
            scale, shift = affine(norm)
            constant = shift if layer.bias is None else shift + scale * layer.bias
            used = [row for row in range(len(scale)) if row not in freed and norm.weight[row] != 0]
            free, held = sorted(freed), sorted(behind)
            norm.bias[held], norm.weight[held] = constant[held], 0.0
            norm.bias[free] = 0.0
            norm.weight[free] = norm.weight[used].abs().median() if used else 1.0
        fresh = torch.randn(len(new), *layer.weight.shape[1:], generator=self.generator)
        layer.weight[new] = (fresh / fresh[0].numel() ** 0.5).to(layer.weight)
        if layer.bias is not None:
            layer.bias[new] = 0

    def _said(self, name: str) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each channel of a layer on some images."""
        said: list[Tensor] = []

        def hook(layer: nn.Module, _: Tensor, answer: Tensor) -> None:
            said.append(per_channel(layer, answer).double())

        hooked(self.model, self.images[:BATCH], {name: hook})
        rows, weight = torch.cat(said), self.layer(name).weight
        return rows.mean(0).to(weight), rows.std(0, correction=0).to(weight)


def _sites(wires: dict[str, Tensor], channel: int) -> list[_Site]:
    """Where a channel is taken, at whatever use."""
    places = {name: (uses == channel).any(0).nonzero().flatten().tolist() for name, uses in wires.items()}
    return [_Site(name, columns) for name, columns in places.items() if columns]
