"""The error at finitely many points: what can be seen, which is not what can be proved.

The reference for float64 is numpy's sin or cos; exactly, the error is enclosed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random
from typing import NamedTuple

import numpy as np
from mpmath import MPContext, libmp

from sinrelu.arithmetic import FloatArray
from sinrelu.certify import DOMAIN
from sinrelu.certify.claim import Claim
from sinrelu.certify.pieces import Pieces, most_pieces
from sinrelu.certify.prover import Plan, prove
from sinrelu.certify.survey import Survey
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
WINDOWS = 600
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
RUNS = 64
"""The extremes of so many runs of a block's nodes are kept."""
BLOCK = 2**17


@dataclass(frozen=True)
class Curve:
    """The error N(x) − f(x) as float64 sees it, at ascending points, the ends of a domain included.

    ``x`` and ``error`` have shape (n,); an error is NaN or infinite where float64 overflows.
    """

    x: FloatArray
    error: FloatArray
    function: str = "sin"


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
    """What was seen: exactly at thousands of points; at millions in float64, where weights are.

    ``pieces`` is how many there are in the domain, where all were found; ``on_grid`` says that they
    were too many, and a uniform grid was taken for them. ``curve`` is the error where it was seen.
    """

    exact: Enclosed
    float64: Worst | None = None
    pieces: int | None = None
    on_grid: bool = False
    curve: Curve | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Observer:
    """Sees the error in float64 at the nodes of a proof, and in the middles between.

    Of each block of nodes it returns the extremes of some runs, and how many points there were.
    """

    network: Network
    target: Target
    backend: str | None = None

    def __call__(self, nodes: FloatArray) -> Seen:
        """Look at ascending nodes, of shape (n,)."""
        x = with_middles(nodes)
        error = float64_error(self.network, x, self.target.function, self.backend)
        seen = Seen(x, error, len(x)).within(self.target)
        return seen.extremes_of_each(RUNS)


def find_pieces(network: Network, domain: Domain = DOMAIN, progress: Progress = ignore) -> Pieces:
    """Find all pieces of a network, unless there are more than ``most_pieces``."""
    return Pieces.of(network, domain, most_pieces(network), progress)


def first_look(network: Network, target: Target, tol: Fraction) -> Sample:
    """Evaluate a network at a few points: enough to see that it is quite another function."""
    x = np.linspace(*target.cover, _points(network, LOOK_STEPS, EVALUATIONS // 8) + 1)
    seen = _seen(network, target, x)
    chosen = [seen.worst_of_each(LOOK_WINDOWS).x, landmarks(target.cover, LOOK_LANDMARKS)]
    exact = _enclose(network, target, tol, chosen, work=ENCLOSING // 8)
    return Sample(exact, seen.worst, curve=curve_of(network, seen, target))


def take_sample(
    network: Network,
    survey: Survey,
    target: Target = DEFAULT,
    tol: Fraction = SMALL,
    progress: Progress = ignore,
) -> Sample:
    """Evaluate a network all over the target's domain, which an ``Observer`` has seen before.

    In float64 at ``RANDOM_POINTS`` points of a fixed seed, and at a uniform grid if not all nodes
    of the domain were seen; exactly at the worst points of all over the domain, at some of the
    random points, and at zeros and extrema of f.
    """
    x = np.random.default_rng(SEED).uniform(*target.cover, _points(network, RANDOM_POINTS))
    random = _seen(network, target, x)
    progress(0.2)
    if survey.seen:
        along = Seen.joined(survey.seen)
    else:
        grid = np.linspace(*target.cover, _points(network, GRID_STEPS) + 1)
        along = _seen(network, target, grid)
    progress(0.4)
    few = WINDOWS // 3
    chosen = [along.worst_of_each(WINDOWS).x, random.worst_of_each(few).x, random.x[:few]]
    chosen.append(landmarks(target.cover))
    exact = _enclose(network, target, tol, chosen, _part(progress, 0.4, 1.0))
    worst = Seen.joined([along, random]).worst
    curve = curve_of(network, along, target)
    return Sample(exact, worst, survey.pieces if survey.seen else None, not survey.seen, curve)


def curve_of(network: Network, seen: Seen, target: Target) -> Curve:
    """Return the error at ascending points that were seen, and at the ends of the cover."""
    ends = np.array(target.cover)
    left, right = float64_error(network, ends, function=target.function)
    inside = (ends[0] < seen.x) & (seen.x < ends[1])
    x = np.concatenate([ends[:1], seen.x[inside], ends[1:]])
    return Curve(x, np.concatenate([[left], seen.error[inside], [right]]), target.function)


class Seen(NamedTuple):
    """Points, ascending or random, and the errors there in float64, out of so many."""

    x: FloatArray
    error: FloatArray
    points: int

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        """Return what was seen here and there."""
        x, error = (np.concatenate(values) for values in list(zip(*parts, strict=True))[:2])
        return cls(x, error, sum(part.points for part in parts))

    def within(self, target: Target) -> Seen:
        """Return those in the domain itself, which its cover may exceed."""
        low, high = target.floats
        inside = (low <= self.x) & (self.x <= high)
        return Seen(self.x[inside], self.error[inside], int(inside.sum()))

    def extremes_of_each(self, runs: int) -> Seen:
        """Return where the error is least and where it is largest, of each of so many runs."""
        size = max(1, -(-len(self.x) // runs))
        whole = len(self.x) // size * size
        parts = (slice(0, whole), (-1, size)), (slice(whole, None), (1, -1))
        kept = [np.zeros(0, np.int64)]
        for part, shape in parts:
            if len(error := self.error[part]):
                rows = error.reshape(shape)
                starts = part.start + np.arange(len(rows)) * size
                kept += [starts + rows.argmin(axis=1), starts + rows.argmax(axis=1)]
        at = np.unique(np.concatenate(kept))
        return Seen(self.x[at], self.error[at], self.points)

    def worst_of_each(self, runs: int) -> Seen:
        """Return one point of each of so many runs; a NaN counts as worst."""
        size = max(1, -(-len(self.x) // runs))
        starts = range(0, len(self.x), size)
        worst = [s + int(np.argmax(np.abs(self.error[s : s + size]))) for s in starts]
        return Seen(self.x[worst], self.error[worst], self.points)

    @property
    def worst(self) -> Worst | None:
        """The largest error, if there are any; a NaN counts as infinite."""
        if not self.x.size:
            return None
        size = np.nan_to_num(np.abs(self.error), nan=math.inf, posinf=math.inf)
        at = int(np.argmax(size))
        return Worst(float(size[at]), float(self.x[at]), self.points)


def _seen(network: Network, target: Target, x: FloatArray) -> Seen:
    error = float64_error(network, x, function=target.function)
    return Seen(x, error, len(x)).within(target)


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


def seen_curve(network: Network, target: Target = DEFAULT, progress: Progress = ignore) -> Curve:
    """Return the extremes of the error all over a domain: on all pieces, or on a uniform grid."""
    claim = Claim.of(network, SMALL, target.cover, target.inner, target.function)
    plan = Plan(observer=Observer(network, target), judged=False, progress=progress)
    if seen := prove(claim, plan)[1].seen:
        return curve_of(network, Seen.joined(seen), target)
    return error_curve(network, target.cover, function=target.function)


def error_curve(network: Network, domain: Domain = DOMAIN, function: str = "sin") -> Curve:
    """Return the error on a uniform grid."""
    x = np.linspace(*domain, _points(network, GRID_STEPS) + 1)
    return Curve(x, float64_error(network, x, function), function)


def float64_error(
    network: Network, x: FloatArray, function: str = "sin", backend: str | None = None
) -> FloatArray:
    """Return N(x) − f(x) for x of shape (n,), both in float64."""
    run, reference = program(network)._replace(backend=backend), getattr(np, function)
    error = np.empty_like(x)
    with np.errstate(all="ignore"):
        for start in range(0, len(x), BLOCK):
            part = slice(start, start + BLOCK)
            error[part] = run(x[part]) - reference(x[part])
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
