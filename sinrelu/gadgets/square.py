"""The square of a small number as a sum of fold signals: Yarotsky's sawtooth, made leaner.

Yarotsky, "Error bounds for approximations with deep ReLU networks", arXiv:1610.01145,
Proposition 2, writes x² on [0, 1] as x − Σ g_s(x)/4^s with g_s the s-fold composed tent. Here the
tent is one fold without rescaling, w′ = w − 2 relu(w − t), and the identity behind the sum is
w² − w′² = 4t·relu(w − t).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from sinrelu.circuit import Affine, Real, relu
from sinrelu.gadgets.fold import mirror, smooth_ternary


class Square(NamedTuple):
    """The unit that holds the square, and the signal of the outermost stage's first knot.

    That is relu(|m| − height/2) with a halving, else relu(|m| − height/3) with ternaries.
    """

    value: Affine
    first: Affine


@dataclass(frozen=True)
class Sawtooth:
    """The folds of a square: a halving, smooth ternaries, binaries, and the knots of one stage.

    Attributes
    ----------
    ternaries : int
        Smooth ternary folds; 6 connections each.
    binaries : int
        Binary folds; 4 connections each.
    last : int
        Radix ≥ 2 of the last stage, whose last−1 knots read one another; 2 connections each, and
        one less in all, because only the first knot reads the folded value and no unit holds it.
    halved : bool
        Whether the range is halved first of all; 4 connections.
    """

    ternaries: int
    binaries: int
    last: int
    halved: bool = False

    @property
    def connections(self) -> int:
        """Connections of the folds and of the sum."""
        return 6 * self.ternaries + 4 * (self.binaries + self.halved) + 2 * self.last - 3

    @property
    def pieces(self) -> Fraction:
        """Length of the range in pieces; the first one counts half, being shared with −m."""
        stages = (1 + self.halved) * int(3**self.ternaries)
        leaves = int(2**self.binaries) * self.last
        return stages * Fraction(2 * leaves - 1, 2)

    def piece(self, height: Real) -> Real:
        """Length ℓ of a piece when |m| ranges over [0, height]."""
        return height * self.pieces.denominator / self.pieces.numerator

    def square(self, value: Affine, height: Real) -> Square:
        """Return m² − ℓ²/8 for |m| ≤ height, from value = |m| + ℓ/2 (no unit need hold it).

        Proven error: ±ℓ²/8, attained at every knot and at the middle of every piece. The result
        is even in m, zero for |m| ≤ ℓ/2, and at most m². One unit holds it.
        """
        piece = self.piece(height)
        terms: list[tuple[Real, Affine]] = []
        third = value.circuit.number(height)
        if self.halved:
            third = third / 2
            fold = mirror(relu(value), third + piece / 2)
            terms.append((4 * third, fold.signals[0]))
            value = fold.value
        for _ in range(self.ternaries):
            third = third / 3
            fold = smooth_ternary(relu(value), third, piece / 2)
            terms.append((4 * third, fold.signals[0]))
            value = fold.value
        pivot = piece * self.last * 2**self.binaries
        for _ in range(self.binaries):
            pivot = pivot / 2
            fold = mirror(relu(value), pivot)
            terms.append((4 * pivot - 2 * piece, fold.signals[0]))
            value = fold.value
        for _ in range(1, self.last):
            value = relu(value - piece)
            terms.append((2 * piece, value))
        total = sum((weight * signal for weight, signal in terms), value.circuit.constant(0))
        return Square(relu(total), terms[0][1])
