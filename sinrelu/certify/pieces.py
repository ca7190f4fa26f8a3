"""The untrusted finder of pieces: where the network's slope changes, to double-double accuracy.

Nothing that is proved depends on it: a missed or misplaced breakpoint makes the proof's radius
larger, never wrong.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Interval
from sinrelu.certify.breakpoints import STAGE, Block, advance
from sinrelu.kernels import NUMBA, NUMPY, on
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore
from sinrelu.steps import Steps

Part = tuple[Interval, DoubleDouble]
"""An interval and its nodes."""

BLOCK_NODES = {NUMPY: 2**15, NUMBA: 2**10}
"""Nodes that are carried through a network at a time: as many as a core's cache holds, but enough
for numpy to hide what its calls cost."""
HELD = 2**22
"""At most so many nodes times values held at a time; this bounds the memory."""
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
FEWEST = 2**9
"""Pieces to be expected in each part of a domain, if that is cut to find them."""
MAX_PIECES = 5_000_000
"""More are not enumerated; of a large network fewer."""
MARGIN = 1.25
"""By what factor an estimated number of pieces must exceed a limit to be believed to."""
UNEVEN = 0.236
"""By how much of half an interval cuts are moved."""


@dataclass(frozen=True)
class Finder:
    """Finds the nodes of cells on which a network is affine but for a negligible radius.

    A change of a step moves the output by at most its gain times as much. Kinks that move the
    output by at most ``negligible`` may be left out. Stage i is the steps from stages[i] to before
    stages[i+1], of which none reads another.
    """

    network: Network
    steps: Steps
    stages: IntArray
    gains: FloatArray
    negligible: float
    backend: str

    @classmethod
    def of(cls, network: Network, negligible: float = 0.0, backend: str = NUMPY) -> Finder:
        """Prepare a network."""
        network.require_float64("proof piece by piece")
        steps = network.steps
        with np.errstate(all="ignore"):
            gains = _gains(steps)
        return cls(network, steps, _stages(steps), gains, negligible, backend)

    def nodes(
        self, start: FloatArray, limit: int, gaps: BoolArray | None = None
    ) -> DoubleDouble | None:
        """Return ``start`` and every breakpoint between, ascending; None if more than ``limit``.

        Cells of ``start`` that are marked as gaps are not looked into.
        """
        if len(start) > limit:
            return None
        block = Block.of(self.steps, DoubleDouble(start, np.zeros_like(start)), limit, gaps)
        return block.nodes if self.advance(block) else None

    def blocks(self, ends: Interval, most: int | None = None) -> Iterator[DoubleDouble]:
        """Yield the nodes of an interval in runs; the last of one is the first of the next.

        However many there are, memory is for a few runs of at most ``most`` nodes.
        """
        widest = int(np.diff(self.stages).max(initial=0))
        most = max(most or nodes_at_once(self.network, self.backend), widest + 4)
        first = DoubleDouble(np.array(ends), np.zeros(2))
        pending = [Block.of(self.steps, first, most)]
        while pending:
            block = pending.pop()
            if self.advance(block):
                yield block.nodes
            else:
                pending += block.halves()

    def advance(self, block: Block) -> bool:
        """Carry a block through the stages; False if it has no room for the nodes of the next."""
        with np.errstate(all="ignore"):
            advanced = on(self.backend, advance)
            advanced(self.steps, self.stages, self.gains, self.negligible, block)
        return int(block.place[STAGE]) == len(self.stages) - 1


def _gains(steps: Steps) -> FloatArray:
    gains = np.zeros(len(steps.target) + 1)
    gains[-1] = 1.0
    for step in range(len(steps.target), 0, -1):
        for k in range(steps.first[step - 1], steps.first[step]):
            gains[steps.reads[k]] += gains[step] * abs(steps.weight[k])
    return gains


def _stages(steps: Steps) -> IntArray:
    """Return where runs of steps begin that do not read each other, and where the last one ends."""
    begins = [0]
    for step in range(len(steps.target) - 1):
        reads = steps.reads[steps.first[step] : steps.first[step + 1]]
        if step > begins[-1] and max(reads.tolist(), default=0) > begins[-1]:
            begins.append(step)
    if len(steps.target) > 1:
        begins.append(len(steps.target) - 1)
    return np.array(begins, np.int64)


def nodes_at_once(network: Network, backend: str = NUMPY) -> int:
    """Return how many nodes all live values of a network may be held at."""
    return max(4, min(BLOCK_NODES[backend], HELD // network.most_live))


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
def threads(backend: str = NUMPY) -> Iterator[ThreadPoolExecutor]:
    """Start a thread for each processor; what still runs at an interruption is not waited for.

    For numpy one alone: its many short calls would wait for each other.
    """
    pool = ThreadPoolExecutor(os.cpu_count() if backend == NUMBA else 1)
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


def joined(runs: Sequence[DoubleDouble]) -> DoubleDouble:
    """Join runs of nodes, each of which begins where the one before ends."""
    halves = zip(*((run.hi[1:], run.lo[1:]) for run in runs), strict=True)
    ends = (runs[0].hi[:1], runs[0].lo[:1])
    return DoubleDouble(
        *(np.concatenate([end, *half]) for end, half in zip(ends, halves, strict=True))
    )


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
        finder = Finder.of(network)
        expected = estimated_pieces(finder, domain)
        if expected > MARGIN * limit:
            return cls(domain, None, expected)
        most = min(64, most_parts(network), 1 + int(expected) // FEWEST)
        ends, parts, count = subintervals(domain, most), [], 1
        with threads() as pool:
            searched = pool.map(lambda part: list(finder.blocks(part)), ends)
            for index, (part, found) in enumerate(zip(ends, searched, strict=True), start=1):
                nodes = joined(found)
                parts.append((part, nodes))
                count += len(nodes.hi) - 2
                if count > limit:
                    return cls(domain, None, max(expected, count))
                progress(index / len(ends))
        return cls(domain, tuple(parts), count)

    @property
    def breakpoints(self) -> FloatArray | None:
        """The breakpoints, ascending, both ends of the domain included, rounded to float64."""
        if self.parts is None:
            return None
        inner = [nodes.hi[1:-1] for _, nodes in self.parts]
        return np.unique(np.concatenate([np.array(self.domain), *inner]))
