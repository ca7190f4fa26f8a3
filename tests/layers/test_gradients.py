"""Backward against central differences, and the check itself against broken layers."""

import math

import numpy as np
import pytest

from sinrelu.errors import RequestError
from sinrelu.layers import (
    Dense,
    HingeLoss,
    Layer,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Square,
    SquaredLoss,
    gradient_error,
    numeric_gradient,
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
    "random dense": lambda rng: Dense(4, 3, seed=rng),
    "dense without bias": lambda rng: Dense(4, 3, seed=rng, bias=False),
    "relu": lambda rng: ReLU(),
    "square": lambda rng: Square(),
    "sigmoid": lambda rng: Sigmoid(),
    "softmax": lambda rng: Softmax(),
    **{
        f"{loss.__name__}, {reduction}": lambda rng, loss=loss, target=target, how=reduction: loss(
            target(rng), reduction=how
        )
        for reduction in ("mean", "sum", "none")
        for loss, target in {
            SquaredLoss: lambda rng: rng.standard_normal((5, 4)),
            HingeLoss: lambda rng: rng.choice([-1, 1], (5, 4)),
            SoftmaxCrossEntropy: lambda rng: rng.integers(0, 4, 5),
        }.items()
    },
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


SINGLE = {
    "dense": (lambda: Dense(4, 3, seed=1), (4,)),
    "dense of a number": (lambda: Dense(1, 3, seed=1), ()),
    "relu": (ReLU, ()),
    "square": (Square, ()),
    "sigmoid": (Sigmoid, ()),
    "softmax": (Softmax, (4,)),
    "squared loss": (lambda: SquaredLoss([0.1, 0.2, 0.3, 0.4]), (4,)),
    "squared loss of a number": (lambda: SquaredLoss(0.5), ()),
    "hinge loss": (lambda: HingeLoss(-1), ()),
    "cross-entropy": (lambda: SoftmaxCrossEntropy(2), (4,)),
    "cross-entropy, none": (lambda: SoftmaxCrossEntropy(2, reduction="none"), (4,)),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_row_or_a_number_is_a_batch_of_one(name):
    make, shape = SINGLE[name]
    layer, x = make(), batch(np.random.default_rng(6), *shape)
    assert gradient_error(layer, x) < LIMIT  # which compares the shapes, too
    alone, (together, *_) = layer.forward(x), np.atleast_1d(layer.forward(np.atleast_2d(x)))
    assert alone.tolist() == together.reshape(alone.shape).tolist()


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


NEW = {"Dense": lambda: Dense(2, 2), "HingeLoss": lambda: HingeLoss(1)} | {
    kind.__name__: kind for kind in (ReLU, Sigmoid, Softmax, Square)
}


@pytest.mark.parametrize("name", NEW)
def test_a_first_backward_says_that_forward_is_missing(name):
    for layer in (NEW[name](), Sequential(NEW[name]())):
        with pytest.raises(RequestError, match=f"^{name}: call forward before backward$"):
            layer.backward(1.0)


def test_a_numeric_gradient_has_the_shape_of_its_point():
    x = np.array([[0.3, -2.0], [5.0, 1.0]])
    assert numeric_gradient(lambda t: np.sum(t**3), x) == pytest.approx(3 * x**2, rel=1e-9)
    assert numeric_gradient(math.exp, 0.5) == pytest.approx(math.exp(0.5), rel=1e-9)
    assert numeric_gradient(lambda t: 0.0, np.empty((0, 2))).shape == (0, 2)
    assert x.tolist() == [[0.3, -2.0], [5.0, 1.0]]


def test_a_numeric_gradient_is_that_of_one_number():
    with pytest.raises(RequestError, match=r"expected one number, found shape \(2,\)"):
        numeric_gradient(lambda t: t, [1.0, 2.0])
    with pytest.raises(RequestError, match="expected one number, found None"):
        numeric_gradient(lambda t: None, [1.0, 2.0])


class Twice(Layer):
    """As short as a class can be: it returns what Python computes."""

    def forward(self, input):
        return 2 * float(input)

    def backward(self, grad_output):
        return 2 * float(grad_output)


class Silent(Twice):
    """Forgets to return its gradient."""

    def backward(self, grad_output):
        super().backward(grad_output)


def test_layers_that_compute_with_plain_numbers_are_checked():
    assert gradient_error(Twice(), 3.0) < LIMIT
    assert gradient_error(Silent(), 3.0) == math.inf
