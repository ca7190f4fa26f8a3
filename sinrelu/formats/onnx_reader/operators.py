"""The operators of ONNX that are read, with the inputs and attributes that each may have."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from sinrelu.formats.onnx_reader import arithmetic, movements
from sinrelu.formats.onnx_reader.tensors import FLOAT, Tensor

ONE, TWO, ANY = range(1, 2), range(2, 3), range(1, 2**31)


class Operator(NamedTuple):
    """How a node is read: a function of a ``Step`` and of its inputs, None where one is left out.

    Where it cannot follow, the function raises GraphError, or numpy a ValueError, IndexError or
    OverflowError. ``attributes`` stand with their defaults, or with their types if they have none.
    ``moves`` says that entries change places, so that one row of a batch may meet another. Of the
    outputs only the first is read.
    """

    follow: Callable[..., Tensor]
    inputs: range = ONE
    attributes: Mapping[str, Any] = {}
    moves: bool = False
    outputs: range = ONE


GEMM = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}
LEAK = 0.009999999776482582
"""The default slope 0.01 as what it is, a float32."""
LARGEST = 3.4028234663852886e38
"""The largest float32, beyond which Clip once had its bounds where none were given."""
ZERO = Tensor(np.zeros(1), FLOAT)
VALUES = {
    **{"value": Tensor, "value_float": float, "value_int": int},
    **{"value_floats": list, "value_ints": tuple},
}

OPERATORS: Mapping[str, Mapping[int, Operator]] = {
    "Gemm": {7: Operator(arithmetic.gemm, range(2, 4), GEMM)},
    "MatMul": {1: Operator(arithmetic.matmul, TWO)},
    "Add": {7: Operator(arithmetic.add, TWO)},
    "Sub": {7: Operator(arithmetic.subtract, TWO)},
    "Mul": {7: Operator(arithmetic.multiply, TWO)},
    "Div": {7: Operator(arithmetic.divide, TWO)},
    "Sum": {6: Operator(arithmetic.add, ANY)},
    "Neg": {6: Operator(arithmetic.negate)},
    "Relu": {6: Operator(arithmetic.relu)},
    "LeakyRelu": {6: Operator(arithmetic.leaky_relu, attributes={"alpha": LEAK})},
    "PRelu": {7: Operator(arithmetic.prelu, TWO)},
    "Abs": {6: Operator(arithmetic.absolute)},
    "Max": {6: Operator(arithmetic.maximum, ANY)},
    "Min": {6: Operator(arithmetic.minimum, ANY)},
    "Clip": {
        6: Operator(arithmetic.clip, attributes={"min": -LARGEST, "max": LARGEST}),
        11: Operator(arithmetic.clip, range(1, 4)),
    },
    "Constant": {1: Operator(movements.constant, range(1), VALUES)},
    "Identity": {1: Operator(movements.identity)},
    "Cast": {6: Operator(movements.cast, attributes={"to": int, "saturate": 1})},
    "Dropout": {
        7: Operator(movements.dropout, attributes={"ratio": 0.5}, outputs=range(1, 3)),
        12: Operator(movements.dropout, range(1, 4), {"seed": 0}, outputs=range(1, 3)),
    },
    "Concat": {4: Operator(movements.concat, ANY, {"axis": int})},
    "Reshape": {5: Operator(movements.reshape, TWO, {"allowzero": 0}, moves=True)},
    "Flatten": {1: Operator(movements.flatten, attributes={"axis": 1}, moves=True)},
    "Squeeze": {
        1: Operator(movements.squeeze, attributes={"axes": ()}, moves=True),
        13: Operator(movements.squeeze, range(1, 3), moves=True),
    },
    "Unsqueeze": {
        1: Operator(movements.unsqueeze, attributes={"axes": tuple}, moves=True),
        13: Operator(movements.unsqueeze, TWO, moves=True),
    },
    "Transpose": {1: Operator(movements.transpose, attributes={"perm": ()}, moves=True)},
    "Gather": {1: Operator(movements.gather, TWO, {"axis": 0}, moves=True)},
    "Slice": {
        1: Operator(
            movements.cut, attributes={"starts": tuple, "ends": tuple, "axes": ()}, moves=True
        ),
        10: Operator(movements.cut, range(3, 6), moves=True),
    },
    "Expand": {8: Operator(movements.expand, TWO, moves=True)},
    "ConstantOfShape": {9: Operator(movements.filled, attributes={"value": ZERO})},
    "Shape": {1: Operator(movements.shape, attributes={"start": 0, "end": 2**31}, moves=True)},
}
"""Each operator, with the version of ONNX since which a way of reading it holds."""
