"""What an ONNX file costs, from its graph: nothing is run. Sizes are those of one image."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from archlock.errors import RunError
from archlock.extras import require
from archlock.models import Costs, Step, moved_bytes, peak_bytes

ALIASES: Final = frozenset({"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators that show a tensor in another form."""
ELEMENTWISE: Final = frozenset(
    {"Add", "BatchNormalization", "Clip", "Div", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mul"}
    | {"PRelu", "Pow", "Relu", "Sigmoid", "Sqrt", "Sub", "Tanh"}
)
PRODUCTS: Final = frozenset({"Conv", "Gemm", "MatMul"})
FLOAT: Final = 1
"""The number of float32 in ONNX."""

Shapes = Mapping[str, tuple[int, ...]]


def read_onnx(path: Path) -> Any:
    """The model of a file; RunError where it is none."""
    require("onnx", f"reading {path.name}")
    import onnx

    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:  # (protobuf and the checker raise a dozen kinds)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(f"{path} is no ONNX model that can be read: {reason}") from error
    return model


def inputs_of(model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs for one image, by name; a free first dimension is 1. Another free one raises RunError."""
    weights = {one.name for one in model.graph.initializer}
    found = {}
    for one in model.graph.input:
        if one.name in weights:
            continue
        sizes = [size.dim_value for size in one.type.tensor_type.shape.dim]
        shape = tuple(size or int(place == 0) for place, size in enumerate(sizes))
        if not shape or 0 in shape:
            raise RunError(
                f"the input {one.name!r} of the ONNX file has a free size besides that of its batch; export it for "
                "images of one size"
            )
        found[one.name] = shape
    return found


def costs_of_onnx(model: Any) -> Costs:
    """Parameters, MACs, bytes of weights, of feature maps at once, and moved.

    Parameters are the elements of floating-point weights, so statistics of a normalisation that was not folded count.
    """
    shapes = _shapes(model)
    weights = {one.name: tuple(one.dims) for one in model.graph.initializer if one.data_type == FLOAT}
    parameters = sum(math.prod(shape) for shape in weights.values())
    macs = sum(_macs(node, {**shapes, **weights}) for node in model.graph.node)
    steps = _steps(model, shapes)
    counts = (parameters, macs, 4 * parameters, peak_bytes(steps), moved_bytes(steps))
    return Costs(*(np.array([count], dtype=np.int64) for count in counts))


def _shapes(model: Any) -> Shapes:
    """Shapes of all values, by name, worked out for one image."""
    import onnx

    one = onnx.ModelProto()
    one.CopyFrom(model)
    del one.graph.value_info[:]
    for given, shape in zip(_real_inputs(one), inputs_of(model).values(), strict=True):
        for place, size in enumerate(shape):
            given.type.tensor_type.shape.dim[place].dim_value = size
    for output in one.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(one, strict_mode=False, data_prop=True).graph
    found = {}
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        found[value.name] = tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
    return found


def _real_inputs(model: Any) -> list[Any]:
    weights = {one.name for one in model.graph.initializer}
    return [one for one in model.graph.input if one.name not in weights]


def _macs(node: Any, shapes: Shapes) -> int:
    if node.op_type not in PRODUCTS:
        return 0
    made, (first, second) = shapes.get(node.output[0], ()), (shapes.get(name, ()) for name in node.input[:2])
    if not made or 0 in made or not second:
        raise RunError(f"the size of {node.output[0]!r} ({node.op_type}) cannot be told from the ONNX file")
    if node.op_type == "Conv":
        return math.prod(made) * math.prod(second[1:])
    transposed = any(one.name == "transA" and one.i for one in node.attribute)
    return math.prod(made) * first[-2 if transposed else -1]


def _steps(model: Any, shapes: Shapes) -> tuple[Step, ...]:
    """One step for each value that is made of the inputs; a normalisation after a convolution makes none."""
    steps: list[Step] = []
    made_by: dict[str, int] = {}
    convolved: set[int] = set()
    for name, shape in inputs_of(model).items():
        made_by[name] = len(steps)
        steps.append(Step(4 * math.prod(shape)))
    for node in model.graph.node:
        reads = tuple(dict.fromkeys(made_by[name] for name in node.input if name in made_by))
        if not reads:
            continue
        folded = node.op_type == "BatchNormalization" and reads[0] in convolved
        if node.op_type in ALIASES or folded:
            made_by[node.output[0]] = reads[0]
            continue
        for name in node.output:
            if not (size := math.prod(shapes.get(name, (0,)))):
                continue
            made_by[name] = len(steps)
            steps.append(Step(4 * size, reads, node.op_type in ELEMENTWISE))
            if node.op_type == "Conv":
                convolved.add(made_by[name])
    return tuple(steps)
