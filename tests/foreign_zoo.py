"""Small classifiers as strangers bring them, each with its features and its head taken out by hand.

All are for 1 x 8 x 8 images and 5 classes, with random weights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from archlock.models import Classifier, copy_without_old_hooks

CLASSES = 5


@dataclass(frozen=True)
class Stranger:
    """A network, and what goes into its head, written down by hand."""

    model: nn.Module
    features: Callable[[nn.Module, Tensor], Tensor]
    """Of a copy of the model in any mode: N x features."""
    weight: Tensor
    """CLASSES x features: logits are features x weight + bias."""
    bias: Tensor
    heads: tuple[str, ...] = ("head",)
    """What answers."""

    def classifier(self) -> Classifier:
        """The stranger as body and head, by one who knows them; a copy."""
        head = nn.Linear(self.weight.shape[1], CLASSES)
        head.load_state_dict({"weight": self.weight, "bias": self.bias})
        return Classifier(ByHand(self), head)


class ByHand(nn.Module):
    """The features of a model as a module, for one who knows the model."""

    def __init__(self, stranger: Stranger) -> None:
        super().__init__()
        self.model, self.features = copy_without_old_hooks(stranger.model), stranger.features
        for name in stranger.heads:
            parent, _, child = name.rpartition(".")
            setattr(self.model.get_submodule(parent), child, nn.Identity())

    def forward(self, images: Tensor) -> Tensor:
        return self.features(self.model, images)


def convolutions(norm: Callable[[int], nn.Module] = nn.BatchNorm2d, wrap: Callable = lambda layer: layer) -> nn.Module:
    return nn.Sequential(
        wrap(nn.Conv2d(1, 6, 3, padding=1)),
        norm(6),
        nn.ReLU(),
        wrap(nn.Conv2d(6, 8, 3, stride=2, padding=1)),
        norm(8),
        nn.ReLU(),
    )


class Plain(nn.Module):
    """Convolutions, mean, one linear layer."""

    def __init__(self, body: nn.Module, head: nn.Module | None = None) -> None:
        super().__init__()
        self.body, self.head = body, head or nn.Linear(8, CLASSES)

    def pooled(self, images: Tensor) -> Tensor:
        return self.body(images).mean((2, 3))

    def forward(self, images: Tensor) -> object:
        return self.head(self.pooled(images))


class TwoHeads(Plain):
    """The answer is the mean of two classifiers, as in a distilled DeiT; while it trains, both come by themselves."""

    def __init__(self) -> None:
        super().__init__(convolutions())
        self.second = nn.Linear(8, CLASSES)

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.body(images)
        return maps.mean((2, 3)), maps.amax((2, 3))

    def forward(self, images: Tensor) -> object:
        mean, largest = self.both(images)
        answers = self.head(mean), self.second(largest)
        return answers if self.training else (answers[0] + answers[1]) / 2


class Auxiliary(Plain):
    """While it trains it answers twice, as GoogLeNet does; the auxiliary head stands last."""

    def __init__(self) -> None:
        super().__init__(convolutions())
        self.auxiliary = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> object:
        pooled = self.pooled(images)
        return (self.head(pooled), self.auxiliary(pooled)) if self.training else self.head(pooled)


class HeadFirst(nn.Module):
    """The head is the first linear layer by name, and a body layer has as many outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(CLASSES, CLASSES)
        self.hidden, self.narrow = nn.Linear(64, 16), nn.Linear(16, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        return torch.relu(self.narrow(torch.relu(self.hidden(images.flatten(1)))))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class Tied(nn.Module):
    """Two layers of the body are one, and so are two names of the head."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(64, 12)
        self.one = nn.Linear(12, 12)
        self.other = self.one
        self.head = nn.Linear(12, CLASSES)
        self.classifier = self.head

    def features(self, images: Tensor) -> Tensor:
        return torch.tanh(self.other(torch.tanh(self.one(torch.tanh(self.enter(images.flatten(1)))))))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class Tokens(nn.Module):
    """The head looks at every row of the image, and the answer is the mean of what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.head = nn.Linear(8, 10), nn.Linear(10, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        return torch.relu(self.enter(images[:, 0])).mean(1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"loss": images.sum(), "logits": self.head(torch.relu(self.enter(images[:, 0]))).mean(1)}


def _vit() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=8, patch_size=4,
        num_channels=1, num_labels=CLASSES,
    )  # fmt: skip
    return ViTForImageClassification(config)


def _of(
    model: nn.Module, features: Callable[[nn.Module, Tensor], Tensor], head: nn.Linear | nn.Conv2d, *names: str
) -> Stranger:
    weight = head.weight.detach().float().flatten(1)
    bias = torch.zeros(CLASSES) if head.bias is None else head.bias.detach().float()
    return Stranger(model, features, weight, bias, names or ("head",))


def strangers() -> dict[str, Stranger]:
    """All of them by what is peculiar about them."""
    torch.manual_seed(21)

    def plain(model: Plain) -> Stranger:
        return _of(model, lambda m, images: m.pooled(images), model.head)

    twice = TwoHeads()
    first, vit, tied, tokens = HeadFirst(), _vit(), Tied(), Tokens()
    by_map = nn.Sequential(convolutions(), nn.Conv2d(8, CLASSES, 4), nn.Flatten())
    by_places = nn.Sequential(convolutions(), nn.Conv2d(8, CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    softmax = nn.Sequential(Plain(convolutions()), nn.Softmax(1))
    return {
        "two heads": Stranger(
            twice,
            lambda m, images: torch.cat(m.both(images), 1),
            torch.cat([twice.head.weight, twice.second.weight], 1).detach() / 2,
            (twice.head.bias + twice.second.bias).detach() / 2,
            ("head", "second"),
        ),
        "convolution at every place": _of(by_places, lambda m, images: m[0](images).mean((2, 3)), by_places[1], "1"),
        "convolution over the map": _of(by_map, lambda m, images: m[0](images).flatten(1), by_map[1], "1"),
        "auxiliary output": plain(Auxiliary()),
        "weight norm": plain(Plain(convolutions(wrap=parametrizations.weight_norm))),
        "old weight norm": plain(Plain(convolutions(wrap=torch.nn.utils.weight_norm))),
        "spectral norm": plain(Plain(convolutions(wrap=parametrizations.spectral_norm))),
        "group norm": plain(Plain(convolutions(norm=lambda channels: nn.GroupNorm(2, channels)))),
        "head first": _of(first, lambda m, images: m.features(images), first.classifier, "classifier"),
        "vision transformer": _of(
            vit, lambda m, images: m.vit(images).last_hidden_state[:, 0], vit.classifier, "classifier"
        ),
        "tied": _of(tied, lambda m, images: m.features(images), tied.head, "head", "classifier"),
        "tokens": _of(tokens, lambda m, images: m.features(images), tokens.head),
        "softmax": _of(softmax, lambda m, images: m[0].pooled(images), softmax[0].head, "0.head"),
    }
