"""double-angle: the cosine of a small angle, and then cos 2t = 2cos²t − 1 again and again.

Elbrächter, Perekrestenko, Grohs, Bölcskei, "Deep Neural Network Approximation Theory",
arXiv:1901.02220, section on sinusoidal functions: squarings only, each by Yarotsky's sawtooth
(arXiv:1610.01145, Proposition 2).

With θ = |x − π/2| folded at π to [0, π], sin x = cos θ and no sign is left to put back. At the
small angle t = θ/2^n, 2cos t − 2 is a low polynomial in t². The doubling is done in
y = 2cos t − 2 ∈ [−4, 0], where it reads y(2t) = y² + 4y and has its fixed point 0 at the small
angle: errors grow fourfold in each doubling, but the squared numbers are four times smaller in each
earlier one, so that each earlier square needs about one fold less.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from mpmath import MPContext

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import Construction, Design
from sinrelu.constructions.squarings.plan import Plan
from sinrelu.constructions.squarings.polynomial import Ladder, Profile, fitted, supremum
from sinrelu.constructions.squarings.square import magnitude
from sinrelu.errors import RequestError

TAYLOR_DEGREE = 16
TAYLOR_REMAINDER = 4e-32
"""2cos √u on [0, (π/2)²] is its Taylor polynomial in u up to 2(π²/4)^17/34! < 4e-32."""


def polynomials(numbers: Any, angle: Real) -> Iterator[tuple[Ladder, list[Real]]]:
    """Yield fits of 2cos t − 2 for t² = angle²·(v+1)/2: of degree 2 in v, and of degree 4."""
    quartic = (numbers.mpf(-1), -56 / angle**2)  # as in t⁶/6! − t⁸/8!
    for inner in ((), (quartic,)):
        yield fitted(
            numbers, inner, lambda v: 2 * numbers.cos(angle * numbers.sqrt((1 + v) / 2)) - 2
        )


def doubled(ladder: Ladder, centres: list[Real]) -> Ladder:
    """Continue a ladder for y by doublings, the last to 1 + y/2 = cos.

    Each y is kept as C = y + centre, so that |C| is small: y(2t) + centre′ =
    C² + (4 − 2·centre)·C + centre² − 4·centre + centre′.
    """
    first = ladder.rows[-1]
    rows = [*ladder.rows[:-1], (first[0] + centres[0], *first[1:])]
    for centre, following in zip(centres, [*centres[1:], 0], strict=True):
        row = (centre**2 - 4 * centre + following, *[0] * len(rows), 4 - 2 * centre)
        rows.append(row)
    rows[-1] = (1 + rows[-1][0] / 2, *rows[-1][1:-1], rows[-1][-1] / 2)
    doublings = len(centres)
    return Ladder(tuple(rows), (*ladder.scales, *[1] * (doublings - 1), centres[0] * 0 + 0.5))


def profile(numbers: Any, ladder: Ladder, misfit: float, doublings: int) -> tuple[Profile, float]:
    """Return the profile of the whole ladder, and its error when all squares are exact.

    If y errs by ε, y² + 4y errs by at most 4ε + ε², and its derivative 2y + 4 is at most 4 + 2ε.
    """
    spans = [2 - 2 * numbers.cos(numbers.pi / 2**n) for n in range(doublings, 0, -1)]
    own = ladder.profile(numbers)
    sizes, derivatives = list(own.sizes[:-1]), []
    for span in spans:
        sizes.append(float(span) / 2 + misfit)
        derivatives.append(4 + 2 * misfit)
        misfit = 4 * misfit + misfit**2
    derivatives[-1] /= 2
    slopes = [1.0]
    for derivative in reversed(derivatives):
        slopes.insert(0, derivative * slopes[0])
    slopes = [slope * slopes[0] for slope in own.slopes[:-1]] + slopes
    whole = doubled(ladder, [span / 2 for span in spans])
    return Profile(whole, (*sizes, 1 + misfit), tuple(slopes)), misfit / 2


def plans(tol: float) -> Iterator[Plan]:
    """Yield the plans with few doublings that reach the tolerance."""
    numbers = MPContext()
    numbers.prec = 200
    for doublings in range(1, 30):
        for ladder, values in polynomials(numbers, numbers.pi / 2**doublings):
            misfit = float(supremum(numbers, values, TAYLOR_DEGREE)) + 3 * TAYLOR_REMAINDER
            whole, approximation = profile(numbers, ladder, misfit, doublings)
            if approximation < tol:
                squares = whole.ladder.squarings + 1
                start = Plan(whole, approximation, (6,) * squares, (0,) * squares)
                yield start.enough(tol)


def circuit(plan: Plan) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    half = x.circuit.numbers.pi / 2
    angle = magnitude(x - half) - 2 * relu(-x - half)
    return plan.circuit(angle / (2 * half))


def design(tol: float) -> Design:
    """Choose the number of doublings and the folds of every square, and write the network down."""
    plan = min(islice(plans(tol), 4), default=None)
    if plan is None:
        raise RequestError(f"tol: no number of doublings reaches {tol:g}")
    return Design(circuit(plan), plan.error_bound, plan.parameters)


CONSTRUCTION = Construction(
    name="double-angle",
    summary="the cosine of a small angle, doubled again and again by squarings",
    source="Elbrächter, Perekrestenko, Grohs and Bölcskei, arXiv:1901.02220",
    design=design,
)
