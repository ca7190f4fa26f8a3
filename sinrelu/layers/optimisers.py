"""Optimisers: ``step`` moves parameters against the gradients that ``backward`` left in them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.layers.base import Parameter


class SGD:
    """Gradient descent with momentum: v ← momentum·v − rate·gradient, value ← value + v.

    Parameters
    ----------
    parameters : iterable of Parameter
        What learns.
    rate : float
        Step length, also an attribute that may be changed between steps.
    momentum : float
        In [0, 1).
    """

    def __init__(self, parameters: Iterable[Parameter], rate: float, momentum: float = 0.0) -> None:
        self.rate = rate
        self.momentum = momentum
        self._states = [(p, np.zeros_like(p.value)) for p in parameters]

    def step(self) -> None:
        """Move every parameter."""
        for parameter, velocity in self._states:
            np.multiply(velocity, self.momentum, out=velocity)
            np.subtract(velocity, self.rate * parameter.gradient, out=velocity)
            parameter.value += velocity


class Adam:
    """Kingma and Ba, arXiv:1412.6980, Algorithm 1.

    Parameters
    ----------
    parameters : iterable of Parameter
        What learns.
    rate : float
        Step length α, also an attribute that may be changed between steps.
    decay : (float, float)
        β₁ and β₂, how much of the mean gradient and of the mean squared gradient remains.
    epsilon : float
        Added to the root of the mean squared gradient.
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        rate: float = 1e-3,
        decay: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.rate = rate
        self.decay = decay
        self.epsilon = epsilon
        self.steps = 0
        self._states = [(p, np.zeros_like(p.value), np.zeros_like(p.value)) for p in parameters]

    def step(self) -> None:
        """Move every parameter."""
        self.steps += 1
        beta1, beta2 = self.decay
        unbias1, unbias2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        for parameter, mean, square in self._states:
            _blend(mean, beta1, parameter.gradient)
            _blend(square, beta2, parameter.gradient**2)
            scale = np.sqrt(square / unbias2) + self.epsilon
            parameter.value -= self.rate / unbias1 * mean / scale


def _blend(mean: FloatArray, decay: float, value: FloatArray) -> None:
    """Let a running mean forget and take in a value."""
    mean *= decay
    mean += (1 - decay) * value
