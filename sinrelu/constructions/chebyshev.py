"""chebyshev: fold exactly to a quarter wave, a near-minimax polynomial there, few squarings.

With c = |x| − π/2 ∈ [−π/2, π/2], sin|x| = cos c is entire in u = c²: degree d in u errs by about
2(π²/16)^(d+1)/(2d+2)!, so degree 7 is enough for 1e-12 (Trefethen, "Approximation Theory and
Approximation Practice", SIAM 2013, chapters 4 and 8). With v = 2u/(π²/4) − 1 ∈ [−1, 1], degree 2^k
in v takes k squarings (`gadgets.ladder`). Squares are sawtooth sums, Yarotsky, arXiv:1610.01145,
Proposition 2, and each has only the folds that its own share of the tolerance needs. The sign of x
is put back by one gate: with r = relu(−x) and S = sin|x| ≤ |x|, relu(S − 2r) is S or 0.

The inner coefficients of the ladder are free parameters: any values are right, as the outer ones
are solved for and the error bound is computed for what results. Those in `RECIPES` were found by
minimising the connections in folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from mpmath import MPContext

from sinrelu.circuit import Affine, Circuit, relu
from sinrelu.constructions.base import Construction, Design
from sinrelu.errors import RequestError
from sinrelu.gadgets.fold import absolute
from sinrelu.gadgets.ladder import Profile, fitted, supremum
from sinrelu.gadgets.tents import Tents, magnitude

RECIPES: tuple[tuple[tuple[float, ...], ...], ...] = (
    (),
    ((-1.0, -46.93168783733213),),
    ((-1.0, -18.2997727010497),),
    ((-1.0, -21.91019089231635),),
    ((-1.0000002515333646, -22.24938814621552),),
    (
        (-0.561121264868565, -66.9645550346869),
        (-8989.25060411687, 135110.59245283704, 10137.811436329432),
    ),
)
"""Inner rows (a_i0, a_i1, …) of ladders with 1, 2 and 3 squarings."""

TAYLOR_DEGREE = 12
TAYLOR_REMAINDER = 4e-22
"""cos √u is its Taylor polynomial in u up to (π²/4)^13/26! < 4e-22."""


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Attributes
    ----------
    profile : Profile
        The polynomial, as a ladder of squarings, and what their errors do to it.
    approximation : float
        Proven bound of |p(v) − cos c|.
    folds : tuple of int
        Folds of the square u and of each square of the ladder.
    """

    profile: Profile
    approximation: float
    folds: tuple[int, ...]

    @property
    def drift(self) -> float:
        """Bound of the error of v."""
        return 2 * float(Tents(self.folds[0]).error(1.0))

    @property
    def errors(self) -> list[float]:
        """What the polynomial and each square add to the error bound."""
        _, errors = self.profile.heights_and_errors(self.drift, self.folds[1:])
        return [self.approximation, *errors]

    @property
    def error_bound(self) -> float:
        """A-priori bound of |N(x) − sin x| on [−π, π], before weights are rounded to float64.

        It is that of cos c: the gate errs by no more than what it gates. With r = −x > 0 and S + η
        in place of S, e = relu(S + η − 2r) is 0 or in [0, η − r], and 2e − (S + η) − (−S) = 2e − η.
        """
        return sum(self.errors)

    @property
    def costs(self) -> list[int]:
        """Connections for each fold of each square in layers: six, the sign's, and what waits."""
        last = len(self.folds) - 1
        return [7 + min(i, last - i) for i in range(last + 1)]

    @property
    def cost(self) -> int:
        """Connections of all folds."""
        return sum(count * cost for count, cost in zip(self.folds, self.costs, strict=True))

    def refolded(self, changes: Sequence[int]) -> Plan:
        """Change the numbers of folds."""
        folds = (max(n + change, 0) for n, change in zip(self.folds, changes, strict=True))
        return Plan(self.profile, self.approximation, tuple(folds))


def solve(numbers: Any, inner: tuple[tuple[float, ...], ...]) -> tuple[Profile, float]:
    """Complete a ladder by the least-squares fit of cos c at Chebyshev nodes; bound its error."""
    ladder, misfit = fitted(
        numbers, inner, lambda v: numbers.cos(numbers.pi / 2 * numbers.sqrt((1 + v) / 2))
    )
    bound = supremum(numbers, misfit, max(TAYLOR_DEGREE, 2**ladder.squarings))
    return ladder.profile(numbers), float(bound) + 3 * TAYLOR_REMAINDER


def fold_enough(plan: Plan, tol: float) -> Plan:
    """Return the plan with the fewest connections in folds that reaches the tolerance."""
    while plan.error_bound > tol:
        gains = [e / cost for e, cost in zip(plan.errors[1:], plan.costs, strict=True)]
        worst = gains.index(max(gains))
        plan = plan.refolded([int(i == worst) for i in range(len(gains))])
    near = (plan.refolded(changes) for changes in product((-1, 0, 1), repeat=len(plan.folds)))
    return min((p for p in near if p.error_bound <= tol), key=lambda p: (p.cost, p.error_bound))


def plans(tol: float) -> Iterator[Plan]:
    """Yield the best plan of each recipe that reaches the tolerance."""
    numbers = MPContext()
    numbers.prec = 200
    for inner in RECIPES:
        profile, approximation = solve(numbers, inner)
        if approximation < tol:
            start = Plan(profile, approximation, (0,) * (len(inner) + 2))
            yield fold_enough(start, tol)


def circuit(plan: Plan) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    numbers = x.circuit.numbers
    folded = absolute(x)
    quarter = magnitude(folded.value / (numbers.pi / 2) - 1)
    square = relu(Tents(plan.folds[0]).square(quarter, numbers.mpf(1)))
    heights, _ = plan.profile.heights_and_errors(plan.drift, plan.folds[1:])
    sine = relu(plan.profile.circuit(2 * square - 1, heights, plan.folds[1:]))
    gate = relu(sine - 2 * folded.signals[0])
    return 2 * gate - sine


def design(tol: float) -> Design:
    """Choose the polynomial and the folds of every square, and write the network down."""
    candidates = list(plans(tol))
    if not candidates:
        raise RequestError(f"{tol}: no polynomial of chebyshev reaches this tolerance")
    plan = min(candidates, key=lambda plan: (plan.cost, plan.error_bound))
    parameters = {"squarings": len(plan.folds), "folds": plan.folds}
    return Design(circuit(plan), plan.error_bound, parameters)


CONSTRUCTION = Construction(
    name="chebyshev",
    summary="fold to a quarter wave, a near-minimax polynomial there by few squarings",
    source="after Yarotsky, arXiv:1610.01145",
    design=design,
)
