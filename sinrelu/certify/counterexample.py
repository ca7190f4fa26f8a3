"""Refutation: the exact error of a network at one dyadic x, in integers and fractions alone.

This is trusted for the verdict ``refuted``, and shares no code with the bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from sinrelu.network import Network

BITS = 240
"""Binary places of the fixed-point sine; its error is below 2^(12−BITS)."""
QUARTER_TURNS = {"sin": 0, "cos": 1}
"""Each function is sin of x and so many quarter turns more."""


class Dyadic(NamedTuple):
    """The number mantissa · 2^exponent."""

    mantissa: int
    exponent: int

    @classmethod
    def of(cls, number: float | Fraction) -> Dyadic:
        """Convert a float or a fraction whose denominator is a power of two."""
        numerator, denominator = number.as_integer_ratio()
        twos = (numerator & -numerator).bit_length() - 1 if numerator else 0
        return cls(numerator >> twos, twos - (denominator.bit_length() - 1))

    def fraction(self) -> Fraction:
        """Convert to a fraction."""
        return self.mantissa * Fraction(2) ** self.exponent


def value_at(network: Network, x: Fraction) -> Fraction:
    """Return the network's value at a dyadic x, exactly."""
    values = [Dyadic.of(x)]
    for row in network.rows:
        edges = zip(row.weights, row.sources, strict=True)
        products = [_product(Dyadic.of(weight), values[source]) for weight, source in edges]
        form = _sum([Dyadic.of(row.bias), *products])
        values.append(form if form.mantissa > 0 else Dyadic(0, 0))
    return form.fraction()


def _product(a: Dyadic, b: Dyadic) -> Dyadic:
    return Dyadic(a.mantissa * b.mantissa, a.exponent + b.exponent)


def _sum(terms: Iterable[Dyadic]) -> Dyadic:
    nonzero = [term for term in terms if term.mantissa]
    if not nonzero:
        return Dyadic(0, 0)
    exponent = min(term.exponent for term in nonzero)
    return Dyadic(sum(t.mantissa << (t.exponent - exponent) for t in nonzero), exponent)


def bounds_at(x: Fraction, function: str = "sin") -> tuple[Fraction, Fraction]:
    """Return lower ≤ f(x) ≤ upper for |x| ≤ 2²⁰ and f sin or cos, less than 1e-60 apart.

    sin x = ± sin |x| and cos x = sin(|x| + π/2). In fixed point with unit 2^−BITS, and 40 places
    more for the reduction r = |x| − kπ, or |x| + π/2 − kπ: π is off by less than 2¹² of those
    finer units (Machin's formula, fewer than 70 terms a series, two roundings each), k ≤ 2¹⁹, so
    r is off by less than 2 units. The Taylor series has fewer than 80 terms; a rounding of at
    most 3 units in one shrinks in the next (r² < 6).
    """
    quarters = QUARTER_TURNS[function]
    scale = 1 << (BITS + 40)
    pi = 4 * (4 * _inverse_tangent(5, scale) - _inverse_tangent(239, scale))
    point = abs(x.numerator) * scale // x.denominator + quarters * pi // 2
    turns = (2 * point + pi) // (2 * pi)
    rest = (point - turns * pi) >> 40
    odd = x < 0 and not quarters
    sign = (-1) ** (turns + odd + (rest < 0))
    one = 1 << BITS
    margin = Fraction(1 << 12, one)
    centre = Fraction(sign * _taylor(abs(rest), one), one)
    return centre - margin, centre + margin


def _taylor(r: int, one: int) -> int:
    term, total, order = r, 0, 1
    while term:
        total += term if order % 4 == 1 else -term
        term = (term * r // one) * r // one // ((order + 1) * (order + 2))
        order += 2
    return total


def _inverse_tangent(n: int, scale: int) -> int:
    """Return atan(1/n) in units of 1/scale."""
    power, total, k = scale // n, 0, 1
    while power:
        total += power // k if k % 4 == 1 else -(power // k)
        power //= n * n
        k += 2
    return total


def error_at(network: Network, x: Fraction, function: str = "sin") -> Fraction:
    """Return a lower bound of |N(x) − f(x)| at a dyadic x, less than 1e-60 below it."""
    lower, upper = bounds_at(x, function)
    value = value_at(network, x)
    return max(value - upper, lower - value, Fraction(0))


def worst_in_cell(
    network: Network, left: Fraction, right: Fraction, function: str = "sin"
) -> tuple[Fraction, Fraction]:
    """Return (x, error) where the error is largest, or nearly, on a cell of one piece.

    Tries the ends, the middle, and the vertex of the parabola through the three errors, and takes
    a float64 in place of a longer number where the error there is nearly the same.
    """
    points = [left, (left + right) / 2, right]
    first, middle, last = (_signed_error(network, x, function) for x in points)
    bend = (first + last) / 2 - middle
    if bend:
        position = Fraction(1, 2) - (last - first) / (8 * bend)
        if 0 < position < 1:
            points.append(left + (right - left) * Fraction(round(position * 2**20), 2**20))
    best = _worst(network, points, function)
    short = _worst(network, [Fraction(float(x)) for x in points], function)
    return short if short[1] * Fraction(1001, 1000) >= best[1] else best


def _worst(network: Network, points: list[Fraction], function: str) -> tuple[Fraction, Fraction]:
    return max(((x, error_at(network, x, function)) for x in points), key=lambda pair: pair[1])


def _signed_error(network: Network, x: Fraction, function: str) -> Fraction:
    lower, upper = bounds_at(x, function)
    return value_at(network, x) - (lower + upper) / 2
