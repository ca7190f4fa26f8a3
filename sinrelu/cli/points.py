"""The values of a network at points x."""

from __future__ import annotations

from collections.abc import Iterator

from mpmath import MPContext

from sinrelu.evaluate import evaluate_float64, evaluate_mpmath, exact_error
from sinrelu.network import Network, exact_hex
from sinrelu.target import DEFAULT, Point, Target
from sinrelu.verification.report import as_float, line

parse = Point.parse
SPARE_DIGITS = 25
"""The error is about 1e-12, so it needs more digits than the value does."""


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
