"""The layered wiring of fold-reflect: counts, errors, and the supply of fold signals."""

import math

import numpy as np
import pytest

from sinrelu.constructions import build
from sinrelu.constructions.fold_reflect_layered import best_plan, circuit
from sinrelu.evaluate import program

TOLS = [1e-2, 1e-3, 3e-5, 1e-6, 1e-8, 1e-9, 1e-10, 1e-12, 1e-13]


@pytest.mark.parametrize("tol", TOLS)
def test_a_plan_costs_what_it_says_and_is_layered(tol):
    plan = best_plan(tol)
    output = circuit(plan, tol)
    network = output.circuit.freeze(output)
    assert network.connections == plan.connections
    assert network.skip_connections == 0
    assert network.depth == plan.leaf_layer + plan.folds


@pytest.mark.parametrize("tol", TOLS)
def test_error_is_below_the_bound_and_near_it(tol):
    network = build(tol=tol)
    x = np.random.default_rng(7).uniform(-math.pi, math.pi, 100_000)
    error = np.abs(program(network)(x) - np.sin(x)).max()
    bound = network.meta["error_bound"]
    assert bound <= tol
    assert bound / 4 <= error <= bound + 4e-15
