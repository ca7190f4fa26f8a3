"""Networks as layers and back: the same bits, and slopes that are those of the pieces."""

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import given, settings

from sinrelu import build, layered
from sinrelu.certify import DOMAIN
from sinrelu.certify.pieces import Pieces
from sinrelu.errors import GraphError, RequestError
from sinrelu.evaluate import evaluate_float64
from sinrelu.layers import SGD, Dense, ReLU, Sequential, Sigmoid, SquaredLoss
from sinrelu.network import Network, Row

TWO_HALVES = Network(
    [Row((0,), (1.0,), 0.0), Row((0,), (-1.0,), 0.0), Row((1, 2), (1.0, 1.0), 0.0)]
)
"""|x| = relu(x) + relu(−x): at 0 both units switch."""


def column(x):
    return np.asarray(x, dtype=float).reshape(-1, 1)


def slopes(network, x):
    model = Sequential.from_network(network)
    output = model.forward(column(x))
    return model.backward(np.ones_like(output))[:, 0]


def assert_same_bits(network, again):
    assert repr(again.rows) == repr(network.rows)  # which tells −0 from 0


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("network", [TENT, TWO_HALVES, CONSTANT], ids=repr)
def test_round_trip_of_small_networks(network, sparse):
    assert_same_bits(network, Sequential.from_network(network, sparse).to_network())


def test_round_trip_of_the_default_network():
    network = sin_network("layered")
    model = Sequential.from_network(network)
    assert_same_bits(network, model.to_network())
    assert len(model.layers) == 2 * network.depth - 1
    connections = sum(layer.weight.free.sum() for layer in model.layers if isinstance(layer, Dense))
    assert connections == network.connections
    x = np.random.default_rng(1).uniform(-np.pi, np.pi, 2000)
    difference = model.forward(column(x))[:, 0] - evaluate_float64(network, x)
    assert np.max(np.abs(difference)) < 2e-15


@settings(max_examples=60, deadline=None)
@given(networks())
def test_round_trip_of_any_layered_network(network):
    network = layered(network)
    assert_same_bits(network, Sequential.from_network(network).to_network())


def test_skip_wiring_is_refused():
    with pytest.raises(GraphError, match=r"sinrelu\.layered"):
        Sequential.from_network(ABSOLUTE)


@pytest.mark.parametrize(
    "layers",
    [
        (Dense([[1.0]], [0.0]), Sigmoid()),
        (Dense([[1.0], [1.0]], [0.0, 0.0]),),
        (Dense(1, 3), Dense(2, 1)),
        (Dense(1, 3), ReLU(), Dense(2, 1)),
        (type("Doubled", (Dense,), {})([[1.0]]),),
        (Dense([[np.inf]], [0.0]),),
        (SquaredLoss([[1.0]]),),
    ],
)
def test_other_layers_make_no_network(layers):
    with pytest.raises(GraphError):
        Sequential(*layers).to_network()


def test_nested_layers_and_meta():
    inner = Sequential(Dense([[2.0], [3.0]], [0.0, 0.5]), ReLU())
    network = Sequential(inner, Dense([[1.0, 0.0]], [1.0])).to_network({"by": "hand"})
    assert [*network.rows] == [
        Row((0,), (2.0,), 0.0),
        Row((0,), (3.0,), 0.5),
        Row((1,), (1.0,), 1.0),
    ]
    assert network.meta == {"by": "hand"}


def test_linear_layers_are_one_row():
    """The product by hand; every number of it is exact."""
    model = Sequential(
        Dense([[1.0], [2.0]], [0.5, 0.0]),
        Sequential(Dense([[1.0, 1.0], [0.0, 3.0]], bias=False)),
        Dense([[2.0, -0.25]], [1.0]),
    )
    assert [*model.to_network().rows] == [Row((0,), (4.5,), 2.0)]


@pytest.mark.parametrize("seed", range(5))
def test_linear_layers_within_a_network_are_merged(seed):
    sizes = [(1, 6), (6, 5), (5, 7), (7, 4), (4, 1)]
    first, second, third, fourth, last = (Dense(*size, seed=seed) for size in sizes)
    model = Sequential(first, second, ReLU(), third, fourth, ReLU(), last)
    network = model.to_network()
    assert network.widths == (5, 4)
    x = np.linspace(-3, 3, 101)
    values = model.forward(column(x))[:, 0]
    assert evaluate_float64(network, x) == pytest.approx(values, rel=1e-13, abs=1e-13)


def test_activations_are_what_every_layer_returns():
    model = Sequential(Dense([[1.0], [-1.0]], [0.0, 1.0]), ReLU(), Dense([[1.0, 1.0]]))
    hidden, rectified, output = model.activations([[-2.0]])
    assert hidden.tolist() == [[-2.0, 3.0]]
    assert rectified.tolist() == [[0.0, 3.0]]
    assert output.tolist() == model.forward([[-2.0]]).tolist() == [[3.0]]
    assert model.backward().tolist() == [[-1.0]]


@pytest.mark.parametrize("method", ["fold-reflect", "chebyshev"])
def test_the_input_gradient_is_the_slope_of_every_piece(method):
    network = build(method, "layered", 1e-3)
    knots = Pieces.of(network, DOMAIN, 10_000).breakpoints
    assert len(knots) > 30
    wide = np.diff(knots) > 1e-9  # two breakpoints that rounding tells apart are no piece
    rise = np.diff(evaluate_float64(network, knots))[wide] / np.diff(knots)[wide]
    middles = (knots[:-1] + np.diff(knots) / 2)[wide]
    assert np.max(np.abs(slopes(network, middles) - rise)) < 1e-6


def test_at_a_breakpoint_the_unit_that_switches_is_off():
    assert slopes(TENT, [-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0]).tolist() == [
        0.0,  # left of the tent
        0.0,  # its foot: unit 1 is off
        1.0,
        1.0,  # its top: unit 2 is off, so this is the slope on the left
        -1.0,
        0.0,  # its other foot: unit 3 is off
        0.0,
    ]
    assert slopes(TWO_HALVES, [-1.0, 0.0, 1.0]).tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("sparse", [True, False])
def test_a_sparse_network_stays_sparse_while_it_learns(sparse):
    network = build(tol=1e-1)
    model = Sequential.from_network(network, sparse)
    x = np.linspace(-3, 3, 50).reshape(-1, 1)
    loss, descent = SquaredLoss(np.sin(x)), SGD(model.parameters(), 1e-4)
    for _ in range(3):
        loss.forward(model.forward(x))
        model.backward(loss.backward())
        descent.step()
    learned = model.to_network()
    pairs = list(zip(learned.rows, network.rows, strict=True))
    assert any(new.weights != old.weights for new, old in pairs)
    assert all(new.sources == old.sources for new, old in pairs) is sparse


def test_a_list_of_layers_is_as_good():
    dense, relu, last = Dense([[2.0]], [1.0]), ReLU(), Dense([[1.0]], [0.0])
    assert Sequential([dense, relu], last).layers == (dense, relu, last)
    assert Sequential((dense, relu)).forward([[-3.0], [1.0]]).tolist() == [[0.0], [3.0]]


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ((ReLU,), "found <class 'sinrelu.layers.basic.ReLU'>"),
        ((ReLU(), 3), "found 3"),
        (([ReLU(), np.tanh],), "found <ufunc 'tanh'>"),
        (("ab",), "found 'a'"),
    ],
)
def test_what_is_no_layer_is_named(layers, name):
    with pytest.raises(RequestError, match=f"expected a Layer such as Dense, {name}"):
        Sequential(*layers)
