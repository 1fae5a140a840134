"""Models: from an architecture and a task's signature to an ``nn.Module``, and surgery on its head and body."""

from archlock.models.answers import answers_fingerprint
from archlock.models.builders import BUILDERS, build
from archlock.models.checkpoints import filled
from archlock.models.classifier import Classifier
from archlock.models.closed_forms import Costs, costs_of, costs_of_module
from archlock.models.conditioning import (
    LayerConditioning,
    condition_bound,
    condition_gap,
    conditioning_of,
    weight_matrices,
)
from archlock.models.cost import count_flops, count_int8_bytes, count_parameters, count_training_flops
from archlock.models.cutting import POOLINGS, Cut, Place, places, pooled
from archlock.models.disguised import Convolution, Disguised
from archlock.models.edits import Drop, Edit, Fold, Narrow, Neck, Rescale, decoded_edits, edit_record, restructured
from archlock.models.exact_edits import fold
from archlock.models.exactness import TOLERANCE, labelled, tried
from archlock.models.finding_heads import FoundHead
from archlock.models.footprint import Step, moved_bytes, peak_bytes, steps_of
from archlock.models.friction import SPREAD, Hindered, hindered
from archlock.models.groups import Block, Fixed, Group, Structure, cost_without, structure_of
from archlock.models.heads import (
    HEAD,
    TAPPED,
    features_before_head,
    linear_head,
    reinitialised,
    with_kept_head,
    with_new_head,
)
from archlock.models.hugging_face import PREFIX as HUGGING_FACE_PREFIX
from archlock.models.hugging_face import (
    HuggingFaceClassifier,
    as_plain_module,
    classifier_of_config,
    open_classifier,
)
from archlock.models.lipschitz import lipschitz_bound, local_constants
from archlock.models.manoeuvres import MANOEUVRES, Disguise, Manoeuvre, Trick, convolutions_of, disguised
from archlock.models.narrowing import (
    Chosen,
    dropped,
    groups_of,
    narrowed,
    norms_of,
    own_places,
    parts_of,
    recounted,
    resized,
    ties_of,
    zeroed,
)
from archlock.models.network import DenseDecoder, Network
from archlock.models.old_hooks import copy_without_old_hooks
from archlock.models.ordinary import ordinary
from archlock.models.preprocessing import Preprocessing
from archlock.models.probes import PROBES, Probe, open_probe
from archlock.models.rebalancing import rebalanced
from archlock.models.rebuilding import all_tensors, given_numbers, without_numbers
from archlock.models.regrowing import regrown
from archlock.models.stacked import StackedNetwork, skeleton_of, stack
from archlock.models.stages import last_stage
from archlock.models.state_dicts import module_from_factory, read_parts
from archlock.models.stretching import Stretching, stretching_of
from archlock.models.surgery import opened, widened
from archlock.models.taking_apart import Headed, apart_at, as_classifier, described_classifier, heads_of
from archlock.models.tracing import Layer, followed, given_hooked, per_channel, used_once
from archlock.models.weights import load_weights, save_weights

__all__ = [
    "BUILDERS",
    "HEAD",
    "HUGGING_FACE_PREFIX",
    "MANOEUVRES",
    "POOLINGS",
    "PROBES",
    "SPREAD",
    "TAPPED",
    "TOLERANCE",
    "Block",
    "Chosen",
    "Classifier",
    "Convolution",
    "Costs",
    "Cut",
    "DenseDecoder",
    "Disguise",
    "Disguised",
    "Drop",
    "Edit",
    "Fixed",
    "Fold",
    "FoundHead",
    "Group",
    "Headed",
    "Hindered",
    "HuggingFaceClassifier",
    "Layer",
    "LayerConditioning",
    "Manoeuvre",
    "Narrow",
    "Neck",
    "Network",
    "Place",
    "Preprocessing",
    "Probe",
    "Rescale",
    "StackedNetwork",
    "Step",
    "Stretching",
    "Structure",
    "Trick",
    "all_tensors",
    "answers_fingerprint",
    "apart_at",
    "as_classifier",
    "as_plain_module",
    "build",
    "classifier_of_config",
    "condition_bound",
    "condition_gap",
    "conditioning_of",
    "convolutions_of",
    "copy_without_old_hooks",
    "cost_without",
    "costs_of",
    "costs_of_module",
    "count_flops",
    "count_int8_bytes",
    "count_parameters",
    "count_training_flops",
    "decoded_edits",
    "described_classifier",
    "disguised",
    "dropped",
    "edit_record",
    "features_before_head",
    "filled",
    "fold",
    "followed",
    "given_hooked",
    "given_numbers",
    "groups_of",
    "heads_of",
    "hindered",
    "labelled",
    "last_stage",
    "linear_head",
    "lipschitz_bound",
    "load_weights",
    "local_constants",
    "module_from_factory",
    "moved_bytes",
    "narrowed",
    "norms_of",
    "open_classifier",
    "open_probe",
    "opened",
    "ordinary",
    "own_places",
    "parts_of",
    "peak_bytes",
    "per_channel",
    "places",
    "pooled",
    "read_parts",
    "rebalanced",
    "recounted",
    "regrown",
    "reinitialised",
    "resized",
    "restructured",
    "save_weights",
    "skeleton_of",
    "stack",
    "steps_of",
    "stretching_of",
    "structure_of",
    "ties_of",
    "tried",
    "used_once",
    "weight_matrices",
    "widened",
    "with_kept_head",
    "with_new_head",
    "without_numbers",
    "zeroed",
]
