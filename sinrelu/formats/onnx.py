"""The .onnx format, which runtimes execute: float64, opset 17, IR 8.

A network that is meant for float32, and has such weights, is written in float32.

Each stage of the network (see ``formats.dense``) is one Gemm (transB=1) followed by one Relu, the
output one Gemm; where a stage reads several earlier ones, a Concat stands them side by side. So a
layered network is a plain chain of Gemm and Relu. Input ``x`` and output ``y`` have shape (N, 1).

The reader (``formats.onnx_reader``) takes what exporters write, as far as it can be followed
exactly. It never reads another file, and the model's remarks (``doc_string``,
``metadata_props``) are informative only.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sinrelu.errors import FormatError, GraphError, MissingExtraError
from sinrelu.formats.dense import Stage, stages
from sinrelu.formats.npz import json_object, meta_text
from sinrelu.formats.onnx_reader import network_of
from sinrelu.formats.onnx_reader.tensors import DOUBLE, FLOAT
from sinrelu.network import Network
from sinrelu.precision import has_float32_weights, says_float32

OPSET = 17
IR_VERSION = 8
META = "sinrelu.meta"
COUNTS = ("connections", "biases", "skip_connections", "units", "depth", "width", "wiring")

Proto = Any  # protobuf messages, whose classes are made at run time


def dumps(network: Network) -> bytes:
    """Return the file's content; the same network gives the same bytes.

    Raises MissingExtraError if the package onnx is not installed, and RequestError if the weights
    are wider than float64.
    """
    network.require_float64(".onnx")
    helper = package().helper
    steps = stages(network)
    single = says_float32(network) and has_float32_weights(network)
    element, dtype = (FLOAT, np.float32) if single else (DOUBLE, np.float64)
    model = helper.make_model(
        helper.make_graph(
            [node for number in range(1, len(steps)) for node in _nodes(steps, number)],
            "sinrelu",
            *([helper.make_tensor_value_info(name, element, ["N", 1])] for name in "xy"),
            [
                tensor
                for number in range(1, len(steps))
                for tensor in _tensors(steps, number, dtype)
            ],
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
        remarks = {entry.key: entry.value for entry in model.metadata_props}
        return network_of(model, json_object(META, remarks.get(META, "{}")))
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


def _tensors(steps: Sequence[Stage], number: int, dtype: type) -> Iterator[Proto]:
    stage = steps[number]
    sources = [source for index in stage.reads for source in steps[index].numbers]
    for name, array in (("weight", stage.weight(sources)), ("bias", stage.bias)):
        yield package().numpy_helper.from_array(array.astype(dtype), f"{name}_{number}")


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
