"""Folds: exact changes of variable that halve (or third) the range on which sin must be known.

All are exact for every real in their range; only the rounding of their pivots to float64 moves
them, by at most one part in 2⁵³ of the pivot.
"""

from __future__ import annotations

from typing import NamedTuple

from sinrelu.circuit import Affine, Real, relu


class Fold(NamedTuple):
    """A folded value and the units that did it, zero where the fold leaves the value alone."""

    value: Affine
    signals: tuple[Affine, ...]


def absolute(x: Affine) -> Fold:
    """|x| = x + 2 relu(−x), for every real x. One unit."""
    negative = relu(-x)
    return Fold(x + 2 * negative, (negative,))


def mirror(value: Affine, pivot: Real) -> Fold:
    """Return min(v, 2·pivot − v), for every real v: what lies above the pivot is folded down."""
    above = relu(value - pivot)
    return Fold(value - 2 * above, (above,))


def smooth_ternary(value: Affine, third: Real, offset: Real) -> Fold:
    """Fold [0, 3t] + offset to [0, t] + offset in a zigzag, t = third. Two units.

    With v = value − offset, a = relu(v−t), b = relu(v−2t) and v′ = v − 2a + 2b:
    v² = v′² + 4t·a on [0, 3t], so an approximation of v′² that is flat near 0 gives one of v² that
    does not need b: the valley at 2t is even and smooth.
    """
    first = relu(value - (third + offset))
    second = relu(value - (2 * third + offset))
    return Fold(value - 2 * first + 2 * second, (first, second))
