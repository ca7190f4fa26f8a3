"""scripts/refine_cells: gradients, linear programs and what refinement gains, on tiny cells."""

import json
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from study import load_script

from sinrelu.constructions.fold_reflect import layered, skip
from sinrelu.constructions.fold_reflect.quadratics import LastCell
from sinrelu.constructions.fold_reflect.square import LayeredSawtooth, Sawtooth

script = load_script("refine_cells")

SKIP_PLAN = skip.Plan(2, LastCell(Sawtooth(0, 1, 2)))
LAYERED_PLAN = layered.Plan(3, LayeredSawtooth(0, (2, 2)))
PLANS = {"skip": (SKIP_PLAN, 0), "layered": (LAYERED_PLAN, len(layered.cell_inputs(LAYERED_PLAN)))}
both_wirings = pytest.mark.parametrize(("plan", "fixed"), PLANS.values(), ids=PLANS.keys())
dyadics = st.integers(-16, 16).map(lambda k: k / 8)
radii = st.sampled_from([2.0**-10, 0.125, 0.5, 1.0, 4.0])


def start(plan):
    return {skip.Plan: skip, layered.Plan: layered}[type(plan)].drawn_cell(plan)


def moved(rows, place, change):
    numbers = list(rows.numbers())
    numbers[place] += change
    return rows.with_numbers(numbers)


@both_wirings
def test_gradients_are_central_differences_away_from_kinks(plan, fixed):
    rows, step = start(plan), 2.0**-22
    nodes = rows.nodes()
    z = (nodes[1:] + nodes[:-1]) / 2
    weights = np.array([[0.6], [0.8]]) * np.ones(len(z))
    found = script.gradients(rows, rows.values(z), script.activity(rows, nodes), weights)
    for place, slope in enumerate(found.T):
        up, down = (moved(rows, place, sign * step).values(z) for sign in (1, -1))
        smooth = ((up > 0) == (down > 0))[1:-2].all(axis=0)
        assert smooth.any()
        quotient = ((up - down)[-2:] * weights).sum(axis=0) / (2 * step)
        assert quotient[smooth] == pytest.approx(slope[smooth], rel=1e-6, abs=1e-6)


@both_wirings
def test_maxima_are_the_largest_errors_and_change_as_their_gradients_say(plan, fixed):
    rows = script.refined(start(plan), fixed)
    nodes, found = rows.nodes(), script.maxima(rows)
    z = np.unique(nodes[:-1] + np.linspace(0, 1, 301)[:, None] * np.diff(nodes))
    assert found.size.max() == pytest.approx(np.hypot(*script.errors(rows, z)).max(), rel=1e-4)
    kinks = np.isin(found.z, nodes)
    assert kinks.sum() > 2
    changes = script.worth(found, script.scale(rows, fixed)) / 100_000
    for place in np.flatnonzero(changes):
        forecast = found.gradient[:, place] * changes[place]
        up, down = (script.maxima(moved(rows, place, s * changes[place])) for s in (1, -1))
        after, before = (m.size[abs(m.z[:, None] - found.z).argmin(axis=0)] for m in (up, down))
        tolerance = 1e-2 * abs(forecast).max()
        smooth = kinks & (abs(after + before - 2 * found.size) < tolerance)
        assert smooth.sum() > 0.6 * kinks.sum()
        assert (after - before)[smooth] / 2 == pytest.approx(forecast[smooth], abs=tolerance)


@both_wirings
def test_a_round_lowers_the_largest_error_and_many_come_near_the_prediction(plan, fixed):
    rows = start(plan)
    once, often = script.refined(rows, fixed, rounds=1), script.refined(rows, fixed)
    assert often.bound() < once.bound() < rows.bound()
    assert 0.9 * script.predicted_error(plan) < often.bound() < 1.2 * script.predicted_error(plan)
    for better in (once, often):
        assert better.rows[:fixed] == rows.rows[:fixed]
        for old, new in zip(rows.rows[:-2], better.rows[:-2], strict=True):
            assert (old.sources, old.weights[:1]) == (new.sources, new.weights[:1])
    assert script.refined(rows, fixed, rounds=2) == script.refined(rows, fixed, rounds=2)


def test_a_better_cell_is_stored_with_its_bound(tmp_path, monkeypatch):
    file = tmp_path / "refined.json"
    file.write_text('{"layered": {}, "skip": {"10 2": {"error": 1.0, "numbers": []}}}')
    monkeypatch.setattr(script, "STORE", file)
    rows, error = script.improved(SKIP_PLAN, 1.0, restarts=0, seed=1)
    script.keep("skip", SKIP_PLAN, rows, error)
    cells = json.loads(file.read_text())["skip"]
    assert list(cells) == ["2 2 0 1 2 0 0", "10 2"]
    assert tuple(cells["2 2 0 1 2 0 0"]["numbers"]) == rows.numbers()
    assert rows.bound() < error == cells["2 2 0 1 2 0 0"]["error"] < rows.bound() * (1 + 1e-8)


def largest(problem, step):
    values, slope, _ = problem
    return float((values + slope @ step).max())


@st.composite
def lines(draw):
    count = draw(st.integers(1, 7))
    values, slope = (draw(st.lists(dyadics, min_size=count, max_size=count)) for _ in range(2))
    assume(any(slope))
    return np.array(values), np.array(slope)[:, None], draw(radii)


@settings(max_examples=60, deadline=None)
@given(problem=lines())
def test_one_variable_agrees_with_all_breakpoints(problem):
    values, slope, radius = problem
    exact = [(Fraction(v), Fraction(g)) for v, [g] in zip(values, slope, strict=True)]
    crossings = [(v - w) / (h - g) for (v, g), (w, h) in combinations(exact, 2) if g != h]
    places = [-Fraction(radius), Fraction(radius), *(x for x in crossings if abs(x) <= radius)]
    least = min(max(v + g * x for v, g in exact) for x in places)
    step = script.least_maximum(*problem)
    assert abs(step).max() <= radius * (1 + 1e-9)
    assert largest(problem, step) == pytest.approx(float(least), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 8), loose=st.integers(0, 40))
def test_a_planted_optimum_is_found_in_many_variables(seed, size, loose):
    """Multipliers make the first gradients cancel at the best place."""
    rng = np.random.default_rng(seed)
    best, level = rng.uniform(-0.5, 0.5, size), rng.uniform(-1, 1)
    slope = rng.uniform(-1, 1, (size + 1 + loose, size))
    multipliers = rng.uniform(0.5, 1.5, size)
    slope[size] = -multipliers @ slope[:size] / multipliers.sum()
    gap = np.append(np.zeros(size + 1), rng.uniform(0, 1, loose))
    problem = level - gap - slope @ best, slope, 0.5
    assert largest(problem, script.least_maximum(*problem)) == pytest.approx(level, abs=1e-6)


def test_nothing_to_vary_is_no_step():
    assert script.least_maximum(np.array([1.0, 0.5]), np.zeros((2, 0)), 0.1).shape == (0,)
