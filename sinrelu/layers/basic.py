"""The layers of a multilayer perceptron."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import RequestError
from sinrelu.layers.base import Layer, Parameter, as_batch


class Dense(Layer):
    """x ↦ W·x + b, from shape (batch, in) to shape (batch, out).

    The weight W has shape (out, in), and so has the mask, if any: it says which connections there
    are, and the other weights are 0 and do not learn. The bias b has shape (out,).
    """

    def __init__(
        self, weight: npt.ArrayLike, bias: npt.ArrayLike, mask: npt.ArrayLike | None = None
    ) -> None:
        self.weight = Parameter(weight, mask)
        self.bias = Parameter(bias)
        shape = self.weight.value.shape
        if len(shape) != 2 or self.bias.value.shape != shape[:1]:
            raise RequestError(f"weight: shape {shape} does not fit biases {self.bias.value.shape}")

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return x·Wᵀ + b, row by row."""
        self._memory = as_batch(input, self.weight.value.shape[1])
        output: FloatArray = self._memory @ self.weight.value.T + self.bias.value
        return output

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return G·W for gradients G of shape (batch, out); W's is Gᵀ·x and b's sums over rows."""
        gradient = as_batch(grad_output, len(self.bias.value))
        self.weight.keep(gradient.T @ self._remembered())
        self.bias.keep(gradient.sum(axis=0))
        return gradient @ self.weight.value

    def parameters(self) -> Sequence[Parameter]:
        """Return the weight and the bias."""
        return (self.weight, self.bias)


class ReLU(Layer):
    """max(x, 0), entry by entry; any shape. The derivative at 0 is taken to be 0."""

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return max(x, 0)."""
        x = np.asarray(input, dtype=np.float64)
        self._memory = x > 0
        return np.maximum(x, 0.0)

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return the gradient where x > 0, and 0 elsewhere."""
        return np.where(self._remembered(), grad_output, 0.0)


class Sigmoid(Layer):
    """1/(1 + e⁻ˣ), entry by entry; any shape, no overflow for any finite x."""

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return 1/(1 + e⁻ˣ) = exp(−log(e⁰ + e⁻ˣ))."""
        output: FloatArray = np.exp(-np.logaddexp(0.0, -np.asarray(input, dtype=np.float64)))
        self._memory = output
        return output

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return the gradient times s·(1 − s), where s is the output."""
        s: FloatArray = self._remembered()
        return np.asarray(grad_output, dtype=np.float64) * s * (1 - s)
