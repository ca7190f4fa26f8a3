"""The trusted part: how errors reach one unit from a few units before it; docs/float64.md, 4 and 5.

Unrolled up to a window of its last ancestors, the error of a form is a linear function of the
errors of what the window reads and of the rounding errors within. The coefficients depend on which
units of the window are on; they are tabulated once for all patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.arithmetic.double_double import U

UP = 1 + 2.0**-30
"""Repairs sums and products of nonnegative numbers, as in ``sinrelu.certify.bound``."""
TINY = 2.0**-1000
"""Covers what underflows in them."""

Terms = Sequence[tuple[float, int]]
"""Weights, and which form they multiply: forms are counted 1 … m, and 0 stands for the input."""


class Coefficient(NamedTuple):
    """A coefficient for every pattern, to within an error."""

    value: FloatArray
    error: FloatArray

    def plus(self, weight: float, other: Coefficient) -> Coefficient:
        """Add a product. Of its four roundings each is bounded; underflow is at most 2⁻¹⁰⁷⁰."""
        product = weight * other.value
        total = self.value + product
        rounded = 2 * U * np.abs(product) + U * np.abs(total) + 2.0**-1070
        return Coefficient(total, self.error + abs(weight) * other.error + rounded)


class Window(NamedTuple):
    """Bounds of |coefficients|: a row for each pattern, whose bit b says if ``units[b]`` is on.

    Columns are ``read``, forms outside of the window whose values may be off, and then ``units``,
    whose own rounding is meant.
    """

    units: list[int]
    read: list[int]
    patterns: IntArray
    matrix: FloatArray

    def reach(self, radii: FloatArray, local: FloatArray, always: Mapping[int, bool]) -> float:
        """Bound the error that reaches the form, by Lemma 4; some units are always on or off."""
        fixed = value = 0
        for bit, unit in enumerate(self.units):
            if unit in always:
                fixed |= 1 << bit
                value |= always[unit] << bit
        rows = self.matrix[self.patterns & fixed == value] if fixed else self.matrix
        errors = np.concatenate((radii[self.read], local[self.units]))
        return float(np.max((rows * errors).sum(axis=1))) * UP + TINY


def window_of(rows: Sequence[Terms], index: int, most: int, entries: int) -> Window:
    """Tabulate the window of a form: its last ancestors, as many as fit, at most ``most``."""
    units: list[int] = []
    read = {source for _, source in rows[index]} - {0}
    while read and len(units) < most:
        last = max(read)
        wider = (read - {last}) | {source for _, source in rows[last]} - {0}
        if (len(wider) + len(units) + 1) << (len(units) + 1) > entries:
            break
        units.append(last)
        read = wider
    return _tabulated(rows, index, units, sorted(read))


def _tabulated(rows: Sequence[Terms], index: int, units: list[int], read: list[int]) -> Window:
    """Compute the coefficients of Lemma 3 for all patterns, from the last unit to the first."""
    patterns = np.arange(1 << len(units))
    zero = np.zeros(len(patterns))
    found: defaultdict[int, Coefficient] = defaultdict(lambda: Coefficient(zero, zero))
    _spread(found, rows[index], Coefficient(zero + 1, zero))
    for bit, unit in enumerate(units):
        slope = (patterns >> bit & 1).astype(np.float64)
        found[unit] = Coefficient(found[unit].value * slope, found[unit].error * slope)
        _spread(found, rows[unit], found[unit])
    columns = [np.abs(found[wire].value) + found[wire].error for wire in (*read, *units)]
    matrix = np.stack(columns, axis=1) if columns else np.zeros((1, 0))
    return Window(units, read, patterns, matrix * UP)


def _spread(found: dict[int, Coefficient], terms: Terms, coefficient: Coefficient) -> None:
    for weight, source in terms:
        found[source] = found[source].plus(weight, coefficient)
