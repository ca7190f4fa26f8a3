"""One text for two machines: loops over the nodes of a block, by numpy or compiled.

A *kernel* is a function of arrays and numbers in which every loop over nodes is written

    for j in lanes(n):
        total[j] = total[j] + weight * value[j]

As it stands, ``lanes(n)`` is one slice, and the body runs once, on whole arrays. Compiled by
``sinrelu.kernels`` it is ``range(n)``, and the body runs for every node. So there is no second
text that could differ from the first: what a proof says of the one holds for the other. Every
operation is one of IEEE 754 on one element, in the same order; so values are equal to the last bit.

Bodies choose by the functions below instead of branching. Neighbours are read through shifted
views, ``right = values[1:]``. A NaN passes through all of them, as it does in numpy.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray

LINE = 64
"""Bytes of a cache line."""
Lane = Any
"""An index of arrays: a slice, or an integer where the loop is compiled."""


def lanes(n: int) -> Iterable[Lane]:
    """Return what indexes the first n elements: all at once, or one after the other."""
    return (slice(0, n),)


def larger(a: Any, b: Any) -> Any:
    """Return the larger of two numbers, elementwise."""
    return np.maximum(a, b)


def smaller(a: Any, b: Any) -> Any:
    """Return the smaller of two numbers, elementwise."""
    return np.minimum(a, b)


def at_least(value: Any, floor: float) -> Any:
    """Return the larger of a value and a number that is no NaN, elementwise."""
    return np.maximum(value, floor)


def chosen(condition: Any, a: Any, b: Any) -> Any:
    """Return a where a condition holds, else b, elementwise."""
    return np.where(condition, a, b)


def largest(values: FloatArray, n: int) -> float:
    """Return the largest of the first n ≥ 1 numbers."""
    return float(values[:n].max())


def least(values: FloatArray, n: int) -> float:
    """Return the least of the first n ≥ 1 numbers."""
    return float(values[:n].min())


def fill(values: Any, number: Any, n: int) -> None:
    """Set the first n elements to a number."""
    for j in lanes(n):
        values[j] = number


def indices(mask: BoolArray, found: IntArray, n: int) -> int:
    """Write the indices of those of the first n that are true, ascending; return how many."""
    true = np.flatnonzero(mask[:n])
    found[: len(true)] = true
    return len(true)


def sort_by(x: FloatArray, low: FloatArray, order: IntArray, n: int) -> None:
    """Sort n indices, so that the double-doubles x + low at them ascend."""
    at = order[:n]
    order[:n] = at[np.lexsort((low[at], x[at]))]


def count_below(sorted: IntArray, count: int, found: IntArray, n: int) -> None:
    """Write, for each of the first n integers i ≥ 0, how many of ``count`` ascending are below."""
    found[:n] = np.searchsorted(sorted[:count], np.arange(n))


def aligned(rows: int, length: int, dtype: type = np.float64) -> FloatArray:
    """Return memory for rows that begin at cache lines: a vector across two takes twice the time.

    Rows are so long, or a little longer.
    """
    size = np.dtype(dtype).itemsize
    length = -(-length * size // LINE) * LINE // size
    values: FloatArray = np.empty(rows * length + LINE, dtype)
    start = -values.ctypes.data % LINE // size
    return values[start : start + rows * length].reshape(rows, length)
