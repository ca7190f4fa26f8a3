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

from functools import cache
from itertools import accumulate, islice
from operator import mul
from typing import Any

from sinrelu.circuit import Affine, Circuit, relu
from sinrelu.constructions.base import Design, Designed
from sinrelu.constructions.squarings.polynomial import NestedSquarings, designed, fitted
from sinrelu.constructions.squarings.square import Folds, absolute

TRIED = 4
"""Of the polynomials that are near enough, those with the fewest doublings."""
TAYLOR = (16, 4e-32)
"""2cos √u on [0, (π/2)²] is its Taylor polynomial of degree 16 up to 2(π²/4)^17/34! < 4e-32."""


@cache
def polynomials(doublings: int) -> tuple[NestedSquarings, ...]:
    """Return cos θ for θ = πm from 2cos t − 2, t = θ/2ⁿ, of degree 2 in v = 2m² − 1, and of 4."""
    numbers = Circuit(bits=200).numbers
    angle = numbers.pi / 2**doublings
    quartic = (numbers.mpf(-1), -56 / angle**2)  # as in t⁶/6! − t⁸/8!
    starts = (
        fitted(numbers, inner, lambda m: 2 * numbers.cos(angle * m) - 2, *TAYLOR)
        for inner in ((), (quartic,))
    )
    return tuple(doubled(numbers, start, doublings) for start in starts)


def doubled(numbers: Any, start: NestedSquarings, doublings: int) -> NestedSquarings:
    """Continue 2cos t − 2 by doublings of t, the last to 1 + y/2 = cos.

    Each y ∈ [−2·centre, 0] is kept as C = y + centre, so that |C| is small: y(2t) + centre′ =
    C² + (4 − 2·centre)·C + centre² − 4·centre + centre′. If y errs by ε, y² + 4y errs by at most
    4ε + ε², and its derivative 2y + 4 is at most 4 + 2ε.
    """
    centres = [1 - numbers.cos(numbers.pi / 2**n) for n in range(doublings, 0, -1)]
    *rows, (constant, *linear) = start.rows
    rows.append((constant + centres[0], *linear))
    sizes, derivatives, error = list(start.sizes), [], start.error
    for centre, following in zip(centres, [*centres[1:], 0], strict=True):
        constant = centre**2 - 4 * centre + following
        rows.append((constant, *[0] * len(rows), 4 - 2 * centre))
        sizes.append(float(centre) + error)
        derivatives.append(4 + 2 * error)
        error = 4 * error + error**2
    # The last y, whose centre is 0, becomes 1 + y/2.
    constant, *linear = rows[-1]
    rows[-1] = (1 + constant / 2, *(a / 2 for a in linear))
    derivatives[-1] /= 2
    scales = (*start.scales, *[1] * (doublings - 1), 0.5)
    behind = [*accumulate(reversed(derivatives), mul, initial=1.0)][::-1]
    slopes = (*(slope * behind[0] for slope in start.slopes[:-1]), *behind)
    return NestedSquarings(tuple(rows), scales, tuple(sizes), slopes, error / 2)


def circuit(p: NestedSquarings, folds: Folds) -> Affine:
    """Write the network down: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    pi = x.circuit.numbers.pi
    theta = absolute(x - pi / 2) - 2 * relu(-x - pi / 2)
    return p.circuit(theta / pi, folds)


def design(tol: float) -> Design:
    """Choose the number of doublings and the folds of every square, and write the network down."""
    near = (p for n in range(1, 30) for p in polynomials(n) if p.error < tol)
    return designed(islice(near, TRIED), lambda squares: (6,) * squares, circuit, tol)


CONSTRUCTION = Designed(
    name="double-angle",
    summary="the cosine of a small angle, doubled again and again by squarings",
    source="Elbrächter, Perekrestenko, Grohs and Bölcskei, arXiv:1901.02220",
    design=design,
)
