"""A polynomial evaluated by few squarings, one inside the other.

M₁ = v and M_{i+1} = σ_i·M_i² + a_i0 + Σ_{j≤i} a_ij·M_j for i ≤ k; the polynomial is p = M_{k+1}, of
degree 2^k in v ∈ [−1, 1]. In exact arithmetic this is completing squares; here each square errs,
and `Profile.heights_and_errors` tells by how much that moves p.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sinrelu.circuit import Affine, Real, relu
from sinrelu.constructions.squarings.square import Tents, magnitude

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
    """The coefficients: rows[i−1] = (a_i0, a_i1, …, a_ii) and scales[i−1] = σ_i ≠ 0."""

    rows: tuple[tuple[Real, ...], ...]
    scales: tuple[Real, ...]

    @property
    def squarings(self) -> int:
        """The number k of squarings."""
        return len(self.rows)

    def values(self, v: Real) -> list[Real]:
        """Return M₁, …, M_k, p at v."""
        values = [v]
        for scale, row in zip(self.scales, self.rows, strict=True):
            values.append(scale * values[-1] ** 2 + row[0] + _dot(row[1:], values))
        return values

    def slopes(self, v: Real) -> list[Real]:
        """Return the derivatives of p with respect to M₁, …, M_k, p at v, taken as intermediate."""
        values = self.values(v)
        slopes = [v * 0 + 1]
        for j in range(self.squarings, 0, -1):
            direct = [row[j] for row in self.rows[j - 1 :]]
            square = 2 * self.scales[j - 1] * values[j - 1] * slopes[0]
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
        the square. So the error of p is exactly (∂p/∂M₁)·z₁ + Σ (∂p/∂M_{i+1})·σ_i·(x_i + z_i²), z₁
        being the start's. The z_i, which enter squared, are bounded crudely.
        """
        drifts, heights = [start], []
        errors = [self.slopes[0] * start]
        stages = zip(self.ladder.rows, self.ladder.scales, folds, strict=True)
        for (row, scale, count), size, slope in zip(
            stages, self.sizes, self.slopes[1:], strict=False
        ):
            drift = drifts[-1]
            heights.append(size + drift)
            own = abs(float(scale)) * (Tents(count).error(heights[-1]) + drift**2)
            errors.append(slope * own)
            carried = _dot([abs(float(a)) for a in row[1:]], drifts)
            drifts.append(abs(float(scale)) * 2 * size * drift + own + carried)
        return heights, errors

    def circuit(self, first: Affine, heights: Sequence[Real], folds: Sequence[int]) -> Affine:
        """Write the ladder over M₁ = first; the result is an affine form for p.

        While M_i is squared, the rows i … k wait for the square and for each other. What they have
        read so far is held in a unit for each row, if these are no more than the M_j they read:
        the first of these units then merges with the sum that the square is.
        """
        rows = self.ladder.rows
        known = [first.circuit.constant(row[0]) for row in rows]
        value = first
        stages = zip(self.ladder.scales, heights, folds, strict=True)
        for i, (scale, height, count) in enumerate(stages, start=1):
            square = scale * Tents(count).square(magnitude(value), height)
            waiting = [r for r in range(i - 1, len(rows)) if any(rows[r][1 : i + 1])]
            read = [j for j in range(1, i + 1) if any(row[j] for row in rows[i - 1 :])]
            for r in waiting:
                known[r] += rows[r][i] * value
                if len(waiting) <= len(read):
                    bound = abs(rows[r][0]) + _dot([abs(a) for a in rows[r][1 : i + 1]], heights)
                    known[r] = held(known[r], bound, 1 if scale > 0 else -1)
            value = known[i - 1] + square
            if i < len(rows):
                value = held(value, heights[i])
        return value


def held(form: Affine, bound: Real, sign: int = 1) -> Affine:
    """Return the form itself, if |form| ≤ bound, from one unit that reads it times the sign."""
    value: Affine = sign * (relu(sign * form + bound) - bound)
    return value


def _dot(weights: Sequence[Real], values: Sequence[Real]) -> Real:
    return sum((a * b for a, b in zip(weights, values, strict=False)), 0)


def fitted(
    numbers: Any, inner: Sequence[tuple[Real, ...]], function: Callable[[Real], Real]
) -> tuple[Ladder, list[Real]]:
    """Complete a ladder by the last row, a least-squares fit of a function at the nodes.

    Returns the ladder and p − function at the nodes.
    """
    points = nodes(numbers)
    target = [function(v) for v in points]
    size = len(inner) + 1
    ones = (numbers.mpf(1),)
    unsolved = Ladder((*inner, (0,) * (size + 1)), ones * size)
    columns = [[1, *unsolved.values(v)] for v in points]
    row = numbers.lu_solve(numbers.matrix(columns), numbers.matrix(target))
    ladder = Ladder((*inner, tuple(row[: size + 1])), (*ones * (size - 1), row[size + 1]))
    return ladder, [ladder.values(v)[-1] - f for v, f in zip(points, target, strict=True)]
