"""Train the probe that ships inside the package, on images made by code: no third-party data, no download.

    OMP_NUM_THREADS=1 python conversions/train_embedded_probe.py

writes src/archlock/models/data/probe.safetensors (about 160 KB: weights float16, normalisation float32) in about four
minutes on one core. One seed, one thread: the same machine gives the same file. Every image shows a shape or a stroke
with a texture, before a textured background, in random colours, light and noise; the network learns to say which shape,
which textures, which way they run, where, how large and in which colours. Nothing is learned from photographs.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from archlock.models.probes import EMBEDDED_WEIGHTS, ResidualNetwork

SIZE = 32
TEXTURES = ("solid", "gradient", "grating", "checks", "dots", "noise", "cells", "scratches")
FILLED = ("disc", "square", "triangle", "pentagon", "star", "ring", "cross", "crescent", "half disc", "frame")
STROKES = ("line", "corner", "zigzag", "tee", "arc", "wave", "spiral", "loop", "eight", "hook")
AXIS = (np.arange(SIZE, dtype=np.float32) + 0.5) / SIZE * 2 - 1
Y, X = np.meshgrid(AXIS, AXIS, indexing="ij")


@dataclass(frozen=True)
class Drawn:
    """A batch of images in [0, 1] with what they show: class indices and real numbers of about unit size."""

    images: np.ndarray
    kinds: np.ndarray
    numbers: np.ndarray


def turned(angle: np.ndarray, x: np.ndarray = X, y: np.ndarray = Y) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates after a rotation of each picture."""
    c, s = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    return c * x + s * y, c * y - s * x


def wide(values: np.ndarray) -> np.ndarray:
    """One number a picture, ready to meet its pixels."""
    return values[:, None, None].astype(np.float32)


def texture(kind: int, count: int, angle: np.ndarray, pitch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey textures in [0, 1]; ``pitch`` in cycles over half the picture."""
    u, v = turned(angle)
    phase, f = wide(rng.uniform(0, 2 * np.pi, count)), wide(pitch) * np.pi
    sharp, cut = wide(rng.uniform(1, 4, count)), wide(rng.uniform(0.3, 0.7, count))
    recipes = {
        "solid": lambda: np.full((count, SIZE, SIZE), 0.5),
        "gradient": lambda: 0.5 + 0.45 * u,
        "grating": lambda: 0.5 + 0.5 * np.clip(np.sin(f * u + phase) * sharp, -1, 1),
        "checks": lambda: 0.5 + 0.5 * np.clip(3 * np.sin(f * u + phase) * np.sin(f * v + phase), -1, 1),
        "dots": lambda: 1 + 4 * (np.sin(f * u + phase) * np.sin(f * v) - cut),
        "noise": lambda: spectral_noise(count, rng),
        "cells": lambda: cells(rng.uniform(-1.1, 1.1, (count, 14, 2)).astype(np.float32)),
        "scratches": lambda: scratches(rng.uniform(-1.1, 1.1, (count, 4, 2)).astype(np.float32)),
    }
    return np.clip(recipes[TEXTURES[kind]](), 0, 1).astype(np.float32)


def spectral_noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with a random power of the frequency."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((count, SIZE, SIZE), np.float32))
    field = np.fft.irfft2(spectrum * frequency ** -wide(rng.uniform(0.3, 2.5, count)), s=(SIZE, SIZE))
    return 0.5 + 0.25 * field / field.std((1, 2), keepdims=True)


def cells(points: np.ndarray) -> np.ndarray:
    """Bright Voronoi cells of the points, dark walls."""
    near = np.sort(distances(points), axis=2)
    return ((near[..., 1] - near[..., 0]) * 4).reshape(-1, SIZE, SIZE)


def scratches(points: np.ndarray) -> np.ndarray:
    """A broken line through the points."""
    along = np.linspace(0, 1, 12, dtype=np.float32)[:, None]
    lines = [points[:, i : i + 1] * along + points[:, i + 1 : i + 2] * (1 - along) for i in range(3)]
    return (1.6 - distances(np.concatenate(lines, 1)).min(2) * 14).reshape(-1, SIZE, SIZE)


def distances(points: np.ndarray) -> np.ndarray:
    """Distance of every pixel to every point: pictures x pixels x points."""
    grid = np.stack([X.ravel(), Y.ravel()], 1)
    square = (grid**2).sum(1)[None, :, None] + (points**2).sum(2)[:, None] - 2 * grid @ points.transpose(0, 2, 1)
    return np.sqrt(np.maximum(square, 0))


def regular(u: np.ndarray, v: np.ndarray, corners: int) -> np.ndarray:
    """Signed distance (about) to a regular polygon of radius 1."""
    sector = 2 * np.pi / corners
    return np.hypot(u, v) * np.cos(np.mod(np.arctan2(v, u), sector) - sector / 2) - np.cos(sector / 2)


def filled(kind: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Signed distance, negative inside, of a filled shape of about radius 1."""
    r, box = np.hypot(u, v), np.maximum(np.abs(u), np.abs(v))
    arms = np.maximum(np.minimum(np.abs(u), np.abs(v)) - 0.3, box - 1)
    shapes = {
        "disc": lambda: r - 0.9,
        "square": lambda: box - 0.8,
        "triangle": lambda: regular(u, v, 3),
        "pentagon": lambda: regular(u, v, 5),
        "star": lambda: r - 0.65 - 0.35 * np.cos(5 * np.arctan2(v, u)),
        "ring": lambda: np.abs(r - 0.75) - 0.25,
        "cross": lambda: arms,
        "crescent": lambda: np.maximum(r - 0.95, 0.75 - np.hypot(u - 0.45, v)),
        "half disc": lambda: np.maximum(r - 1, u - 0.05),
        "frame": lambda: np.abs(box - 0.7) - 0.18,
    }
    return shapes[FILLED[kind]]()


def stroke(kind: int) -> np.ndarray:
    """40 points along a stroke, within radius 1."""
    t = np.linspace(0, 1, 40)
    corners = {
        "line": [(-1, 0), (1, 0)],
        "corner": [(-0.7, -0.9), (-0.7, 0.7), (0.8, 0.7)],
        "zigzag": [(-0.8, -0.7), (0.8, -0.7), (-0.8, 0.7), (0.8, 0.7)],
        "tee": [(-0.9, -0.8), (0.9, -0.8), (0, -0.8), (0, 1)],
    }
    name = STROKES[kind]
    if name in corners:
        path = np.array(corners[name], float)
        length = np.r_[0, np.cumsum(np.hypot(*np.diff(path, axis=0).T))]
        return np.stack([np.interp(t * length[-1], length, path[:, i]) for i in range(2)], 1)
    a = 2 * np.pi * t
    curves = {
        "arc": (np.cos(0.65 * a), np.sin(0.65 * a)),
        "wave": (2 * t - 1, 0.6 * np.sin(a)),
        "spiral": (t * np.cos(1.7 * a), t * np.sin(1.7 * a)),
        "loop": (0.55 * np.cos(a), 0.95 * np.sin(a)),
        "eight": (0.6 * np.sin(2 * a), 0.95 * np.cos(a)),
        "hook": (
            np.where(t < 0.5, 0.5, 0.5 * np.cos(a - np.pi)),
            np.where(t < 0.5, 2 * t - 1, 0.5 * np.sin(a - np.pi)),
        ),
    }
    return np.stack(curves[name], 1)


def textures(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random textures, their kinds, and their direction and pitch as numbers."""
    kinds = rng.integers(len(TEXTURES), size=count)
    angle, pitch = rng.uniform(0, np.pi, count), np.exp(rng.uniform(np.log(1.5), np.log(7), count))
    value = np.empty((count, SIZE, SIZE), np.float32)
    for kind in range(len(TEXTURES)):
        chosen = np.flatnonzero(kinds == kind)
        value[chosen] = texture(kind, len(chosen), angle[chosen], pitch[chosen], rng)
    directed = np.isin(kinds, (1, 2, 3, 4))
    numbers = np.stack([np.cos(2 * angle), np.sin(2 * angle), np.log(pitch) - 1.2], 1) * directed[:, None]
    return value, kinds, numbers


def masks(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random shapes as soft masks, their kinds, and place and size as numbers."""
    kinds = rng.integers(len(FILLED) + len(STROKES), size=count)
    centre, scale = rng.uniform(-0.35, 0.35, (2, count)), np.exp(rng.uniform(np.log(0.35), np.log(0.9), count))
    upright = rng.random(count) < 0.5
    angle = np.where(upright, rng.normal(0, 0.15, count), rng.uniform(0, 2 * np.pi, count))
    u, v = turned(angle, X - wide(centre[0]), Y - wide(centre[1]))
    u, v = u / wide(scale * np.exp(rng.normal(0, 0.15, count))), v / wide(scale)
    u = u + v * wide(rng.normal(0, 0.15, count))
    distance = np.empty((count, SIZE, SIZE), np.float32)
    for kind in range(len(FILLED)):
        chosen = kinds == kind
        distance[chosen] = filled(kind, u[chosen], v[chosen]) * wide(scale[chosen])
    drawn = np.flatnonzero(kinds >= len(FILLED))
    path = np.stack([stroke(kind - len(FILLED)) for kind in kinds[drawn]]) + rng.normal(0, 0.03, (len(drawn), 40, 2))
    c, s = np.cos(angle[drawn])[:, None], np.sin(angle[drawn])[:, None]
    path = np.stack([c * path[..., 0] - s * path[..., 1], s * path[..., 0] + c * path[..., 1]], 2)
    path = path * scale[drawn][:, None, None] + centre[:, drawn].T[:, None]
    width = rng.uniform(0.05, 0.16, len(drawn))
    distance[drawn] = distances(path.astype(np.float32)).min(2).reshape(-1, SIZE, SIZE) - wide(width)
    numbers = np.stack([centre[0] * 4, centre[1] * 4, (np.log(scale) + 0.55) * 3], 1)
    return np.clip(0.5 - distance * SIZE / 2.5, 0, 1), kinds, numbers


def draw(count: int, rng: np.random.Generator) -> Drawn:
    """A batch of pictures."""
    back, back_kind, back_numbers = textures(count, rng)
    fill, fill_kind, fill_numbers = textures(count, rng)
    mask, shape_kind, shape_numbers = masks(count, rng)
    colours = rng.uniform(0, 1, (4, count, 3)).astype(np.float32)  # two of the background, two of the shape
    grey = rng.random(count) < 0.3
    colours[:, grey] = colours[:, grey].mean(2, keepdims=True)
    contrast = rng.uniform(0.15, 1, (2, count, 1)).astype(np.float32)
    colours[1] = colours[0] + (colours[1] - colours[0]) * contrast[0]
    colours[3] = colours[2] + (colours[3] - colours[2]) * contrast[1]

    def painted(value: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return one[:, None, None] * (1 - value[..., None]) + two[:, None, None] * value[..., None]

    images = painted(back, colours[0], colours[1])
    images += (painted(fill, colours[2], colours[3]) - images) * mask[..., None]
    light = 1 + wide(rng.normal(0, 0.15, count)) * X + wide(rng.normal(0, 0.15, count)) * Y
    noise = rng.standard_normal(images.shape, np.float32) * rng.exponential(0.03, (count, 1, 1, 1)).astype(np.float32)
    images = np.clip(images * light[..., None] + noise, 0, 1)
    paint = np.concatenate([(colours[0] + colours[1]) * 2 - 2, (colours[2] + colours[3]) * 2 - 2], 1)
    numbers = np.concatenate([back_numbers, fill_numbers, shape_numbers, paint], 1)
    kinds = np.stack([shape_kind, back_kind, fill_kind], 1)
    return Drawn(images.transpose(0, 3, 1, 2).astype(np.float32), kinds, numbers.astype(np.float32))


def train(steps: int, batch: int, seed: int) -> nn.Module:
    """The trained network, in evaluation mode."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = ResidualNetwork(blocks=1, stem_stride=2).to(memory_format=torch.channels_last)
    sizes = (len(FILLED) + len(STROKES), len(TEXTURES), len(TEXTURES), 15)
    head = nn.Linear(64, sum(sizes))
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.25, total_steps=steps, pct_start=0.2)
    begun = time.perf_counter()
    for step in range(steps):
        drawn = draw(batch, rng)
        images = torch.from_numpy(drawn.images).contiguous(memory_format=torch.channels_last)
        outputs = head(network((images - 0.5) / 0.5).mean((2, 3)))
        losses = losses_of(outputs, drawn, sizes)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            text = " ".join(f"{loss.item():.3f}" for loss in losses)
            print(f"step {step + 1}: {text} ({time.perf_counter() - begun:.0f} s)", flush=True)  # noqa: T201
    return network.eval()


def losses_of(outputs: Tensor, drawn: Drawn, sizes: tuple[int, ...]) -> list[Tensor]:
    """Cross entropy of shape, background and filling, and the squared error of the numbers."""
    parts = outputs.split(sizes, 1)
    kinds = torch.from_numpy(drawn.kinds)
    losses = [F.cross_entropy(part, kinds[:, i]) for i, part in enumerate(parts[:3])]
    return [*losses, F.mse_loss(parts[3], torch.from_numpy(drawn.numbers))]


def main() -> None:
    """Train and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=EMBEDDED_WEIGHTS)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    network = train(arguments.steps, arguments.batch, arguments.seed)
    state = {
        name: (tensor.half() if tensor.ndim > 1 else tensor).contiguous()
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, arguments.output, {"made_by": "conversions/train_embedded_probe.py"})


if __name__ == "__main__":
    main()
