"""Backward against central differences, and the check itself against broken layers."""

import math

import numpy as np
import pytest

from sinrelu.errors import RequestError
from sinrelu.layers import (
    Dense,
    Layer,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredLoss,
    gradient_error,
)

LIMIT = 1e-6
AWAY = 0.05
"""Kinks of these tests are further from the inputs than this; the check's steps are shorter."""


def batch(rng, *shape):
    """Return random entries, none of them near the kink of ReLU."""
    x = rng.standard_normal(shape)
    return x + np.copysign(AWAY, x)


def dense(rng, inputs, outputs, mask=None):
    return Dense(rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs), mask)


LAYERS = {
    "dense": lambda rng: dense(rng, 4, 3),
    "sparse dense": lambda rng: dense(rng, 4, 3, rng.random((3, 4)) < 0.5),
    "relu": lambda rng: ReLU(),
    "sigmoid": lambda rng: Sigmoid(),
    "squared loss": lambda rng: SquaredLoss(rng.standard_normal((5, 4))),
    "softmax cross-entropy": lambda rng: SoftmaxCrossEntropy(rng.integers(0, 4, 5)),
    "sigmoid network": lambda rng: Sequential(
        dense(rng, 4, 6),
        Sigmoid(),
        Sequential(dense(rng, 6, 3), Sigmoid()),
        SoftmaxCrossEntropy(rng.integers(0, 3, 5)),
    ),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", LAYERS)
def test_every_gradient_is_right(name, seed):
    rng = np.random.default_rng(seed)
    assert gradient_error(LAYERS[name](rng), batch(rng, 5, 4)) < LIMIT


@pytest.mark.parametrize("seed", range(5))
def test_a_relu_network_away_from_its_kinks(seed):
    rng = np.random.default_rng(seed)
    first, second = dense(rng, 2, 8), dense(rng, 8, 8)
    network = Sequential(first, ReLU(), second, ReLU(), dense(rng, 8, 1))
    points = rng.standard_normal((400, 2))
    hidden = first.forward(points)
    nearest = np.minimum(np.abs(hidden), np.abs(second.forward(np.maximum(hidden, 0)))).min(axis=1)
    away = points[nearest > AWAY / 10]
    assert len(away) >= 5
    assert gradient_error(Sequential(network, SquaredLoss(np.ones((5, 1)))), away[:5]) < LIMIT


class Broken(Dense):
    """A Dense layer whose backward has a fault."""

    def __init__(self, rng, fault):
        super().__init__(rng.standard_normal((3, 4)), rng.standard_normal(3))
        self.fault = fault

    def backward(self, grad_output):
        gradient = super().backward(grad_output)
        return self.fault(self, gradient)


def wrong_input_gradient(layer, gradient):
    return 1.0001 * gradient


def one_wrong_entry(layer, gradient):
    layer.weight.gradient[1, 2] *= 1.001
    return gradient


def forgotten_bias(layer, gradient):
    layer.bias.gradient = np.zeros(3)
    return gradient


def averaged_bias(layer, gradient):
    layer.bias.gradient = layer.bias.gradient / 5
    return gradient


FAULTS = (wrong_input_gradient, one_wrong_entry, forgotten_bias, averaged_bias)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_backward_is_caught(fault):
    rng = np.random.default_rng(1)
    assert gradient_error(Broken(rng, fault), batch(rng, 5, 4)) > 10 * LIMIT


@pytest.mark.parametrize(
    "fault",
    [
        lambda layer, gradient: gradient.T,
        lambda layer, gradient: gradient * math.nan,
        lambda layer, gradient: gradient[:1],
    ],
)
def test_a_malformed_gradient_is_infinitely_wrong(fault):
    rng = np.random.default_rng(2)
    assert gradient_error(Broken(rng, fault), batch(rng, 5, 4)) == math.inf


class Leaky(ReLU):
    """Lets the gradient through where the unit is off."""

    def backward(self, grad_output):
        return super().backward(grad_output) + 0.01 * np.asarray(grad_output)


def test_a_leaky_relu_is_caught_within_a_network():
    rng = np.random.default_rng(3)
    network = Sequential(dense(rng, 4, 6), Leaky(), dense(rng, 6, 1))
    assert gradient_error(network, batch(rng, 5, 4)) > 10 * LIMIT


def test_the_check_leaves_parameters_and_input_as_they_were():
    rng = np.random.default_rng(4)
    layer, x = dense(rng, 4, 3), batch(rng, 5, 4)
    before = layer.weight.value.copy(), layer.bias.value.copy(), x.copy()
    gradient_error(layer, x)
    after = layer.weight.value, layer.bias.value, x
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_nothing_to_differentiate_is_no_error():
    assert gradient_error(ReLU(), np.empty((0, 3))) == 0
    assert gradient_error(ReLU(), -np.ones((2, 3))) == 0


@pytest.mark.parametrize("layer", [dense(np.random.default_rng(5), 2, 2), ReLU(), Sigmoid()])
def test_backward_needs_a_forward(layer):
    assert isinstance(layer, Layer)
    with pytest.raises(RequestError, match="forward"):
        layer.backward(np.ones((1, 2)))
