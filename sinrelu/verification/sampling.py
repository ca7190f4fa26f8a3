"""The error at finitely many points: what can be seen, which is not what can be proved.

The reference for float64 is numpy's sin or cos; exactly, the error is enclosed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import numpy as np
from mpmath import MPContext, libmp

from sinrelu.arithmetic import FloatArray
from sinrelu.certify import DOMAIN
from sinrelu.certify.pieces import Pieces
from sinrelu.evaluate import program
from sinrelu.evaluate.enclosed import enclosed_error
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore
from sinrelu.target import Target

Domain = tuple[float, float]
MAX_PIECES = 5_000_000
"""Above this many, breakpoints are not enumerated and a uniform grid stands in for them."""
GRID_STEPS = 2**21
RANDOM_POINTS = 10**6
SEED = 20180601
WINDOWS = 1500
"""The worst point of each of so many runs of consecutive points is evaluated exactly."""
LANDMARKS = 500
"""Zeros and extrema that are evaluated exactly, at most."""
MULTIPRECISION_POINTS = 2000
EXTRA_BITS = 64
"""Points of a multiprecision network have so many places more than the tolerance."""
NARROW = Fraction(1, 2**60)
"""Enclosures are so much narrower than the tolerance, and than ``SMALL``."""
SMALL = Fraction(1, 2**50)
BLOCK = 2**17


@dataclass(frozen=True)
class Curve:
    """The error N(x) − f(x) as float64 sees it, at ascending points.

    ``breakpoints``, of shape (P+1,), include both ends of the domain; None where they are too many.
    ``x`` and ``error`` have shape (n,): breakpoints and middles of pieces, or a uniform grid, and
    an error that is NaN or infinite where float64 overflows in the network.
    """

    breakpoints: FloatArray | None
    x: FloatArray
    error: FloatArray
    function: str = "sin"

    @property
    def pieces(self) -> int | None:
        """Pieces in the domain, or None where they were too many to enumerate."""
        return None if self.breakpoints is None else len(self.breakpoints) - 1


@dataclass(frozen=True)
class Worst:
    """The largest |N(x) − f(x)| that was seen in float64, where, and among how many points."""

    error: float
    x: float
    points: int


@dataclass(frozen=True)
class Enclosed:
    """The largest |N(x) − f(x)| seen exactly: ≥ ``lower`` at x, ≤ ``upper`` at all points."""

    lower: Fraction
    upper: Fraction
    x: Fraction
    points: int


@dataclass(frozen=True)
class Sample:
    """What was seen: exactly at thousands of points; at millions in float64, where weights are."""

    exact: Enclosed
    float64: Worst | None = None
    curve: Curve | None = None


def find_pieces(network: Network, domain: Domain = DOMAIN, progress: Progress = ignore) -> Pieces:
    """Find all pieces of a network, unless there are more than ``MAX_PIECES``."""
    return Pieces.of(network, domain, MAX_PIECES, progress)


def take_sample(
    network: Network,
    pieces: Pieces,
    progress: Progress = ignore,
    function: str = "sin",
    tol: Fraction = SMALL,
) -> Sample:
    """Evaluate a network all over the domain in which its pieces were found.

    In float64 at every breakpoint and the middle of every piece (at a uniform grid where there are
    more than ``MAX_PIECES``) and at ``RANDOM_POINTS`` points of a fixed seed; exactly at the worst
    of them all over the domain, at some of the random points, and at zeros and extrema of f.
    """
    curve = error_curve(network, pieces, _part(progress, 0.0, 0.5), function)
    x = np.random.default_rng(SEED).uniform(*pieces.domain, RANDOM_POINTS)
    error = float64_error(network, x, _part(progress, 0.5, 0.6), function)
    of_curve = _worst_of_each_window(curve.x, curve.error, WINDOWS)
    few = WINDOWS // 3
    chosen = (of_curve, _worst_of_each_window(x, error, few), x[:few], landmarks(pieces.domain))
    points = np.unique(np.concatenate(chosen)).tolist()
    exact = enclose_worst(network, points, tol, function, _part(progress, 0.6, 1.0))
    return Sample(exact, _worst((curve.x, curve.error), (x, error)), curve)


def sample_multiprecision(
    network: Network, target: Target, tol: Fraction, progress: Progress = ignore
) -> Sample:
    """Enclose the error at points of as many bits as the tolerance, of a fixed seed."""
    places = tol.denominator.bit_length() + EXTRA_BITS
    points = list(dyadic_points(target, places, MULTIPRECISION_POINTS))
    return Sample(enclose_worst(network, points, tol, target.function, progress))


def dyadic_points(target: Target, places: int, count: int) -> Iterator[Fraction]:
    """Yield dyadic points of a domain: right beside its ends, and drawn with a fixed seed.

    The ends themselves are not dyadic as a rule, and a float64 near them is outside.
    """
    numbers = MPContext()
    numbers.prec = 2 * places
    unit = Fraction(1, 1 << places)
    low, high = (Fraction(*libmp.to_rational(end._mpf_)) for end in target.ends(numbers))
    low, high = (low // unit + 2) * unit, (high // unit - 1) * unit
    yield from (low, high)
    random = Random(SEED)
    for _ in range(count - 2):
        yield (low + (high - low) * random.getrandbits(places) * unit) // unit * unit


def enclose_worst(
    network: Network,
    points: list[float] | list[Fraction],
    tol: Fraction,
    function: str = "sin",
    progress: Progress = ignore,
) -> Enclosed:
    """Enclose the error at dyadic points, and return the largest."""
    worst = Enclosed(Fraction(-1), Fraction(-1), Fraction(0), len(points))
    seen = enclosed_error(network, points, min(tol, SMALL) * NARROW, function)
    for number, (x, lower, upper) in enumerate(seen, start=1):
        if lower > worst.lower:
            worst = Enclosed(lower, max(upper, worst.upper), x, len(points))
        progress(number / len(points))
    return worst


def error_curve(
    network: Network, pieces: Pieces, progress: Progress = ignore, function: str = "sin"
) -> Curve:
    """Return the error at all breakpoints and middles of pieces, or on a grid if too many."""
    found = pieces.breakpoints
    x = np.linspace(*pieces.domain, GRID_STEPS + 1) if found is None else with_middles(found)
    return Curve(found, x, float64_error(network, x, progress, function), function)


def float64_error(
    network: Network, x: FloatArray, progress: Progress = ignore, function: str = "sin"
) -> FloatArray:
    """Return N(x) − f(x) for x of shape (n,), both in float64."""
    run, reference = program(network), getattr(np, function)
    error = np.empty_like(x)
    with np.errstate(all="ignore"):
        for start in range(0, len(x), BLOCK):
            part = slice(start, start + BLOCK)
            error[part] = run(x[part]) - reference(x[part])
            progress(min(1.0, (start + BLOCK) / len(x)))
    return error


def with_middles(ends: FloatArray) -> FloatArray:
    """Return the ends of consecutive intervals and, between them, the middles."""
    return np.insert(ends, range(1, len(ends)), ends[:-1] + np.diff(ends) / 2)


def landmarks(domain: Domain) -> FloatArray:
    """Return the ends of a domain and multiples of π/2 in it, evenly chosen if they are many."""
    first, last = (math.floor(end / (math.pi / 2)) for end in domain)
    multiples = np.unique(np.linspace(first, last + 1, LANDMARKS).round()) * (math.pi / 2)
    inside = multiples[(domain[0] <= multiples) & (multiples <= domain[1])]
    return np.concatenate([domain, inside])


def _worst_of_each_window(x: FloatArray, error: FloatArray, windows: int) -> FloatArray:
    """Return one point of each of ``windows`` runs; a NaN counts as worst."""
    size = -(-len(x) // windows)
    starts = range(0, len(x), size)
    return np.array([x[s + np.argmax(np.abs(error[s : s + size]))] for s in starts])


def _worst(*seen: tuple[FloatArray, FloatArray]) -> Worst:
    """Return the largest error of several curves; a NaN counts as infinite."""
    x, error = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    size = np.nan_to_num(np.abs(error), nan=math.inf, posinf=math.inf)
    at = int(np.argmax(size))
    return Worst(float(size[at]), float(x[at]), len(x))


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Return the progress of a step that takes the whole from ``begin`` to ``end``."""
    return lambda fraction: progress(begin + (end - begin) * fraction)
