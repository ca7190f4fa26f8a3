"""The untrusted finder of pieces: where the network's slope changes, to double-double accuracy.

Nothing that is proved depends on it: a missed or misplaced breakpoint makes the proof's radius
larger, never wrong.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.arithmetic.double_double import DoubleDouble, affine, factor, split, two_sum
from sinrelu.network import Computed, Network
from sinrelu.progress import Progress, ignore

Interval = tuple[float, float]
BoolArray = npt.NDArray[np.bool_]
Part = tuple[Interval, DoubleDouble]
"""An interval and its nodes."""

INTERVAL_NODES = 2**16
"""An interval with more nodes is halved."""
HELD = 2**22
"""Likewise where nodes times values held at a time are more; this bounds the memory."""
OVERHEAD = 2**12
"""What a pass over a network costs besides its nodes, in nodes."""
WORK = 3e9
"""What finding pieces may cost: nodes times numbers of the network."""
PARTS_WORK = 2**17
"""A domain is cut in fewer parts where parts times numbers of the network are more."""
PROBES = 16
PROBE_LENGTHS = tuple(2.0**-power for power in (5, 10, 15, 20, 25, 30))
"""Pieces are first counted on so many intervals, each so long in proportion to its share."""
ENOUGH = 2**15
"""Where more are found there, shorter intervals are tried."""
MAX_PIECES = 5_000_000
"""More are not enumerated; of a large network fewer."""
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
    stages: Sequence[Sequence[Computed]]
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
        return cls(network, tuple(_stages(network.computed[:-1])), dict(gains), negligible)

    def nodes(
        self, start: FloatArray, limit: int, gaps: BoolArray | None = None
    ) -> DoubleDouble | None:
        """Return ``start`` and every breakpoint between, ascending; None if more than ``limit``.

        Cells of ``start`` that are marked as gaps are not looked into.
        """
        gaps = np.zeros(len(start) - 1, np.bool_) if gaps is None else gaps
        live = {0: DoubleDouble(start, np.zeros_like(start))}
        with np.errstate(all="ignore"):
            for stage in self.stages:
                live = self._with_forms(live, stage)
                zeros = self._zeros(live, [row.number for row in stage], gaps)
                if len(live[0].hi) + len(zeros.cells) > limit:
                    return None
                if zeros.cells.size:
                    live = _insert(live, zeros)
                    gaps = np.insert(gaps, zeros.cells + 1, False)
                live |= {row.number: _relu(live[row.number]) for row in stage}
        return DoubleDouble(live[0].hi.copy(), live[0].lo.copy())  # else all wires stay in memory

    def _with_forms(
        self, live: dict[int, DoubleDouble], stage: Sequence[Computed]
    ) -> dict[int, DoubleDouble]:
        """Compute the forms of a stage; drop what is read no more, but for the input."""
        factors = {wire: factor(live[wire]) for row in stage for _, wire in row.terms}
        for row in stage:
            terms = [(weight, factors[wire]) for weight, wire in row.terms]
            live[row.number] = affine(terms, row.bias, live[0].hi)
        finished = {wire for row in stage for wire in row.finished} - {0}
        return {wire: value for wire, value in live.items() if wire not in finished}

    def intervals(self, ends: Interval, limit: int) -> Iterator[Part]:
        """Yield an interval in parts, each with its nodes, at most ``INTERVAL_NODES`` of them.

        Stops early once more than ``limit`` nodes were yielded.
        """
        pending, count, most = [ends], 0, nodes_at_once(self.network)
        while pending and count <= limit:
            a, b = pending.pop()
            nodes = self.nodes(np.array([a, b]), most)
            middle = a + (b - a) / 2
            if nodes is None and a < middle < b:
                pending += [(middle, b), (a, middle)]
            else:
                nodes = nodes or DoubleDouble(np.array([a, b]), np.zeros(2))
                count += len(nodes.hi)
                yield (a, b), nodes

    def _zeros(self, live: dict[int, DoubleDouble], wires: Sequence[int], gaps: BoolArray) -> Zeros:
        """Return where a stage's wires change their signs, ascending."""
        found = [self._zeros_of(live, wire, gaps) for wire in wires]
        return Zeros.joined([zeros for zeros in found if zeros is not None])

    def _zeros_of(self, live: dict[int, DoubleDouble], wire: int, gaps: BoolArray) -> Zeros | None:
        """Return where a wire changes its sign, but for what is negligible or at a node."""
        value, x = live[wire], live[0]
        left, right = value.hi[:-1], value.hi[1:]
        changes = (left < 0) & (right > 0) | (left > 0) & (right < 0)
        cells = np.flatnonzero(changes & ~gaps)
        if not cells.size:
            return None
        kink = 1 / (1 / np.abs(left[cells]) + 1 / np.abs(right[cells]))
        cells = cells[kink * self.gains[wire] > self.negligible]
        (a, b), (x_left, x_right) = ((_take(v, cells), _take(v, cells + 1)) for v in (value, x))
        ratio = _divide(a, _subtract(a, b))
        at = _interpolate(x_left, x_right, ratio)
        inside = _clearly_below(x_left, at) & _clearly_below(at, x_right)
        return Zeros(cells, *ratio, *at, np.full_like(cells, wire)).taken(inside)


class Zeros(NamedTuple):
    """Zeros of wires: in what cell, at what ratio of its width, at what x, and of which wire."""

    cells: IntArray
    ratio_hi: FloatArray
    ratio_lo: FloatArray
    x_hi: FloatArray
    x_lo: FloatArray
    wires: IntArray

    def taken(self, index: npt.NDArray[np.generic]) -> Zeros:
        """Return some of them."""
        return Zeros(*(values[index] for values in self))

    @classmethod
    def joined(cls, parts: Sequence[Zeros]) -> Zeros:
        """Return all of them ascending, without those that are too close to the one before."""
        if not parts:
            none, nowhere = np.empty(0), np.empty(0, np.int64)
            return cls(nowhere, none, none, none, none, nowhere)
        zeros = cls(*map(np.concatenate, zip(*parts, strict=True)))
        zeros = zeros.taken(np.lexsort((zeros.x_lo, zeros.x_hi)))
        hi, lo = zeros.x_hi, zeros.x_lo
        apart = _clearly_below(DoubleDouble(hi[:-1], lo[:-1]), DoubleDouble(hi[1:], lo[1:]))
        return zeros.taken(np.append(np.ones(1, np.bool_), apart)[: len(hi)])


def _stages(rows: Sequence[Computed]) -> Iterator[Sequence[Computed]]:
    """Yield runs of rows that do not read each other."""
    start = 0
    for index, row in enumerate(rows):
        if index > start and max((w for _, w in row.terms), default=0) >= rows[start].number:
            yield rows[start:index]
            start = index
    if rows:
        yield rows[start:]


def nodes_at_once(network: Network) -> int:
    """Return how many nodes all live values of a network may be held at."""
    return max(4, min(INTERVAL_NODES, HELD // network.most_live))


def affordable(network: Network, work: float) -> int:
    """Return how many nodes may be looked at for so much work."""
    return int(work / (_size(network) * (1 + OVERHEAD / nodes_at_once(network))))


def most_pieces(network: Network) -> int:
    """Return how many pieces are enumerated at most."""
    return min(MAX_PIECES, affordable(network, WORK))


def most_parts(network: Network) -> int:
    """Return in how many parts a domain may be cut: each is a pass over the network."""
    return max(2, PARTS_WORK // _size(network))


def _size(network: Network) -> int:
    return sum(len(row.terms) + 1 for row in network.computed)


@contextmanager
def threads() -> Iterator[ThreadPoolExecutor]:
    """Start a thread for each processor; what still runs at an interruption is not waited for."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


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


def probes(domain: Interval, length: float, count: int = PROBES) -> list[Interval]:
    """Return a few intervals all over a domain that make up so much of it, in proportion."""
    a, b = domain
    width = (b - a) / count
    starts = (a + width * (index + 0.618) for index in range(count))
    ends = ((start, start + width * length) for start in starts)
    return [(start, end) for start, end in ends if a <= start < end <= b]


def estimated_pieces(finder: Finder, domain: Interval) -> float:
    """Extrapolate the number of breakpoints from short intervals, all in one pass.

    As long ones as can be; infinite where even a pass is too much.
    """
    network = finder.network
    if affordable(network, WORK) < nodes_at_once(network):
        return math.inf
    limit = max(8 * PROBES, min(ENOUGH, nodes_at_once(network)))
    found = 0.0
    for length in PROBE_LENGTHS:
        ends = np.array(probes(domain, length)).reshape(-1)
        if not ends.size:  # the domain is too short for any
            break
        nodes = finder.nodes(ends, limit, np.arange(len(ends) - 1) % 2 == 1)
        count = limit if nodes is None else len(nodes.hi) - len(ends)
        found = count / np.sum(ends[1::2] - ends[::2]) * (domain[1] - domain[0])
        if nodes is not None:
            break
    return float(found)


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
        finder, ends = Finder.of(network), subintervals(self.domain, min(64, most_parts(network)))
        parts: list[Part] = []
        count = 1
        with threads() as pool:
            searched = pool.map(lambda part: list(finder.intervals(part, limit)), ends)
            for index, found in enumerate(searched, start=1):
                parts += found
                count += sum(len(nodes.hi) - 2 for _, nodes in found)
                if count > limit:
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


def _insert(live: dict[int, DoubleDouble], zeros: Zeros) -> dict[int, DoubleDouble]:
    """Add nodes to all live wires; each is exactly 0 at the zeros that are its own."""
    stack = DoubleDouble(*map(np.stack, zip(*live.values(), strict=True)))
    ratio, after = DoubleDouble(zeros.ratio_hi, zeros.ratio_lo), zeros.cells + 1
    between = _interpolate(_take(stack, zeros.cells), _take(stack, after), ratio)
    row = dict(zip(live, range(len(live)), strict=True))
    own = [row[wire] for wire in zeros.wires.tolist()], np.arange(len(after))
    for half in between:
        half[own] = 0
    high = np.insert(stack.hi, after, between.hi, axis=1)
    low = np.insert(stack.lo, after, between.lo, axis=1)
    return {wire: DoubleDouble(high[i], low[i]) for wire, i in row.items()}


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
