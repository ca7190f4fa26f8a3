"""Ladders of squarings, against direct evaluation in multiprecision."""

import itertools
import math

import mpmath
import numpy as np
import pytest

from sinrelu import Circuit, program
from sinrelu.constructions.squarings.polynomial import Ladder, fitted, held, nodes, supremum

NUMBERS = mpmath.MPContext()
NUMBERS.prec = 120

LADDERS = {
    "one squaring": Ladder(((0.5, -1.0),), (0.25,)),
    "negative scale": Ladder(((0.5, -1.0),), (-2.0,)),
    "two squarings": Ladder(((-1.0, -3.0), (0.25, 1.0, -0.5)), (1.0, 0.125)),
    "three squarings": Ladder(
        ((-1.0, 2.0), (0.5, -3.0, 4.0), (1.0, 0.5, 0.25, -0.125)), (1.0, -2.0, -0.01)
    ),
}
ladders = pytest.mark.parametrize("ladder", LADDERS.values(), ids=LADDERS.keys())


def horner(ladder):
    """Expand the ladder to coefficients, an independent way to its values."""
    poly = np.polynomial.Polynomial
    terms = [poly([0, 1])]
    for row, scale in zip(ladder.rows, ladder.scales, strict=True):
        terms.append(scale * terms[-1] ** 2 + row[0])
        for a, term in zip(row[1:], terms, strict=False):
            terms[-1] += a * term
    return terms


@ladders
def test_values_are_those_of_the_expanded_polynomials(ladder):
    for v in np.linspace(-1, 1, 7):
        assert ladder.values(v) == pytest.approx([term(v) for term in horner(ladder)], abs=1e-12)


@ladders
def test_first_slope_is_the_polynomials_derivative(ladder):
    derivative = horner(ladder)[-1].deriv()
    for v in np.linspace(-1, 1, 7):
        assert ladder.slopes(v)[0] == pytest.approx(derivative(v), abs=1e-11)


@ladders
def test_profile_bounds_are_close_to_the_suprema(ladder):
    profile = ladder.profile(NUMBERS)
    points = np.linspace(-1, 1, 2001)
    for term, size in zip(horner(ladder), profile.sizes, strict=True):
        seen = abs(term(points)).max()
        assert seen <= size * (1 + 1e-12)
        assert size <= 1.03 * seen


@pytest.mark.parametrize("degree", [24, 47, 60])
def test_supremum_covers_what_the_nodes_do_not_see(degree):
    seen = [NUMBERS.chebyt(degree, v) for v in nodes(NUMBERS)]
    assert max(map(abs, seen)) < 1
    assert supremum(NUMBERS, seen, degree) >= 1


def test_fit_reproduces_a_polynomial_of_the_same_inner_rows():
    given = LADDERS["two squarings"]
    inner = given.rows[:1]
    found, misfit = fitted(NUMBERS, inner, lambda v: given.values(v)[-1])
    assert max(map(abs, misfit)) < 1e-25
    assert [float(a) for a in found.rows[-1]] == pytest.approx(given.rows[-1], rel=1e-15)
    assert float(found.scales[-1]) == pytest.approx(given.scales[-1], rel=1e-15)


def build(ladder, folds):
    profile = ladder.profile(NUMBERS)
    heights, errors = profile.heights_and_errors(0.0, folds)
    x = Circuit().input
    return x.circuit.freeze(profile.circuit(x, heights, folds)), sum(errors)


@ladders
@pytest.mark.parametrize("extra", [0, 4])
def test_network_is_the_polynomial_within_the_sum_of_errors(ladder, extra):
    points = np.linspace(-1, 1, 20001)
    exact = horner(ladder)[-1](points)
    for folds in itertools.islice(
        itertools.product(range(3 + extra, 6 + extra), repeat=len(ladder.rows)), 0, None, 5
    ):
        network, bound = build(ladder, folds)
        error = abs(program(network)(points) - exact).max()
        assert bound / 40 < error <= bound


@ladders
def test_the_start_may_drift(ladder):
    folds, drift = (9,) * len(ladder.rows), 1e-3
    profile = ladder.profile(NUMBERS)
    heights, errors = profile.heights_and_errors(drift, folds)
    x = Circuit().input
    network = x.circuit.freeze(profile.circuit(x + drift, heights, folds))
    points = np.linspace(-1, 1, 20001)
    error = abs(program(network)(points) - horner(ladder)[-1](points)).max()
    assert sum(errors) / 10 < error <= sum(errors)
    assert error > sum(profile.heights_and_errors(0.0, folds)[1])


@pytest.mark.parametrize("sign", [1, -1])
def test_held_is_the_identity_up_to_its_bound_and_no_further(sign):
    x = Circuit().input
    network = x.circuit.freeze(held(x, 2, sign))
    for value in (-2.0, -0.5, 0.0, 2.0):
        assert program(network)(value) == value
    assert program(network)(-3.0 * sign) == -2.0 * sign
    assert math.isclose(program(network)(3.0 * sign), 3.0 * sign)
