"""From a network to a verdict: cut the domain, bound every cell, look for a witness."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from operator import itemgetter
from platform import python_version
from typing import Any, NamedTuple

import numpy as np

from sinrelu import __version__
from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.arithmetic.numbers import count, number, positive
from sinrelu.arithmetic.rounding import decimal_above, float_above, float_below
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify.bound import deviation
from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED, Certificate
from sinrelu.certify.counterexample import Span, worst_in_cell, worst_of
from sinrelu.certify.pieces import (
    PROBES,
    Finder,
    Interval,
    Pieces,
    affordable,
    most_parts,
    probes,
    subintervals,
    threads,
    with_widest,
)
from sinrelu.certify.rounding import BINARY32, BINARY64, Format, Rounding
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.precision import FLOAT32, FLOAT64
from sinrelu.progress import Progress, ignore

Parts = Sequence[tuple[Interval, DoubleDouble | None]]

FORMATS = {FLOAT64: BINARY64, FLOAT32: BINARY32}

PI_UP = math.nextafter(math.pi, 4)
DOMAIN = (-PI_UP, PI_UP)
"""[−π, π] and a little more: its ends are the floats just outside."""
BUDGET = 20_000_000
"""Cells after which a proof is given up, unless told otherwise; fewer for a large network."""
WORK = 1.6e10
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
SUSPECTS = 6
"""Parts with the largest bounds, in which a witness is sought; in a large network only one."""


@dataclass(frozen=True)
class Partition:
    """How the domain is cut before the pieces are found; any partition gives a valid proof.

    Into so many ``parts``, the units of work; no cell is wider than one of ``cells`` equal ones.
    """

    parts: int
    cells: int


USUAL = Partition(parts=64, cells=2**15)


@dataclass(frozen=True)
class Claim:
    """What is judged: |N(x) − f(x)| ≤ tol on a domain. A witness has to lie in ``inner``."""

    network: Network
    tol: Fraction
    domain: Interval
    inner: Span
    function: str

    @classmethod
    def of(
        cls, network: Network, tol: object, domain: Interval, inner: Span | None, function: str
    ) -> Claim:
        """Check what is to be judged; a RequestError if it cannot be."""
        quarter_turns(function)
        limit = positive(tol, "tol")
        low, high = (number(end, "domain") for end in domain)
        a, b = float_below(low), float_above(high)
        if not -LIMIT <= a < b <= LIMIT:
            raise RequestError(f"domain: {[a, b]} is not an interval within ±{LIMIT:g}")
        inner = inner or (Fraction(a), Fraction(b))
        if not a <= inner[0] <= inner[1] <= b:
            raise RequestError("witness_domain: must be an interval within the domain")
        return cls(network, limit, (a, b), inner, function)

    def witness(self, points: Iterable[Fraction]) -> tuple[Fraction, Fraction]:
        """Return (x, lower bound of the error) for the worst point that may be a witness."""
        inside = [x for x in points if self.inner[0] <= x <= self.inner[1]]
        return worst_of(self.network, inside or [self.inner[0]], self.tol, self.function)

    def judged(self, witness: tuple[Fraction, Fraction], **known: Any) -> Certificate:
        """Return a certificate of what is known, by a witness alone unless more is."""
        x, error = witness
        nothing = dict.fromkeys(("sup_error", "radius", "evaluation_error"), math.inf)
        known = {"cells": 0, "pieces": 0, **nothing, **known}
        shown = PROVED if known["sup_error"] <= self.tol else INCONCLUSIVE
        return Certificate(
            verdict=REFUTED if error > self.tol else shown,
            tol=self.tol,
            function=self.function,
            domain=self.domain,
            witness_domain=self.inner,
            lower_bound=float_below(error),
            witness=x,
            evaluation=FLOAT64,
            sha256=self.network.sha256,
            remark="",
            versions={
                "sinrelu": __version__,
                "numpy": np.__version__,
                "python": python_version(),
            },
            **known,
        )


class Task(NamedTuple):
    """One part of the domain, ready to be sent to any worker; with its nodes if known."""

    finder: Finder
    ends: Interval
    nodes: DoubleDouble | None
    widest: float
    budget: int
    function: str
    rounding: Rounding | None


class Finding(NamedTuple):
    """What is known of an interval: ``bound`` holds on all of ``span``, and comes from ``cell``.

    ``evaluation`` bounds what rounding adds at the floats of ``span``.
    """

    bound: float
    radius: float
    cells: int
    pieces: int
    cell: tuple[Fraction, Fraction]
    span: Interval
    evaluation: float = math.inf

    def __or__(self, other: Finding) -> Finding:
        """Join two; the span grows only if the other one begins where this one ends."""
        worse = other if other.bound > self.bound else self
        last = other if other.span[0] == self.span[1] else self
        return worse._replace(
            radius=max(self.radius, other.radius),
            cells=self.cells + other.cells,
            pieces=self.pieces + other.pieces,
            span=(self.span[0], last.span[1]),
            evaluation=max(self.evaluation, other.evaluation),
        )


def certify(  # noqa: PLR0913 - what is judged, and how; all but the first two have a default
    network: Network,
    tol: object,
    *,
    domain: Interval = DOMAIN,
    witness_domain: Span | None = None,
    function: str = "sin",
    partition: Partition = USUAL,
    pieces: Pieces | None = None,
    budget: int | None = None,
    evaluation: str | None = None,
    resolution: float | None = None,
    executor: Executor | None = None,
    progress: Progress = ignore,
) -> Certificate:
    """Judge |N(x) − f(x)| ≤ tol for every real x in a domain.

    Any network will do: how it was built plays no part. tol is a positive number of any kind, or
    its text, taken exactly; the domain is a closed interval of ends at most 2²⁰ in
    magnitude, and rounded outwards. A witness lies in ``witness_domain``, two dyadic numbers, where
    what is meant is not all of the domain. Pieces that were found or estimated before, on this
    network and domain, save doing it again; they are trusted as little as the finder. After
    ``budget`` cells, by default ``usual_budget``, the proof stops with ``inconclusive``; where more
    are to be expected, only a few short intervals are searched for a witness. ``evaluation``, if it
    is ``float64`` or ``float32``, asks for a bound of what rounding adds there. Kinks far below
    ``resolution``, by default tol, may be absorbed by the bound. Parts run in
    ``executor``, by default in a thread for each processor, and the result is the same in every
    one; ``progress`` is told the fraction of them that is done.

    A RequestError is raised if tol, the domain or the function cannot be judged or the budget is
    not positive, an ArithmeticAssumptionError if float64 is not what the proof assumes.
    """
    claim = Claim.of(network, tol, domain, witness_domain, function)
    budget = usual_budget(network) if budget is None else count(budget, "budget")
    pieces = pieces or Pieces.estimated(network, claim.domain)
    partition = fitted(partition, network, claim.domain, claim.tol)
    needed = cells_needed(pieces, partition)
    rounding = Rounding.of(network, _format(evaluation)) if evaluation else None
    fine = float(claim.tol if resolution is None else resolution)
    tasks = _tasks(claim, partition, pieces, needed, budget, rounding, fine)
    with nullcontext(executor) if executor else threads() as workers:
        futures = [workers.submit(examine, task) for task in tasks]
        findings = list(_until(budget, futures, progress))
    return replace(_judge(claim, findings, needed), evaluation=evaluation or FLOAT64)


def _format(evaluation: str) -> Format:
    if evaluation not in FORMATS:
        raise RequestError(f"evaluation: {evaluation!r} is unknown; choose from {list(FORMATS)}")
    return FORMATS[evaluation]


def usual_budget(network: Network) -> int:
    """Return after how many cells a proof is given up unless told otherwise."""
    return min(BUDGET, affordable(network, WORK))


def is_large(network: Network, cells: int = USUAL.cells) -> bool:
    """Whether so many cells are a large part of what a proof may cost."""
    return affordable(network, WORK) < LARGE * cells


def fitted(partition: Partition, network: Network, domain: Interval, tol: Fraction) -> Partition:
    """Return a partition of fewer parts, and cells, for a network where each is much work.

    On a cell of width w the bound is within w³/16 of the error: what curvature leaves open.
    """
    cells = partition.cells
    if is_large(network, cells):
        enough = (domain[1] - domain[0]) / math.cbrt(max(float(tol), sys.float_info.min) / 64)
        cells = min(cells, max(FEWEST_CELLS, math.ceil(min(enough, cells))))
    return Partition(min(partition.parts, most_parts(network)), cells)


def cells_needed(pieces: Pieces, partition: Partition = USUAL) -> float:
    """Return how many cells a proof takes: one a piece, and those cut off wide ones."""
    return pieces.expected + partition.cells


def refutation(
    network: Network,
    tol: object,
    x: Fraction,
    *,
    domain: Interval = DOMAIN,
    witness_domain: Span | None = None,
    function: str = "sin",
) -> Certificate:
    """Judge |N(x) − f(x)| ≤ tol by one dyadic x: ``refuted`` if it is a witness.

    The rest is as in ``certify``; nothing is bounded.
    """
    claim = Claim.of(network, tol, domain, witness_domain, function)
    return claim.judged(claim.witness([x]))


def _tasks(
    claim: Claim,
    partition: Partition,
    pieces: Pieces,
    needed: float,
    budget: int,
    rounding: Rounding | None,
    resolution: float,
) -> list[Task]:
    """Cut the domain into parts; where no proof is tried, take a few short intervals of it."""
    network, domain = claim.network, claim.domain
    finder = Finder.of(network, negligible=resolution * NEGLIGIBLE / (network.units + 1))
    widest = max((domain[1] - domain[0]) / partition.cells, sys.float_info.min)
    if needed == math.inf:  # even a pass over the network is too much
        return []
    if needed > budget:
        share = PROBED * budget
        count = max(1, min(PROBES, round(share / PROBE_CELLS)))
        few = probes(domain, min(LONGEST_PROBE, share / needed), count)
        parts: Parts = [(ends, None) for ends in few or [domain]]  # it may be too short to probe
    else:
        uncut = subintervals(domain, partition.parts)
        parts = pieces.parts or [(ends, None) for ends in uncut]
    how = (widest, budget, claim.function, rounding)
    return [Task(finder, ends, nodes, *how) for ends, nodes in parts]


def examine(task: Task) -> Finding:
    """Bound one part."""
    known = task.nodes and [(task.ends, task.nodes)]
    intervals = known or task.finder.intervals(task.ends, task.budget)
    return reduce(Finding.__or__, (_bounded(task, ends, nodes) for ends, nodes in intervals))


def _bounded(task: Task, ends: Interval, found: DoubleDouble) -> Finding:
    nodes = with_widest(found, task.widest)
    result = deviation(task.finder.network, ends, nodes, task.function, task.rounding)
    at = int(np.argmax(result.bound))
    left, right = (Fraction(nodes.hi[i]) + Fraction(nodes.lo[i]) for i in (at, at + 1))
    bound, radius = float(result.bound[at]), float(np.max(result.radius))
    counts = len(result.bound), len(found.hi) - 2
    return Finding(bound, radius, *counts, (left, right), ends, result.evaluation)


def _until(budget: int, futures: list[Future[Finding]], progress: Progress) -> Iterator[Finding]:
    """Yield findings in order; stop after the one that exceeds the budget."""
    cells = 0
    try:
        for index, future in enumerate(futures, start=1):
            finding = future.result()
            cells += finding.cells
            yield finding
            if cells > budget:
                return
            progress(index / len(futures))
    finally:
        for future in futures:
            future.cancel()


def _judge(claim: Claim, findings: list[Finding], needed: float) -> Certificate:
    if not findings:
        remark = f"a proof needs {cells_text(needed)}"
        return replace(claim.judged(claim.witness(claim.inner)), remark=remark)
    total = reduce(Finding.__or__, findings)
    complete = total.span == claim.domain
    found = claim.judged(
        _witness(claim, findings),
        sup_error=total.bound if complete else math.inf,
        cells=total.cells,
        pieces=total.pieces + 1,
        radius=total.radius,
        evaluation_error=total.evaluation if complete else math.inf,
    )
    remark = _shortfall(total, complete, needed)
    return replace(found, remark=remark) if found.verdict == INCONCLUSIVE else found


def _witness(claim: Claim, findings: list[Finding]) -> tuple[Fraction, Fraction]:
    """Return (x, error) of the largest exact error in the most suspicious cells."""
    most = 1 if is_large(claim.network) else SUSPECTS
    suspects = sorted(findings, key=lambda finding: finding.bound, reverse=True)[:most]
    low, high = claim.inner
    cells = ((max(low, cell[0]), min(cell[1], high)) for cell in (f.cell for f in suspects))
    found = [
        worst_in_cell(claim.network, cell, claim.tol, claim.function, claim.inner)
        for cell in cells
        if cell[0] <= cell[1]
    ]
    return max(found, key=itemgetter(1)) if found else claim.witness(claim.inner)


def cells_text(needed: float) -> str:
    """Say how many cells a proof takes."""
    return f"about {needed:.2g} cells" if math.isfinite(needed) else "too many cells to be counted"


def _shortfall(total: Finding, complete: bool, needed: float) -> str:
    if not complete:
        return (
            f"stopped after {total.cells} cells; a proof needs {cells_text(needed)}: "
            f"raise --budget, or judge by --sampled alone"
        )
    return (
        f"the bound {decimal_above(total.bound, 4)} exceeds the tolerance, and no x was found "
        f"where the error does; {decimal_above(total.radius, 2)} of the bound covers rounding and "
        f"unresolved kinks"
    )
