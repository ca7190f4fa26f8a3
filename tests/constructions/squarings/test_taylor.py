"""What is particular to taylor: its degree, its Horner bounds, its size."""

import mpmath
import numpy as np
import pytest
from mpmath import fp

from sinrelu import build
from sinrelu.constructions.squarings.taylor import cheapest, coefficient, errors

TOLS = [1e-2, 1e-6, 1e-12, 1e-13]


@pytest.mark.parametrize("tol", TOLS)
def test_degree_is_the_least_for_a_third_of_the_tolerance(tol):
    degree = 2 * len(cheapest(tol)) - 1
    remainder = [mpmath.pi**n / mpmath.factorial(n) for n in (degree, degree + 2)]
    assert remainder[1] <= tol / 3 < remainder[0]


def test_horner_sums_lie_between_zero_and_their_first_term():
    """The assumption of the error bound: 0 ≤ S_k ≤ A_k on [0, 1]."""
    for k in range(12):
        t = np.linspace(0, 1, 101)
        total = sum((-1) ** (j - k) * coefficient(fp, j) * t ** (j - k) for j in range(k, 30))
        assert total.min() >= -1e-15
        assert total.max() <= coefficient(fp, k)


@pytest.mark.parametrize("tol", TOLS)
def test_no_fold_is_wasted(tol):
    """With the coarsest error four times smaller the plan would already have been accepted."""
    parts = errors(cheapest(tol))
    assert sum(parts) <= tol < sum(parts) + 3 * max(parts[1:])


@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_the_assignment_is_met(wiring):
    assert build("taylor", wiring, 1e-12).connections <= 2700
