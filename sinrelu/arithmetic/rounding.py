"""Numbers written where they do not fit, rounded to the safe side: as float64, and in decimal."""

import math
from decimal import MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

DIGITS = 6
"""Of a bound in decimal, unless it takes more to tell on which side of a limit it is."""
MOST_DIGITS = 50
"""Of a number that is written exactly, and of either part of a quotient."""


def float_below(number: Fraction) -> float:
    """Return the largest float64 that is at most a number, −∞ if all are above it."""
    try:
        nearest = float(number)
    except OverflowError:
        nearest = math.inf if number > 0 else -math.inf
    return nearest if nearest <= number else math.nextafter(nearest, -math.inf)


def float_above(number: Fraction) -> float:
    """Return the least float64 that is at least a number, ∞ if all are below it."""
    return 0.0 - float_below(-number)  # never −0


def as_float(number: Fraction) -> float | None:
    """Return a number as a float64 if it is one."""
    below = float_below(number)
    return below if below == number else None


def decimal_above(
    number: Fraction | float, digits: int = DIGITS, limit: Fraction | None = None
) -> str:
    """Write an upper bound in decimal, rounded up to so many digits, so that it stays one.

    A bound that is at most ``limit`` gets as many more as it takes to be written so.
    """
    return _bound(number, digits, limit, up=True)


def decimal_below(
    number: Fraction | float, digits: int = DIGITS, limit: Fraction | None = None
) -> str:
    """Write a lower bound likewise, rounded down, and above ``limit`` if it is."""
    return _bound(number, digits, limit, up=False)


def _bound(number: Fraction | float, digits: int, limit: Fraction | None, *, up: bool) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        return f"{number}"
    exact = Fraction(number)
    if exact == limit:
        return exact_text(exact)
    while True:
        rounded = _rounded(exact, digits, up)
        shown = Fraction(rounded)
        if limit is None or not (exact < limit < shown or shown <= limit < exact):
            return _written(rounded)
        digits *= 2


def exact_text(number: Fraction) -> str:
    """Write a number as what it is: ``1e-12``, ``1/3``; a float64 like Python, ``0.1``.

    Only what would take more than ``MOST_DIGITS`` digits is cut, upwards.
    """
    if (x := as_float(number)) is not None:
        return repr(x).removesuffix(".0")
    decimal = _rounded(number, MOST_DIGITS, True)
    parts = abs(number.numerator), number.denominator
    if Fraction(decimal) == number or max(parts) >= 10**MOST_DIGITS:
        return _written(decimal)
    return f"{number}"


def _rounded(number: Fraction, digits: int, up: bool) -> Decimal:
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    context = Context(prec=digits, rounding=rounding, Emin=MIN_EMIN)
    quotient = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    return quotient.normalize(context)


def _written(number: Decimal) -> str:
    """Write a decimal number as Python writes floats: 0.0001, 1e-05."""
    exponent = number.adjusted()
    if not number or -4 <= exponent < 16:
        return f"{number:f}"
    return f"{number.scaleb(-exponent, Context(prec=len(number.as_tuple().digits)))}e{exponent:+03}"
