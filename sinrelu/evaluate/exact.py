"""What a network is: its value as a real function of its dyadic weights, without any rounding.

Weights are dyadic, so at a dyadic x (a float, an integer, k/2ⁿ) every value in the network is a
dyadic number too. The arithmetic is mpmath's, at unlimited precision; the order does not matter.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from operator import sub
from typing import Any

import mpmath
from mpmath import libmp

from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.numbers import count, number, shown
from sinrelu.errors import RequestError
from sinrelu.network import Network, Number

Dyadic = Any  # a number k/2ⁿ of any kind: see sinrelu.arithmetic.numbers
MOST_WORK = 2**36
"""Bits of sources times 64-bit words of their weights, at one point; more would take minutes."""
Raw = Any  # mpmath's raw (sign, mantissa, exponent, bits) tuple; mpmath ships no types


def evaluate_exact(network: Network, x: Dyadic) -> Fraction:
    """Return the network's value at a dyadic x, exactly.

    Raises RequestError if x is not finite, its denominator is not a power of two, or values would
    be so long that it took minutes.
    """
    return Fraction(*libmp.to_rational(_evaluator(network)(_raw(x))))


def evaluate_mpmath(network: Network, x: Dyadic, digits: int = 50) -> Any:
    """Return the exact value at a dyadic x, rounded once to an mpf of ``digits`` digits.

    Raises RequestError where ``evaluate_exact`` does, and if digits are no whole number from 1 on.
    """
    context = mpmath.MPContext()
    context.dps = count(digits, "digits")
    return +context.make_mpf(_evaluator(network)(_raw(x)))


def _evaluator(network: Network) -> Callable[[Raw], Raw]:
    """Convert a network's numbers once, for evaluation at many points."""
    rows = [
        ([(source, _of_dyadic(weight)) for source, weight in row.edges], _of_dyadic(row.bias))
        for row in network.rows
    ]

    def value(x: Raw) -> Raw:
        _refuse_long(rows, x)
        values = [x]
        for edges, bias in rows:
            total = bias
            for source, weight in edges:
                total = libmp.mpf_add(total, libmp.mpf_mul(weight, values[source]))
            values.append(libmp.fzero if total[0] else total)
        return total

    return value


def _refuse_long(rows: list[tuple[list[tuple[int, Raw]], Raw]], x: Raw) -> None:
    """Bound the work: every value is a multiple of 2^bottom, and its magnitude below 2^top."""
    bottoms, tops, work = [x[2]], [x[2] + x[3]], 0
    for edges, bias in rows:
        bottom, top = bias[2], bias[2] + bias[3]
        for source, (_, _, exponent, bits) in edges:
            bottom = min(bottom, exponent + bottoms[source])
            top = max(top, exponent + bits + tops[source])
            work += (tops[source] - bottoms[source]) * (bits // 64 + 1)
        bottoms.append(bottom)
        tops.append(top + len(edges).bit_length())
    if work > MOST_WORK:
        most = max(map(sub, tops, bottoms))
        raise RequestError(f"exact values of this network have up to {most} bits: too long a work")


def exact_error(
    network: Network, points: Iterable[Dyadic], digits: int = 50, function: str = "sin"
) -> Iterator[tuple[Dyadic, Any]]:
    """Yield each point with N(x) − f(x), N(x) exact and f(x) rounded to ``digits`` digits.

    Raises RequestError where ``evaluate_mpmath`` does, and if f is neither sin nor cos.
    """
    quarter_turns(function)
    exact = _evaluator(network)
    context = mpmath.MPContext()
    context.dps = count(digits, "digits")
    reference = getattr(context, function)
    for x in points:
        raw = _raw(x)
        yield x, context.make_mpf(exact(raw)) - reference(context.make_mpf(raw))


def _raw(x: Dyadic) -> Raw:
    fraction = number(x, "x")
    if fraction.denominator.bit_count() != 1:
        raise RequestError(f"x: {shown(x)} is not a dyadic number, k/2ⁿ, as exact values need")
    return _of_dyadic(fraction)


def _of_dyadic(number: Number) -> Raw:
    numerator, denominator = number.as_integer_ratio()
    return libmp.from_man_exp(numerator, 1 - denominator.bit_length())
