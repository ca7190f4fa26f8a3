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

SIZES = (0, 1, 2, 4, 8)
"""Units of windows: larger ones see more cancellation, smaller ones sharper radii."""
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

    def times(self, slope: FloatArray) -> Coefficient:
        """Multiply by slopes of 0 or 1."""
        return Coefficient(self.value * slope, self.error * slope)

    @property
    def bound(self) -> FloatArray:
        """At least the magnitude."""
        return (np.abs(self.value) + self.error) * UP


class Windows(NamedTuple):
    """Bounds of |coefficients| for the windows of a form, each its last so many ancestors.

    A row of the matrix stands for a pattern of one window; bit b says if ``units[b]`` is on, and
    ``bits`` which are in the window. The rows of a window begin at its ``start``. Columns are first
    ``read``, whose values may be off, and then ``units``, whose own rounding is meant.
    """

    units: list[int]
    read: list[int]
    patterns: IntArray
    bits: IntArray
    starts: IntArray
    matrix: FloatArray

    def reach(self, radii: FloatArray, local: FloatArray, always: Mapping[int, bool]) -> float:
        """Bound the error that reaches the form, by Lemma 4, if some units are always on or off."""
        fixed = value = 0
        for bit, unit in enumerate(self.units):
            if unit in always:
                fixed |= 1 << bit
                value |= always[unit] << bit
        errors = np.concatenate((radii[self.read], local[self.units]))
        effects = np.einsum("ij,j->i", self.matrix, errors)
        if fixed:
            effects[((self.patterns ^ value) & fixed & self.bits) != 0] = 0.0
        return float(np.maximum.reduceat(effects, self.starts).min()) * UP + TINY


def windows_of(rows: Sequence[Terms], index: int, entries: int) -> Windows:
    """Tabulate the windows of a form, the largest with no more than so many entries."""
    read = {source for _, source in rows[index]} - {0}
    units: list[int] = []
    wires = set(read)
    while len(units) < SIZES[-1] and read:
        last = max(read)
        sources = {source for _, source in rows[last]} - {0}
        if (len(wires | sources) + len(units) + 1) << (len(units) + 1) > entries:
            break
        units.append(last)
        read = read - {last} | sources
        wires |= sources
    if not units:
        return _direct(rows[index], sorted(wires))
    return _tabulated(rows, index, units, sorted(wires))


def _direct(terms: Terms, read: list[int]) -> Windows:
    """Return the window of no unit alone, at once: a form may read very many wires."""
    largest = np.zeros(1 + max(read, default=0))
    for weight, source in terms:
        if source:
            largest[source] += abs(weight)
    none = np.zeros(1, np.int64)
    return Windows([], read, none, none, none, largest[None, read] * UP)


def _tabulated(rows: Sequence[Terms], index: int, units: list[int], read: list[int]) -> Windows:
    """Compute the coefficients of Lemma 3 for all patterns, from the last unit to the first."""
    patterns = np.arange(1 << len(units))
    zero = np.zeros(len(patterns))
    found: defaultdict[int, Coefficient] = defaultdict(lambda: Coefficient(zero, zero))
    _spread(found, rows[index], Coefficient(zero + 1, zero))
    sizes = sorted({min(size, len(units)) for size in SIZES})
    tables = [_table(found, units, read, 0)]
    for bit, unit in enumerate(units):
        found[unit] = found[unit].times((patterns >> bit & 1).astype(np.float64))
        _spread(found, rows[unit], found[unit])
        if bit + 1 in sizes:
            tables.append(_table(found, units, read, bit + 1))
    counts = np.array([1 << size for size in sizes])
    return Windows(
        units,
        read,
        np.concatenate([patterns[:count] for count in counts]),
        np.repeat(counts - 1, counts),
        np.cumsum(counts) - counts,
        np.concatenate(tables),
    )


def _spread(found: dict[int, Coefficient], terms: Terms, own: Coefficient) -> None:
    """Replace a form by what it reads."""
    for weight, source in terms:
        found[source] = found[source].plus(weight, own)


def _table(
    found: dict[int, Coefficient], units: list[int], read: list[int], size: int
) -> FloatArray:
    """Return the rows of the window of so many units: what it reads is outside of it."""
    columns = np.zeros((len(read) + len(units), 1 << size))
    for column, wire in enumerate((*read, *units)):
        if (wire in units[:size]) == (column >= len(read)):
            columns[column] = found[wire].bound[: 1 << size]
    return columns.T
