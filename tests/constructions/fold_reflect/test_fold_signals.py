"""The schedules of fold signals: their identities in exact arithmetic, and those stored."""

import json
from fractions import Fraction
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.constructions.fold_reflect.fold_signals import (
    Schedule,
    gating_signals,
    needs,
    paired,
    scale_of,
    schedule,
    sources,
    stretched,
)
from sinrelu.errors import GraphError

FOLDS = 6
STORED = json.loads(
    resources.files("sinrelu.constructions.fold_reflect")
    .joinpath("fold_signals.json")
    .read_text("utf-8")
)
stored = pytest.mark.parametrize("key", sorted(STORED))
starts = st.fractions(0, 1, max_denominator=3 * 2**9)  # z_0 = fraction · π


def pivot(k):
    return Fraction(1, 2 ** (k + 1))


def true_values(start):
    """Every value for a z_0, in units of π, from the definitions in the module's docstring."""
    z = [start]
    for k in range(FOLDS):
        z.append(min(z[-1], 2 * pivot(k) - z[-1]))
    values = {}
    for k in range(FOLDS):
        values |= {
            f"z{k}": z[k],
            f"r{k}": max(z[k] - pivot(k), 0),
            f"l{k}": max(pivot(k) - z[k], 0),
        }
    for k in range(1, FOLDS):
        values[f"a{k}"] = max(pivot(k) - z[k - 1], 0)
        values[f"b{k}"] = max(z[k - 1] - 3 * pivot(k), 0)
        values[f"p{k}"] = max(z[k - 1] - pivot(k), 0)
    return values


def read(way, values, k):
    return way.constant * pivot(k) + sum(c * values[name] for name, c in way.terms.items())


@given(starts)
@settings(max_examples=60, deadline=None)
def test_every_way_to_read_a_value_gives_it(start):
    values = true_values(start)
    for value, expected in values.items():
        for way in sources(value):
            if way.terms.keys() <= values.keys():
                assert max(read(way, values, scale_of(value)), 0) == expected, (value, way)


@given(starts, st.integers(0, FOLDS - 2))
@settings(max_examples=200, deadline=None)
def test_a_gating_signal_is_zero_on_the_live_side_and_large_on_the_other(start, k):
    values = true_values(start)
    past = values[f"z{k}"] - pivot(k)
    for gating in gating_signals(k):
        distance = past if gating.right else -past
        if gating.signal.terms.keys() <= values.keys():
            signal = read(gating.signal, values, k)
            assert signal == 0 if distance <= 0 else signal >= distance


@stored
def test_a_stored_schedule_can_be_wired_and_beats_the_plain_one(key):
    folds, cell = map(int, key.split())
    found = schedule(folds, cell)
    assert found.layers == tuple(frozenset(layer.split()) for layer in STORED[key])
    assert found.layers[0] <= {"z0", "r0"}, "no more is made of x"
    assert len(found.layers) == cell + folds - 2
    assert found.connections < paired(folds, cell).connections


@stored
def test_nothing_in_a_stored_schedule_is_idle(key):
    """Without any one of its values it costs more, or cannot be wired."""
    folds, cell = map(int, key.split())
    found = schedule(folds, cell)
    for index, values in enumerate(found.layers):
        for value in values:
            layers = list(found.layers)
            layers[index] = values - {value}
            try:
                assert Schedule(folds, cell, tuple(layers)).connections > found.connections
            except GraphError:
                continue


@pytest.mark.parametrize("layer", [1, 5, 12])
def test_a_schedule_that_lacks_a_value_is_refused(layer):
    good = paired(7, 11)
    broken = (*good.layers[:layer], frozenset(), *good.layers[layer + 1 :])
    with pytest.raises(GraphError, match="schedule"):
        assert Schedule(7, 11, broken).connections


@pytest.mark.parametrize(("folds", "cell"), [(2, 4), (3, 5), (7, 11), (16, 26)])
def test_the_plain_schedule_meets_every_need(folds, cell):
    plain = paired(folds, cell)
    assert plain.connections > 0
    for need in needs(folds, cell):
        assert any(choice <= plain.layers[need.layer - 1] for choice in need.choices)


@stored
def test_a_stretched_schedule_costs_what_waits_one_layer_longer(key):
    folds, cell = map(int, key.split())
    shorter = schedule(folds, cell)
    longer = stretched(shorter)
    narrowest = min(len(layer) for layer in shorter.layers[folds - 1 : cell - 2])
    assert longer.connections == shorter.connections + narrowest
    assert len(longer.layers) == len(shorter.layers) + 1
    assert schedule(folds, cell + 1).connections <= longer.connections
