"""The greatest and the least value of a network on an interval, exactly; trusted.

N is affine between its breakpoints, so its greatest value on [a, b] is at one of them or at an end.
There may be millions of breakpoints, and nearly all are ruled out in float64:

1. *From above.* On a cell between two nodes N is within ρ of the affine function through the values
   there (``bound``, points 1 to 4), so it is at most the larger one + ρ.
2. *From below.* Likewise N is at least the larger one − ρ somewhere in the cell. With L the largest
   of these, a cell whose bound from above is less than L does not hold the greatest value.
3. *Exactly.* The cells that are left are cut, in rational arithmetic, where the form of a unit
   changes its sign. Between the cuts every unit is affine, and so is N.

The least value is minus the greatest of −N.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import UP, Interval, Judge, outputs
from sinrelu.certify.counterexample import Span
from sinrelu.certify.floats import BINARY64, Format
from sinrelu.certify.pieces import Finder, estimated_pieces
from sinrelu.certify.rounding import Rounding
from sinrelu.kernels import backend_for
from sinrelu.network import Network, Row, without_dead_units

MOST_CELLS = 500
"""Cells that are looked into exactly, at most; the values of some networks are alike in more."""
MOST_HELD = 2**16
"""Cells that are held at a time because they may be such, at most: this bounds the memory."""
SLACK = 2.0**-50
"""Eight roundings: more than lo is of hi + lo, and than adding the radius makes."""

Point = tuple[Fraction, Fraction]
"""A place and the network's value there."""


@dataclass(frozen=True)
class Extremum:
    """An extreme value of N, and a place ``at`` where N has it; both exact.

    ``evaluation`` bounds |fl(N)(x) − N(x)| for every x of the interval that a format holds, and for
    every order of summation in it; it is infinite where nothing could be shown.
    """

    value: Fraction
    at: Fraction
    evaluation: float


def greatest(network: Network, ends: Interval, format: Format = BINARY64) -> Extremum | None:
    """Return the greatest value of a network on the interval between two float64 ends a < b.

    None if too many cells could hold it to look at all of them exactly. Raises RequestError if the
    ends are not such, or beyond ±2²⁰, or a weight has more bits than a float64, and an
    ArithmeticAssumptionError if float64 is not what the proof assumes.
    """
    left, evaluation = _cells_left(network, ends, format)
    if left is None:
        return None
    network = Network(tuple(without_dead_units(network.rows)))  # for evaluation they are not dead
    points: list[Point] = []
    for found in chain.from_iterable(exact_cells(network, *cell) for cell in left):
        points += found
        if len(points) > 2 * MOST_CELLS:
            return None
    at, value = max(points, key=lambda point: point[1])
    return Extremum(value, at, evaluation)


def least(network: Network, ends: Interval, format: Format = BINARY64) -> Extremum | None:
    """Return the least value likewise."""
    found = greatest(_negated(network), ends, format)
    return found and replace(found, value=-found.value)


def _negated(network: Network) -> Network:
    *units, output = network.rows
    return Network((*units, Row.of(((s, -w) for s, w in output.edges), -output.bias)))


def _cells_left(
    network: Network, ends: Interval, format: Format
) -> tuple[list[Span] | None, float]:
    """Run points 1 and 2: return the cells left, None if too many, and a bound of evaluation."""
    expected = estimated_pieces(Finder.of(network), ends)
    backend = backend_for(expected * network.size, None)
    judge = Judge.of(network, rounding=Rounding.of(network, format), backend=backend)
    runs = Finder.of(network, backend=backend).blocks(ends)
    cells = np.empty((5, 0))
    lower, evaluation = -math.inf, 0.0
    for nodes, values, found in outputs(judge, ends, runs):
        below, above = _bounds(values, found.radius)
        lower = max(lower, float(np.max(below)))
        block = [above, nodes.hi[:-1], nodes.lo[:-1], nodes.hi[1:], nodes.lo[1:]]
        cells = np.hstack([cells[:, cells[0] >= lower], np.array(block)[:, above >= lower]])
        evaluation = max(evaluation, found.evaluation)
        if cells.shape[1] > MOST_HELD:
            return None, evaluation
    if cells.shape[1] > MOST_CELLS:
        return None, evaluation
    exact = (list(map(Fraction, cell)) for cell in cells[1:].T.tolist())
    return [(a + b, c + d) for a, b, c, d in exact], evaluation


def _bounds(values: DoubleDouble, radius: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bound the greatest value on every cell from below and from above."""
    left, right = values.hi[:-1], values.hi[1:]
    top, size = np.maximum(left, right), np.maximum(np.abs(left), np.abs(right))
    with np.errstate(invalid="ignore", over="ignore"):
        reach = (radius + size * SLACK) * UP
        below, above = top - reach, top + reach
    return np.where(np.isnan(below), -np.inf, below), np.where(np.isnan(above), np.inf, above)


def exact_cells(network: Network, left: Fraction, right: Fraction) -> Iterator[tuple[Point, Point]]:
    """Yield the ends, with the values there, of cells from left to right where N is affine."""
    pending = [(left, right)]
    while pending:
        cell = pending.pop()
        values = [cell]
        for row in network.rows:
            values.append(_form(row, values))
            cut = _zero(cell, values[-1])
            if cut is not None and len(values) <= network.units + 1:
                pending += [(cut, cell[1]), (cell[0], cut)]
                break
            first, second = values[-1]
            values[-1] = max(first, Fraction(0)), max(second, Fraction(0))
        else:
            yield (cell[0], first), (cell[1], second)


def _form(row: Row, values: list[Span]) -> Span:
    """Return an affine form at both ends of a cell."""
    left = right = Fraction(row.bias)
    for source, weight in row.edges:
        first, second = values[source]
        left += Fraction(weight) * first
        right += Fraction(weight) * second
    return left, right


def _zero(cell: Span, form: Span) -> Fraction | None:
    """Return where between its ends a form, affine there, changes its sign."""
    (left, right), (first, second) = cell, form
    if first * second >= 0:
        return None
    return left + (right - left) * first / (first - second)
