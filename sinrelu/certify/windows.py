"""The trusted part: how errors reach one unit from a few units before it; docs/float64.md, 4 and 5.

Unrolled up to a window of its last ancestors, the error of a form is a linear function of the
errors of what the window reads and of the rounding errors within. The coefficients depend on which
units of the window are on; they are tabulated once for all patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.double_double import U
from sinrelu.arithmetic.lanes import chosen, fill, lanes, largest

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


class Window(NamedTuple):
    """Bounds of |coefficients| for one window of a form, its last so many ancestors.

    A row is for one of ``wires``: for what the window reads, whose values may be off, or for a unit
    of it (``own``), whose own rounding is meant. A column stands for a pattern, whose bit b says if
    the b-th of ``units`` is on.
    """

    units: list[int]
    wires: list[int]
    own: list[bool]
    matrix: FloatArray


class Windows(NamedTuple):
    """The windows of all forms, one after the other; those of form i are numbered from first[i−1].

    Window g has 2^size[g] patterns, and rows from row[g] to before row[g+1]: of ``wire``, which is
    ``own`` or not, with bounds from ``entry`` on. unit[begin[i−1]] and so on are the units of the
    largest window of form i, of which the others are the first few. ``pattern`` is 0, 1, 2, …
    """

    begin: IntArray
    unit: IntArray
    first: IntArray
    size: IntArray
    row: IntArray
    wire: IntArray
    own: BoolArray
    entry: IntArray
    entries: FloatArray
    pattern: IntArray

    @classmethod
    def of(cls, rows: Sequence[Terms], entries: int) -> Windows:
        """Tabulate the windows of all forms, each with no more than so many entries."""
        with np.errstate(all="ignore"):
            found = [windows_of(rows, index, entries) for index in range(1, len(rows))]
        windows = [window for form in found for window in form]
        lengths = [row.size for window in windows for row in window.matrix]
        return cls(
            _ends([len(form[-1].units) for form in found]),
            np.array([unit for form in found for unit in form[-1].units], np.int64),
            _ends(list(map(len, found))),
            np.array([len(window.units) for window in windows], np.int64),
            _ends([len(window.wires) for window in windows]),
            np.array([wire for window in windows for wire in window.wires], np.int64),
            np.array([own for window in windows for own in window.own], np.bool_),
            _ends(lengths),
            np.concatenate([np.zeros(0), *(window.matrix.reshape(-1) for window in windows)]),
            np.arange(1 << SIZES[-1]),
        )


def _ends(lengths: Sequence[int]) -> IntArray:
    return np.cumsum([0, *lengths], dtype=np.int64)


def reach(
    windows: Windows,
    form: int,
    radii: FloatArray,
    local: FloatArray,
    always: IntArray,
    effects: FloatArray,
) -> float:
    """Bound the error that reaches a form, by Lemma 4.

    always[i] is 1 or 0 where unit i is on or off everywhere, and −1 elsewhere.
    """
    least = np.inf
    for window in range(windows.first[form - 1], windows.first[form]):
        size, columns = windows.size[window], 1 << windows.size[window]
        fill(effects, 0.0, columns)
        for row in range(windows.row[window], windows.row[window + 1]):
            wire = windows.wire[row]
            error = local[wire] if windows.own[row] else radii[wire]
            if error != 0:
                add_effect(effects, error, windows.entries[windows.entry[row] :], columns)
        fixed = state = 0
        for bit in range(size):
            known = always[windows.unit[windows.begin[form - 1] + bit]]
            if known >= 0:
                fixed |= 1 << bit
                state |= known << bit
        if fixed:
            leave_out(effects, windows.pattern, fixed, state, columns)
        effect = largest(effects, columns)
        least = effect if effect < least else least  # where it is a NaN, nothing is known
    return least * UP + TINY


def add_effect(effects: FloatArray, error: float, bounds: FloatArray, n: int) -> None:
    """Add what an error may do, in every pattern."""
    for j in lanes(n):
        effects[j] += error * bounds[j]


def leave_out(effects: FloatArray, pattern: IntArray, fixed: int, state: int, n: int) -> None:
    """Leave out the patterns in which a unit is on that is always off, or off that is always on."""
    for j in lanes(n):
        effects[j] = chosen(((pattern[j] ^ state) & fixed) != 0, 0.0, effects[j])


def windows_of(rows: Sequence[Terms], index: int, entries: int) -> list[Window]:
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
        return [_direct(rows[index], sorted(wires))]
    return _tabulated(rows, index, units)


def _direct(terms: Terms, read: list[int]) -> Window:
    """Return the window of no unit alone, at once: a form may read very many wires."""
    largest = np.zeros(1 + max(read, default=0))
    for weight, source in terms:
        if source:
            largest[source] += abs(weight)
    return Window([], read, [False] * len(read), largest[read, None] * UP)


def _tabulated(rows: Sequence[Terms], index: int, units: list[int]) -> list[Window]:
    """Compute the coefficients of Lemma 3 for all patterns, from the last unit to the first."""
    patterns = np.arange(1 << len(units))
    zero = np.zeros(len(patterns))
    found: defaultdict[int, Coefficient] = defaultdict(lambda: Coefficient(zero, zero))
    _spread(found, rows[index], Coefficient(zero + 1, zero))
    windows = [_window(found, units[:0])]
    for bit, unit in enumerate(units):
        found[unit] = found[unit].times((patterns >> bit & 1).astype(np.float64))
        _spread(found, rows[unit], found[unit])
        if bit + 1 in (*SIZES, len(units)):
            windows.append(_window(found, units[: bit + 1]))
    return windows


def _spread(found: dict[int, Coefficient], terms: Terms, own: Coefficient) -> None:
    """Replace a form by what it reads; the input has no error."""
    for weight, source in terms:
        if source:
            found[source] = found[source].plus(weight, own)


def _window(found: dict[int, Coefficient], units: list[int]) -> Window:
    """Return the bounds as they stand; what the window reads is outside of it."""
    wires = sorted(found)
    matrix = np.array([found[wire].bound[: 1 << len(units)] for wire in wires])
    return Window(units, wires, [wire in units for wire in wires], matrix)
