"""Models: from an architecture and a task's signature to an ``nn.Module``, and surgery on its head and body."""

from archlock.models.answers import answers_fingerprint
from archlock.models.builders import BUILDERS, build
from archlock.models.checkpoints import filled
from archlock.models.cost import count_flops, count_parameters, count_training_flops
from archlock.models.heads import (
    features_before_head,
    head_name,
    linear_head,
    reinitialised,
    with_kept_head,
    with_new_head,
)
from archlock.models.hugging_face import PREFIX as HUGGING_FACE_PREFIX
from archlock.models.hugging_face import HuggingFaceClassifier, open_classifier
from archlock.models.network import DenseDecoder, Network
from archlock.models.ordinary import ordinary
from archlock.models.probes import PROBES, Probe, open_probe
from archlock.models.stacked import StackedNetwork, skeleton_of, stack
from archlock.models.stages import last_stage
from archlock.models.state_dicts import module_from_factory, read_parts
from archlock.models.surgery import opened, widened
from archlock.models.weights import load_weights, save_weights

__all__ = [
    "BUILDERS",
    "HUGGING_FACE_PREFIX",
    "PROBES",
    "DenseDecoder",
    "HuggingFaceClassifier",
    "Network",
    "Probe",
    "StackedNetwork",
    "answers_fingerprint",
    "build",
    "count_flops",
    "count_parameters",
    "count_training_flops",
    "features_before_head",
    "filled",
    "head_name",
    "last_stage",
    "linear_head",
    "load_weights",
    "module_from_factory",
    "open_classifier",
    "open_probe",
    "opened",
    "ordinary",
    "read_parts",
    "reinitialised",
    "save_weights",
    "skeleton_of",
    "stack",
    "widened",
    "with_kept_head",
    "with_new_head",
]
