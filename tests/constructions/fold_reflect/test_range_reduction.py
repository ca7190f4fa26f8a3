"""Range reduction: f(x) = ± sin z, exactly, on any domain."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from mpmath import MPContext

from sinrelu.arithmetic.rounding import float_below
from sinrelu.circuit import Circuit, relu
from sinrelu.constructions.fold_reflect.range_reduction import (
    cheapest_reduction,
    reductions,
    rounding_error,
)
from sinrelu.errors import RequestError
from sinrelu.evaluate.exact import evaluate_exact
from sinrelu.target import End, Target

DOMAINS = [
    (-math.pi, math.pi),
    (0, 1),
    (0, math.pi),
    (-math.pi / 2, 0),
    (100, 100.5),
    (-2, 20),
    (-100, 100),
    (-1000 * math.pi, 1000 * math.pi),
    (999_990, 1_000_000),
    (-1_000_000, -999_000.5),
]


def target(function, low, high):
    return Target(function, End(Fraction(low)), End(Fraction(high)))


@pytest.mark.parametrize("function", ["sin", "cos"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_reduction_is_exact_up_to_its_rounding(domain, function):
    numbers = MPContext()
    numbers.prec = 300
    reduction = cheapest_reduction(target(function, *domain), 1)
    x = Circuit().input
    reduced = reduction.fold(x)
    never = x.circuit.constant(0)
    forms = (reduced.z, never if reduced.negative is None else reduced.negative)
    z, negative = (x.circuit.freeze(form) for form in forms)
    low, high = map(Fraction, domain)
    for point in (low + (high - low) * k / 128 for k in range(129)):
        angle = numbers.mpf(float(evaluate_exact(z, point)))
        sign = -reduced.sign if evaluate_exact(negative, point) else reduced.sign
        exact = getattr(numbers, function)(numbers.mpf(point.numerator) / point.denominator)
        assert 0 <= angle <= numbers.pi / 2 + 1e-12
        error = abs(sign * numbers.sin(angle) - exact)
        assert error <= reduction.rounding(numbers) + 1e-15


def test_three_connections_a_doubling():
    counts = [
        next(reductions(target("cos", -(2.0**k), 2.0**k))).connections() for k in range(2, 20)
    ]
    assert all(more - less <= 3 for less, more in pairwise(counts))


def test_later_reductions_round_better():
    numbers = MPContext()
    numbers.prec = 300
    choices = list(reductions(target("sin", -1000 * math.pi, 1000 * math.pi)))
    roundings = [choice.rounding(numbers) for choice in choices]
    assert roundings[0] > 5e-14
    assert roundings[1] < roundings[0] / 2


def test_rounding_error():
    numbers = MPContext()
    numbers.prec = 200
    assert rounding_error(numbers.pi * 1, 53) == abs(numbers.pi - math.pi)
    assert rounding_error(numbers.mpf(3), 53) == 0


@pytest.mark.parametrize("function", ["sin", "cos"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_half_wave_is_exact_and_counts_its_connections(domain, function):
    """cos of what a layered network starts from is f, and both of its forms say where it is > 0."""
    reduction = cheapest_reduction(target(function, *domain), 1e-3, layered=True)
    x = Circuit().input
    forms = reduction.half_wave(x)
    z, past = (x.circuit.freeze(relu(form)) for form in forms)
    both = x.circuit.freeze(relu(forms[0]) + relu(forms[1]))
    assert both.skip_connections == 0
    assert both.connections == reduction.connections(layered=True) + 2
    assert both.depth == 3 + (reduction.origin != 0) + len(reduction.multiples)
    low, high = map(Fraction, domain)
    for point in (low + (high - low) * k / 128 for k in range(129)):
        angle = float(evaluate_exact(z, point))
        assert -1e-9 <= angle <= math.pi + 1e-9
        assert float(evaluate_exact(past, point)) == pytest.approx(
            max(angle - math.pi / 2, 0), abs=1e-9
        )
        exact = getattr(math, function)(point)
        assert reduction.sign * math.cos(angle) == pytest.approx(exact, abs=1e-9)


def test_no_reduction_is_exact_enough():
    with pytest.raises(RequestError, match="cannot be folded to within 1e-18"):
        cheapest_reduction(target("sin", -1000.0, 1000.0), float_below(Fraction(1, 10**18)))


@pytest.mark.parametrize("domain", [(-100.0, 100.0), (-3000.0, 3000.0), (-1e6, 1e6)])
def test_half_wave_errs_by_no_more_than_its_rounding(domain):
    """With layered wiring no fold's place is rounded together with another's."""
    numbers = MPContext()
    numbers.prec = 300
    reduction = cheapest_reduction(target("sin", *domain), 1e-12, layered=True)
    x = Circuit().input
    z = x.circuit.freeze(reduction.half_wave(x)[0])
    bound = reduction.rounding(numbers, 53, layered=True)
    low, high = map(Fraction, domain)
    errors = []
    for point in (low + (high - low) * k / 1024 for k in range(1025)):
        value = evaluate_exact(z, point)
        cosine = numbers.cos(numbers.mpf(value.numerator) / value.denominator)
        sine = numbers.sin(numbers.mpf(point.numerator) / point.denominator)
        errors.append(abs(reduction.sign * cosine - sine))
    assert bound / 5 < max(errors) <= bound
