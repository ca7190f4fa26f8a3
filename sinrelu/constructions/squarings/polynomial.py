"""A polynomial by nested squarings, and how many folds each square needs.

M₁ = v and M_{i+1} = σ_i·M_i² + a_i0 + Σ_{j≤i} a_ij·M_j for i ≤ k; the polynomial is p = M_{k+1}, of
degree 2^k in v = 2m² − 1 for 0 ≤ m ≤ 1. In exact arithmetic this is completing squares; here each
square errs, and `NestedSquarings.heights_and_errors` tells by how much that moves p. The folds are
those of m², M₁², …, M_k².
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from operator import mul
from typing import Any, NamedTuple

from sinrelu.circuit import Affine, Real, relu
from sinrelu.constructions.base import Design
from sinrelu.constructions.squarings.square import Folds, absolute, square, square_error
from sinrelu.errors import RequestError

Rows = tuple[tuple[Real, ...], ...]
NODES = 64
"""Chebyshev nodes at which a polynomial's supremum on [−1, 1] is found; see ``supremum``."""


def nodes(numbers: Any) -> list[Real]:
    """Return the zeros of the Chebyshev polynomial of degree ``NODES``."""
    return [numbers.cos((2 * k + 1) * numbers.pi / (2 * NODES)) for k in range(NODES)]


def supremum(numbers: Any, values: Iterable[Real], degree: int) -> float:
    """Return a bound of |q| on [−1, 1] from the values of a polynomial q at the nodes.

    |q| ≤ max |q(nodes)| / cos(π·degree/(2·NODES)): Ehlich and Zeller, "Schwankung von Polynomen
    zwischen Gitterpunkten", Mathematische Zeitschrift 86 (1964).
    """
    return float(max(map(abs, values)) / numbers.cos(numbers.pi * degree / (2 * NODES)))


@dataclass(frozen=True)
class NestedSquarings:
    """A function's approximation p: rows[i−1] = (a_i0, a_i1, …, a_ii) and scales[i−1] = σ_i ≠ 0.

    For v ∈ [−1, 1] ``sizes`` bound |M₁|, …, |M_k|, ``slopes`` p's derivatives by M₁, …, M_k, p, and
    ``error``, proven, the error of p if all squares are exact.
    """

    rows: Rows
    scales: tuple[Real, ...]
    sizes: tuple[float, ...]
    slopes: tuple[float, ...]
    error: float

    def heights_and_errors(self, folds: Folds) -> tuple[list[float], list[float]]:
        """Return bounds of |M_i| as computed, and of what each square adds to the error of p.

        Let M_i be computed as M_i + z_i and its square with error x_i. The computed square is
        M_i² + 2M_i·z_i + (x_i + z_i²): the exact polynomial, linearised, with input x_i + z_i²
        beside the square. So the error of p is exactly
        (∂p/∂M₁)·z₁ + Σ (∂p/∂M_{i+1})·σ_i·(x_i + z_i²), z₁ being twice the error of m². The z_i,
        which enter squared, are bounded crudely.
        """
        z = 2 * square_error(1.0, folds[0])
        drifts, heights, errors = [], [], [self.slopes[0] * z]
        for row, scale, count, size, slope in zip(
            self.rows, self.scales, folds[1:], self.sizes, self.slopes[1:], strict=True
        ):
            drifts.append(z)
            heights.append(size + z)
            sigma = abs(float(scale))
            own = sigma * (square_error(heights[-1], count) + z**2)
            errors.append(slope * own)
            z = sigma * 2 * size * z + own + _dot([abs(float(a)) for a in row[1:]], drifts)
        return heights, errors

    def error_bound(self, folds: Folds) -> float:
        """Return the polynomial's own error and that of each square, added up."""
        return self.error + sum(self.heights_and_errors(folds)[1])

    def circuit(self, m: Affine, folds: Folds) -> Affine:
        """Write p over m; the result is an affine form.

        While M_i is squared, the rows i … k wait for the square and for each other. What they have
        read so far is held in a unit for each row, if these are no more than the M_j they read:
        the first of these units then merges with the sum that the square is.
        """
        rows, (heights, _) = self.rows, self.heights_and_errors(folds)
        value = 2 * relu(square(m, m.circuit.number(1), folds[0])) - 1
        known = [m.circuit.constant(row[0]) for row in rows]
        stages = zip(self.scales, heights, folds[1:], strict=True)
        for i, (scale, height, count) in enumerate(stages, start=1):
            squared = scale * square(absolute(value), height, count)
            waiting = [r for r in range(i - 1, len(rows)) if any(rows[r][1 : i + 1])]
            read = [j for j in range(1, i + 1) if any(row[j] for row in rows[i - 1 :])]
            for r in waiting:
                known[r] += rows[r][i] * value
                if len(waiting) <= len(read):
                    bound = abs(rows[r][0]) + _dot([abs(a) for a in rows[r][1 : i + 1]], heights)
                    known[r] = held(known[r], bound, 1 if scale > 0 else -1)
            value = known[i - 1] + squared
            if i < len(rows):
                value = held(value, heights[i])
        return value


def held(form: Affine, bound: Real, sign: int = 1) -> Affine:
    """Return the form itself, if |form| ≤ bound, from one unit that reads it times the sign."""
    value: Affine = sign * (relu(sign * form + bound) - bound)
    return value


def _dot(weights: Sequence[Real], values: Sequence[Real]) -> Real:
    return sum((a * b for a, b in zip(weights, values, strict=False)), 0)


def stage_values(rows: Rows, scales: Sequence[Real], v: Real) -> list[Real]:
    """Return M₁, …, M_k, p at v."""
    values = [v]
    for scale, row in zip(scales, rows, strict=True):
        values.append(scale * values[-1] ** 2 + row[0] + _dot(row[1:], values))
    return values


def stage_slopes(rows: Rows, scales: Sequence[Real], v: Real) -> list[Real]:
    """Return the derivatives of p with respect to M₁, …, M_k, p at v, taken as intermediate."""
    values = stage_values(rows, scales, v)
    slopes = [v * 0 + 1]
    for j in range(len(rows), 0, -1):
        direct = [row[j] for row in rows[j - 1 :]]
        through_square = 2 * scales[j - 1] * values[j - 1] * slopes[0]
        slopes.insert(0, through_square + _dot(direct, slopes))
    return slopes


def measured(
    numbers: Any, rows: Rows, scales: tuple[Real, ...], error: float = 0.0
) -> NestedSquarings:
    """Return a polynomial of known error with the bounds of its stages."""

    def suprema(of: Callable[[Rows, Sequence[Real], Real], list[Real]]) -> tuple[float, ...]:
        columns = zip(*(of(rows, scales, v) for v in nodes(numbers)), strict=True)
        return tuple(supremum(numbers, column, 2 ** len(rows)) for column in columns)

    return NestedSquarings(rows, scales, suprema(stage_values)[:-1], suprema(stage_slopes), error)


def fitted(
    numbers: Any, inner: Rows, function: Callable[[Real], Real], degree: int, remainder: float
) -> NestedSquarings:
    """Complete inner rows by the last one, a least-squares fit of a function of m at the nodes.

    The function is a polynomial of the degree in v, such as its Taylor polynomial, up to the
    remainder R. So p − function is a polynomial q up to R, and at most
    (max |p − function|(nodes) + R) / cos(…) + R, the cosine of ``supremum`` being above 1/2.
    """
    points = nodes(numbers)
    wanted = [function(numbers.sqrt((1 + v) / 2)) for v in points]
    size = len(inner) + 1
    ones = (numbers.mpf(1),) * size
    columns = [[1, *stage_values((*inner, (0,) * (size + 1)), ones, v)] for v in points]
    *row, scale = numbers.lu_solve(numbers.matrix(columns), numbers.matrix(wanted))
    rows, scales = (*inner, tuple(row)), (*ones[1:], scale)
    misfit = [stage_values(rows, scales, v)[-1] - f for v, f in zip(points, wanted, strict=True)]
    error = supremum(numbers, misfit, max(degree, 2**size)) + 3 * remainder
    return measured(numbers, rows, scales, error)


class Allocation(NamedTuple):
    """Folds for each square, the connections in them, and the error bound of p with them."""

    cost: int
    error_bound: float
    folds: Folds


def allocated(p: NestedSquarings, costs: tuple[int, ...], tol: float) -> Allocation:
    """Return about the fewest connections in folds for an error bound of at most tol > p.error.

    From more folds than needed, those go first that cost the most for the least error; where none
    can go, single folds move between squares while that helps. ``costs`` are the connections for a
    fold of each square.
    """

    def of(folds: Folds) -> Allocation:
        return Allocation(sum(map(mul, folds, costs)), p.error_bound(folds), folds)

    def price(fewer: Allocation) -> float:
        return (fewer.error_bound - best.error_bound) / (best.cost - fewer.cost)

    squares = range(len(costs))
    best = of((0,) * len(costs))
    while best.error_bound > tol:
        best = of(tuple(count + 4 for count in best.folds))
    while True:
        fewer = [of(_moved(best.folds, i)) for i in squares if best.folds[i]]
        if allowed := [a for a in fewer if a.error_bound <= tol]:
            best = min(allowed, key=price)
            continue
        moves = [of(_moved(best.folds, i, j)) for i, j in permutations(squares, 2) if best.folds[i]]
        if not (better := [a for a in moves if a < best and a.error_bound <= tol]):
            return best
        best = min(better)


def _moved(folds: Folds, source: int, goal: int | None = None) -> Folds:
    """Take a fold away from a square, and give it to another."""
    return tuple(count - (i == source) + (i == goal) for i, count in enumerate(folds))


def designed(
    polynomials: Iterable[NestedSquarings],
    fold_costs: Callable[[int], tuple[int, ...]],
    circuit: Callable[[NestedSquarings, Folds], Affine],
    tol: float,
) -> Design:
    """Write down the polynomial that needs the fewest connections in folds."""
    if not (plans := [(allocated(p, fold_costs(len(p.slopes)), tol), p) for p in polynomials]):
        raise RequestError(f"tol: no polynomial reaches {tol}")
    best, p = min(plans, key=lambda plan: plan[0])
    parameters = {"squarings": len(best.folds), "folds": best.folds}
    return Design(circuit(p, best.folds), best.error_bound, parameters)
