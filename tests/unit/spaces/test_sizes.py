import pytest

from archlock.errors import ArchitectureError
from archlock.spaces import SPACES

SPACE = SPACES["sizes"]


def test_official_strings_are_channels():
    architecture = SPACE.parse("8:16:24:32:64")
    assert architecture.code == "12348"
    assert SPACE.official_string(architecture) == "8:16:24:32:64"
    assert len(SPACE) == 8**5


@pytest.mark.parametrize("text", ["8:16:24:32", "8:16:24:32:7", "8:16:24:32:72", "0:8:8:8:8", "12340", "09:8:8:8:8"])
def test_other_channels_are_refused(text):
    with pytest.raises(ArchitectureError, match=f"'{text}' is not an architecture of sizes; expected 5 digits from 1"):
        SPACE.parse(text)


def test_a_cell_is_no_member_and_a_size_is_no_cell():
    with pytest.raises(ArchitectureError, match="is not an architecture of sizes"):
        SPACE.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    with pytest.raises(ArchitectureError, match="'8:8:8:8:8' is not an architecture of nasbench201"):
        SPACES["nasbench201"].parse("8:8:8:8:8")


def test_traits_by_hand():
    shape = SPACE.shape([SPACE.parse("8:16:24:32:32")])
    traits = dict(zip(shape.names, shape.values[0].tolist(), strict=True))
    assert (traits["widest place"], traits["narrowest place"]) == (32, 8)
    assert traits["channels of the second cell"] == 24
    assert traits["convolutions on the shortest path"] == 3
    choices = SPACE.choices([SPACE.parse("8:16:24:32:32")])
    assert choices.values[0, choices.names.index("24 channels at the second cell")] == 1
