"""The square for layered wiring: its folds, one layer each, and the sum that goes along with them.

The folds are those of ``gadgets.square``; each holds the sum so far for the next, which adds to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from sinrelu.circuit import Affine, Real, relu


@dataclass(frozen=True)
class Stages:
    """The folds of the leaf's square, one layer each: see ``gadgets.square``.

    Attributes
    ----------
    ternaries : int
        Smooth ternary folds.
    radices : tuple of int
        Radices of the inner folds; the knots of the last are read by the sum alone.
    """

    ternaries: int
    radices: tuple[int, ...]

    @property
    def layers(self) -> int:
        """Layers of folds."""
        return self.ternaries + len(self.radices)

    @property
    def connections(self) -> int:
        """Connections of the folds, of the square and of the gated square."""
        return self.leaf_connections(2)

    def leaf_connections(self, quadratics: int) -> int:
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


def stages(layers: int) -> Iterator[Stages]:
    """Yield the folds of a square in so many layers: ternaries, then radices 2, 3 and 4."""
    for ternaries in range(layers):
        for radices in product((2, 3, 4), repeat=layers - ternaries):
            yield Stages(ternaries, radices)


@cache
def cheapest_stages(layers: int, quadratics: int = 2) -> tuple[Stages, ...]:
    """Return the stages that no others of as many layers beat in both pieces and connections."""

    def price(choice: Stages) -> int:
        return choice.leaf_connections(quadratics)

    best: list[Stages] = []
    for candidate in sorted(stages(layers), key=lambda choice: (price(choice), -choice.pieces)):
        if not best or candidate.pieces > best[-1].pieces:
            best.append(candidate)
    return tuple(best)
