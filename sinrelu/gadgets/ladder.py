"""A polynomial evaluated by few squarings, one inside the other.

M₁ = v and M_{i+1} = M_i² + a_i0 + Σ_{j≤i} a_ij·M_j for i < k; the polynomial is
p = σM_k² + a_k0 + Σ a_kj·M_j, of degree 2^k in v ∈ [−1, 1]. In exact arithmetic this is completing
squares; here each square errs, and `Ladder.profile` tells by how much that moves p.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sinrelu.circuit import Affine, Real, relu
from sinrelu.gadgets.tents import Tents, magnitude

NODES = 64
"""Chebyshev nodes at which a polynomial's supremum on [−1, 1] is found; see ``supremum``."""


def nodes(numbers: Any) -> list[Real]:
    """Return the zeros of the Chebyshev polynomial of degree ``NODES``."""
    return [numbers.cos((2 * k + 1) * numbers.pi / (2 * NODES)) for k in range(NODES)]


def supremum(numbers: Any, values: Iterator[Real] | Sequence[Real], degree: int) -> Real:
    """Return a bound of |q| on [−1, 1] from the values of a polynomial q at the nodes.

    |q| ≤ max |q(nodes)| / cos(π·degree/(2·NODES)): Ehlich and Zeller, "Schwankung von Polynomen
    zwischen Gitterpunkten", Mathematische Zeitschrift 86 (1964).
    """
    return max(abs(value) for value in values) / numbers.cos(numbers.pi * degree / (2 * NODES))


@dataclass(frozen=True)
class Ladder:
    """The coefficients: rows[i−1] = (a_i0, a_i1, …, a_ii), the last row being p's."""

    rows: tuple[tuple[Real, ...], ...]
    scale: Real

    @property
    def squarings(self) -> int:
        """The number k of squarings."""
        return len(self.rows)

    def values(self, v: Real) -> list[Real]:
        """Return M₁, …, M_k, p at v."""
        values = [v]
        for i, row in enumerate(self.rows, start=1):
            square = self._scale(i) * values[-1] ** 2
            values.append(square + row[0] + _dot(row[1:], values))
        return values

    def slopes(self, v: Real) -> list[Real]:
        """Return the derivatives of p with respect to M₁, …, M_k, p at v, taken as intermediate."""
        values = self.values(v)
        slopes = [v * 0 + 1]
        for j in range(self.squarings, 0, -1):
            direct = [row[j] for row in self.rows[j - 1 :]]
            square = 2 * self._scale(j) * values[j - 1] * slopes[0]
            slopes.insert(0, square + _dot(direct, slopes))
        return slopes

    def profile(self, numbers: Any) -> Profile:
        """Find what the errors of the squares do to p."""
        points = nodes(numbers)
        degree = 2**self.squarings
        values = zip(*map(self.values, points), strict=True)
        slopes = zip(*map(self.slopes, points), strict=True)
        return Profile(
            self,
            tuple(float(supremum(numbers, column, degree)) for column in values),
            tuple(float(supremum(numbers, column, degree)) for column in slopes),
        )

    def _scale(self, i: int) -> Real:
        return self.scale if i == self.squarings else 1


@dataclass(frozen=True)
class Profile:
    """Suprema over v ∈ [−1, 1]: of |M₁|, …, |M_k|, |p|, and of p's derivatives by them."""

    ladder: Ladder
    sizes: tuple[float, ...]
    slopes: tuple[float, ...]

    def heights_and_errors(
        self, start: float, folds: Sequence[int]
    ) -> tuple[list[float], list[float]]:
        """Return bounds of |M_i| as computed, and of what each error adds to that of p.

        Let M_i be computed as M_i + z_i and its square with error x_i. The computed square is
        M_i² + 2M_i·z_i + (x_i + z_i²): the exact ladder, linearised, with input x_i + z_i² beside
        the square. So the error of p is exactly Σ (∂p/∂M_{i+1})·(x_i + z_i²), with the scale for
        i = k, and (∂p/∂M₁)·z₁ from the start. The z_i, which enter squared, are bounded crudely.
        """
        drifts, heights = [start], []
        errors = [self.slopes[0] * start]
        for i, (row, count) in enumerate(zip(self.ladder.rows, folds, strict=True), start=1):
            drift = drifts[-1]
            heights.append(self.sizes[i - 1] + drift)
            own = Tents(count).error(heights[-1]) + drift**2
            scale = abs(float(self.ladder.scale)) if i == self.ladder.squarings else 1.0
            errors.append(scale * self.slopes[i] * own)
            carried = _dot([abs(float(a)) for a in row[1:]], drifts)
            drifts.append(scale * (2 * self.sizes[i - 1] * drift + own) + carried)
        return heights, errors

    def circuit(self, first: Affine, heights: Sequence[Real], folds: Sequence[int]) -> Affine:
        """Write the ladder over M₁ = first; the result is an affine form for p.

        While M_i is squared, the rows i … k wait for the square and for each other. What they have
        read so far is held in a unit for each row, if these are no more than the M_j they read:
        the first of these units then merges with the sum that the square is.
        """
        rows, squarings = self.ladder.rows, self.ladder.squarings
        known = [first.circuit.constant(row[0]) for row in rows]
        value = first
        for i, (height, count) in enumerate(zip(heights, folds, strict=True), start=1):
            last = i == squarings
            scale = self.ladder.scale if last else 1
            square = scale * Tents(count).square(magnitude(value), height)
            sign = 1 if scale > 0 else -1
            for r in range(i - 1, squarings):
                known[r] += rows[r][i] * value
                if squarings - i < i:
                    bound = abs(rows[r][0]) + _dot([abs(a) for a in rows[r][1 : i + 1]], heights)
                    known[r] = held(known[r], bound, sign)
            value = known[i - 1] + square
            if not last:
                value = held(value, heights[i])
        return value


def held(form: Affine, bound: Real, sign: int = 1) -> Affine:
    """Return the form itself, if |form| ≤ bound, from one unit that reads it times the sign."""
    return (relu(form * sign + bound) - bound) * sign


def _dot(weights: Sequence[Real], values: Sequence[Real]) -> Real:
    return sum((a * b for a, b in zip(weights, values, strict=False)), 0)
