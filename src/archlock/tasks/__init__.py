"""Tasks: what is to be learned, where it comes from, and what can be simulated from it."""

from archlock.tasks.asking import made_text
from archlock.tasks.conform import conform, conform_to, refuse_other_form
from archlock.tasks.forms import FORM_WORDS, Form, FormWords, reduced_size
from archlock.tasks.framing import Framing, Resample
from archlock.tasks.generated import RECIPES
from archlock.tasks.generated.recipe import Recipe
from archlock.tasks.generated.suite import NASBENCH360, SITE, SuiteTask
from archlock.tasks.kinds import EVERY_KIND, KINDS, OF_IMAGES, WITH_CLASSES, Kind, TaskKind, Words, kind_of_form
from archlock.tasks.opening import FORMS, check_task, name_of, open_task, open_tasks
from archlock.tasks.resizing import recoloured, resized
from archlock.tasks.rows import digests_of, is_stored, loaded, ranges_of
from archlock.tasks.saving import load_task, save_task
from archlock.tasks.scores import SCORES, Scoring
from archlock.tasks.sealed import Choice, SealedTask, seal
from archlock.tasks.simulated import SIMULATORS
from archlock.tasks.simulated.simulator import Simulator
from archlock.tasks.sources.digits import digits
from archlock.tasks.sources.hugging_face import hugging_face
from archlock.tasks.sources.image_folder import image_folder
from archlock.tasks.sources.npz import npz
from archlock.tasks.sources.reading import LARGEST
from archlock.tasks.sources.source_texts import names_apart
from archlock.tasks.stored.cache import Cache
from archlock.tasks.subsample import (
    FEW,
    enlarged,
    few_of_each,
    rehearsal,
    share_of,
    share_of_validation,
    subsample,
    subsample_fraction,
)
from archlock.tasks.task import Signature, Split, Task, check_classes, check_images, scored, scored_alike

__all__ = [
    "EVERY_KIND",
    "FEW",
    "FORMS",
    "FORM_WORDS",
    "KINDS",
    "LARGEST",
    "NASBENCH360",
    "OF_IMAGES",
    "RECIPES",
    "SCORES",
    "SIMULATORS",
    "SITE",
    "WITH_CLASSES",
    "Cache",
    "Choice",
    "Form",
    "FormWords",
    "Framing",
    "Kind",
    "Recipe",
    "Resample",
    "Scoring",
    "SealedTask",
    "Signature",
    "Simulator",
    "Split",
    "SuiteTask",
    "Task",
    "TaskKind",
    "Words",
    "check_classes",
    "check_images",
    "check_task",
    "conform",
    "conform_to",
    "digests_of",
    "digits",
    "enlarged",
    "few_of_each",
    "hugging_face",
    "image_folder",
    "is_stored",
    "kind_of_form",
    "load_task",
    "loaded",
    "made_text",
    "name_of",
    "names_apart",
    "npz",
    "open_task",
    "open_tasks",
    "ranges_of",
    "recoloured",
    "reduced_size",
    "refuse_other_form",
    "rehearsal",
    "resized",
    "save_task",
    "scored",
    "scored_alike",
    "seal",
    "share_of",
    "share_of_validation",
    "subsample",
    "subsample_fraction",
]
