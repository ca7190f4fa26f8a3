"""Last cells whose weights were refined together: written down again, bounded anew, and stored.

The formulas of ``quadratics`` fit the cosine and the sine one after the other. As
gates keep the norm of an error vector, what counts is the largest norm of both errors together over
the cell [−h, h]. ``scripts/refine_cells`` lowers it, finding knots that serve both, and stores the
numbers in refined.json. Nothing is refined here, so a network has the same weights everywhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import U
from sinrelu.circuit import Affine, Circuit, Real, nearest_float, relu
from sinrelu.constructions.fold_reflect.quadratics import CosSin
from sinrelu.errors import GraphError
from sinrelu.network import Row

Signal = Callable[[Affine, Real], Affine]
SAMPLES = 256
"""Steps in which the bound goes through every piece; see ``PiecewiseMap.bound``."""


class StoredCell(NamedTuple):
    """A bound of a refined cell's error, and the weights and bias of row after row."""

    error: float
    numbers: tuple[float, ...]


@cache
def stored_cells(wiring: str) -> Mapping[tuple[int, ...], StoredCell]:
    """Return all that refined.json has for a wiring, by the parameters of the cell."""
    text = resources.files(__package__).joinpath("refined.json").read_text("utf-8")
    return {
        tuple(map(int, key.split())): StoredCell(cell["error"], tuple(cell["numbers"]))
        for key, cell in json.loads(text).get(wiring, {}).items()
    }


@dataclass(frozen=True)
class PiecewiseMap:
    """cos m − 1 and sin m, nearly, for m = z − h and z ∈ [0, 2h]: affine on each of its pieces.

    Rows over z, source 0, in topological order: rectified units, then the two outputs. The half
    width of the cell is h = π/2^halvings ≤ π/4. The first rows may be units that the network
    supplies; without any, z itself is read.
    """

    rows: tuple[Row, ...]
    halvings: int
    supplied: int = 0

    @property
    def units(self) -> int:
        """Rows that are rectified."""
        return len(self.rows) - 2

    @property
    def half_width(self) -> float:
        """Half the width of the cell, h."""
        return math.ldexp(math.pi, -self.halvings)

    def numbers(self) -> tuple[float, ...]:
        """Return the weights and the bias of row after row."""
        return tuple(number for row in self.rows for number in row.numbers)

    def with_numbers(self, numbers: Sequence[float]) -> PiecewiseMap:
        """Return the same graph with other weights and biases; GraphError if their count is."""
        if len(numbers) != len(self.numbers()):
            raise GraphError(f"a cell has {len(numbers)} numbers, not {len(self.numbers())}")
        rest = iter(numbers)
        sources = (row.sources for row in self.rows)
        rows = (Row(read, tuple(islice(rest, len(read))), next(rest)) for read in sources)
        return replace(self, rows=tuple(rows))

    def refined(self, stored: StoredCell) -> PiecewiseMap:
        """Return a drawn cell with the numbers stored for it; GraphError if they are not."""
        rows = self.with_numbers(stored.numbers)
        if not rows.bound() <= stored.error:
            raise GraphError(f"a stored cell errs by {rows.bound()}, not {stored.error}")
        return rows

    def values(self, z: FloatArray) -> FloatArray:
        """Return z, all units and both outputs at n points, (1 + rows, n)."""
        values = np.empty((len(self.rows) + 1, len(z)))
        values[0] = z
        for number, row in enumerate(self.rows, start=1):
            form = combination(row, values)
            values[number] = np.maximum(form, 0) if number <= self.units else form
        return values

    def nodes(self) -> FloatArray:
        """Return the ends of all pieces: 0, 2h, and every zero of a unit's form between them."""
        values = np.array([[0.0, 2 * self.half_width]])
        for row in self.rows[: self.units]:
            form = combination(row, values)
            left, right = form[:-1], form[1:]
            cells = np.flatnonzero((left < 0) & (right > 0) | (left > 0) & (right < 0))
            share = left[cells] / (left[cells] - right[cells])
            grown = np.vstack([values, form])
            between = grown[:, cells] + share * (grown[:, cells + 1] - grown[:, cells])
            between[-1] = 0
            values = np.insert(grown, cells + 1, between, axis=1)
            values[-1] = np.maximum(values[-1], 0)
        return np.unique(values[0])

    def bound(self) -> float:
        """Bound the Euclidean norm of the error for every real z ∈ [0, 2h], rounding included.

        Proof. On a piece, of width w, let L be affine between the outputs computed at its ends, and
        E = L − (cos m − 1, sin m). The error is at most |E| + ρ, ρ being that of ``_radius``.
        As a function of t ∈ [0, 1] along the piece, q = |E|² has |q″| ≤ 2(|E′|² + |E||E″|) with
        |E″| ≤ w² and |E′| ≤ |E(1) − E(0)| + w²/2 ≤ 2e + w²/2, e being the largest |E| at steps of
        1/``SAMPLES``, which no other exceeds by more than w²/8. So q exceeds e² by at most
        max |q″| times an eighth of the step squared. With u = 2⁻⁵³, a computed |E| is off by 8uh
        for its place, for which h is rounded too; by 15uh for ``circle``; and by 8u(h + e) for L,
        which is as large as h + e, and the norm. To e, 64u(h + e) is added.
        """
        nodes = self.nodes()
        values, width = self.values(nodes), np.diff(nodes)
        t = np.arange(SAMPLES + 1)[:, None] / SAMPLES
        line = values[-2:, None, :-1] + t * np.diff(values[-2:])[:, None]
        cosine, sine = line - circle(nodes[:-1] + t * width - self.half_width)
        size = np.sqrt(cosine**2 + sine**2).max(axis=0)
        size += 64 * U * (self.half_width + size)
        square = width**2
        curvature = 2 * ((2 * size + square / 2) ** 2 + (size + square / 8) * square)
        above = np.sqrt(size**2 + curvature / (8 * SAMPLES**2))
        return float(np.max(above + self._radius(values)))

    def _radius(self, values: FloatArray) -> FloatArray:
        """Bound on every piece how far outputs are from affine functions between computed ends.

        By points 1 to 3 of ``certify.bound``, in float64: the radii of what a form reads add up,
        with its roundings, one for each product and sum and one for h in a supplied signal. A unit
        whose form changes sign on a piece is within the smaller of its ends of the chord.
        """
        size = np.maximum(abs(values[:, 1:]), abs(values[:, :-1]))
        radius = np.zeros_like(size)
        for number, row in enumerate(self.rows, start=1):
            rounding = (len(row.sources) + 4) * U
            magnitudes = Row(row.sources, tuple(map(abs, row.weights)), rounding * abs(row.bias))
            radius[number] = combination(magnitudes, radius + rounding * size)
            if number <= self.units:
                form = combination(row, values)
                low, high = np.minimum(form[1:], form[:-1]), np.maximum(form[1:], form[:-1])
                radius[number] += np.maximum(0, np.minimum(high, -low))
        return np.asarray(radius[-2] + radius[-1])

    def cos_sin(self, signals: Sequence[Affine]) -> CosSin:
        """Write the cell over the supplied signals, or over z, into their circuit."""
        wires = [signals[0], *signals] if self.supplied else list(signals)
        for row in self.rows[self.supplied : self.units]:
            wires.append(relu(combination(row, wires)))
        cosine, sine = (combination(row, wires) for row in self.rows[self.units :])
        return CosSin(cosine + 1, sine)


def drawn(
    write: Callable[[Sequence[Affine], Real], CosSin], halvings: int, signals: Sequence[Signal] = ()
) -> PiecewiseMap:
    """Return the rows of the cell that ``write`` writes over z, or over signals of z and h."""
    circuit = Circuit()
    z, h = circuit.input, circuit.numbers.pi / 2**halvings
    cos_sin = write([relu(signal(z, h)) for signal in signals] or [z], h)
    *units, cosine = circuit.rows(cos_sin.cosine - 1, nearest_float)
    *_, sine = circuit.rows(cos_sin.sine, nearest_float)
    return PiecewiseMap((*units, cosine, sine), halvings, len(signals))


def circle(m: FloatArray) -> FloatArray:
    """Return cos m − 1 and sin m for |m| ≤ π/4, (2, …), by their series.

    They are the same on every machine, and err by less than 15·2⁻⁵³·|m| together: a term goes
    through two roundings a power, which makes 5, and both sums through nine.
    """
    term, sums = np.ones_like(m), np.zeros((2, *m.shape))
    for power in range(1, 20):
        term = term * m / power
        sums[power % 2] += term if power % 4 < 2 else -term
    return sums


def combination(row: Row, values: Any) -> Any:
    """Return a row before it is rectified, of values that are affine forms or arrays of points."""
    return sum((weight * values[source] for source, weight in row.edges), 0 * values[0] + row.bias)
