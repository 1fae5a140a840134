"""An attacker of your own: shrink the weights, stir in new ones, then fine-tune (after Ash and Adams 2020)."""

import torch
from torch import nn

from archlock.attacks import ATTACKS, Adapted, Attack
from archlock.models import build, reinitialised, with_new_head
from archlock.spaces import SPACES
from archlock.tasks import SIMULATORS, Task, digits, subsample
from archlock.training import Plan, fit


class ShrinkAndPerturb(Attack):
    name = "shrink_and_perturb"
    summary = "moves the weights half way to new random ones, then trains all of them"
    settings = (0.2, 0.05)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        stirred = with_new_head(model, task.signature, seed=seed)
        fresh = reinitialised(stirred, seed=seed)
        with torch.no_grad():
            for old, new in zip(stirred.parameters(), fresh.parameters(), strict=True):
                old.lerp_(new, 0.5)
        trained = fit(stirred, task, plan.with_rate(setting), seed=seed, device=device)
        return Adapted.by(trained)


ATTACKS.add(ShrinkAndPerturb.name, ShrinkAndPerturb())

if __name__ == "__main__":
    source = subsample(digits(), 400, seed=0)
    target = subsample(SIMULATORS["rotation"].simulate(source, seed=0), 200, seed=0)
    architecture = SPACES["nasbench201"].architecture("421211")
    model = fit(build(architecture, source.signature, width=8, depth=1, seed=0), source, Plan(3), seed=0).model
    for name in ("linear_probe", "fine_tune", "shrink_and_perturb"):
        outcome = ATTACKS[name].run(model, target, plan=Plan(3, batch_size=32, shift=0.0), seed=0)
        print(f"{name:20} {outcome.test:6.1%} on {target.name}, chance {target.chance:.1%}")
