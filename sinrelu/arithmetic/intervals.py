"""Rigorous sine and cosine: in fixed point, and for mpmath's intervals.

Of mpmath's interval arithmetic only +, −, ×, ÷, the square root, π and comparisons are used: they
round outward correctly. Its elementary functions promise less, so they are replaced here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import MPIntervalContext, libmp

GUARD = 32
RADIUS = 2
"""``sine_and_cosine`` errs by at most this many units of the last place."""

Interval = Any  # an mpi of an MPIntervalContext; mpmath ships no types
Raw = Any  # mpmath's raw (sign, mantissa, exponent, bits) tuple
Number = Any  # a float, an int or a Fraction


def sine_and_cosine(x: Fraction, bits: int) -> tuple[int, int]:
    """Return 2ᵇⁱᵗˢ·sin x and 2ᵇⁱᵗˢ·cos x as integers, to within ``RADIUS``, for every rational x.

    Proof, in units of 2⁻ʷ with w = bits + 32 once the angle is reduced.

    1. Reduction, with s + 4 bits more, |x| < 2ˢ. π is below by less than 2: mpmath rounds it down,
       and it is truncated. k is the integer nearest to 2x/π, so |k| ≤ 0.64·2ˢ + 1, and x − kπ/2
       errs by less than 1 + |k| + 1 < 2ˢ⁺⁴, hence by less than 2 when s + 4 bits are dropped. The
       rest r is below 0.8 in magnitude, since π/4 = 0.785….
    2. Terms t_j = |r|ʲ/j!, computed as t_{j+1} = ⌊⌊t_j·r⌋/(j+1)⌋. If t_j errs by at most e_j, then
       e_{j+1} ≤ (0.8·e_j + 1)/(j+1) + 1. t₀ is exact, so e₁ ≤ 2, and e_j ≤ 3 for all j.
    3. The sums stop at a term that is computed as 0 and hence is at most 3. The series alternate
       and their terms fall, so what is left out of either is at most 3. With n terms the sums err
       by at most 3(n + 1), and 2 for r: far below 2³², as n < w.
    4. The last 32 bits are dropped: less than 1 for step 3, less than 1 for the floor.
    """
    size = max(0, abs(x.numerator).bit_length() - x.denominator.bit_length() + 1) + 4
    fine = bits + GUARD + size
    scaled = (x.numerator << fine) // x.denominator
    pi: int = libmp.to_fixed(libmp.mpf_pi(fine + 2, libmp.round_floor), fine)
    quarters = (4 * scaled + pi) // (2 * pi)
    rest = (scaled - (quarters * pi >> 1)) >> size
    sine, cosine = _series(abs(rest), bits + GUARD)
    sine = sine >> GUARD if rest >= 0 else -(sine >> GUARD)
    cosine >>= GUARD
    turned = ((sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine))
    return turned[int(quarters) % 4]


def _series(x: int, bits: int) -> tuple[int, int]:
    """Sum the Taylor series of sin and cos at x ≥ 0 until their terms vanish."""
    sums = [0, 0]
    term, power = 1 << bits, 0
    while term:
        sums[power % 2] += -term if power & 2 else term
        power += 1
        term = (term * x >> bits) // power
    cosine, sine = sums
    return sine, cosine


class Intervals(MPIntervalContext):  # type: ignore[misc]  # mpmath ships no types
    """Interval arithmetic of its own precision, with functions as above."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.prec = bits
        self.mpf.__pow__ = _power
        # mpmath sets its functions on each context, where they would hide methods
        self.sin = lambda x: self.cos_sin(x)[1]
        self.cos = lambda x: self.cos_sin(x)[0]
        self.hypot = lambda x, y: self.sqrt(abs(x) * abs(x) + abs(y) * abs(y))

    def convert(self, x: object) -> Any:
        """Convert a number; leave anything else as it is, so that its own operators apply."""
        try:
            return super().convert(x)
        except NotImplementedError:
            return x

    def cos_sin(self, x: Interval) -> tuple[Interval, Interval]:
        """Enclose cos and sin on a narrow interval: their slopes are at most 1."""
        sine, cosine = sine_and_cosine(lower(x), self.prec)
        unit = self.dyadic(1, -self.prec)
        error = (RADIUS * unit + (x.b - x.a)) * self.mpf([-1, 1])
        return unit * cosine + error, unit * sine + error

    def dyadic(self, mantissa: int, exponent: int) -> Interval:
        """Enclose mantissa · 2^exponent."""
        return self.rounded(libmp.from_man_exp(mantissa, exponent))

    def enclosing(self, number: Number) -> Interval:
        """Enclose a float or a rational number."""
        above, below = number.as_integer_ratio()
        if below & (below - 1):
            return self.mpf(above) / below
        return self.dyadic(above, 1 - below.bit_length())

    def largest(self, x: Interval) -> Interval:
        """Enclose the largest magnitude in an interval of any precision."""
        return self.rounded(libmp.mpi_abs(x._mpi_)[1])

    def rounded(self, raw: Raw) -> Interval:
        """Enclose one of mpmath's raw numbers."""
        down = libmp.mpf_pos(raw, self.prec, libmp.round_floor)
        return self.make_mpf((down, libmp.mpf_pos(raw, self.prec, libmp.round_ceiling)))


def _power(base: Interval, exponent: int) -> Interval:
    """Multiply as often as needed."""
    result = base
    for _ in range(exponent - 1):
        result = result * base
    return result


def lower(x: Interval) -> Fraction:
    """Return the lower end."""
    return Fraction(*libmp.to_rational(x._mpi_[0]))


def upper(x: Interval) -> Fraction:
    """Return the upper end.

    Raises
    ------
    OverflowError
        If it is infinite.
    """
    if x._mpi_[1] in (libmp.finf, libmp.fnan):
        raise OverflowError("the interval is unbounded")
    return Fraction(*libmp.to_rational(x._mpi_[1]))
