import contextlib
import io
import sys
import warnings
from fractions import Fraction
from itertools import pairwise

import models
import numpy as np
import onnx
import onnxruntime
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks, sin_network
from hypothesis import given, settings
from models import node, tensor
from onnx import TensorProto, helper

from sinrelu.errors import FormatError, GraphError, MissingExtraError
from sinrelu.evaluate import evaluate_float64
from sinrelu.formats import json as json_format
from sinrelu.formats import npz
from sinrelu.formats import onnx as onnx_format
from sinrelu.network import Network, Row

try:
    import torch
except ImportError:
    torch = None

EXAMPLES = {"absolute": ABSOLUTE, "tent": TENT, "constant": CONSTANT}
examples = pytest.mark.parametrize("network", EXAMPLES.values(), ids=EXAMPLES.keys())
wirings = pytest.mark.parametrize("wiring", ["layered", "skip"])
LEVELS = {
    "plain": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "optimised": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
optimisations = pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS.keys())


def run(content: bytes, x, level=LEVELS["optimised"]):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": np.asarray(x)[:, None]})[0][:, 0]


# --- what we write ------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(networks())
def test_every_network_comes_back_from_a_valid_model(network):
    content = onnx_format.dumps(network.with_meta(tol=1e-12, words=["σ", None]))
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    again = onnx_format.loads(content)
    assert again.rows == network.rows
    assert again.meta == {"tol": 1e-12, "words": ["σ", None]}


@wirings
def test_round_trips_between_all_formats_keep_the_hash(wiring):
    network = sin_network(wiring)
    for step in (onnx_format, json_format, onnx_format, npz, onnx_format):
        network = step.loads(step.dumps(network))
    assert network.sha256 == sin_network(wiring).sha256
    assert network.meta["construction"] == "fold-reflect"


@examples
def test_the_same_network_gives_the_same_bytes(network):
    content = onnx_format.dumps(network)
    assert content == onnx_format.dumps(onnx_format.loads(content))


@wirings
def test_the_model_is_as_documented(wiring):
    network = sin_network(wiring)
    model = onnx.load_from_string(onnx_format.dumps(network))
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    [x], [y] = model.graph.input, model.graph.output
    for info, name in ((x, "x"), (y, "y")):
        batch, feature = info.type.tensor_type.shape.dim
        assert (info.name, info.type.tensor_type.elem_type) == (name, TensorProto.DOUBLE)
        assert batch.dim_param  # any batch
        assert feature.dim_value == 1
    operators = [node.op_type for node in model.graph.node]
    if wiring == "layered":
        assert operators == ["Gemm", "Relu"] * (network.depth - 1) + ["Gemm"]
    else:
        assert set(operators) == {"Gemm", "Relu", "Concat"}
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used
    remarks = {entry.key: entry.value for entry in model.metadata_props}
    assert remarks["sha256"] == network.sha256
    assert remarks["connections"] == str(network.connections)
    assert float(remarks["tolerance"]) == 1e-12
    assert network.sha256 in model.doc_string


# --- ONNX Runtime -------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(networks())
def test_onnx_runtime_computes_the_same_function(network):
    x = np.arange(-40, 41) / 8
    y = run(onnx_format.dumps(network), x)
    assert np.array_equal(y, evaluate_float64(network, x))  # dyadic: no rounding


@wirings
@optimisations
def test_onnx_runtime_computes_sin(wiring, level):
    network = sin_network(wiring)
    x = np.random.default_rng(11).uniform(-np.pi, np.pi, 20000)
    y = run(onnx_format.dumps(network), x, level)
    assert y.dtype == np.float64
    assert np.max(np.abs(y - evaluate_float64(network, x))) < 2e-15
    assert np.max(np.abs(y - np.sin(x))) < 1e-12


# --- models of somebody else --------------------------------------------------------------------


SMALL = [
    *(tensor("W", [[1.0], [-1.0], [0.5]]), tensor("b", [0.0, 1.0, -2.0])),
    *(tensor("V", [[1.0, 2.0, 0.0]]), tensor("c", [0.25])),
]


def model(nodes, tensors=SMALL, **options):
    return models.model(nodes, tensors, **options)


HIDDEN = node("Gemm", ["x", "W", "b"], ["h"], transB=1)
RELU = node("Relu", ["h"], ["u"], name="act")
OUTPUT = node("Gemm", ["u", "V", "c"], ["y"], transB=1, alpha=1.0, beta=1.0)
PLAIN = [
    Row((0,), (1.0,), 0.0),
    Row((0,), (-1.0,), 1.0),
    Row((0,), (0.5,), -2.0),
    Row((1, 2), (1.0, 2.0), 0.25),
]


def test_a_gemm_chain_is_read():
    assert list(onnx_format.loads(model([HIDDEN, RELU, OUTPUT])).rows) == PLAIN


@pytest.mark.parametrize("dims", [("N", 1), (7, 1), (2, 5, 1), (1,)])
def test_a_matmul_and_add_chain_is_read(dims):
    tensors = [
        *(tensor("W", [[1.0, -1.0, 0.5]]), tensor("b", [0.0, 1.0, -2.0])),
        *(tensor("V", [[1.0], [2.0], [0.0]]), tensor("c", 0.25)),
    ]
    nodes = [
        *(node("MatMul", ["x", "W"], ["m"]), node("Add", ["b", "m"], ["h"]), RELU),
        *(node("MatMul", ["u", "V"], ["n"]), node("Add", ["n", "c"], ["y"])),
    ]
    assert list(onnx_format.loads(model(nodes, tensors, dims=dims)).rows) == PLAIN


def test_identities_double_data_and_no_bias_are_read():
    weight = helper.make_tensor("W0", TensorProto.DOUBLE, [3, 1], [1.0, -1.0, 0.5])
    tensors = [weight, tensor("V", [[1.0], [2.0], [0.0]]), tensor("c", [[0.25]])]
    nodes = [
        *(node("Identity", ["W0"], ["W"]), node("Identity", ["x"], ["x2"])),
        *(node("Gemm", ["x2", "W"], ["h"], transB=1), RELU),
        node("Gemm", ["u", "V", "c"], ["y"]),
    ]
    rows = list(onnx_format.loads(model(nodes, tensors)).rows)
    assert rows == [row._replace(bias=0.0) for row in PLAIN[:3]] + PLAIN[3:]


def test_relu_of_the_input_and_a_dense_skip_are_read():
    nodes = [
        node("Relu", ["x"], ["u"]),
        node("Concat", ["u", "x"], ["both"], axis=-1),
        node("Gemm", ["both", "V"], ["y"], transB=1),
    ]
    network = onnx_format.loads(model(nodes, [tensor("V", [[2.0, -1.0]])]))
    assert network == Network([Row((0,), (1.0,), 0.0), Row((0, 1), (-1.0, 2.0), 0.0)])


REFUSED = {
    "another operator": ([node("Tanh", ["x"], ["y"], name="t")], r"node 1 't' \(Tanh\): only Gemm"),
    "another domain": (
        [HIDDEN, node("Relu", ["h"], ["y"], domain="com.microsoft")],
        r"node 2 '' \(Relu\): only Gemm",
    ),
    "an inexact constant": (
        [node("Mul", ["tenth", "tenth"], ["m"], name="o"), node("Add", ["x", "m"], ["y"])],
        r"node 1 'o' \(Mul\): a weight or bias .* needs more bits than a float64; make one",
    ),
    "an inexact constant of matrices": (
        [node("MatMul", ["tenth2", "tenth2"], ["m"]), node("Add", ["x", "m"], ["y"])],
        r"node 1 .* needs more bits than a float64",
    ),
    "a quotient": ([node("Div", ["x", "b3"], ["y"])], "needs more bits than a float64"),
    "a quotient by 0": ([node("Div", ["x", "b"], ["y"])], "divides by 0"),
    "a quotient by x": ([node("Div", ["b", "x"], ["y"])], "must be constant depends on"),
    "a bias scaled by 0.1": (
        [node("Gemm", ["x", "tenth2", "tenth"], ["y"], beta=0.1)],
        "needs more bits than a float64",
    ),
    "an unknown attribute": ([node("Relu", ["x"], ["y"], slope=1.0)], "'slope' is not read"),
    "an attribute of another type": ([node("Gemm", ["x", "W"], ["y"], transB=1.0)], "another type"),
    "shapes that do not meet": ([node("Gemm", ["x", "V"], ["y"], transB=1)], "3 columns meets 1"),
    "a bias of another length": (
        [node("Gemm", ["x", "W", "c2"], ["y"], transB=1)],
        "shape mismatch",
    ),
    "a weight that is computed": (
        [node("MatMul", ["x", "x"], ["y"])],
        r"node 1 '' \(MatMul\): an input that must be constant depends on the network's input",
    ),
    "a product of values": ([node("Mul", ["x", "x"], ["y"])], "must be constant depends on"),
    "a computed slope": ([node("PRelu", ["x", "x"], ["y"])], "must be constant depends on"),
    "a computed bound": ([node("Clip", ["x", "x"], ["y"])], "min: .*|must be constant depends on"),
    "a long vector": ([node("MatMul", ["x", "b"], ["y"])], "a matrix of 3 columns meets 1 values"),
    "a batch that is joined": ([node("Concat", ["x", "x"], ["y"], axis=0)], "has 2 components"),
    "three outputs": ([HIDDEN, node("Relu", ["h"], ["y"])], "the output has 3 components"),
    "a cycle": ([node("Relu", ["u"], ["u"]), OUTPUT], r"node 1 .*not computed by an earlier"),
    "nodes in a wrong order": (
        [RELU, HIDDEN, OUTPUT],
        r"node 1 'act' .*not computed by an earlier",
    ),
    "a name twice": ([HIDDEN, RELU, RELU, OUTPUT], "the name 'u' is empty or taken"),
    "an initializer's name": ([node("Relu", ["x"], ["W"])], "the name 'W' is empty or taken"),
    "no name": ([node("Relu", ["x"], [""])], "the name '' is empty or taken"),
    "two results": ([node("Relu", ["x"], ["a", "y"])], "expected one output"),
    "no operand": ([node("Relu", [], ["y"])], "0 inputs"),
    "no node": ([], "output: no node computes 'y'"),
    "a result that nothing computes": ([HIDDEN, RELU], "output: no node computes 'y'"),
}


@pytest.mark.parametrize(("nodes", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_other_graphs_are_refused_by_node(nodes, message):
    tensors = [
        *(tensor("W", [[1.0], [-1.0], [0.5]]), tensor("b", [0.0, 1.0, -2.0])),
        *(tensor("V", [[1.0, 2.0, 0.0]]), tensor("c", [0.25]), tensor("c2", [1.0, 2.0])),
        *(tensor("tenth", [0.1]), tensor("tenth2", [[0.1]]), tensor("b3", [3.0])),
    ]
    with pytest.raises((FormatError, GraphError), match=message):
        onnx_format.loads(model(nodes, tensors))


TENTH, TENTH32 = Fraction(0.1), Fraction(float(np.float32(0.1)))
SPLIT = {
    "an inexact product": (
        [node("Mul", ["x", "tenth"], ["m"]), node("Mul", ["m", "tenth"], ["y"])],
        lambda x: TENTH * TENTH * x,
    ),
    "an inexact bias": (
        [node("Add", ["x", "tenth"], ["m"]), node("Add", ["m", "third"], ["y"])],
        lambda x: x + TENTH + Fraction(1 / 3),
    ),
    "an inexact residual": (
        [node("Mul", ["x", "tenth"], ["m"]), node("Add", ["m", "x"], ["y"])],
        lambda x: TENTH * x + x,
    ),
    "a Gemm scaled by 0.1": (
        [node("Gemm", ["x", "tenth2"], ["y"], alpha=0.1)],
        lambda x: TENTH32 * TENTH * x,
    ),
    "a slope of 0.1": (
        [node("LeakyRelu", ["x"], ["l"], alpha=0.1), node("Mul", ["l", "tenth"], ["y"])],
        lambda x: (x if x > 0 else TENTH32 * x) * TENTH,
    ),
}


@pytest.mark.parametrize(("nodes", "by_hand"), SPLIT.values(), ids=SPLIT.keys())
def test_what_is_no_float64_is_read_exactly_with_more_units(nodes, by_hand):
    tensors = [tensor("tenth", [0.1]), tensor("tenth2", [[0.1]]), tensor("third", [1 / 3])]
    network = onnx_format.loads(model(nodes, tensors))
    assert network.units in (2, 4)
    for x in (-3.0, -0.25, 0.0, 0.7, 2.0):
        assert naive_exact(network, x) == by_hand(Fraction(x))


def weights(array, **changes):
    """The three tensors of a Gemm with one replaced by a hand-made one."""
    proto = tensor("W", array)
    for name, value in changes.items():
        setattr(proto, name, value)
    return proto


def external():
    proto = weights([[1.0]])
    proto.data_location = TensorProto.EXTERNAL
    entry = proto.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return proto


def huge(*dims):
    proto = TensorProto(name="W", data_type=TensorProto.DOUBLE, raw_data=bytes(8))
    proto.dims.extend(dims)
    return proto


TENSORS = {
    "data in another file": (external, "'W': data in another file are not read"),
    "float32": (
        lambda: tensor("W", [[1.0]], np.float32),
        r"node 1 'g' .* float32 and float64",
    ),
    "integers": (lambda: tensor("W", [[1]], np.int64), "found float64 and int64"),
    "half precision": (lambda: tensor("W", [[1]], np.float16), "element type 10 is not read"),
    "10¹² columns": (lambda: huge(1, 10**12), "8 bytes for the shape"),
    "10¹² empty rows": (lambda: huge(10**12, 0), "8 bytes for the shape"),
    "a negative size": (lambda: huge(-1, -1), "8 bytes for the shape"),
    "three dimensions": (lambda: huge(1, 1, 1), "expected two matrices"),
    "a hundred dimensions": (lambda: huge(*[1] * 100), "8 bytes for the shape"),
    "empty rows": (lambda: tensor("W", np.zeros((2, 0))), "empty tensor"),
    "NaN": (lambda: tensor("W", [[np.nan]]), "weight: row 1: must be finite"),
    "infinity": (lambda: tensor("W", [[-np.inf]]), "weight: row 1: must be finite"),
}


@pytest.mark.parametrize(("make", "message"), TENSORS.values(), ids=TENSORS.keys())
def test_malformed_initializers_are_refused(make, message):
    nodes = [node("Gemm", ["x", "W"], ["y"], name="g", transB=1)]
    with pytest.raises((FormatError, GraphError), match=message):
        onnx_format.loads(model(nodes, [make()]))


def test_a_ragged_tensor_is_refused():
    proto = TensorProto(name="W", data_type=TensorProto.DOUBLE, raw_data=bytes(7), dims=[1, 1])
    with pytest.raises(FormatError, match="'W': 7 bytes"):
        onnx_format.loads(model([node("Gemm", ["x", "W"], ["y"], transB=1)], [proto]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"elem": TensorProto.FLOAT16}, "'x' is neither float64 nor float32; export the model as"),
        ({"elem": TensorProto.FLOAT}, r"node 1 .*found float32 and float64"),
        ({"dims": ("N", 2)}, "'x': the last dimension must be 1"),
        ({"dims": ()}, "'x': the last dimension must be 1"),
        ({"output": "z"}, "output: no node computes 'z'"),
        ({"opset_imports": [helper.make_opsetid("", 6)]}, "opset_import"),
        ({"opset_imports": [helper.make_opsetid("ai.onnx.ml", 1)]}, "opset_import"),
        ({"functions": [helper.make_function("", "Gemm", [], [], [], [])]}, "functions"),
    ],
)
def test_other_models_are_refused(options, message):
    with pytest.raises(FormatError, match=message):
        onnx_format.loads(model([HIDDEN, RELU, OUTPUT], **options))


def test_several_inputs_or_outputs_are_refused():
    for kind in ("input", "output"):
        changed = onnx.load_from_string(onnx_format.dumps(TENT))
        infos = getattr(changed.graph, kind)
        infos.add().CopyFrom(infos[0])
        infos[1].name = "second"
        with pytest.raises(FormatError, match=f"{kind}: expected one, found 2"):
            onnx_format.loads(changed.SerializeToString())


# --- hostile files ------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\x80", b"nonsense", b"\x3a\x80\x80\x80\x80\x10", b"PK"])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(FormatError, match="not an ONNX model"):
        onnx_format.loads(content)


def test_names_that_are_no_text_do_no_harm():
    content = onnx_format.dumps(TENT)
    assert b"units_1" in content
    with contextlib.suppress(FormatError):  # whether such a name is read is up to protobuf
        assert onnx_format.loads(content.replace(b"units_1", b"\xff\xfe\xff_\xc0\x80_")) == TENT


def test_a_damaged_remark_is_refused():
    content = onnx_format.dumps(TENT.with_meta(a=1)).replace(b'{"a": 1}', b'{"a": 1]')
    with pytest.raises(FormatError, match=r"sinrelu.meta: not JSON"):
        onnx_format.loads(content)


def test_doubling_is_bounded():
    """Forty nodes that double a vector would make 10¹² components."""
    names = ["x", *(f"d{k}" for k in range(40))]
    nodes = [node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]
    with pytest.raises(FormatError, match=r"node \d+ .*more than \d+ matrix entries"):
        onnx_format.loads(model([*nodes, node("Relu", ["d39"], ["y"])]))


def test_a_matrix_used_a_thousand_times_is_bounded():
    size = 300
    nodes = [
        *(node("Gemm", ["x", "W"], ["h"], transB=1), node("Relu", ["h"], ["u0"])),
        *(
            part
            for k in range(1000)
            for part in (
                node("Gemm", [f"u{k}", "V"], [f"h{k}"], transB=1),
                node("Relu", [f"h{k}"], [f"u{k + 1}"]),
            )
        ),
        node("Gemm", ["u1000", "W"], ["y"]),
    ]
    tensors = [tensor("W", np.ones((size, 1))), tensor("V", np.ones((size, size)))]
    with pytest.raises(FormatError, match=r"node \d+ .*more than \d+ matrix entries"):
        onnx_format.loads(model(nodes, tensors))


def test_every_truncation_gives_a_network_or_an_error():
    content = onnx_format.dumps(TENT)
    for length in range(len(content)):
        try:
            assert onnx_format.loads(content[:length]) == TENT  # remarks come after the graph
        except (FormatError, GraphError):
            continue


def test_without_onnx_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (lambda: onnx_format.dumps(TENT), lambda: onnx_format.loads(b"")):
        with pytest.raises(MissingExtraError, match=r"pip install 'sinrelu\[onnx\]'"):
            call()


# --- PyTorch ------------------------------------------------------------------------------------


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("shape", [(5, 1), (2, 5, 1), (1,)])
def test_a_perceptron_exported_by_pytorch_is_read(shape):
    torch.manual_seed(2)
    layers = (torch.nn.Linear(1, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8), torch.nn.ReLU())
    module = torch.nn.Sequential(*layers, torch.nn.Linear(8, 1)).double()
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is an old one
        torch.onnx.export(module, (torch.zeros(shape, dtype=torch.float64),), stream, dynamo=False)
    network = onnx_format.loads(stream.getvalue())
    assert network == Network.from_torch(module)
    x = np.linspace(-3, 3, 50)
    with torch.no_grad():
        expected = module(torch.from_numpy(x).reshape(-1, 1)).numpy()[:, 0]
    assert np.max(np.abs(evaluate_float64(network, x) - expected)) < 1e-14
