"""Exact refutation: the network in integers, and the fixed-point sine against Arb."""

from fractions import Fraction

import flint
import pytest
from graphs import ABSOLUTE, CONSTANT, naive_exact, networks, sin_network
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rational import arb

from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify.counterexample import (
    BITS,
    Dyadic,
    bounds_at,
    error_at,
    value_at,
    worst_in_cell,
)
from sinrelu.constructions import build
from sinrelu.evaluate import evaluate_exact

laws = settings(max_examples=120, deadline=None)
any_weight = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
dyadics = st.builds(
    lambda k, n: Fraction(k, 2**n), st.integers(-(2**80), 2**80), st.integers(60, 400)
)
arguments = dyadics | st.floats(-LIMIT, LIMIT).map(Fraction)


both = pytest.mark.parametrize("function", ["sin", "cos"])


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(400):
        yield


@laws
@given(network=networks(), x=arguments)
def test_value_is_exact(network, x):
    assert value_at(network, x) == naive_exact(network, x) == evaluate_exact(network, x)


@settings(max_examples=60, deadline=None)
@given(network=networks(weights=any_weight), x=arguments)
def test_value_is_exact_for_all_float64_weights(network, x):
    assert value_at(network, x) == naive_exact(network, x)


def test_value_of_the_record_network():
    for x in (Fraction(1, 3 * 2**0 + 1), Fraction(2.5), Fraction(-3), Fraction(1, 2**300)):
        assert value_at(sin_network("skip"), x) == naive_exact(sin_network("skip"), x)


@laws
@given(number=any_weight | st.just(0.0) | dyadics)
def test_dyadic_round_trip(number):
    dyadic = Dyadic.of(number)
    assert dyadic.fraction() == Fraction(number)
    assert dyadic.mantissa % 2 == 1 or dyadic.mantissa == 0


def contains(x, function):
    lower, upper = bounds_at(x, function)
    assert 0 < upper - lower < Fraction(1, 10**60)
    truth = getattr(arb(x), function)()
    assert float(truth.rad()) < 1e-80
    return arb(lower) < truth < arb(upper)


@both
@laws
@given(x=arguments)
@example(x=Fraction(LIMIT))
@example(x=Fraction(-LIMIT))
@example(x=Fraction(0))
@example(x=Fraction(1, 2**1074))
def test_bounds_contain_the_function(function, x):
    assert contains(x, function)


def test_an_unknown_function_has_no_bounds():
    with pytest.raises(KeyError):
        bounds_at(Fraction(0), "tan")


@both
@pytest.mark.parametrize("turns", [*range(-9, 10), 1001, 333_771 * 2, -300_001 * 2])
@pytest.mark.parametrize("bits", [20, 52, 105, 200, 300])
def test_bounds_beside_multiples_of_a_quarter_turn(turns, bits, function):
    """Where the reduction goes over to the next multiple of π, or cancels."""
    quarter = (flint.arb.pi() / 2 * turns * flint.arb(2) ** bits).mid().floor()
    whole = int(quarter.unique_fmpz())
    for k in (whole - 1, whole, whole + 1, whole + 2):
        assert contains(Fraction(k, 2**bits), function)


@both
@laws
@given(x=arguments)
def test_the_function_is_far_inside_its_margin(function, x):
    """The margin is 2¹² units; the derivation in the docstring uses a quarter of it."""
    lower, upper = bounds_at(x, function)
    centre = (lower + upper) / 2
    assert abs(getattr(arb(x), function)() - arb(centre)) < flint.arb(2) ** (10 - BITS)


@both
@laws
@given(network=networks(), x=arguments)
def test_error_is_a_lower_bound_and_close(function, network, x):
    truth = abs(arb(naive_exact(network, x)) - getattr(arb(x), function)())
    lower = arb(error_at(network, x, function))
    assert not lower > truth
    assert truth - lower < flint.arb(10) ** -60


def test_errors_of_known_networks():
    assert error_at(CONSTANT, Fraction(0)) == pytest.approx(0.75, abs=1e-60)
    assert error_at(ABSOLUTE, Fraction(0)) == 0  # the enclosure of sin 0 contains 0
    assert float(error_at(ABSOLUTE, Fraction(-2))) == pytest.approx(2.9092974268)
    assert error_at(CONSTANT, Fraction(0), "cos") == pytest.approx(0.25, abs=1e-60)
    assert float(error_at(ABSOLUTE, Fraction(-2), "cos")) == pytest.approx(2.4161468365)


def test_worst_in_cell_finds_the_vertex():
    """Between neighbouring breakpoints the largest error is inside, and it is found."""
    network = build("fold-reflect", "skip", 1e-3)
    left, right = Fraction(1.50), Fraction(1.53)
    x, error = worst_in_cell(network, left, right)
    assert left <= x <= right
    assert error == error_at(network, x)
    sampled = max(error_at(network, left + (right - left) * k / 64) for k in range(65))
    assert error >= sampled * Fraction(95, 100)


def test_worst_in_cell_is_that_of_the_function():
    left, right = Fraction(-1), Fraction(2)
    for function in ("sin", "cos"):
        x, error = worst_in_cell(CONSTANT, left, right, function)
        assert error == error_at(CONSTANT, x, function)
    assert worst_in_cell(CONSTANT, left, right, "sin")[0] == left
    assert worst_in_cell(CONSTANT, left, right, "cos")[0] == right


def test_a_float64_is_preferred_as_witness():
    tiny = Fraction(1, 2**90)
    x, error = worst_in_cell(ABSOLUTE, Fraction(-2) + tiny, Fraction(-1) + tiny)
    assert x == Fraction(float(x)) == -2
    assert error == error_at(ABSOLUTE, x)
