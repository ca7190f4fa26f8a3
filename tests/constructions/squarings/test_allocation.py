"""The error budget: enough folds, and about the fewest."""

from itertools import product
from operator import mul

import mpmath
import pytest

from sinrelu.constructions.squarings.polynomial import allocated, measured

NUMBERS = mpmath.MPContext()
POLYNOMIALS = [
    measured(NUMBERS, ((0.5, -0.4),), (0.1,), 1e-7),
    measured(NUMBERS, ((-1.0, -22.0), (0.44, -0.5, 1e-3)), (1.0, 5e-5), 1e-7),
]


def costs(polynomial):
    return tuple(range(7, 8 + len(polynomial.rows)))


@pytest.mark.parametrize("polynomial", POLYNOMIALS)
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
def test_no_other_folds_nearby_are_cheaper(polynomial, tol):
    best = allocated(polynomial, costs(polynomial), tol)
    assert best.error_bound == polynomial.error_bound(best.folds) <= tol
    for changes in product(range(-3, 4), repeat=len(best.folds)):
        folds = tuple(max(n + by, 0) for n, by in zip(best.folds, changes, strict=True))
        cheaper = sum(map(mul, folds, costs(polynomial))) < best.cost - 1
        assert not cheaper or polynomial.error_bound(folds) > tol


@pytest.mark.parametrize("polynomial", POLYNOMIALS)
def test_each_fold_is_needed(polynomial):
    folds = allocated(polynomial, costs(polynomial), 1e-5).folds
    for i, count in enumerate(folds):
        assert count > 0
        assert polynomial.error_bound((*folds[:i], count - 1, *folds[i + 1 :])) > 1e-5


def test_bound_is_the_sum_of_its_parts():
    polynomial, folds = POLYNOMIALS[1], (9, 8, 7)
    _, errors = polynomial.heights_and_errors(folds)
    assert polynomial.error_bound(folds) == pytest.approx(1e-7 + sum(errors))
    assert len(errors) == 3
