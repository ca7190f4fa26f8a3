"""huybrechs: the baseline, (cos, sin) by recursive reflection on [0, π], one output for sin.

Huybrechs, arXiv:2506.19104. This is for comparison only and covers [0, π], not [−π, π]; it is a
layered network by itself, with no carry saved. `network` reproduces the counts of the published
code for L levels: 2L + 1 affine layers, width 2L + 4, 4L² + 36L − 8 connections, 10L biases. Those
count two outputs, cos and sin; the network here has only sin, six connections and one bias fewer.
How the two coordinates are gated is our reading, which these counts allow.

Down. z₁ = x; level j folds z_j ∈ [0, 2p] at p = π/2^j: z_{j+1} = p − |z_j − p| ∈ [0, p]. Each z_j
is carried, as relu(±z_j), to where it is needed again. At the bottom cos and sin are linear in
z_{L+1} ∈ [0, h], h = π/2^L.

Up. Where d = z_j − p is positive, the fold is undone by the reflection of (cos, sin) about p. In
turned coordinates F = cos(z − φ), sin(z − φ), each with a gate of its own, it adds Q ≥ 0 times a
sign, and [d > 0]·Q = relu(Q + Md) − relu(Md) if Q ≤ M|d|: three ReLUs a coordinate, six a level.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.network import Network

STEEPNESS = 2
"""With Y = sin|d| ≤ |d|, relu(Y + 2d) vanishes for d < 0, also if Y errs by no more than |d|."""


class Pair(NamedTuple):
    """A value carried as relu(v) and relu(−v)."""

    positive: Affine
    negative: Affine

    @classmethod
    def of(cls, form: Affine) -> Pair:
        """Carry a form to the next layer: two units."""
        return cls(relu(form), relu(-form))

    @property
    def value(self) -> Affine:
        """What is carried."""
        return self.positive - self.negative


class Direction(NamedTuple):
    """(cos z, sin z) for some z, approximately."""

    cosine: Affine
    sine: Affine

    def turned(self, angle: Real) -> Direction:
        """(cos, sin) of z − angle."""
        numbers = self.cosine.circuit.numbers
        cos, sin = numbers.cos(angle), numbers.sin(angle)
        return Direction(cos * self.cosine + sin * self.sine, cos * self.sine - sin * self.cosine)


def bottom(z: Affine, end: Real) -> Direction:
    """Cos and sin on [0, end] by their chords."""
    numbers = z.circuit.numbers
    return Direction(1 - (1 - numbers.cos(end)) / end * z, numbers.sin(end) / end * z)


def unfold(direction: Direction, z: Affine, pivot: Real) -> Direction:
    """From (cos, sin) of min(z, 2·pivot − z) to that of z ∈ [0, 2·pivot]: one layer, six units."""
    numbers = z.circuit.numbers
    angle = pivot / 4
    distance = -direction.turned(pivot).sine
    coordinates = []
    turned = direction.turned(angle)
    gains = (-2 * numbers.sin(pivot - angle), 2 * numbers.cos(pivot - angle))
    for coordinate, gain in zip(turned, gains, strict=True):
        slope = abs(gain) * STEEPNESS
        gate = relu(abs(gain) * distance + slope * (z - pivot)) - relu(slope * (z - pivot))
        passed = relu(coordinate + 1) - 1
        coordinates.append(passed + gate if gain > 0 else passed - gate)
    return Direction(*coordinates).turned(-angle)


def error_bound(levels: int) -> float:
    """Bound the error for L levels: h²/8 + h³/15, h = π/2^L, which is 1.12e-12 for L = 20.

    That of the chords is at most h²/8 in cos and h³/15 in sin; reflections keep its norm, and a
    gate that is wrong in the sign of an error adds a part of the reflection.
    """
    h = math.ldexp(math.pi, -levels)
    return h**2 / 8 + h**3 / 15


def network(levels: int) -> Network:
    """Return the network of L ≥ 1 levels for sin on [0, π].

    Its proven error is ``error_bound(levels)``, before weights are rounded to float64.
    """
    x = Circuit().input
    numbers = x.circuit.numbers
    pivots = [numbers.pi / 2**j for j in range(1, levels + 1)]
    carried: list[Pair] = []
    z = x
    for pivot in pivots:
        carried = [Pair.of(pair.value) for pair in carried]
        carried.append(Pair.of(z))
        folded = Pair.of(z - pivot)
        z = pivot - folded.positive - folded.negative
    direction = bottom(z, pivots[-1])
    for pivot in reversed(pivots):
        level = carried.pop().value
        direction = unfold(direction, level, pivot)
        carried = [Pair.of(pair.value) for pair in carried]
    return x.circuit.freeze(
        direction.sine, {"construction": "huybrechs", "domain": "[0, pi]", "levels": levels}
    )
