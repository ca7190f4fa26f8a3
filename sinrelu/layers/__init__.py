"""Layers that learn: ``forward``, ``backward``, losses, optimisers and the gradient check.

A batch is a float64 array of shape (batch, features). A single row, or
a number for a single feature, is taken too. ``backward`` takes the gradient of some number with
respect to a layer's last output and returns the one with respect to its last input, in the shape of
that input; the gradients of its parameters stay in ``Parameter.gradient``.
"""

from sinrelu.layers.base import Layer, Parameter
from sinrelu.layers.basic import Dense, ReLU, Sigmoid, Softmax, Square
from sinrelu.layers.gradients import gradient_error, numeric_gradient
from sinrelu.layers.losses import HingeLoss, SoftmaxCrossEntropy, SquaredLoss
from sinrelu.layers.optimisers import SGD, Adam
from sinrelu.layers.sequential import Sequential

__all__ = [
    "SGD",
    "Adam",
    "Dense",
    "HingeLoss",
    "Layer",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Square",
    "SquaredLoss",
    "gradient_error",
    "numeric_gradient",
]
