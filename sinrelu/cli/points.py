"""Points x as people write them, and the values of a network there."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from mpmath import MPContext

from sinrelu.errors import RequestError
from sinrelu.evaluate import evaluate_float64, evaluate_mpmath, exact_error
from sinrelu.network import Network, exact_hex
from sinrelu.target import DEFAULT, End, Target, pi_multiple
from sinrelu.verification.report import as_float, line

HEXADECIMAL = re.compile(r"([+-]?)0x([0-9a-f]{1,500})\.?([0-9a-f]{0,500})(?:p([+-]?\d{1,4}))?")
SPARE_DIGITS = 25
"""The error is about 1e-12, so it needs more digits than the value does."""


@dataclass(frozen=True)
class Point:
    """A dyadic x, and the text it was read from.

    Attributes
    ----------
    text : str
        What was asked for.
    x : Fraction
        What is evaluated.
    exact : bool
        Whether x is what was asked for, or the float64 nearest to it.
    """

    text: str
    x: Fraction
    exact: bool


def parse(text: str) -> Point:
    """Read a decimal number, a hexadecimal float or a multiple of pi.

    Raises
    ------
    RequestError
        If it is none of them, or too large for a float64.
    """
    plain = text.strip().lower()
    if match := HEXADECIMAL.fullmatch(plain):
        return Point(text, _hexadecimal(*match.groups()), True)
    if (multiple := pi_multiple(plain)) is not None:
        return Point(text, Fraction(End(multiple, True).nearest()), False)
    try:
        decimal = Decimal(plain)
        x = float(plain)
    except (InvalidOperation, ValueError) as error:
        raise RequestError(f"{text!r} is not a number like 0.5, 0x1.8p-1 or -3*pi/4") from error
    if not math.isfinite(x):
        raise RequestError(f"{text!r} is not finite in float64")
    return Point(text, Fraction(x), decimal == Decimal(x))


def _hexadecimal(sign: str, whole: str, part: str, power: str | None) -> Fraction:
    magnitude = int(whole + part, 16) * Fraction(2) ** (int(power or 0) - 4 * len(part))
    return -magnitude if sign == "-" else magnitude


def value_lines(
    network: Network, point: Point, digits: int, target: Target = DEFAULT
) -> Iterator[str]:
    """Yield lines that say what was evaluated, N(x) exactly, f(x), the error, and float64's N."""
    numbers = MPContext()
    numbers.dps = digits + SPARE_DIGITS
    function = target.function
    [(_, error)] = exact_error(network, [point.x], numbers.dps, function)
    value = evaluate_mpmath(network, point.x, digits)
    reference = getattr(numbers, function)(numbers.mpf(point.x.numerator) / point.x.denominator)
    yield line("x", _described(point, target))
    yield line("N(x)", numbers.nstr(value, digits, strip_zeros=False))
    yield line(f"{function} x", numbers.nstr(reference, digits, strip_zeros=False))
    yield line(f"N(x) − {function} x", numbers.nstr(error, 6))
    if (x := as_float(point.x)) is not None:
        yield line("N(x) in float64", repr(float(evaluate_float64(network, x))))


def _described(point: Point, target: Target) -> str:
    x = as_float(point.x)
    written = exact_hex(point.x) if x is None else f"{x!r} = {x.hex()}"
    origin = "exactly" if point.exact else f"the float64 nearest to {point.text}"
    low, high = target.cover
    outside = "" if low <= point.x <= high else f"; outside {target.interval}"
    return f"{written}, {origin}{outside}"
