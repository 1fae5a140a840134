import pytest

from archlock.errors import TaskError
from archlock.tasks.sources.axes import layout_of

N = 90


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        *(((16, 16, channels), "NHWC") for channels in (1, 2, 3, 4, 10, 13)),
        *(((side, side, 3), "NHWC") for side in (4, 5, 224)),
        ((6, 5, 2), "NHWC"),
        ((4, 5, 3), "NHWC"),
        ((480, 640, 3), "NHWC"),
        ((64, 100, 31), "NHWC"),
        ((9, 9, 200), "NHWC"),
        ((6, 5), "NHW"),
        ((28, 28), "NHW"),
        ((3, 4), "NHW"),
    ],
)
def test_images_whose_shape_says_it(shape, layout):
    assert layout_of((N, *shape), "here", "x_train") == layout


@pytest.mark.parametrize(
    "shape",
    [
        *((channels, 16, 16) for channels in (1, 2, 3, 4)),
        *((channels, 32, 32) for channels in (5, 8, 10, 12, 13)),
        *((3, 480, 640), (3, 6, 5), (3, 4, 4), (13, 48, 64), (2, 128, 128)),
    ],
)
def test_channels_first_is_refused_with_what_to_write(shape):
    words = r"here: shape .* looks like N x C x H x W; expected N x H x W x C, use x_train\.transpose\(0, 2, 3, 1\)"
    with pytest.raises(TaskError, match=words):
        layout_of((N, *shape), "here", "x_train")


@pytest.mark.parametrize("shape", [(3, 3, 3), (16, 16, 16), (16, 8, 8), (3, 4, 3), (13, 20, 24), (1, 1, 1), (1, 64, 3)])
def test_shapes_that_read_both_ways_are_refused_with_what_to_write(shape):
    with pytest.raises(
        TaskError, match=r"may be N x H x W x C or N x C x H x W; say which with layout=.NHWC.*\(or NCHW\)"
    ):
        layout_of((N, *shape), "here", "x_train")


@pytest.mark.parametrize("shape", [(2, 128), (128, 2), (2, 4), (1, 784), (3, 12), (2, 128, 1)])
def test_signals_and_tables_are_no_images(shape):
    with pytest.raises(TaskError, match="looks like signals or a table"):
        layout_of((N, *shape), "here", "x_train")


@pytest.mark.parametrize("shape", [(2,), (784,), (), (3, 3, 3, 3), (0, 4)])
def test_other_numbers_of_axes(shape):
    with pytest.raises(TaskError, match=r"here: expected images N x H x W or N x H x W x C, got shape \(90,"):
        layout_of((N, *shape), "here", "x_train")
