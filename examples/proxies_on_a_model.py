"""Zero-cost proxies of a network of your own: any nn.Module that maps images in [0, 1] to logits will do."""

import torch
from torch import nn

from archlock.proxies import PROXIES, measure_all
from archlock.tasks import digits
from archlock.training import batches

if __name__ == "__main__":
    task = digits()
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1, stride=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, task.outputs),
    )
    drawn = list(batches(task.train, 16, seed=0))[:2]
    for name, found in measure_all(model, drawn, list(PROXIES), seed=0).items():
        value = (
            f"{found.value:12.4g} {PROXIES[name].unit}" if found.status == "valid" else f"{found.status}: {found.note}"
        )
        print(f"{name:14} {value}")
