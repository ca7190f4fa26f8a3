"""fold-reflect: its counts, its bound, and the search for its plans."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from graphs import with_number
from mpmath import MPContext

from sinrelu import program
from sinrelu.constructions.fold_reflect.quadratics import BEND_CONNECTIONS
from sinrelu.constructions.fold_reflect.skip import Plan, best_plan, design, finest, sharpest_plan
from sinrelu.errors import RequestError

RECORD = {1e-3: 30, 1e-6: 63, 1e-9: 100, 1e-12: 136}
TOLS = (0.3, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13)


@pytest.fixture(scope="module")
def points():
    special = np.pi * np.arange(-16, 17) / 16
    near = special[:, None] + np.outer(np.sign(special), np.geomspace(1e-15, 1e-2, 60)) * -1
    tiny = np.geomspace(1e-300, 1, 300)
    drawn = np.random.default_rng(2018).uniform(-np.pi, np.pi, 100_000)
    return np.concatenate([drawn, near.ravel(), special, tiny, -tiny])


@cache
def designed(tol):
    return design(tol)


@pytest.mark.parametrize("tol", TOLS)
def test_bound_holds_and_is_not_slack(tol, points):
    plan = designed(tol)
    network = plan.output.circuit.freeze(plan.output)
    error = abs(program(network)(points) - np.sin(points)).max()
    assert 0.85 * plan.error_bound - 1e-15 <= error <= plan.error_bound + 2e-15
    assert error <= tol


@pytest.mark.parametrize("tol", TOLS)
def test_plan_counts_its_connections(tol):
    plan = designed(tol)
    assert (
        best_plan(tol - 1e-15).plan.connections
        == plan.output.circuit.freeze(plan.output).connections
    )


@pytest.mark.parametrize(("tol", "connections"), RECORD.items())
def test_record(tol, connections):
    assert best_plan(tol).plan.connections == connections


def test_changed_weights_break_the_bound(points):
    plan = design(1e-6)
    network = plan.output.circuit.freeze(plan.output)
    kept = 0
    edges = [
        (at, index) for at, row in enumerate(network.rows) for index in range(len(row.weights))
    ]
    for at, index in edges:
        broken = with_number(network, at, index, lambda weight: weight * (1 + 1e-3))
        kept += abs(program(broken)(points[::4]) - np.sin(points[::4])).max() <= plan.error_bound
    assert kept <= 15  # what only holds a gate shut need not be exact


def test_search_by_budget_agrees_with_search_by_tolerance():
    numbers = MPContext()
    for tol in (1e-3, 1e-7, 1e-12):
        search = best_plan(tol)
        connections = search.plan.connections
        assert sharpest_plan(connections).error_bound <= tol
        assert sharpest_plan(connections - 1).error_bound > tol
        assert search.plan.error_bound(numbers) == search.error_bound


def test_more_connections_are_sharper():
    bounds = [sharpest_plan(n, narrow=False).error_bound for n in range(20, 160, 7)]
    assert all(more <= less for less, more in pairwise(bounds))


def test_too_few_connections_are_refused():
    with pytest.raises(RequestError, match="max-connections: 11 are too few"):
        sharpest_plan(11)


@pytest.mark.parametrize("quadratics", BEND_CONNECTIONS)
def test_finest_sawtooth_spends_no_more_than_it_may(quadratics):
    for budget in range(60):
        sawtooth = finest(budget, quadratics)
        assert sawtooth is None or sawtooth.connections <= budget
    assert finest(60, quadratics).pieces > 9 * finest(48, quadratics).pieces * 0.99


@pytest.mark.parametrize(("tol", "knots"), [(0.03, 2), (0.01, 3), (1e-3, 10)])
def test_coarse_tolerances_interpolate(tol, knots):
    plan = best_plan(tol).plan
    assert (plan.knots, plan.connections) == (knots, 10 + 2 * knots)
    assert not hasattr(best_plan(1e-4).plan, "knots")


def test_interpolation_is_not_for_wide_weights():
    assert isinstance(best_plan(1e-3, narrow=False).plan, Plan)
    assert isinstance(sharpest_plan(30, narrow=False).plan, Plan)
    assert not isinstance(sharpest_plan(30).plan, Plan)
