"""What the command line takes for a task, one text for every source."""

from collections.abc import Callable
from pathlib import Path

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks.conform import conform
from archlock.tasks.framing import Framing
from archlock.tasks.saving import is_saved_task, load_task
from archlock.tasks.sources.digits import digits
from archlock.tasks.sources.hugging_face import PREFIX, hugging_face
from archlock.tasks.sources.image_folder import image_folder
from archlock.tasks.sources.npz import npz
from archlock.tasks.task import Task

FORMS = "digits | a folder of images | a .npz file | hf:name or hf:path (a Hugging Face data set)"
"""The texts that :func:`open_task` understands, in words."""


def open_task(
    text: str,
    *,
    image_size: int | Framing | None = None,
    skip_bad: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Task:
    """The task named by a text (see FORMS); a file of :func:`save_task` is a ``.npz`` file too.

    ``image_size`` is the side of the square images wanted, or the framing that a model wants (``OpenedModel.reading``);
    without it every source has its own default. ``skip_bad``
    leaves out images of a folder that cannot be read. Raises ConfigurationError for a text that names nothing, and
    TaskError for data that cannot become a task.
    """
    framing = Framing.of(image_size)
    if text.startswith(PREFIX):
        return hugging_face(text, image_size=image_size, seed=seed)
    path = Path(text).expanduser() if text.startswith("~/") else Path(text)
    if text == "digits":
        task = digits(seed=seed)
    elif text and path.is_dir():
        return image_folder(path, image_size=image_size, skip_bad=skip_bad, seed=seed, progress=progress)
    elif path.suffix == ".npz":
        task = load_task(path) if is_saved_task(path) else npz(path, seed=seed)
    elif text and path.exists():
        raise TaskError(f"{path} is neither a folder nor a .npz file; expected {FORMS}")
    else:
        raise ConfigurationError(f"no task {text!r}: no such file, and no name that is known; expected {FORMS}")
    if framing is None:
        return task
    way = framing if isinstance(image_size, Framing) else None
    return conform(task, (task.shape[0], *framing.size), framing=way)
