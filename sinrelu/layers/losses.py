"""Losses: layers that hold their target and map a batch to one number, shape ().

That number is the mean of the losses of all entries or rows, or with another ``reduction`` their
``sum``; with ``none`` they stay as they are. Raises RequestError for any other, and where the batch
does not fit the target.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import RequestError, check_known
from sinrelu.layers.base import Layer, as_batch, as_gradient
from sinrelu.layers.basic import log_softmax

REDUCTIONS: dict[str, Callable[[Any], Any]] = {"mean": np.mean, "sum": np.sum, "none": np.asarray}


class Loss(Layer):
    """What losses share: ``_losses`` gives those of entries or rows, and their derivatives."""

    def __init__(self, reduction: str) -> None:
        check_known("reduction", reduction, REDUCTIONS)
        self.reduction = reduction

    @abstractmethod
    def _losses(self, x: FloatArray) -> tuple[FloatArray, FloatArray]: ...

    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return the loss of a batch."""
        losses, slopes = self._losses(np.asarray(input, dtype=np.float64))
        self._memory = slopes / losses.size if self.reduction == "mean" else slopes
        loss = np.asarray(REDUCTIONS[self.reduction](losses))
        self._shape = loss.shape
        return loss

    def backward(self, grad_output: npt.ArrayLike = 1.0) -> FloatArray:
        """Return the gradient with respect to the last batch, times the gradient at the loss.

        The latter may be one number for all losses that ``none`` leaves.
        """
        slopes: FloatArray = self._remembered()
        gradient = np.asarray(grad_output, dtype=np.float64)
        if gradient.ndim:
            gradient = as_gradient(gradient, self._shape)
        return slopes * gradient.reshape(gradient.shape + (1,) * (slopes.ndim - gradient.ndim))


class EntryLoss(Loss):
    """A loss of every entry; the target has the batch's shape, and nothing is broadcast."""

    def __init__(self, target: npt.ArrayLike, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.target = as_batch(target)

    def _target(self, x: FloatArray) -> FloatArray:
        shape = self.target.shape
        if np.atleast_2d(x).shape != shape:
            wrong = f"shape {shape} does not fit a batch of shape {x.shape}"
            raise RequestError(f"target: {wrong}; a row is a batch of one")
        return self.target.reshape(x.shape)


class SquaredLoss(EntryLoss):
    """(x − target)², entry by entry."""

    def _losses(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        difference = x - self._target(x)
        return difference**2, 2 * difference


class HingeLoss(EntryLoss):
    """max(1 − target·x, 0), entry by entry, for targets 1 and −1. The derivative at 1 is 0."""

    def __init__(self, target: npt.ArrayLike, reduction: str = "mean") -> None:
        super().__init__(target, reduction)
        if not (np.abs(self.target) == 1).all():
            raise RequestError("target: expected 1 and −1 alone")

    def _losses(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        target = self._target(x)
        losses = np.maximum(1 - target * x, 0.0)
        return losses, np.where(losses > 0, -target, 0.0)


class SoftmaxCrossEntropy(Loss):
    """−log softmax(x)[label], row by row, for a batch of logits x of any size.

    The labels, integers of shape (batch,), are the right class of each row, from 0; for a single
    row one integer will do.
    """

    def __init__(self, labels: npt.ArrayLike, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.labels = np.atleast_1d(labels)
        if self.labels.ndim != 1 or not np.issubdtype(self.labels.dtype, np.integer):
            raise RequestError("labels: expected a one-dimensional array of integers")

    def _losses(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        logits = as_batch(x)
        rows, classes = logits.shape
        if len(self.labels) != rows:
            raise RequestError(f"labels: {len(self.labels)} for a batch of {rows}")
        if rows and not 0 <= self.labels.min() <= self.labels.max() < classes:
            raise RequestError(f"labels: must be from 0 to {classes - 1}")
        right = np.arange(rows), self.labels
        logarithms = log_softmax(logits)
        slopes = np.exp(logarithms)
        slopes[right] -= 1.0  # softmax(x) − one-hot label
        return -logarithms[right].reshape(x.shape[:-1]), slopes.reshape(x.shape)
