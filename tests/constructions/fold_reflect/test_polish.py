"""Polishing: pieces, gradients and maxima of small maps, and what their refinement reaches."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from graphs import naive_exact
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import program
from sinrelu.constructions.fold_reflect.polish import Branching, Curve, polished
from sinrelu.network import Network, Row

CIRCLE = Curve(
    lambda x: np.array([np.cos(x), np.sin(x)]),
    lambda x: np.array([-np.sin(x), np.cos(x)]),
    lambda x: np.array([-np.cos(x), -np.sin(x)]),
)
PARABOLA = Curve(lambda x: x[None] ** 2 / 2, lambda x: x[None], lambda x: 1 + 0 * x[None])
TENT = Row((0,), (1.0,), -0.5), Row((0, 1), (2.0, -4.0), 0.0)
KINKS = {
    "no unit": ([Row((0,), (1.0,), 0.0)], []),
    "one kink": ([Row((0,), (2.0,), -0.5)], [0.25]),
    "kink at the left end": ([Row((0,), (1.0,), 0.0)], []),
    "kink at the right end": ([Row((0,), (-1.0,), 1.0)], []),
    "never active": ([Row((0,), (1.0,), -2.0)], []),
    "always active": ([Row((0,), (1.0,), 2.0)], []),
    "constant": ([Row((), (), 1.0)], []),
    "same kink twice": ([Row((0,), (1.0,), -0.5), Row((0,), (-3.0,), 1.5)], [0.5]),
    "unit inside a unit": ([Row((0,), (1.0,), -0.5), Row((1,), (-1.0,), 0.25)], [0.5, 0.75]),
    "touching": ([Row((0,), (2.0,), -1.0), Row((0, 1), (1.0, -1.0), -0.5)], [0.5]),
    "tent in a tent": ([*TENT, Row((2,), (1.0,), -0.5)], [0.25, 0.5, 0.75]),
}


@st.composite
def branchings(draw, outputs=2):
    """Any graph whose outputs read units or the input; numbers are small multiples of 1/8."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = draw(st.integers(0, 5))
    rows = []
    for number in range(units + outputs):
        sources = np.flatnonzero(rng.random(min(number, units) + 1) < 0.6).tolist()
        weights = rng.integers(1, 17, len(sources)) * rng.choice([-1, 1], len(sources)) / 8
        rows.append(Row(tuple(sources), tuple(weights.tolist()), float(rng.integers(-8, 9) / 8)))
    return Branching(tuple(rows), outputs)


def exact_kinks(branching, low, high):
    nodes = [Fraction(low), Fraction(high)]
    for number in range(branching.units):
        form = Network(branching.rows[: number + 1])
        ends = [(x, naive_exact(form, x)) for x in nodes]
        for (a, at_a), (b, at_b) in pairwise(ends):
            if at_a * at_b < 0:
                nodes.append(a + (b - a) * at_a / (at_a - at_b))
        nodes.sort()
    return [float(x) for x in nodes]


def distances(branching, curve, low, high, per_piece=400):
    nodes, _ = branching.pieces(low, high)
    x = np.unique(nodes[:-1] + np.linspace(0, 1, per_piece)[:, None] * np.diff(nodes))
    return np.hypot.reduce(branching.values(x)[branching.units + 1 :] - curve.value(x), axis=0)


def interpolation(curve, knots):
    """Interpolate a curve on [0, 1] at the knots and at both ends."""
    units = [Row((0,), (1.0,), -knot) for knot in knots]
    nodes = np.array([0, *knots, 1])
    values = curve.value(nodes)
    slopes = np.diff(values) / np.diff(nodes)
    weights = np.hstack([slopes[:, :1], np.diff(slopes)]).tolist()
    sources = tuple(range(len(knots) + 1))
    outputs = (
        Row(sources, tuple(row), bias)
        for row, bias in zip(weights, values[:, 0].tolist(), strict=True)
    )
    return Branching((*units, *outputs), len(values))


@pytest.mark.parametrize(("units", "kinks"), KINKS.values(), ids=KINKS.keys())
def test_pieces_end_at_the_kinks_and_at_the_ends(units, kinks):
    branching = Branching((*units, Row((len(units),), (1.0,), 0.0)), 1)
    assert branching.pieces(0, 1).nodes.tolist() == [0, *kinks, 1]


@settings(max_examples=100, deadline=None)
@given(branching=branchings())
def test_no_kink_of_the_exact_map_is_missed(branching):
    nodes, active = branching.pieces(-2, 3)
    for kink in exact_kinks(branching, -2, 3):
        assert abs(nodes - kink).min() < 1e-9
    wide = np.flatnonzero(np.diff(nodes) > 1e-9)
    for share in (0.01, 0.3, 0.99):
        x = nodes[:-1] + share * np.diff(nodes)
        values = branching.values(x)[1 : branching.units + 1]
        assert ((values > 1e-12) <= active)[:, wide].all()
        assert ((values > 0) >= active)[:, wide].all()


@settings(max_examples=60, deadline=None)
@given(branching=branchings(outputs=3))
def test_outputs_are_those_of_equal_networks(branching):
    x = np.linspace(-2, 3, 101)
    outputs = branching.values(x)[branching.units + 1 :]
    units = branching.rows[: branching.units]
    for values, row in zip(outputs, branching.rows[-3:], strict=True):
        expected = program(Network([*units, row]))(x)
        assert values == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(branching=branchings(), angle=st.floats(0, 6))
def test_gradients_are_central_differences_away_from_kinks(branching, angle):
    x, step = np.linspace(-2, 3, 23), 2.0**-20
    weights = np.repeat([[np.cos(angle)], [np.sin(angle)]], len(x), axis=1)
    values, numbers = branching.values(x), branching.numbers()
    units = slice(1, branching.units + 1)
    gradients = branching.gradients(values, values[units] > 0, weights)
    assert gradients.shape == (len(x), len(numbers))
    for place, slope in enumerate(gradients.T):
        change = step * (np.arange(len(numbers)) == place)
        up, down = (branching.with_numbers(numbers + sign * change).values(x) for sign in (1, -1))
        smooth = ((up[units] > 0) == (down[units] > 0)).all(axis=0)
        quotient = ((up - down)[branching.units + 1 :] * weights).sum(axis=0) / (2 * step)
        assert quotient[smooth] == pytest.approx(slope[smooth], rel=1e-7, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(branching=branchings())
def test_the_largest_distance_is_among_the_maxima_and_below_the_bound(branching):
    seen = distances(branching, CIRCLE, -1, 2).max()
    assert branching.maxima(CIRCLE, -1, 2).size.max() == pytest.approx(seen, rel=1e-3)
    bound = branching.bound(CIRCLE, -1, 2)
    assert seen <= bound * (1 + 1e-12)
    assert bound <= 1.01 * seen


@pytest.mark.parametrize("curve", [PARABOLA, CIRCLE], ids=["parabola", "circle"])
def test_maxima_change_as_their_gradients_say_wherever_their_kinks_go(curve):
    best = polished(interpolation(curve, [0.2, 0.5, 0.8]), curve, 0, 1)
    found, numbers, step = best.maxima(curve, 0, 1), best.numbers(), 2.0**-20
    assert np.isin(best.pieces(0, 1).nodes[1:-1], found.x).all()
    for place, slopes in enumerate(found.gradient.T):
        change = step * (np.arange(len(numbers)) == place)
        up, down = (best.with_numbers(numbers + s * change).maxima(curve, 0, 1) for s in (1, -1))
        assert (up.size - down.size) / (2 * step) == pytest.approx(slopes, rel=1e-3, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(branching=branchings(outputs=3))
def test_numbers_come_back_as_they_were(branching):
    numbers = branching.numbers()
    assert branching.with_numbers(numbers.tolist()) == branching
    other = branching.with_numbers((numbers + 1).tolist())
    assert (other.numbers() == numbers + 1).all()
    assert [row.sources for row in other.rows] == [row.sources for row in branching.rows]


@pytest.mark.parametrize("knots", [[], [0.9], [0.1, 0.2, 0.3], [0.05, 0.06, 0.5, 0.7, 0.95]])
def test_the_best_knots_of_a_parabola_are_found(knots):
    best = polished(interpolation(PARABOLA, knots), PARABOLA, 0, 1)
    least = 1 / (16 * (len(knots) + 1) ** 2)
    assert distances(best, PARABOLA, 0, 1).max() == pytest.approx(least, rel=0.01)
    assert least <= best.bound(PARABOLA, 0, 1) <= 1.01 * least


@settings(max_examples=15, deadline=None)
@given(branching=branchings(), fixed=st.integers(0, 3))
def test_polishing_makes_nothing_worse_and_keeps_what_is_fixed(branching, fixed):
    better = polished(branching, CIRCLE, -1, 2, fixed, rounds=4)
    before, after = (distances(rows, CIRCLE, -1, 2).max() for rows in (branching, better))
    assert after <= before * (1 + 1e-9)
    assert better.rows[:fixed] == branching.rows[:fixed]
    for number, (old, new) in enumerate(zip(branching.rows, better.rows, strict=True)):
        assert old.sources == new.sources
        assert old.weights[:1] == new.weights[:1] or number >= branching.units


def test_only_what_is_not_fixed_improves():
    start = interpolation(PARABOLA, [0.5, 0.75])
    best = polished(start, PARABOLA, 0, 1, fixed=2)
    assert best.rows[:2] == start.rows[:2]
    assert distances(best, PARABOLA, 0, 1).max() == pytest.approx(0.5**2 / 16, rel=0.01)
    assert polished(best, PARABOLA, 0, 1, fixed=3) == best


def test_polishing_twice_gives_the_same_numbers():
    start = interpolation(CIRCLE, [0.2, 0.5, 0.8])
    first, second = (polished(start, CIRCLE, 0, 1) for _ in range(2))
    assert first == second
    assert first.bound(CIRCLE, 0, 1) < 0.25**2 / 14 < start.bound(CIRCLE, 0, 1) / 2
