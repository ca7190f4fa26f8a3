"""All but one need PyTorch, which is optional and large: without it they are visibly skipped."""

import copy
import sys
from fractions import Fraction

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks, sin_network
from hypothesis import given, settings

from sinrelu.errors import GraphError, MissingExtraError
from sinrelu.evaluate import evaluate_float64
from sinrelu.network import Network, Row
from sinrelu.precision import SAYS_FLOAT32

try:
    import torch
    import torch.nn.utils.prune as torch_prune
    from torch.nn import (
        Dropout,
        Hardtanh,
        Identity,
        LeakyReLU,
        Linear,
        PReLU,
        ReLU,
        ReLU6,
        Sequential,
        Tanh,
    )
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def test_without_torch_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "sinrelu.formats.torch", raising=False)
    for call in (ABSOLUTE.to_torch, lambda: Network.from_torch(object())):
        with pytest.raises(MissingExtraError, match="pip install torch"):
            call()


def run(module, x):
    with torch.no_grad():
        return module(torch.from_numpy(np.asarray(x)).reshape(-1, 1)).numpy()[:, 0]


@needs_torch
@settings(max_examples=60, deadline=None)
@given(networks())
def test_round_trip(network):
    module = network.to_torch()
    assert Network.from_torch(module).rows == network.rows
    x = np.arange(-40, 41) / 8
    assert np.array_equal(run(module, x), evaluate_float64(network, x))  # dyadic: no rounding


@needs_torch
def test_layered_wiring_is_a_plain_sequential():
    module = sin_network("layered").to_torch()
    kinds = [type(layer) for layer in module]
    assert kinds[::2] == [Linear] * sin_network("layered").depth
    assert set(kinds[1::2]) == {ReLU}
    assert {p.dtype for p in module.parameters()} == {torch.float64}


@needs_torch
@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_torch_computes_sin(wiring):
    network = sin_network(wiring)
    x = np.random.default_rng(7).uniform(-np.pi, np.pi, 20000)
    y = run(network.to_torch(), x)
    assert np.max(np.abs(y - evaluate_float64(network, x))) < 2e-15
    assert np.max(np.abs(y - np.sin(x))) < 1e-12


@needs_torch
def test_the_random_state_of_torch_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    TENT.to_torch()
    CONSTANT.to_torch()
    assert torch.equal(before, torch.get_rng_state())


@needs_torch
def test_a_module_of_somebody_else_is_read():
    torch.manual_seed(1)
    module = Sequential(
        Sequential(Linear(1, 9), ReLU()), Identity(), Linear(9, 5, bias=False), ReLU(), Linear(5, 1)
    ).double()
    network = Network.from_torch(module)
    assert (network.widths, network.connections, network.biases) == ((9, 5), 9 + 45 + 5, 10)
    x = np.linspace(-2, 2, 100)
    assert np.max(np.abs(run(module, x) - evaluate_float64(network, x))) < 1e-15


def empty():
    layer = Linear(1, 1)
    layer.weight, layer.bias = (torch.nn.Parameter(p[:0].detach()) for p in layer.parameters())
    return layer


def within_itself():
    block = Sequential(ReLU())
    block.append(block)
    return block


def nested(depth):
    block = Sequential(ReLU())
    for _ in range(depth - 1):
        block = Sequential(block)
    return block


def with_none():
    block = Sequential(ReLU())
    block.register_module("z", None)
    return block


def sparse():
    layer = Linear(1, 1)
    layer.weight = torch.nn.Parameter(layer.weight.detach().double().to_sparse())
    return layer


def without_weight():
    layer = Linear(1, 1)
    del layer.weight
    return layer


@needs_torch
@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: [Linear(1, 3), Tanh(), Linear(3, 1)], r"layer '1' \(Tanh\): only Linear, ReLU"),
        (lambda: [Linear(2, 1)], r"layer '0' \(Linear\): a matrix of 2 columns meets 1 values"),
        (lambda: [Linear(1, 3), ReLU()], "the output has 3 components"),
        (lambda: [Sequential(ReLU(), Sequential(Tanh()))], r"layer '0.1.0' \(Tanh\)"),
        (lambda: [Dropout(0.5)], r"layer '0' \(Dropout\): .*module.eval\(\)"),
        (lambda: [torch.nn.LazyLinear(1)], r"layer '0' \(LazyLinear\): has forward hooks"),
        (lambda: [Linear(1, 3), PReLU(2)], r"layer '1' \(PReLU\): 2 slopes for 3 values"),
        (lambda: [empty(), ReLU(), Linear(3, 1)], r"layer '0' \(Linear\): makes no values"),
        (lambda: [nested(101)], r"layer '(0\.){100}0' \(Sequential\): stands in more than 100"),
        (lambda: [ReLU(), with_none()], r"layer '1.z' \(NoneType\): is no module"),
        (lambda: [Linear(1, 1), sparse()], r"layer '1' \(Linear\): .*to_dense\(\)"),
        (lambda: [Linear(1, 1), without_weight()], r"layer '1' \(Linear\): .*weight"),
    ],
)
def test_other_modules_are_refused_by_layer(layers, message):
    with pytest.raises(GraphError, match=message):
        Network.from_torch(Sequential(*layers()).double())


@needs_torch
def test_sequentials_that_end_in_no_stack_are_refused():
    with pytest.raises(GraphError, match=r"layer '1.1' \(Sequential\): contains itself"):
        Network.from_torch(Sequential(ReLU(), within_itself()))
    with pytest.raises(GraphError, match=r"layer .* \(Sequential\): (maximum recursion|stands in)"):
        Network.from_torch(nested(2000))


@needs_torch
@pytest.mark.parametrize("kind", ["Identity", "LeakyReLU", "PReLU"])
def test_layers_with_no_relu_between_are_read_exactly(kind):
    """Their products are no float64; two units a component stand for them."""
    between = getattr(torch.nn, kind)
    module = Sequential(Linear(1, 5), between(), Linear(5, 4), between(), Linear(4, 1)).double()
    network = Network.from_torch(module)
    x = np.linspace(-3, 3, 50)
    assert np.max(np.abs(run(module, x) - evaluate_float64(network, x))) < 1e-14


@needs_torch
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["0.weight", "0.bias", "1.weight", "2.weight", "2.bias"])
def test_weights_that_are_not_finite_are_refused_by_layer(name, number):
    module = Sequential(Linear(1, 2), PReLU(2), Linear(2, 1)).double()
    torch.nn.init.constant_(module.get_parameter(name), number)
    with pytest.raises(GraphError, match=rf"layer '{name[0]}' \(.*\): has weights that are not"):
        Network.from_torch(module)


@needs_torch
def test_autocast_is_refused_where_it_rounds():
    module = Sequential(ReLU(), Linear(1, 1))
    with torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(GraphError, match=r"layer '1' \(Linear\): computes in torch.bfloat16"):
            Network.from_torch(module)
        assert Network.from_torch(module.double()).units == 1  # which it leaves alone


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1.0, 2.0**-4, 2.0**-19])
@pytest.mark.parametrize("small", [(0,), (2,), (0, 2), (4,)])
def test_weights_that_underflow_are_read(small, size, dtype):
    torch.manual_seed(2)
    module = Sequential(Linear(1, 9), ReLU(), Linear(9, 9), LeakyReLU(), Linear(9, 1))
    module = module.to(getattr(torch, dtype))
    for index in small:
        for parameter in module[index].parameters():
            parameter.data *= size * torch.finfo(parameter.dtype).tiny
    assert Network.from_torch(module).meta == (SAYS_FLOAT32 if dtype == "float32" else {})


@needs_torch
def test_bounds_of_many_bits_are_read_exactly():
    module = Sequential(Linear(1, 4), Hardtanh(-0.1, 0.7), Linear(4, 1)).double()
    network = Network.from_torch(module)
    (weights, biases, factors, offsets) = (p.detach().ravel().tolist() for p in module.parameters())
    for x in (-3.0, -0.3, 0.0, 0.1, 7.5):
        forms = [
            Fraction(w) * Fraction(x) + Fraction(b) for w, b in zip(weights, biases, strict=True)
        ]
        values = [min(max(form, Fraction(-0.1)), Fraction(0.7)) for form in forms]
        total = sum(Fraction(factor) * v for factor, v in zip(factors, values, strict=True))
        assert naive_exact(network, x) == total + Fraction(offsets[0])


@needs_torch
def test_half_precision_and_mixtures_are_refused():
    for dtype in (torch.float16, torch.bfloat16):
        with pytest.raises(GraphError, match=r"layer '0' \(Linear\): .*call module.double\(\)"):
            Network.from_torch(Sequential(Linear(1, 1)).to(dtype))
    with pytest.raises(GraphError, match=r"layer '2' \(Linear\): has weights of torch.float32"):
        Network.from_torch(Sequential(Linear(1, 1).double(), ReLU(), Linear(1, 1)))
    with pytest.raises(GraphError, match=r"expected a torch.nn.Module, found function"):
        Network.from_torch(run)


# --- a module is read as what it computes -------------------------------------------------------


@needs_torch
def test_a_float32_module_is_read_as_its_weights():
    torch.manual_seed(4)
    module = Sequential(Linear(1, 30), ReLU(), Linear(30, 30), ReLU(), Linear(30, 1))
    network = Network.from_torch(module)
    assert network.meta == {"precision": "float32"}
    assert network == Network.from_torch(copy.deepcopy(module).double())


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", range(8))
def test_layers_like_relu_are_read(kind, dtype):
    torch.manual_seed(5)
    layers = (
        *(LeakyReLU(0.125), LeakyReLU(-0.5), PReLU(), PReLU(9)),
        *(ReLU6(), Hardtanh(-0.5, 2.0), Dropout(0.5), ReLU(inplace=True)),
    )
    module = Sequential(Linear(1, 9), layers[kind], Linear(9, 1)).eval()
    for parameter in module.parameters():  # few bits, so that every product is a float64
        parameter.data = torch.round(parameter.data * 64) / 64
    module = module.to(getattr(torch, dtype))
    network = Network.from_torch(module)
    x = np.linspace(-20, 20, 101, dtype=dtype)
    error = np.abs(run(module, x) - evaluate_float64(network, x.astype(np.float64)))
    assert np.max(error) < (1e-5 if dtype == "float32" else 1e-13)
    assert network.units == {Dropout: 0, ReLU: 9}.get(type(module[1]), 18)


@needs_torch
def test_numbers_of_a_float32_layer_are_float32():
    slope = float(np.float32(0.1))
    module = Sequential(Linear(1, 1), LeakyReLU(0.1), Hardtanh(-0.1, 8.0))
    for parameter in module.parameters():
        torch.nn.init.constant_(parameter, 1.0)
    network = Network.from_torch(module)
    assert network.rows[2] == Row((1, 2), (1.0, -slope), slope)


@needs_torch
def test_a_layer_that_comes_again_is_used_again():
    first, out = Linear(1, 2).double(), Linear(2, 1).double()
    block = Sequential(Linear(2, 2).double(), ReLU())
    module = Sequential(first, ReLU(), *[block] * 3, out)
    network = Network.from_torch(module)
    assert network.units == 8
    x = np.linspace(-4, 4, 50)
    assert np.max(np.abs(run(module, x) - evaluate_float64(network, x))) < 1e-14


def hooked(layer):
    layer.register_forward_hook(lambda module, inputs, output: 2 * output)


def hooked_before(layer):
    layer.register_forward_pre_hook(lambda module, inputs: (2 * inputs[0],))


def patched(layer):
    layer.forward = lambda values: 2 * values


def subclassed(layer):
    layer.__class__ = type("Doubled", (Linear,), {"forward": lambda self, x: 2 * x})


def old_norm(layer):
    torch.nn.utils.weight_norm(layer)
    layer.weight_g.data.mul_(3)  # the weight is computed from it in a hook, when it is used


def spectral(layer):
    torch.nn.utils.spectral_norm(layer)


def pruned(layer):
    torch_prune.l1_unstructured(layer, "weight", 0.5)


def parametrized(layer):
    torch.nn.utils.parametrizations.weight_norm(layer)


CHANGES = {
    **{hooked: "has forward hooks", hooked_before: "has forward hooks"},
    **{old_norm: "has forward hooks", spectral: "has forward hooks", pruned: "has forward hooks"},
    patched: "has a forward of its own",
    subclassed: r"\(Doubled\): only Linear",
    parametrized: "remove_parametrizations",
}


@needs_torch
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(("change", "message"), CHANGES.items())
def test_what_changes_a_layer_is_refused_by_name(change, message):
    module = Sequential(Sequential(Linear(1, 4), ReLU()), Linear(4, 1)).double()
    change(module[0][0])
    with pytest.raises(GraphError, match=rf"layer '0.0' .*{message}"):
        Network.from_torch(module)


@needs_torch
@pytest.mark.parametrize("change", [hooked, hooked_before, patched])
@pytest.mark.parametrize("place", [lambda m: m, lambda m: m[0], lambda m: m[0][0].affine])
def test_what_changes_any_module_within_is_refused(change, place):
    module = Sequential(ABSOLUTE.to_torch())
    assert Network.from_torch(module) == ABSOLUTE
    change(place(module))
    with pytest.raises(GraphError, match=r"has forward hooks|has a forward of its own"):
        Network.from_torch(module)


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_that_computes_something_else_is_found(monkeypatch, dtype):
    """The last line of defence: the difference is a few roundings, the cause unknown to us."""
    torch.manual_seed(6)
    layers = (Linear(1, 30), ReLU(), Linear(30, 30), ReLU(), Linear(30, 1))
    module = Sequential(*layers).to(getattr(torch, dtype))
    Network.from_torch(module)
    truth, off = Linear.forward, 1 + 200 * torch.finfo(module[0].weight.dtype).eps
    wrong = lambda layer, x: truth(layer, x) * (off if layer is module[2] else 1)  # noqa: E731
    monkeypatch.setattr(Linear, "forward", wrong)
    with pytest.raises(GraphError, match=r"layer '2' \(Linear\): does not compute, at x = "):
        Network.from_torch(module)


@needs_torch
def test_a_sequential_that_computes_something_else_is_found(monkeypatch):
    module = TENT.to_torch()
    forward = Sequential.forward
    monkeypatch.setattr(Sequential, "forward", lambda self, x: forward(self, x).clamp(min=0.5))
    with pytest.raises(GraphError, match=r"layer '' \(Sequential\): does not compute what its lay"):
        Network.from_torch(module)


@needs_torch
def test_the_module_is_left_as_it_is():
    torch.manual_seed(7)
    module = Sequential(Linear(1, 4), ReLU(inplace=True), Dropout(0.0), Linear(4, 1))
    module.register_full_backward_hook(lambda *_: None)
    before, state = copy.deepcopy(module.state_dict()), torch.get_rng_state()
    Network.from_torch(module)
    after = module.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert all(layer.training for layer in module.modules())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    assert len(module._backward_hooks) == 1
    assert torch.equal(state, torch.get_rng_state())
