"""Optimisers: ``step`` moves parameters against the gradients that ``backward`` left in them."""

from collections.abc import Iterable

import numpy as np

from sinrelu.layers.base import Parameter


class SGD:
    """Gradient descent with momentum in [0, 1): v ← momentum·v − rate·gradient, value ← value + v.

    The rate may be changed between steps.
    """

    def __init__(self, parameters: Iterable[Parameter], rate: float, momentum: float = 0.0) -> None:
        self.rate, self.momentum = rate, momentum
        self._states = [(p, np.zeros_like(p.value)) for p in parameters]

    def step(self) -> None:
        """Move every parameter."""
        for parameter, velocity in self._states:
            velocity[...] = self.momentum * velocity - self.rate * parameter.gradient
            parameter.value += velocity


class Adam:
    """Kingma and Ba, arXiv:1412.6980, Algorithm 1, with ``rate`` α and ``decay`` (β₁, β₂).

    The rate may be changed between steps. The decay is how much of the mean gradient and of the
    mean squared gradient remains; ``epsilon`` is added to the root of the latter.
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        rate: float = 1e-3,
        decay: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        self.rate, self.decay, self.epsilon = rate, decay, epsilon
        self.steps = 0
        self._states = [(p, np.zeros_like(p.value), np.zeros_like(p.value)) for p in parameters]

    def step(self) -> None:
        """Move every parameter."""
        self.steps += 1
        beta1, beta2 = self.decay
        unbias1, unbias2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        for parameter, mean, square in self._states:
            mean[...] = beta1 * mean + (1 - beta1) * parameter.gradient
            square[...] = beta2 * square + (1 - beta2) * parameter.gradient**2
            scale = np.sqrt(square / unbias2) + self.epsilon
            parameter.value -= self.rate / unbias1 * mean / scale
