"""Coarse tolerances: fold to a quarter wave, interpolate there, no gate but the sign's.

On [−π, π], with X = x + π and K_i = relu(X − iπ/2), z = π/2 − X + 2K₁ − 2K₂ + 2K₃ lies in
[0, π/2] and sin |x| = cos z. A linear interpolant of cos z + ε on suitable knots, flat on the first
piece, errs by ε everywhere; the knots follow one another such that each chord falls 2ε short of the
cosine. Where x < 0 the sign is changed by a gate.

ε ≈ (1.198/4m)² for m knots. With layered wiring 2m + 16 connections, the best there is down to
about 1e-4; with skip wiring 2m + 10, the best down to about 1e-3.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sinrelu.circuit import Affine, relu
from sinrelu.constructions.fold_reflect.range_reduction import GATE, RangeReduction
from sinrelu.network import LAYERED, SKIP

MOST_KNOTS = 40
COARSEST = 0.25


def chord_gap(a: float, b: float) -> float:
    """Return how far the chord of cos on [a, b] within [0, π/2] falls short of it at most."""
    slope = (math.cos(b) - math.cos(a)) / (b - a)
    touch = math.asin(min(1.0, -slope))
    return math.cos(touch) - (math.cos(a) + slope * (touch - a))


def next_knot(a: float, gap: float) -> float:
    """Return the b ≤ π/2 with chord_gap(a, b) = gap, or π/2 if the gap stays below."""
    low, high = a, math.pi / 2
    if chord_gap(a, high) <= gap:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if chord_gap(a, middle) > gap else (middle, high)
    return low


def knots_for(error: float) -> list[float] | None:
    """Return the knots in (0, π/2) for an error, or None if there would be too many."""
    knots = [math.acos(1 - 2 * error)]
    while (knot := next_knot(knots[-1], 2 * error)) < math.pi / 2:
        if len(knots) == MOST_KNOTS:
            return None
        knots.append(knot)
    return knots


@cache
def least_error(count: int) -> float:
    """Return the least error that so many knots reach, rounded up."""
    low, high = 0.0, COARSEST
    for _ in range(50):
        middle = (low + high) / 2
        knots = knots_for(middle) if middle > 0.02 / count**2 else None
        low, high = (middle, high) if knots is None or len(knots) > count else (low, middle)
    return high


@dataclass(frozen=True)
class Plan:
    """The parameters of one network: how many knots there are in (0, π/2), and the wiring."""

    knots: int
    wiring: str = LAYERED

    def connections(self, reduction: RangeReduction) -> int:
        """Count the connections with a range reduction."""
        if self.wiring == SKIP:
            return 2 * self.knots + reduction.connections()
        saved = 2 * reduction.about_zero
        return 2 * self.knots + 10 + reduction.connections(layered=True) - saved

    @property
    def error_bound(self) -> float:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded."""
        return least_error(self.knots)

    def output(self, x: Affine, reduction: RangeReduction, margin: int) -> Affine:
        """Write the network over x; it has no channels, so there is no margin to be kept."""
        del margin
        error = least_error(self.knots)
        knots = knots_for(error) or []
        if self.wiring == SKIP:
            reduced = reduction.fold(x)
            return reduced.signed(chords(x.circuit.numbers.pi / 2 - reduced.z, knots, error))
        z, negative = quarter_wave(x, reduction)
        sine, shut = relu(chords(z, knots, error)), relu(relu(negative))
        return reduction.sign * (2 * relu(sine - GATE * shut) - relu(sine))


def quarter_wave(x: Affine, reduction: RangeReduction) -> tuple[Affine, Affine]:
    """Fold x to z in [0, π/2], |f(x)| = cos z; the other unit is positive where f changes sign."""
    if not reduction.about_zero:
        half, past_zero = reduction.half_wave(x)
        half, negative = relu(half), relu(past_zero)
        return relu(half - 2 * negative), relu(negative)
    centred = reduction.centred(x)
    pi = x.circuit.numbers.pi
    whole, before, after = (relu(centred + shift) for shift in (pi, pi / 2, -pi / 2))
    negative = relu(-centred)
    # relu(x) = x + relu(−x), and x = whole − π
    return relu(5 * pi / 2 - 3 * whole + 2 * before - 2 * negative + 2 * after), relu(negative)


def chords(z: Affine, knots: list[float], error: float) -> Affine:
    """Return cos z to within an error, linear between the knots."""
    total, slope, last, value = z.circuit.constant(1 - error), 0.0, knots[0], 1 - error
    for knot, after in zip(knots, [*knots[1:], math.pi / 2], strict=True):
        end = math.cos(after) + error
        steeper = (end - value) / (after - last) - slope
        total += steeper * relu(z - knot)
        slope, last, value = slope + steeper, after, end
    return total


def plans(connections: int, reduction: RangeReduction, wiring: str) -> Iterator[Plan]:
    """Yield the plan of most knots within a number of connections, where that is a good one.

    With more than ``MOST_KNOTS`` knots any plan with gates is better.
    """
    knots = (connections - Plan(0, wiring).connections(reduction)) // 2
    if 0 < knots <= MOST_KNOTS:
        yield Plan(knots, wiring)
