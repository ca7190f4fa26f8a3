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
    whole : bool
        Whether the first piece is a whole one, on which the sum rises by reading the value of the
        last binary fold: one connection, needs a binary fold. Else it is the half of one that is
        flat around 0, in every valley.
    """

    ternaries: int
    binaries: int
    last: int
    halved: bool = False
    whole: bool = False

    @property
    def possible(self) -> bool:
        """Whether there is a binary fold for a whole first piece."""
        return self.binaries > 0 or not self.whole

    @property
    def connections(self) -> int:
        """Connections of the folds and of the sum."""
        folds = 6 * self.ternaries + 4 * (self.binaries + self.halved)
        return folds + 2 * self.last - 3 + self.whole

    @property
    def pieces(self) -> Fraction:
        """Length of the range in pieces; the first one counts half unless it is a whole one."""
        stages = (1 + self.halved) * int(3**self.ternaries)
        leaves = int(2**self.binaries) * self.last
        return stages * (leaves - (Fraction(0) if self.whole else Fraction(1, 2)))

    def piece(self, height: Real) -> Real:
        """Length ℓ of a piece when |m| ranges over [0, height]."""
        return height * self.pieces.denominator / self.pieces.numerator

    def offset(self, height: Real) -> Real:
        """Return what is added to |m| before it is folded: half a piece or nothing."""
        return 0 * height if self.whole else self.piece(height) / 2

    def square(self, value: Affine, height: Real) -> Square:
        """Return m² − ℓ²/8 for |m| ≤ height, from value = |m| + offset (no unit need hold it).

        Proven error: ±ℓ²/8, attained at every knot and at the middle of every piece. The result
        is even in m, zero at m = 0, and at most m². One unit holds it.
        """
        piece, offset = self.piece(height), self.offset(height)
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
        pivot = piece * self.last * 2**self.binaries
        for _ in range(self.binaries):
            pivot = pivot / 2
            fold = mirror(relu(value), pivot)
            terms.append((4 * (pivot - offset), fold.signals[0]))
            value = fold.value
        if self.whole:
            terms.append((piece, value - piece / 4))
        for _ in range(1, self.last):
            value = relu(value - piece)
            terms.append((2 * piece, value))
        total = sum((weight * signal for weight, signal in terms), value.circuit.constant(0))
        return Square(relu(total), outermost)
