"""The front door of the room."""

import subprocess
import sys

import pytest

from archlock.errors import UnknownNameError, UnsupportedError
from archlock.spaces import SPACES, Architecture, Edge, cell_edges


def test_members():
    assert list(SPACES) == [
        "nasbench201",
        "transnas101_micro",
        "transnas101_macro",
        "mobilenet_macro",
        "sizes",
        "locking_macro",
    ]


def test_cell_edges():
    assert cell_edges(Architecture("transnas101_micro", "000301")) == (
        Edge(0, 3, "conv3x3", alive=True),
        Edge(2, 3, "skip", alive=False),
    )


def test_a_chain_has_no_cell_edges():
    with pytest.raises(UnsupportedError, match=r"transnas101_macro:4111 has no cell: .* of cells: nasbench201, "):
        cell_edges(Architecture("transnas101_macro", "4111"))


def test_an_unknown_space_is_named():
    with pytest.raises(UnknownNameError, match="unknown space 'darts'; known: nasbench201, "):
        cell_edges(Architecture("darts", "0"))


def test_no_heavy_library_is_imported():
    heavy = {"torch", "scipy", "sklearn", "matplotlib"}
    paths = [path for path in sys.path if path]
    code = f"import sys; sys.path[:0] = {paths}; import archlock.spaces; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
