"""The pixel values that a stranger's model is given, held against those of the processor that came with it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from archlock.errors import UnsupportedError
from archlock.models.preprocessing import preprocessing
from archlock.tasks.framing import framed

EDGE = {"size": {"shortest_edge": 36}, "crop_size": {"height": 32, "width": 32}}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit": ("ViTImageProcessor", {"size": {"height": 24, "width": 30}}),
    "vit, lanczos": ("ViTImageProcessor", {"size": {"height": 24, "width": 24}, "resample": 1}),
    "beit": ("BeitImageProcessor", {"size": {"height": 30, "width": 30}}),
    "beit, cropped": ("BeitImageProcessor", {**EDGE, "size": {"height": 40, "width": 36}, "do_center_crop": True}),
    "deit": ("DeiTImageProcessor", {**EDGE, "size": {"height": 36, "width": 36}}),
    "bit": ("BitImageProcessor", EDGE),
    "clip": ("CLIPImageProcessor", EDGE),
    "siglip": ("SiglipImageProcessor", {"size": {"height": 24, "width": 24}}),
    "convnext": ("ConvNextImageProcessor", {"size": {"shortest_edge": 28}}),
    "convnext, large": ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}}),
    "levit": ("LevitImageProcessor", {"size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}),
    "poolformer": ("PoolFormerImageProcessor", {**EDGE, "size": {"shortest_edge": 32}, "crop_pct": 0.9}),
    "efficientnet": ("EfficientNetImageProcessor", {"size": {"height": 32, "width": 32}}),
    "efficientnet, offset": (
        "EfficientNetImageProcessor",
        {
            "size": {"height": 32, "width": 32},
            "rescale_offset": True,
            "rescale_factor": 1 / 127.5,
            "include_top": False,
        },
    ),
    "mobilenet": ("MobileNetV1ImageProcessor", EDGE),
    "mobilevit": ("MobileViTImageProcessor", EDGE),
    "mobilevit, unflipped": ("MobileViTImageProcessor", {**EDGE, "do_flip_channel_order": False}),
    "mobilevit, normalise asked and not done": ("MobileViTImageProcessor", {**EDGE, "do_normalize": True}),
    "pvt": ("PvtImageProcessor", {"size": {"height": 32, "width": 32}}),
    "segformer": ("SegformerImageProcessor", {"size": {"height": 32, "width": 32}}),
    "perceiver": ("PerceiverImageProcessor", {"size": {"height": 24, "width": 24}}),
    "swin2sr": ("Swin2SRImageProcessor", {}),
    "siglip2": ("Siglip2ImageProcessor", {}),
    "donut": ("DonutImageProcessor", {}),
    "imagegpt": ("ImageGPTImageProcessor", {}),
}
REFUSED = {"perceiver", "swin2sr", "siglip2", "donut", "imagegpt"}


@pytest.mark.parametrize("kind", KINDS)
def test_pixel_values_are_those_of_the_processor_or_it_is_refused(kind: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    name, settings = KINDS[kind]
    theirs = (getattr(transformers, f"{name}Pil", None) or getattr(transformers, name))(**settings)
    theirs.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "preprocessor_config.json").read_text())
    if kind in REFUSED:
        with pytest.raises(UnsupportedError, match=f"{name}|do_pad|do_color_quantize"):
            preprocessing(written, 3)
        return
    found = preprocessing(written, 3)
    assert found.framing is not None
    assert found == preprocessing({**settings, "image_processor_type": name}, 3), "its defaults need not be written"
    rng = np.random.default_rng(3)
    for shape in ((61, 47), (48, 90), (50, 50)):
        noise = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(noise).resize(shape[::-1], Image.Resampling.BICUBIC))
        expected = np.asarray(theirs(Image.fromarray(image), return_tensors="np")["pixel_values"][0])
        ours = torch.from_numpy(framed(image[None], found.framing)[0]).permute(2, 0, 1) / 255
        ours = ours if found.order is None else ours[list(found.order)]
        normed = [(one - mean) / std for one, mean, std in zip(ours.numpy(), found.mean, found.std, strict=True)]
        levels = np.abs(np.stack(normed) - expected) * np.array(found.std)[:, None, None] * 255
        assert expected.shape == ours.shape
        assert levels.mean() < 1.5, "the same pixels, up to how they round"
