"""The trusted part: a bound of |fl(N)(x) − N(x)| for every float x and every order of summation.

``docs/float64.md`` states the theorem with its proof, and its sections are named here. A network is
prepared once, by ``Rounding.of``. A ``Block`` then follows the forms of consecutive cells, as
``sinrelu.certify.bound`` proves them, and bounds what evaluation does at every float among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.arithmetic.double_double import MAX_TERMS, U
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify.sweep import BoolArray, Slopes, largest_effect
from sinrelu.certify.windows import TINY, UP, Terms, Windows, windows_of
from sinrelu.network import Network

Points = tuple[dict[int, Slopes], int]
"""The slopes of units at some points, and how many these are."""

CELLS = 2**14
"""Cells of a block, whose radii and rounding errors are shared."""
HELD = 2**22
"""Cells of a block times forms, at most; likewise points of a sweep times forms."""
SWEPT = 2**13
"""Points of a sweep, at most."""
UNDECIDED = 4
"""How many times the work of its cells a block may need where units are undecided."""
TABULATED = 2**20
"""Entries of all windows, at most, but for those of no unit."""


class Format(NamedTuple):
    """A binary floating-point format, rounded to nearest and with gradual underflow.

    Its numbers are multiples of 2^``least``; products that are multiples of 2^``safe`` do not
    underflow. Bounds are claimed for magnitudes up to ``largest``.
    """

    digits: int
    least: int
    safe: int
    largest: float

    @property
    def unit(self) -> float:
        """The unit roundoff u."""
        return 2.0**-self.digits

    def spacing(self, size: float) -> int:
        """Return e where numbers of at least that size are multiples of 2ᵉ."""
        return max(math.frexp(size)[1] - self.digits, self.least) if size > 0 else self.least

    def rounding(self, size: float, grid: int) -> float:
        """Return ϱ of section 2: what rounding costs a multiple of 2^grid of at most that size."""
        if grid >= self.safe and size <= math.ldexp(1.0, min(grid + self.digits, 1000)):
            return 0.0
        return math.ldexp(self.unit, math.frexp(size)[1] - 1) if size < math.inf else math.inf

    def holds(self, number: float) -> bool:
        """Whether a number is one of the format's, up to ``largest``."""
        size = abs(number)
        return size <= self.largest and (not size or last_bit(size) >= self.spacing(size))


BINARY64 = Format(digits=53, least=-1074, safe=-1000, largest=2.0**500)
BINARY32 = Format(digits=24, least=-149, safe=-100, largest=2.0**100)


class Form(NamedTuple):
    """A form, the last bits of its weights, and the windows from which errors reach it."""

    terms: Terms
    bias: float
    bits: tuple[int, ...]
    windows: Windows


class Values(NamedTuple):
    """What computed values may be: multiples of 2^grid from −below to above."""

    above: float
    below: float
    grid: int


@dataclass(frozen=True)
class Rounding:
    """A network prepared for bounds of what evaluating it in a format does.

    Blocks have ``cells`` cells. Where there are no ``forms``, nothing is claimed.
    """

    network: Network
    format: Format
    forms: tuple[Form, ...]
    readers: IntArray
    cells: int

    @classmethod
    def of(cls, network: Network, format: Format = BINARY64) -> Rounding:
        """Prepare a network; nothing is claimed if not all of its numbers are the format's."""
        rows = network.computed
        index = {0: 0} | {row.number: i for i, row in enumerate(rows, start=1)}
        terms: list[Terms] = [(), *([(w, index[s]) for w, s in row.terms] for row in rows)]
        readers = np.bincount([s for row in terms for _, s in row], minlength=len(terms))
        forms: tuple[Form, ...] = ()
        if _in_range(network, format):
            bits = ([last_bit(weight) for weight, _ in row] for row in terms[1:])
            with np.errstate(all="ignore"):
                windows = [
                    windows_of(terms, i, TABULATED // len(terms)) for i in range(1, len(terms))
                ]
            biases = (row.bias for row in rows)
            forms = tuple(map(Form, map(tuple, terms[1:]), biases, map(tuple, bits), windows))
        cells = max(1, min(CELLS, HELD // max(len(terms), network.most_live)))
        return cls(network, format, forms, readers, cells)


def last_bit(number: float) -> int:
    """Return e for an odd multiple of 2ᵉ; for 0, which is a multiple of all, a large one."""
    fraction, exponent = math.frexp(number)
    digits = int(math.ldexp(fraction, 53))
    return exponent - 53 + (digits & -digits).bit_length() - 1 if digits else 10**6


def _in_range(network: Network, format: Format) -> bool:
    """Whether the format has all numbers, and nothing overflows that the output does not read.

    What it reads is seen to by blocks. A unit that it does not read is computed too, perhaps, and
    multiplied by 0.
    """
    rows = network.rows
    longest = max(len(row.sources) for row in rows)
    if network.multiprecision or max(len(rows), longest) > MAX_TERMS:
        return False
    if not all(format.holds(number) for row in rows for number in row.numbers):
        return False
    followed = {row.number for row in network.computed}
    largest = [LIMIT]
    for row in rows:
        terms = (_product(abs(w), largest[s]) for s, w in row.edges)
        largest.append(_inner(abs(row.bias) + sum(terms), len(row.sources), format))
    left = (n for n, row in enumerate(rows, start=1) if n not in followed and not row.is_carry)
    return all(largest[number] <= format.largest for number in left)


def _product(a: float, b: float) -> float:
    """Return at least a·b, for nonnegative factors."""
    return math.nextafter(a * b, math.inf) if a and b else 0.0


def _inner(size: float, products: int, format: Format) -> float:
    """Bound what additions within a form give, by its terms' size without rounding; 2(d)."""
    growth = 1 + 2 * (products + 1) * format.unit
    return (size + math.ldexp(products, format.least)) * growth * UP


def lemma1(form: Form, values: list[Values], top: float, format: Format) -> tuple[float, int]:
    """Return D and the grid of a form, read from computed values, whose own is at most top."""
    plus, minus = max(form.bias, 0.0), max(-form.bias, 0.0)
    errors, leaves, products, grid = 0.0, int(form.bias != 0), 0, last_bit(form.bias)
    for (weight, source), bit in zip(form.terms, form.bits, strict=True):
        above, below, own = values[source]
        if not above and not below:
            continue  # computed as 0
        products += 1
        size, own = abs(weight), own + bit
        high, low = _product(size, above), _product(size, below)
        plus, minus = (plus + high, minus + low) if weight > 0 else (plus + low, minus + high)
        if math.frexp(size)[0] != 0.5:
            errors += format.rounding(max(high, low), own)
        grid = min(grid, own)
    leaves += products
    inner = _inner(max(plus, minus), products, format)
    if not inner <= format.largest:
        return math.inf, grid
    errors += max(leaves - 2, 0) * format.rounding(inner, grid)
    if grid < format.safe:
        errors += math.ldexp(products, format.least + 1)
    errors *= UP
    last = format.rounding((max(top, 0.0) + errors) * UP, grid) if leaves >= 2 else 0.0
    return (errors + last) * UP, grid


class Block:
    """The theorem of section 6 for one block of cells, form by form.

    ``add`` takes the forms in the order of ``network.computed``. After the last one, ``bound`` is
    for all numbers of the format from the first node to the last.
    """

    def __init__(self, rounding: Rounding, nodes: FloatArray) -> None:
        self.rounding, self.format = rounding, rounding.format
        left, right = float(nodes[0]), float(nodes[-1])
        grid = self.format.spacing(max(left, -right))
        self.values = [Values(max(right, 0.0), max(-left, 0.0), grid)]
        count = len(rounding.forms) + 1
        self.radii, self.local = np.zeros(count), np.zeros(count)
        self.always: dict[int, bool] = {}
        self.signs: dict[int, tuple[BoolArray, BoolArray]] = {}  # cells on, nodes undecided
        self.seen, self.open = np.zeros((2, len(nodes)), np.bool_)
        self.shown = bool(rounding.forms)

    def add(self, values: FloatArray, radius: FloatArray) -> None:
        """Take the next form: its values at the nodes, and a radius for every cell."""
        if not self.shown:
            return
        index = len(self.values)
        form, output = self.rounding.forms[index - 1], index == len(self.rounding.forms)
        high, low = float(values.max()), float(values.min())
        size = max(high, -low)
        # of 4u: low parts of the values, and rounding of middles and of what is added to them
        distance = (float(radius.max()) + 4 * U * size) * UP
        reach = form.windows.reach(self.radii, self.local, self.always)
        top = (size if output else high) + (distance + reach) * UP
        local, grid = lemma1(form, self.values, top, self.format)
        total = (reach + local) * UP
        need = (total + distance) * UP
        self.local[index], self.radii[index] = local, total
        self.shown = size + need <= self.format.largest
        if not self.shown or output:
            return
        if high + need > 0 >= low - need:
            self._sign(index, values, need)
        else:
            self._always(index, on=low - need > 0)
        self.values.append(self._values(high + need, low - need, grid))

    def _always(self, index: int, *, on: bool) -> None:
        """Point (e) for a unit that is on, or off, everywhere; if off, nothing is rounded."""
        self.always[index] = on
        if not on:
            self.radii[index] = self.local[index] = 0.0

    def _values(self, top: float, bottom: float, grid: int) -> Values:
        """Point (d): what a unit's computed values may be."""
        if top <= 0:
            return Values(0.0, 0.0, grid)
        return Values(top, 0.0, max(grid, self.format.spacing(bottom)) if bottom > 0 else grid)

    def _sign(self, index: int, values: FloatArray, need: float) -> None:
        """Section 7: near a node a unit is decided by its sign there and at both middles."""
        middles = values[1:] + values[:-1]  # twice
        on, off = middles > 2 * need, middles < -2 * need
        above, below = values > need, values < -need
        for side in (slice(1, None), slice(None, -1)):
            above[side] &= on
            below[side] &= off
        undecided = ~(above | below)
        self.signs[index] = on, undecided
        # if a node has no other, and both its signs are in the cells around, these are enough
        same = undecided.copy()
        same[1:-1] &= on[1:] == on[:-1]
        self.open |= same | (undecided & self.seen)
        self.seen |= undecided

    def bound(self) -> float:
        """Return E, infinite if nothing could be shown."""
        if not self.shown:
            return math.inf
        swept = self._swept()
        simple = float(self.radii[-1])
        return min(simple, swept if swept < math.inf else math.inf)

    def _swept(self) -> float:
        """Sections 6 and 7: the largest effect over all patterns; infinite if they are too many."""
        rows = [(), *(form.terms for form in self.rounding.forms)]
        local, most = self._with_own_rounding(), max(1, min(SWEPT, HELD // len(rows)))
        nodes, columns = self._undecided()
        if np.sum(columns) > UNDECIDED * (len(self.seen) + SWEPT):
            return math.inf
        largest = 0.0
        for slopes, points in chain(self._cells(most), self._nodes(nodes, columns, most)):
            effect = largest_effect(rows, local, self.always, slopes, points)
            largest = max(largest, effect if effect < math.inf else math.inf)
        return largest * UP + TINY * (1 + float(np.sum(self.radii)))

    def _with_own_rounding(self) -> FloatArray:
        """Lemma 6: the rounding errors, increased by what the sweep's own rounding may hide."""
        hidden = (2 * U * (self.rounding.readers + 1) * self.radii).tolist()
        costs = [
            sum(abs(weight) * hidden[source] for weight, source in form.terms)
            for form in self.rounding.forms
        ]
        increased: FloatArray = (self.local + np.array([0.0, *costs])) * UP + TINY
        return increased

    def _undecided(self) -> tuple[IntArray, IntArray]:
        """Return the nodes that need a sweep, and the columns that each needs, ascending."""
        nodes = np.flatnonzero(self.open)
        columns = np.ones(len(nodes), np.int64)
        for _, undecided in self.signs.values():
            columns += undecided[nodes]
        order = np.argsort(columns, kind="stable")
        return nodes[order], columns[order]

    def _cells(self, most: int) -> Iterator[Points]:
        """Yield the patterns of the cells, by their middles."""
        cells = len(self.seen) - 1
        for start in range(0, cells, most):
            some = slice(start, min(start + most, cells))
            slopes = {index: Slopes(on[some]) for index, (on, _) in self.signs.items()}
            yield slopes, some.stop - start

    def _nodes(self, nodes: IntArray, columns: IntArray, most: int) -> Iterator[Points]:
        """Yield the patterns around nodes: what is decided is so in the cell on either side."""
        start = 0
        while start < len(nodes):
            some = nodes[start : start + max(1, most // int(columns[-1]))]
            cells = np.maximum(some - 1, 0)
            slopes = {}
            for index, (on, undecided) in self.signs.items():
                near = undecided[some]
                slopes[index] = Slopes(np.where(near, 0.5, on[cells]), np.flatnonzero(near))
            start += len(some)
            yield slopes, len(some)
