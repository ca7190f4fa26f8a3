"""What a network is meant to equal, where, how closely, and how people write such numbers.

Numbers are read exactly. What is written is checked before any arithmetic: no text is so short that
reading it would take long, and none reaches mpmath, which lifts Python's limit on the digits of an
int for the whole process once it was given something that is no number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from mpmath import MPContext

from sinrelu.arithmetic import QUARTER_TURNS, quarter_turns
from sinrelu.arithmetic.intervals import Intervals, lower, upper
from sinrelu.errors import RequestError

FUNCTIONS = tuple(QUARTER_TURNS)
LARGEST = 10**6
"""Largest |x| of a domain."""
LEAST_TOL = Fraction(1, 10**1000)
LONGEST = 10_000
"""Characters of a number, and decimal places on either side of its first digit."""
LONGEST_END = 60
"""Likewise of an end; far more than any domain needs, and no more than ``PRECISION`` tells."""
HEXADECIMAL = re.compile(r"([+-]?)0x([0-9a-f]{1,500})\.?([0-9a-f]{0,500})(?:p([+-]?\d{1,4}))?")
PI_MULTIPLE = re.compile(r"([+-]?)(?:(\d{1,9}(?:\.\d{1,9})?)\*?)?(?:pi|π)(?:/(\d{1,9}))?")
PRECISION = 300
"""Bits that tell any multiple of π with so few digits from any float64."""
DECIDING_BITS = 128
"""Precision of the first comparison of a rational with a multiple of π."""
INNER_BITS = 72


@dataclass(frozen=True)
class End:
    """An end of a domain, exactly: a rational number or a rational multiple of π."""

    ratio: Fraction
    of_pi: bool = False

    @classmethod
    def parse(cls, text: str) -> End:
        """Read ``-100``, ``0.5``, ``2pi``, ``-3*pi/4``; what is no such is a RequestError."""
        plain = text.strip().lower()
        if (multiple := pi_multiple(plain)) is not None:
            return cls(multiple, True)
        number = _read_decimal(plain, LONGEST_END)
        if number is None:
            raise RequestError(f"domain: {text!r} is not a number like -100, 0.5, 2pi or -3*pi/4")
        return cls(number)

    def value(self, numbers: Any) -> Any:
        """Return the end as a number of an mpmath context, rounded to its precision."""
        unit = numbers.pi if self.of_pi else numbers.mpf(1)
        return unit * self.ratio.numerator / self.ratio.denominator

    def nearest(self) -> float:
        """Return the float64 nearest to the end."""
        return float(self.value(_precise()))

    def outward(self, direction: int) -> float:
        """Return the end as a float64, or the next float64 below (−1) or above (+1) it."""
        value = self.value(_precise())
        nearest = float(value)
        beyond = direction * (nearest - value) >= 0
        exact = not self.of_pi and Fraction(nearest) == self.ratio
        return nearest if beyond or exact else math.nextafter(nearest, direction * math.inf)

    @classmethod
    def of(cls, number: float) -> End:
        """Return the multiple of π/12 next to a float64, or the float; RequestError if infinite."""
        if not math.isfinite(number):
            raise RequestError(f"domain: {number} is not a number")
        twelfths = round(min(max(number, -LARGEST), LARGEST) / (math.pi / 12))
        multiple = cls(Fraction(twelfths, 12), True)
        beside = number in (multiple.outward(-1), multiple.outward(1))
        return multiple if twelfths and beside else cls(Fraction(number))

    def is_at_most(self, other: End) -> bool:
        """Whether self ≤ other, decided exactly: π is irrational, so some precision tells."""
        if self.of_pi == other.of_pi or not (self.ratio and other.ratio):
            return self.ratio <= other.ratio
        bits = DECIDING_BITS
        while True:
            numbers = Intervals(bits)
            difference = self.value(numbers) - other.value(numbers)
            if lower(difference) > 0 or upper(difference) < 0:
                return upper(difference) < 0
            bits *= 2

    @property
    def plain(self) -> str:
        """The end as ``parse`` reads it, in ASCII."""
        return str(self).replace("−", "-").replace("π", "pi")

    def __str__(self) -> str:
        if not self.of_pi:
            whole = self.ratio.denominator == 1
            return f"{self.ratio}".replace("-", "−") if whole else f"{float(self.ratio)!r}"
        sign, size = "−" if self.ratio < 0 else "", abs(self.ratio)
        factor = "" if size.numerator == 1 else f"{size.numerator}"
        over = "" if size.denominator == 1 else f"/{size.denominator}"
        return f"{sign}{factor}π{over}" if size else "0"


MINUS_PI, PI = End(Fraction(-1), True), End(Fraction(1), True)


@dataclass(frozen=True)
class Target:
    """``sin`` or ``cos`` on a domain A < B within ±10⁶; anything else is a RequestError."""

    function: str = "sin"
    low: End = MINUS_PI
    high: End = PI

    def __post_init__(self) -> None:
        quarter_turns(self.function)
        low, high = self.ends(_precise())
        if not -LARGEST <= low < high <= LARGEST:
            raise RequestError(
                f"domain: [{self.low}, {self.high}] is not an interval A < B within ±{LARGEST:.0e}"
            )

    @classmethod
    def parse(cls, function: str, domain: tuple[str, str] | None) -> Target:
        """Read a target as people write it; [−π, π] if no domain is given."""
        return cls(function, *map(End.parse, domain)) if domain else cls(function)

    @property
    def cover(self) -> tuple[float, float]:
        """The smallest interval with float64 ends that contains the domain."""
        return self.low.outward(-1), self.high.outward(1)

    @property
    def floats(self) -> tuple[float, float]:
        """The least and the largest float64 of the domain; the other way round if it has none."""
        return self.low.outward(1), self.high.outward(-1)

    @property
    def inner(self) -> tuple[Fraction, Fraction]:
        """Dyadic numbers right beside the ends, in the domain: where a witness may lie.

        They leave out less than a 2⁻⁷⁰th of the domain at either end.
        """
        numbers = Intervals(4 * PRECISION)
        low, high = self.ends(numbers)
        unit = Fraction(1, 2 ** (INNER_BITS + _log2_above(1 / lower(high - low))))
        return -(-upper(low) // unit) * unit, lower(high) // unit * unit

    def contains(self, x: Fraction) -> bool:
        """Whether a rational x lies in the domain, exactly."""
        return self.low.is_at_most(End(x)) and End(x).is_at_most(self.high)

    def ends(self, numbers: Any) -> tuple[Any, Any]:
        """Return the ends as numbers of an mpmath context."""
        return self.low.value(numbers), self.high.value(numbers)

    @classmethod
    def claimed(cls, meta: Mapping[str, object]) -> Target | None:
        """Return what a file says its network is meant to equal, if it says so plainly."""
        function, domain = meta.get("function", "sin"), meta.get("domain")
        if not isinstance(function, str) or not isinstance(domain, list | tuple):
            return None
        if len(domain) != 2 or not all(type(end) in (int, float) for end in domain):
            return None
        try:
            return cls(function, *(End.of(float(end)) for end in domain))
        except (RequestError, OverflowError):
            return None

    def covers_alike(self, other: Target) -> bool:
        """Whether functions and covers agree."""
        return (self.function, self.cover) == (other.function, other.cover)

    @property
    def interval(self) -> str:
        """The domain as people write it."""
        return f"[{self.low}, {self.high}]"

    @property
    def options(self) -> str:
        """What to add to a command to ask for this target."""
        return f"--function {self.function} --domain {self.low.plain} {self.high.plain}"

    def __str__(self) -> str:
        return f"{self.function} on {self.interval}"


@dataclass(frozen=True)
class Point:
    """A dyadic x to be evaluated, read from a text: ``exact``, or as the float64 next to it."""

    text: str
    x: Fraction
    exact: bool

    @classmethod
    def parse(cls, text: str) -> Point:
        """Read a number, also hexadecimal or of pi; RequestError if none or beyond float64."""
        plain = text.strip().lower()
        if (x := _read_hexadecimal(plain)) is not None:
            return cls(text, x, True)
        if (multiple := pi_multiple(plain)) is not None:
            return cls(text, Fraction(End(multiple, True).nearest()), False)
        if (number := _read_decimal(plain, LONGEST)) is None:
            raise RequestError(f"{text!r} is not a number like 0.5, 0x1.8p-1 or -3*pi/4")
        try:
            nearest = Fraction(float(number))
        except OverflowError as error:
            raise RequestError(f"{text!r} is not finite in float64") from error
        return cls(text, nearest, nearest == number)


def tolerance(value: object) -> Fraction:
    """Return a tolerance, from 1e-1000 to below 1, exactly; anything else is a RequestError.

    It may be a float, Fraction, Decimal, mpf or numpy scalar, or a text: a decimal number, a
    hexadecimal one, or a quotient of such, as in ``1e-12``, ``0x1p-40``, ``1/3``.
    """
    exact = _read_quotient(value) if isinstance(value, str) else _rational(value)
    if exact is None or not LEAST_TOL <= exact < 1:
        raise RequestError(f"tol: {_shown(value)} is not a number from 1e-1000 to below 1")
    return exact


def pi_multiple(plain: str) -> Fraction | None:
    """Read what multiple of pi a text is; None if something else, RequestError if it is over 0."""
    match = PI_MULTIPLE.fullmatch(plain)
    if match is None:
        return None
    sign, factor, divisor = match.groups("1")
    if int(divisor) == 0:
        raise RequestError(f"{plain!r} divides by zero")
    return Fraction(sign + factor) / int(divisor)


def _read_quotient(text: str) -> Fraction | None:
    """Read one number, or two with a stroke between them."""
    parts = [*text.strip().lower().split("/", 1), "1"][:2]
    over, under = (_read_hexadecimal(part) or _read_decimal(part, LONGEST) for part in parts)
    return over / under if over is not None and under else None


def _read_hexadecimal(plain: str) -> Fraction | None:
    """Read a hexadecimal number like ``0x1.8p-1``; None if it is something else."""
    match = HEXADECIMAL.fullmatch(plain)
    if match is None:
        return None
    sign, whole, part, power = match.groups("0")
    return int(sign + whole + part, 16) * Fraction(2) ** (int(power) - 4 * len(part))


def _read_decimal(plain: str, longest: int) -> Fraction | None:
    """Read a decimal number of bounded size; None if it is something else."""
    try:
        number = Decimal(plain) if len(plain) <= longest else Decimal("nan")
    except InvalidOperation:
        return None
    bounded = number.is_finite() and abs(number.adjusted()) <= longest
    return Fraction(number) if bounded else None


def _rational(value: Any) -> Fraction | None:
    """Return a number of any kind as it is; None if it is none or far out of any range."""
    if isinstance(value, Decimal):
        return _read_decimal(str(value), LONGEST)
    if (raw := getattr(value, "_mpf_", None)) is not None:
        sign, mantissa, exponent, bits = raw
        bounded = bool(mantissa) and abs(exponent + bits) <= LONGEST
        return (-1) ** sign * int(mantissa) * Fraction(2) ** exponent if bounded else None
    try:
        return Fraction(*value.as_integer_ratio())
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None


def _shown(value: object) -> str:
    """Name a value in few characters; writing out a long number may take long, or fail."""
    if isinstance(value, str):
        return repr(value[:LONGEST_END])
    return f"{value}" if isinstance(value, float) else f"this {type(value).__name__}"


def rounded_up(number: Fraction, digits: int = 6, down: bool = False) -> str:
    """Write a bound in decimal with so many digits, rounded up so that it stays one.

    A lower bound is to be rounded down. A float64 may be too small for either.
    """
    rounding = ROUND_FLOOR if down else ROUND_CEILING
    context = Context(prec=digits, rounding=rounding, Emin=MIN_EMIN)
    quotient = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    return f"{quotient.normalize(context)}".lower()


def _log2_above(number: Fraction) -> int:
    """Return the least p ≥ 0 with 2ᵖ ≥ number > 0."""
    return (-(-number.numerator // number.denominator) - 1).bit_length()


def _precise() -> MPContext:
    numbers = MPContext()
    numbers.prec = PRECISION
    return numbers


DEFAULT = Target()
"""sin on [−π, π]."""
