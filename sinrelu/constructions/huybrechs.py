"""huybrechs: the baseline, (cos, sin) by recursive reflection on [0, π], one output for sin.

Huybrechs, arXiv:2506.19104. This is for comparison only and covers [0, π], not [−π, π]; it is a
layered network by itself, with no carry saved. It reproduces the counts of the published code for L
levels: 2L + 1 affine layers, width 2L + 4, 4L² + 36L − 8 connections, 10L biases. Those count two
outputs, cos and sin; the network here has only sin, six connections and one bias fewer. How the two
coordinates are gated is our reading, which these counts allow.

Down. z₁ = x; level j folds z_j ∈ [0, 2p] at p = π/2^j: z_{j+1} = p − |z_j − p| ∈ [0, p]. Each z_j
is carried, as relu(±z_j), to where it is needed again. At the bottom cos and sin are linear in
z_{L+1} ∈ [0, h], h = π/2^L.

Up. Where d = z_j − p is positive, the fold is undone by the reflection of (cos, sin) about p. In
turned coordinates F = cos(z − φ), sin(z − φ), each with a gate of its own, it adds Q ≥ 0 times a
sign, and [d > 0]·Q = relu(Q + Md) − relu(Md) if Q ≤ M|d|: three ReLUs a coordinate, six a level.
"""

import math
from fractions import Fraction

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import Design, Designed
from sinrelu.errors import RequestError
from sinrelu.network import LAYERED
from sinrelu.target import PI, End, Target

STEEPNESS = 2
"""With Y = sin|d| ≤ |d|, relu(Y + 2d) vanishes for d < 0, also if Y errs by no more than |d|."""
MOST_LEVELS = 60

CosSin = tuple[Affine, Affine]
"""(cos z, sin z) for some z, approximately."""


def carried(*forms: Affine) -> list[Affine]:
    """Carry forms to the next layer: two units each."""
    return [relu(form) - relu(-form) for form in forms]


def turned(point: CosSin, angle: Real) -> CosSin:
    """(cos, sin) of z − angle."""
    cosine, sine = point
    numbers = cosine.circuit.numbers
    cos, sin = numbers.cos(angle), numbers.sin(angle)
    return cos * cosine + sin * sine, cos * sine - sin * cosine


def bottom(z: Affine, h: Real) -> CosSin:
    """Cos and sin on [0, h] by their chords."""
    numbers = z.circuit.numbers
    return 1 - (1 - numbers.cos(h)) / h * z, numbers.sin(h) / h * z


def unfolded(point: CosSin, z: Affine, p: Real) -> CosSin:
    """From (cos, sin) of min(z, 2p − z) to that of z ∈ [0, 2p]: one layer, six units."""
    numbers = z.circuit.numbers
    phi = p / 4
    distance = -turned(point, p)[1]  # Y = sin|d|
    gains = (-2 * numbers.sin(p - phi), 2 * numbers.cos(p - phi))
    cosine, sine = (
        math.copysign(1, gain) * gate(abs(gain), distance, z - p) + relu(coordinate + 1) - 1
        for coordinate, gain in zip(turned(point, phi), gains, strict=True)
    )
    return turned((cosine, sine), -phi)


def gate(gain: Real, distance: Affine, d: Affine) -> Affine:
    """[d > 0]·Q for Q = gain·distance: two units."""
    steep = gain * STEEPNESS * d
    return relu(gain * distance + steep) - relu(steep)


def error_bound(levels: int) -> float:
    """Bound the error for L levels: h²/8 + h³/15, h = π/2^L, which is 1.12e-12 for L = 20.

    That of the chords is at most h²/8 in cos and h³/15 in sin; reflections keep its norm, and a
    gate that is wrong in the sign of an error adds a part of the reflection.
    """
    h = math.ldexp(math.pi, -levels)
    return h**2 / 8 + h**3 / 15


def circuit(levels: int) -> Affine:
    """Write the network of L ≥ 1 levels down: sin as an affine form over the units of a circuit."""
    z = Circuit().input
    pivots = [z.circuit.numbers.pi / 2**j for j in range(1, levels + 1)]
    waiting: list[Affine] = []
    for p in pivots:  # down
        waiting = carried(*waiting, z)
        z = p - relu(z - p) - relu(p - z)
    point = bottom(z, pivots[-1])
    for p in reversed(pivots):  # up
        point = unfolded(point, waiting.pop(), p)
        waiting = carried(*waiting)
    return point[1]


def design(tol: float) -> Design:
    """Choose the fewest levels whose bound keeps the tolerance, and write the network down."""
    for levels in range(1, MOST_LEVELS):
        if (bound := error_bound(levels)) <= tol:
            return Design(circuit(levels), bound, {"levels": levels})
    raise RequestError(f"tol: no number of levels of huybrechs reaches {tol}")


CONSTRUCTION = Designed(
    name="huybrechs",
    summary="the baseline on [0, π]: (cos, sin) by recursive reflection",
    source="Huybrechs, arXiv:2506.19104",
    design=design,
    target=Target("sin", End(Fraction(0)), PI),
    wirings=(LAYERED,),
)
