"""Images as a model's processor brings them to its size, held against the processors themselves."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archlock.errors import ConfigurationError
from archlock.models.preprocessing import preprocessing
from archlock.tasks import Framing
from archlock.tasks.framing import framed
from archlock.tasks.sources.decoding import decode


def smooth(height: int, width: int) -> np.ndarray:
    """A picture whose colours change slowly and differently along both sides."""
    y, x = np.mgrid[0:height, 0:width] / 7
    return np.stack([127 + 120 * np.sin(y), 127 + 120 * np.cos(x), 127 + 120 * np.sin(x + y)], 2).astype(np.uint8)


def encoded(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG")
    return stream.getvalue()


THEIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "stretched": ("ViTImageProcessor", {"size": {"height": 30, "width": 24}}),
    "nearest": ("ViTImageProcessor", {"size": {"height": 30, "width": 24}, "resample": 0}),
    "edge and crop": (
        "CLIPImageProcessor",
        {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}, "do_convert_rgb": False},
    ),
    "bilinear edge and crop": (
        "MobileNetV2ImageProcessor",
        {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 24}, "resample": 2},
    ),
    "share": ("ConvNextImageProcessor", {"size": {"shortest_edge": 28}, "crop_pct": 0.875}),
    "whole": ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}, "crop_pct": 1.0}),
}


@pytest.mark.parametrize("kind", THEIRS)
@pytest.mark.parametrize("shape", [(60, 48), (48, 90), (40, 40)])
def test_the_pixels_are_those_of_the_processor(kind: str, shape: tuple[int, int]) -> None:
    transformers = pytest.importorskip("transformers")
    name, settings = THEIRS[kind]
    processor = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)
    theirs = processor(**settings, do_normalize=False, do_rescale=False)
    image = smooth(*shape)
    expected = np.asarray(theirs(Image.fromarray(image), return_tensors="np")["pixel_values"][0]).transpose(1, 2, 0)
    framing = preprocessing(theirs.to_dict(), 3).framing
    assert framing is not None
    ours = decode(encoded(image), framing=framing)
    assert ours.shape == expected.shape
    difference = np.abs(ours.astype(int) - expected.astype(int))
    assert difference.max() <= (255 if kind == "nearest" else 12)
    assert difference.mean() < 1.5, "the same pixels, up to how they round"
    assert np.array_equal(framed(image[None], framing)[0], ours)


def test_without_more_words_the_largest_window_of_that_form_is_taken() -> None:
    image = smooth(30, 90)
    whole = Image.fromarray(image[:, 30:60]).resize((10, 10), Image.Resampling.BILINEAR)
    assert np.array_equal(decode(encoded(image), framing=Framing(10, 10)), np.asarray(whole))
    assert np.array_equal(decode(encoded(image), framing=Framing(30, 90)), image)
    assert framed(image[None, ..., :1], Framing(15, 45)).shape == (1, 15, 45, 1)
    tall = Image.fromarray(image[:, 37:52]).resize((10, 20), Image.Resampling.BILINEAR)
    assert np.abs(framed(image[None], Framing(20, 10))[0].astype(int) - np.asarray(tall).astype(int)).max() <= 40


def test_an_edge_too_short_for_the_window_is_none() -> None:
    image = smooth(30, 30)
    assert np.array_equal(framed(image[None], Framing(24, 24, edge=20)), framed(image[None], Framing(24, 24)))


@pytest.mark.parametrize("short", range(33, 200))
def test_an_edge_as_long_as_the_window_covers_it_whatever_the_image(short: int) -> None:
    """In floating point 32 / 49 * 49 is less than 32."""
    assert Framing(32, 32, edge=32)._is_covered(short, 2 * short)


def test_framings_that_make_no_sense() -> None:
    with pytest.raises(
        ConfigurationError, match="image size 0 x 8 is not possible; expected a side of 1 to 1024 pixels"
    ):
        Framing(0, 8)
    with pytest.raises(ConfigurationError, match="image size 2000 is not possible"):
        Framing.of(2000)
