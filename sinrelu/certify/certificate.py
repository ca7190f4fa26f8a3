"""The record of a verdict: immutable, and written so that anyone can check it again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sinrelu.arithmetic import QUARTER_TURNS
from sinrelu.arithmetic.rounding import as_float
from sinrelu.errors import FormatError
from sinrelu.kernels import BACKENDS
from sinrelu.network import exact_hex
from sinrelu.precision import FLOAT32, FLOAT64

PROVED = "proved"
REFUTED = "refuted"
INCONCLUSIVE = "inconclusive"
VERDICTS = (PROVED, REFUTED, INCONCLUSIVE)

LONGEST = 20_000
"""Characters of either part of a tolerance."""
FORMAT = "sinrelu-certificate-4"
"""Version 1 did not say for which function it is, 2 not where a witness may lie, 3 not what ran the
kernels; they are refused."""


@dataclass(frozen=True)
class Certificate:
    """What is known about |N(x) − f(x)| for all real x in ``domain``, a closed interval.

    f is ``function``. ``verdict`` is ``proved`` (at most tol everywhere), ``refuted`` (above tol at
    the witness) or ``inconclusive``; ``remark`` says why the last, and is empty else. ``sup_error``
    is proven for the whole domain, infinite where nothing was. At the witness, a dyadic number and
    a float64 where that suffices, |N − f| is at least ``lower_bound``, by exact arithmetic. It lies
    in ``witness_domain``, which is within the domain that was asked for, where ``domain`` may reach
    a little beyond: π is no float64.
    ``cells`` are those of the proof, ``pieces`` were found on the way (the finder is not trusted to
    count), and ``radius`` is the largest part of any cell's bound that covers rounding and
    misplaced breakpoints. Where all paths pass through one value, this bottleneck and what
    follows it may be proved one after the other: ``reduced`` holds the range of that value then,
    ``offset`` is what the bottleneck adds to the bound, and ``pieces`` are of what follows.
    ``evaluation_error`` is a bound of what rounding adds: at every x of the
    domain that is a number of the format ``evaluation``, float64 or float32, any evaluation in it
    is within that of N(x); infinite where none was sought or shown. ``backend`` ran the kernels,
    ``numpy`` or ``numba``, which give the same numbers. ``sha256`` is the graph's,
    ``versions`` are of what computed it.
    """

    verdict: str
    tol: Fraction
    function: str
    domain: tuple[float, float]
    witness_domain: tuple[Fraction, Fraction]
    sup_error: float
    lower_bound: float
    witness: Fraction | None
    cells: int
    pieces: int
    radius: float
    reduced: tuple[float, float] | None
    offset: float
    evaluation: str
    evaluation_error: float
    backend: str
    sha256: str
    remark: str
    versions: Mapping[str, str]

    def to_json(self) -> str:
        """Write as one JSON object; infinite numbers become null, the witness is exact."""
        values = {
            "format": FORMAT,
            **vars(self),
            "tol": _written(self.tol),
            "domain": list(self.domain),
            "reduced": None if self.reduced is None else list(self.reduced),
            "witness_domain": [exact_hex(end) for end in self.witness_domain],
            "sup_error": finite_or_none(self.sup_error),
            "radius": finite_or_none(self.radius),
            "evaluation_error": finite_or_none(self.evaluation_error),
            "witness": None if self.witness is None else exact_hex(self.witness),
            "witness_decimal": None if self.witness is None else float(self.witness),
            "versions": dict(self.versions),
        }
        return json.dumps(values, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Certificate:
        """Read what ``to_json`` wrote; a FormatError names the field that is something else."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"not JSON ({error})") from error
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise FormatError(f"format: expected {FORMAT!r}")
        return cls(**{name: _read(name, values, read) for name, read in _FIELDS.items()})


def _written(tol: Fraction) -> float | str:
    x = as_float(tol)
    return f"{tol.numerator:#x}/{tol.denominator:#x}" if x is None else x


def finite_or_none(number: float) -> float | None:
    """Return a number that JSON can write."""
    return number if math.isfinite(number) else None


def _read(name: str, values: Mapping[str, Any], read: Callable[[Any], Any]) -> Any:
    if name not in values:
        raise FormatError(f"{name}: missing")
    try:
        return read(values[name])
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise FormatError(f"{name}: {str(values[name])[:60]!r} is not valid") from error


def _one_of(*names: str) -> Callable[[Any], str]:
    """Read one of some names; ``index`` refuses any other."""
    return lambda value: names[names.index(value)]


def _positive(value: Any) -> float:
    number = float(value)
    if not 0 <= number < math.inf or isinstance(value, bool | str):
        raise ValueError
    return number


def _tolerance(value: Any) -> Fraction:
    """Read a float64, or a quotient of hexadecimal integers where it is none."""
    if not isinstance(value, str):
        return Fraction(_positive(value))
    over, under = value.split("/")
    if max(len(over), len(under)) > LONGEST:
        raise ValueError
    return Fraction(int(over, 16), int(under, 16))


def _bound(value: Any) -> float:
    return math.inf if value is None else _positive(value)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _hash(value: Any) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise ValueError
    return str(value)


def _domain(value: Any) -> tuple[float, float]:
    a, b = (float(end) for end in value)
    if not -math.inf < a < b < math.inf:
        raise ValueError
    return a, b


def _dyadic(value: Any) -> Fraction:
    mantissa, exponent = value.split("p")
    if len(mantissa) > 1000 or len(exponent) > 5:
        raise ValueError
    return int(mantissa, 16) * Fraction(2) ** int(exponent)


def _inner(value: Any) -> tuple[Fraction, Fraction]:
    low, high = map(_dyadic, value)
    if low > high:
        raise ValueError
    return low, high


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "verdict": _one_of(*VERDICTS),
    "tol": _tolerance,
    "function": _one_of(*QUARTER_TURNS),
    "domain": _domain,
    "witness_domain": _inner,
    "sup_error": _bound,
    "lower_bound": _positive,
    "witness": lambda value: None if value is None else _dyadic(value),
    "cells": _count,
    "pieces": _count,
    "radius": _bound,
    "reduced": lambda value: None if value is None else _domain(value),
    "offset": _positive,
    "evaluation": _one_of(FLOAT64, FLOAT32),
    "evaluation_error": _bound,
    "backend": _one_of(*BACKENDS),
    "sha256": _hash,
    "remark": _text,
    "versions": lambda value: {name: _text(text) for name, text in value.items()},
}
