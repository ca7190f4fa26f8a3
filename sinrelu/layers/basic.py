"""The layers of a multilayer perceptron."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.numbers import count
from sinrelu.errors import RequestError
from sinrelu.layers.base import Layer, Parameter, as_batch, as_gradient

Seed = int | np.random.Generator | None


class Dense(Layer):
    """x ↦ W·x + b, from shape (batch, inputs) to shape (batch, outputs), or for a single row.

    ``Dense(W, b)`` takes arrays, W of shape (outputs, inputs) and b of shape (outputs,).
    ``Dense(inputs, outputs, seed=0)`` starts at random: weights are normal with variance 2/inputs
    (He, Zhang, Ren, Sun, arXiv:1502.01852), biases 0. The seed is what numpy's ``default_rng``
    takes; without one, every layer is another.

    ``bias`` is b too, or False: then b is 0 and does not learn. The mask, if any, has the shape of
    W: it says which connections there are, and the other weights are 0 and do not learn. Raises
    RequestError if shapes do not fit.
    """

    def __init__(
        self,
        weight_or_inputs: npt.ArrayLike,
        bias_or_outputs: npt.ArrayLike | None = None,
        /,
        mask: npt.ArrayLike | None = None,
        *,
        bias: npt.ArrayLike = True,
        seed: Seed = None,
    ) -> None:
        weight = weight_or_inputs
        if np.ndim(weight) == 0:
            weight = _random(count(weight, "inputs"), count(bias_or_outputs, "outputs"), seed)
        elif bias_or_outputs is not None and bias is True:
            bias = bias_or_outputs
        self.weight = Parameter(weight, mask)
        shape = self.weight.value.shape
        start = np.zeros(shape[:1]) if isinstance(bias, bool) else bias
        if len(shape) != 2 or np.shape(start) != shape[:1]:
            found = f"weight: shape {shape} does not fit biases {np.shape(start)}"
            raise RequestError(f"{found}; expected (outputs, inputs) and (outputs,)")
        self.bias = Parameter(start, mask=np.full(shape[:1], bias is not False))

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return x·Wᵀ + b, row by row."""
        outputs, inputs = self.weight.value.shape
        output = as_batch(input, inputs) @ self.weight.value.T + self.bias.value
        self._memory = np.array(input, dtype=np.float64)  # the caller may change theirs
        return output.reshape(*self._memory.shape[:-1], outputs)

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return G·W for gradients G of shape (batch, out); W's is Gᵀ·x and b's sums over rows."""
        shape, x = self._remembered().shape, as_batch(self._remembered())
        gradient = as_gradient(grad_output, (len(x), len(self.bias.value)))
        self.weight.keep(gradient.T @ x)
        self.bias.keep(gradient.sum(axis=0))
        return (gradient @ self.weight.value).reshape(shape)

    def parameters(self) -> Sequence[Parameter]:
        """Return the weight, and the bias if it learns."""
        return (self.weight, self.bias) if self.bias.free.all() else (self.weight,)


class ReLU(Layer):
    """max(x, 0), entry by entry; any shape. The derivative at 0 is taken to be 0."""

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return max(x, 0)."""
        x = np.asarray(input, dtype=np.float64)
        self._memory = x > 0
        return np.maximum(x, 0.0)

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return the gradient where x > 0, and 0 elsewhere."""
        on = self._remembered()
        return np.where(on, as_gradient(grad_output, on.shape), 0.0)


class Square(Layer):
    """x², entry by entry; any shape."""

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return x²."""
        x = np.array(input, dtype=np.float64)  # the caller may change theirs
        self._memory = x
        return np.square(x)

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return the gradient times 2·x."""
        x: FloatArray = self._remembered()
        return as_gradient(grad_output, x.shape) * 2 * x


class Sigmoid(Layer):
    """1/(1 + e⁻ˣ), entry by entry; any shape, no overflow for any finite x."""

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return 1/(1 + e⁻ˣ) = exp(−log(e⁰ + e⁻ˣ))."""
        output: FloatArray = np.exp(-np.logaddexp(0.0, -np.asarray(input, dtype=np.float64)))
        self._memory = output.copy()  # the caller may change the other
        return output

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return the gradient times s·(1 − s), where s is the output."""
        s: FloatArray = self._remembered()
        return as_gradient(grad_output, s.shape) * s * (1 - s)


class Softmax(Layer):
    """exp(xᵢ)/Σ exp(xⱼ) in each row; shape (batch, classes) or one row, of logits of any size."""

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return the softmax of every row."""
        output: FloatArray = np.exp(log_softmax(as_batch(input))).reshape(np.shape(input))
        self._memory = output.copy()  # p[rows, labels] −= 1 is how many go on
        return output

    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return J·g = s·(g − Σ gⱼsⱼ) in each row; J = diag(s) − s·sᵀ, where s is the output."""
        s: FloatArray = self._remembered()
        product: FloatArray = s * as_gradient(grad_output, s.shape)
        total: FloatArray = np.sum(product, axis=-1, keepdims=True)
        return product - s * total


def log_softmax(logits: FloatArray) -> FloatArray:
    """Return xᵢ − log Σ exp(xⱼ) in each row, shape (batch, classes).

    The largest logit is subtracted first, so that no exponential overflows and no logarithm of 0 is
    taken.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _random(inputs: int, outputs: int, seed: Seed) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, math.sqrt(2 / inputs), (outputs, inputs))
