"""Enclosures hold the exact value, whatever the network, and are as narrow as asked for."""

import math
from fractions import Fraction

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, dyadics, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext

from sinrelu.errors import RequestError
from sinrelu.evaluate import enclosed
from sinrelu.evaluate.enclosed import EnclosureEvaluator, cost, enclosed_error, enclosures
from sinrelu.evaluate.exact import evaluate_exact
from sinrelu.network import Network, Row

any_floats = st.floats(allow_nan=False, allow_infinity=False)
wide_weights = st.builds(
    lambda k, n: Fraction(k) * Fraction(2) ** n, st.integers(1, 10**40), st.integers(-300, 100)
)
HOSTILE = Network(
    [
        Row((0,), (1e300,), -1e300),
        Row((0, 1), (5e-324, 1e-300), 1e-300),
        Row((1, 2), (-1e-300, 1.7e308), 5e-324),
        Row((0, 3), (1.0, -1e-308), 0.0),
    ]
)


def holds(network, x, places=40):
    """Whether the exact value is within the enclosure, and the radius is small enough."""
    [(point, enclosure)] = enclosures(network, [x], Fraction(1, 2**places))
    assert point == Fraction(x)
    exact = evaluate_exact(network, x)
    small = enclosure.upper - enclosure.lower <= Fraction(2, 2**places)
    return enclosure.lower <= exact <= enclosure.upper and small


@settings(max_examples=60, deadline=None)
@given(networks(), dyadics)
def test_exact_value_is_enclosed(network, x):
    assert holds(network, x)


@settings(max_examples=40, deadline=None)
@given(networks(weights=any_floats.filter(bool)), any_floats)
def test_any_floats(network, x):
    assert holds(network, x)


@settings(max_examples=40, deadline=None)
@given(networks(weights=wide_weights), dyadics, st.integers(0, 300))
def test_wide_weights(network, x, places):
    assert holds(network, x, places)


@pytest.mark.parametrize("x", [0, 1.0, -1e308, 5e-324, Fraction(1, 2**2000), -(2**1500)])
@pytest.mark.parametrize("network", [HOSTILE, ABSOLUTE, TENT, CONSTANT])
def test_hard_cases(network, x):
    assert holds(network, x, 100)


@pytest.mark.parametrize("x", [1 / 3, 0.7, 3.9])
def test_errors_are_amplified(x):
    rows = [Row((0,), (1 / 3,), 0.1), Row((1,), (2.0**40 + 1 / 3,), 0.0), Row((2,), (-1e9,), 0.0)]
    assert holds(Network(rows), x, 10)


def test_a_smaller_radius_would_be_wrong():
    thirds = Network([Row((0,), (1 / 3,), 1 / 3), Row((0, 1), (2 / 3, 1 / 7), -1 / 3)])
    evaluator = EnclosureEvaluator.of(thirds, 10, 4)
    sharper = evaluator._replace(radius=evaluator.radius // 6)
    points = [Fraction(k, 2**30) for k in range(0, 4 * 2**30, 2**25 + 1)]
    missed = 0
    for x in points:
        exact = evaluate_exact(thirds, x)
        assert evaluator(x).lower <= exact <= evaluator(x).upper
        missed += not sharper(x).lower <= exact <= sharper(x).upper
    assert missed


@pytest.mark.parametrize("function", ["sin", "cos"])
def test_enclosed_error(function):
    network = sin_network("skip")
    numbers = MPContext()
    numbers.prec = 300
    points = np.random.default_rng(2).uniform(-4, 9, 20).tolist()
    for x, low, high in enclosed_error(network, points, 1e-30, function):
        value = evaluate_exact(network, x)
        angle = numbers.mpf(x.numerator) / x.denominator
        error = abs(
            numbers.mpf(value.numerator) / value.denominator - getattr(numbers, function)(angle)
        )
        assert numbers.mpf(low.numerator) / low.denominator <= error
        assert error <= numbers.mpf(high.numerator) / high.denominator
        assert 0 <= low < high <= low + 6 * Fraction(1e-30)


def test_the_error_may_be_nothing():
    [(_, low, high)] = enclosed_error(Network([Row((), (), 1.0)]), [0], 1e-9, "cos")
    assert low == 0 < high < 6e-9


@pytest.mark.parametrize("tolerance", [0, -1.0, math.nan, math.inf])
def test_bad_tolerances(tolerance):
    with pytest.raises(RequestError, match=r"tolerance|finite"):
        list(enclosures(TENT, [0], tolerance))


def test_bad_points_and_functions():
    with pytest.raises(RequestError, match="finite"):
        list(enclosures(TENT, [math.inf], 1e-9))
    with pytest.raises(RequestError, match="function"):
        list(enclosed_error(TENT, [0], 1e-9, "tan"))


@pytest.mark.parametrize("power", [-999_999, -5000])
def test_a_tiny_weight_takes_no_more_bits_than_are_wanted(power):
    tiny = Network([Row((0,), (1.0,), 0.0), Row((0, 1), (1.0, Fraction(2) ** power), 0.0)])
    assert EnclosureEvaluator.of(tiny, 100, 4).bits < 200
    assert holds(tiny, 1.5, 100)


def test_a_tiny_weight_that_is_amplified_again():
    """What the places leave of the weight is all that counts, also where it is not small."""
    back = Network([Row((0,), (Fraction(1, 2**3000),), 0.0), Row((1,), (Fraction(2**3000),), 0.0)])
    assert holds(back, 1.5, 100)


@pytest.mark.parametrize(
    "network",
    [
        Network([Row((0,), (Fraction(2) ** 200_000,), 0.0)]),
        Network([Row((i,), (1e300,), 1.0) for i in range(300)]),
    ],
)
def test_values_of_too_many_bits_are_refused(network):
    for use in (lambda: list(enclosures(network, [1], 1)), lambda: cost(network, 1, [1])):
        with pytest.raises(RequestError, match="more than 131072 bits"):
            use()


def test_a_large_network_may_have_fewer_bits(monkeypatch):
    monkeypatch.setattr(enclosed, "MAX_HELD_BITS", 3000)
    assert list(enclosures(ABSOLUTE, [1], 1))
    with pytest.raises(RequestError, match="more than 600 bits"):
        list(enclosures(ABSOLUTE, [1], Fraction(1, 2**800)))


def test_cost_rises_with_bits_and_connections():
    coarse, fine = (cost(ABSOLUTE, Fraction(1, 2**places), [1.0, -9]) for places in (10, 5000))
    assert ABSOLUTE.connections < coarse < fine / 20
    assert cost(sin_network("skip"), Fraction(1, 2**10), [1.0]) > 10 * coarse
