"""What every layer is, and the arrays that it learns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import BoolArray, FloatArray
from sinrelu.errors import RequestError


class Parameter:
    """An array that learns: a copy of ``value``, which an optimiser changes in place.

    Where the mask, ``free``, is false (nowhere, if none is given) the value is 0 and stays so.
    ``gradient`` is as the last ``backward`` found it, 0 before, and exactly 0 where not free.
    """

    def __init__(self, value: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> None:
        self.value: FloatArray = np.array(value, dtype=np.float64)
        self.free: BoolArray = np.array(np.ones(self.value.shape) if mask is None else mask, bool)
        if self.free.shape != self.value.shape:
            raise RequestError(f"mask: shape {self.free.shape} for values of {self.value.shape}")
        self._sparse = not self.free.all()
        self.value[~self.free] = 0.0
        self.gradient: FloatArray = np.zeros_like(self.value)

    def keep(self, gradient: npt.ArrayLike) -> None:
        """Replace the gradient; a RequestError if it has not the value's shape."""
        found = np.asarray(gradient, dtype=np.float64)
        if found.shape != self.value.shape:
            raise RequestError(f"gradient: shape {found.shape} for values of {self.value.shape}")
        self.gradient = np.where(self.free, found, 0.0) if self._sparse else found


class Layer(ABC):
    """A differentiable map of batches."""

    _memory: npt.NDArray[Any] | None = None

    @abstractmethod
    def forward(self, input: npt.ArrayLike) -> FloatArray:
        """Return the output for a batch and remember what ``backward`` needs."""

    @abstractmethod
    def backward(self, grad_output: npt.ArrayLike) -> FloatArray:
        """Return the gradient with respect to the last input and keep the parameters' gradients.

        A RequestError says so if ``forward`` was not called before.
        """

    def parameters(self) -> Sequence[Parameter]:
        """Return what the layer learns, in a fixed order."""
        return ()

    def _remembered(self) -> npt.NDArray[Any]:
        """Return what ``forward`` left for ``backward`` in ``_memory``."""
        if self._memory is None:
            raise RequestError(f"{type(self).__name__}: call forward before backward")
        return self._memory


def as_batch(input: npt.ArrayLike, features: int | None = None) -> FloatArray:
    """Return a batch as float64, shape (batch, features); a row or a number is a batch of one."""
    batch = np.atleast_2d(np.asarray(input, dtype=np.float64))
    if batch.ndim != 2 or features not in (None, batch.shape[1]):
        wanted = f"(batch, {'features' if features is None else features})"
        raise RequestError(f"expected an array of shape {wanted}, found {np.shape(input)}")
    return batch


def as_gradient(gradient: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Return the gradient of an output of a shape as float64; nothing is broadcast.

    For a row or a number it may be that of a batch of one. Raises RequestError for other shapes.
    """
    batch = np.atleast_2d(np.asarray(gradient, dtype=np.float64))
    if batch.shape != np.broadcast_shapes((1, 1), shape):
        raise RequestError(f"expected a gradient of shape {shape}, found {np.shape(gradient)}")
    return batch.reshape(shape)
