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


class WithAuxiliary(nn.Module):
    """A head on maps half way, which is used only while the network trains."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 6, 3, padding=1)
        self.norm, self.drop = nn.BatchNorm2d(8), nn.Dropout(0.5)
        self.auxiliary, self.beside = nn.Conv2d(8, 5, 1), nn.Linear(5, 2)
        self.head = nn.Linear(6, 2)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        maps = torch.relu(self.norm(self.first(images)))
        answer = self.head(torch.relu(self.second(maps)).mean((2, 3)))
        if not self.training:
            return answer
        return answer, self.beside(self.drop(torch.relu(self.auxiliary(maps)).mean((2, 3))))
