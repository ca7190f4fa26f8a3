"""What each construction spends: one entry for each network, and tables of entries.

Beside the registry's constructions stands ``huybrechs``, the published recursion, which covers only
[0, π] and has layered wiring only.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_CEILING, Context
from fractions import Fraction
from itertools import groupby

import numpy as np

from sinrelu.certify import BUDGET, DOMAIN, certify
from sinrelu.certify.certificate import PROVED, REFUTED
from sinrelu.constructions import (
    CONSTRUCTIONS,
    FLOAT_TOL,
    WIRINGS,
    build,
    check_tol,
    huybrechs,
)
from sinrelu.constructions.fold_reflect.induction import prove
from sinrelu.constructions.fold_reflect.solver import smallest
from sinrelu.errors import RequestError
from sinrelu.evaluate import exact_error
from sinrelu.network import LAYERED, Network
from sinrelu.progress import Progress, ignore
from sinrelu.target import DEFAULT
from sinrelu.verification.sampling import SEED, Domain, float64_error

PEER, SOLVED = "huybrechs", "fold-reflect"
NAMES = (*CONSTRUCTIONS, PEER)
PEER_DOMAIN = (0.0, DOMAIN[1])
PEER_REMARK = f"{PEER} covers [0, π] only; all others cover [−π, π]"
POINTS, EXACT_POINTS, WIDE_POINTS = 2**19, 32, 1000
SAMPLED, COUNTED = "sampled", "counted"


@dataclass(frozen=True)
class Entry:
    """One network, counted on its graph.

    Attributes
    ----------
    construction, wiring, tol
        What was built.
    connections, biases, units, depth, width, dense_size
        As in ``Network``.
    sampled_float64, sampled_mpmath : float or None
        Largest error seen, in float64 and in exact arithmetic; None if not sampled.
    sup_error : float or None
        Proven bound of the error for every real x; None if none was shown.
    sha256 : str
        Of the graph.
    seconds : float
        Time to build it.
    """

    construction: str
    wiring: str
    tol: float
    connections: int
    biases: int
    units: int
    depth: int
    width: int
    dense_size: int | None
    sampled_float64: float | None
    sampled_mpmath: float | None
    sup_error: float | None
    sha256: str
    seconds: float

    @property
    def domain(self) -> Domain:
        """Where the network is meant to equal sin."""
        return PEER_DOMAIN if self.construction == PEER else DOMAIN

    @property
    def evidence(self) -> str:
        """``proved``: the tolerance was shown to hold; ``sampled``: it was seen to hold.

        ``refuted``: exact arithmetic sees a larger error; ``counted``: nobody looked.
        """
        if self.sup_error is not None and self.sup_error <= self.tol:
            return PROVED
        if self.sampled_mpmath is None:
            return COUNTED
        return SAMPLED if self.sampled_mpmath <= self.tol else REFUTED


def candidates(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield construction and wiring of every network to build."""
    for name in names:
        if name not in NAMES:
            raise RequestError(f"construction: {name!r} is unknown; choose from {', '.join(NAMES)}")
        yield from ((name, wiring) for wiring in ((LAYERED,) if name == PEER else WIRINGS))


def built(construction: str, wiring: str, tol: float) -> tuple[Entry, Network]:
    """Build a network and count it.

    Raises
    ------
    RequestError
        If the tolerance is out of range or of the construction's reach.
    """
    check_tol(tol)
    begin = time.perf_counter()
    network = _network(construction, wiring, tol)
    seconds = time.perf_counter() - begin
    counts = (network.connections, network.biases, network.units, network.depth, network.width)
    return Entry(
        construction,
        wiring,
        tol,
        *counts,
        dense_size=network.dense_size,
        sampled_float64=None,
        sampled_mpmath=None,
        sup_error=None,
        sha256=network.sha256,
        seconds=seconds,
    ), network


def sampled(entry: Entry, network: Network) -> Entry:
    """Add the largest error at ``POINTS`` random points of a fixed seed, and exactly at the worst.

    That is less than ``verify`` looks at; it takes seconds for any network. A wide one is only
    evaluated exactly, at ``WIDE_POINTS`` of them.
    """
    x = np.random.default_rng(SEED).uniform(*entry.domain, POINTS)
    if network.wide:
        exact = max(abs(error) for _, error in exact_error(network, x[:WIDE_POINTS].tolist()))
        return replace(entry, sampled_mpmath=float(exact))
    size = np.abs(float64_error(network, x))
    worst = x[np.argsort(size)[-EXACT_POINTS:]]
    exact = max(abs(error) for _, error in exact_error(network, worst.tolist()))
    return replace(entry, sampled_float64=float(size.max()), sampled_mpmath=float(exact))


def judged(
    entry: Entry, network: Network, budget: int = BUDGET, progress: Progress = ignore
) -> Entry:
    """Add what can be proved: with a number of cells, or, of a wide network, by induction."""
    if network.wide:
        bound = prove(network)
        shown = (
            bound is not None and bound.covers(DEFAULT) and bound.sup_error <= Fraction(entry.tol)
        )
        return replace(entry, sup_error=_rounded_up(bound.sup_error)) if bound and shown else entry
    proof = certify(network, entry.tol, domain=entry.domain, budget=budget, progress=progress)
    return replace(entry, sup_error=proof.sup_error if proof.verdict == PROVED else None)


def compare_all(
    tolerances: Sequence[float],
    names: Sequence[str] = NAMES,
    prove: bool = False,
    remark: Callable[[str], None] = lambda _: None,
) -> list[Entry]:
    """Build, count and sample every network, and prove its bound if asked to.

    What cannot be built is left out with a remark; so is said what is being done.

    Raises
    ------
    RequestError
        If a name is unknown, a tolerance out of range, or nothing can be built.
    """
    for tol in tolerances:
        check_tol(tol)
    wanted = list(candidates(names))
    entries = []
    for tol in tolerances:
        for construction, wiring in wanted:
            remark(f"{construction}, {wiring} wiring, tolerance {tol:g}")
            try:
                entry, network = built(construction, wiring, tol)
            except RequestError as error:
                remark(f"left out: {error}")
                continue
            entry = sampled(entry, network)
            entries.append(judged(entry, network) if prove else entry)
    if not entries:
        raise RequestError("nothing can be built for these tolerances")
    return entries


def _network(construction: str, wiring: str, tol: float) -> Network:
    if construction == PEER:
        return _peer(tol)
    if construction == SOLVED and tol < FLOAT_TOL:
        return smallest(tol, wiring=wiring).network
    return build(construction, wiring, tol)


def _rounded_up(bound: Fraction) -> float:
    nearest = float(bound)
    return nearest if Fraction(nearest) >= bound else math.nextafter(nearest, math.inf)


def _peer(tol: float) -> Network:
    """Build the published recursion with the fewest levels that its bound allows."""
    levels = next((n for n in range(1, 60) if huybrechs.error_bound(n) <= tol), None)
    if levels is None:
        raise RequestError(f"{tol}: no number of levels of {PEER} reaches this tolerance")
    return huybrechs.network(levels)


HEADINGS = (
    "construction",
    "wiring",
    "connections",
    "biases",
    "units",
    "depth",
    "width",
    "dense size",
    "sampled error",
    "sup error",
    "build s",
)


def bound_text(bound: float) -> str:
    """Write a proven bound with three digits, rounded up so that it stays one."""
    return f"{float(Context(prec=3, rounding=ROUND_CEILING).create_decimal(bound)):.3g}"


def cells(entry: Entry) -> tuple[str, ...]:
    """Return an entry as text under ``HEADINGS``."""
    return (
        entry.construction,
        entry.wiring,
        *(f"{n}" for n in (entry.connections, entry.biases, entry.units, entry.depth, entry.width)),
        "–" if entry.dense_size is None else f"{entry.dense_size}",
        "–" if entry.sampled_float64 is None else f"{entry.sampled_float64:.3g}",
        "–" if entry.sup_error is None else f"{bound_text(entry.sup_error)} proved",
        f"{entry.seconds:.2f}",
    )


def as_text(entries: Sequence[Entry]) -> str:
    """Return one aligned table for each tolerance."""
    rows = [HEADINGS, *map(cells, entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]

    def aligned(row: tuple[str, ...]) -> str:
        names = [f"{cell:<{width}}" for cell, width in zip(row[:2], widths, strict=False)]
        figures = [f"{cell:>{width}}" for cell, width in zip(row[2:], widths[2:], strict=True)]
        return "  ".join([*names, *figures]).rstrip()

    return _tables(entries, lambda group: [aligned(HEADINGS), *(aligned(cells(e)) for e in group)])


def as_markdown(entries: Sequence[Entry]) -> str:
    """Return one Markdown table for each tolerance."""
    rule = "|" + "---|" * 2 + "--:|" * (len(HEADINGS) - 2)

    def table(group: Sequence[Entry]) -> list[str]:
        return [_bars(HEADINGS), rule, *(_bars(cells(entry)) for entry in group)]

    return _tables(entries, table)


def as_json(entries: Sequence[Entry]) -> str:
    """Return one JSON object; its keys are those of ``verify --json``."""
    return json.dumps({"networks": [_as_dict(entry) for entry in entries]}, indent=2)


def _bars(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"


def _tables(entries: Sequence[Entry], table: Callable[[Sequence[Entry]], list[str]]) -> str:
    parts = []
    for tol, group in groupby(entries, key=lambda entry: entry.tol):
        parts.append("\n".join([f"tolerance {tol:g}", "", *table(list(group))]))
    if any(entry.construction == PEER for entry in entries):
        parts.append(PEER_REMARK)
    return "\n\n".join(parts)


def _as_dict(entry: Entry) -> dict[str, object]:
    values = asdict(entry)
    errors = {"float64": values.pop("sampled_float64"), "mpmath": values.pop("sampled_mpmath")}
    return {**values, "domain": list(entry.domain), "sampled_error": errors}
