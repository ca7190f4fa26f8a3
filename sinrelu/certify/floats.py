"""The trusted part: binary floating-point formats, and what one rounding in them costs."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sinrelu.certify.windows import UP


class Format(NamedTuple):
    """A binary floating-point format, rounded to nearest and with gradual underflow.

    Its numbers are multiples of 2^``least``; products that are multiples of 2^``safe`` do not
    underflow. Bounds are claimed for magnitudes up to ``largest``.
    """

    digits: int
    least: int
    safe: int
    largest: float

    def holds(self, number: float) -> bool:
        """Whether a number is one of the format's, up to ``largest``."""
        size = abs(number)
        return size <= self.largest and (not size or last_bit(size) >= spacing(self, size))


BINARY64 = Format(digits=53, least=-1074, safe=-1000, largest=2.0**500)
BINARY32 = Format(digits=24, least=-149, safe=-100, largest=2.0**100)


def unit(format: Format) -> float:
    """Return the unit roundoff u."""
    return math.ldexp(1.0, -format.digits)


def spacing(format: Format, size: float) -> int:
    """Return e where numbers of at least that size are multiples of 2ᵉ."""
    return max(math.frexp(size)[1] - format.digits, format.least) if size > 0 else format.least


def rounded(format: Format, size: float, grid: int) -> float:
    """Return ϱ of section 2: what rounding costs a multiple of 2^grid of at most that size."""
    if grid >= format.safe and size <= math.ldexp(1.0, min(grid + format.digits, 1000)):
        return 0.0
    return math.ldexp(unit(format), math.frexp(size)[1] - 1) if size < math.inf else math.inf


def last_bit(number: float) -> int:
    """Return e for an odd multiple of 2ᵉ; for 0, which is a multiple of all, a large one."""
    fraction, exponent = math.frexp(number)
    digits = int(math.ldexp(fraction, 53))
    return exponent - 53 + (digits & -digits).bit_length() - 1 if digits else 10**6


def product(a: float, b: float) -> float:
    """Return at least a·b, for nonnegative factors."""
    return float(np.nextafter(a * b, np.inf)) if a != 0 and b != 0 else 0.0


def inner_size(size: float, products: int, format: Format) -> float:
    """Bound what additions within a form give, by its terms' size without rounding; 2(d)."""
    growth = 1 + 2 * (products + 1) * unit(format)
    return (size + math.ldexp(float(products), format.least)) * growth * UP
