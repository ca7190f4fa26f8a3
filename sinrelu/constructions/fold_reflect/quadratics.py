"""The last cell: sin m and cos m on a small interval [−h, h], from one square.

A sawtooth gives U ≈ m² − ℓ²/8, and with it cos m ≈ k₀ + k₂U. A gate makes an odd function of an
even one: with f = relu(V − relu(−m)) = [m > 0]·V, sin m ≈ s₁m − (2f − V). V is made of quadratics.

The best J quadratics for m³ differ from it by the same Chebyshev polynomial T₃ on each of J equal
pieces of [−h, h], by at most h³/(4J³). Where two of them meet they are twice that apart. V jumps at
0 if it has a bias. Elsewhere it bends:

    relu(m² − θ − 2κ·relu(|m| − κ)),  θ = κ² − h²/(12J²),

turns positive by itself at √θ, just before κ, is as large there as the jump, and from κ on is what
the two quadratics differ by, in units of 6/(Jh). The signals relu(|m| − κ) are those of the
sawtooth's outermost stage, so J is 2, 3, 4 or 6. A bend is read by the one before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from mpmath import fp

from sinrelu.circuit import Affine, Real, relu
from sinrelu.constructions.fold_reflect.square import Sawtooth, Square

BEND_CONNECTIONS = {2: 0, 3: 3, 4: 4, 6: 7}
"""What V costs beyond V = U: three a bend, and one more if V is made of U as well."""

COARSE = 0.02
"""Above this h, powers of h that the simple bound adds up are worth a closer look."""
GRID = 64


class CosSin(NamedTuple):
    """cos m and sin m."""

    cosine: Affine
    sine: Affine


@dataclass(frozen=True)
class Quadratics:
    """cos m ≈ k0 + k2·U and sin |m| ≈ slope·|m| − (jump + square·U + gain·B) for |m| ≤ h.

    U ≈ m² − ℓ²/8, and B is the innermost bend.
    """

    count: int
    h: Real
    k0: Real
    k2: Real
    slope: Real
    jump: Real
    square: Real
    gain: Real

    @classmethod
    def fit(cls, numbers: Any, h: Real, piece: Real, count: int = 2) -> Quadratics:
        """Return near-minimax coefficients for a number of quadratics on [−h, h].

        In the cosine, m⁴ is replaced by h²m² − h⁴/8, to ±h⁴/8; in the sine, m⁵ by
        5h²m³/4 − 5h⁴m/16, to ±h⁵/16. They are computed in the mpmath context ``numbers``.
        """
        one, even = numbers.mpf(1), 1 - count % 2
        k2, cube = h**2 / 24 - one / 2, one / 6 - h**2 / 96
        slope = one * (-9 if even else 3) / (4 * count**2)
        square = even * 3 * cube * h / count
        jump = even * cube * h**3 / (4 * count**3)
        k0 = 1 - h**4 / 192 + k2 * piece**2 / 8
        slope = 1 - h**4 / 384 - cube * h**2 * slope
        return cls(count, h, k0, k2, slope, jump, square, gain=6 * cube * h / count)

    @property
    def knots(self) -> range:
        """Where the bends are, in units of h/count."""
        return range(2 - self.count % 2, self.count, 2)

    def error(self, numbers: Any, piece: Real, rough: Real = 0) -> Real:
        """Bound of the error of (cos m, sin m) as a vector, for |m| ≤ h ≤ 1.

        The bends may read a square that errs by ``rough`` more. Proof, for t = |m|, J quadratics,
        V = jump + square·U + gain·B and U = t² − u with 0 ≤ u ≤ ℓ²/4; in an interval context every
        rounding is covered too.

        Cosine: k₀ + k₂U is 1 − t²/2 + t⁴/24, with t⁴ replaced by h²t² − h⁴/8 (the difference is
        h⁴/8·T₄(t/h), which makes h⁴/192), and k₂(ℓ²/8 − u) added; the series that alternates
        leaves out h⁶/720.

        Sine, m ≥ 0 and u = 0: the difference of t⁵ is h⁵/16·T₅(t/h), which makes h⁵/1920, and the
        series leaves out h⁷/5040. What is left is c·t³ with c = 1/6 − h²/96. On a piece of centre μ
        its difference from V's quadratic is ε·T₃(J(t − μ)/h), ε = ch³/(4J³) ≤ (h/J)³/24. From √θ to
        κ, where the next bend is positive already, the difference falls, its slope being at most
        9h²/(4J²) − 12ht/J in units of c, with t ≥ √θ > 0.9h/J; and at κ it is −ε, where the next
        piece starts. Beyond κ the bend's argument (t − κ)² + h²/(12J²) has no zero.

        V falls with u, by at most u times its slope in U: square and J/2 − 1 bends, or (J − 1)/2
        bends, of gain 6ch/J each, together at most 3ch ≤ h/2. Hence hℓ²/8.

        Sine, m < 0: it is odd where V ≤ t. There is no bias for odd J, and V ≤ hU/2 ≤ t. For even J
        it may be that t < V ≤ jump + ht²/2, so t < 2·jump, and relu(V − t) makes the sine
        (2 − slope)t − V. Its error, (2 − slope)t − V + sin t, is at most (2 − slope)t ≤ jump, as
        slope − 1 ≥ 2h·jump, and at least −jump, as V ≤ jump + ht²/2 and slope < 1.1.
        """
        h = self.h
        sine = (h / self.count) ** 3 / 24 + h * piece**2 / 8 + h**5 / 1920 + h**7 / 5040
        sine += len(self.knots) * self.gain * rough
        cosine = abs(self.k2) * piece**2 / 8 + h**4 / 192 + h**6 / 720
        return hypot(numbers, sine, cosine)

    def bends(self, square: Square) -> Affine:
        """Return the unit of the innermost bend, B; 0 if there is none."""
        # from the outermost knot inwards: each bend reads the one beyond it and passes it on, so
        # that V reads them all by one connection, and all have the same gain
        bend = square.value.circuit.constant(0)
        for knot, signal in reversed(list(zip(self.knots, square.signals, strict=False))):
            bend = relu(self.bend(square.value + bend, signal, knot))
        return bend

    def bend(self, square: Affine, signal: Affine, knot: int) -> Affine:
        """Return what is to be rectified for a bend at κ = knot·h/count, signal = relu(|m| − κ).

        U − θ − 2κ·relu(|m| − κ): below κ it is m² − θ, which passes 0 at √θ, between the two
        pieces; above κ it is (|m| − κ)² + κ² − θ, with κ² − θ = (h/J)²/12, the jump between the
        best quadratics on either side.
        """
        part = self.h / self.count
        theta = (knot * part) ** 2 - part**2 / 12
        difference: Affine = square - theta - 2 * knot * part * signal
        return difference


@dataclass(frozen=True)
class LastCell:
    """Sin and cos on [−h, h]; three and six quadratics need a ternary outermost, four a halving."""

    sawtooth: Sawtooth
    quadratics: int = 2

    @property
    def possible(self) -> bool:
        """Whether the sawtooth has what it needs and the signals that the bends need."""
        ternary = self.sawtooth.ternaries > 0 and not self.sawtooth.halved
        signals = {2: True, 3: ternary, 4: self.sawtooth.halved, 6: ternary}
        return self.sawtooth.possible and signals.get(self.quadratics, False)

    @property
    def connections(self) -> int:
        """Connections of the square and of what the sine costs beyond two quadratics."""
        return self.sawtooth.connections + BEND_CONNECTIONS[self.quadratics]

    def error(self, numbers: Any, h: Real) -> Real:
        """Bound of the error of (cos m, sin m) as a vector, for |m| ≤ h ≤ 1."""
        if self.quadratics == 2 and h > COARSE:
            return self._error_on_grid(numbers, h)
        piece = self.sawtooth.piece(h)
        return Quadratics.fit(numbers, h, piece, self.quadratics).error(numbers, piece)

    def _error_on_grid(self, numbers: Any, h: Real) -> Real:
        """Bound the error of two quadratics, sharply where h is not small.

        With U = t² − u, 0 ≤ u ≤ ℓ²/4, the error is a convex function of u, so the ends of u
        suffice. Between points of a grid of step η in t it exceeds the larger end by at most
        η²/8 · max |second derivative|. That is below h + h², because the sine's is sin t − 2·square
        with 0 < 2·square < h/2, and the cosine's is h²/12 − 1 + cos t. Where the sine is not odd it
        errs by at most ``jump``: see ``Quadratics.error``.
        """
        piece = self.sawtooth.piece(h)
        fit = Quadratics.fit(numbers, h, piece)
        worst = worst_cosine = numbers.mpf(0)
        for i, u in product(range(GRID + 1), (0, piece**2 / 4)):
            t = h * i / GRID
            sine = fit.slope * t - fit.jump - fit.square * (t**2 - u) - numbers.sin(t)
            cosine = fit.k0 + fit.k2 * (t**2 - u) - numbers.cos(t)
            worst = larger(worst, hypot(numbers, sine, cosine))
            worst_cosine = larger(worst_cosine, abs(cosine))
        worst = larger(worst, hypot(numbers, fit.jump, worst_cosine))
        return worst + (h / GRID) ** 2 / 8 * (h + h**2)

    def cos_sin(self, z: Affine, h: Real) -> CosSin:
        """Return cos m and sin m for m = z − h, z ∈ [0, 2h]."""
        piece = self.sawtooth.piece(h)
        fit = Quadratics.fit(z.circuit.numbers, h, piece, self.quadratics)
        m = z - h
        left = relu(-m)
        square = self.sawtooth.square(m + 2 * left + piece / 2, h)  # |m| = m + 2 relu(−m)
        curve = fit.gain * fit.bends(square)  # V, even in m
        if self.quadratics % 2 == 0:
            curve += fit.jump + fit.square * square.value
        right = relu(curve - left)  # f: V where m > 0, and 0 elsewhere, so 2f − V is odd
        return CosSin(fit.k0 + fit.k2 * square.value, fit.slope * m - (2 * right - curve))


def hypot(numbers: Any, x: Real, y: Real) -> Real:
    """Return √(x² + y²); ``mpmath.fp`` has its own only from version 1.4 on."""
    return math.hypot(x, y) if numbers is fp else numbers.hypot(x, y)


def larger(first: Real, second: Real) -> Real:
    """Return the larger of two numbers, or an interval that holds it."""
    return (first + second + abs(first - second)) / 2
