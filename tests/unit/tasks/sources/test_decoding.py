import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from archlock.tasks.framing import Framing
from archlock.tasks.sources.decoding import MAX_PIXELS, UnreadableError, decode, header_of, stacked

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 9, 3)).astype(np.uint8)
GREY = COLOUR[..., 0]


def encoded(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def claimed_png(width, height):
    """A PNG of a few bytes that claims to be any size."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode(encoded(Image.fromarray(COLOUR), kind, **options)), COLOUR)


def test_grey_is_one_channel_however_it_is_stored():
    for image in (Image.fromarray(GREY), Image.fromarray(np.repeat(GREY[..., None], 3, axis=2))):
        assert np.array_equal(decode(encoded(image))[..., 0], GREY)
        assert decode(encoded(image)).shape == (6, 9, 1)


def test_black_and_white_palette_and_gif():
    bits = Image.fromarray((GREY > 127).astype(np.uint8) * 255).convert("1")
    assert set(np.unique(decode(encoded(bits)))) == {0, 255}
    palette = Image.fromarray(COLOUR).quantize(16)
    assert np.array_equal(decode(encoded(palette)), np.asarray(palette.convert("RGB")))
    assert np.array_equal(decode(encoded(palette, "GIF")), np.asarray(palette.convert("RGB")))


def test_what_is_transparent_is_white_paper():
    alpha = np.zeros((6, 9), np.uint8)
    alpha[0] = 255
    for image in (
        Image.fromarray(np.dstack([COLOUR, alpha])),
        Image.merge("LA", [Image.fromarray(a) for a in (GREY, alpha)]),
    ):
        pixels = decode(encoded(image))
        assert (pixels[1:] == 255).all()
        assert np.array_equal(pixels[0], COLOUR[0] if image.mode == "RGBA" else GREY[0][:, None])
    palette = Image.fromarray(COLOUR).quantize(4)
    clear = np.asarray(palette) == 2
    pixels = decode(encoded(palette, transparency=2))
    assert (pixels[clear] == 255).all()
    assert np.array_equal(pixels[~clear], np.asarray(palette.convert("RGB"))[~clear])


def test_sixteen_bits_are_scaled():
    levels = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    assert decode(encoded(Image.fromarray(levels)))[0, :, 0].tolist() == [0, 1, 128, 255]
    assert decode(encoded(Image.fromarray(levels.astype(np.int32)), "TIFF"))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_cmyk():
    image = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    assert decode(encoded(image, "TIFF"))[0, 0].tolist() == [255, 0, 0]


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    shown = decode(encoded(Image.fromarray(COLOUR), exif=exif))
    assert np.array_equal(shown, np.rot90(COLOUR, -1))


def test_the_centred_square_is_scaled():
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, :8], wide[:, 8:16], wide[:, 16:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    assert (decode(encoded(Image.fromarray(wide)), framing=Framing(4, 4)) == (0, 255, 0)).all()
    assert np.array_equal(decode(encoded(Image.fromarray(COLOUR[:, :6])), framing=Framing(6, 6)), COLOUR[:, :6])


def test_a_large_jpeg_is_read_at_a_small_scale_with_the_same_outcome():
    smooth = np.asarray(Image.fromarray(COLOUR).resize((640, 512), Image.Resampling.BILINEAR))
    jpeg = encoded(Image.fromarray(smooth), "JPEG", quality=95)
    whole = Image.open(io.BytesIO(jpeg)).crop((64, 0, 576, 512)).resize((32, 32), Image.Resampling.BILINEAR)
    assert abs(decode(jpeg, framing=Framing(32, 32)).astype(int) - np.asarray(whole)).max() <= 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an image in a known format"),
        (b"GIF89a", r"cannot be read as an image|is not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", r"not an image in a known format \(PNG, JPEG"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(99), r"known format .*, but begins as HEIC does: convert it"),
        (encoded(Image.fromarray(COLOUR))[:-40], "cannot be read as an image"),
        (encoded(Image.fromarray(COLOUR), "JPEG")[:-60], "cannot be read as an image"),
        (encoded(Image.fromarray(GREY.astype(np.float32)), "TIFF"), "floating-point levels; convert it to 8 bits"),
        (encoded(Image.fromarray(-GREY.astype(np.int32)), "TIFF"), "has levels from -244 to .*; expected 8 or 16 bits"),
    ],
)
def test_what_cannot_be_used_says_why(content, words):
    with pytest.raises(UnreadableError, match=words):
        decode(content)


@pytest.mark.parametrize("size", [(9000, 9000), (12000, 12000), (50000, 50000)])
def test_decompression_bombs_are_refused_from_the_header(size):
    for read in (decode, header_of):
        with pytest.raises(UnreadableError, match=r"decompression bomb|81,000,000|more than the 67,108,864"):
            read(claimed_png(*size))
    assert MAX_PIXELS == 67_108_864


def test_the_smaller_side_comes_from_the_header(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(COLOUR).save(path)
    assert header_of(path).smaller_side == 6
    assert header_of(claimed_png(300, 200)).smaller_side == 200
    with pytest.raises(UnreadableError, match=r"cannot be read as an image \(.*No such file"):
        header_of(tmp_path / "b.png")


def test_stacking_repeats_grey_where_there_is_colour():
    grey, colour = GREY[..., None], COLOUR
    assert stacked([grey, grey]).shape == (2, 6, 9, 1)
    mixed = stacked([grey, colour])
    assert np.array_equal(mixed[0, ..., 2], GREY)
    assert np.array_equal(mixed[1], colour)
