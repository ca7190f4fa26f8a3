"""What a network is: its value as a real function of its dyadic weights, without any rounding.

Weights are dyadic, so at a dyadic x (a float, an integer, k/2ⁿ) every value in the network is a
dyadic number too. The arithmetic is mpmath's, at unlimited precision; the order does not matter.
"""

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import libmp

from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.numbers import count, number, shown
from sinrelu.errors import RequestError
from sinrelu.network import Network

Dyadic = Any  # a number k/2ⁿ of any kind: see sinrelu.arithmetic.numbers
Raw = Any  # mpmath's raw (sign, mantissa, exponent, bits) tuple; mpmath ships no types


def evaluate_exact(network: Network, x: Dyadic) -> Fraction:
    """Return the network's value at a dyadic x, exactly.

    Raises RequestError if x is not finite or its denominator is not a power of two.
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
        ([(source, _raw(weight)) for source, weight in row.edges], _raw(row.bias))
        for row in network.rows
    ]

    def value(x: Raw) -> Raw:
        values = [x]
        for edges, bias in rows:
            total = bias
            for source, weight in edges:
                total = libmp.mpf_add(total, libmp.mpf_mul(weight, values[source]))
            values.append(libmp.fzero if total[0] else total)
        return total

    return value


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
    power = fraction.denominator.bit_length() - 1
    if fraction.denominator != 1 << power:
        raise RequestError(f"x: {shown(x)} is not a dyadic number, k/2ⁿ, as exact values need")
    return libmp.from_man_exp(fraction.numerator, -power)
