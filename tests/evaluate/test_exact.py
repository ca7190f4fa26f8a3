import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, dyadics, naive_exact, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.errors import RequestError
from sinrelu.evaluate import (
    evaluate_exact,
    evaluate_float64,
    evaluate_mpmath,
    exact,
    exact_error,
)
from sinrelu.network import Network, Row

any_weights = st.floats(allow_nan=False, allow_infinity=False).filter(bool)


@settings(max_examples=150, deadline=None)
@given(networks(), dyadics)
def test_exact_is_rational_arithmetic(network, x):
    assert evaluate_exact(network, x) == naive_exact(network, x)


@settings(max_examples=150, deadline=None)
@given(networks(weights=any_weights), st.floats(allow_nan=False, allow_infinity=False))
def test_exact_with_any_weights(network, x):
    assert evaluate_exact(network, x) == naive_exact(network, x)


@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_float64_is_close_to_exact_at_random_dyadic_points(wiring):
    network = sin_network(wiring)
    x = np.random.default_rng(5).uniform(-math.pi, math.pi, 100)
    exact = [float(evaluate_exact(network, v)) for v in x.tolist()]
    assert np.max(np.abs(evaluate_float64(network, x) - exact)) < 4e-15


def test_float64_is_exact_where_nothing_is_rounded():
    x = np.arange(-64, 65) / 32
    assert [Fraction(v) for v in evaluate_float64(TENT, x).tolist()] == [
        evaluate_exact(TENT, v) for v in x.tolist()
    ]


@pytest.mark.parametrize(
    ("x", "value"),
    [(0, "1/4"), (Fraction(1, 2), "3/4"), (0.25, "1/2"), (-3, "1/4"), (Fraction(3, 8), "5/8")],
)
def test_the_tent_by_hand(x, value):
    assert evaluate_exact(TENT, x) == Fraction(value)


def test_kinds_of_dyadic_input():
    assert evaluate_exact(ABSOLUTE, -(2**2000)) == 2**2000
    assert evaluate_exact(ABSOLUTE, Fraction(-1, 2**2000)) == Fraction(1, 2**2000)
    assert evaluate_exact(ABSOLUTE, np.float64(-0.5)) == Fraction(1, 2)
    assert evaluate_exact(CONSTANT, 10) == Fraction(3, 4)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, Fraction(1, 3)])
@pytest.mark.parametrize("evaluate", [evaluate_exact, evaluate_mpmath])
def test_what_is_not_dyadic_is_refused(evaluate, x):
    with pytest.raises(
        RequestError, match=r"^x: (nan|-?inf) is not a finite number|^x: 1/3 is not a dyadic number"
    ):
        evaluate(ABSOLUTE, x)


def test_mpmath_rounds_the_exact_value_once():
    network = Network([Row((0,), (1.0,), 2.0**-200)])
    assert evaluate_mpmath(network, 1, digits=15) == 1
    assert evaluate_mpmath(network, 1, digits=100) - 1 == mpmath.ldexp(1, -200)


def test_the_global_precision_is_left_alone():
    before = mpmath.mp.prec
    evaluate_mpmath(TENT, 0.5, digits=1000)
    list(exact_error(TENT, [0.5], digits=1000))
    assert mpmath.mp.prec == before


def test_exact_error_is_that_of_the_definition():
    points = [0, 1, -2.5, Fraction(3, 4)]
    context = mpmath.MPContext()
    context.dps = 60
    for (x, error), point in zip(exact_error(TENT, points, digits=60), points, strict=True):
        assert x == point
        value = naive_exact(TENT, x)
        exact = context.mpf(value.numerator) / value.denominator
        sine = context.sin(context.mpf(Fraction(x).numerator) / Fraction(x).denominator)
        assert abs(error - (exact - sine)) < context.mpf(10) ** -58


def test_the_sin_network_is_within_its_tolerance():
    errors = [
        abs(e)
        for _, e in exact_error(sin_network("layered"), np.linspace(-3.14, 3.14, 40).tolist())
    ]
    assert 0 < max(errors) < 1e-12


def test_errors_are_those_of_the_definition():
    network = TENT
    points = [0.5, -3.0, Fraction(1, 2**300), 1e6]
    for function in ("sin", "cos"):
        for (x, error), point in zip(
            exact_error(network, points, 60, function), points, strict=True
        ):
            numbers = mpmath.MPContext()
            numbers.dps = 80
            exact = evaluate_exact(network, point)
            value = numbers.mpf(exact.numerator) / exact.denominator
            truth = value - getattr(numbers, function)(
                numbers.mpf(Fraction(point).numerator) / Fraction(point).denominator
            )
            assert x == point
            assert (
                abs(error - truth) <= abs(value) * numbers.mpf(10) ** -58 + numbers.mpf(10) ** -59
            )


def test_long_values_are_refused_before_the_work():
    """Every layer adds the bits of its weights: a chain of thousands would take hours."""
    long = Fraction(2**100_000 + 1, 2**100_000)
    chain = Network([Row((i,), (long,), 1.0) for i in range(300)])
    for evaluate in (evaluate_exact, evaluate_mpmath, lambda n, x: list(exact_error(n, [x]))):
        with pytest.raises(RequestError, match="bits: too long a work"):
            evaluate(chain, 1)
    assert evaluate_exact(Network(chain.rows[:3]), 1) == naive_exact(Network(chain.rows[:3]), 1)


@settings(max_examples=100, deadline=None)
@given(networks(weights=any_weights), dyadics)
def test_no_value_is_longer_than_was_foreseen(network, x):
    """What is refused at a limit of n bits of work has more than the values need."""
    values, work = [Fraction(x)], 0
    for row in network.rows:
        work += sum(length(values[source]) for source in row.sources)
        values.append(naive_exact(Network([*network.rows[: len(values) - 1], row]), x))
        values[-1] = max(values[-1], Fraction(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "MOST_WORK", work - 1)
        if work:
            with pytest.raises(RequestError):
                evaluate_exact(network, x)


def length(value):
    """Return the bits of a dyadic number."""
    mantissa = value.numerator
    return (abs(mantissa) >> max((mantissa & -mantissa).bit_length() - 1, 0)).bit_length()
