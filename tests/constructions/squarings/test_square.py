"""Squares and products by composed tent maps, against exact rational arithmetic."""

from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import Circuit, evaluate_exact, layered, relu
from sinrelu.constructions.squarings.square import (
    absolute,
    product,
    product_error,
    square,
    square_error,
)

unit_interval = st.fractions(-1, 1).map(lambda q: Fraction(round(q * 2**40), 2**40))
ROUNDING = Fraction(1, 10**14)


@cache
def square_network(folds, height):
    x = Circuit().input
    return x.circuit.freeze(square(absolute(x), x.circuit.number(height), folds))


@pytest.mark.parametrize("folds", [0, 1, 2, 7, 13])
@settings(max_examples=60, deadline=None)
@given(x=unit_interval)
def test_square_is_within_its_error(folds, x):
    error = evaluate_exact(square_network(folds, 1), x) - x * x
    assert abs(error) <= Fraction(square_error(1, folds)) + ROUNDING


def test_the_error_is_attained_at_knots_and_between_them():
    folds, height = 4, 31  # pieces of length 2, so every weight is exact
    network = square_network(folds, height)
    bound = square_error(height, folds)
    assert bound == 0.5
    for k in range(16):
        knot, middle = 2 * k + 1, 2 * k
        assert evaluate_exact(network, knot) - knot**2 == -bound
        assert evaluate_exact(network, middle) - middle**2 == bound


def test_one_fold_fewer_breaks_the_bound():
    network = square_network(5, 1)
    worst = max(abs(evaluate_exact(network, k / 4096) - (k / 4096) ** 2) for k in range(4097))
    assert square_error(1, 6) < worst <= square_error(1, 5) + 1e-14


@pytest.mark.parametrize("folds", [2, 5, 12])
def test_costs_are_as_documented(folds):
    network = square_network(folds, 1)
    assert network.connections == 2 + 4 * folds
    assert layered(network).connections == 2 + 6 * folds - 3  # nothing waits for the first fold
    assert layered(network).depth == folds + 2  # each fold is one layer


@settings(max_examples=40, deadline=None)
@given(a=unit_interval, b=unit_interval, folds=st.integers(0, 12))
def test_product_is_within_its_error(a, b, folds):
    """x carries a; b is a constant, which the circuit handles like any other form."""
    x = Circuit().input
    bounds = (3.0, 0.5)
    second = x.circuit.constant(b / 2) + 0 * relu(x)
    network = x.circuit.freeze(product(3 * x, second, bounds, folds))
    error = evaluate_exact(network, a) - 3 * a * b / 2
    assert abs(error) <= Fraction(product_error(bounds, folds)) + ROUNDING
