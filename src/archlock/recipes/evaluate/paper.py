"""The published figures of ArchLock that could be had, to be shown beside one's own; never computed from."""

from dataclasses import dataclass
from typing import Final, Literal

PAPER: Final = "Zhou, Ren, Xu: ArchLock, ICLR 2024"
CAVEAT: Final = (
    "The released code picks the candidate with the lowest true target accuracy out of 30, so that published figures "
    "of tu and tk contain a look at the answer; percentiles are of the found architecture over the whole space."
)


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One published mean target percentile, in [0, 100]; lower is a better lock."""

    space: Literal["nasbench201", "transnas101_micro"]
    source: str
    """``any``: the figure is a mean over pairs, or the text names no task."""
    target: str
    scheme: Literal["s", "tk", "tu"]
    target_percentile: float
    text: str
    """What the source says it is."""


_NB: Final = "nasbench201"
_TN: Final = "transnas101_micro"
_UNNAMED: Final = "NAS-Bench-201, source CIFAR-100, target not named"
_SIMULATED: Final = "NAS-Bench-201, CIFAR-100 to ImageNet16-120, 5 simulated tasks"
_SCENE: Final = "TransNAS-Bench-101, semantic segmentation to scene classification"
_MEAN: Final = "TransNAS-Bench-101, mean over pairs of tasks"

PUBLISHED: Final[tuple[PublishedFigure, ...]] = (
    PublishedFigure(_NB, "cifar100", "any", "s", 99.34, _UNNAMED),
    PublishedFigure(_NB, "cifar100", "any", "tu", 87.27, _UNNAMED),
    PublishedFigure(_NB, "cifar100", "any", "s", 93.47, f"{_UNNAMED}; another one"),
    PublishedFigure(_NB, "cifar100", "any", "tu", 81.06, f"{_UNNAMED}; another one"),
    PublishedFigure(_NB, "cifar100", "imagenet16", "s", 99.37, _SIMULATED),
    PublishedFigure(_NB, "cifar100", "imagenet16", "tu", 82.11, _SIMULATED),
    PublishedFigure(_TN, "segmentsemantic", "class_scene", "s", 81.81, _SCENE),
    PublishedFigure(_TN, "segmentsemantic", "class_scene", "tu", 68.72, _SCENE),
    PublishedFigure(_TN, "segmentsemantic", "class_scene", "tk", 40.48, _SCENE),
    PublishedFigure(_TN, "any", "any", "tu", 63.54, _MEAN),
    PublishedFigure(_TN, "any", "any", "tk", 40.88, _MEAN),
)
CLAIMS: Final[tuple[str, ...]] = (
    "Target performance down by up to 30 % on NAS-Bench-201 and 50 % on TransNAS-Bench-101, source loss below 2 %.",
    "NAS-Bench-201, source CIFAR-10: tu lowers the target percentile by about 6 points, tk to about 60.",
    "TransNAS-Bench-101, mean over pairs: plain search methods all stay above 80.",
)
