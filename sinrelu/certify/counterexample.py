"""Refutation: enclosures of a network's error at a dyadic x, in integers alone.

This is trusted for the verdict ``refuted``, with ``evaluate.enclosed`` and
``arithmetic.fixed_point``; it shares no code with the bound.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import itemgetter

from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.fixed_point import RADIUS, sine_and_cosine
from sinrelu.evaluate import evaluate_float32, evaluate_float64
from sinrelu.evaluate.enclosed import enclosed_difference, enclosed_error
from sinrelu.network import Network
from sinrelu.precision import FLOAT32, FLOAT64

Span = tuple[Fraction, Fraction]

PLACES = (80, 400)
"""Radii are so many binary places below what an error is compared with; 400 where 80 leave open
on which side it is."""
EVALUATED_BITS = 1010
POSITIONS = 2**20
"""The vertex of a parabola is looked for at one of so many places in a cell."""


def error_bounds(network: Network, x: Fraction, limit: Fraction, function: str = "sin") -> Span:
    """Return lower ≤ |N(x) − f(x)| ≤ upper at a dyadic x, at most 2⁻⁷⁷·limit apart, limit > 0.

    Either lower > limit or upper ≤ limit, unless the error is within 2⁻³⁹⁷·limit of the limit.
    """
    for places in PLACES:
        [(_, lower, upper)] = enclosed_error(network, [x], limit / 2**places, function)
        if lower > limit or upper <= limit:
            break
    return lower, upper


def evaluated_error(
    network: Network, x: float, function: str = "sin", precision: str = FLOAT64
) -> Fraction | float:
    """Return a lower bound of |fl(N)(x) − f(x)| at a number of a precision, ∞ if N overflows.

    It is what ``evaluate_float64`` or ``evaluate_float32`` computes, below the error there by less
    than 2⁻¹⁰⁰⁰.
    """
    evaluate = evaluate_float32 if precision == FLOAT32 else evaluate_float64
    value = float(evaluate(network, x))
    if not math.isfinite(value):
        return math.inf
    exact = sine_and_cosine(Fraction(x), EVALUATED_BITS)[quarter_turns(function)]
    off = abs(Fraction(value) * 2**EVALUATED_BITS - exact) - RADIUS
    lower: Fraction = max(off, Fraction(0)) / 2**EVALUATED_BITS
    return lower


def worst_in_cell(
    network: Network,
    cell: Span,
    limit: Fraction,
    function: str = "sin",
    inner: Span | None = None,
) -> tuple[Fraction, Fraction]:
    """Return (x, lower bound of the error) where it is largest, or nearly, on a cell of one piece.

    Tries the ends, the middle, and the vertex of the parabola through the three errors, and takes
    a float64 in place of a longer number where the error there is nearly the same. The float64 may
    be outside the cell, but not outside ``inner``, which holds the cell.
    """
    (left, right), (low, high) = cell, inner or cell
    points = [left, (left + right) / 2, right]
    seen = enclosed_difference(network, points, limit / 2 ** PLACES[0], function)
    first, middle, last = (difference.middle for _, difference in seen)
    bend = first - 2 * middle + last
    if bend:
        position = Fraction(1, 2) - (last - first) / (4 * bend)
        if 0 < position < 1:
            points.append(left + (right - left) * Fraction(round(position * POSITIONS), POSITIONS))
    best = worst_of(network, points, limit, function)
    floats = [x for x in map(Fraction, map(float, points)) if low <= x <= high]
    short = worst_of(network, floats, limit, function) if floats else best
    return short if short[1] * Fraction(1001, 1000) >= best[1] else best


def worst_of(
    network: Network, points: Sequence[Fraction], limit: Fraction, function: str
) -> tuple[Fraction, Fraction]:
    """Return (x, lower bound of the error) for the worst of some dyadic points.

    As in ``error_bounds``; the network is prepared once for all of them.
    """
    seen = list(enclosed_error(network, points, limit / 2 ** PLACES[0], function))
    worst, error, _ = max(seen, key=itemgetter(1))
    if error > limit:
        return worst, error
    undecided = [x for x, _, upper in seen if upper > limit]
    decided = [(x, error_bounds(network, x, limit, function)[0]) for x in undecided]
    return max([(worst, error), *decided], key=itemgetter(1))
