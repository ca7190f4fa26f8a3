"""Rigorous intervals on mpmath's.

Of mpmath's interval arithmetic only +, −, ×, ÷, the square root, π and comparisons are used: they
round outward correctly. Its elementary functions promise less, so they are replaced here.
"""

from fractions import Fraction
from functools import reduce
from operator import mul
from typing import Any

from mpmath import MPIntervalContext, libmp

from sinrelu.arithmetic.fixed_point import RADIUS, sine_and_cosine
from sinrelu.arithmetic.numbers import of_raw

Interval = Any  # an mpi of an MPIntervalContext; mpmath ships no types
Raw = Any  # mpmath's raw (sign, mantissa, exponent, bits) tuple
Number = Any  # a float, an int or a Fraction


class Intervals(MPIntervalContext):  # type: ignore[misc]  # mpmath ships no types
    """Interval arithmetic of its own precision, with functions as above."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.prec = bits
        self.mpf.__pow__ = lambda base, exponent: reduce(mul, [base] * exponent)
        # mpmath sets its functions on each context, where they would hide methods
        self.sin = lambda x: self.cos_sin(x)[1]
        self.cos = lambda x: self.cos_sin(x)[0]
        self.hypot = lambda x, y: self.sqrt(abs(x) * abs(x) + abs(y) * abs(y))

    def convert(self, x: object) -> Any:
        """Convert a number; leave anything else as it is, so that its own operators apply."""
        if type(x) is int:  # most are small; mpmath takes its time
            return self.rounded(libmp.from_int(x))
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


def lower(x: Interval) -> Fraction:
    """Return the lower end."""
    return of_raw(x._mpi_[0])


def upper(x: Interval) -> Fraction:
    """Return the upper end; an OverflowError if it is infinite."""
    if x._mpi_[1] in (libmp.finf, libmp.fnan):
        raise OverflowError("the interval is unbounded")
    return of_raw(x._mpi_[1])


def middle(x: Interval, bits: int) -> Fraction:
    """Return the middle, rounded to nearest to so many bits."""
    total = libmp.mpf_add(*x._mpi_)
    return of_raw(libmp.mpf_pos(libmp.mpf_shift(total, -1), bits, libmp.round_nearest))
