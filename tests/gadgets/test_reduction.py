"""Range reduction: f(x) = ± sin z, exactly, on any domain."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from mpmath import MPContext

from sinrelu.circuit import Circuit
from sinrelu.errors import RequestError
from sinrelu.evaluate.exact import evaluate_exact
from sinrelu.gadgets.reduction import reductions, rounding_error

DOMAINS = [
    (-math.pi, math.pi),
    (0, 1),
    (-2, 20),
    (-100, 100),
    (-1000 * math.pi, 1000 * math.pi),
    (999_990, 1_000_000),
    (-1_000_000, -999_000.5),
]


@pytest.mark.parametrize("function", ["sin", "cos"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_reduction_is_exact_up_to_its_rounding(domain, function):
    numbers = MPContext()
    numbers.prec = 300
    reduction = next(reductions(*domain, function))
    x = Circuit().input
    reduced = reduction.fold(x)
    z, negative = (x.circuit.freeze(form) for form in (reduced.z, reduced.negative))
    low, high = map(Fraction, domain)
    for point in (low + (high - low) * k / 128 for k in range(129)):
        angle = numbers.mpf(float(evaluate_exact(z, point)))
        sign = -reduced.sign if evaluate_exact(negative, point) else reduced.sign
        exact = getattr(numbers, function)(numbers.mpf(point.numerator) / point.denominator)
        assert 0 <= angle <= numbers.pi / 2 + 1e-12
        error = abs(sign * numbers.sin(angle) - exact)
        assert error <= reduction.rounding(numbers) + 1e-15


def test_three_connections_a_doubling():
    counts = [next(reductions(-(2.0**k), 2.0**k, "cos")).connections for k in range(2, 20)]
    assert all(more - less <= 3 for less, more in pairwise(counts))


def test_later_reductions_round_better():
    numbers = MPContext()
    numbers.prec = 300
    choices = list(reductions(-1000 * math.pi, 1000 * math.pi, "sin"))
    roundings = [choice.rounding(numbers) for choice in choices]
    assert roundings[0] > 5e-14
    assert roundings[1] < roundings[0] / 2


def test_rounding_error():
    numbers = MPContext()
    numbers.prec = 200
    assert rounding_error(numbers.pi * 1, 53) == abs(numbers.pi - math.pi)
    assert rounding_error(numbers.mpf(3), 53) == 0


@pytest.mark.parametrize(
    "request_",
    [(1, 1, "sin"), (2, 1, "sin"), (-1e7, 0, "sin"), (0, math.nan, "sin"), (0, 1, "tan")],
)
def test_bad_requests_are_refused(request_):
    with pytest.raises(RequestError, match=r"domain|function"):
        next(reductions(*request_))
