"""The untrusted finder of pieces: where the network's slope changes, to double-double accuracy.

Nothing that is proved depends on it: a missed or misplaced breakpoint makes the proof's radius
larger, never wrong.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.arithmetic.double_double import DoubleDouble, affine, factor, split, two_sum
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore

Interval = tuple[float, float]
Part = tuple[Interval, DoubleDouble]
"""An interval and its nodes."""

INTERVAL_NODES = 2**16
"""An interval with more nodes is halved; this bounds the memory."""
PROBES = 16
PROBE_LENGTHS = tuple(2.0**-power for power in (30, 25, 20, 15, 10))
"""Pieces are first counted on so many intervals, each so long in proportion to its share."""
ENOUGH = 1000
"""Once so many are counted, longer intervals are not tried."""
MARGIN = 1.25
"""By what factor an estimated number of pieces must exceed a limit to be believed to."""
UNEVEN = 0.236
"""By how much of half an interval cuts are moved."""
SMALLEST_STEP = 2.0**-98
"""Breakpoints closer to a node than this, relative to the domain, are left to the radius."""


@dataclass(frozen=True)
class Finder:
    """Finds the nodes of cells on which a network is affine but for a negligible radius.

    A change of a wire moves the output by at most its gain times as much. Kinks that move the
    output by at most ``negligible`` may be left out.
    """

    network: Network
    gains: dict[int, float]
    negligible: float

    @classmethod
    def of(cls, network: Network, negligible: float = 0.0) -> Finder:
        """Prepare a network."""
        network.require_float64("proof piece by piece")
        gains = defaultdict(float, {network.units + 1: 1.0})
        for row in reversed(network.computed):
            for weight, wire in row.terms:
                gains[wire] += gains[row.number] * abs(weight)
        return cls(network, dict(gains), negligible)

    def nodes(self, start: FloatArray, limit: int) -> DoubleDouble | None:
        """Return ``start`` and every breakpoint between, ascending; None if more than ``limit``."""
        nodes = DoubleDouble(start, np.zeros_like(start))
        live = {0: nodes}
        with np.errstate(all="ignore"):
            for row in self.network.computed[:-1]:
                terms = [(weight, factor(live[wire])) for weight, wire in row.terms]
                live[row.number] = affine(terms, row.bias, live[0].hi)
                for wire in row.finished:
                    if wire:
                        del live[wire]
                live = self._split(live, row.number)
                if len(live[0].hi) > limit:
                    return None
                live[row.number] = _relu(live[row.number])
        return DoubleDouble(live[0].hi.copy(), live[0].lo.copy())  # else all wires stay in memory

    def intervals(self, ends: Interval, limit: int) -> Iterator[Part]:
        """Yield an interval in parts, each with its nodes, at most ``INTERVAL_NODES`` of them.

        Stops early once more than ``limit`` nodes were yielded.
        """
        pending, count = [ends], 0
        while pending and count <= limit:
            a, b = pending.pop()
            nodes = self.nodes(np.array([a, b]), INTERVAL_NODES)
            middle = a + (b - a) / 2
            if nodes is None and a < middle < b:
                pending += [(middle, b), (a, middle)]
            else:
                nodes = nodes or DoubleDouble(np.array([a, b]), np.zeros(2))
                count += len(nodes.hi)
                yield (a, b), nodes

    def _split(self, live: dict[int, DoubleDouble], wire: int) -> dict[int, DoubleDouble]:
        """Insert the zeros of a wire as nodes, and interpolate all live wires there."""
        value, x = live[wire], live[0]
        left, right = value.hi[:-1], value.hi[1:]
        cells = np.flatnonzero((left < 0) & (right > 0) | (left > 0) & (right < 0))
        if cells.size:
            kink = 1 / (1 / np.abs(left[cells]) + 1 / np.abs(right[cells]))
            cells = cells[kink * self.gains[wire] > self.negligible]
        if not cells.size:
            return live
        (a, b), (x_left, x_right) = ((_take(v, cells), _take(v, cells + 1)) for v in (value, x))
        ratio = _divide(a, _subtract(a, b))
        at = _interpolate(x_left, x_right, ratio)
        inside = _clearly_below(x_left, at) & _clearly_below(at, x_right)
        cells, ratio = cells[inside], _take(ratio, inside)
        refined = _insert(live, cells, ratio)
        for half in refined[wire]:
            half[cells + 1 + np.arange(len(cells))] = 0
        return refined


def subintervals(domain: Interval, count: int) -> list[Interval]:
    """Cut a domain into ``count`` intervals of similar length, or fewer if it is tiny.

    Not evenly: breakpoints are apt to lie at even fractions of the domain, and one at a cut would
    be taken for an end.
    """
    a, b = domain
    middle, half = a / 2 + b / 2, b / 2 - a / 2
    inner = (middle + half * ((2 * i - count + UNEVEN) / count) for i in range(1, count))
    cuts = [a, *sorted({cut for cut in inner if a < cut < b}), b]
    return list(pairwise(cuts))


def probes(domain: Interval, length: float) -> list[Interval]:
    """Return a few intervals all over a domain that make up so much of it, in proportion."""
    a, b = domain
    width = (b - a) / PROBES
    starts = (a + width * (index + 0.618) for index in range(PROBES))
    ends = ((start, start + width * length) for start in starts)
    return [(start, end) for start, end in ends if a <= start < end <= b]


def estimated_pieces(finder: Finder, domain: Interval) -> float:
    """Extrapolate the number of breakpoints from short intervals, in about a second."""
    for length in PROBE_LENGTHS:
        parts = [part for ends in probes(domain, length) for part in finder.intervals(ends, ENOUGH)]
        count = sum(len(nodes.hi) - 2 for _, nodes in parts)
        covered = sum(b - a for (a, b), _ in parts)
        if count >= ENOUGH:
            break
    return count / covered * (domain[1] - domain[0]) if covered else 0.0


def with_widest(nodes: DoubleDouble, widest: float) -> DoubleDouble:
    """Cut cells that are wider than ``widest`` evenly; the new nodes are float64."""
    widths = np.diff(nodes.hi)
    parts = np.maximum(np.ceil(widths / widest), 1).astype(np.int64)
    cell = np.repeat(np.arange(len(widths)), parts - 1)
    if not cell.size:
        return nodes
    first = np.cumsum(parts - 1) - (parts - 1)
    step = np.arange(1, len(cell) + 1) - first[cell]
    cuts = nodes.hi[cell] + widths[cell] * (step / parts[cell])
    fresh = np.append(True, np.diff(cuts) > 0)
    inside = (nodes.hi[cell] < cuts) & (cuts < nodes.hi[cell + 1]) & fresh
    at = cell[inside] + 1
    return DoubleDouble(np.insert(nodes.hi, at, cuts[inside]), np.insert(nodes.lo, at, 0.0))


@dataclass(frozen=True)
class Pieces:
    """All pieces of a network in a domain, kept in memory.

    ``parts`` are consecutive intervals with their nodes, the ends and the breakpoints between; None
    where there are too many. ``expected`` is how many pieces there are, found or estimated.
    """

    domain: Interval
    parts: tuple[Part, ...] | None
    expected: float = 0.0

    @classmethod
    def of(
        cls, network: Network, domain: Interval, limit: int, progress: Progress = ignore
    ) -> Pieces:
        """Find all pieces, unless there are more than ``limit`` or estimated to be clearly more."""
        return cls.estimated(network, domain).found(network, limit, progress)

    @classmethod
    def estimated(cls, network: Network, domain: Interval) -> Pieces:
        """Estimate how many pieces there are, in about a second; the first step of ``of``."""
        return cls(domain, None, estimated_pieces(Finder.of(network), domain))

    def found(self, network: Network, limit: int, progress: Progress = ignore) -> Pieces:
        """Find all pieces, as ``of`` does, after they were estimated."""
        if self.expected > MARGIN * limit:
            return self
        finder, ends = Finder.of(network), subintervals(self.domain, 64)
        parts: list[Part] = []
        count = 1
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            searched = pool.map(lambda part: list(finder.intervals(part, limit)), ends)
            for index, found in enumerate(searched, start=1):
                parts += found
                count += sum(len(nodes.hi) - 2 for _, nodes in found)
                if count > limit:
                    pool.shutdown(cancel_futures=True)
                    return Pieces(self.domain, None, max(self.expected, count))
                progress(index / len(ends))
        return Pieces(self.domain, tuple(parts), count)

    @property
    def breakpoints(self) -> FloatArray | None:
        """The breakpoints, ascending, both ends of the domain included, rounded to float64."""
        if self.parts is None:
            return None
        inner = [nodes.hi[1:-1] for _, nodes in self.parts]
        return np.unique(np.concatenate([np.array(self.domain), *inner]))


def _relu(value: DoubleDouble) -> DoubleDouble:
    return DoubleDouble(np.maximum(value.hi, 0), np.where(value.hi > 0, value.lo, 0))


def _take(value: DoubleDouble, index: npt.NDArray[np.generic]) -> DoubleDouble:
    return DoubleDouble(value.hi[..., index], value.lo[..., index])


def _insert(
    live: dict[int, DoubleDouble], cells: IntArray, ratio: DoubleDouble
) -> dict[int, DoubleDouble]:
    """Add a node inside each of the cells, at the given ratio of its width, to all live wires."""
    stack = DoubleDouble(*map(np.stack, zip(*live.values(), strict=True)))
    between = _interpolate(_take(stack, cells), _take(stack, cells + 1), ratio)
    high = np.insert(stack.hi, cells + 1, between.hi, axis=1)
    low = np.insert(stack.lo, cells + 1, between.lo, axis=1)
    return {wire: DoubleDouble(high[row], low[row]) for row, wire in enumerate(live)}


def _interpolate(a: DoubleDouble, b: DoubleDouble, ratio: DoubleDouble) -> DoubleDouble:
    return _add(a, _multiply(ratio, _subtract(b, a)))


def _clearly_below(a: DoubleDouble, b: DoubleDouble) -> npt.NDArray[np.bool_]:
    return _subtract(b, a).hi > SMALLEST_STEP * (np.abs(b.hi) + 1)


def _add(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    high, low = two_sum(a.hi, b.hi)
    return _normalised(high, low + (a.lo + b.lo))


def _subtract(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    return _add(a, DoubleDouble(-b.hi, -b.lo))


def _multiply(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    product = a.hi * b.hi
    (a1, a2), (b1, b2) = split(a.hi), split(b.hi)
    error = ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
    return _normalised(product, error + (a.hi * b.lo + a.lo * b.hi))


def _divide(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    quotient = a.hi / b.hi
    rest = _subtract(a, _multiply(b, DoubleDouble(quotient, np.zeros_like(quotient))))
    return _normalised(quotient, rest.hi / b.hi)


def _normalised(high: FloatArray, low: FloatArray) -> DoubleDouble:
    total = high + low
    return DoubleDouble(total, low - (total - high))
