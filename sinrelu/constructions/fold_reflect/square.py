"""The square of a small number as a sum of fold signals: Yarotsky's sawtooth, made leaner.

Yarotsky, "Error bounds for approximations with deep ReLU networks", arXiv:1610.01145,
Proposition 2, writes x² on [0, 1] as x − Σ g_s(x)/4^s with g_s the s-fold composed tent map. Here
the tent is one fold without rescaling, w′ = w − 2 relu(w − t), and the identity behind the sum is
w² − w′² = 4t·relu(w − t).

``Sawtooth`` is for skip wiring. ``LayeredSawtooth`` has one layer for each fold; each holds the sum
so far for the next, which adds to it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from typing import NamedTuple, TypeVar

from sinrelu.circuit import Affine, Real, relu
from sinrelu.constructions.fold_reflect.range_reduction import mirror

T = TypeVar("T")


class Square(NamedTuple):
    """The unit that holds the square, and signals of the outermost stage, relu(|m| − its knots)."""

    value: Affine
    signals: tuple[Affine, ...]


@dataclass(frozen=True)
class Sawtooth:
    """The folds of a square: a halving, smooth ternaries, binaries, and the knots of one stage.

    A halving of the range, first of all, and a binary fold take 4 connections each, a ternary 6.
    The last−1 ≥ 1 knots of the last stage read one another: 2 each, and one less in all, because
    only the first knot reads the folded value and no unit holds it. If ``clipped``, the value that
    the last binary fold folds is clipped, by the unit that holds it, on the flat first piece, and
    the sum reads it: a knot for one connection. Needs a binary fold.
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
            value, above = mirror(relu(value), third + offset)
            terms.append((4 * third, above))
            outermost = (above,)
        for _ in range(self.ternaries):
            third = third / 3
            value, signals = smooth_ternary(relu(value), third, offset)
            terms.append((4 * third, signals[0]))
            outermost = outermost or signals
        pivot = piece * value.circuit.number(self._teeth) * 2**self.binaries
        for left in reversed(range(self.binaries)):
            pivot = pivot / 2
            clip = piece if self.clipped and not left else 0 * piece
            value, above = mirror(relu(value - clip), pivot - clip / 2)
            terms.append((4 * (pivot + clip / 2 - offset), above))
        if self.clipped:
            terms.append((2 * piece, value))
        for _ in range(1, self.last):
            value = relu(value - piece)
            terms.append((2 * piece, value))
        total = sum((weight * signal for weight, signal in terms), value.circuit.constant(0))
        return Square(relu(total), outermost)


def smooth_ternary(
    value: Affine, third: Real, offset: Real
) -> tuple[Affine, tuple[Affine, Affine]]:
    """Fold [0, 3t] + offset to [0, t] + offset in a zigzag, t = third; return it and two units.

    With v = value − offset, a = relu(v−t), b = relu(v−2t) and v′ = v − 2a + 2b:
    v² = v′² + 4t·a on [0, 3t], so an approximation of v′² that is flat near 0 gives one of v² that
    does not need b: the valley at 2t is even and smooth.
    """
    first = relu(value - (third + offset))
    second = relu(value - (2 * third + offset))
    return value - 2 * first + 2 * second, (first, second)


@dataclass(frozen=True)
class LayeredSawtooth:
    """One layer a fold: smooth ternaries, then other radices; the sum alone reads the last."""

    ternaries: int
    radices: tuple[int, ...]

    @property
    def layers(self) -> int:
        """Layers of folds."""
        return self.ternaries + len(self.radices)

    def connections(self, quadratics: int = 2) -> int:
        """Count the connections of the folds, the square, and a sine of so many quadratics.

        The gate reads the bends, and the square only if it is part of the sine. A bend reads its
        knot and the sum before the last folds; a knot takes two, and one more all together; one
        unit holds the bends' sum, and two read it.
        """
        signals = [(2, 1)] * self.ternaries + [(m - 1, m - 1) for m in self.radices]
        total, reads, held, early = 0, 2, 0, 0
        for stage, (knots, summed) in enumerate(signals):
            last = stage == len(signals) - 1
            total += reads * (knots if last else knots + 1) + held
            reads, held, early = knots + 1, summed + (stage > 0), held
        bends = (quadratics - 1) // 2
        gated = 1 + bends + held * (1 - quadratics % 2)
        return total + held + gated + (bends > 0) * 3 + bends * (early + 4)

    @property
    def pieces(self) -> float:
        """Length of the range of |m| in pieces; the first one counts half."""
        return float(3**self.ternaries) * (math.prod(self.radices) - 0.5)

    def rest(self, height: Real) -> Real:
        """Return how much the last folds add to the square at most."""
        return ((self.radices[-1] - 0.5) * height / self.pieces) ** 2

    def square(self, value: Affine, height: Real) -> tuple[Affine, Affine]:
        """Return m² − ℓ²/8 for |m| ≤ height, and the same without the last folds.

        From value = |m| + ℓ/2; the second is read a layer earlier, and smaller by 0 … ``rest``.
        Proven error of the first: ±ℓ²/8. It is to be rectified: it is never negative.
        """
        piece = height / value.circuit.number(self.pieces)
        total = value.circuit.constant(0)
        third = value.circuit.number(height)
        for _ in range(self.ternaries):
            third = third / 3
            knots = [third + piece / 2, 2 * third + piece / 2]
            value, signals, total = _fold(value, knots, total)
            total += 4 * third * signals[0]
        count = math.prod(self.radices)
        for radix in self.radices[:-1]:
            count //= radix
            knots = [p * count * piece for p in range(1, radix)]
            value, signals, total = _fold(value, knots, total)
            for p, signal in enumerate(signals, start=1):
                total += (4 * count * piece - 2 * piece if p % 2 else 2 * piece) * signal
        held = relu(total)
        for p in range(1, self.radices[-1]):
            held += 2 * piece * relu(value - p * piece)
        return held, total


def _fold(
    value: Affine, knots: Sequence[Real], total: Affine
) -> tuple[Affine, list[Affine], Affine]:
    """Fold at equally spaced knots and hold the sum; what is returned is read a layer later."""
    signals = [relu(value - knot) for knot in knots]
    folded = relu(value)
    for p, signal in enumerate(signals, start=1):
        folded += -2 * signal if p % 2 else 2 * signal
    return folded, signals, relu(total)


@cache
def cheapest_sawtooths(layers: int, quadratics: int = 2) -> tuple[LayeredSawtooth, ...]:
    """Return those that no others of as many layers beat in both pieces and connections."""
    sawtooths = (
        LayeredSawtooth(ternaries, radices)
        for ternaries in range(layers)
        for radices in product((2, 3, 4), repeat=layers - ternaries)
    )
    return undominated(sawtooths, lambda choice: (choice.connections(quadratics), -choice.pieces))


def undominated(
    choices: Iterable[T], price_and_error: Callable[[T], tuple[int, float]]
) -> tuple[T, ...]:
    """Return the choices that no others of as low a price are sharper than, ascending."""
    found, least = [], math.inf
    for choice in sorted(choices, key=price_and_error):
        if (error := price_and_error(choice)[1]) < least:
            found.append(choice)
            least = error
    return tuple(found)
