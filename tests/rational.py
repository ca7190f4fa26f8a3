"""Piecewise affine functions in rational arithmetic: the oracle for pieces and bound."""

from bisect import bisect_left
from fractions import Fraction
from itertools import pairwise

import flint
import numpy as np

from sinrelu.arithmetic.double_double import DoubleDouble


def refine(network, nodes):
    """Return the nodes and all breakpoints between them, and the output at each, exactly."""
    columns = [list(map(rational, nodes))]
    for row in network.rows:
        edges = list(zip(map(rational, row.weights), row.sources, strict=True))
        form = [rational(row.bias)] * len(columns[0])
        for weight, source in edges:
            form = [a + weight * b for a, b in zip(form, columns[source], strict=True)]
        columns.append(form)
        if len(columns) <= network.units + 1:
            columns = _with_zeros(columns)
            columns[-1] = [max(value, rational(0)) for value in columns[-1]]
    return [[Fraction(int(q.p), int(q.q)) for q in columns[at]] for at in (0, -1)]


def rational(number):
    """Return a number as FLINT has it, which takes a tenth of the time."""
    return flint.fmpq(*Fraction(number).as_integer_ratio())


def _with_zeros(columns):
    """Insert the zeros of the last column, interpolating the others."""
    last = columns[-1]
    refined = [[column[0]] for column in columns]
    for i in range(1, len(last)):
        if last[i - 1] * last[i] < 0:
            ratio = last[i - 1] / (last[i - 1] - last[i])
            for column, old in zip(refined, columns, strict=True):
                column.append(old[i - 1] + ratio * (old[i] - old[i - 1]))
        for column, old in zip(refined, columns, strict=True):
            column.append(old[i])
    return refined


def breakpoints(network, a, b):
    """Return where the slope of the output changes strictly between a and b."""
    x, y = refine(network, [a, b])
    slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    return [x[i + 1] for i in range(len(slopes) - 1) if slopes[i] != slopes[i + 1]]


def double_double(points):
    """Round rational numbers to double-doubles."""
    hi = [float(x) for x in points]
    lo = [float(Fraction(x) - Fraction(h)) for x, h in zip(points, hi, strict=True)]
    return DoubleDouble(np.array(hi), np.array(lo))


def fractions(value):
    """Return the exact values of a double-double array."""
    pairs = zip(value.hi.tolist(), value.lo.tolist(), strict=True)
    return [Fraction(hi) + Fraction(lo) for hi, lo in pairs]


def per_cell(cells, x, y, worst):
    """Return, for each cell, the maximum of ``worst`` over the pieces inside it.

    ``worst(cell index, (x, y), (x', y'))`` is asked for every piece.
    """
    result = []
    for index, (a, b) in enumerate(pairwise(cells)):
        inside = range(bisect_left(x, a), bisect_left(x, b))
        result.append(max(worst(index, (x[i], y[i]), (x[i + 1], y[i + 1])) for i in inside))
    return result


def arb(number):
    """Enclose a rational number in a ball."""
    return flint.arb(rational(number))


def deviation_of_piece(_index, left, right, function="sin"):
    """Return the maximum of |N − f| over a piece, from below, to working precision."""
    (a, ya), (b, yb) = left, right
    slope = (yb - ya) / (b - a)
    points = [arb(a), arb(b), *_stationary(slope, a, b, function)]
    errors = (abs(arb(ya) + arb(slope) * (x - arb(a)) - getattr(x, function)()) for x in points)
    return max((error.lower() for error in errors), key=float)


def _stationary(slope, a, b, function):
    """Return the points strictly between a and b where f′ = slope: cos x, or −sin x, is slope."""
    if not abs(slope) < 1:
        return []
    turn = 2 * flint.arb.pi()
    base = arb(slope).acos() if function == "sin" else arb(-slope).asin()
    mirrored = -base if function == "sin" else flint.arb.pi() - base
    first, last = int(float(a) // 6.28) - 2, int(float(b) // 6.28) + 2
    candidates = (place + k * turn for k in range(first, last + 1) for place in (base, mirrored))
    return [x for x in candidates if arb(a) < x < arb(b)]
