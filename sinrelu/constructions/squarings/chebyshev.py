"""chebyshev: fold exactly to a quarter wave, a near-minimax polynomial there, few squarings.

With c = |x| − π/2 ∈ [−π/2, π/2], sin|x| = cos c is entire in u = c²: degree d in u errs by about
2(π²/16)^(d+1)/(2d+2)!, so degree 7 is enough for 1e-12 (Trefethen, "Approximation Theory and
Approximation Practice", SIAM 2013, chapters 4 and 8). With m = |c|/(π/2) and v = 2m² − 1 ∈ [−1, 1],
degree 2^k in v takes k nested squarings. Squares are sums of sawtooths, Yarotsky, arXiv:1610.01145,
Proposition 2, and each has only the folds that its own share of the tolerance needs. The sign of x
is put back by one gate: with r = relu(−x) and S = sin|x| ≤ |x|, e = relu(S − 2r) is S or 0 and
sin x = 2e − S. With S + η in place of S the error of 2e − (S + η) is at most |η|: for x < 0, e is
in [0, max(η − r, 0)]. So the error bound is that of cos c.

The inner coefficients of the nested squarings are free parameters: any values are right, as the
outer ones are solved for and the error bound is computed for what results. Those in `RECIPES` were
found by minimising the connections in folds (scripts/search_recipes.py).
"""

from functools import cache
from typing import Any

from sinrelu.circuit import Affine, Circuit, relu
from sinrelu.constructions.base import Design, Designed
from sinrelu.constructions.squarings.polynomial import NestedSquarings, designed, fitted
from sinrelu.constructions.squarings.square import Folds, absolute

Recipe = tuple[tuple[float, ...], ...]
RECIPES: tuple[Recipe, ...] = (
    (),
    ((-1, -46.9316878),),
    ((-1, -22.2493881),),
    ((-0.500020446, -4.08906094e-05), (-1609.72870, -71597.3287, 3219.08791)),
    ((-0.986373367, -18.5703325), (-856.469405, -26102.2770, -1405.59018)),
    ((-0.500002346, -5.31960451e-06), (-1609.75314, -339450.430, 3205.55088)),
    ((0.265022915, -66.6661024), (-17732.0969, 132631.011, 10157.9899)),
    ((-0.9889654357, -10.41210870), (-106.2506973, -236334.5830, 2728.327858)),
    (
        (-0.0013676740162042776, -16.62278341217499),
        (-17861.053150871187, -233091.0233892294, 2634.0646776997587),
        (202410632241.82446, 4239871923805.3413, -253046334476.1879, 25078781.035071988),
    ),
)
"""Inner rows (a_i0, a_i1, …) of 1, 2, 3 and 4 nested squarings, of falling error."""

TAYLOR = (12, 4e-22)
"""cos √u is its Taylor polynomial of degree 12 in u up to (π²/4)^13/26! < 4e-22."""


def polynomial(numbers: Any, inner: Recipe) -> NestedSquarings:
    """Complete a recipe by the fit of cos c."""
    half_pi = numbers.pi / 2
    return fitted(numbers, inner, lambda m: numbers.cos(half_pi * m), *TAYLOR)


@cache
def polynomials() -> tuple[NestedSquarings, ...]:
    """Return those of all recipes; they are the same for every tolerance."""
    numbers = Circuit(bits=200).numbers
    return tuple(polynomial(numbers, inner) for inner in RECIPES)


def fold_costs(squares: int) -> tuple[int, ...]:
    """Return the connections for a fold of each square: six, the sign's, and what waits."""
    return tuple(7 + min(i, squares - 1 - i) for i in range(squares))


def circuit(p: NestedSquarings, folds: Folds) -> Affine:
    """Write the network down: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    r = relu(-x)
    m = absolute((x + 2 * r) / (x.circuit.numbers.pi / 2) - 1)
    sine = relu(p.circuit(m, folds))
    return 2 * relu(sine - 2 * r) - sine


def design(tol: float) -> Design:
    """Choose the polynomial and the folds of every square, and write the network down."""
    return designed((p for p in polynomials() if p.error < tol), fold_costs, circuit, tol)


CONSTRUCTION = Designed(
    name="chebyshev",
    summary="fold to a quarter wave, a near-minimax polynomial there by few squarings",
    source="after Yarotsky, arXiv:1610.01145",
    design=design,
    rounding=2e-15,
)
