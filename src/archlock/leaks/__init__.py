"""Room: leaks. What the execution of a model betrays: observers, readers of what they see, and how well these read."""

from archlock.leaks.candidates import log_all, log_candidates
from archlock.leaks.closed_set import Identified, Near, SelfCheck, distance, identify, self_check
from archlock.leaks.family_trees import FamilyReader, Likely
from archlock.leaks.generators import GENERATORS, Generator, training_network
from archlock.leaks.judging import Checked, Judged, check, check_families, judge, shuffled_observation
from archlock.leaks.members import READERS
from archlock.leaks.motif import Motif, motif_of
from archlock.leaks.observation import Observation
from archlock.leaks.observers import OBSERVERS, Observer
from archlock.leaks.operators import CONVOLUTIONS, OPERATORS, PASSING, Operator
from archlock.leaks.policies import Chance, Policy, as_from_arena, even_policy, in_disguise, learned, sampled_disguise
from archlock.leaks.reader import FittedReader, Lesson, Read, Reader, Reading
from archlock.leaks.rebuilding import Rebuilt, rebuilt
from archlock.leaks.recording import Recording, Sizes, Times, watch_calls, watch_sizes, watch_times
from archlock.leaks.scores import edit_distance, edit_error, majority, skeleton
from archlock.leaks.traces import observer_of_trace, read_trace, write_trace

__all__ = [
    "CONVOLUTIONS",
    "GENERATORS",
    "OBSERVERS",
    "OPERATORS",
    "PASSING",
    "READERS",
    "Chance",
    "Checked",
    "FamilyReader",
    "FittedReader",
    "Generator",
    "Identified",
    "Judged",
    "Lesson",
    "Likely",
    "Motif",
    "Near",
    "Observation",
    "Observer",
    "Operator",
    "Policy",
    "Read",
    "Reader",
    "Reading",
    "Rebuilt",
    "Recording",
    "SelfCheck",
    "Sizes",
    "Times",
    "as_from_arena",
    "check",
    "check_families",
    "distance",
    "edit_distance",
    "edit_error",
    "even_policy",
    "identify",
    "in_disguise",
    "judge",
    "learned",
    "log_all",
    "log_candidates",
    "majority",
    "motif_of",
    "observer_of_trace",
    "read_trace",
    "rebuilt",
    "sampled_disguise",
    "self_check",
    "shuffled_observation",
    "skeleton",
    "training_network",
    "watch_calls",
    "watch_sizes",
    "watch_times",
    "write_trace",
]
