"""The error at finitely many points: what can be seen, which is not what can be proved.

The reference for float64 is numpy's sin or cos, for the exact evaluator mpmath's at 50 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.certify import DOMAIN
from sinrelu.certify.pieces import Pieces
from sinrelu.evaluate import exact_error, program
from sinrelu.network import Network
from sinrelu.progress import Progress, ignore

Domain = tuple[float, float]

REFERENCES: dict[str, Callable[[FloatArray], FloatArray]] = {"sin": np.sin, "cos": np.cos}

MAX_PIECES = 5_000_000
"""Above this many, breakpoints are not enumerated and a uniform grid stands in for them."""
GRID_STEPS = 2**21
RANDOM_POINTS = 10**6
SEED = 20180601
WINDOWS = 1500
"""The worst point of each of so many runs of consecutive points is evaluated exactly."""
LANDMARKS = 500
"""Zeros and extrema that are evaluated exactly, at most."""
BLOCK = 2**17


@dataclass(frozen=True)
class Curve:
    """The error N(x) − f(x) as float64 sees it, at ascending points.

    Attributes
    ----------
    breakpoints : (P+1,) float64 or None
        All breakpoints and both ends of the domain; None where there are too many.
    x : (n,) float64
        Breakpoints and the middles of pieces, or a uniform grid.
    error : (n,) float64
        NaN or infinite where float64 overflows in the network.
    function : str
        f, ``sin`` or ``cos``.
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
    """The largest |N(x) − f(x)| that was seen, where, and among how many points."""

    error: float
    x: float
    points: int


@dataclass(frozen=True)
class Sample:
    """What was seen: in float64 at millions of points, in exact arithmetic at thousands."""

    domain: Domain
    curve: Curve
    float64: Worst
    exact: Worst


def find_pieces(network: Network, domain: Domain = DOMAIN, progress: Progress = ignore) -> Pieces:
    """Find all pieces of a network, unless there are more than ``MAX_PIECES``."""
    return Pieces.of(network, domain, MAX_PIECES, progress)


def take_sample(
    network: Network, pieces: Pieces, progress: Progress = ignore, function: str = "sin"
) -> Sample:
    """Evaluate a network all over the domain in which its pieces were found.

    In float64 at every breakpoint and the middle of every piece (at a uniform grid where there are
    more than ``MAX_PIECES``) and at ``RANDOM_POINTS`` points of a fixed seed; exactly at the worst
    of them all over the domain, at some of the random points, and at zeros and extrema of f.
    """
    domain = pieces.domain
    curve = error_curve(network, pieces, _part(progress, 0.0, 0.5), function)
    scattered = np.random.default_rng(SEED).uniform(*domain, RANDOM_POINTS)
    scattered_error = float64_error(network, scattered, _part(progress, 0.5, 0.6), function)
    float64 = max(
        _worst(curve.x, curve.error), _worst(scattered, scattered_error), key=lambda w: w.error
    )
    chosen = (
        _worst_of_each_window(curve.x, curve.error, WINDOWS),
        _worst_of_each_window(scattered, scattered_error, WINDOWS // 3),
        scattered[: WINDOWS // 3],
        landmarks(domain),
    )
    points = np.unique(np.concatenate(chosen))
    exact = _worst_exactly(network, points, _part(progress, 0.6, 1.0), function)
    seen = len(curve.x) + len(scattered)
    return Sample(domain, curve, replace(float64, points=seen), exact)


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
    run, reference = program(network), REFERENCES[function]
    error = np.empty_like(x)
    with np.errstate(all="ignore"):
        for start in range(0, len(x), BLOCK):
            part = slice(start, start + BLOCK)
            error[part] = run(x[part]) - reference(x[part])
            progress(min(1.0, (start + BLOCK) / len(x)))
    return error


def with_middles(ends: FloatArray) -> FloatArray:
    """Return the ends of consecutive intervals and, between them, the middles."""
    points = np.empty(2 * len(ends) - 1)
    points[::2] = ends
    points[1::2] = ends[:-1] + np.diff(ends) / 2
    return points


def _worst_of_each_window(x: FloatArray, error: FloatArray, windows: int) -> FloatArray:
    """Return one point of each of ``windows`` runs; a NaN counts as worst."""
    size = -(-len(x) // windows)
    starts = range(0, len(x), size)
    return np.array([x[s + np.argmax(np.abs(error[s : s + size]))] for s in starts])


def landmarks(domain: Domain) -> FloatArray:
    """Return the ends of a domain and multiples of π/2 in it, evenly chosen if they are many."""
    first, last = (math.floor(end / (math.pi / 2)) for end in domain)
    multiples = np.unique(np.linspace(first, last + 1, LANDMARKS).round()) * (math.pi / 2)
    inside = multiples[(domain[0] <= multiples) & (multiples <= domain[1])]
    return np.concatenate([domain, inside])


def _worst(x: FloatArray, error: FloatArray) -> Worst:
    at = int(np.argmax(np.abs(error)))
    seen = abs(float(error[at]))
    return Worst(math.inf if math.isnan(seen) else seen, float(x[at]), len(x))


def _worst_exactly(
    network: Network, points: FloatArray, progress: Progress, function: str
) -> Worst:
    worst = Worst(-1.0, math.nan, len(points))
    errors = exact_error(network, points.tolist(), function=function)
    for count, (x, error) in enumerate(errors, start=1):
        if abs(error) > worst.error:
            worst = Worst(float(abs(error)), float(x), len(points))
        progress(count / len(points))
    return worst


def _part(progress: Progress, begin: float, end: float) -> Progress:
    """Return the progress of a step that takes the whole from ``begin`` to ``end``."""
    return lambda fraction: progress(begin + (end - begin) * fraction)
