"""The search for plans: counts, bounds, and what is best against all there is."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.circuit import Circuit
from sinrelu.constructions.fold_reflect import layered, skip
from sinrelu.constructions.fold_reflect.interpolation import (
    MOST_KNOTS,
    chord_gap,
    knots_for,
    least_error,
)
from sinrelu.constructions.fold_reflect.interpolation import Plan as Interpolation
from sinrelu.constructions.fold_reflect.quadratics import BEND_CONNECTIONS, LastCell
from sinrelu.constructions.fold_reflect.range_reduction import RangeReduction
from sinrelu.constructions.fold_reflect.search import Search, first
from sinrelu.constructions.fold_reflect.skip import finest, unfolding
from sinrelu.constructions.fold_reflect.square import LayeredSawtooth, cheapest_sawtooths
from sinrelu.evaluate import program

WHOLE = RangeReduction()
SEARCHES = {wiring: Search(WHOLE, wiring) for wiring in ("skip", "layered")}
TOLS = (0.3, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14)
RECORD = {
    "skip": {1e-2: 16, 1e-3: 30, 1e-6: 63, 1e-9: 100, 1e-12: 136},
    "layered": {1e-2: 22, 1e-3: 36, 1e-4: 76, 1e-6: 127, 1e-9: 209, 1e-12: 295},
}
wirings = pytest.mark.parametrize("wiring", SEARCHES)


def network(plan, tol=1e-12):
    x = Circuit().input
    margin = math.ceil(math.log2(10 * tol))
    return x.circuit.freeze(plan.output(x, WHOLE, margin))


@given(st.integers(1, 60), st.integers(-5, 70), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_first_is_the_first(least, guess, most):
    asked = []

    def holds(n):
        asked.append(n)
        assert 1 <= n <= most
        return n >= least

    assert first(holds, guess, most) == min(least, most + 1)
    assert len(asked) == len(set(asked))


@wirings
@pytest.mark.parametrize("tol", TOLS)
def test_a_plan_costs_what_it_says_and_keeps_its_bound(wiring, tol):
    plan = SEARCHES[wiring].smallest(tol).plan
    built = network(plan, tol)
    assert plan.wiring == wiring
    assert built.connections == plan.connections(WHOLE)
    assert (built.skip_connections == 0) == (wiring == "layered")
    special = np.pi * np.arange(-16, 17) / 16
    near = special[:, None] + np.outer(np.sign(special), np.geomspace(1e-15, 1e-2, 60)) * -1
    drawn = np.random.default_rng(2018).uniform(-np.pi, np.pi, 60_000)
    points = np.concatenate([drawn, near.ravel(), special])
    error = abs(program(built)(points) - np.sin(points)).max()
    assert 0.25 * plan.error_bound <= error <= plan.error_bound + 2e-15


@pytest.mark.parametrize(
    ("wiring", "tol", "connections"),
    [(wiring, *entry) for wiring, counts in RECORD.items() for entry in counts.items()],
)
def test_the_record_is_kept(wiring, tol, connections):
    assert SEARCHES[wiring].smallest(tol - 1e-15).plan.connections(WHOLE) == connections


@wirings
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-7, 1e-12])
def test_the_smallest_is_the_first_whose_sharpest_keeps_the_tolerance(wiring, tol):
    search = SEARCHES[wiring]
    plan = search.smallest(tol).plan
    connections = plan.connections(WHOLE)
    assert search.sharpest(connections).plan == plan
    assert plan.error_bound <= tol < search.sharpest(connections - 1).plan.error_bound


def every_skip_plan(connections):
    left = connections - WHOLE.connections()
    for quadratics, folds in product(BEND_CONNECTIONS, range(1, left // 9 + 1)):
        sawtooth = finest(left - unfolding(folds) - BEND_CONNECTIONS[quadratics], quadratics)
        if sawtooth is not None:
            yield skip.Plan(folds, LastCell(sawtooth, quadratics))


@pytest.mark.parametrize("connections", [*range(24, 160, 9), 333, 700])
def test_no_plan_with_skip_wiring_is_sharper(connections):
    """Only numbers of gates near the best are looked at; all of them give nothing better."""
    found = Search(WHOLE, "skip", float64=False).sharpest(connections).plan
    assert found.error_bound == min(plan.error_bound for plan in every_skip_plan(connections))


@pytest.mark.parametrize("connections", range(24, 400, 17))
def test_no_layered_plan_is_sharper(connections):
    found = Search(WHOLE, "layered", float64=False).sharpest(connections)
    within = [p for p in layered.all_plans() if p.connections(WHOLE) <= connections]
    errors = [plan.error_bound for plan in within]
    assert (found.plan.error_bound if found else None) == min(errors, default=None)


@wirings
def test_more_connections_are_sharper(wiring):
    found = [SEARCHES[wiring].sharpest(n).plan.error_bound for n in range(20, 160, 7)]
    assert all(more <= less for less, more in pairwise(found))


@wirings
def test_too_few_connections(wiring):
    search = SEARCHES[wiring]
    least = {"skip": 12, "layered": 18}[wiring]
    assert search.least_connections == least
    assert search.sharpest(least - 1) is None
    assert search.sharpest(least).plan == Interpolation(1, wiring)


def test_there_is_an_end_to_layered_plans():
    assert SEARCHES["layered"].smallest(1e-30) is None


@pytest.mark.parametrize("quadratics", BEND_CONNECTIONS)
def test_finest_sawtooth_spends_no_more_than_it_may(quadratics):
    for budget in range(60):
        sawtooth = finest(budget, quadratics)
        assert sawtooth is None or sawtooth.connections <= budget
    assert finest(60, quadratics).pieces > 9 * finest(48, quadratics).pieces * 0.99


@pytest.mark.parametrize(("tol", "knots"), [(0.03, 2), (0.01, 3), (1e-3, 10)])
def test_coarse_tolerances_interpolate(tol, knots):
    for wiring, search in SEARCHES.items():
        assert search.smallest(tol).plan == Interpolation(knots, wiring)
    assert isinstance(SEARCHES["skip"].smallest(1e-4).plan, skip.Plan)


def test_interpolation_and_refined_cells_are_for_float64_weights_alone():
    plan = Search(WHOLE, "skip", float64=False).smallest(1e-3).plan
    assert isinstance(plan, skip.Plan)
    for wiring, search in SEARCHES.items():
        assert search.smallest(1e-12).plan.refined
        assert not Search(WHOLE, wiring, float64=False).smallest(1e-12).plan.refined


@pytest.mark.parametrize("layers", [1, 3, 5])
def test_cheapest_sawtooths_are_cheapest(layers):
    kept = cheapest_sawtooths(layers)
    assert all(sawtooth.layers == layers for sawtooth in kept)
    for worse, better in pairwise(kept):
        assert worse.connections() < better.connections()
        assert worse.pieces < better.pieces


def test_sawtooth_of_the_record():
    sawtooth = LayeredSawtooth(1, (2, 2, 3, 3))
    assert (sawtooth.connections(), sawtooth.pieces, sawtooth.layers) == (43, 106.5, 5)


@pytest.mark.parametrize("error", [0.1, 1e-2, 1e-3, 2e-4])
def test_interpolation_errs_alike_on_every_piece(error):
    knots = knots_for(error)
    assert 1 - math.cos(knots[0]) == pytest.approx(2 * error)
    gaps = [chord_gap(a, b) for a, b in pairwise(knots)]
    assert gaps == pytest.approx([2 * error] * len(gaps))
    assert chord_gap(knots[-1], math.pi / 2) <= 2 * error
    assert least_error(len(knots)) <= error
    assert knots_for(least_error(MOST_KNOTS) * 0.99) is None
