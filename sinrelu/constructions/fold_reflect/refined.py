"""A leaf whose weights were refined together, and how it is written down again.

The formulas of ``leaf`` and ``stages`` fit the cosine and the sine one after the other. As gates
keep the norm of an error vector, what counts is the largest norm of both errors together over the
cell [−h, h], which is all that ``polish`` looks at: hundreds of pieces instead of millions. It
finds knots that serve both, and removes what the formulas leave of the cosine's m⁴.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sinrelu.circuit import Affine, Circuit, Real, nearest_float, relu
from sinrelu.constructions.fold_reflect.minimax import FloatArray
from sinrelu.constructions.fold_reflect.polish import Branching, Curve, polished
from sinrelu.constructions.fold_reflect.quadratics import Point
from sinrelu.errors import GraphError
from sinrelu.network import Row

Signal = Callable[[Affine, Real], Affine]


@dataclass(frozen=True)
class PolishedLeaf:
    """cos m and sin m on a cell, m = z − h for z ∈ [0, 2h].

    Attributes
    ----------
    rows : Branching
        Over z: units for the signals that the network supplies, the leaf's units, and as outputs
        cos m − 1 and sin m.
    halvings : int
        h = π/2^halvings.
    supplied : int
        How many units are supplied; without any, z itself is read.
    error : float
        Bound of the error of (cos m, sin m) as a vector, but for rounding.
    """

    rows: Branching
    halvings: int
    supplied: int
    error: float

    def point(self, signals: Sequence[Affine]) -> Point:
        """Write the leaf over the supplied signals, or over z."""
        wires = list(signals) if not self.supplied else [signals[0], *signals]
        for row in self.rows.rows[self.supplied : self.rows.units]:
            wires.append(relu(_form(row, wires)))
        cosine, sine = (_form(row, wires) for row in self.rows.rows[self.rows.units :])
        return Point(cosine + 1, sine)


def drawn(
    write: Callable[[Sequence[Affine], Real], Point], halvings: int, signals: Sequence[Signal] = ()
) -> Branching:
    """Return the rows of the leaf that ``write`` writes over z, or over signals made of z and h.

    h = π/2^halvings.
    """
    circuit = Circuit()
    z, h = circuit.input, circuit.numbers.pi / 2**halvings
    point = write([relu(signal(z, h)) for signal in signals] or [z], h)
    *units, cosine = circuit.rows(point.cosine - 1, nearest_float)
    *_, sine = circuit.rows(point.sine, nearest_float)
    return Branching((*units, cosine, sine), outputs=2)


def polished_leaf(
    start: Branching, halvings: int, supplied: int = 0, numbers: Sequence[float] | None = None
) -> PolishedLeaf:
    """Polish a leaf, or take the numbers of one that was polished before, and bound its error.

    Raises
    ------
    GraphError
        If the numbers are those of another graph.
    """
    curve, ends = circle(halvings)
    if numbers is None:
        rows = polished(start, curve, *ends, supplied)
    elif len(numbers) == len(start.numbers()):
        rows = start.with_numbers(numbers)
    else:
        raise GraphError(f"a stored leaf has {len(numbers)} numbers, not {len(start.numbers())}")
    return PolishedLeaf(rows, halvings, supplied, rows.bound(curve, *ends))


def circle(halvings: int) -> tuple[Curve, tuple[float, float]]:
    """Return (cos m − 1, sin m) for m = z − h as a curve over z, and the ends of the cell."""
    h = math.pi / 2**halvings

    def value(z: FloatArray) -> FloatArray:
        return np.array([-2 * np.sin((z - h) / 2) ** 2, np.sin(z - h)])

    def slope(z: FloatArray) -> FloatArray:
        return np.array([-np.sin(z - h), np.cos(z - h)])

    def bend(z: FloatArray) -> FloatArray:
        return np.array([-np.cos(z - h), -np.sin(z - h)])

    return Curve(value, slope, bend), (0.0, 2 * h)


def _form(row: Row, wires: Sequence[Affine]) -> Affine:
    total = wires[0].circuit.constant(row.bias)
    for source, weight in zip(row.sources, row.weights, strict=True):
        total += weight * wires[source]
    return total
