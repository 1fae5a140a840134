import pytest

from archlock.errors import RunError, UnsupportedError
from archlock.models.preprocessing import preprocessing, timm_preprocessing

SAID = {"image_mean": 0.5, "image_std": 0.5}


def test_the_size_is_the_crop_where_there_is_one() -> None:
    found = preprocessing({**SAID, "size": {"shortest_edge": 36}, "crop_size": 32}, 1)
    assert found.size == (32, 32)
    uncropped = {**SAID, "size": {"shortest_edge": 36}, "crop_size": 32, "do_center_crop": False}
    assert preprocessing(uncropped, 1).size == (36, 36)
    assert preprocessing({**SAID, "size": 20}, 1).size == (20, 20)
    assert preprocessing(SAID, 1, image_size=[12, 14]).size == (12, 14)
    assert preprocessing(SAID, 1).size is None


@pytest.mark.parametrize("kind", [{}, {"image_processor_type": "ViTImageProcessor", "size": {"height": 9, "width": 9}}])
@pytest.mark.parametrize(
    "settings", [{"do_rescale": False}, {"rescale_factor": 1 / 127.5}, {"rescale_factor": 1 / 255}]
)
def test_other_scales_are_those_of_images_from_0_to_1(settings: dict[str, float], kind: dict[str, object]) -> None:
    """By the processor's own arithmetic on values of 0 to 255."""
    found = preprocessing({"image_mean": [0.4], "image_std": [0.2], **settings, **kind}, 1)
    pixel = 200.0
    theirs = (pixel * (settings.get("rescale_factor", 1.0)) - 0.4) / 0.2
    assert (pixel / 255 - found.mean[0]) / found.std[0] == pytest.approx(theirs, rel=1e-4)


def test_without_normalisation_images_stay_as_they_are() -> None:
    found = preprocessing({"do_normalize": False}, 3)
    assert (found.mean, found.std) == ((0.0,) * 3, (1.0,) * 3)


def test_the_second_division_of_efficientnet_is_there() -> None:
    assert preprocessing({"image_mean": 0.5, "image_std": 0.5, "include_top": True}, 1).std == (0.25,)
    named = {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 16, "width": 16}}
    assert preprocessing({**named, "image_std": [0.4] * 3}, 3).std == pytest.approx((0.16,) * 3)
    shifted = preprocessing({**named, "rescale_offset": True, "rescale_factor": 1 / 127.5, "do_normalize": False}, 3)
    assert [(x - shifted.mean[0]) / shifted.std[0] for x in (0, 1)] == pytest.approx([-2, 2]), "x / 127.5 - 1, by 0.5"


def test_nothing_is_made_up_where_nothing_is_said() -> None:
    with pytest.raises(RunError, match="does not say image_mean and image_std, so how images are normalised is not"):
        preprocessing({"size": 20}, 3)
    with pytest.raises(RunError, match=r"not say image_std, so how .*; add image_processor_type"):
        preprocessing({"image_mean": 0.5}, 3)


def test_a_missing_step_is_that_of_the_processor_that_is_named() -> None:
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    mobile = preprocessing({"feature_extractor_type": "MobileViTFeatureExtractor", **size}, 3)
    assert (mobile.order, mobile.mean, mobile.std) == ((2, 1, 0), (0.0,) * 3, (1.0,) * 3)
    unflipped = {"image_processor_type": "MobileViTImageProcessor", "do_flip_channel_order": False, **size}
    assert preprocessing(unflipped, 3).order is None
    by_type = preprocessing(size, 3, model_type="mobilevit")
    assert by_type == mobile
    clip = preprocessing({"image_processor_type": "CLIPImageProcessorFast", **size}, 3)
    assert clip.mean == pytest.approx((0.48145466, 0.4578275, 0.40821073), rel=1e-5)
    assert clip.framing is not None
    assert clip.framing.resample == "bicubic"


@pytest.mark.parametrize(
    "step",
    ["do_pad", "do_thumbnail", "do_align_long_axis", "do_convert_grayscale", "do_color_quantize", "do_something_new"],
)
@pytest.mark.parametrize("kind", [{}, {"image_processor_type": "ViTImageProcessor"}])
def test_a_step_that_is_not_known_is_refused_by_name(step: str, kind: dict[str, str]) -> None:
    with pytest.raises(UnsupportedError, match=f"asks for {step}, which ArchLock does not know how to do; wrap the"):
        preprocessing({**SAID, "size": 20, step: True, **kind}, 3)
    assert preprocessing({**SAID, "size": 20, step: False, **kind}, 3).size == (20, 20)


def test_steps_for_labels_and_grey_images_change_nothing() -> None:
    plain = {"image_processor_type": "BeitImageProcessor", "size": {"height": 16, "width": 16}}
    assert preprocessing({**plain, "do_reduce_labels": True}, 3) == preprocessing(plain, 3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"image_processor_type": "PerceiverImageProcessor", "size": {"height": 24, "width": 24}},
            "PerceiverImageProcessor brings images to other sizes than 256 x 256, in a way that ArchLock does not know",
        ),
        (
            {"image_processor_type": "BitImageProcessor", "do_resize": False, "crop_size": {"height": 9, "width": 9}},
            r"BitImageProcessor brings images of 14 x 14 to 9 x 9 in a way .* \(pixels differ by \d+ of 256 levels\)",
        ),
        (
            {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 16}, "crop_size": 32},
            "BitImageProcessor brings images of 32 x 32 to 32 x 32 in a way",
        ),
        (
            {"image_processor_type": "TheirOwnProcessor", **SAID},
            "prepared by TheirOwnProcessor, which the transformers",
        ),
        ({**SAID, "size": {"shortest_edge": 20, "longest_edge": 30}}, "differ in form"),
        ({"rescale_offset": True}, "rescale_offset are not supported"),
    ],
)
def test_pixels_other_than_the_processors_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        preprocessing(settings, 3)


def test_settings_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(RunError, match=r"model takes 3 channels, its preprocessor_config\.json has 1"):
        preprocessing({"image_mean": [0.5], "image_std": 0.5}, 3)
    with pytest.raises(RunError, match="must be positive; got 0"):
        preprocessing({"image_std": 0.0, "image_mean": 0.5}, 3)
    with pytest.raises(RunError, match=r"its ViTImageProcessor fails on an image \(.*\); correct preprocessor_config"):
        preprocessing({"image_processor_type": "ViTImageProcessor", "image_mean": [0.5]}, 3)


TIMM = {"input_size": [3, 32, 32], "mean": [0.1, 0.2, 0.3], "std": [0.5] * 3, "interpolation": "bicubic"}


def test_what_timm_says_is_an_edge_and_a_crop() -> None:
    found = timm_preprocessing({**TIMM, "crop_pct": 0.9}, 3, name="net")
    assert (found.mean, found.size) == ((0.1, 0.2, 0.3), (32, 32))
    assert found.framing is not None
    assert (found.framing.edge, found.framing.resample) == (35, "bicubic")
    squashed = timm_preprocessing({**TIMM, "crop_pct": 1.0, "crop_mode": "squash"}, 3, name="net").framing
    assert squashed is not None
    assert squashed.stretched == (32, 32)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"crop_mode": "border"}, "net: crop_mode 'border' with interpolation 'bicubic' is not known"),
        ({"interpolation": "random"}, "interpolation 'random' is not known"),
        ({"input_size": [3, 32, 48]}, "a centre crop of 32 x 48 is not known"),
    ],
)
def test_what_timm_says_and_is_not_known_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        timm_preprocessing({**TIMM, **changed}, 3, name="net")
    with pytest.raises(RunError, match="net: its pretrained_cfg does not say mean"):
        timm_preprocessing({"mean": 0.5}, 3, name="net")
