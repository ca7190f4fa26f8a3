"""What each construction spends: one entry for each network, counted, sampled and proved."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np

from sinrelu.arithmetic.rounding import float_above
from sinrelu.certify import certify
from sinrelu.certify.certificate import PROVED, REFUTED
from sinrelu.constructions import CONSTRUCTIONS, build
from sinrelu.constructions.fold_reflect.induction import prove
from sinrelu.errors import RequestError, check_known
from sinrelu.evaluate import exact_error
from sinrelu.network import Network
from sinrelu.progress import Message, Progress, ignore
from sinrelu.target import tolerance
from sinrelu.verification.sampling import SEED, Domain, float64_error

NAMES = tuple(CONSTRUCTIONS)
POINTS, EXACT_POINTS, MULTIPRECISION_POINTS = 2**19, 32, 1000
FINEST = 1e-300
"""Tables hold tolerances as float64."""
SAMPLED, COUNTED = "sampled", "counted"


@dataclass(frozen=True)
class Entry:
    """One network, counted on its graph.

    Counts are as in ``Network``. ``sampled_float64`` and ``sampled_mpmath`` are the largest errors
    seen, in float64 and in exact arithmetic; ``sup_error`` is a proven bound for every real x. They
    are None where nothing was sampled or shown. ``seconds`` is the time to build it.
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
        return CONSTRUCTIONS[self.construction].target.cover

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
        check_known("construction", name, NAMES)
        yield from ((name, wiring) for wiring in CONSTRUCTIONS[name].wirings)


def built(construction: str, wiring: str, tol: object) -> tuple[Entry, Network]:
    """Build a network and count it; a RequestError if the tolerance is out of its reach."""
    if tolerance(tol) < FINEST:
        raise RequestError(f"tol: {tol} is below {FINEST:g}, the finest that tables hold")
    begin = time.perf_counter()
    network = build(construction, wiring, tol)
    seconds = time.perf_counter() - begin
    counts = (network.connections, network.biases, network.units, network.depth, network.width)
    measured = (network.dense_size, None, None, None)
    names = (construction, wiring, float(tolerance(tol)))
    return Entry(*names, *counts, *measured, network.sha256, seconds), network


def sampled(entry: Entry, network: Network) -> Entry:
    """Add the largest error at ``POINTS`` random points of a fixed seed, and exactly at the worst.

    That is less than ``verify`` looks at; it takes seconds for any network. A multiprecision one
    is only evaluated exactly, at ``MULTIPRECISION_POINTS`` of them.
    """
    x = np.random.default_rng(SEED).uniform(*entry.domain, POINTS)
    seen, chosen = None, x[:MULTIPRECISION_POINTS]
    if not network.multiprecision:
        size = np.abs(float64_error(network, x))
        seen, chosen = float(size.max()), x[np.argsort(size)[-EXACT_POINTS:]]
    exact = max(abs(error) for _, error in exact_error(network, chosen.tolist()))
    return replace(entry, sampled_float64=seen, sampled_mpmath=float(exact))


def judged(
    entry: Entry, network: Network, budget: int | None = None, progress: Progress = ignore
) -> Entry:
    """Add what can be proved: with a number of cells, or, of a multiprecision one, by induction."""
    target = CONSTRUCTIONS[entry.construction].target
    if network.multiprecision:
        bound = prove(network)
        if bound is None or not bound.covers(target) or bound.sup_error > Fraction(entry.tol):
            return entry
        return replace(entry, sup_error=float_above(bound.sup_error))
    proof = certify(network, entry.tol, domain=target.cover, budget=budget, progress=progress)
    return replace(entry, sup_error=proof.sup_error if proof.verdict == PROVED else None)


def compare_all(
    tolerances: Sequence[object],
    names: Sequence[str] = NAMES,
    prove: bool = False,
    remark: Message = ignore,
) -> list[Entry]:
    """Build, count and sample every network, and prove its bound if asked to.

    What cannot be built is left out with a remark; so is said what is being done. A RequestError is
    raised if a name is unknown, a tolerance out of range, or nothing can be built.
    """
    for tol in tolerances:
        tolerance(tol)
    entries = []
    for tol, (construction, wiring) in product(tolerances, candidates(names)):
        remark(f"{construction}, {wiring} wiring, tolerance {tol}")
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
