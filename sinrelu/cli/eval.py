"""``sinrelu eval``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sinrelu.cli import shared

if TYPE_CHECKING:
    from sinrelu.network import Network
    from sinrelu.target import Point, Target

SPARE_DIGITS = 25
"""What may be lost in the difference of two values; the error itself shows if there is more."""

HELP = """X is a decimal number (0.5), a hexadecimal float (0x1.8p-1, taken exactly) or a
multiple of pi (pi/2, -3*pi/4, 2pi/3). The network is evaluated at the float64 nearest to a decimal
number or a multiple of pi; the output says which.

\b
Examples:
  sinrelu eval sin.npz pi/6 0.5 -1e-3 --digits 30
  sinrelu eval cos.npz 10pi --function cos --domain -100 100"""


@click.command(epilog=HELP, context_settings={"ignore_unknown_options": True})
@shared.file_argument
@click.argument("points", metavar="X...", nargs=-1, required=True)
@shared.target_options(shared.BY_FILE)
@shared.count_option("--digits", "Digits of the exact value.", 50, most=10_000)
def command(
    file: Path,
    points: tuple[str, ...],
    function: str | None,
    domain: shared.Ends | None,
    digits: int,
) -> None:
    """Print the exact value of a network at points X, beside sin or cos."""
    from sinrelu.target import Point

    parsed = [Point.parse(text) for text in points]
    network = shared.network_of(file)
    target = shared.target_of(function, domain, network.meta)
    for point in parsed:
        click.echo("\n".join(value_lines(network, point, digits, target)))


def value_lines(network: Network, point: Point, digits: int, target: Target) -> Iterator[str]:
    """Yield lines that say what was evaluated, N(x) exactly, f(x), the error, and float64's N."""
    from sinrelu.arithmetic.rounding import as_float
    from sinrelu.evaluate import evaluate_float64
    from sinrelu.verification.report import line

    function = target.function
    yield line("x", _described(point, target))
    labels = ("N(x)", f"{function} x", f"N(x) − {function} x")
    yield from map(line, labels, _values(network, point.x, digits, function))
    if not network.multiprecision and (x := as_float(point.x)) is not None:
        yield line("N(x) in float64", repr(float(evaluate_float64(network, x))))


def _values(network: Network, x: Fraction, digits: int, function: str) -> tuple[str, str, str]:
    """Return N(x), f(x) and their difference, which takes more digits the smaller it is."""
    from mpmath import MPContext

    from sinrelu.evaluate import evaluate_mpmath, exact_error

    numbers = MPContext()
    numbers.dps = digits + SPARE_DIGITS
    while True:
        [(_, error)] = exact_error(network, [x], numbers.dps, function)
        if x == 0 or abs(error) > numbers.mpf(10) ** (SPARE_DIGITS - numbers.dps):
            break
        numbers.dps *= 2  # no error is 0: f(x) is transcendental, and N(x) is not
    reference = getattr(numbers, function)(numbers.mpf(x.numerator) / x.denominator)
    values = (evaluate_mpmath(network, x, digits), reference)
    value, reference = (numbers.nstr(number, digits, strip_zeros=False) for number in values)
    return value, reference, numbers.nstr(error, 6)


def _described(point: Point, target: Target) -> str:
    from sinrelu.arithmetic.rounding import as_float
    from sinrelu.network import exact_hex

    x = as_float(point.x)
    written = exact_hex(point.x) if x is None else f"{x!r} = {x.hex()}"
    origin = "exactly" if point.exact else f"the float64 nearest to {point.text}"
    low, high = target.cover
    outside = "" if low <= point.x <= high else f"; outside {target.interval}"
    return f"{written}, {origin}{outside}"
