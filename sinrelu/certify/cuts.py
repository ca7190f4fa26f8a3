"""The untrusted finder of bottlenecks, values that all paths pass through; and of their preimages.

Nothing that is proved depends on it: ``bottleneck`` checks exactly what is proposed here.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.arithmetic.rounding import as_float
from sinrelu.certify.bound import Interval, Judge, outputs
from sinrelu.certify.pieces import Finder
from sinrelu.network import Network, Number
from sinrelu.steps import Computed

WIDEST = 64
"""More values than these are not proposed as one."""
POINTS = 256
"""So many points of the domain are looked at, each with a neighbour."""
CLOSE = 2.0**-24
"""How far a point's neighbour is, relative to the domain and its ends."""
NOISE = 2.0**-40
"""What rounding may add to a value where one looks, relative to the terms that it is made of."""
LOOKS = 1000
"""Bottlenecks that are looked at; deeper ones are not found."""
MOST_HELD = 2**13
"""Values of a network at a time; where there are more, nobody looks."""
SCALES = 4
"""So many readers are tried, and so many of their weights, for the scale of z."""
STEEP = 2.0**-8
"""How far from ±1 the slope may look."""
WORTH = 0.75
"""A cut is proposed only if z has at most this part of the domain's length."""
PLACES, NEAR = 100, 2.0**-40
"""Binary places of a preimage, and how far from any value of z the one that is sought may be."""

Reads = Mapping[int, Number]
"""By what a row multiplies each value that it reads, exactly."""


class Cut(NamedTuple):
    """A proposal: z = Σ weight·value over ``terms``, the values those of the input and early units.

    ``early`` units come first; later rows are to read them through z alone, which is to be
    ±x + mπ/2 on each of its pieces, and sin(z + ``quarters``·π/2) the function judged there.
    """

    early: int
    terms: tuple[tuple[int, float], ...]
    quarters: int

    @property
    def negative(self) -> bool:
        """Whether that function is −sin or −cos, so that the network is to be negated."""
        return self.quarters % 4 >= 2


class Bottleneck(NamedTuple):
    """Values of the first ``early`` units that the same later rows read, and what these read."""

    early: int
    values: tuple[int, ...]
    readers: Sequence[Reads]


def constant_units(network: Network) -> set[int]:
    """Return the units that no path joins to the input."""
    constant: set[int] = set()
    for number, row in enumerate(network.rows[:-1], start=1):
        if constant.issuperset(row.sources):
            constant.add(number)
    return constant


def proposals(network: Network, quarters: int, domain: Interval, tol: float) -> list[Cut]:
    """Return cuts where z looks like ±x + mπ/2 to within tol, those of the shortest range first.

    The network is judged as sin(x + quarters·π/2).
    """
    longest = WORTH * (domain[1] - domain[0])
    if network.most_live > MOST_HELD:
        return []
    narrow = (values for values in bottlenecks(network) if _in_proportion(values))
    found = list(islice(narrow, LOOKS))
    x = _points(domain)
    seen: list[tuple[float, Cut]] = []
    with np.errstate(all="ignore"):
        for bottleneck, values in _evaluated(network, found, x):
            seen += _looks(bottleneck, values, x, quarters, tol)
    return [cut for length, cut in sorted(seen) if length <= longest]


def bottlenecks(network: Network) -> Iterator[Bottleneck]:
    """Yield all few values that the same later rows read, in the order of the network.

    No other order has more: a row reads all of them or none, so it comes after them or does not
    depend on the input. Those that the output alone reads are left out: N is affine in them.
    """
    constant = constant_units(network)
    rows = [row for row in network.computed if row.number not in constant]
    reads = {row.number: _reads(row, constant) for row in rows}
    readers = defaultdict(list)
    for number, read in reads.items():
        for value in read:
            readers[value].append(number)
    left = {0: len(readers[0])}
    for number in list(reads)[:-1]:
        for value in reads[number]:
            left[value] -= 1
            if not left[value]:
                del left[value]
        left |= {number: len(readers[number])} if readers[number] else {}
        if 0 < len(left) <= WIDEST and len({(left[v], readers[v][-1]) for v in left}) == 1:
            later = readers[min(left)]
            later = later[bisect_right(later, number) :]
            if later != [rows[-1].number]:
                yield Bottleneck(number, tuple(sorted(left)), [reads[row] for row in later])


def _reads(row: Computed, constant: set[int]) -> Reads:
    """Add up what a row reads of the same value, and leave out what is constant."""
    total: dict[int, Number] = {}
    for weight, value in row.terms:
        if value in total:
            total[value] = Fraction(total[value]) + Fraction(weight)
        elif value not in constant:
            total[value] = weight
    return {value: weight for value, weight in total.items() if weight}


def _in_proportion(found: Bottleneck) -> bool:
    """Whether all readers read the values in one proportion."""
    first, *others = ([read.get(value, 0.0) for value in found.values] for read in found.readers)
    return all(other == first or _are_multiples(first, other) for other in others)


def _are_multiples(first: Sequence[Number], other: Sequence[Number]) -> bool:
    left, right = Fraction(first[0]), Fraction(other[0])
    pairs = zip(first, other, strict=True)
    return all(left * Fraction(b) == right * Fraction(a) for a, b in pairs)


def _points(domain: Interval) -> FloatArray:
    """Return points all over a domain, each followed by its neighbour."""
    a, b = domain
    step = CLOSE * max(b - a, abs(a), abs(b))
    spread = a + (b - a) * ((np.arange(POINTS) + 0.618) / (POINTS + 1))
    return np.minimum(np.stack([spread, spread + step], axis=1).reshape(-1), b)


def _evaluated(
    network: Network, found: Sequence[Bottleneck], x: FloatArray
) -> Iterator[tuple[Bottleneck, FloatArray]]:
    """Yield each bottleneck with its values at x, of shape (values, len(x))."""
    at = {bottleneck.early: bottleneck for bottleneck in found}
    live = {0: x}
    for row in network.computed:
        if not at:
            return
        form = np.full_like(x, row.bias)
        for weight, value in row.terms:
            form += weight * live[value]
        for value in row.finished:
            del live[value]
        live[row.number] = np.maximum(form, 0)
        if bottleneck := at.pop(row.number, None):
            yield bottleneck, np.stack([live[value] for value in bottleneck.values])


def _looks(
    found: Bottleneck, values: FloatArray, x: FloatArray, quarters: int, tol: float
) -> Iterator[tuple[float, Cut]]:
    """Yield the cuts of every scale in which z looks right, each with the length of its range."""
    for weights in _scaled(found, values, x):
        parts = np.array(weights)[:, None] * values
        z = np.sum(parts, axis=0)
        noise = NOISE * (np.max(np.abs(x)) + np.max(np.sum(np.abs(parts), axis=0)))
        off = [np.max(_off(x, z, quarters, after)) for after in range(4)]
        after = int(np.argmin(off))
        if off[after] <= tol + noise:
            terms = tuple(zip(found.values, weights, strict=True))
            yield float(np.ptp(z)), Cut(found.early, terms, after)


def _off(x: FloatArray, z: FloatArray, before: int, after: int) -> FloatArray:
    """Return how far z is from where sin(z + after·π/2) = sin(x + before·π/2) by a symmetry."""
    rise = (z - x) / (math.pi / 2) - (before - after)
    fall = (z + x) / (math.pi / 2) - (2 - before - after)
    first, second = (np.abs(turns - 4 * np.rint(turns / 4)) for turns in (rise, fall))
    off: FloatArray = np.minimum(first, second) * (math.pi / 2)
    return off


def _scaled(found: Bottleneck, values: FloatArray, x: FloatArray) -> Iterator[tuple[float, ...]]:
    """Yield float64 weights that give z a slope of about ±1, and by which all readers can read it.

    They are those of a reader, as they are or divided by one of them, times a power of two.
    """
    first = [Fraction(found.readers[0][value]) for value in found.values]
    factors = [Fraction(read[found.values[0]]) / first[0] for read in found.readers]
    slope = _slope(np.array([_rounded(weight) for weight in first]) @ values, x)
    tried = [*factors[:SCALES], *(1 / weight for weight in first[:SCALES])]
    for scale in dict.fromkeys(map(abs, tried)):
        steep = _rounded(scale) * slope
        if 0 < steep < math.inf:
            twos = Fraction(2) ** -round(math.log2(steep))
            weights = [as_float(scale * twos * weight) for weight in first]
            through = [as_float(factor / (scale * twos)) for factor in factors]
            if abs(steep * float(twos) - 1) <= STEEP and None not in [*weights, *through]:
                yield tuple(weight for weight in weights if weight is not None)


def _slope(z: FloatArray, x: FloatArray) -> float:
    return float(np.median(np.abs(np.diff(z)[::2]) / np.diff(x)[::2]))


def _rounded(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def preimage(fold: Network, domain: Interval, z: Fraction) -> Fraction:
    """Return a dyadic x of a domain at which a network is close to z; nothing is proved of it."""
    best, off = Fraction(domain[0]), math.inf
    judge = Judge.of(fold)
    runs = Finder.of(fold).blocks(domain, judge.cells)  # it may be in the first
    for nodes, values, _ in outputs(judge, domain, runs):
        ends = values.hi
        low, high = np.minimum(ends[1:], ends[:-1]), np.maximum(ends[1:], ends[:-1])
        outside = np.maximum(np.maximum(low - float(z), float(z) - high), 0)
        at = int(np.argmin(outside))
        if outside[at] < off:
            best, off = _between(nodes, values, at, z), float(outside[at])
        if off <= NEAR:
            break
    return best


def _between(nodes: DoubleDouble, values: DoubleDouble, cell: int, z: Fraction) -> Fraction:
    """Return about where an affine function is z in a cell, or at the nearer end."""
    (left, right), (first, last) = (
        [Fraction(float(v.hi[i])) + Fraction(float(v.lo[i])) for i in (cell, cell + 1)]
        for v in (nodes, values)
    )
    if first == last:
        return left
    x = left + (right - left) * (z - first) / (last - first)
    return min(max(Fraction(round(x * 2**PLACES), 2**PLACES), left), right)
