"""Coarse tolerances: fold to a quarter wave, interpolate there, no gate but the sign's.

With X = x + π and K_i = relu(X − iπ/2), z = π/2 − X + 2K₁ − 2K₂ + 2K₃ lies in [0, π/2] and
sin |x| = cos z. A linear interpolant of cos z + ε on suitable knots, flat on the first piece, errs
by ε everywhere; the knots follow one another such that each chord falls 2ε short of the cosine.
Where x < 0 the sign is changed by a gate.

ε ≈ (1.198/4m)² for m knots, 2m + 16 connections: the best there is down to about 1e-4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from sinrelu.circuit import Affine, Circuit, relu
from sinrelu.constructions.base import Design
from sinrelu.errors import RequestError

GATE = 2
MOST_KNOTS = 40
COARSEST = 0.25


def chord_gap(a: float, b: float) -> float:
    """Return how far the chord of cos on [a, b] within [0, π/2] falls short of it at most."""
    slope = (math.cos(b) - math.cos(a)) / (b - a)
    touch = math.asin(min(1.0, -slope))
    return math.cos(touch) - (math.cos(a) + slope * (touch - a))


def next_knot(a: float, gap: float) -> float:
    """Return the b ≤ π/2 with chord_gap(a, b) = gap, or π/2 if the gap stays below."""
    low, high = a, math.pi / 2
    if chord_gap(a, high) <= gap:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if chord_gap(a, middle) > gap else (middle, high)
    return low


def knots_for(error: float) -> list[float] | None:
    """Return the knots in (0, π/2) for an error, or None if there would be too many."""
    knots = [math.acos(1 - 2 * error)]
    while (knot := next_knot(knots[-1], 2 * error)) < math.pi / 2:
        if len(knots) == MOST_KNOTS:
            return None
        knots.append(knot)
    return knots


@cache
def least_error(count: int) -> float:
    """Return the least error that so many knots reach, rounded up."""
    low, high = 0.0, COARSEST
    for _ in range(50):
        middle = (low + high) / 2
        knots = knots_for(middle) if middle > 0.05 / count**2 else None
        low, high = (middle, high) if knots is None or len(knots) > count else (low, middle)
    return high


def connections(count: int) -> int:
    """Return the connections with so many knots."""
    return 2 * count + 16


def circuit(knots: Sequence[float], error: float) -> Affine:
    """Write the network; every unit reads only the layer right before."""
    x = Circuit().input
    pi = x.circuit.numbers.pi
    whole, before, after = relu(x + pi), relu(x + pi / 2), relu(x - pi / 2)
    negative = relu(-x)
    # relu(x) = x + relu(−x), and x = whole − π
    z = relu(5 * pi / 2 - 3 * whole + 2 * before - 2 * negative + 2 * after)
    negative = relu(negative)
    total, slope, last, value = x.circuit.constant(1 - error), 0.0, knots[0], 1 - error
    signals = [relu(z - knot) for knot in knots]
    negative = relu(negative)
    for signal, knot in zip(signals, [*knots[1:], math.pi / 2], strict=True):
        end = math.cos(knot) + error
        steeper = (end - value) / (knot - last) - slope
        total += steeper * signal
        slope, last, value = slope + steeper, knot, end
    sine = relu(total)
    negative = relu(negative)
    gated = relu(sine - GATE * negative)
    return 2 * gated - relu(sine)


def design(tol: float) -> Design:
    """Choose the fewest knots.

    Raises
    ------
    RequestError
        If more than ``MOST_KNOTS`` would be needed.
    """
    knots = knots_for(min(tol, COARSEST))
    if knots is None:
        raise RequestError(f"{tol}: interpolation would need more than {MOST_KNOTS} knots")
    error = least_error(len(knots))
    fitted = knots_for(error) or knots
    return Design(circuit(fitted, error), error, {"knots": len(fitted)})
