"""ONNX models for tests, and what they compute by the reference evaluator of ONNX."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

node = helper.make_node


def tensor(name: str, values, dtype=np.float64) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def model(
    nodes: Sequence[onnx.NodeProto],
    tensors: Sequence[TensorProto],
    output: str = "y",
    dims: Sequence[int | str] = ("N", 1),
    elem: int = TensorProto.DOUBLE,
    opset: int = 20,
    **options: object,
) -> bytes:
    """A model from x to y."""
    info = helper.make_tensor_value_info
    x, y = info("x", elem, dims), info(output, elem, dims)
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    options = {"opset_imports": [helper.make_opsetid("", opset)]} | options
    return helper.make_model(graph, **options).SerializeToString()


def computed(content: bytes, points: Sequence[float]) -> list[Fraction]:
    """What the reference evaluator makes of each point alone."""
    proto = onnx.load_from_string(content)
    [info] = proto.graph.input
    [dims] = [[1] * len(info.type.tensor_type.shape.dim)]
    dtype = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
    evaluator = ReferenceEvaluator(proto)
    results = [evaluator.run(None, {info.name: np.full(dims, x, dtype)})[0] for x in points]
    assert {result.size for result in results} == {1}
    return [Fraction(result.item()) for result in results]
