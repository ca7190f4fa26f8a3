"""Models of others are read as the network that they are, or refused; the oracle is ONNX's own."""

from itertools import pairwise

import models
import numpy as np
import pytest
from graphs import naive_exact
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import node, tensor
from onnx import TensorProto, helper

from sinrelu.errors import FormatError
from sinrelu.formats import dense, onnx, onnx_reader
from sinrelu.network import Network, Row

POINTS = [-7.5, -1.25, -0.5, 0.0, 0.25, 1.0, 6.5]
DOUBLE, FLOAT, INT64 = TensorProto.DOUBLE, TensorProto.FLOAT, TensorProto.INT64


def read_exactly(content: bytes) -> Network:
    """Read a model whose numbers are dyadic, so that float64 evaluation rounds nothing."""
    network = onnx.loads(content)
    assert [naive_exact(network, x) for x in POINTS] == models.computed(content, POINTS)
    return network


def constant(name, values, dtype=np.float64):
    return node("Constant", [], [name], value=tensor("", values, dtype))


def integers(name, *values):
    return tensor(name, values, np.int64)


WIDE = [[1.0, -1.0, 0.5, 2.0]]
TENSORS = [
    *(tensor("W", WIDE), tensor("b", [0.0, 1.0, -2.0, 0.5]), tensor("B", [[0.0, 1.0, -2.0, 0.5]])),
    *(tensor("Wt", np.transpose(WIDE)), tensor("V", np.transpose([[1.0, 2.0, 0.25, -1.0]]))),
    *(tensor("Vt", [[1.0, 2.0, 0.25, -1.0]]), tensor("c", [0.25]), tensor("C", [[0.25]])),
    *(tensor("two", 2.0), tensor("low", -0.5), tensor("high", 0.75), tensor("b2", [[3.0, -1.0]])),
    *(tensor("slopes", [0.25, 0.0, 1.0, -2.0]), tensor("square", np.eye(4)[::-1] + 1)),
    *(integers("column", -1, 1), integers("four", -1, 4), integers("axis1", 1)),
    *(integers("zero", 0), integers("one", 1), integers("three", 3), integers("minus", -1)),
    *(integers("line", 4, 1), integers("boxes", 2, 2, 1), integers("kept", 0, -1)),
    *(tensor("pair", [1.0, -0.5]), tensor("unit", [[1.0]])),
    *(integers("end", 2**63 - 1), integers("start", -(2**63))),
]
HIDDEN = [
    node("Gemm", ["x", "Wt", "b"], ["h"], transB=1, alpha=1.0, beta=1.0),
    node("Relu", ["h"], ["r"]),
]
TAIL = [node("MatMul", ["r", "V"], ["y"])]
OUT = [node("MatMul", ["u", "V"], ["m"]), node("Add", ["m", "c"], ["y"])]

WRITTEN = {
    "scikit-learn": [
        *(node("Cast", ["x"], ["k"], to=DOUBLE), node("MatMul", ["k", "W"], ["m1"])),
        *(node("Add", ["m1", "B"], ["a1"]), node("Relu", ["a1"], ["r"])),
        *(node("MatMul", ["r", "V"], ["m2"]), node("Add", ["m2", "C"], ["a2"])),
        node("Reshape", ["a2", "column"], ["y"]),
    ],
    "PyTorch, x·2 + 1 by the old exporter": [
        *(constant("k", 2.0), node("Mul", ["x", "k"], ["m"]), constant("l", 1.0)),
        *(node("Add", ["m", "l"], ["a"]), node("Relu", ["a"], ["y"])),
    ],
    "PyTorch, views of a dynamic batch by the old exporter": [
        *(constant("s", [-1, 1], np.int64), node("Reshape", ["x", "s"], ["v"], allowzero=0)),
        *(node("Gemm", ["v", "Wt", "b"], ["h"], transB=1), node("Relu", ["h"], ["r"])),
        *(node("Shape", ["x"], ["sh"]), constant("i", 0, np.int64)),
        *(node("Gather", ["sh", "i"], ["n"], axis=0), constant("j", [0], np.int64)),
        *(node("Unsqueeze", ["n", "j"], ["n1"]), constant("w", [4], np.int64)),
        node("Concat", ["n1", "w"], ["s2"], axis=0),
        *(node("Reshape", ["r", "s2"], ["u"], allowzero=0), *OUT),
    ],
    "PyTorch, a view by the new exporter": [
        *(node("Reshape", ["x", "column"], ["v"], allowzero=1),),
        *(node("Gemm", ["v", "Wt", "b"], ["h"], transB=1, transA=0), node("Relu", ["h"], ["r"])),
        node("Gemm", ["r", "Vt", "c"], ["y"], beta=1.0, transB=1, alpha=1.0, transA=0),
    ],
    "PyTorch, clamp": [HIDDEN[0], node("Clip", ["h", "low", "high"], ["u"]), *OUT],
    "PyTorch, clamp from below": [HIDDEN[0], node("Clip", ["h", "low"], ["u"]), *OUT],
    "PyTorch, clamp from above": [HIDDEN[0], node("Clip", ["h", "", "high"], ["u"]), *OUT],
    "PyTorch, clamp by the new exporter": [HIDDEN[0], node("Max", ["h", "low"], ["u"]), *OUT],
    "PyTorch, minimum with ones by the old exporter": [
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["k"], value=tensor("", [1.0])),
        node("Min", ["x", "k"], ["y"]),
    ],
    "PyTorch, minimum with ones by the new exporter": [
        node("Shape", ["x"], ["s"], start=0),
        *(node("Expand", ["two", "s"], ["k"]), node("Min", ["x", "k"], ["y"])),
    ],
    "PyTorch, the weight on the left": [
        *(node("Transpose", ["x"], ["t"], perm=[1, 0]), node("MatMul", ["Wt", "t"], ["m"])),
        *(node("Relu", ["m"], ["r"]), node("MatMul", ["Vt", "r"], ["n"])),
        node("Transpose", ["n"], ["y"], perm=[1, 0]),
    ],
    "PyTorch, some columns": [
        *HIDDEN,
        node("Slice", ["r", "zero", "three", "one", "one"], ["s"]),
        *(node("Concat", ["s", "x"], ["u"], axis=-1), *OUT),
    ],
    "PyTorch, PReLU": [HIDDEN[0], node("PRelu", ["h", "slopes"], ["u"]), *OUT],
    "PyTorch, LeakyReLU": [HIDDEN[0], node("LeakyRelu", ["h"], ["u"], alpha=0.25), *OUT],
    "PyTorch, abs": [HIDDEN[0], node("Abs", ["h"], ["u"]), *OUT],
    "PyTorch, max": [node("Mul", ["x", "two"], ["d"]), node("Max", ["x", "d"], ["y"])],
    "PyTorch, a residual": [*HIDDEN, node("Add", ["r", "x"], ["u"]), *OUT],
    "PyTorch, a residual at the end": [
        *(*HIDDEN, node("Gemm", ["r", "Vt", "c"], ["g"], transB=1), node("Add", ["g", "x"], ["y"])),
    ],
    "PyTorch, Flatten and Dropout": [
        *(node("Flatten", ["x"], ["f"], axis=1), node("Gemm", ["f", "Wt", "b"], ["h"], transB=1)),
        *(node("Relu", ["h"], ["r"]), node("Dropout", ["r"], ["u", "mask"]), *OUT),
    ],
    "PyTorch, minus, differences, quotients": [
        *(node("Neg", ["x"], ["n"]), node("Relu", ["n"], ["r"]), node("Div", ["r", "two"], ["d"])),
        *(node("Sub", ["x", "high"], ["s"]), node("Relu", ["s"], ["t"])),
        node("Sub", ["d", "t"], ["y"]),
    ],
    "Keras, PReLU": [
        *(node("MatMul", ["x", "W"], ["m1"]), node("Add", ["m1", "b"], ["h"])),
        *(node("Relu", ["h"], ["p"]), node("Neg", ["h"], ["n"]), node("Relu", ["n"], ["q"])),
        *(node("Mul", ["q", "slopes"], ["s"]), node("Add", ["p", "s"], ["u"]), *OUT),
    ],
    "Keras, Flatten": [*HIDDEN, node("Reshape", ["r", "four"], ["u"]), *OUT],
    "Gemm, all its attributes": [
        *(HIDDEN[0], node("Relu", ["h"], ["r"])),
        node("Gemm", ["r", "Vt", "C"], ["g"], alpha=0.5, beta=-2.0, transB=1),
        node("Gemm", ["g", "b2"], ["two_wide"], transA=1),
        *(node("Relu", ["two_wide"], ["q"]), node("Gemm", ["b2", "q"], ["y"], transB=1)),
    ],
    "Gemm of a column": [
        *(*HIDDEN, node("Reshape", ["r", "line"], ["t"]), node("Abs", ["t"], ["u"])),
        node("Gemm", ["u", "V"], ["y"], transA=1),
    ],
    "MatMul of a vector and matrices": [
        *(*HIDDEN, node("Reshape", ["r", "boxes"], ["t"]), node("MatMul", ["pair", "t"], ["p"])),
        *(node("Relu", ["p"], ["q"]), node("MatMul", ["b2", "q"], ["y"])),
    ],
    "sizes that are kept": [*HIDDEN, node("Reshape", ["r", "kept"], ["u"]), *OUT],
    "a computed bias": [*HIDDEN, node("Gemm", ["r", "V", "x"], ["y"], beta=0.5)],
    "Sum, Max and Min of many": [
        *(*HIDDEN, node("Sum", ["r", "h", "b", "x"], ["s"])),
        *(node("Max", ["low", "b", "s", "r"], ["t"]), node("Min", ["t", "h", "high"], ["u"]), *OUT),
    ],
    "layers with no ReLU between": [
        *(node("MatMul", ["x", "W"], ["m1"]), node("MatMul", ["m1", "square"], ["m2"])),
        *(node("Add", ["m2", "b"], ["h"]), node("Relu", ["h"], ["u"]), *OUT),
    ],
    "the same value twice": [
        *(node("Concat", ["x", "x", "x", "x"], ["h"], axis=1), node("Relu", ["h"], ["r"])),
        *(node("Sum", ["r", "r"], ["u"]), *OUT),
    ],
    "a row backwards": [
        *HIDDEN,
        node("Slice", ["r", "minus", "start", "axis1", "minus"], ["u"]),
        *OUT,
    ],
    "the first half of a row": [
        *(*HIDDEN, node("Slice", ["r", "zero", "end", "axis1"], ["s"])),
        *(node("Gather", ["s", "three"], ["g"], axis=-1), node("Neg", ["g"], ["y"])),
    ],
    "constants that are computed": [
        *(node("Mul", ["W", "two"], ["W2"]), node("MatMul", ["W2", "square"], ["W3"])),
        *(node("MatMul", ["x", "W3"], ["m1"]), node("Relu", ["m1"], ["u"]), *OUT),
    ],
}


@pytest.mark.parametrize("nodes", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_exporters_write_is_read_exactly(nodes):
    read_exactly(models.model(nodes, TENSORS))


def test_the_units_of_each_operator_by_hand():
    x = Row((0,), (1.0,), 0.0)
    minus = Row((0,), (-1.0,), 0.0)
    cases = {
        ("LeakyRelu", 0.25): [x, minus, Row((1, 2), (1.0, -0.25), 0.0)],
        ("LeakyRelu", 0.0): [x, Row((1,), (1.0,), 0.0)],
        ("Abs", None): [x, minus, Row((1, 2), (1.0, 1.0), 0.0)],
    }
    for (operator, alpha), rows in cases.items():
        made = node(operator, ["x"], ["y"], **({} if alpha is None else {"alpha": alpha}))
        assert list(onnx.loads(models.model([made], [])).rows) == rows
    clip = models.model([node("Clip", ["x", "low", "high"], ["y"])], TENSORS)
    lower, upper = Row((0,), (-1.0,), -0.5), Row((0, 1), (-1.0, -1.0), 0.75)
    assert list(onnx.loads(clip).rows) == [lower, upper, Row((2,), (-1.0,), 0.75)]
    doubled = [node("Mul", ["x", "two"], ["d"]), node("Clip", ["d", "low", "high"], ["y"])]
    lower, upper = Row((0,), (2.0,), 0.5), Row((1,), (-1.0,), 1.25)
    rows = [lower, upper, Row((2,), (-1.0,), 0.75)]
    assert list(onnx.loads(models.model(doubled, TENSORS)).rows) == rows


def test_the_default_slope_is_a_float32():
    content = models.model([node("LeakyRelu", ["x"], ["y"])], [])
    assert onnx.loads(content).rows[-1].weights == (1.0, -float(np.float32(0.01)))


# --- forms of older versions --------------------------------------------------------------------


def test_clip_of_old_models():
    nodes = [node("Clip", ["x"], ["y"], min=-0.5, max=0.75)]
    network = onnx.loads(models.model(nodes, [], opset=10))
    assert [naive_exact(network, x) for x in (-3.0, 0.25, 2.0)] == [-0.5, 0.25, 0.75]
    for elem, units in ((FLOAT, 1), (DOUBLE, 2)):  # 3.4e38 bounds nothing in float32
        content = models.model([node("Clip", ["x"], ["y"], min=0.0)], [], opset=10, elem=elem)
        assert onnx.loads(content).units == units
    with pytest.raises(FormatError, match=r"\(Clip\): attribute 'm..' is not read"):
        onnx.loads(models.model(nodes, [], opset=11))
    with pytest.raises(FormatError, match=r"\(Clip\): 3 inputs"):
        onnx.loads(models.model(WRITTEN["PyTorch, clamp"], TENSORS, opset=10))


def test_axes_of_old_models():
    nodes = [
        *(node("Squeeze", ["x"], ["s"], axes=[1]), node("Unsqueeze", ["s"], ["u"], axes=[0, 2])),
        node("Slice", ["u"], ["y"], starts=[0], ends=[5], axes=[1]),
    ]
    assert onnx.loads(models.model(nodes, [], opset=9)) == Network([Row((0,), (1.0,), 0.0)])
    with pytest.raises(FormatError, match=r"\(Squeeze\): attribute 'axes' is not read"):
        onnx.loads(models.model(nodes, [], opset=13))
    new = [
        node("Squeeze", ["x", "axis1"], ["s"]),
        node("Unsqueeze", ["s", "zero"], ["u"]),
        node("Slice", ["u", "zero", "end", "axis1"], ["y"]),
    ]
    read_exactly(models.model(new, TENSORS, opset=13))
    with pytest.raises(FormatError, match=r"\(Squeeze\): 2 inputs"):
        onnx.loads(models.model(new, TENSORS, opset=12))


def test_dropout_of_all_versions():
    flag = {value: tensor("t", value, bool) for value in (True, False)}
    old = models.model([node("Dropout", ["x"], ["y"], ratio=0.3)], [], opset=11)
    assert onnx.loads(old).units == 0
    nodes = [node("Dropout", ["x", "low", "t"], ["y", "mask"], seed=3)]
    assert onnx.loads(models.model(nodes, [*TENSORS, flag[False]])).units == 0
    no_mask = [node("Dropout", ["x"], ["y", ""])]
    assert onnx.loads(models.model(no_mask, [])).units == 0
    with pytest.raises(FormatError, match=r"\(Dropout\): training_mode is true; export the model"):
        onnx.loads(models.model(nodes, [*TENSORS, flag[True]]))


# --- float32 ------------------------------------------------------------------------------------


def test_a_float32_model_is_read_as_its_weights():
    held = models.onnx.numpy_helper.to_array
    tensors = [tensor(t.name, held(t), np.float32) for t in TENSORS if t.data_type == DOUBLE]
    tenth = tensor("tenth", [[0.1]], np.float32)
    nodes = [*HIDDEN, node("Gemm", ["r", "V", "tenth"], ["y"])]
    network = onnx.loads(models.model(nodes, [*tensors, tenth], elem=FLOAT))
    assert network.meta == {"precision": "float32"}
    assert network.rows[-1].bias == float(np.float32(0.1))
    assert network.rows[:-1] == onnx.loads(models.model([*HIDDEN, *TAIL], TENSORS)).rows[:-1]
    assert onnx.loads(onnx.dumps(network)) == network


def test_a_float32_input_alone_makes_no_float32_network():
    nodes = [node("Cast", ["x"], ["k"], to=DOUBLE), node("Relu", ["k"], ["y"])]
    graph = models.onnx.load_from_string(models.model(nodes, []))
    graph.graph.input[0].type.tensor_type.elem_type = FLOAT
    assert onnx.loads(graph.SerializeToString()).meta == {}


def test_casts_of_weights_round_as_the_model_says():
    nodes = [
        *(node("Cast", ["tenth"], ["f"], to=FLOAT), node("Cast", ["f"], ["d"], to=DOUBLE)),
        node("Mul", ["x", "d"], ["y"]),
    ]
    network = onnx.loads(models.model(nodes, [tensor("tenth", 0.1)]))
    assert network.rows[0].weights == (float(np.float32(0.1)),)


# --- refusals -----------------------------------------------------------------------------------

REFUSED = {
    "a cast that rounds": ([node("Cast", ["x"], ["y"], to=FLOAT)], "float64 to float32; export"),
    "a cast to integers": ([node("Cast", ["x"], ["y"], to=INT64)], "float64 to int64"),
    "a cast to text": ([node("Cast", ["x"], ["y"], to=8)], "element type 8 is not read"),
    "a cast to nothing": ([node("Cast", ["x"], ["y"])], "attribute 'to' is missing"),
    "a cast of 3/4 to an integer": (
        [node("Cast", ["high"], ["k"], to=INT64), node("Add", ["x", "k"], ["y"])],
        r"node 1 '' \(Cast\): a constant is no int64",
    ),
    "a mask that is read": (
        [node("Dropout", ["x"], ["u", "mask"]), node("Identity", ["mask"], ["y"])],
        "'mask' is the mask of a Dropout",
    ),
    "a mask with the name of another": (
        [node("Dropout", ["x"], ["u", "x"]), node("Identity", ["u"], ["y"])],
        "the name 'x' is empty or taken",
    ),
    "a bound that is NaN": (
        [constant("k", np.nan), node("Clip", ["x", "k"], ["y"])],
        r"node 2 '' \(Clip\): min: is NaN",
    ),
    "an infinite bound of the wrong side": (
        [constant("k", np.inf), node("Clip", ["x", "k"], ["y"])],
        "a number is inf, not finite",
    ),
    "two bounds": ([node("Clip", ["x", "b"], ["y"])], "min: expected one float64"),
    "units without input": ([node("Relu", ["b"], ["y"])], "do not depend on the network's input"),
    "integers that are added": ([node("Add", ["x", "one"], ["y"])], "found float64 and int64"),
    "an operand left out": ([node("Add", ["x", ""], ["y"])], "an input is left out"),
    "no axes": ([constant("k", [], np.int64), node("Squeeze", ["x", "k"], ["y"])], "no axes are"),
    "a shape of -2": (
        [constant("k", [-2, 1], np.int64), node("Reshape", ["x", "k"], ["y"])],
        r"to the shape \[-2, 1\]",
    ),
    "a shape that does not fit": ([node("Reshape", ["x", "four"], ["y"])], "cannot reshape"),
    "a shape of floats": ([node("Reshape", ["x", "b"], ["y"])], "expected a vector of integers"),
    "a shape that is computed": ([node("Reshape", ["x", "x"], ["y"])], "vector of integers"),
    "an axis too far": ([node("Gather", ["x", "zero"], ["y"], axis=2)], "axis 2 of 2"),
    "an axis far beyond": ([node("Concat", ["x"], ["y"], axis=2**40)], r"node 1 '' \(Concat\)"),
    "an index too far": ([node("Gather", ["x", "three"], ["y"])], "out of bounds"),
    "a step of 0": (
        [node("Slice", ["x", "zero", "one", "axis1", "zero"], ["y"])],
        "step cannot be zero",
    ),
    "a size of 0": (
        [node("Reshape", ["x", "kept"], ["y"], allowzero=1)],
        r"cannot reshape|empty tensor",
    ),
    "a bias that is too large": (
        [node("Gemm", ["x", "unit", "Wt"], ["y"])],
        r"a bias of shape \(4, 1\) meets \(1, 1\)",
    ),
    "integers beside floats": (
        [node("Concat", ["x", "one"], ["y"], axis=0)],
        "tensors of several types",
    ),
    "two limits for one axis": (
        [node("Slice", ["x", "column", "column", "axis1"], ["y"])],
        "of different numbers",
    ),
    "an empty slice": ([node("Slice", ["x", "one", "one"], ["y"])], "makes an empty tensor"),
    "slopes of another shape": ([node("PRelu", ["x", "slopes"], ["y"])], "broadcast"),
    "three dimensions of weights": (
        [constant("k", np.ones((2, 1, 1))), node("MatMul", ["x", "k"], ["y"])],
        "expected a matrix or a vector as the weight",
    ),
    "two values of a constant": (
        [node("Constant", [], ["k"], value_float=1.0, value_int=2), node("Add", ["x", "k"], ["y"])],
        "expected one value",
    ),
    "another opset's operator": ([node("Expand", ["x", "one"], ["y"])], r"not there in version 7"),
}


@pytest.mark.parametrize(("nodes", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_followed_is_refused_by_node(nodes, message):
    opset = 7 if nodes[0].op_type == "Expand" else 20
    with pytest.raises(FormatError, match=message):
        onnx.loads(models.model(nodes, TENSORS, opset=opset))


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Transpose", ["x"], ["t"]), node("Add", ["t", "x"], ["y"])],
        [node("Reshape", ["x", "column"], ["y"])],
        [node("Concat", ["x", "x"], ["j"], axis=0), node("Gemm", ["b2", "j"], ["y"])],
        [
            node("Shape", ["x"], ["s"]),
            node("Expand", ["two", "s"], ["k"]),
            node("Mul", ["x", "k"], ["y"]),
        ],
        [node("Add", ["x", "Wt"], ["s"]), node("MatMul", ["Vt", "s"], ["y"])],
    ],
)
def test_rows_of_a_fixed_batch_do_not_meet(nodes):
    onnx.loads(models.model(nodes, TENSORS))  # one x is no batch
    with pytest.raises(FormatError, match="rows of the batch could meet; export the model for one"):
        onnx.loads(models.model(nodes, TENSORS, dims=(4, 1)))


def test_weights_may_be_moved_beside_a_fixed_batch():
    nodes = [
        *(node("Transpose", ["Wt"], ["t"]), node("MatMul", ["x", "t"], ["h"])),
        *(node("Relu", ["h"], ["u"]), *OUT),
    ]
    fixed, free = (onnx.loads(models.model(nodes, TENSORS, dims=(n, 1))) for n in (4, "N"))
    assert fixed == free


def test_the_declared_type_of_the_output_is_checked():
    proto = models.onnx.load_from_string(models.model([node("Relu", ["x"], ["y"])], []))
    proto.graph.output[0].type.tensor_type.elem_type = FLOAT
    with pytest.raises(FormatError, match="'y': the nodes compute float64"):
        onnx.loads(proto.SerializeToString())


@pytest.mark.parametrize("dims", [("N",), (1,), ("N", 1, 1), (1, 1, 1)])
def test_other_ranks_are_read(dims):
    nodes = [
        *(node("Flatten", ["x"], ["f"], axis=0), node("MatMul", ["f", "W"], ["m"])),
        *(node("Relu", ["m"], ["r"]), node("MatMul", ["r", "V"], ["v"])),
        node("Squeeze", ["v"], ["y"]),
    ]
    read_exactly(models.model(nodes, TENSORS, dims=dims))


def test_weights_that_are_inputs_too_are_read():
    proto = models.onnx.load_from_string(
        models.model([*HIDDEN, node("Neg", ["r"], ["u"]), *OUT], TENSORS)
    )
    alone = onnx.loads(proto.SerializeToString())
    for t in TENSORS:
        proto.graph.input.add().CopyFrom(helper.make_tensor_value_info(t.name, t.data_type, t.dims))
    assert onnx.loads(proto.SerializeToString()) == alone


# --- hostile files ------------------------------------------------------------------------------

HUGE = {
    "a constant that nothing reads": [
        constant("s", [2**15, 2**15], np.int64),
        *(node("ConstantOfShape", ["s"], ["k"]), node("Relu", ["x"], ["y"])),
    ],
    "a constant that is gathered": [
        constant("s", np.zeros(3000), np.int64),
        *(node("Gather", ["C", "s"], ["g"]), node("Gather", ["g", "s"], ["h"], axis=1)),
        node("Relu", ["x"], ["y"]),
    ],
    "a constant that is doubled": [
        *(node("Concat", [a, a], [b], axis=0) for a, b in pairwise(["b", *map(str, range(20))])),
        node("Relu", ["x"], ["y"]),
    ],
    "Expand": [constant("s", [2**40], np.int64), node("Expand", ["x", "s"], ["y"])],
    "ConstantOfShape": [
        constant("s", [2**31, 2**31], np.int64),
        *(node("ConstantOfShape", ["s"], ["k"]), node("Relu", ["x"], ["y"])),
    ],
    "Gather": [
        constant("s", np.zeros(3000), np.int64),
        *(node("Gather", ["x", "s"], ["g"]), node("Gather", ["g", "s"], ["h"], axis=1)),
        node("Relu", ["h"], ["y"]),
    ],
    "broadcasting": [
        constant("a3", np.zeros((3000, 1))),
        *(constant("b3", np.zeros((1, 3000))), node("Sum", ["a3", "b3", "x"], ["y"])),
    ],
    "exact arithmetic": [
        constant("k", np.ones((300, 300))),
        *(node("MatMul", ["W300", "k"], ["a"]), node("MatMul", ["a", "k"], ["y"])),
    ],
}


@pytest.mark.parametrize("nodes", HUGE.values(), ids=HUGE.keys())
def test_the_work_is_bounded(nodes, monkeypatch):
    if nodes[-1].op_type == "MatMul":
        monkeypatch.setattr(dense, "MAX_ENTRIES", 2**19)
    tensors = [*TENSORS, tensor("W300", np.ones((300, 300)))]
    with pytest.raises(FormatError, match=r"more than .* matrix entries|maximum"):
        onnx.loads(models.model(nodes, tensors))


COPIED = [
    node("ConstantOfShape", ["s"], ["c0"], value=tensor("", [1.0])),
    *(node("Cast", [f"c{k}"], [f"c{k + 1}"], to=DOUBLE) for k in range(2000)),
    node("Relu", ["x"], ["y"]),
]


def test_all_constants_together_are_bounded(monkeypatch):
    """Each Cast copies; sixty kilobytes of them took gigabytes."""
    with pytest.raises(FormatError, match=r"node 16 .*\(Cast\): the constants have more than"):
        onnx.loads(models.model(COPIED, [integers("s", 2**21)]))
    small = models.model(COPIED, [integers("s", 10)])
    assert onnx.loads(small).units == 1
    monkeypatch.setattr(onnx_reader, "MAX_CONSTANTS", 100)
    with pytest.raises(FormatError, match=r"node 10 .*\(Cast\): the constants have more than 100"):
        onnx.loads(small)


# --- any operators ------------------------------------------------------------------------------

numbers = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])


class Builder:
    """Nodes drawn at random, with the shape of each tensor that depends on the input."""

    def __init__(self, draw, dims: tuple[int, ...]) -> None:
        self.draw, self.nodes, self.tensors = draw, [], []
        self.shapes = {"x": dims}

    def constant(self, shape, dtype=np.float64, values=None) -> str:
        name = f"k{len(self.nodes)}_{len(self.tensors)}"
        if values is None:
            values = [self.draw(numbers) for _ in range(int(np.prod(shape)))]
        array = np.array(values, dtype).reshape(shape)
        if self.draw(st.booleans()):
            self.tensors.append(tensor(name, array, dtype))
        else:
            self.nodes.append(constant(name, array, dtype))
        return name

    def integers(self, *values: int) -> str:
        return self.constant((len(values),), np.int64, values)

    def some(self) -> str:
        return self.draw(st.sampled_from(sorted(self.shapes)))

    def make(self, operator, inputs, shape, **attributes) -> None:
        name = f"v{len(self.nodes)}"
        self.nodes.append(node(operator, inputs, [name], **attributes))
        self.shapes[name] = tuple(int(size) for size in shape)

    def alike(self, shape) -> str:
        """A constant that may be repeated to a shape, or a tensor of it."""
        twins = [name for name, other in sorted(self.shapes.items()) if other == shape]
        if self.draw(st.booleans()):
            return self.draw(st.sampled_from(twins))
        kept = [size if self.draw(st.booleans()) else 1 for size in shape]
        return self.constant(tuple(kept[self.draw(st.integers(0, len(kept))) :]))

    def elementwise(self, name, shape) -> None:
        operator = self.draw(st.sampled_from(["Add", "Sub", "Max", "Min", "Sum"]))
        pair = [name, self.alike(shape)]
        self.make(operator, pair if self.draw(st.booleans()) else pair[::-1], shape)

    def scaled(self, name, shape) -> None:
        if self.draw(st.booleans()):
            self.make("Mul", [self.constant(shape), name], shape)
        else:
            self.make(
                "Div",
                [name, self.constant((), values=[self.draw(st.sampled_from([-2, 0.5]))])],
                shape,
            )

    def unary(self, name, shape) -> None:
        operator = self.draw(st.sampled_from(["Relu", "Neg", "Abs", "Identity", "Dropout"]))
        self.make(operator, [name], shape)

    def bent(self, name, shape) -> None:
        kind = self.draw(st.integers(0, 2))
        if kind == 0:
            self.make("LeakyRelu", [name], shape, alpha=self.draw(numbers))
        elif kind == 1:
            self.make("PRelu", [name, self.constant(shape)], shape)
        else:
            low, high = sorted(self.draw(st.tuples(numbers, numbers)))
            bounds = [self.constant((), values=[bound]) for bound in (low, high)]
            self.make("Clip", [name, *bounds[: self.draw(st.integers(0, 2))]], shape)

    def matmul(self, name, shape) -> None:
        width = self.draw(st.sampled_from([(), (1,), (2,), (3,)]))
        if self.draw(st.booleans()) and len(shape) > 1:
            weight = self.constant((*width, shape[-2]))
            self.make("MatMul", [weight, name], (*shape[:-2], *width, shape[-1]))
        elif shape:
            weight = self.constant((shape[-1], *width))
            self.make("MatMul", [name, weight], (*shape[:-1], *width))

    def gemm(self, name, shape) -> None:
        if len(shape) != 2:
            return
        rows, columns = shape if (turn := self.draw(st.booleans())) is False else shape[::-1]
        width, turned = self.draw(st.integers(1, 3)), self.draw(st.booleans())
        weight = self.constant((width, columns) if turned else (columns, width))
        inputs = [
            name,
            weight,
            self.constant(self.draw(st.sampled_from([(), (width,), (rows, 1)]))),
        ]
        scales = {"alpha": self.draw(numbers), "beta": self.draw(numbers)}
        self.make("Gemm", inputs, (rows, width), transA=int(turn), transB=int(turned), **scales)

    def moved(self, name, shape) -> None:
        size = int(np.prod(shape))
        kind = self.draw(st.integers(0, 4))
        if kind == 0:
            cut = self.draw(st.sampled_from([k for k in range(1, size + 1) if size % k == 0]))
            self.make("Reshape", [name, self.integers(cut, -1)], (cut, size // cut))
        elif kind == 1:
            axis = self.draw(st.integers(0, len(shape)))
            after = (np.prod(shape[:axis]), np.prod(shape[axis:]))
            self.make("Flatten", [name], after, axis=axis)
        elif kind == 2:
            perm = self.draw(st.permutations(range(len(shape))))
            if shape:
                self.make("Transpose", [name], [shape[k] for k in perm], perm=perm)
        elif kind == 3 and len(shape) < 4:
            axis = self.draw(st.integers(0, len(shape)))
            after = (*shape[:axis], 1, *shape[axis:])
            self.make("Unsqueeze", [name, self.integers(axis)], after)
        else:
            self.make("Squeeze", [name], [k for k in shape if k > 1])

    def chosen(self, name, shape) -> None:
        if not shape:
            return
        axis = self.draw(st.integers(0, len(shape) - 1))
        kind = self.draw(st.integers(0, 2))
        if kind == 0:
            index = self.draw(
                st.lists(st.integers(-shape[axis], shape[axis] - 1), min_size=1, max_size=3)
            )
            after = (*shape[:axis], len(index), *shape[axis + 1 :])
            self.make("Gather", [name, self.integers(*index)], after, axis=axis)
        elif kind == 1:
            start, step = self.draw(st.integers(-3, 2)), self.draw(st.sampled_from([1, 2, -1]))
            end = 2**62 if step > 0 else -(2**62)
            count = len(range(shape[axis])[start:end:step])
            limits = [self.integers(value) for value in (start, end, axis, step)]
            if count:
                after = (*shape[:axis], count, *shape[axis + 1 :])
                self.make("Slice", [name, *limits], after)
        else:
            after = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
            other = self.constant(shape) if self.draw(st.booleans()) else name
            self.make("Concat", [name, other], after, axis=axis - len(shape))


STEPS = ["elementwise", "scaled", "unary", "bent", "matmul", "gemm", "moved", "chosen"]


@st.composite
def random_models(draw) -> bytes:
    dims = draw(st.sampled_from([(1,), (1, 1), (1, 1, 1)]))
    builder = Builder(draw, dims)
    for _ in range(draw(st.integers(1, 7))):
        name = builder.some()
        if np.prod(builder.shapes[name]) <= 8:
            getattr(builder, draw(st.sampled_from(STEPS)))(name, builder.shapes[name])
    last = list(builder.shapes)[-1]
    size = int(np.prod(builder.shapes[last]))
    builder.nodes += [
        *(node("Flatten", [last], ["flat"], axis=0), constant("w", [[1.0]] * size)),
        node("MatMul", ["flat", "w"], ["y"]),
    ]
    return models.model(builder.nodes, builder.tensors, dims=["N", *dims[1:]])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random_models())
def test_any_operators_are_read_exactly(content):
    read_exactly(content)
