"""Where networks compute: one value, checked once, from which the number of workers and the names of results follow.

A device is a text that torch understands (``cpu``, ``cuda``, ``cuda:1``, ``mps``). :func:`resolve_device` makes it of
what a user says; everything below a recipe takes it as it is.
"""

from typing import Final

from archlock.errors import ConfigurationError
from archlock.execution.children import allowed_workers
from archlock.execution.threads import default_workers

CPU: Final = "cpu"
WITH_FLOAT64: Final = frozenset({"cpu", "cuda", "xpu"})
"""Kinds of device that have double precision; Apple's ``mps`` has not."""


def resolve_device(name: object) -> str:
    """The device of that name, after a look at whether it is here; ``auto`` is a CUDA GPU where there is one, else cpu.

    An unknown or absent device raises ConfigurationError that says which ones are here. A ``torch.device`` will do.
    """
    import torch

    name = str(name) if isinstance(name, torch.device) else name
    if not isinstance(name, str):
        raise ConfigurationError(f"a device is a text, such as cpu, cuda:1 or auto; got {name!r}")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else CPU
    try:
        torch.zeros(1, device=name).item()
    except Exception as error:  # torch raises RuntimeError, AssertionError, NotImplementedError and others
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigurationError(
            f"device {name!r} is not available here ({reason}); available: {', '.join(('auto', *_present()))}"
        ) from error
    return CPU if kind_of(name) == CPU else name


def kind_of(device: str) -> str:
    """The kind of a device without its number: ``cuda`` of ``cuda:1``."""
    import torch

    return torch.device(device).type


def has_float64(device: str) -> bool:
    """Whether double precision can be computed there."""
    return kind_of(device) in WITH_FLOAT64


def float64_device(device: str) -> str:
    """The device where work that needs double precision is done: this one, or the processor if it has none."""
    return device if has_float64(device) else CPU


def workers_for(device: str, asked: int | None = None) -> int:
    """How many jobs run at once, unless ``asked`` says: one for an accelerator, else one for every processor.

    Where this process may begin no others it is 1, with a RuntimeWarning. A number that is none raises
    ConfigurationError.
    """
    return allowed_workers((default_workers() if kind_of(device) == CPU else 1) if asked in (None, 0) else asked)


def computed_on(device: str) -> str:
    """What a trained value depends on besides its recipe, for its key: version of torch and kind of device."""
    return f"torch{torch_version()}-{kind_of(device)}"


def torch_version() -> str:
    """Major and minor version of torch, as in ``2.9``."""
    import torch

    return ".".join(torch.__version__.split("+")[0].split(".")[:2])


def _present() -> list[str]:
    """Devices that are here, by name."""
    import torch

    found = [CPU]
    if torch.cuda.is_available():
        found += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found
