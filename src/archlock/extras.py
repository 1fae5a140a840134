"""Optional parts of the installation: what each brings, and one clear line where one is missing."""

from importlib.util import find_spec

from archlock.errors import ConfigurationError

EXTRAS = {
    "onnx": ("onnx", "onnxscript"),
    "tuning": ("optuna",),
    "baselines": ("pymoo",),
    "deploy": ("onnx", "onnxscript", "onnxruntime"),
}
"""Extra -> the libraries that it brings, as in pyproject.toml. Everything else works without them."""


def absent(extra: str) -> tuple[str, ...]:
    """The libraries of an extra that are not installed; nothing is imported."""
    return tuple(library for library in EXTRAS[extra] if find_spec(library) is None)


def install_line(extra: str) -> str:
    """What to run to get it."""
    return f"pip install 'archlock[{extra}]'"


def require(extra: str, what: str) -> None:
    """Where a library of the extra is missing, ConfigurationError: ``what`` needs it."""
    missing = absent(extra)
    if missing:
        raise ConfigurationError(f"{what} needs {' and '.join(missing)}; run: {install_line(extra)}")
