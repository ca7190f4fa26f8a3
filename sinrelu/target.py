"""What a network is meant to equal, where, and how closely."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from mpmath import MPContext

from sinrelu.arithmetic import QUARTER_TURNS, quarter_turns
from sinrelu.arithmetic.intervals import Intervals, lower, upper
from sinrelu.arithmetic.numbers import (
    binary_places,
    number,
    read,
    read_decimal,
    read_hexadecimal,
    shown,
)
from sinrelu.arithmetic.rounding import as_float, exact_text, float_above, float_below
from sinrelu.errors import RequestError

FUNCTIONS = tuple(QUARTER_TURNS)
LARGEST = 10**6
"""Largest |x| of a domain."""
LEAST_TOL = Fraction(1, 10**1000)
LONGEST_END = 60
"""Digits of either part of an end, unless it is a float64; far more than any domain needs."""
PI_MULTIPLE = re.compile(r"([+-]?)(?:(\d{1,60}(?:\.\d{1,60})?)\*?)?(?:pi|π)(?:/(\d{1,60}))?")
PRECISION = 600
"""Bits that tell any multiple of π with so few digits from any float64."""
DECIDING_BITS = 128
"""Precision of the first comparison of a rational with a multiple of π."""
INNER_BITS = 72


@dataclass(frozen=True)
class End:
    """An end of a domain, exactly: a number or a rational multiple of π.

    The number may be of any kind; what is none is a RequestError.
    """

    ratio: Fraction
    of_pi: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratio", number(self.ratio, "domain"))
        object.__setattr__(self, "of_pi", self.of_pi and self.ratio != 0)

    @classmethod
    def parse(cls, text: str) -> End:
        """Read ``-100``, ``1/3``, ``0x1p-5``, ``2pi``, ``-3*pi/4``; else it is a RequestError."""
        multiple = pi_multiple(text.strip().lower())
        ratio = read(text) if multiple is None else multiple
        if ratio is None or _is_long(ratio):
            raise RequestError(
                f"domain: {shown(text)} is not a number like -100, 1/3, 2pi or -3*pi/4 "
                f"of at most {LONGEST_END} digits"
            )
        return cls(ratio, multiple is not None)

    def value(self, numbers: Any) -> Any:
        """Return the end as a number of an mpmath context, rounded to its precision."""
        unit = numbers.pi if self.of_pi else numbers.mpf(1)
        return unit * self.ratio.numerator / self.ratio.denominator

    def nearest(self) -> float:
        """Return the float64 nearest to the end."""
        return float(self.value(_precise())) if self.of_pi else float(self.ratio)

    def outward(self, direction: int) -> float:
        """Return the end as a float64, or the next float64 below (−1) or above (+1) it."""
        if not self.of_pi:
            return float_below(self.ratio) if direction < 0 else float_above(self.ratio)
        value = self.value(_precise())
        nearest = float(value)
        beyond = direction * (nearest - value) >= 0
        return nearest if beyond else math.nextafter(nearest, direction * math.inf)

    @classmethod
    def of(cls, value: object) -> End:
        """Return a number as an end: the multiple of π/12 next to it, if it is such a float64.

        Raises RequestError if it is no finite number.
        """
        exact = number(value, "domain")
        inside = min(max(exact, Fraction(-LARGEST)), Fraction(LARGEST))
        twelfths = round(inside / Fraction(math.pi / 12))
        multiple = cls(Fraction(twelfths, 12), True)
        beside = exact in (multiple.outward(-1), multiple.outward(1))
        return multiple if twelfths and beside else cls(exact)

    def is_at_most(self, other: End) -> bool:
        """Whether self ≤ other, decided exactly: π is irrational, so some precision tells."""
        if self.of_pi == other.of_pi or not (self.ratio and other.ratio):
            return self.ratio <= other.ratio
        bits = DECIDING_BITS
        while True:
            numbers = _intervals(bits)
            difference = self.value(numbers) - other.value(numbers)
            if lower(difference) > 0 or upper(difference) < 0:
                return upper(difference) < 0
            bits *= 2

    @property
    def plain(self) -> str:
        """The end as ``parse`` reads it, exactly, in ASCII."""
        text = f"{self}".replace("−", "-").replace("π", "pi")
        if self.of_pi or read(text) == self.ratio:
            return text
        x = as_float(self.ratio)
        return f"{self.ratio}" if x is None else x.hex()

    def __str__(self) -> str:
        sign, size = "−" if self.ratio < 0 else "", abs(self.ratio)
        if not self.of_pi:
            return f"{sign}{exact_text(size)}"
        factor = "" if size.numerator == 1 else f"{size.numerator}"
        over = "" if size.denominator == 1 else f"/{size.denominator}"
        return f"{sign}{factor}π{over}" if size else "0"


MINUS_PI, PI = End(Fraction(-1), True), End(Fraction(1), True)


@dataclass(frozen=True)
class Target:
    """``sin`` or ``cos`` on a domain A < B within ±10⁶; anything else is a RequestError.

    An end that is given as a number is taken as ``End.of`` takes it.
    """

    function: str = "sin"
    low: End = MINUS_PI
    high: End = PI

    def __post_init__(self) -> None:
        quarter_turns(self.function)
        for name in ("low", "high"):
            end = getattr(self, name)
            object.__setattr__(self, name, end if isinstance(end, End) else End.of(end))
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
        numbers = _intervals(4 * PRECISION)
        low, high = self.ends(numbers)
        unit = Fraction(1, 2 ** (INNER_BITS + binary_places(lower(high - low))))
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
        if (x := read_hexadecimal(plain)) is not None:
            return cls(text, x, True)
        if (multiple := pi_multiple(plain)) is not None:
            return cls(text, Fraction(End(multiple, True).nearest()), False)
        if (exact := read_decimal(plain)) is None:
            raise RequestError(f"{text!r} is not a number like 0.5, 0x1.8p-1 or -3*pi/4")
        try:
            nearest = Fraction(float(exact))
        except OverflowError as error:
            raise RequestError(f"{text!r} is not finite in float64") from error
        return cls(text, nearest, nearest == exact)


def tolerance(value: object) -> Fraction:
    """Return a tolerance, from 1e-1000 to below 1, exactly; anything else is a RequestError.

    It may be a float, Fraction, Decimal, mpf or numpy scalar, or a text: a decimal number, a
    hexadecimal one, or a quotient of such, as in ``1e-12``, ``0x1p-40``, ``1/3``.
    """
    exact = read(value)
    if exact is None or not LEAST_TOL <= exact < 1:
        raise RequestError(f"tol: {shown(value)} is not a number from 1e-1000 to below 1")
    return exact


def pi_multiple(plain: str) -> Fraction | None:
    """Read what multiple of pi a text is; None if something else, RequestError if it is over 0."""
    match = PI_MULTIPLE.fullmatch(plain)
    if match is None:
        return None
    sign, factor, divisor = match.groups("1")
    if int(divisor) == 0:
        raise RequestError(f"{shown(plain)} divides by zero")
    return Fraction(sign + factor) / int(divisor)


def _is_long(ratio: Fraction) -> bool:
    """Whether a number that is no float64 has too many digits."""
    largest = max(abs(ratio.numerator), ratio.denominator)
    return largest >= 10**LONGEST_END and as_float(ratio) is None


@cache
def _precise() -> MPContext:
    """Return a context of its own; making one takes ten milliseconds."""
    numbers = MPContext()
    numbers.prec = PRECISION
    return numbers


@cache
def _intervals(bits: int) -> Intervals:
    """Likewise; nobody changes its precision."""
    return Intervals(bits)


DEFAULT = Target()
"""sin on [−π, π]."""
