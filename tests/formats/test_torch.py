"""All but one need PyTorch, which is optional and large: without it they are visibly skipped."""

import sys

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import given, settings

from sinrelu.errors import GraphError, MissingExtraError
from sinrelu.evaluate import evaluate_float64
from sinrelu.network import Network

try:
    import torch
    from torch.nn import Identity, Linear, ReLU, Sequential, Tanh
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


@needs_torch
@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: [Linear(1, 3), Tanh(), Linear(3, 1)], r"layer '1' \(Tanh\): only Linear, ReLU"),
        (lambda: [Linear(1, 3), Linear(3, 1)], r"layer '1' \(Linear\): .*no ReLU between"),
        (lambda: [Linear(2, 1)], r"layer '0' \(Linear\): a matrix of 2 columns meets 1 values"),
        (lambda: [Linear(1, 3), ReLU()], "the output has 3 components"),
        (lambda: [Sequential(ReLU(), Sequential(Tanh()))], r"layer '0.1.0' \(Tanh\)"),
    ],
)
def test_other_modules_are_refused_by_layer(layers, message):
    with pytest.raises(GraphError, match=message):
        Network.from_torch(Sequential(*layers()).double())


@needs_torch
def test_float32_and_nan_are_refused():
    with pytest.raises(GraphError, match=r"layer '0' \(Linear\): is not float64"):
        Network.from_torch(Sequential(Linear(1, 1)))
    broken = Linear(1, 1).double()
    torch.nn.init.constant_(broken.weight, float("nan"))
    with pytest.raises(GraphError, match="weight: row 1: must be finite"):
        Network.from_torch(broken)
