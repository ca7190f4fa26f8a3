"""The layered design of fold-reflect: counts, bounds, wiring."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from graphs import with_number

from sinrelu.constructions import build
from sinrelu.constructions.fold_reflect import interpolation as fold_interpolate
from sinrelu.constructions.fold_reflect.interpolation import chord_gap, knots_for, least_error
from sinrelu.constructions.fold_reflect.range_reduction import Reduction
from sinrelu.constructions.fold_reflect.search import best_plan, sharpest_plan
from sinrelu.constructions.fold_reflect.stages import Stages, cheapest_stages
from sinrelu.errors import RequestError
from sinrelu.evaluate import exact_error, program

TOLS = [1e-2, 3e-4, 1e-6, 1e-8, 1e-9, 1e-10, 1e-12, 1e-14]


@cache
def built(tol):
    return build(tol=tol)


MOST_CONNECTIONS = {1e-2: 22, 1e-3: 36, 1e-4: 76, 1e-6: 127, 1e-9: 209, 1e-12: 295}


@pytest.mark.parametrize("tol", TOLS)
def test_a_plan_costs_what_it_says_and_is_layered(tol):
    plan = best_plan(tol).plan
    output = plan.circuit(tol)
    network = output.circuit.freeze(output)
    assert network.connections == plan.connections
    assert network.skip_connections == 0


@pytest.mark.parametrize("tol", [0.5, *TOLS])
def test_the_error_is_below_the_bound_and_near_it(tol):
    network = built(tol)
    x = np.random.default_rng(7).uniform(-math.pi, math.pi, 100_000)
    error = np.abs(program(network)(x) - np.sin(x)).max()
    bound = network.meta["error_bound"]
    assert network.skip_connections == 0
    assert bound <= tol
    assert bound / 4 <= error <= bound + 2e-15


@pytest.mark.parametrize("tol", [1e-6, 1e-12])
def test_the_bound_holds_for_the_exact_function(tol):
    network = built(tol)
    points = np.random.default_rng(11).uniform(-math.pi, math.pi, 300).tolist()
    worst = max(abs(error) for _, error in exact_error(network, points))
    assert worst <= network.meta["error_bound"] + 1e-15


@pytest.mark.parametrize(("tol", "most"), MOST_CONNECTIONS.items())
def test_the_record_is_kept(tol, most):
    assert built(tol).connections <= most


def test_one_moved_knot_breaks_the_network():
    """The bound test sees a defect: with the first knot moved by 1e-9 the error is far above it."""
    broken = with_number(built(1e-12), 0, -1, lambda bias: bias + 1e-9)
    x = np.random.default_rng(7).uniform(-math.pi, math.pi, 20_000)
    assert np.abs(program(broken)(x) - np.sin(x)).max() > 1e-11


@pytest.mark.parametrize("layers", [1, 3, 5])
def test_cheapest_stages_are_cheapest(layers):
    kept = cheapest_stages(layers)
    assert all(stage.layers == layers for stage in kept)
    for worse, better in pairwise(kept):
        assert worse.connections < better.connections
        assert worse.pieces < better.pieces


def test_stages_of_the_record():
    stages = Stages(1, (2, 2, 3, 3))
    assert (stages.connections, stages.pieces, stages.layers) == (43, 106.5, 5)


@pytest.mark.parametrize("error", [0.1, 1e-2, 1e-3, 2e-4])
def test_interpolation_errs_alike_on_every_piece(error):
    knots = knots_for(error)
    assert 1 - math.cos(knots[0]) == pytest.approx(2 * error)
    gaps = [chord_gap(a, b) for a, b in pairwise(knots)]
    assert gaps == pytest.approx([2 * error] * len(gaps))
    assert chord_gap(knots[-1], math.pi / 2) <= 2 * error
    assert least_error(len(knots)) <= error


def test_too_many_knots_are_no_plan():
    assert fold_interpolate.best_plan(1e-7, Reduction()) is None
    assert fold_interpolate.sharpest_plan(17, Reduction()) is None


def test_search_by_budget_agrees_with_search_by_tolerance():
    for tol in (1e-2, 1e-6):
        search = best_plan(tol)
        connections = search.plan.connections
        assert sharpest_plan(connections).error_bound <= tol
        assert sharpest_plan(connections - 1).error_bound > tol
        assert search.candidates > 1000


def test_more_connections_are_sharper():
    bounds = [sharpest_plan(n, narrow=False).error_bound for n in range(20, 400, 19)]
    assert all(more <= less for less, more in pairwise(bounds))


def test_what_cannot_be_had_is_refused():
    with pytest.raises(RequestError, match="max-connections: 17 are too few"):
        sharpest_plan(17)
    with pytest.raises(RequestError, match="no layered plan of fold-reflect reaches 1e-30"):
        best_plan(1e-30)
