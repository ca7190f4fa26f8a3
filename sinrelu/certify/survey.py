"""A domain is cut into parts, and every part is streamed: find nodes, bound cells, drop them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from typing import Any, NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Deviation, Interval, Judge, blocks_of, deviations
from sinrelu.certify.counterexample import Span
from sinrelu.certify.pieces import (
    PROBES,
    Finder,
    affordable,
    most_parts,
    probes,
    subintervals,
    threads,
    with_widest,
)
from sinrelu.certify.rounding import CELLS
from sinrelu.kernels import NUMBA, NUMPY
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore

Observer = Callable[[FloatArray], Any]
"""What is shown the nodes of the cells, block by block, and returns what it saw."""

BUDGET = {NUMPY: 20_000_000, NUMBA: 200_000_000}
"""Cells after which a proof is given up, unless told otherwise; fewer for a large network."""
WORK = {NUMPY: 1.6e10, NUMBA: 2e11}
"""What a proof may cost, unless told otherwise: cells times numbers of the network."""
NEGLIGIBLE = 2.0**-20
"""Kinks that move the output by less than this part of the resolution are absorbed: all of them
together, as each unit has its share."""
LARGE, FEWEST_CELLS = 40, 256
"""A network is large if a proof may have only so many times the usual cells of no kink."""
PROBED, LONGEST_PROBE = 2.0**-7, 2.0**-10
"""So much of the budget, and at most so much of the domain, is searched where no proof is tried."""
PROBE_CELLS = 1000
"""In fewer intervals if they would have fewer cells each."""


@dataclass(frozen=True)
class Partition:
    """How the domain is cut before the pieces are found; any partition gives a valid proof.

    Into so many ``parts``, the units of work; no cell is wider than one of ``cells`` equal ones.
    """

    parts: int
    cells: int


USUAL = Partition(parts=64, cells=2**15)


class Task(NamedTuple):
    """One part of the domain, ready for any worker; nothing is bounded without a judge."""

    finder: Finder
    judge: Judge | None
    observer: Observer | None
    ends: Interval
    widest: float = math.inf
    budget: int = 0


class Finding(NamedTuple):
    """What is known of an interval: ``bound`` holds on all of ``span``, and comes from ``cell``.

    ``evaluation`` bounds what rounding adds at the floats of ``span``, ``slope`` the slopes between
    nodes. ``kinks`` are the
    breakpoints found inside of parts, ``seen`` what an observer saw.
    """

    bound: float
    radius: float
    evaluation: float
    slope: float
    cells: int
    kinks: int
    cell: Span
    span: Interval
    seen: tuple[Any, ...] = ()

    def __or__(self, other: Finding) -> Finding:
        """Join two; the span grows only if the other one begins where this one ends."""
        worse = other if other.bound > self.bound else self
        last = other if other.span[0] == self.span[1] else self
        return worse._replace(
            radius=max(self.radius, other.radius),
            evaluation=max(self.evaluation, other.evaluation),
            slope=max(self.slope, other.slope),
            cells=self.cells + other.cells,
            kinks=self.kinks + other.kinks,
            span=(self.span[0], last.span[1]),
            seen=self.seen + other.seen,
        )


@dataclass(frozen=True)
class Survey:
    """What became known of the parts of a domain, where so many cells were expected."""

    domain: Interval
    needed: float
    findings: tuple[Finding, ...]

    @property
    def complete(self) -> bool:
        """Whether all of the domain was seen."""
        return bool(self.findings) and self.total.span == self.domain

    @cached_property
    def total(self) -> Finding:
        """All findings together; there must be some."""
        return reduce(Finding.__or__, self.findings)

    @property
    def seen(self) -> tuple[Any, ...]:
        """What the observer saw, if it saw all of the domain."""
        return self.total.seen if self.complete else ()

    @property
    def pieces(self) -> int | None:
        """How many pieces there are, if all of them were found."""
        return self.total.kinks + 1 if self.complete else None

    def suspects(self, most: int) -> list[Span]:
        """Return the cells with the largest bounds, at most one of a part."""
        worst = sorted(self.findings, key=lambda finding: finding.bound, reverse=True)
        return [finding.cell for finding in worst[:most]]


def usual_budget(network: Network, backend: str = NUMPY) -> int:
    """Return after how many cells a proof is given up unless told otherwise."""
    return min(BUDGET[backend], affordable(network, WORK[backend]))


def is_large(network: Network, cells: int = USUAL.cells) -> bool:
    """Whether so many cells are a large part of what a proof may cost."""
    return affordable(network, WORK[NUMPY]) < LARGE * cells


def fitted(partition: Partition, network: Network, domain: Interval, tol: Fraction) -> Partition:
    """Return a partition of fewer parts, and cells, for a network where each is much work.

    On a cell of width w the bound is within w³/16 of the error: what curvature leaves open.
    """
    cells = partition.cells
    if is_large(network, cells):
        enough = (domain[1] - domain[0]) / math.cbrt(max(float(tol), sys.float_info.min) / 64)
        cells = min(cells, max(FEWEST_CELLS, math.ceil(min(enough, cells))))
    return Partition(min(partition.parts, most_parts(network)), cells)


def tasks(pattern: Task, partition: Partition, needed: float, budget: int) -> list[Task]:
    """Cut the domain of a task into parts; if too many cells are needed, take a few intervals."""
    domain = pattern.ends
    pattern = pattern._replace(
        widest=max((domain[1] - domain[0]) / partition.cells, sys.float_info.min), budget=budget
    )
    if needed == math.inf:  # even a pass over the network is too much
        return []
    parts = subintervals(domain, partition.parts)
    if needed > budget:
        share = PROBED * budget
        count = max(1, min(PROBES, round(share / PROBE_CELLS)))
        few = probes(domain, min(LONGEST_PROBE, share / needed), count)
        parts = few or [domain]  # it may be too short to probe
    return [pattern._replace(ends=ends) for ends in parts]


def survey(
    todo: list[Task],
    domain: Interval,
    needed: float,
    executor: Executor | None = None,
    progress: Progress = ignore,
) -> Survey:
    """Examine the parts, in threads unless there is an executor, until the budget is spent."""
    backend = todo[0].finder.backend if todo else NUMPY
    with nullcontext(executor) if executor else threads(backend) as workers:
        futures = [workers.submit(examine, task) for task in todo]
        return Survey(domain, needed, tuple(_until_spent(todo, futures, progress)))


def examine(task: Task) -> Finding:
    """Go through one part, block by block; where the budget ends before it, the span is empty."""
    start = (task.ends[0], task.ends[0])
    found = Finding(
        -math.inf, 0.0, 0.0, 0.0, 0, -1, (Fraction(start[0]), Fraction(start[0])), start
    )
    kinks = []

    def runs() -> Iterator[DoubleDouble]:
        for nodes in task.finder.blocks(task.ends):
            kinks.append(len(nodes.hi) - 1)
            yield with_widest(nodes, task.widest)

    for nodes, deviation in _bounded(task, runs()):
        found |= _finding(task, nodes, deviation, start)
        if found.cells > task.budget:
            return found
    return found._replace(kinks=sum(kinks) - 1, span=task.ends)


def _bounded(task: Task, runs: Iterator[DoubleDouble]) -> Iterator[tuple[DoubleDouble, Deviation]]:
    """Yield nodes and what is known between them, nothing if there is no judge."""
    if task.judge:
        yield from deviations(task.judge, task.ends, runs)
        return
    for nodes in blocks_of(runs, CELLS):
        unknown = np.full(1, math.inf)
        yield nodes, Deviation(unknown, unknown, math.inf)


def _finding(task: Task, nodes: DoubleDouble, found: Deviation, span: Interval) -> Finding:
    at = int(np.argmax(found.bound))
    left, right = (Fraction(nodes.hi[i]) + Fraction(nodes.lo[i]) for i in (at, at + 1))
    bound, radius = float(found.bound[at]), float(np.max(found.radius))
    seen = (task.observer(nodes.hi),) if task.observer else ()
    cells = len(nodes.hi) - 1
    known = (bound, radius, found.evaluation, found.slope)
    return Finding(*known, cells, 0, (left, right), span, seen)


def _until_spent(
    todo: list[Task], futures: list[Future[Finding]], progress: Progress
) -> Iterator[Finding]:
    """Yield findings in order; stop after the one that exceeds the budget."""
    cells = 0
    try:
        for index, (task, future) in enumerate(zip(todo, futures, strict=True), start=1):
            finding = future.result()
            cells += finding.cells
            yield finding
            if cells > task.budget:
                return
            progress(index / len(futures))
    finally:
        for future in futures:
            future.cancel()
