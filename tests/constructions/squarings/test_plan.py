"""The error budget: enough folds, and about the fewest."""

from itertools import product

import mpmath
import pytest

from sinrelu.constructions.squarings.plan import Plan
from sinrelu.constructions.squarings.polynomial import Ladder

NUMBERS = mpmath.MPContext()
LADDERS = [
    Ladder(((0.5, -0.4),), (0.1,)),
    Ladder(((-1.0, -22.0), (0.44, -0.5, 1e-3)), (1.0, 5e-5)),
]


def start(ladder):
    costs = tuple(range(7, 8 + ladder.squarings))
    return Plan(ladder.profile(NUMBERS), 1e-7, costs, (0,) * len(costs))


@pytest.mark.parametrize("ladder", LADDERS)
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
def test_no_other_plan_nearby_is_cheaper(ladder, tol):
    plan = start(ladder).enough(tol)
    assert plan.error_bound <= tol
    for changes in product(range(-3, 4), repeat=len(plan.folds)):
        other = plan.changed(dict(enumerate(changes)))
        assert other.cost >= plan.cost - 1 or other.error_bound > tol


@pytest.mark.parametrize("ladder", LADDERS)
def test_each_fold_is_needed(ladder):
    plan = start(ladder).enough(1e-5)
    assert all(fewer.error_bound > 1e-5 for fewer in plan.with_one_less())


def test_bound_is_the_sum_of_its_parts():
    plan = start(LADDERS[1]).enough(1e-5)
    assert plan.error_bound == pytest.approx(1e-7 + sum(plan.errors))
    assert len(plan.errors) == len(plan.folds) == 3
