"""Layers that learn: ``forward``, ``backward``, losses, optimisers and the gradient check.

A batch is a float64 array of shape (batch, features). ``backward`` takes the gradient of some
number with respect to a layer's last output and returns the one with respect to its last input, in
the shape of that input; the gradients of its parameters stay in ``Parameter.gradient``.
"""

from sinrelu.layers.base import Layer, Parameter
from sinrelu.layers.basic import Dense, ReLU, Sigmoid
from sinrelu.layers.gradients import gradient_error
from sinrelu.layers.losses import SoftmaxCrossEntropy, SquaredLoss
from sinrelu.layers.optimisers import SGD, Adam
from sinrelu.layers.sequential import Sequential

__all__ = [
    "SGD",
    "Adam",
    "Dense",
    "Layer",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "SquaredLoss",
    "gradient_error",
]
