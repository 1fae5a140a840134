import io

import numpy as np
import pytest
from PIL import Image

from archlock.errors import TaskError
from archlock.tasks import image_folder, npz
from archlock.tasks.sources.decoding import header_of
from archlock.tasks.sources.depth import Depth, Scale, scale_of

RNG = np.random.default_rng(0)


def write(root, levels_of, *, ending="png"):
    """Two classes of six images of those levels: a function of the class and the number."""
    for place, name in enumerate("ab"):
        (root / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(levels_of(place, number)).save(root / name / f"{number}.{ending}")
    return root


def noise(low, high, kind):
    return lambda place, number: RNG.integers(low, high, (16, 16)).astype(kind)


@pytest.mark.parametrize(
    ("depths", "scale", "said"),
    [
        ([], Scale(), ""),
        ([Depth(0, 65535, 65535)], Scale(0, 65535), ""),
        ([Depth(0, 40000, 40000), Depth(3, 7, 7)], Scale(0, 65535), ""),
        (
            [Depth(300, 4095, 4095)],
            Scale(0, 4095),
            "1 file has .* levels from 300 to 4,095: 4,095 .12 bits. is taken for white",
        ),
        ([Depth(0, 255, 255)], Scale(0, 255), r"255 \(8 bits\) is taken for white"),
        ([Depth(0, 100, 100), Depth(0, 60, 60)], Scale(0, 255), r"2 files .* 255 \(8 bits\)"),
        ([Depth(800, 1200, 1200)], Scale(800, 1200), "from 800 to 1,200: these two are taken for black and white"),
        ([Depth(0, 1, 1)], Scale(0, 1), "these two are taken for black and white"),
        ([Depth(0, 65535, 4000)], Scale(0, 4095), "to 65,535, but hardly a pixel is above 4,000: 4,095 .12 bits. is"),
        ([Depth(0, 65535, 4000), Depth(0, 65535, 65535)], Scale(), ""),
        ([Depth(0, 4095, 1500)], Scale(0, 4095), "12 bits"),
        ([Depth(0, 255, 3)], Scale(0, 255), "8 bits"),
        ([Depth(7, 7, 7)], Scale(0, 255), "255"),
        ([Depth(0, 255, 255, coloured=True)], Scale(), ""),
    ],
)
def test_the_levels_of_all_files_decide(depths, scale, said):
    import re

    found, remark = scale_of(depths, "here")
    assert found == scale
    assert re.search(said, remark)
    assert bool(said) == bool(remark)


def test_levels_are_scaled_and_rounded():
    assert Scale(0, 4095).applied(np.array([[0, 2048, 4095, 5000]])).tolist() == [[0, 128, 255, 255]]
    assert Scale(800, 1200).applied(np.array([[700, 800, 1000, 1200]])).tolist() == [[0, 0, 128, 255]]
    assert Scale().applied(np.array([[0, 257, 32768, 65535]])).tolist() == [[0, 1, 128, 255]]


@pytest.mark.parametrize(
    ("low", "high", "kind", "ending"),
    [
        (300, 4096, np.uint16, "png"),
        (0, 241, np.int32, "tif"),
        (800, 1201, np.uint16, "tif"),
        (0, 1024, np.uint16, "png"),
    ],
)
def test_hardly_a_level_is_lost(tmp_path, low, high, kind, ending):
    task = image_folder(write(tmp_path, noise(low, high, kind), ending=ending))
    assert len(np.unique(task.train.images)) > 150
    assert task.train.images.max() > 230
    assert "files have more than 8 bits a level" in task.remarks[0]


def test_the_big_endian_kind_of_tiff(tmp_path):
    levels = RNG.integers(0, 4096, (9, 9)).astype(">u2")
    Image.frombytes("I;16B", (9, 9), levels.tobytes()).save(tmp_path / "a.tif")
    assert header_of(tmp_path / "a.tif").depth == Depth.of(levels)


def test_a_bright_letter_or_a_broken_pixel_darkens_nothing(tmp_path):
    def marked(place, number):
        levels = RNG.integers(0, 4096, (40, 40)).astype(np.uint16)
        levels[0, 0] = 65535
        return levels

    task = image_folder(write(tmp_path, marked))
    assert len(np.unique(task.train.images)) > 150
    assert "hardly a pixel is above 4,09" in task.remarks[0]


def test_one_scale_for_every_split_and_file(tmp_path):
    write(tmp_path / "train", lambda place, number: np.full((9, 9), 1000 + 100 * number + place, np.uint16))
    write(tmp_path / "test", lambda place, number: np.full((9, 9), 4000 - 100 * number - place, np.uint16))
    (tmp_path / "train" / "a" / "8 bits.png").write_bytes(eight_bits())
    task = image_folder(tmp_path, image_size=9)
    levels = {int(image[0, 0, 0]) for image in task.test.images}
    assert levels == {round(255 * (4000 - 100 * number - place) / 4095) for number in range(6) for place in (0, 1)}
    assert 77 in np.unique(np.concatenate([task.train.images, task.validation.images]))  # as it was


def eight_bits():
    stream = io.BytesIO()
    Image.fromarray(np.full((9, 9), 77, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_packs_have_one_scale(tmp_path):
    files = []
    for number in range(12):
        stream = io.BytesIO()
        Image.fromarray(np.full((4, 4), 4095 - 300 * number, np.uint16)).save(stream, "PNG")
        files.append(stream.getvalue())
    pack, ends = np.frombuffer(b"".join(files), np.uint8), np.cumsum([0, *map(len, files)])
    np.savez(tmp_path / "a.npz", jpeg_train=pack, off_train=ends, y_train=np.arange(12) % 2)
    task = npz(tmp_path / "a.npz")
    levels = np.concatenate([split.images[:, 0, 0, 0] for split in (task.train, task.validation, task.test)])
    assert sorted(levels.tolist()) == sorted(round(255 * (4095 - 300 * number) / 4095) for number in range(12))
    assert "levels from 795 to 4,095: 4,095 (12 bits) is taken for white" in task.remarks[0]


def deep_colours(high):
    """A PNG of 16 bits a colour, which Pillow does not write."""
    import struct
    import zlib

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in RNG.integers(0, high, (9, 9, 3)))
    header = struct.pack(">IIBBBBB", 9, 9, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_dark_colours_of_16_bits_are_refused(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(4):
            (tmp_path / name / f"{number}.png").write_bytes(deep_colours(65536))
    assert image_folder(tmp_path).remarks == ()
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(deep_colours(4096))
    with pytest.raises(
        TaskError, match=r"8 colour files have 16 bits a level, but none is brighter than 4,095 of 65,535"
    ):
        image_folder(tmp_path)


def test_several_images_in_a_file_are_told(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for number in range(4):
            frames = [Image.fromarray(RNG.integers(0, 256, (9, 9), dtype=np.uint8)) for _ in range(1 + number % 2)]
            frames[0].save(tmp_path / name / f"{number}.gif", save_all=True, append_images=frames[1:])
    task = image_folder(tmp_path)
    assert task.remarks == ("4 files hold several images (frames or pages), of which the first is used",)
