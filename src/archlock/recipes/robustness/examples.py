"""A few images before and after, for the page: made again, since the same seed makes the same perturbed image."""

import base64
import io
from typing import Final

import numpy as np
import torch

from archlock.adversaries import ADVERSARIES, Ball
from archlock.recipes.robustness.parts import Prepared
from archlock.reports import AdversaryRecord, ExampleRecord

MOST: Final = 6
SIDE: Final = 128
"""Pixels that are shown; of larger images every so many."""


def examples(
    prepared: Prepared,
    adversaries: tuple[AdversaryRecord, ...],
    rows: tuple[int, ...],
    epsilons: tuple[float, ...],
    classes: tuple[str, ...],
) -> tuple[ExampleRecord, ...]:
    """Beaten images, of different classes first, each at the smallest epsilon by whoever beats it there.

    ``epsilons`` are those that the places of ``beaten`` speak of. Images of other than one or three channels cannot be
    shown.
    """
    if prepared.images.shape[1] not in (1, 3):
        return ()
    best = np.min([one.beaten for one in adversaries], axis=0)
    candidates = [place for place in range(len(rows)) if 0 < best[place] <= len(epsilons)]
    order = sorted(candidates, key=lambda place: _turn(place, candidates, prepared))
    found = []
    for place in order[:MOST]:
        winner = next(one.name for one in adversaries if one.beaten[place] == best[place])
        example = _example(prepared, place, winner, epsilons[best[place] - 1], classes, rows[place])
        found += [example] if example is not None else []
    return tuple(found)


def _turn(place: int, candidates: list[int], prepared: Prepared) -> tuple[int, int]:
    """How many candidates of its class come before it; then its place."""
    label = prepared.labels[place]
    return sum(int(prepared.labels[other] == label) for other in candidates if other < place), place


def _example(
    prepared: Prepared, place: int, name: str, epsilon: float, classes: tuple[str, ...], row: int
) -> ExampleRecord | None:
    one = slice(place, place + 1)
    module = prepared.module.to(prepared.device)
    image, label = prepared.images[one].to(prepared.device), prepared.labels[one].to(prepared.device)
    ball = Ball(epsilon, prepared.norm)
    perturbed = ADVERSARIES[name].perturb(module, image, label, ball, prepared.effort, seeds=prepared.seeds[one])
    with torch.no_grad():
        answer = int(module(perturbed).argmax(1))
    if answer == int(label):
        return None  # (alone in its batch it is rounded to the other side)
    before, after = (array[0].permute(1, 2, 0).cpu().numpy() for array in (image, perturbed))
    most = max(float(np.abs(after - before).max()), 1e-9)
    return ExampleRecord(
        row=row,
        label=classes[int(label)],
        answer=classes[answer],
        adversary=name,
        epsilon=epsilon,
        image=_png(before),
        perturbed=_png(after),
        change=_png(0.5 + (after - before) / (2 * most)),
    )


def _png(values: np.ndarray) -> str:
    """Height x width x channels in [0, 1] as PNG in base64."""
    from PIL import Image

    step = max(1, -(-max(values.shape[:2]) // SIDE))
    levels = np.rint(255 * values[::step, ::step]).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
