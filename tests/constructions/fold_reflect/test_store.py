"""Stored leaves: each fits its plan, keeps what it promises, and saves a connection."""

import json
from importlib import resources

import pytest
from mpmath import fp

from sinrelu.constructions.base import closer, is_stored, near_misses, sharper
from sinrelu.constructions.fold_reflect import layered as fold_reflect_layered
from sinrelu.constructions.fold_reflect import skip as fold_reflect
from sinrelu.constructions.fold_reflect import store
from sinrelu.constructions.fold_reflect.quadratics import Leaf
from sinrelu.constructions.fold_reflect.range_reduction import Reduction
from sinrelu.constructions.fold_reflect.refined import drawn, polished_leaf
from sinrelu.constructions.fold_reflect.skip import best_plan
from sinrelu.constructions.fold_reflect.square import Sawtooth
from sinrelu.constructions.fold_reflect.stages import Stages
from sinrelu.errors import GraphError

FILE = resources.files("sinrelu.constructions.fold_reflect").joinpath("refined.json")
STORED = {
    wiring: [tuple(map(int, key.split())) for key in leaves]
    for wiring, leaves in json.loads(FILE.read_text("utf-8")).items()
}
DECADES = [10.0**-digits for digits in range(4, 14)]


def skip_plan(key):
    folds, quadratics, ternaries, binaries, last, halved, clipped = key
    sawtooth = Sawtooth(ternaries, binaries, last, bool(halved), bool(clipped))
    return fold_reflect.Plan(folds, Leaf(sawtooth, quadratics))


def layered_plan(key):
    folds, quadratics, ternaries, *radices = key
    return fold_reflect_layered.Plan(folds, Stages(ternaries, tuple(radices)), quadratics)


@pytest.mark.parametrize("key", STORED["skip"])
def test_a_stored_leaf_is_better_than_the_formulas(key):
    plan = skip_plan(key)
    assert plan.key == key
    assert plan.refined().error_bound(fp) < 0.98 * float(plan.error_bound(fp))


@pytest.mark.parametrize("key", STORED["layered"])
def test_a_stored_layered_leaf_is_better_than_the_formulas(key):
    plan = layered_plan(key)
    assert plan.key == key
    assert plan.refined().error_bound(fp) < 0.98 * float(plan.error_bound(fp))


def test_a_stored_leaf_saves_connections():
    saved = [
        best_plan(tol, narrow=False).plan.connections - best_plan(tol).plan.connections
        for tol in DECADES
    ]
    assert min(saved) >= 0
    assert sum(saved) >= 5


def test_numbers_of_another_graph_are_refused():
    key = STORED["skip"][0]
    numbers = store.stored("skip", key)
    leaf = Leaf(Sawtooth(0, 0, 2))
    start = drawn(lambda signals, h: leaf.point(signals[0], h), 3)
    with pytest.raises(GraphError, match="a stored leaf has"):
        polished_leaf(start, 3, numbers=numbers)


def test_numbers_of_another_leaf_have_a_large_bound():
    """What is stored is checked when it is used: damaged, it is not taken for any tolerance."""
    plan = skip_plan(STORED["skip"][-1])
    right = plan.refined().polished
    numbers = right.rows.numbers().tolist()
    numbers[-1] += 1e-3
    start = right.rows
    wrong = polished_leaf(start, right.halvings, numbers=numbers)
    assert wrong.error > 9e-4 > right.error


def test_what_is_not_stored_is_none():
    assert store.stored("skip", (99,)) is None
    assert store.stored("dense", (1,)) is None


def test_near_misses_are_cheaper_and_hopeful():
    search = best_plan(1e-6, narrow=False)
    plans = fold_reflect.plans_within(search.plan.connections - 1, Reduction())
    for plan in near_misses(search, plans, 1e-6):
        assert plan.connections < search.plan.connections
        assert plan.hope <= 1e-6 < plan.error_bound(fp)


def test_remarks_tell_of_every_polishing():
    said = []
    search = best_plan(1.1e-7, narrow=False)
    plans = list(fold_reflect.plans_within(search.plan.connections - 1, Reduction()))
    found = closer(search, plans, 1.1e-7, said.append)
    assert found.polished == len(said) + sum(map(is_stored, plans)) > 0
    assert "polished" in found.description


def test_without_near_misses_nothing_is_polished():
    search = best_plan(1e-6, narrow=False)
    assert closer(search, [], 1e-6) == search
    assert sharper(search, []) == search
