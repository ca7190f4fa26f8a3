"""The step of the minimax program, against breakpoints, vertices and planted optima."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sinrelu.constructions.fold_reflect.minimax import GAP, least_maximum

EXACT = 1e-6
dyadics = st.integers(-16, 16).map(lambda k: k / 8)
radii = st.sampled_from([2.0**-10, 0.125, 0.5, 1.0, 4.0])


@st.composite
def problems(draw, variables):
    count = draw(st.integers(1, 7))
    values = draw(st.lists(dyadics, min_size=count, max_size=count))
    row = st.lists(dyadics, min_size=variables, max_size=variables)
    gradients = draw(st.lists(row, min_size=count, max_size=count))
    assume(np.any(gradients, axis=0).all())
    return np.array(values), np.array(gradients), draw(radii)


def largest(problem, step):
    values, gradients, _ = problem
    return float((values + gradients @ step).max())


def by_breakpoints(values, gradients, radius):
    lines = [(Fraction(v), Fraction(g)) for v, [g] in zip(values, gradients, strict=True)]
    ends = [-Fraction(radius), Fraction(radius)]
    crossings = [(v - w) / (h - g) for (v, g), (w, h) in combinations(lines, 2) if g != h]
    places = [*ends, *(x for x in crossings if abs(x) <= radius)]
    return float(min(max(v + g * x for v, g in lines) for x in places))


def by_vertices(values, gradients, radius):
    """Solve every three of the constraints as equations; keep what the others allow."""
    size = gradients.shape[1]
    box = np.vstack([np.eye(size), -np.eye(size)])
    matrix = np.vstack([np.c_[gradients, -np.ones(len(values))], np.c_[box, np.zeros(2 * size)]])
    right = np.append(-values, np.full(2 * size, radius))
    active = np.array(list(combinations(range(len(right)), size + 1)))
    active = active[abs(np.linalg.det(matrix[active])) > 1e-9]
    vertices = np.linalg.solve(matrix[active], right[active][..., None])[..., 0]
    allowed = (vertices @ matrix.T <= right + 1e-9).all(axis=1)
    return vertices[allowed, size].min()


@st.composite
def planted(draw):
    """Return a problem and its least maximum: multipliers make the first gradients cancel."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(1, 8))
    tight, loose = size + 1, draw(st.integers(0, 40))
    radius = draw(radii)
    best, level = rng.uniform(-radius, radius, size), rng.uniform(-1, 1)
    gradients = rng.uniform(-1, 1, (tight + loose, size))
    multipliers = rng.uniform(0.5, 1.5, size)
    gradients[size] = -multipliers @ gradients[:size] / multipliers.sum()
    gap = np.append(np.zeros(tight), rng.uniform(0, 1, loose))
    return (level - gap - gradients @ best, gradients, radius), level


@settings(max_examples=150, deadline=None)
@given(problem=st.integers(1, 4).flatmap(problems))
def test_a_step_stays_in_the_box_and_never_raises_the_largest(problem):
    step = least_maximum(*problem)
    assert abs(step).max() <= problem[2] * (1 + 1e-9)
    assert largest(problem, step) <= problem[0].max() + 2 * GAP


@settings(max_examples=150, deadline=None)
@given(problem=problems(1))
def test_one_variable_agrees_with_all_breakpoints(problem):
    found = largest(problem, least_maximum(*problem))
    assert found == pytest.approx(by_breakpoints(*problem), abs=EXACT)


@settings(max_examples=150, deadline=None)
@given(problem=problems(2))
def test_two_variables_agree_with_all_vertices(problem):
    found = largest(problem, least_maximum(*problem))
    assert found == pytest.approx(by_vertices(*problem), abs=EXACT)


@settings(max_examples=100, deadline=None)
@given(plant=planted())
def test_a_planted_optimum_is_found_in_many_variables(plant):
    problem, level = plant
    assert largest(problem, least_maximum(*problem)) == pytest.approx(level, abs=EXACT)


@settings(max_examples=50, deadline=None)
@given(problem=st.integers(1, 4).flatmap(problems), lift=dyadics)
def test_a_lift_of_all_values_lifts_the_optimum(problem, lift):
    values, gradients, radius = problem
    found = largest(problem, least_maximum(*problem))
    lifted = values + lift, gradients, radius
    assert largest(lifted, least_maximum(*lifted)) == pytest.approx(found + lift, abs=EXACT)


def test_a_place_is_found_and_not_only_its_height():
    values = np.array([0.5, 0.0, 0.25])
    gradients = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]])
    step = least_maximum(values, gradients, 1.0)
    assert step == pytest.approx([-0.25, 0.0], abs=EXACT)


def test_one_falling_line_is_followed_to_the_end_of_the_box():
    step = least_maximum(np.array([1.0]), np.array([[-1.0, 0.5]]), 0.25)
    assert step == pytest.approx([0.25, -0.25], abs=EXACT)


def test_nothing_to_vary_is_no_step():
    assert least_maximum(np.array([1.0, 0.5]), np.zeros((2, 0)), 0.1).shape == (0,)


def test_a_step_depends_on_the_arguments_alone():
    rng = np.random.default_rng(7)
    problem = rng.uniform(-1, 1, 60), rng.uniform(-1, 1, (60, 9)), 0.3
    assert least_maximum(*problem).tolist() == least_maximum(*problem).tolist()
