"""What a network is meant to equal, and where: sin or cos on a closed interval."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from mpmath import MPContext

from sinrelu.errors import RequestError

FUNCTIONS = ("sin", "cos")
LARGEST = 10**6
"""Largest |x| of a domain."""
LONGEST = 60
"""Characters and decimal places of an end; far more than any domain needs."""
PI_MULTIPLE = re.compile(r"([+-]?)(?:(\d{1,9}(?:\.\d{1,9})?)\*?)?(?:pi|π)(?:/(\d{1,9}))?")
PRECISION = 300
"""Bits that tell any multiple of π with so few digits from any float64."""


@dataclass(frozen=True)
class End:
    """An end of a domain, exactly: a rational number or a rational multiple of π."""

    ratio: Fraction
    of_pi: bool = False

    @classmethod
    def parse(cls, text: str) -> End:
        """Read a decimal number or a multiple of pi: ``-100``, ``0.5``, ``2pi``, ``-3*pi/4``.

        Raises
        ------
        RequestError
            If it is neither.
        """
        plain = text.strip().lower()
        if (multiple := pi_multiple(plain)) is not None:
            return cls(multiple, True)
        try:
            number = Decimal(plain) if len(plain) <= LONGEST else Decimal("nan")
        except InvalidOperation:
            number = Decimal("nan")
        if not number.is_finite() or abs(number.adjusted()) > LONGEST:
            raise RequestError(f"domain: {text!r} is not a number like -100, 0.5, 2pi or -3*pi/4")
        return cls(Fraction(number))

    def value(self, numbers: Any) -> Any:
        """Return the end as a number of an mpmath context, rounded to its precision."""
        unit = numbers.pi if self.of_pi else numbers.mpf(1)
        return unit * self.ratio.numerator / self.ratio.denominator

    def nearest(self) -> float:
        """Return the float64 nearest to the end."""
        return float(self.value(_precise()))

    def outward(self, direction: int) -> float:
        """Return the end as a float64, or the next float64 below (−1) or above (+1) it."""
        numbers = _precise()
        nearest = self.nearest()
        beyond = direction * (numbers.mpf(nearest) - self.value(numbers)) >= 0
        exact = not self.of_pi and Fraction(nearest) == self.ratio
        return nearest if beyond or exact else math.nextafter(nearest, direction * math.inf)

    @classmethod
    def of(cls, number: float) -> End:
        """Return the multiple of π/12 that a float64 is next to, or else the float itself.

        Raises
        ------
        RequestError
            If it is not finite.
        """
        if not math.isfinite(number):
            raise RequestError(f"domain: {number} is not a number")
        twelfths = round(min(max(number, -LARGEST), LARGEST) / (math.pi / 12))
        multiple = cls(Fraction(twelfths, 12), True)
        beside = number in (multiple.outward(-1), multiple.outward(1))
        return multiple if twelfths and beside else cls(Fraction(number))

    @property
    def plain(self) -> str:
        """The end as ``parse`` reads it, in ASCII."""
        return str(self).replace("−", "-").replace("π", "pi")

    def __str__(self) -> str:
        if not self.of_pi:
            return _decimal(self.ratio)
        sign, size = "−" if self.ratio < 0 else "", abs(self.ratio)
        factor = "" if size.numerator == 1 else f"{size.numerator}"
        over = "" if size.denominator == 1 else f"/{size.denominator}"
        return f"{sign}{factor}π{over}" if size else "0"


MINUS_PI, PI = End(Fraction(-1), True), End(Fraction(1), True)


@dataclass(frozen=True)
class Target:
    """A function on a domain.

    Attributes
    ----------
    function : str
        ``sin`` or ``cos``.
    low, high : End
        A < B, within ±10⁶.

    Raises
    ------
    RequestError
        If the function is unknown, or the ends are no such interval.
    """

    function: str = "sin"
    low: End = MINUS_PI
    high: End = PI

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS:
            names = ", ".join(FUNCTIONS)
            raise RequestError(f"function: {self.function!r} is unknown; choose from {names}")
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


def pi_multiple(plain: str) -> Fraction | None:
    """Read what multiple of pi a text is; None if it is something else.

    Raises
    ------
    RequestError
        If it divides by zero.
    """
    match = PI_MULTIPLE.fullmatch(plain)
    if match is None:
        return None
    sign, factor, divisor = match.groups()
    if divisor is not None and int(divisor) == 0:
        raise RequestError(f"{plain!r} divides by zero")
    ratio = Fraction(factor or 1) / int(divisor or 1)
    return -ratio if sign == "-" else ratio


def _decimal(number: Fraction) -> str:
    whole = number.denominator == 1
    return f"{number.numerator}".replace("-", "−") if whole else f"{float(number)!r}"


def _precise() -> MPContext:
    numbers = MPContext()
    numbers.prec = PRECISION
    return numbers


DEFAULT = Target()
"""sin on [−π, π]."""
