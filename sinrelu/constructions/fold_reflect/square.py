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
from sinrelu.constructions.fold_reflect.fold import mirror, smooth_ternary


class Square(NamedTuple):
    """The unit that holds the square, and the signals of the outermost stage.

    They are relu(|m| − height/2) with a halving, else relu(|m| − height/3) and
    relu(|m| − 2·height/3) with ternaries.
    """

    value: Affine
    signals: tuple[Affine, ...]


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
    clipped : bool
        Whether the value that the last binary fold folds is clipped, by the unit that holds it, on
        the flat first piece, and the sum reads it: a knot for one connection. Needs a binary fold.
    """

    ternaries: int
    binaries: int
    last: int
    halved: bool = False
    clipped: bool = False

    @property
    def possible(self) -> bool:
        """Whether there is a binary fold whose value can be clipped."""
        return self.binaries > 0 or not self.clipped

    @property
    def connections(self) -> int:
        """Connections of the folds and of the sum."""
        folds = 6 * self.ternaries + 4 * (self.binaries + self.halved)
        return folds + 2 * self.last - 3 + self.clipped

    @property
    def pieces(self) -> Fraction:
        """Length of the range in pieces; the first one counts half, being flat around 0."""
        stages = (1 + self.halved) * int(3**self.ternaries)
        return stages * (self._teeth * int(2**self.binaries) - Fraction(1, 2))

    @property
    def _teeth(self) -> Fraction:
        """Pieces on either side of the last binary fold, in the mean."""
        return self.last + Fraction(self.clipped, 2)

    def piece(self, height: Real) -> Real:
        """Length ℓ of a piece when |m| ranges over [0, height]."""
        return height * self.pieces.denominator / self.pieces.numerator

    def square(self, value: Affine, height: Real) -> Square:
        """Return m² − ℓ²/8 for |m| ≤ height, from value = |m| + ℓ/2 (no unit need hold it).

        Proven error: ±ℓ²/8, attained at every knot and at the middle of every piece. The result
        is even in m, zero at m = 0, and at most m². One unit holds it.
        """
        piece = self.piece(height)
        offset = piece / 2
        terms: list[tuple[Real, Affine]] = []
        outermost: tuple[Affine, ...] = ()
        third = value.circuit.number(height)
        if self.halved:
            third = third / 2
            fold = mirror(relu(value), third + offset)
            terms.append((4 * third, fold.signals[0]))
            value, outermost = fold.value, fold.signals
        for _ in range(self.ternaries):
            third = third / 3
            fold = smooth_ternary(relu(value), third, offset)
            terms.append((4 * third, fold.signals[0]))
            value, outermost = fold.value, outermost or fold.signals
        pivot = piece * value.circuit.number(self._teeth) * 2**self.binaries
        for left in reversed(range(self.binaries)):
            pivot = pivot / 2
            clip = piece if self.clipped and not left else 0 * piece
            fold = mirror(relu(value - clip), pivot - clip / 2)
            terms.append((4 * (pivot + clip / 2 - offset), fold.signals[0]))
            value = fold.value
        if self.clipped:
            terms.append((2 * piece, value))
        for _ in range(1, self.last):
            value = relu(value - piece)
            terms.append((2 * piece, value))
        total = sum((weight * signal for weight, signal in terms), value.circuit.constant(0))
        return Square(relu(total), outermost)
