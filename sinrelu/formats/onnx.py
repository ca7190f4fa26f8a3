"""The .onnx format, which runtimes execute: float64, opset 17, IR 8.

Each stage of the network (see ``formats.dense``) is one Gemm (transB=1) followed by one Relu, the
output one Gemm; where a stage reads several earlier ones, a Concat stands them side by side. So a
layered network is a plain chain of Gemm and Relu. Input ``x`` and output ``y`` have shape (N, 1).

The reader follows the nodes with one affine form per component, and accepts what it can follow
exactly: Gemm, MatMul and Add with float64 initializers, Relu, Concat, Identity. It never reads
another file, and the model's remarks (``doc_string``, ``metadata_props``) are informative only.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import FormatError, GraphError, MissingExtraError
from sinrelu.formats.dense import Assembler, Stage, Values, stages
from sinrelu.formats.npz import json_object, meta_text
from sinrelu.network import Network

OPSET = 17
OLDEST_OPSET = 7
"""Since then Gemm and Add broadcast as they do today."""
IR_VERSION = 8
DOUBLE = 11
"""``TensorProto.DOUBLE``, float64."""
META = "sinrelu.meta"
COUNTS = ("connections", "biases", "skip_connections", "units", "depth", "width", "wiring")

Proto = Any  # protobuf messages, whose classes are made at run time
Attributes = dict[str, float]


def dumps(network: Network) -> bytes:
    """Return the file's content; the same network gives the same bytes.

    Raises MissingExtraError if the package onnx is not installed, and RequestError if the weights
    are wider than float64.
    """
    network.require_float64(".onnx")
    helper = package().helper
    steps = stages(network)
    model = helper.make_model(
        helper.make_graph(
            [node for number in range(1, len(steps)) for node in _nodes(steps, number)],
            "sinrelu",
            *([helper.make_tensor_value_info(name, DOUBLE, ["N", 1])] for name in "xy"),
            [tensor for number in range(1, len(steps)) for tensor in _tensors(steps, number)],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sinrelu",
        doc_string=_description(network),
    )
    helper.set_model_props(model, _properties(network))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def loads(content: bytes) -> Network:
    """Read a file's content.

    Raises FormatError or GraphError if it is not such a file, or the network in it is not one that
    this package knows, the message naming the node; MissingExtraError as ``dumps`` does.
    """
    model = package().ModelProto()
    from google.protobuf.message import DecodeError  # there if onnx is

    try:
        model.ParseFromString(content)
        return _Reading(model).network()
    except (FormatError, GraphError):
        raise
    except (DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"not an ONNX model ({error})") from error


def package() -> Any:
    """Return the package onnx, or raise MissingExtraError."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(
            "the .onnx format needs the package onnx: pip install 'sinrelu[onnx]'"
        ) from error
    return onnx


def _nodes(steps: Sequence[Stage], number: int) -> Iterator[Proto]:
    make_node, last = package().helper.make_node, number == len(steps) - 1
    read = [f"units_{index}" if index else "x" for index in steps[number].reads]
    if len(read) > 1:
        yield make_node("Concat", read, [f"joined_{number}"], f"concat_{number}", axis=1)
        read = [f"joined_{number}"]
    form = "y" if last else f"form_{number}"
    inputs = [*read, f"weight_{number}", f"bias_{number}"]
    yield make_node("Gemm", inputs, [form], f"gemm_{number}", transB=1)
    if not last:
        yield make_node("Relu", [form], [f"units_{number}"], f"relu_{number}")


def _tensors(steps: Sequence[Stage], number: int) -> Iterator[Proto]:
    stage = steps[number]
    sources = [source for index in stage.reads for source in steps[index].numbers]
    for name, array in (("weight", stage.weight(sources)), ("bias", stage.bias)):
        yield package().numpy_helper.from_array(array, f"{name}_{number}")


def _description(network: Network) -> str:
    tol = network.meta.get("tol")
    purpose = "" if tol is None else f"sin to within {tol} on [-pi, pi]: "
    return (
        f"{purpose}a ReLU network of {network.units} units, {network.connections} connections and "
        f"{network.biases} biases, graph sha256 {network.sha256}"
    )


def _properties(network: Network) -> dict[str, str]:
    tol = network.meta.get("tol")
    return {
        **({} if tol is None else {"tolerance": str(tol)}),
        **{name: str(getattr(network, name)) for name in (*COUNTS, "sha256")},
        META: meta_text(network),
    }


class _Reading:
    """One model, followed node by node; initializers are kept as they are until one needs them."""

    def __init__(self, model: Proto) -> None:
        _check_model(model)
        self.graph = model.graph
        self.meta = {entry.key: entry.value for entry in model.metadata_props}.get(META, "{}")
        self.assembler = Assembler()
        self.arrays: dict[str, FloatArray] = {}
        self.tensors: dict[str, Proto] = {}
        self.values: dict[str, Values] = {}
        self.rank = 0

    def network(self) -> Network:
        for tensor in self.graph.initializer:
            if tensor.data_location or len(tensor.external_data):  # 0: in this file
                raise FormatError(
                    f"initializer {tensor.name!r}: data in another file are not read; "
                    "export the model with external_data=False"
                )
            self.tensors[self._new(tensor.name)] = tensor
        inputs = [info for info in self.graph.input if info.name not in self.tensors]
        name = _only("input", inputs)
        self.rank = _rank(inputs[0])
        self.values[self._new(name)] = self.assembler.input
        for number, node in enumerate(self.graph.node, start=1):
            try:
                self._follow(node)
            except GraphError as error:
                place = f"node {number} {node.name!r} ({node.op_type})"
                raise FormatError(f"{place}: {error}") from error
        name = _only("output", self.graph.output)
        if name not in self.values:
            raise FormatError(f"output: no node computes {name!r}")
        _rank(self.graph.output[0])
        return self.assembler.network(self.values[name], json_object(META, self.meta))

    def _follow(self, node: Proto) -> None:
        if node.domain not in DOMAINS or node.op_type not in OPERATORS:
            raise GraphError(f"only {', '.join(OPERATORS)} are read")
        if len(node.output) != 1:
            raise GraphError("expected one output")
        name = self._new(node.output[0])
        counts, defaults = OPERATORS[node.op_type]
        if len(node.input) not in counts:
            raise GraphError(f"{len(node.input)} inputs")
        attributes = _attributes(node, defaults)
        if node.op_type == "Identity" and node.input[0] in self.tensors:
            self.tensors[name] = self.tensors[node.input[0]]
        else:
            self.values[name] = self._result(node.op_type, list(node.input), attributes)

    def _new(self, name: str) -> str:
        if not name or name in self.tensors or name in self.values:
            raise GraphError(f"the name {name!r} is empty or taken")
        return name

    def _value(self, name: str) -> Values:
        if name not in self.values:
            raise GraphError(f"input {name!r} is not computed by an earlier node")
        return self.values[name]

    def _array(self, name: str) -> FloatArray:
        if name not in self.arrays:
            if name not in self.tensors:
                raise GraphError(f"input {name!r} must be an initializer")
            self.arrays[name] = _float64(self.tensors[name])
        return self.arrays[name]

    def _matrix(self, name: str) -> FloatArray:
        if self._array(name).ndim != 2:
            raise GraphError("expected a matrix")
        return self.arrays[name]

    def _result(self, operator: str, inputs: list[str], attributes: Attributes) -> Values:
        match operator:
            case "Gemm":
                return self._gemm(inputs, attributes)
            case "MatMul":
                weight = self._matrix(inputs[1]).T
                return self.assembler.affine(self._value(inputs[0]), weight)
            case "Add":
                return self._add(*inputs)
            case "Relu":
                return self.assembler.relu(self._value(inputs[0]))
            case "Concat":
                return self._concat(inputs, attributes["axis"])
        return self._value(inputs[0])

    def _gemm(self, inputs: list[str], attributes: Attributes) -> Values:
        if (attributes["alpha"], attributes["beta"], attributes["transA"]) != (1.0, 1.0, 0):
            raise GraphError("expected alpha = beta = 1 and transA = 0")
        weight = self._matrix(inputs[1])
        weight = weight if attributes["transB"] else weight.T
        names = [name for name in inputs[2:] if name]
        bias = _vector(self._array(names[0]), len(weight)) if names else None
        return self.assembler.affine(self._value(inputs[0]), weight, bias)

    def _add(self, first: str, second: str) -> Values:
        constant, other = (first, second) if first in self.tensors else (second, first)
        values = self._value(other)
        return self.assembler.add(values, _vector(self._array(constant), len(values)))

    def _concat(self, inputs: list[str], axis: float) -> Values:
        if axis not in (-1, self.rank - 1):
            raise GraphError(f"axis {axis} is not that of the features")
        parts = [self._value(name) for name in inputs]
        self.assembler.spend(sum(map(len, parts)))
        return tuple(value for part in parts for value in part)


DOMAINS = ("", "ai.onnx")
GEMM = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}
OPERATORS: dict[str, tuple[range, Attributes]] = {
    "Gemm": (range(2, 4), GEMM),
    "MatMul": (range(2, 3), {}),
    "Add": (range(2, 3), {}),
    "Relu": (range(1, 2), {}),
    "Concat": (range(2**31), {"axis": 0}),
    "Identity": (range(1, 2), {}),
}
"""How many inputs a node may have, and its attributes as they are where it does not say."""


def _check_model(model: Proto) -> None:
    if not model.HasField("graph"):
        raise FormatError("not an ONNX model (it has no graph)")
    if len(model.functions) or len(model.graph.sparse_initializer):
        raise FormatError("functions and sparse initializers are not read")
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    if len(versions) != 1 or versions[0] < OLDEST_OPSET:
        raise FormatError(f"opset_import: expected one version of ONNX, {OLDEST_OPSET} or later")


def _only(kind: str, infos: Sequence[Proto]) -> str:
    if len(infos) != 1:
        raise FormatError(f"{kind}: expected one, found {len(infos)}")
    return str(infos[0].name)


def _rank(info: Proto) -> int:
    """Return the rank of an input or output after checking that it holds float64 scalars."""
    tensor = info.type.tensor_type
    sizes = [dimension.dim_value for dimension in tensor.shape.dim]
    if tensor.elem_type != DOUBLE:
        raise FormatError(f"{info.name!r} is not float64; export the model as double")
    if not sizes or sizes[-1] not in (0, 1):  # 0: left open
        raise FormatError(f"{info.name!r}: the last dimension must be 1, the shape is {sizes[:8]}")
    return len(sizes)


def _float64(tensor: Proto) -> FloatArray:
    shape = list(tensor.dims)
    if tensor.data_type != DOUBLE:
        raise GraphError(f"initializer {tensor.name!r} is not float64; export the model as double")
    size = len(tensor.raw_data) or 8 * len(tensor.double_data)
    if len(shape) > 2 or min(shape, default=1) < 1 or size != 8 * math.prod(shape):
        raise GraphError(f"initializer {tensor.name!r}: {size} bytes for the shape {shape[:8]}")
    data = np.frombuffer(tensor.raw_data, "<f8") if tensor.raw_data else tensor.double_data
    return np.array(data, dtype=np.float64).reshape(shape)


def _vector(array: FloatArray, length: int) -> FloatArray:
    """Return a bias of this length, from any shape that is repeated along the batch."""
    if array.size not in (1, length) or array.shape[:-1] not in ((), (1,)):
        raise GraphError(f"expected a bias for {length} values, found the shape {array.shape}")
    return np.broadcast_to(array.reshape(-1), (length,))


def _attributes(node: Proto, defaults: Attributes) -> Attributes:
    """Return a node's numbers, all of them known ones."""
    result = dict(defaults)
    if len({attribute.name for attribute in node.attribute}) < len(node.attribute):
        raise GraphError("an attribute is given twice")
    for attribute in node.attribute:
        if attribute.name not in defaults or attribute.ref_attr_name:
            raise GraphError(f"attribute {attribute.name!r} is not read")
        kind = "f" if isinstance(defaults[attribute.name], float) else "i"
        if not attribute.HasField(kind):
            raise GraphError(f"attribute {attribute.name!r} has another type")
        result[attribute.name] = getattr(attribute, kind)
    return result
