"""Reading pickles of strangers: only the few things that benchmark files are made of can be in them.

An ordinary unpickler calls whatever function a file names. This one knows dictionaries, sets, and NumPy's numbers and
arrays of numbers, and refuses every other name before anything is called. NumPy's own types are not given to a file
either (a forged type can turn bytes into addresses): stand-ins take what a number or an array is made of, check it, and
make a plain one. Tensors (weights of networks) are not read: where a file has one, :data:`LEFT_OUT` stands. What a
compressed file may unpack to is limited; a pickle that is made to use up memory may still do so.
"""

import bz2
import io
import pickle
import re
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from archlock.errors import TableError

MAX_BYTES: Final = 64 * 2**20
"""Most bytes that a compressed pickle may unpack to, unless the caller says otherwise."""
TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
"""What the files of torch.save begin with that are not zip archives (before PyTorch 1.6)."""
NUMBER: Final = re.compile(r"[biufc]\d{1,2}|[SU]\d{1,4}")
"""NumPy's codes of the types that are read."""


class LeftOut:
    """Stands where a file has a tensor."""

    def __repr__(self) -> str:
        return "a tensor that was not read"


LEFT_OUT: Final = LeftOut()


def load_compressed_pickle(path: Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """The content of a bz2-compressed pickle; one that is damaged, too large or names a strange thing: TableError."""
    try:
        with bz2.open(path) as stream:
            data = stream.read(max_bytes + 1)
    except (OSError, EOFError, ValueError) as error:
        raise TableError(f"{path} is not a bz2 file or is damaged ({error}); copy it again") from error
    if len(data) > max_bytes:
        raise TableError(f"{path} unpacks to more than {max_bytes / 2**20:g} MiB, so it is not a file of the benchmark")
    return load_pickle(io.BytesIO(data), path.name)


def load_pickle(stream: io.BufferedIOBase, name: str) -> Any:
    """The next pickle of a stream; ``name`` is for messages. Anything but plain data raises TableError."""
    return _load(_Plain(stream, encoding="latin1"), name)


def load_torch(path: Path) -> Any:
    """The content of a file of ``torch.save``, of either format, without its tensors; anything else: TableError."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) == b"PK\x03\x04":
                return _load_torch_zip(path)
            stream.seek(0)
            if load_pickle(stream, path.name) != TORCH_MAGIC:
                raise TableError(f"{path.name} is not a file of torch.save; expected the benchmark's .pth file")
            for _ in ("version", "machine"):
                load_pickle(stream, path.name)
            return _load(_WithTensors(stream, encoding="utf-8"), path.name)
    except OSError as error:
        raise TableError(f"{path} cannot be read ({error})") from error


def _load_torch_zip(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
            if len(inside) != 1:
                raise TableError(f"{path.name} is a zip archive, but not one of torch.save (no data.pkl)")
            if archive.getinfo(inside[0]).compress_type != zipfile.ZIP_STORED:
                raise TableError(f"{path.name} is compressed, which torch.save never does")
            with archive.open(inside[0]) as stream:
                return _load(_WithTensors(stream, encoding="utf-8"), path.name)
    except zipfile.BadZipFile as error:
        raise TableError(f"{path} is damaged ({error}); copy it again") from error


def _load(unpickler: pickle.Unpickler, name: str) -> Any:
    try:
        return unpickler.load()
    except TableError as error:
        raise TableError(f"{name}: {error}") from None
    except Exception as error:  # damaged pickles raise nearly everything
        raise TableError(f"{name} is not a pickle or is damaged ({type(error).__name__}: {error})") from error


class _Type:
    """Stands for a NumPy type: numbers and texts of a fixed size."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not NUMBER.fullmatch(code):
            raise TableError(f"has values of the type {code!r}; only numbers and short texts are read")
        self.code, self.plain = code, np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise TableError(f"has a forged type: {state!r}")
        self.plain = np.dtype(order + self.code)


class Array:
    """An array of numbers as it was pickled; ``numpy.asarray`` makes it an ordinary one."""

    def __init__(self, *_: object) -> None:
        self._content = np.empty(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, columns_first, data = state
        if not isinstance(kind, _Type):
            raise TableError(f"has an array of {kind!r}; only arrays of numbers are read")
        order: Literal["F", "C"] = "F" if columns_first else "C"
        self._content = np.frombuffer(_bytes(data), dtype=kind.plain).reshape(shape, order=order)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The numbers, as a copy unless that is not wanted."""
        return np.array(self._content, dtype=dtype) if copy is not False else np.asarray(self._content, dtype=dtype)


def _number(kind: object, data: object = b"") -> Any:
    if not isinstance(kind, _Type):
        raise TableError(f"has a number of {kind!r}")
    return np.frombuffer(_bytes(data), dtype=kind.plain, count=1)[0]


def _bytes(data: object) -> bytes:
    if not isinstance(data, bytes | str):
        raise TableError(f"has {type(data).__name__} where the bytes of numbers belong")
    return data.encode("latin1") if isinstance(data, str) else data


def _no_bytes() -> bytes:
    return b""


def _encode(text: object, encoding: object = "") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise TableError(f"has a text in the encoding {encoding!r}; pickles only use latin1")
    return _bytes(text)


def _left_out(*_: object) -> LeftOut:
    return LEFT_OUT


KNOWN: Final[dict[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    **{(module, kind.__name__): kind for module in ("builtins", "__builtin__") for kind in (set, frozenset)},
    **{(module, "bytes"): _no_bytes for module in ("builtins", "__builtin__")},
    ("_codecs", "encode"): _encode,
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): "ndarray",
    **{
        (f"numpy.{core}.multiarray", name): stand_in
        for core in ("core", "_core")
        for name, stand_in in (("_reconstruct", Array), ("scalar", _number))
    },
}
"""Every name that a pickle may use, and what it gets for it."""
TENSORS: Final = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")


class _Plain(pickle.Unpickler):
    """Knows :data:`KNOWN` and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of a known name; any other raises TableError before it is looked at."""
        try:
            return KNOWN[module, name]
        except KeyError:
            raise TableError(f"wants {module}.{name}, which no table needs; refused, since it could run code") from None

    def persistent_load(self, pid: object) -> LeftOut:
        """Nothing lies outside of the pickle."""
        raise TableError(f"refers to {str(pid)[:60]!r} outside of itself; refused")


class _WithTensors(_Plain):
    """Also passes over tensors."""

    def find_class(self, module: str, name: str) -> Any:
        """As in a plain pickle, and :data:`LEFT_OUT` for whatever a tensor is made of."""
        if (module == "torch._utils" and name in TENSORS) or (
            module in ("torch", "torch.storage") and _is_storage(name)
        ):
            return _left_out
        return super().find_class(module, name)

    def persistent_load(self, pid: object) -> LeftOut:
        """The numbers of a tensor; nothing else lies outside of the pickle."""
        if isinstance(pid, tuple) and pid[:1] == ("storage",):
            return LEFT_OUT
        return super().persistent_load(pid)


def _is_storage(name: str) -> bool:
    return name.isidentifier() and name.endswith("Storage")
