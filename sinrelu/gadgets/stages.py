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
        return self._connections()

    @property
    def bent_connections(self) -> int:
        """Connections with a bent square in addition, and its knot, read by a gate and a channel.

        See ``bend``; the knot takes three, and two units read what holds the square.
        """
        return self._connections(bends=1) + 3 + 2

    def _connections(self, bends: int = 0) -> int:
        signals = [(2, 1)] * self.ternaries + [(m - 1, m - 1) for m in self.radices]
        total, reads, held = 0, 2, 0
        for stage, (knots, summed) in enumerate(signals):
            last = stage == len(signals) - 1
            total += reads * (knots if last else knots + 1) + held
            reads, held = knots + 1, summed + (stage > 0)
        return total + held + (held + 1) + bends * (held + 2)

    @property
    def pieces(self) -> float:
        """Length of the range of |m| in pieces; the first one counts half."""
        return float(3**self.ternaries) * (math.prod(self.radices) - 0.5)

    def square(self, value: Affine, height: Real) -> Affine:
        """Return m² − ℓ²/8 for |m| ≤ height, from value = |m| + ℓ/2, read on the layer after.

        Proven error: ±ℓ²/8. The form is to be rectified: it is never negative.
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
        return held


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
def cheapest_stages(layers: int, bent: bool = False) -> tuple[Stages, ...]:
    """Return the stages that no others of as many layers beat in both pieces and connections."""

    def price(choice: Stages) -> int:
        return choice.bent_connections if bent else choice.connections

    best: list[Stages] = []
    for candidate in sorted(stages(layers), key=lambda choice: (price(choice), -choice.pieces)):
        if not best or candidate.pieces > best[-1].pieces:
            best.append(candidate)
    return tuple(best)
