"""Refined cells: what is stored holds against mpmath, and damage to it is noticed."""

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from graphs import naive_exact
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext

from sinrelu import program
from sinrelu.circuit import Circuit, relu
from sinrelu.constructions.fold_reflect import layered, skip
from sinrelu.constructions.fold_reflect.quadratics import LastCell
from sinrelu.constructions.fold_reflect.range_reduction import RangeReduction
from sinrelu.constructions.fold_reflect.refined import (
    PiecewiseMap,
    StoredCell,
    circle,
    stored_cells,
)
from sinrelu.constructions.fold_reflect.search import Search
from sinrelu.constructions.fold_reflect.square import LayeredSawtooth, Sawtooth
from sinrelu.constructions.fold_reflect.weights import margin_exponent
from sinrelu.errors import GraphError
from sinrelu.network import Network, Row

FILE = resources.files("sinrelu.constructions.fold_reflect").joinpath("refined.json")
CELLS = [
    (wiring, tuple(map(int, key.split())))
    for wiring, cells in json.loads(FILE.read_text("utf-8")).items()
    for key in cells
]
FEW = [("skip", (3, 4, 0, 2, 2, 1, 1)), ("layered", (7, 5, 1, 2, 2, 2, 3))]
every_cell = pytest.mark.parametrize(("wiring", "key"), CELLS)
few_cells = pytest.mark.parametrize(("wiring", "key"), FEW)
TENT = Row((0,), (1.0,), -0.5), Row((0, 1), (2.0, -4.0), 0.0)
KINKS = {
    "no unit": ([Row((0,), (1.0,), 0.0)], []),
    "one kink": ([Row((0,), (2.0,), -0.5)], [0.25]),
    "kink at the left end": ([Row((0,), (1.0,), 0.0)], []),
    "never active": ([Row((0,), (1.0,), -2.0)], []),
    "always active": ([Row((0,), (1.0,), 2.0)], []),
    "constant": ([Row((), (), 1.0)], []),
    "same kink twice": ([Row((0,), (1.0,), -0.5), Row((0,), (-3.0,), 1.5)], [0.5]),
    "unit inside a unit": ([Row((0,), (1.0,), -0.5), Row((1,), (-1.0,), 0.25)], [0.5, 0.75]),
    "touching": ([Row((0,), (2.0,), -1.0), Row((0, 1), (1.0, -1.0), -0.5)], [0.5]),
    "tent in a tent": ([*TENT, Row((2,), (1.0,), -0.5)], [0.25, 0.5, 0.75, 1.0]),
}


def plan_of(wiring, key):
    if wiring == "skip":
        folds, quadratics, ternaries, binaries, last, halved, clipped = key
        sawtooth = Sawtooth(ternaries, binaries, last, bool(halved), bool(clipped))
        return skip.Plan(folds, LastCell(sawtooth, quadratics))
    folds, quadratics, ternaries, *radices = key
    return layered.Plan(folds, LayeredSawtooth(ternaries, tuple(radices)), quadratics)


@cache
def cell_of(wiring, key):
    family = skip if wiring == "skip" else layered
    return family.refined_last_cell(plan_of(wiring, key))


def networks(wiring, key, write):
    """Return the networks of the cosine and of the sine that ``write`` writes over z."""
    plan = plan_of(wiring, key)
    names = [value for _, value in layered.cell_inputs(plan)] if wiring == "layered" else []
    signals = [layered.SIGNALS[name[0]] for name in names]
    z = Circuit().input
    h = z.circuit.numbers.pi / 2 ** cell_of(wiring, key).halvings
    return [z.circuit.freeze(form) for form in write([relu(s(z, h)) for s in signals] or [z], h)]


def by_formulas(wiring, key):
    plan = plan_of(wiring, key)
    if wiring == "layered":
        return networks(wiring, key, partial(layered.last_cell, plan))
    return networks(wiring, key, lambda signals, h: plan.cell.cos_sin(signals[0], h))


def by_rows(wiring, key):
    cell = cell_of(wiring, key)
    return networks(wiring, key, lambda signals, _: cell.cos_sin(signals))


def errors(rows, z):
    m = z - rows.half_width
    return np.hypot(*(rows.values(z)[-2:] - [-2 * np.sin(m / 2) ** 2, np.sin(m)]))


def exact_errors(rows, places):
    """Return the norms of the errors of rows at some places, in 40 digits."""
    numbers = MPContext()
    numbers.dps = 40
    h = numbers.pi / 2**rows.halvings
    norms = []
    for place in places:
        values = [numbers.mpf(place)]
        for count, row in enumerate(rows.rows):
            pairs = zip(row.weights, row.sources, strict=True)
            form = numbers.mpf(row.bias) + sum(w * values[source] for w, source in pairs)
            values.append(max(form, 0) if count < rows.units else form)
        cosine, sine = numbers.cos_sin(values[0] - h)
        norms.append(float(numbers.hypot(values[-2] - (cosine - 1), values[-1] - sine)))
    return norms


@every_cell
def test_a_stored_bound_holds_and_is_attained(wiring, key):
    rows, error = cell_of(wiring, key), stored_cells(wiring)[key].error
    nodes = rows.nodes()
    z = np.unique(nodes[:-1] + np.linspace(0, 1, 33)[:, None] * np.diff(nodes))
    worst = z[np.argsort(errors(rows, z))[-5:]]
    found = exact_errors(rows, [*worst.tolist(), *np.random.default_rng(1).choice(z, 10).tolist()])
    assert 0.99 * error < max(found) <= error


@every_cell
def test_a_stored_cell_is_that_of_a_plan_and_better_than_the_formulas(wiring, key):
    family = skip if wiring == "skip" else layered
    plan = plan_of(wiring, key)
    [refined] = [plan for plan in family.refined_plans() if plan.key == key]
    assert refined == replace(plan, refined=True)
    assert refined.error_bound == stored_cells(wiring)[key].error < plan.error_bound


@few_cells
def test_a_refined_plan_keeps_its_connections_and_its_bound_on_the_whole_range(wiring, key):
    plan = replace(plan_of(wiring, key), refined=True)
    bound, whole = plan.error_bound, RangeReduction()
    x = Circuit().input
    network = x.circuit.freeze(plan.output(x, whole, margin_exponent(bound)))
    assert network.connections == plan.connections(whole)
    x = np.linspace(-np.pi, np.pi, 100001)
    error = abs(program(network)(x) - np.sin(x)).max()
    assert 0.5 * bound < error <= bound + 1e-15


@few_cells
def test_a_cell_is_written_with_the_graph_of_the_formulas_and_with_its_own_numbers(wiring, key):
    rows, written = cell_of(wiring, key), by_rows(wiring, key)
    for old, new in zip(by_formulas(wiring, key), written, strict=True):
        assert [row.sources for row in old.rows] == [row.sources for row in new.rows]
    z = np.linspace(0, 2 * rows.half_width, 101)
    cosine, sine = rows.values(z)[-2:]
    assert cosine + 1 == pytest.approx(program(written[0])(z), abs=1e-15)
    assert sine == pytest.approx(program(written[1])(z), abs=1e-15)


@few_cells
def test_damage_worth_the_error_is_noticed(wiring, key):
    cell, known = cell_of(wiring, key), stored_cells(wiring)[key]
    cosine, sine = np.cumsum([len(row.sources) + 1 for row in cell.rows])[-2:] - 1
    wrong = [(place, sign * known.error) for place in (cosine, sine) for sign in (1, -1)]
    for place, change in wrong:
        numbers = list(known.numbers)
        numbers[place] += change
        with pytest.raises(GraphError, match="a stored cell errs by"):
            cell.refined(StoredCell(known.error, tuple(numbers)))


def test_numbers_of_another_graph_and_no_numbers_are_refused():
    cell = cell_of(*FEW[0])
    with pytest.raises(GraphError, match="a cell has 3 numbers, not"):
        cell.refined(StoredCell(1.0, (1.0, 2.0, 3.0)))
    nothing = (float("nan"), *cell.numbers()[1:])
    with pytest.raises(GraphError, match="a stored cell errs by nan"):
        cell.refined(StoredCell(1.0, nothing))


def test_what_is_not_stored_is_not_found():
    assert (99,) not in stored_cells("skip")
    assert not stored_cells("dense")


def test_refined_cells_save_connections():
    whole = RangeReduction()
    for tol in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9):
        formulas, refined = (
            Search(whole, "skip", float64).smallest(tol).plan for float64 in (False, True)
        )
        assert refined.connections(whole) < formulas.connections(whole)


@pytest.mark.parametrize("halvings", [2, 3, 11])
def test_the_series_are_cosine_and_sine(halvings):
    numbers, h = MPContext(), np.pi / 2**halvings
    numbers.prec = 100
    m = np.linspace(-h, h, 201)
    exact = [numbers.cos_sin(x) for x in m.tolist()]
    cosine, sine = np.array([[float(cos - 1), float(sin)] for cos, sin in exact]).T
    assert abs(circle(m) - [cosine, sine]).max() < 5e-16 * h


@st.composite
def maps(draw):
    """Any graph whose outputs read units or the input; numbers are small multiples of 1/8."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = draw(st.integers(0, 5))
    rows = []
    for number in range(units + 2):
        sources = np.flatnonzero(rng.random(min(number, units) + 1) < 0.6).tolist()
        weights = rng.integers(1, 17, len(sources)) * rng.choice([-1, 1], len(sources)) / 8
        rows.append(Row(tuple(sources), tuple(weights.tolist()), float(rng.integers(-8, 9) / 8)))
    return PiecewiseMap(tuple(rows), draw(st.integers(2, 4)))


def exact_kinks(rows):
    nodes = [Fraction(0), Fraction(2 * rows.half_width)]
    for number in range(rows.units):
        form = Network(rows.rows[: number + 1])
        ends = [(z, naive_exact(form, z)) for z in nodes]
        for (a, at_a), (b, at_b) in pairwise(ends):
            if at_a * at_b < 0:
                nodes.append(a + (b - a) * at_a / (at_a - at_b))
        nodes.sort()
    return [float(z) for z in nodes]


@pytest.mark.parametrize(("units", "kinks"), KINKS.values(), ids=KINKS.keys())
def test_pieces_end_at_the_kinks_and_at_the_ends(units, kinks):
    outputs = Row((len(units),), (1.0,), 0.0), Row((), (), 0.0)
    rows = PiecewiseMap((*units, *outputs), 2)
    assert rows.nodes().tolist() == [0, *kinks, np.pi / 2]


@settings(max_examples=60, deadline=None)
@given(rows=maps())
def test_no_kink_of_the_exact_map_is_missed(rows):
    nodes = rows.nodes()
    for kink in exact_kinks(rows):
        assert abs(nodes - kink).min() < 1e-9


@settings(max_examples=60, deadline=None)
@given(rows=maps())
def test_the_bound_is_just_above_the_largest_error(rows):
    nodes = rows.nodes()
    z = np.unique(nodes[:-1] + np.linspace(0, 1, 401)[:, None] * np.diff(nodes))
    seen, bound = errors(rows, z).max(), rows.bound()
    assert seen <= bound * (1 + 1e-12)
    assert bound <= 1.01 * seen


@settings(max_examples=60, deadline=None)
@given(rows=maps())
def test_outputs_are_those_of_equal_networks(rows):
    z = np.linspace(0, 2 * rows.half_width, 101)
    units = rows.rows[: rows.units]
    for values, row in zip(rows.values(z)[-2:], rows.rows[-2:], strict=True):
        expected = program(Network([*units, row]))(z)
        assert values == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(rows=maps())
def test_numbers_come_back_as_they_were(rows):
    numbers = rows.numbers()
    assert rows.with_numbers(numbers) == rows
    other = rows.with_numbers([number + 1 for number in numbers])
    assert other.numbers() == tuple(number + 1 for number in numbers)
    assert [row.sources for row in other.rows] == [row.sources for row in rows.rows]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_bound_covers_the_rounding_of_values_that_cancel(sign):
    large = Row((0,), (1.1e13,), 0.0), Row((0,), (1.1e13 / 3,), 0.0)
    sine = Row((0, 1, 2), (1.0, sign, -3.0 * sign), -np.pi / 8)
    rows = PiecewiseMap((*large, Row((), (), 0.0), sine), 3)
    assert max(exact_errors(rows, [0.0, 2 * rows.half_width])) <= rows.bound()
