"""ONNX models, followed node by node in real arithmetic for one x.

Every open dimension is taken as 1. A batch of a fixed size is followed in one of its rows, and
refused where rows could meet.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sinrelu.errors import FormatError, GraphError
from sinrelu.formats.dense import Assembler
from sinrelu.formats.onnx_reader.operators import ANY, OPERATORS, Operator
from sinrelu.formats.onnx_reader.tensors import (
    BOOL,
    DOUBLE,
    ELEMENTS,
    FLOAT,
    INT32,
    INT64,
    Step,
    Tensor,
    held,
    objects,
)
from sinrelu.network import Network
from sinrelu.precision import SAYS_FLOAT32

OLDEST_OPSET = 7
"""Since then Gemm and Add broadcast as they do today."""
DOMAINS = ("", "ai.onnx")
FIELDS = {
    FLOAT: "float_data",
    INT32: "int32_data",
    INT64: "int64_data",
    BOOL: "int32_data",
    DOUBLE: "double_data",
}
"""Where a tensor keeps its entries if they are not bytes."""
ATTRIBUTES = {
    1: ("f", float),
    2: ("i", int),
    4: ("t", Tensor),
    6: ("floats", list),
    7: ("ints", tuple),
}
"""Numbers of ``AttributeProto.AttributeType``: the field, and what it is read as."""
MAX_CONSTANTS = 2**25
"""Entries of all constants of a model, each counted as often as a node makes one of it."""
MAX_RANK = 32
"""Most axes of any tensor; numpy has no more than that everywhere."""

Proto = Any  # protobuf messages, whose classes are made at run time


def network_of(model: Proto, meta: Mapping[str, object]) -> Network:
    """Return the network that a ``ModelProto`` is, taken in real arithmetic.

    ``meta`` gets an entry if the model computes in float32. Raises FormatError or GraphError if
    the model is no network from one number to one number, or has an operator, an attribute or a
    number that cannot be followed exactly; the message names the node.
    """
    return _Reading(model).network(meta)


class _Reading:
    """One model; initializers are kept as they are until a node reads them."""

    def __init__(self, model: Proto) -> None:
        self.opset = _opset(model)
        self.graph = model.graph
        self.assembler = Assembler()
        self.initializers: dict[str, Proto] = {}
        self.tensors: dict[str, Tensor] = {}
        self.masks: set[str] = set()
        self.row: tuple[int, ...] | None = None
        self.precision: Mapping[str, object] = {}
        self.constants = 0

    def network(self, meta: Mapping[str, object]) -> Network:
        for initializer in self.graph.initializer:
            self.initializers[self._new(initializer.name)] = _embedded(initializer)
        self._start(
            _only("input", [i for i in self.graph.input if i.name not in self.initializers])
        )
        for number, node in enumerate(self.graph.node, start=1):
            try:
                self._follow(node)
            except (ValueError, IndexError, OverflowError) as error:
                place = f"node {number} {node.name!r} ({node.op_type})"
                raise FormatError(f"{place}: {error}") from error
        output = self._output(_only("output", self.graph.output))
        return self.assembler.network(output.values, {**meta, **self.precision})

    def _start(self, info: Proto) -> None:
        sizes = [dimension.dim_value for dimension in info.type.tensor_type.shape.dim]
        if not sizes or sizes[-1] not in (0, 1):  # 0: left open
            shape = f"the shape is {sizes[:8]}"
            raise FormatError(f"{info.name!r}: the last dimension must be 1, {shape}")
        ones = (1,) * len(sizes)
        self.row = ones[:-1] if max(sizes) > 1 else None
        array = objects(self.assembler.input, ones)
        self.tensors[self._new(info.name)] = Tensor(array, _element(info))

    def _output(self, info: Proto) -> Tensor:
        if info.name not in self.tensors and info.name not in self.initializers:
            raise FormatError(f"output: no node computes {info.name!r}")
        result = self._tensor(info.name)
        if _element(info) != result.element:
            raise FormatError(f"{info.name!r}: the nodes compute {ELEMENTS[result.element]}")
        return result

    def _follow(self, node: Proto) -> None:
        operator = _operator(node, self.opset)
        attributes = _attributes(node, operator.attributes)
        names = _names(node, operator)
        if len(node.output) not in operator.outputs:
            raise GraphError("expected one output")
        result, *masks = node.output
        self._new(result)
        inputs = [self._tensor(name) if name else None for name in names]
        tensor = operator.follow(Step(self.assembler, attributes), *inputs)
        moved = operator.moves and any(entry is not None and entry.computed for entry in inputs)
        self._check(tensor, moved)
        self.tensors[result] = tensor
        self.masks.update(self._new(mask) for mask in masks if mask)

    def _check(self, tensor: Tensor, moved: bool = False) -> None:
        """Refuse what is empty or too much, and what rows of a batch could have met in."""
        shape = tensor.array.shape
        if 0 in shape and shape != (0,):
            raise GraphError(f"makes an empty tensor of shape {shape}")
        apart = not tensor.computed or shape[:-1] == self.row
        if self.row is not None and (moved or not apart):
            raise GraphError("rows of the batch could meet; export the model for one or any number")
        if tensor.computed:
            self.assembler.spend(tensor.array.size)
            self.precision = SAYS_FLOAT32 if tensor.element == FLOAT else self.precision
            return
        self.constants += tensor.array.size
        if self.constants > MAX_CONSTANTS:
            raise GraphError(f"the constants have more than {MAX_CONSTANTS} entries; fold them")

    def _new(self, name: str) -> str:
        if not name or name in self.initializers or name in self.tensors or name in self.masks:
            raise GraphError(f"the name {name!r} is empty or taken")
        return name

    def _tensor(self, name: str) -> Tensor:
        if name in self.masks:
            raise GraphError(f"{name!r} is the mask of a Dropout, which is not read")
        if name not in self.tensors and name in self.initializers:
            self.tensors[name] = _decoded(self.initializers[name])
            self._check(self.tensors[name])
        if name not in self.tensors:
            raise GraphError(f"{name!r} is not computed by an earlier node")
        return self.tensors[name]


def _opset(model: Proto) -> int:
    """Return the version of ONNX after checking that the model is one that could be read."""
    if not model.HasField("graph"):
        raise FormatError("not an ONNX model (it has no graph)")
    if len(model.functions) or len(model.graph.sparse_initializer):
        raise FormatError("functions and sparse initializers are not read; export without them")
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    if len(versions) != 1 or versions[0] < OLDEST_OPSET:
        raise FormatError(f"opset_import: expected one version of ONNX, {OLDEST_OPSET} or later")
    return int(versions[0])


def _only(kind: str, infos: Sequence[Proto]) -> Proto:
    if len(infos) != 1:
        raise FormatError(f"{kind}: expected one, found {len(infos)}")
    return infos[0]


def _element(info: Proto) -> int:
    """Return the element type of an input or output."""
    element = int(info.type.tensor_type.elem_type)
    if element not in (FLOAT, DOUBLE):
        raise FormatError(
            f"{info.name!r} is neither float64 nor float32; export the model as double"
        )
    return element


def _operator(node: Proto, opset: int) -> Operator:
    if node.domain not in DOMAINS or node.op_type not in OPERATORS:
        raise GraphError(f"only {', '.join(OPERATORS)} are read")
    versions = OPERATORS[node.op_type]
    known = [version for version in versions if version <= opset]
    if not known:
        raise GraphError(f"is not there in version {opset} of ONNX")
    return versions[max(known)]


def _names(node: Proto, operator: Operator) -> list[str]:
    """Return the inputs' names, those of optional ones empty where they are left out."""
    names = list(node.input)
    if len(names) not in operator.inputs:
        raise GraphError(f"{len(names)} inputs")
    required = names if operator.inputs == ANY else names[: operator.inputs.start]
    if not all(required):
        raise GraphError("an input is left out that it needs")
    return names


def _attributes(node: Proto, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's attributes, all of them known ones."""
    result = {name: value for name, value in defaults.items() if not isinstance(value, type)}
    if len({attribute.name for attribute in node.attribute}) < len(node.attribute):
        raise GraphError("an attribute is given twice")
    for attribute in node.attribute:
        name = attribute.name
        if name not in defaults or attribute.ref_attr_name:
            raise GraphError(f"attribute {name!r} is not read")
        field, kind = ATTRIBUTES.get(attribute.type, ("", type(None)))
        if kind not in (defaults[name], type(defaults[name])):
            raise GraphError(f"attribute {name!r} has another type")
        value = getattr(attribute, field)
        result[name] = _decoded(_embedded(value)) if kind is Tensor else kind(value)
    missing = [name for name in defaults if name not in result]
    if missing and node.op_type != "Constant":
        raise GraphError(f"attribute {missing[0]!r} is missing")
    return result


def _embedded(tensor: Proto) -> Proto:
    """Return a tensor after checking that its entries are in this file."""
    if tensor.data_location or len(tensor.external_data):  # 0: in this file
        raise FormatError(
            f"initializer {tensor.name!r}: data in another file are not read; "
            "export the model with external_data=False"
        )
    return tensor


def _decoded(tensor: Proto) -> Tensor:
    name, element, shape = f"initializer {tensor.name!r}", tensor.data_type, list(tensor.dims)
    if element not in ELEMENTS:
        raise GraphError(f"{name}: element type {element} is not read; export the model as double")
    dtype = np.dtype(ELEMENTS[element]).newbyteorder("<")
    entries = getattr(tensor, FIELDS[element])
    size = len(tensor.raw_data) or dtype.itemsize * len(entries)
    possible = len(shape) <= MAX_RANK and min(shape, default=0) >= 0
    if not possible or size != dtype.itemsize * math.prod(shape):
        raise GraphError(f"{name}: {size} bytes for the shape {shape[:8]}")
    data = np.frombuffer(tensor.raw_data, dtype) if tensor.raw_data else np.array(entries)
    return held(data.reshape(shape), element)
