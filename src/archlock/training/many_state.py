"""Everything that changes while many networks are trained together, and its way to disk and back."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from archlock.models import Network, skeleton_of, stack
from archlock.seeding import derive_seed
from archlock.tasks import KINDS, Split, Task
from archlock.training.augmentation import Draw, changed, draws, pixel_places, plan_for
from archlock.training.batches import Batch
from archlock.training.checkpoints import load_state, save_state
from archlock.training.descent import (
    REMEMBERED,
    channels_last,
    divergence,
    optimiser_for,
    set_rate,
    steps_per_epoch,
)
from archlock.training.evaluate import NOT_FINITE, evaluate_stack, summed_in
from archlock.training.fit import Trained
from archlock.training.kinds import LEARNING
from archlock.training.losses import losses_of
from archlock.training.plan import Plan


def layout_for(device: str) -> torch.memory_format:
    """Memory layout of a stack: channels last on a CPU (1.5 times the speed), channels first for grouped cuDNN."""
    return torch.channels_last if torch.device(device).type == "cpu" else torch.contiguous_format


@dataclass(frozen=True, slots=True)
class Diverged:
    """A training of many that ended without a result: its loss or its answers were not finite."""

    note: str
    """When and how, in a sentence."""
    curve: tuple[float, ...]
    losses: tuple[float, ...]
    """Mean training loss of each epoch before."""
    seconds: float


@dataclass(slots=True)
class _Member:
    """How it goes with one network."""

    losses: list[float] = field(default_factory=list)
    curve: list[float] = field(default_factory=list)
    seconds: float = 0.0
    note: str = ""
    """Why it has no result; empty as long as all is well."""
    stopped: bool = False


class _Group:
    """Networks in one stack, with their optimiser; ``rows`` are their places among all."""

    def __init__(self, rows: Sequence[int], networks: Sequence[Network], plan: Plan, device: str) -> None:
        self.rows = list(rows)
        self.stack = stack(networks).to(device).requires_grad_(True)
        if layout_for(device) == torch.channels_last:
            channels_last(self.stack)
        self.optimizer = optimiser_for(self.stack.parameters(), plan)
        self.remembered = REMEMBERED[plan.optimiser]

    def memories(self) -> list[tuple[Network, ...]] | None:
        """For each network what the optimiser remembers, as networks that have it in place of the weights, or None."""
        state, parameters = self.optimizer.state, list(self.stack.parameters())
        if any(state[parameter].get(name) is None for parameter in parameters for name in self.remembered):
            return None
        parts = [self.stack.unstack(self._remembered(name)) for name in self.remembered]
        return list(zip(*parts, strict=True))

    def _remembered(self, name: str) -> Callable[[Tensor], Tensor]:
        return lambda own: self.optimizer.state[own][name]

    def take_memories(self, memories: Sequence[tuple[Network, ...]], steps: int) -> None:
        """What :meth:`memories` gave, after so many steps."""
        state = self.optimizer.state
        for name, networks in zip(self.remembered, zip(*memories, strict=True), strict=True):
            for own, given in zip(self.stack.parameters(), stack(networks).parameters(), strict=True):
                state[own][name] = torch.empty_like(own).copy_(given)
        if isinstance(self.optimizer, torch.optim.AdamW):
            for own in self.stack.parameters():
                state[own]["step"] = torch.tensor(float(steps), device=own.device)


class Many:
    """The trainings: ``epoch`` of them are done, ``running`` are those that go on."""

    def __init__(
        self, networks: Sequence[Network], task: Task, plan: Plan, seeds: Sequence[int], size: int, device: str
    ) -> None:
        self.networks, self.task, self.plan, self.seeds = networks, task, plan, seeds
        self.size, self.device = size, device
        self.epoch = 0
        self.members = [_Member() for _ in networks]
        self.ended: dict[int, Network] = {}
        self.examples = _Examples(task.train, device)
        self._steps = steps_per_epoch(plan, len(self.examples))
        self.groups = [self._group(rows) for rows in self._shares(range(len(networks)))]

    @property
    def running(self) -> list[int]:
        """Places of the networks that are still trained."""
        return sorted(row for group in self.groups for row in group.rows)

    def share(self, seconds: float) -> None:
        """Put time down to all that run, in equal parts."""
        for row in self.running:
            self.members[row].seconds += seconds / len(self.running)

    def run_epoch(self) -> None:
        """Train every group for one epoch, and let go of what has diverged."""
        for group in self.groups:
            began = time.perf_counter()
            means = self._descend(group).tolist()
            for row, mean in zip(group.rows, means, strict=True):
                member = self.members[row]
                member.seconds += (time.perf_counter() - began) / len(means)
                if math.isfinite(mean):
                    member.losses.append(mean)
                else:
                    member.note = divergence(self.task.name, self.plan, self.epoch + 1)
        self.epoch += 1
        self._go_on([row for row in self.running if not self.members[row].note])

    def _descend(self, group: _Group) -> Float[Tensor, " networks"]:
        """Mean losses of an epoch, still on the device."""
        group.stack.train()
        count = len(self.examples)
        begun = self.epoch * self._steps
        seeds = [derive_seed(self.seeds[row], "epoch", self.epoch) for row in group.rows]
        plan = plan_for(self.task.kind, self.plan)
        chances = zip(*(draws(count, self.examples.size, plan, seed) for seed in seeds), strict=True)
        total, done = torch.zeros(len(seeds), dtype=summed_in(self.device), device=self.device), 0
        for step, choices in enumerate(chances):
            set_rate(group.optimizer, self.plan, step=begun + step, examples=count)
            batch = self.examples.batch(choices)
            with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=self.plan.precision == "bfloat16"):
                outputs = group.stack(batch.images)
            losses = losses_of(
                outputs.float(), batch.targets, kind=self.task.kind, label_smoothing=self.plan.label_smoothing
            )
            group.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(losses.sum())
            group.optimizer.step()
            total += losses.detach() * len(batch)
            done += len(batch)
        return total / done

    def look(self) -> None:
        """Take the validation score of all that run, and let go of those whose answers are not finite."""
        for group in self.groups:
            began = time.perf_counter()
            scores = evaluate_stack(group.stack, self.task.validation, device=self.device)
            for row, score in zip(group.rows, scores, strict=True):
                member = self.members[row]
                member.seconds += (time.perf_counter() - began) / len(scores)
                if math.isfinite(score):
                    member.curve.append(score)
                else:
                    member.note = NOT_FINITE
        self._go_on([row for row in self.running if not self.members[row].note])

    def keep_best(self, count: int) -> None:
        """Only so many, by their last validation score, go on."""
        best = sorted(self.running, key=lambda row: -self.members[row].curve[-1])[:count]
        for row in set(self.running) - set(best):
            self.members[row].stopped = True
        self._go_on(best)

    def _go_on(self, rows: Sequence[int]) -> None:
        """Take apart the stacks, keep what the ended ones have, and stack the others anew with what is remembered."""
        if len(rows) == len(self.running):
            return
        networks: dict[int, Network] = {}
        memories: dict[int, tuple[Network, ...]] = {}
        for group in self.groups:
            networks.update(zip(group.rows, group.stack.unstack(), strict=True))
            memories.update(zip(group.rows, group.memories() or (), strict=False))
        self.ended.update({row: network for row, network in networks.items() if row not in rows})
        self.groups = []
        for share in self._shares(sorted(rows)):
            group = self._group(share, networks)
            if memories:
                group.take_memories([memories[row] for row in share], self.epoch * self._steps)
            self.groups.append(group)

    def _shares(self, rows: Iterable[int]) -> list[list[int]]:
        """Which networks go together: those of one skeleton, in stacks of even size."""
        alike: dict[str, list[int]] = {}
        for row in rows:
            alike.setdefault(skeleton_of(self.networks[row]), []).append(row)
        return [
            part.tolist() for some in alike.values() for part in np.array_split(some, math.ceil(len(some) / self.size))
        ]

    def _group(self, rows: Sequence[int], networks: dict[int, Network] | None = None) -> _Group:
        chosen = [self.networks[row] if networks is None else networks[row] for row in rows]
        return _Group(rows, chosen, self.plan, self.device)

    def results(self) -> tuple[Trained | Diverged, ...]:
        """What became of each network."""
        for group in self.groups:
            self.ended.update(zip(group.rows, group.stack.unstack(), strict=True))
        found: list[Trained | Diverged] = []
        for row, member in enumerate(self.members):
            curve, losses = tuple(member.curve), tuple(member.losses)
            if member.note:
                found.append(Diverged(member.note, curve, losses, member.seconds))
                continue
            model = self.ended[row].eval().requires_grad_(True)
            steps = len(losses) * self._steps
            found.append(Trained(model, curve[-1], curve, losses, member.seconds, member.stopped, steps))
        return tuple(found)

    def save(self, path: Path, identity: str) -> None:
        """Write all of it."""
        state = {
            "epoch": self.epoch,
            "members": [asdict(member) for member in self.members],
            "ended": {row: network.state_dict() for row, network in self.ended.items()},
            "groups": [(group.rows, group.stack.state_dict(), group.optimizer.state_dict()) for group in self.groups],
        }
        save_state(path, identity, state)

    def resume(self, path: Path, identity: str) -> None:
        """Go on from what was written, if it is of the same trainings."""
        state: dict[str, Any] | None = load_state(path, identity, device=self.device)
        if state is None:
            return
        self.epoch = state["epoch"]
        self.members = [_Member(**member) for member in state["members"]]
        for row, weights in state["ended"].items():
            (self.ended[row],) = stack([self.networks[row]]).to(self.device).unstack()
            self.ended[row].load_state_dict(weights)
        self.groups = []
        for rows, weights, optimizer in state["groups"]:
            group = self._group(rows)
            group.stack.load_state_dict(weights)
            group.optimizer.load_state_dict(optimizer)
            self.groups.append(group)


class _Examples:
    """A training split on the device, where batches are cut from it and augmented; one on disk stays there."""

    def __init__(self, split: Split, device: str) -> None:
        self.split, self.device = split, torch.device(device)
        if not split.stored:
            self.images, self.targets = (
                torch.tensor(np.ascontiguousarray(array)).to(device) for array in (split.images, split.targets)
            )
        self.kind = split.kind
        self.size = split.images.shape[1], split.images.shape[2]
        self.layout = layout_for(device)

    def __len__(self) -> int:
        return len(self.split)

    def batch(self, choices: Sequence[Draw]) -> Batch:
        """The batch of each network, side by side in the channels; targets K x N, or K x N x C x H x W."""
        if self.split.stored or any(draw.windows is not None or draw.colours is not None for draw in choices):
            return self._put_together([changed(self.split.take(draw.rows).loaded(), draw) for draw in choices])
        height, width = self.size
        places = [pixel_places(height, width, draw) for draw in choices]
        rows = self._sent([draw.rows for draw in choices])[:, None, None, :]
        down = self._sent([place[0] for place in places])[:, :, None, :]
        right = self._sent([place[1] for place in places])[:, None, :, :]
        images = self.images[rows, down, right].flatten(3).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        levels, images = images.dtype == torch.uint8, images.to(torch.float32)
        images = images.div_(255) if levels else images
        if KINDS[self.kind].dense:
            targets = self.targets[rows, down, right].permute(3, 0, 4, 1, 2)
        else:
            targets = self.targets[rows[:, 0, 0]].transpose(0, 1)
        return Batch(images, LEARNING[self.kind].scaled(targets), self.kind)

    def _put_together(self, parts: Sequence[Split]) -> Batch:
        """As :meth:`batch`, of batches that were cut and augmented on the host."""
        images = torch.tensor(np.stack([part.images for part in parts], 3)).to(self.device)
        images = images.flatten(3).permute(0, 3, 1, 2).contiguous(memory_format=self.layout)
        levels, images = images.dtype == torch.uint8, images.to(torch.float32)
        targets = torch.tensor(np.stack([part.targets for part in parts])).to(self.device)
        if KINDS[self.kind].dense:
            targets = targets.permute(0, 1, 4, 2, 3)
        return Batch(images.div_(255) if levels else images, LEARNING[self.kind].scaled(targets), self.kind)

    def _sent(self, arrays: Sequence[np.ndarray]) -> Tensor:
        """Networks last, so that the images of a batch come out channels-last."""
        return torch.tensor(np.stack(arrays, -1)).to(self.device, non_blocking=True)
