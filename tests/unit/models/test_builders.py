import hashlib
import subprocess
import sys

import pytest
import torch

from archlock.errors import ArchitectureError, ConfigurationError, UnknownNameError
from archlock.models.builders import BUILDERS, build
from archlock.spaces import Architecture
from archlock.tasks import Signature

DIGITS = Signature("classification", (1, 8, 8), 10, (0.3,), (0.4,))


def digest(architecture, signature=DIGITS):
    model = build(architecture, signature, width=4, depth=1, seed=3)
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in model.state_dict().values())).hexdigest()


def test_same_bits_in_a_second_process():
    code = f"""
import sys; sys.path[:0] = {[path for path in sys.path if path]}
import hashlib, torch
torch.manual_seed(99)
from archlock.models import build
from archlock.spaces import Architecture
from archlock.tasks import Signature
signature = Signature("classification", (1, 8, 8), 10, (0.3,), (0.4,))
for architecture in (Architecture("nasbench201", "314321"), Architecture("transnas101_macro", "4111")):
    model = build(architecture, signature, width=4, depth=1, seed=3)
    print(hashlib.sha256(b"".join(v.numpy().tobytes() for v in model.state_dict().values())).hexdigest())
"""
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    here = [digest(Architecture("nasbench201", "314321")), digest(Architecture("transnas101_macro", "4111"))]
    assert there == here


def test_the_body_does_not_depend_on_the_head():
    architecture = Architecture("nasbench201", "314321")
    classes = build(architecture, DIGITS, width=4, depth=1, seed=0).state_dict()
    dense = build(architecture, Signature("dense", (1, 8, 8), 1, (0.3,), (0.4,)), width=4, depth=1, seed=0).state_dict()
    body = [name for name in classes if not name.startswith("head")]
    assert len(body) > 20
    assert all(torch.equal(classes[name], dense[name]) for name in body)


def test_the_parts_that_others_look_for():
    model = build(Architecture("nasbench201", "314321"), DIGITS, width=4, depth=1, seed=0)
    assert [name for name, _ in model.named_children()] == ["normalise", "stem", "cells", "tail", "head"]
    assert (model.features, model.stride, model.architecture.code) == (16, 4, "314321")
    assert model.normalise.mean.flatten().tolist() == pytest.approx([0.3])


def test_unhappy_paths():
    with pytest.raises(ArchitectureError, match="'31432' is not an architecture of nasbench201"):
        build(Architecture("nasbench201", "31432"), DIGITS, seed=0)
    with pytest.raises(UnknownNameError, match="unknown space 'darts'"):
        build(Architecture("darts", "31432"), DIGITS, seed=0)
    with pytest.raises(UnknownNameError, match="unknown builder 'darts'; known: nasbench201, transnas101_micro"):
        BUILDERS["darts"]
    with pytest.raises(ConfigurationError, match="got width 0, depth 5"):
        build(Architecture("nasbench201", "314321"), DIGITS, width=0, seed=0)
