"""Numbers as people hold and write them, read exactly.

A number is an int, a float, a Fraction, a Decimal, an mpf, or any scalar or array without
dimensions, as numpy has them. What is written is checked before any arithmetic: no text is so short
that reading it would take long, and none reaches mpmath, which lifts Python's limit on the digits
of an int for the whole process once it was given something that is no number.
"""

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Rational
from typing import Any, NamedTuple, cast

from sinrelu.errors import RequestError

LONGEST = 10_000
"""Characters of a number, and decimal places on either side of its first digit."""
SHOWN = 60
"""Characters of a text that a message repeats."""
HEXADECIMAL = re.compile(r"([+-]?)0x([0-9a-f]{1,500})\.?([0-9a-f]{0,500})(?:p([+-]?\d{1,4}))?")


def rational(value: Any) -> Fraction | None:
    """Return a number as it is; None if it is none, not finite, or far out of any range.

    Text is no number.
    """
    if getattr(value, "ndim", None) == 0:
        value = value.item() if value.dtype.kind in "biufO" else None
    if isinstance(value, Decimal):
        return read_decimal(str(value))
    if (raw := getattr(value, "_mpf_", None)) is not None:
        return _of_mpf(*raw)
    try:
        return Fraction(*value.as_integer_ratio())
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _of_mpf(sign: int, mantissa: int, exponent: int, bits: int) -> Fraction | None:
    """Return what mpmath's four numbers stand for; without a mantissa an exponent is a NaN's."""
    bounded = abs(exponent + bits) <= LONGEST if mantissa else exponent == 0
    return of_raw((sign, mantissa, exponent, bits)) if bounded else None


@Rational.register
class _Ratio(NamedTuple):
    """A quotient in lowest terms, which ``Fraction`` takes as it is."""

    numerator: int
    denominator: int


def dyadic(mantissa: int, exponent: int) -> Fraction:
    """Return mantissa · 2^exponent; no gcd is needed, which takes long for long numbers."""
    twos = (mantissa & -mantissa).bit_length() - 1 if mantissa else -exponent
    over, under = exponent + twos, -exponent - twos
    ratio = _Ratio(mantissa >> twos << max(over, 0), 1 << max(under, 0))
    return Fraction(cast(Rational, ratio))


def of_raw(raw: tuple[int, Any, int, int]) -> Fraction:
    """Return what mpmath's four numbers stand for: sign, mantissa, exponent, length."""
    sign, mantissa, exponent, _ = raw
    return dyadic(-int(mantissa) if sign else int(mantissa), exponent)


def number(value: object, name: str) -> Fraction:
    """Return a finite number exactly; a RequestError that begins with the name if it is none."""
    found = rational(value)
    if found is None:
        text = "text, " if isinstance(value, str) else ""
        raise RequestError(f"{name}: {shown(value)} is {text}not a finite number")
    return found


def count(value: object, name: str, least: int = 1) -> int:
    """Return a whole number that is at least so large; a RequestError if it is none."""
    found = rational(value)
    if found is None or found.denominator != 1 or found < least:
        raise RequestError(f"{name}: {shown(value)} is not a whole number from {least} on")
    return found.numerator


def positive(value: object, name: str) -> Fraction:
    """Return a number above 0, also from its text, exactly; a RequestError if it is none."""
    found = read(value)
    if found is None or found <= 0:
        raise RequestError(f"{name}: {shown(value)} is not a positive number")
    return found


def binary_places(size: Fraction) -> int:
    """Return the least p ≥ 0 with 2⁻ᵖ ≤ size, a positive number."""
    return (-(-size.denominator // size.numerator) - 1).bit_length()


def read(value: object) -> Fraction | None:
    """Return a number exactly, also from its text, or None if it is none.

    In a text it is decimal, hexadecimal, or a quotient of such: ``1e-12``, ``0x1p-40``, ``1/3``.
    """
    if not isinstance(value, str):
        return rational(value)
    parts = [*value.strip().lower().split("/", 1), "1"][:2]
    over, under = map(_read_one, parts)
    return over / under if over is not None and under else None


def _read_one(plain: str) -> Fraction | None:
    found = read_hexadecimal(plain)
    return read_decimal(plain) if found is None else found


def read_hexadecimal(plain: str) -> Fraction | None:
    """Read a hexadecimal number like ``0x1.8p-1``; None if it is something else."""
    match = HEXADECIMAL.fullmatch(plain)
    if match is None:
        return None
    sign, whole, part, power = match.groups("0")
    return int(sign + whole + part, 16) * Fraction(2) ** (int(power) - 4 * len(part))


def read_decimal(plain: str) -> Fraction | None:
    """Read a decimal number of bounded size; None if it is something else."""
    try:
        plain_digits = plain.isascii() and "_" not in plain and len(plain) <= LONGEST
        found = Decimal(plain if plain_digits else "nan")
    except InvalidOperation:
        return None
    bounded = found.is_finite() and abs(found.adjusted()) <= LONGEST
    return Fraction(found) if bounded else None


def shown(value: object) -> str:
    """Name a value in few characters; writing out a long number may take long, or fail."""
    if isinstance(value, str):
        return repr(value[:SHOWN])
    small = isinstance(value, int | Fraction) and _digits(value) <= SHOWN
    return f"{value}" if small or isinstance(value, float) else f"this {type(value).__name__}"


def _digits(value: int | Fraction) -> int:
    """Return about how many digits the longer part of a fraction has."""
    return max(value.numerator.bit_length(), value.denominator.bit_length()) * 3 // 10
