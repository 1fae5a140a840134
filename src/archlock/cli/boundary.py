"""Where errors end: what a user can bring about becomes one line with what to do, anything else says that it is a bug.

Errors of ArchLock have their words already. Here are those of the operating system, of encodings, of memory and of
numbers, wherever below they come from.
"""

import errno
import traceback
from typing import Final

from archlock.errors import ArchLockError, refusal

BUG: Final = "this is a bug in ArchLock; please report it with the lines above"
_OUT_OF_MEMORY: Final = ("out of memory", "can't allocate memory", "not enough memory", "unable to allocate")


def message_of(error: Exception) -> str:
    """The line about an error that a user can bring about; empty for anything else."""
    if isinstance(error, ArchLockError):
        return str(error)
    if _wants_memory(error):
        return (
            f"there is not enough memory ({_first_line(error)}); take fewer --workers, smaller images (--image-size), "
            "or a smaller network (--width)"
        )
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{refusal(error)}"
    if isinstance(error, UnicodeError):
        return (
            f"a name or a file holds letters that cannot be read or written ({_first_line(error)}); rename it with "
            "plain letters, or save it as UTF-8"
        )
    if isinstance(error, OverflowError):
        return f"a number is too large to compute with ({_first_line(error)}); give smaller numbers in the options"
    return ""


def lines_of(error: Exception) -> str:
    """The traceback, for what is a bug."""
    return "".join(traceback.format_exception(error)).rstrip()


def _wants_memory(error: Exception) -> bool:
    """Whether memory is at an end, as Python, NumPy, torch and the operating system say it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
