"""Networks with layers beside the way to the answer, for 3 x 16 x 16 images and two classes."""

import torch
from torch import Tensor, nn


class WithBranches(nn.Module):
    """One branch whose answer nobody takes, and one that answers beside the head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.first, self.idle = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 1)
        self.head, self.beside = nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = torch.relu(self.first(images))
        self.idle(maps)
        features = maps.mean((2, 3))
        return self.head(features), self.beside(features)
