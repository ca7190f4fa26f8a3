"""The leaf: sin m and cos m on a small interval [−h, h], from one square.

A sawtooth gives U ≈ m² − ℓ²/8, and with it cos m ≈ k₀ + k₂U. A gate makes an odd function of an
even one: with f = relu(V − relu(−m)) = [m > 0]·V, sin m ≈ s₁m − (2f − V). V is made of quadratics:

two of them, V ∝ U, on the halves of [−h, h];
three, V ∝ relu(U − θ − λa), on its thirds, where a = relu(|m| − h/3) is a signal of the sawtooth;
four, V ∝ U + c·relu(U − θ − λa), on its quarters, where a = relu(|m| − h/2).

A bend needs no signal to start it: U is known, and U − θ turns positive by itself at |m| = √θ.
There V bridges the jump from one Chebyshev polynomial T₃ to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from sinrelu.circuit import Affine, Real, relu
from sinrelu.gadgets.square import Sawtooth, Square

BEND_CONNECTIONS = {2: 0, 3: 3, 4: 4}
"""What V costs beyond V = U: its reads, and that the channels read one unit more."""


COARSE = 0.02
"""Above this h, powers of h that the simple bound adds up are worth a closer look."""
GRID = 64


class Point(NamedTuple):
    """cos m and sin m."""

    cosine: Affine
    sine: Affine


@dataclass(frozen=True)
class Quadratics:
    """cos m ≈ k₀ + k₂U and sin |m| ≈ s₁|m| + s₂U for |m| ≤ h, with U ≈ m² − ℓ²/8."""

    k0: Real
    k2: Real
    s1: Real
    s2: Real

    @classmethod
    def fit(cls, numbers: Any, h: Real, piece: Real) -> Quadratics:
        """Return near-minimax coefficients, computed in the mpmath context ``numbers``.

        In the cosine, t⁴ is replaced by h²t² − h⁴/8: error h⁴/8. In the sine, t³ is replaced as in
        ``stretched``.
        """
        a, b = stretched(numbers, h)
        k2 = h**2 / 24 - numbers.mpf(1) / 2
        return cls(1 - h**4 / 192 + k2 * piece**2 / 8, k2, 1 - a / 6, -b / 6)


def stretched(numbers: Any, end: Real) -> tuple[Real, Real]:
    """Return a, b with t³ ≈ at + bt² on [0, end], to ±end³/(4c³) where c = 1 + √3/2.

    The difference is a stretched Chebyshev polynomial T₃ with its zero −√3/2 at t = 0 and its
    end 1 at t = end.
    """
    q = numbers.sqrt(3) / 2
    scale = end / (1 + q)
    return -3 * scale**2 / 2, 3 * q * scale


@dataclass(frozen=True)
class Bend:
    """t³ ≈ slope·t + square·t² + gain·relu(t² − theta − tilt·relu(t − knot)) on [0, 1]."""

    slope: Real
    square: Real
    gain: Real
    theta: Real
    tilt: Real
    error: Real


def thirds(numbers: Any) -> Bend:
    """Bend at 1/3: the difference is T₃/108 on each third of [−1, 1], and never beyond ±1/108.

    Proof. Up to √θ < 1/3 it is t³ − t/12 = T₃(3t)/108. From 1/3 on, where the bend's argument
    t² − 2t/3 + 13/108 has no zero, it is T₃(3t − 2)/108. In between it falls, since its slope
    3t² − 1/12 − 4t is negative, to −1/108.
    """
    one = numbers.mpf(1)
    return Bend(one / 12, one * 0, one * 2, 11 * one / 108, 2 * one / 3, one / 108)


def quarters(numbers: Any) -> Bend:
    """Bend at 1/2: the difference is nearly T₃/256 on [1/2, 1], a stretched T₃ on [0, k], k = √θ.

    It stays within ±0.004623, which the stretched T₃ all but attains.

    Proof. Up to k it is the stretched T₃, at most k³/(4c³) < 0.0046216. From 1/2 on, where the
    bend's argument is positive and rises, it is T₃(4t − 3)/256 + γk² − γλ/2 + 99/256 with gain γ
    and tilt λ, at most 0.0045534. In between it falls from the one to the other.
    """
    one = numbers.mpf(1)
    k = one * 2467 / 5000
    slope, square = stretched(numbers, k)
    gain = one * 9 / 4 - square
    return Bend(slope, square, gain, k**2, (slope + one * 105 / 64) / gain, one * 4623 / 10**6)


BENDS = {3: thirds, 4: quarters}


@dataclass(frozen=True)
class Leaf:
    """How sin and cos are made on [−h, h].

    Attributes
    ----------
    sawtooth : Sawtooth
        The folds of the square. Its outermost stage is a ternary for three quadratics, and a
        halving for four.
    quadratics : int
        2, 3 or 4: of how many quadratics the sine is made.
    """

    sawtooth: Sawtooth
    quadratics: int = 2

    @property
    def possible(self) -> bool:
        """Whether the sawtooth has the signal that the bend needs."""
        outermost = 4 if self.sawtooth.halved else 3 if self.sawtooth.ternaries else 2
        return self.quadratics in {2, outermost}

    @property
    def connections(self) -> int:
        """Connections of the square and of what the sine costs beyond two quadratics."""
        return self.sawtooth.connections + BEND_CONNECTIONS[self.quadratics]

    def error(self, numbers: Any, h: Real) -> Real:
        """Bound of the error of (cos m, sin m) as a vector, for |m| ≤ h ≤ 1.

        Proof, for t = |m| and U = t² − u with 0 ≤ u ≤ ℓ²/4; in an interval context every rounding
        is covered too. Cosine: k₀ + k₂U is 1 − t²/2 + t⁴/24, with t⁴ replaced by h²t² − h⁴/8 (the
        difference is h⁴/8·T₄(t/h), which makes h⁴/192), and k₂(ℓ²/8 − u) added; the series that
        alternates leaves out h⁶/720. Sine: t³ is replaced with error ``cubic``, and the series
        leaves out h⁵/120. For two quadratics U has weight b/6, and bu/6 ≤ bℓ²/24. With a bend of
        gain γ and square β, U has weight βh/6 and the bend, which reads U + ℓ²/8, has γh/6: at
        most (βℓ²/4 + γℓ²/8)·h/6.
        """
        if self.quadratics == 2 and h > COARSE:
            return self._error_on_grid(numbers, h)
        piece = self.sawtooth.piece(h)
        fit = Quadratics.fit(numbers, h, piece)
        if self.quadratics == 2:
            cubic, gain = (h / (1 + numbers.sqrt(3) / 2)) ** 3 / 4, -6 * fit.s2
        else:
            bend = BENDS[self.quadratics](numbers)
            cubic, gain = bend.error * h**3, (bend.square + bend.gain) * h
        sine = cubic / 6 + h**5 / 120 + gain * piece**2 / 24
        cosine = abs(fit.k2) * piece**2 / 8 + h**4 / 192 + h**6 / 720
        return numbers.hypot(sine, cosine)

    def _error_on_grid(self, numbers: Any, h: Real) -> Real:
        """Bound the error of two quadratics, sharply where h is not small.

        With U = t² − u, 0 ≤ u ≤ ℓ²/4, the error is a convex function of u, so the ends of u
        suffice. Between points of a grid of step η in t it exceeds the larger end by at most
        η²/8 · max |second derivative|. That is below h + h², because the sine's is 2s₂ + sin t with
        −h/2 < 2s₂ < 0, and the cosine's is h²/12 − 1 + cos t.
        """
        piece = self.sawtooth.piece(h)
        fit = Quadratics.fit(numbers, h, piece)
        worst = numbers.mpf(0)
        for i, u in product(range(GRID + 1), (0, piece**2 / 4)):
            t = h * i / GRID
            sine = fit.s1 * t + fit.s2 * (t**2 - u) - numbers.sin(t)
            cosine = fit.k0 + fit.k2 * (t**2 - u) - numbers.cos(t)
            worst = larger(worst, numbers.hypot(sine, cosine))
        return worst + (h / GRID) ** 2 / 8 * (h + h**2)

    def point(self, z: Affine, h: Real) -> Point:
        """Return cos m and sin m for m = z − h, z ∈ [0, 2h]."""
        numbers = z.circuit.numbers
        piece = self.sawtooth.piece(h)
        fit = Quadratics.fit(numbers, h, piece)
        m = z - h
        left = relu(-m)
        square = self.sawtooth.square(m + 2 * left + piece / 2, h)
        if self.quadratics == 2:
            slope, curve = fit.s1, -fit.s2 * square.value
        else:
            bend = BENDS[self.quadratics](numbers)
            slope = 1 - bend.slope * h**2 / 6
            curve = h / 6 * (bend.square * square.value + bend.gain * bent(square, bend, h, piece))
        right = relu(curve - left)
        return Point(fit.k0 + fit.k2 * square.value, slope * m - (2 * right - curve))


def larger(first: Real, second: Real) -> Real:
    """Return the larger of two numbers, or an interval that holds it."""
    return (first + second + abs(first - second)) / 2


def bent(square: Square, bend: Bend, h: Real, piece: Real) -> Affine:
    """Return the unit relu(m² − θh² − λh·a)."""
    theta = bend.theta * h**2 - piece**2 / 8
    return relu(square.value - theta - bend.tilt * h * square.first)
