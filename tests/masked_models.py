"""Models that hide their gradient, each in one way."""

from torch import Tensor, nn


class Scaled(nn.Module):
    """A network whose logits are multiplied, so that its cross entropy is exactly zero and has no gradient."""

    def __init__(self, model: nn.Module, factor: float) -> None:
        super().__init__()
        self.model, self.factor = model, factor

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.factor * self.model(images)
        return logits


class Rounded(nn.Module):
    """Images are brought to a few grey levels first: a step function, whose gradient is zero everywhere."""

    def __init__(self, model: nn.Module, levels: int = 16) -> None:
        super().__init__()
        self.model, self.levels = model, levels

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model((images * self.levels).round() / self.levels)
        return logits


class Detached(nn.Module):
    """Answers as its network does, without a gradient in the images."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(images.detach().flatten(1))
        return logits
