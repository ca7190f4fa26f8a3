"""The error at finitely many points: what can be seen, which is not what can be proved.

The reference for float64 is numpy's sin or cos; exactly, the error is enclosed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import NamedTuple

import numpy as np
from mpmath import MPContext, libmp

from sinrelu.arithmetic import FloatArray
from sinrelu.certify import DOMAIN
from sinrelu.certify.pieces import Pieces, most_pieces
from sinrelu.evaluate import program
from sinrelu.evaluate.enclosed import cost, enclosed_error
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore
from sinrelu.target import DEFAULT, Target

Domain = tuple[float, float]
GRID_STEPS = 2**21
"""Steps of the uniform grid that stands in for breakpoints where they are too many."""
RANDOM_POINTS = 10**6
EVALUATIONS = 10**9
"""Fewer points of either sort are taken where points times numbers of the network are more."""
SEED = 20180601
WINDOWS = 1500
"""The worst point of each of so many runs of consecutive points is evaluated exactly."""
LANDMARKS = 500
"""Zeros and extrema that are evaluated exactly, at most."""
LOOK_STEPS, LOOK_WINDOWS, LOOK_LANDMARKS = 2**12, 24, 24
"""What a first look is content with."""
MULTIPRECISION_POINTS = 2000
EXTRA_BITS = 64
"""Points of a multiprecision network have so many places more than the tolerance."""
NARROW = Fraction(1, 2**60)
"""Enclosures are so much narrower than the tolerance, and than ``SMALL``."""
SMALL = Fraction(1, 2**50)
ENCLOSING = 2**25
"""Fewer points are enclosed where their number times ``cost`` is more."""
BLOCK = 2**17


@dataclass(frozen=True)
class Curve:
    """The error N(x) − f(x) as float64 sees it, at ascending points.

    ``breakpoints``, of shape (P+1,), include both ends of the domain; None where they are too many.
    ``x`` and ``error`` have shape (n,): breakpoints and middles of pieces, or a uniform grid, and
    an error that is NaN or infinite where float64 overflows in the network. ``more_than`` is the
    number that was too many, None if pieces were not looked for.
    """

    breakpoints: FloatArray | None
    x: FloatArray
    error: FloatArray
    function: str = "sin"
    more_than: int | None = None

    @property
    def pieces(self) -> int | None:
        """Pieces in the domain, or None where they were not enumerated."""
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
    """Find all pieces of a network, unless there are more than ``most_pieces``."""
    return Pieces.of(network, domain, most_pieces(network), progress)


def first_look(network: Network, target: Target, tol: Fraction) -> Sample:
    """Evaluate a network at a few points: enough to see that it is quite another function."""
    x = np.linspace(*target.cover, _points(network, LOOK_STEPS, EVALUATIONS // 8) + 1)
    error = float64_error(network, x, function=target.function)
    seen = _Seen(x, error).within(target)
    chosen = [seen.worst_of_each(LOOK_WINDOWS), landmarks(target.cover, LOOK_LANDMARKS)]
    curve = Curve(None, x, error, target.function)
    exact = _enclose(network, target, tol, chosen, work=ENCLOSING // 8)
    return Sample(exact, seen.worst, curve)


def take_sample(
    network: Network,
    pieces: Pieces,
    target: Target = DEFAULT,
    tol: Fraction = SMALL,
    progress: Progress = ignore,
) -> Sample:
    """Evaluate a network all over the target's domain, where its pieces were looked for.

    In float64 at every breakpoint and the middle of every piece (at a uniform grid where they are
    not known) and at ``RANDOM_POINTS`` points of a fixed seed; exactly at the worst of them all
    over the domain, at some of the random points, and at zeros and extrema of f.
    """
    function = target.function
    curve = error_curve(network, pieces, _part(progress, 0.0, 0.5), function)
    x = np.random.default_rng(SEED).uniform(*target.cover, _points(network, RANDOM_POINTS))
    error = float64_error(network, x, _part(progress, 0.5, 0.6), function)
    along, random = (_Seen(*of).within(target) for of in ((curve.x, curve.error), (x, error)))
    few, both = WINDOWS // 3, _Seen(*map(np.concatenate, zip(along, random, strict=True)))
    chosen = [along.worst_of_each(WINDOWS), random.worst_of_each(few), random.x[:few]]
    chosen.append(landmarks(target.cover))
    exact = _enclose(network, target, tol, chosen, _part(progress, 0.6, 1.0))
    return Sample(exact, both.worst, curve)


class _Seen(NamedTuple):
    """Points, ascending or random, and the errors there in float64."""

    x: FloatArray
    error: FloatArray

    def within(self, target: Target) -> _Seen:
        """Return those in the domain itself, which its cover may exceed."""
        low, high = target.floats
        inside = (low <= self.x) & (self.x <= high)
        return _Seen(self.x[inside], self.error[inside])

    def worst_of_each(self, windows: int) -> FloatArray:
        """Return one point of each of ``windows`` runs; a NaN counts as worst."""
        size = max(1, -(-len(self.x) // windows))
        starts = range(0, len(self.x), size)
        worst = (s + np.argmax(np.abs(self.error[s : s + size])) for s in starts)
        return self.x[list(worst)]

    @property
    def worst(self) -> Worst | None:
        """The largest error, if there are any; a NaN counts as infinite."""
        if not self.x.size:
            return None
        size = np.nan_to_num(np.abs(self.error), nan=math.inf, posinf=math.inf)
        at = int(np.argmax(size))
        return Worst(float(size[at]), float(self.x[at]), len(self.x))


def _points(network: Network, most: int, evaluations: int = EVALUATIONS) -> int:
    """Return how many points a network is evaluated at, at least 64."""
    return min(most, max(64, evaluations // network.size))


def _enclose(
    network: Network,
    target: Target,
    tol: Fraction,
    chosen: list[FloatArray],
    progress: Progress = ignore,
    work: int = ENCLOSING,
) -> Enclosed:
    """Enclose the error at those of the points that are in the domain, or else at its ends."""
    low, high = target.floats
    points = [Fraction(x) for x in np.unique(np.concatenate(chosen)).tolist() if low <= x <= high]
    return enclose_worst(network, points or target.inner, tol, target.function, progress, work)


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
    points: Sequence[Fraction],
    tol: Fraction,
    function: str = "sin",
    progress: Progress = ignore,
    work: int = ENCLOSING,
) -> Enclosed:
    """Enclose the error at dyadic points, and return the largest.

    Where that would be long work, only at some of the points, from the first to the last.
    """
    radius = min(tol, SMALL) * NARROW
    points = points[:: -(-len(points) * cost(network, radius, points) // work)]
    worst = Enclosed(Fraction(-1), Fraction(-1), Fraction(0), len(points))
    seen = enclosed_error(network, points, radius, function)
    for number, (x, lower, upper) in enumerate(seen, start=1):
        worst = replace(worst, upper=max(upper, worst.upper))
        if lower > worst.lower:
            worst = replace(worst, lower=lower, x=x)
        progress(number / len(points))
    return worst


def error_curve(
    network: Network, pieces: Pieces, progress: Progress = ignore, function: str = "sin"
) -> Curve:
    """Return the error at all breakpoints and middles of pieces, or on a grid if too many."""
    found = pieces.breakpoints
    steps = _points(network, GRID_STEPS)
    x = np.linspace(*pieces.domain, steps + 1) if found is None else with_middles(found)
    many = most_pieces(network) if found is None else None
    return Curve(found, x, float64_error(network, x, progress, function), function, many)


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


def landmarks(domain: Domain, most: int = LANDMARKS) -> FloatArray:
    """Return the ends of a domain and multiples of π/2 in it, evenly chosen if they are many."""
    first, last = (math.floor(end / (math.pi / 2)) for end in domain)
    multiples = np.unique(np.linspace(first, last + 1, most).round()) * (math.pi / 2)
    inside = multiples[(domain[0] <= multiples) & (multiples <= domain[1])]
    return np.concatenate([domain, inside])


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Return the progress of a step that takes the whole from ``begin`` to ``end``."""
    return lambda fraction: progress(begin + (end - begin) * fraction)
