"""Networks of the shared data: pretrained ones that users know, built by hand and filled with their weights."""

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from shared_data import shared


class Block(nn.Module):
    def __init__(self, channels: int, wider: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wider, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wider)
        self.conv2 = nn.Conv2d(wider, wider, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wider)
        self.stride, self.padding = stride, (wider - channels) // 2

    def forward(self, maps: Tensor) -> Tensor:
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(maps)))))
        kept = maps[:, :, :: self.stride, :: self.stride]
        return torch.relu(out + nn.functional.pad(kept, (0, 0, 0, 0, self.padding, self.padding)))


class ResNet(nn.Module):
    """ResNet for CIFAR (He et al. 2016), images in [0, 1]; shortcuts of type A."""

    def __init__(self, blocks: int = 3) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        channels = 16
        for stage, wider in enumerate((16, 32, 64), 1):
            parts = []
            for place in range(blocks):
                parts.append(Block(channels, wider, 2 if stage > 1 and place == 0 else 1))
                channels = wider
            setattr(self, f"layer{stage}", nn.Sequential(*parts))
        self.linear = nn.Linear(64, 10)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225])[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.relu(self.bn1(self.conv1((images - self.mean) / self.std)))
        return self.linear(self.layer3(self.layer2(self.layer1(maps))).mean((2, 3)))


def resnet20() -> ResNet:
    """ResNet-20 trained on CIFAR-10; 91.7 % on its test split."""
    model = ResNet()
    state = {k: v.float() for k, v in load_file(shared("weights/resnet20_cifar10.safetensors")).items()}
    model.load_state_dict(state, strict=False)
    return model.eval()
