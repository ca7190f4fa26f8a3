"""What is particular to chebyshev: its polynomials, its plans, its size."""

import mpmath
import numpy as np
import pytest

from sinrelu import build
from sinrelu.constructions.squarings import chebyshev
from sinrelu.constructions.squarings.polynomial import stage_values
from sinrelu.errors import RequestError

NUMBERS = mpmath.MPContext()
NUMBERS.prec = 150


@pytest.mark.parametrize("inner", chebyshev.RECIPES)
def test_polynomial_is_within_its_bound_and_near_it(inner):
    p = chebyshev.polynomial(NUMBERS, inner)
    cosine = NUMBERS.cos
    errors = [
        abs(
            stage_values(p.rows, p.scales, v)[-1]
            - cosine(NUMBERS.pi / 2 * NUMBERS.sqrt((1 + v) / 2))
        )
        for v in map(NUMBERS.mpf, np.linspace(-1, 1, 801))
    ]
    assert max(errors) <= p.error <= 1.2 * max(errors)


@pytest.mark.parametrize(
    ("tol", "connections"), [(1e-3, 70), (1e-6, 195), (1e-9, 365), (1e-12, 545)]
)
def test_it_stays_small(tol, connections):
    assert build("chebyshev", "layered", tol).connections <= connections


def test_reported_parameters_are_those_built():
    network = build("chebyshev", "layered", 1e-12)
    parameters = network.meta["parameters"]
    assert parameters["squarings"] == len(parameters["folds"]) == 4
    assert network.depth == sum(parameters["folds"]) + 11


def test_out_of_reach_is_refused():
    with pytest.raises(RequestError, match="no polynomial"):
        chebyshev.design(1e-30)
