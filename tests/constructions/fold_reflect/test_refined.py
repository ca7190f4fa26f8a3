"""Polished leaves: frozen networks of cosine and sine against exact ones, on a dense grid."""

import json
from functools import cache, partial

import numpy as np
import pytest
from mpmath import MPContext

from sinrelu import program
from sinrelu.circuit import Circuit, relu
from sinrelu.constructions.fold_reflect import layered, skip
from sinrelu.constructions.fold_reflect.polish import worth
from sinrelu.constructions.fold_reflect.quadratics import Leaf
from sinrelu.constructions.fold_reflect.refined import circle, drawn, polished_leaf
from sinrelu.constructions.fold_reflect.square import Sawtooth
from sinrelu.constructions.fold_reflect.stages import Stages
from sinrelu.errors import GraphError

ROUNDING = 2e-16
PLANS = {
    "one knot, h = π/4": skip.Plan(1, Leaf(Sawtooth(0, 0, 2))),
    "one knot, h = π/64": skip.Plan(5, Leaf(Sawtooth(0, 0, 2))),
    "ternary, h = π/8": skip.Plan(2, Leaf(Sawtooth(1, 1, 2))),
    "three quadratics, h = π/32": skip.Plan(4, Leaf(Sawtooth(1, 0, 3), 3)),
    "clipped, h = π/16": skip.Plan(3, Leaf(Sawtooth(0, 1, 3, halved=True, clipped=True), 4)),
    "six quadratics, h = π/8": skip.Plan(2, Leaf(Sawtooth(1, 1, 3), 6)),
    "layered, h = π/8": layered.Plan(3, Stages(1, (2, 2)), 3),
}
plans = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
few_plans = pytest.mark.parametrize(
    "plan", [PLANS["ternary, h = π/8"], PLANS["layered, h = π/8"]], ids=["skip", "layered"]
)


def writing(plan):
    """Return how the leaf is written by its formulas, how often π is halved, and what it reads."""
    if isinstance(plan, skip.Plan):
        return lambda signals, h: plan.leaf.point(signals[0], h), plan.folds + 1, ()
    signals = [layered.SIGNALS[value[0]] for _, value in layered.supplied(plan)]
    return partial(layered.leaf, plan), plan.folds, signals


@cache
def start(plan):
    return drawn(*writing(plan))


@cache
def polished(plan):
    _, halvings, signals = writing(plan)
    return polished_leaf(start(plan), halvings, len(signals))


def frozen(plan, write):
    """Return the networks of the cosine and of the sine that ``write`` writes."""
    _, halvings, signals = writing(plan)
    z = Circuit().input
    h = z.circuit.numbers.pi / 2**halvings
    point = write([relu(signal(z, h)) for signal in signals] or [z], h)
    return [z.circuit.freeze(form) for form in point]


def by_formulas(plan):
    return frozen(plan, writing(plan)[0])


def by_rows(plan, leaf):
    return frozen(plan, lambda signals, _: leaf.point(signals))


def worst(plan, networks, points=30001):
    h = np.pi / 2 ** writing(plan)[1]
    m = np.linspace(-h, h, points)
    cosine, sine = (program(network)(m + h) for network in networks)
    return np.hypot(cosine - np.cos(m), sine - np.sin(m)).max()


@plans
def test_a_polished_leaf_keeps_its_bound_and_attains_it(plan):
    leaf = polished(plan)
    error = worst(plan, by_rows(plan, leaf))
    assert 0.97 * leaf.error <= error <= leaf.error + ROUNDING


@plans
def test_polishing_gains_on_the_formulas_and_on_their_bound(plan):
    error = polished(plan).error
    assert error < float(plan.error_bound(MPContext()))
    assert error < worst(plan, by_formulas(plan))


@plans
def test_polishing_costs_no_connections(plan):
    before, after = by_formulas(plan), by_rows(plan, polished(plan))
    assert [n.connections for n in after] == [n.connections for n in before]
    sources = [[[row.sources for row in n.rows] for n in networks] for networks in (before, after)]
    assert sources[0] == sources[1]


@plans
def test_rows_are_worth_what_the_networks_are(plan):
    z = np.linspace(0, 2 * np.pi / 2 ** writing(plan)[1], 101)
    leaf = polished(plan)
    for rows, networks in (
        (start(plan), by_formulas(plan)),
        (leaf.rows, by_rows(plan, leaf)),
    ):
        cosine, sine = rows.values(z)[rows.units + 1 :]
        assert cosine + 1 == pytest.approx(program(networks[0])(z), abs=1e-15)
        assert sine == pytest.approx(program(networks[1])(z), abs=1e-15)


@plans
def test_supplied_units_are_left_as_they_are(plan):
    supplied = polished(plan).supplied
    assert supplied == len(writing(plan)[2])
    assert polished(plan).rows.rows[:supplied] == start(plan).rows[:supplied]


@plans
def test_stored_numbers_give_the_same_leaf(plan):
    leaf = polished(plan)
    numbers = json.loads(json.dumps(leaf.rows.numbers().tolist()))
    assert polished_leaf(start(plan), leaf.halvings, leaf.supplied, numbers) == leaf


@plans
def test_a_number_damaged_by_what_it_is_worth_is_noticed(plan):
    leaf = polished(plan)
    curve, ends = circle(leaf.halvings)
    change = worth(leaf.rows, curve, *ends, leaf.supplied)
    places = np.flatnonzero((change > 0) & (change < leaf.rows.scale(*ends, leaf.supplied)))
    assert len(places) > 5

    def damaged(place, sign):
        numbers = leaf.rows.numbers()
        numbers[place] += sign * change[place]
        return polished_leaf(start(plan), leaf.halvings, leaf.supplied, numbers.tolist())

    for place in places[::3]:
        found = max((damaged(place, sign) for sign in (1, -1)), key=lambda other: other.error)
        assert found.error > 1.05 * leaf.error
    assert worst(plan, by_rows(plan, found), 3001) > 1.05 * leaf.error


@few_plans
def test_errors_at_kinks_change_as_their_gradients_say(plan):
    leaf = polished(plan)
    rows, numbers, (curve, ends) = leaf.rows, leaf.rows.numbers(), circle(leaf.halvings)
    found = rows.maxima(curve, *ends)
    kinks = np.flatnonzero(np.isin(found.x, rows.pieces(*ends).nodes))
    assert len(kinks) > 5
    changes = worth(rows, curve, *ends, leaf.supplied) / 10_000
    for place in np.flatnonzero(changes):
        change = changes[place] * (np.arange(len(numbers)) == place)
        up, down = (rows.with_numbers(numbers + s * change).maxima(curve, *ends) for s in (1, -1))
        after, before = (
            m.size[abs(m.x[:, None] - found.x[kinks]).argmin(axis=0)] for m in (up, down)
        )
        forecast, largest = found.gradient[kinks] @ change, abs(found.gradient @ change).max()
        smooth = abs(after + before - 2 * found.size[kinks]) < 1e-2 * largest
        assert smooth.mean() > 0.8
        assert ((after - before) / 2)[smooth] == pytest.approx(forecast[smooth], abs=1e-2 * largest)


def test_numbers_of_another_graph_are_refused():
    with pytest.raises(GraphError, match="3 numbers, not"):
        polished_leaf(start(PLANS["one knot, h = π/4"]), 2, numbers=[1.0, 2.0, 3.0])


@few_plans
def test_a_refined_plan_costs_the_same_and_keeps_its_bound(plan):
    refined = plan.refined()
    bound = float(refined.error_bound(MPContext()))
    assert bound == refined.polished.error < float(plan.error_bound(MPContext()))
    output = refined.circuit(bound)
    network = output.circuit.freeze(output)
    assert network.connections == refined.connections == plan.connections
    x = np.linspace(-np.pi, np.pi, 100001)
    error = abs(program(network)(x) - np.sin(x)).max()
    assert 0.5 * bound < error <= bound + 1e-15
