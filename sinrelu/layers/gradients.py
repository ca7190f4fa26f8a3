"""Numerical gradients, and whether what ``backward`` returns is the derivative of ``forward``."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import BoolArray, FloatArray
from sinrelu.errors import RequestError
from sinrelu.layers.base import Layer

STEP = 6e-6
"""About the cube root of float64's precision, where truncation and rounding are alike."""


def gradient_error(layer: Layer, input: npt.ArrayLike, step: float = STEP) -> float:
    """Compare a layer's gradients with central differences.

    What is differentiated is one number, Σ rᵢ·outputᵢ with fixed random rᵢ, with respect to the
    input and to every free parameter. For each of these arrays the symmetric relative error is
    max|a − n| / (max|a| + max|n|), where a is the gradient that ``backward`` gives and n the
    difference quotient.
    The largest of these errors is returned: below 1e-6 if all is well, 1 if something is wrong
    altogether, infinite if a gradient is not finite or of another shape than its array.

    The layer is any, a Sequential or a loss too. Kinks must be further away than the step reaches,
    also where a parameter moves: a built network often carries a 0 from unit to unit, each at its
    kink. The step is relative to entries larger than 1.
    """
    x = np.array(input, dtype=np.float64)
    shape = np.shape(layer.forward(x))
    direction = np.asarray(np.random.default_rng(0).standard_normal(shape))
    claims = [(x, np.asarray(layer.backward(direction), dtype=np.float64), np.ones(x.shape, bool))]
    claims += [(p.value, p.gradient, p.free) for p in layer.parameters()]

    def projection() -> float:
        return float(np.sum(direction * layer.forward(x)))

    quotients = [_quotients(projection, array, free, step) for array, _, free in claims]
    pairs = zip(claims, quotients, strict=True)
    return max(_relative_error(gradient, quotient) for (_, gradient, _), quotient in pairs)


def numeric_gradient(
    function: Callable[[FloatArray], npt.ArrayLike], x: npt.ArrayLike, step: float = STEP
) -> FloatArray:
    """Return the gradient of a number f(x) by central differences, in the shape of x.

    Where f is smooth and near 1 the error is about 1e-10: the third derivative times step²/6 for
    truncation, and a few 1e-11 for rounding. The step is relative to entries larger than 1. Raises
    RequestError if f returns more than one number.
    """
    array = np.array(x, dtype=np.float64)

    def number() -> float:
        value = function(array)
        if value is None or np.size(value) != 1:  # None is NaN to numpy
            found = "None" if value is None else f"shape {np.shape(value)}"
            raise RequestError(f"function: expected one number, found {found}")
        return float(np.asarray(value).item())

    return _quotients(number, array, np.ones(array.shape, bool), step)


def _quotients(
    function: Callable[[], float], array: FloatArray, free: BoolArray, step: float
) -> FloatArray:
    """Return the central difference quotients for the free entries of an array, 0 for others."""
    result = np.zeros_like(array)
    for index in map(tuple, np.argwhere(free)):
        value = array[index]
        reach = step * max(1.0, abs(value))
        array[index] = above = value + reach
        after = function()
        array[index] = below = value - reach
        result[index] = (after - function()) / (above - below)
        array[index] = value
    return result


def _relative_error(a: FloatArray, b: FloatArray) -> float:
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.inf
    size = np.max(np.abs(a), initial=0.0) + np.max(np.abs(b), initial=0.0)
    return float(np.max(np.abs(a - b), initial=0.0) / size) if size else 0.0
