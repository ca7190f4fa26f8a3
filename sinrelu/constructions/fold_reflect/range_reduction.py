"""Range reduction: any interval is folded to [0, π/2], where one sign and one sine are left.

sin is even about its extrema, so folds at distances of whole multiples of π from one of them need
no gate: each halves the range for three connections. An interval within π of a zero is folded about
that zero instead, and its sign is kept. Within π/2 of an extremum there is no sign to keep.

All folds are exact for every real x; only the rounding of their places to the bits of the weights
moves them (``RangeReduction.rounding``).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sinrelu.arithmetic import quarter_turns
from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import tolerance_text
from sinrelu.errors import RequestError
from sinrelu.target import Target

GATE = 2
"""Slope M of the gates: e = relu(Y − M·r) with Y = sin r must vanish for r > 0."""
SIGN = 4
"""Connections of a sign: a unit holds its argument, and a gate."""
FAR = 8
"""A domain farther from 0 than this is first moved there, exactly, by one unit."""
CHOICES = 4000
"""Places among which one near a short binary number is sought."""
SLACK = 2.0**-50
"""By how much, relative to the domain's ends, a range may exceed what folds reach, in float64."""


def absolute(x: Affine) -> tuple[Affine, Affine]:
    """Return |x| = x + 2 relu(−x), for every real x, and relu(−x)."""
    negative = relu(-x)
    return x + 2 * negative, negative


def mirror(value: Affine, pivot: Real) -> tuple[Affine, Affine]:
    """Fold down what lies above a pivot: return min(v, 2·pivot − v) and relu(v − pivot)."""
    above = relu(value - pivot)
    return value - 2 * above, above


class Reduced(NamedTuple):
    """z ∈ [0, π/2] with f(x) = ±sin z, minus where ``negative`` is positive, and all times sign.

    ``negative`` is None where f does not change its sign.
    """

    z: Affine
    negative: Affine | None
    sign: int

    def signed(self, sine: Affine) -> Affine:
        """Return f(x) from sin z ≥ 0, or from what errs by at most ε: then f(x) errs by no more."""
        if self.negative is None:
            return self.sign * sine
        held = relu(sine)
        return self.sign * (2 * relu(held - GATE * self.negative) - held)


@dataclass(frozen=True)
class RangeReduction:
    """How an interval is folded, f(x) being sin(x + phase·π/2).

    The domain is first moved by ``origin``, 0 if it is near 0. The first fold is at x = centre·π/2,
    the others at ``multiples`` of π. ``half``: whether the domain is within π/2 of the extremum
    where the first fold is; ``side``: ±1 if it is all above or all below it, so that nothing is
    folded, else 0.
    """

    origin: int = 0
    centre: int = 0
    phase: int = 0
    multiples: tuple[int, ...] = ()
    half: bool = False
    side: int = 0

    @property
    def about_zero(self) -> bool:
        """Whether the first fold is at a zero of f, and not at an extremum."""
        return (self.centre + self.phase) % 2 == 0

    @property
    def sign(self) -> int:
        """The sign of f′ at the first fold if f is zero there, else that of f."""
        return 1 if (self.centre + self.phase) % 4 < 2 else -1

    def connections(self, layered: bool = False) -> int:
        """Count the connections of ``half_wave`` and of what reads it, or of ``fold`` and sign."""
        moved = self.origin != 0
        if layered:
            return moved + (8 if self.about_zero else 6 + 4 * len(self.multiples))
        if self.half:
            return moved + (0 if self.side else 3)
        return moved + 6 + 3 * len(self.multiples) + SIGN

    def offset(self, numbers: Any) -> Real:
        """Return where the first fold is, seen from the origin."""
        return self.centre * numbers.pi / 2 - self.origin

    def rounding(self, numbers: Any, bits: int = 53, layered: bool = False) -> Real:
        """Bound of what rounding the folds' places to ``bits`` bits adds to the error.

        With skip wiring the second fold reads x, and its place is rounded as seen from there.
        """
        offset = self.offset(numbers)
        shifts = [offset, *(j * numbers.pi for j in self.multiples)]
        if self.multiples and not layered:
            shifts[1] += offset
        return sum(2 * rounding_error(shift, bits) for shift in shifts)

    def fold(self, x: Affine) -> Reduced:
        """Fold x to [0, π/2]."""
        pi = x.circuit.numbers.pi
        quarter = pi / 2
        if self.side:
            return Reduced(quarter - self.side * self.centred(x), None, self.sign)
        value, below = absolute(self.centred(x))
        if self.half:
            return Reduced(relu(quarter - value), None, self.sign)
        if self.about_zero:
            return Reduced(relu(mirror(value, quarter)[0]), below, self.sign)
        for multiple in self.multiples:
            value = relu(mirror(value, multiple * pi)[0])
        rest, past_zero = absolute(quarter - value)
        return Reduced(relu(rest), past_zero, self.sign)

    def centred(self, x: Affine) -> Affine:
        """Return x seen from the first fold; what it reads is x, or the unit that moved it."""
        moved = relu(x - self.origin) if self.origin else x
        centred: Affine = moved - self.offset(x.circuit.numbers)
        return centred

    def half_wave(self, x: Affine) -> tuple[Affine, Affine]:
        """Fold x to z₀ in [0, π] with f(x) = sign · cos z₀; units read the layer before only.

        The second form is one whose positive part is relu(z₀ − π/2).
        """
        pi = x.circuit.numbers.pi
        centred = self.centred(x)
        if self.about_zero:
            shifts = (-centred - pi / 2, centred + pi / 2, centred - pi / 2)
            below, most, above = map(relu, shifts)
            return pi - below - most + 2 * above, pi / 2 - below - most
        z = relu(centred) + relu(-centred)
        for multiple in self.multiples:
            above = relu(z - multiple * pi)
            z = relu(z) - 2 * above
        return z, z - pi / 2


def cheapest_reduction(
    target: Target, tol: Real, bits: int = 53, layered: bool = False
) -> RangeReduction:
    """Return the cheapest way to fold a domain whose rounding is at most an eighth of tol.

    A quarter, where there is none; raises RequestError if there is none again.
    """
    numbers = Circuit(4 * bits).numbers
    ways = list(reductions(target, bits, layered))
    for part in (8, 4):
        if found := [way for way in ways if part * way.rounding(numbers, bits, layered) <= tol]:
            return min(found, key=lambda way: way.connections(layered))
    raise RequestError(
        f"domain: in float64, {target.interval} cannot be folded to within {tolerance_text(tol)}"
    )


def reductions(target: Target, bits: int = 53, layered: bool = False) -> Iterator[RangeReduction]:
    """Yield ways to fold a domain, each with more room for exact pivots."""
    numbers = Circuit(2 * bits + 64).numbers
    low, high = target.ends(numbers)
    origin = int(numbers.floor(low)) if max(low, -high) > FAR else 0
    phase = quarter_turns(target.function)
    pi = +numbers.pi  # a number: mpmath's constant is rounded anew at each use
    middle = int(numbers.nint((low + high) / pi))
    slack = _slack(numbers, bits) * max(abs(low), abs(high), 1)
    for centre in sorted(range(middle - 2, middle + 3), key=lambda c: (abs(c - middle), -c)):
        above, below = high - centre * pi / 2, centre * pi / 2 - low
        if max(above, below) <= pi + slack:
            half = (centre + phase) % 2 == 1 and max(above, below) <= pi / 2 + slack
            side = half * ((below <= slack) - (above <= slack))
            yield RangeReduction(origin, centre, phase, half=half, side=side)
    middle += (middle + phase + 1) % 2  # an extremum
    reach = _reach(numbers, low, high, middle)
    least = max(1, (math.ceil(reach - _slack(numbers, bits)) - 1).bit_length())
    for folds in range(least, least + 4):
        room = int(max(0, min(2**folds - reach, reach / 64, CHOICES))) // 2 * 2
        extrema = range(middle - room, middle + room + 1, 2)
        centre = min(extrema, key=lambda c: rounding_error(c * pi / 2 - origin, bits))
        reach = _reach(numbers, low, high, centre)
        start = numbers.mpf(0) if layered else centre * pi / 2 - origin
        chosen = tuple(multiples(numbers, reach, folds, start, bits))
        yield RangeReduction(origin, centre, phase, chosen)


def multiples(numbers: Any, reach: Real, folds: int, start: Real, bits: int) -> Iterator[int]:
    """Yield multiples of π that fold [0, reach·π] to [0, π], each near a short binary number.

    What the folds can reach beyond ``reach`` is shared evenly between them.
    """
    pi = +numbers.pi
    for left in range(folds - 1, -1, -1):
        share = (2 ** (left + 1) / reach) ** (numbers.mpf(1) / (left + 1))
        smallest = math.ceil(reach / 2 - _slack(numbers, bits))
        largest = max(smallest, min(2**left, int(reach / 2 * share), smallest + CHOICES))
        places = {j: start + j * pi for j in range(smallest, largest + 1)}
        best = min(places, key=lambda j: rounding_error(places[j], bits))
        yield best
        reach, start = numbers.mpf(best), numbers.mpf(0)


def rounding_error(number: Real, bits: int) -> Real:
    """Return by how much an mpf changes when it is rounded to ``bits`` bits."""
    _, mantissa, exponent, length = number._mpf_
    dropped = max(0, length - bits)
    rest = mantissa & ((1 << dropped) - 1)
    return number.context.ldexp(min(rest, (1 << dropped) - rest) if dropped else 0, exponent)


def _reach(numbers: Any, low: Real, high: Real, centre: int) -> Real:
    """Return how far a domain reaches from a place, in units of π."""
    place = centre * numbers.pi / 2
    return max(high - place, place - low) / numbers.pi


def _slack(numbers: Any, bits: int) -> Real:
    """Return what covers the rounding of ends in this module, and in float64 of weights as well."""
    return SLACK if bits <= 53 else numbers.ldexp(1, 50 - numbers.prec)
