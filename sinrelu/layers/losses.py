"""Losses: layers that hold their target and map a batch to one number, shape ()."""

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import RequestError
from sinrelu.layers.base import Layer, as_batch


class SquaredLoss(Layer):
    """The mean of (x − target)² over all entries; the target has shape (batch, features)."""

    def __init__(self, target: npt.ArrayLike) -> None:
        self.target = as_batch(target)

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return the loss of a batch of the target's shape."""
        x = as_batch(input, self.target.shape[1])
        if x.shape != self.target.shape:  # and nothing is broadcast
            raise RequestError(f"target: shape {self.target.shape} for a batch of {x.shape}")
        self._memory = x - self.target
        return np.asarray(np.mean(self._memory**2))

    def backward(self, grad_output: npt.ArrayLike = 1.0) -> FloatArray:
        """Return 2·(x − target)/entries, times the gradient at the loss."""
        difference: FloatArray = self._remembered()
        return 2.0 / difference.size * np.asarray(grad_output, dtype=np.float64) * difference


class SoftmaxCrossEntropy(Layer):
    """The mean of −log softmax(x)[label] over a batch of logits x.

    The labels, integers of shape (batch,), are the right class of each row, from 0. The largest
    logit is subtracted first, so that nothing overflows and no logarithm of 0 is taken.
    """

    def __init__(self, labels: npt.ArrayLike) -> None:
        self.labels = np.asarray(labels)
        if self.labels.ndim != 1 or not np.issubdtype(self.labels.dtype, np.integer):
            raise RequestError("labels: expected a one-dimensional array of integers")

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return the loss of a batch of shape (batch, classes)."""
        logits = as_batch(input)
        rows, classes = logits.shape
        if len(self.labels) != rows:
            raise RequestError(f"labels: {len(self.labels)} for a batch of {rows}")
        if rows and not 0 <= self.labels.min() <= self.labels.max() < classes:
            raise RequestError(f"labels: must be from 0 to {classes - 1}")
        shifted = logits - logits.max(axis=1, keepdims=True)
        self._memory = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return np.asarray(-np.mean(self._memory[np.arange(len(logits)), self.labels]))

    def backward(self, grad_output: npt.ArrayLike = 1.0) -> FloatArray:
        """Return (softmax(x) − one-hot label)/batch, times the gradient at the loss."""
        gradient: FloatArray = np.exp(self._remembered())
        gradient[np.arange(len(gradient)), self.labels] -= 1.0
        return gradient / len(gradient) * np.asarray(grad_output, dtype=np.float64)
