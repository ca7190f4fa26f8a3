"""chebyshev: fold exactly to a quarter wave, a near-minimax polynomial there, few squarings.

With c = |x| − π/2 ∈ [−π/2, π/2], sin|x| = cos c is entire in u = c²: degree d in u errs by about
2(π²/16)^(d+1)/(2d+2)!, so degree 7 is enough for 1e-12 (Trefethen, "Approximation Theory and
Approximation Practice", SIAM 2013, chapters 4 and 8). With v = 2u/(π²/4) − 1 ∈ [−1, 1], degree 2^k
in v takes k squarings (`gadgets.ladder`). Squares are sawtooth sums, Yarotsky, arXiv:1610.01145,
Proposition 2, and each has only the folds that its own share of the tolerance needs. The sign of x
is put back by one gate: with r = relu(−x) and S = sin|x| ≤ |x|, e = relu(S − 2r) is S or 0 and
sin x = 2e − S. With S + η in place of S the error of 2e − (S + η) is at most |η|: for x < 0, e is
in [0, max(η − r, 0)]. So the error bound is that of cos c.

The inner coefficients of the ladder are free parameters: any values are right, as the outer ones
are solved for and the error bound is computed for what results. Those in `RECIPES` were found by
minimising the connections in folds (scripts/search_recipes.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mpmath import MPContext

from sinrelu.circuit import Affine, Circuit, relu
from sinrelu.constructions.base import Construction, Design
from sinrelu.constructions.fold_reflect.fold import absolute
from sinrelu.constructions.squarings.plan import Plan
from sinrelu.constructions.squarings.polynomial import Profile, fitted, supremum
from sinrelu.constructions.squarings.square import magnitude
from sinrelu.errors import RequestError

RECIPES: tuple[tuple[tuple[float, ...], ...], ...] = (
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
"""Inner rows (a_i0, a_i1, …) of ladders with 1, 2, 3 and 4 squarings, of falling error."""

TAYLOR_DEGREE = 12
TAYLOR_REMAINDER = 4e-22
"""cos √u is its Taylor polynomial in u up to (π²/4)^13/26! < 4e-22."""


def solve(numbers: Any, inner: tuple[tuple[float, ...], ...]) -> tuple[Profile, float]:
    """Complete a ladder by the least-squares fit of cos c at Chebyshev nodes; bound its error."""
    ladder, misfit = fitted(
        numbers, inner, lambda v: numbers.cos(numbers.pi / 2 * numbers.sqrt((1 + v) / 2))
    )
    bound = supremum(numbers, misfit, max(TAYLOR_DEGREE, 2**ladder.squarings))
    return ladder.profile(numbers), float(bound) + 3 * TAYLOR_REMAINDER


def fold_costs(squares: int) -> tuple[int, ...]:
    """Return the connections for a fold of each square: six, the sign's, and what waits."""
    return tuple(7 + min(i, squares - 1 - i) for i in range(squares))


def plans(tol: float) -> Iterator[Plan]:
    """Yield the best plan of each recipe that reaches the tolerance."""
    numbers = MPContext()
    numbers.prec = 200
    for inner in RECIPES:
        profile, approximation = solve(numbers, inner)
        if approximation < tol:
            costs = fold_costs(len(inner) + 2)
            plan = Plan(profile, approximation, costs, (0,) * len(costs))
            yield plan.enough(tol)


def circuit(plan: Plan) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    folded = absolute(x)
    sine = relu(plan.circuit(magnitude(folded.value / (x.circuit.numbers.pi / 2) - 1)))
    gate = relu(sine - 2 * folded.signals[0])
    return 2 * gate - sine


def design(tol: float) -> Design:
    """Choose the polynomial and the folds of every square, and write the network down."""
    plan = min(plans(tol), default=None)
    if plan is None:
        raise RequestError(f"tol: no polynomial of chebyshev reaches {tol:g}")
    return Design(circuit(plan), plan.error_bound, plan.parameters)


CONSTRUCTION = Construction(
    name="chebyshev",
    summary="fold to a quarter wave, a near-minimax polynomial there by few squarings",
    source="after Yarotsky, arXiv:1610.01145",
    design=design,
    rounding=2e-15,
)
