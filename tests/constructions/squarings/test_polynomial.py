"""Nested squarings, against direct evaluation in multiprecision."""

import itertools
import math

import mpmath
import numpy as np
import pytest

from sinrelu import Circuit, program
from sinrelu.constructions.squarings.polynomial import (
    fitted,
    held,
    measured,
    nodes,
    stage_slopes,
    stage_values,
    supremum,
)
from sinrelu.constructions.squarings.square import absolute

NUMBERS = mpmath.MPContext()
NUMBERS.prec = 120

POLYNOMIALS = {
    "one squaring": (((0.5, -1.0),), (0.25,)),
    "negative scale": (((0.5, -1.0),), (-2.0,)),
    "two squarings": (((-1.0, -3.0), (0.25, 1.0, -0.5)), (1.0, 0.125)),
    "three squarings": (
        ((-1.0, 2.0), (0.5, -3.0, 4.0), (1.0, 0.5, 0.25, -0.125)),
        (1.0, -2.0, -0.01),
    ),
}
polynomials = pytest.mark.parametrize(
    ("rows", "scales"), POLYNOMIALS.values(), ids=POLYNOMIALS.keys()
)


def expanded(rows, scales):
    """Expand all stages to coefficients, an independent way to their values."""
    poly = np.polynomial.Polynomial
    terms = [poly([0, 1])]
    for row, scale in zip(rows, scales, strict=True):
        terms.append(scale * terms[-1] ** 2 + row[0])
        for a, term in zip(row[1:], terms, strict=False):
            terms[-1] += a * term
    return terms


@polynomials
def test_values_are_those_of_the_expanded_polynomials(rows, scales):
    for v in np.linspace(-1, 1, 7):
        wanted = [term(v) for term in expanded(rows, scales)]
        assert stage_values(rows, scales, v) == pytest.approx(wanted, abs=1e-12)


@polynomials
def test_first_slope_is_the_polynomials_derivative(rows, scales):
    derivative = expanded(rows, scales)[-1].deriv()
    for v in np.linspace(-1, 1, 7):
        assert stage_slopes(rows, scales, v)[0] == pytest.approx(derivative(v), abs=1e-11)


@polynomials
def test_measured_sizes_are_close_to_the_suprema(rows, scales):
    sizes = measured(NUMBERS, rows, scales).sizes
    points = np.linspace(-1, 1, 2001)
    for term, size in zip(expanded(rows, scales)[:-1], sizes, strict=True):
        seen = abs(term(points)).max()
        assert seen <= size * (1 + 1e-12)
        assert size <= 1.03 * seen


@pytest.mark.parametrize("degree", [24, 47, 60])
def test_supremum_covers_what_the_nodes_do_not_see(degree):
    seen = [NUMBERS.chebyt(degree, v) for v in nodes(NUMBERS)]
    assert max(map(abs, seen)) < 1
    assert supremum(NUMBERS, seen, degree) >= 1


def test_fit_reproduces_a_polynomial_of_the_same_inner_rows():
    rows, scales = POLYNOMIALS["two squarings"]
    found = fitted(
        NUMBERS, rows[:1], lambda m: stage_values(rows, scales, 2 * m**2 - 1)[-1], 4, 0.0
    )
    assert found.error < 1e-25
    assert [float(a) for a in found.rows[-1]] == pytest.approx(rows[-1], rel=1e-15)
    assert float(found.scales[-1]) == pytest.approx(scales[-1], rel=1e-15)


def error_and_bound(rows, scales, folds):
    """Return the largest error of a network in m ∈ [−1, 1], and what is said of it."""
    polynomial = measured(NUMBERS, rows, scales)
    x = Circuit().input
    network = x.circuit.freeze(polynomial.circuit(absolute(x), folds))
    points = np.linspace(-1, 1, 20001)
    exact = expanded(rows, scales)[-1](2 * points**2 - 1)
    return abs(program(network)(points) - exact).max(), polynomial.error_bound(folds)


@polynomials
@pytest.mark.parametrize("extra", [0, 4])
def test_network_is_the_polynomial_within_the_sum_of_errors(rows, scales, extra):
    choices = itertools.product(range(3 + extra, 6 + extra), repeat=len(rows))
    for folds in itertools.islice(choices, 0, None, 5):
        error, bound = error_and_bound(rows, scales, (30, *folds))
        assert bound / 40 < error <= bound


@polynomials
def test_the_error_of_the_first_square_counts(rows, scales):
    error, bound = error_and_bound(rows, scales, (5, *(9 for _ in rows)))
    assert bound / 10 < error <= bound
    assert error > error_and_bound(rows, scales, (30, *(9 for _ in rows)))[1]


@pytest.mark.parametrize("sign", [1, -1])
def test_held_is_the_identity_up_to_its_bound_and_no_further(sign):
    x = Circuit().input
    network = x.circuit.freeze(held(x, 2, sign))
    for value in (-2.0, -0.5, 0.0, 2.0):
        assert program(network)(value) == value
    assert program(network)(-3.0 * sign) == -2.0 * sign
    assert math.isclose(program(network)(3.0 * sign), 3.0 * sign)
