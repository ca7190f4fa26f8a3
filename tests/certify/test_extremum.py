"""The exact extremum against rational arithmetic that knows every breakpoint."""

import math
from fractions import Fraction

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks, sin_network
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from rational import refine

from sinrelu import build
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify import extremum, rounding
from sinrelu.certify.extremum import exact_cells, greatest, least
from sinrelu.certify.floats import BINARY64
from sinrelu.certify.pieces import Finder
from sinrelu.errors import RequestError
from sinrelu.evaluate import evaluate_float64
from sinrelu.network import Network, Row

ENDS = st.tuples(st.integers(-40, 39), st.integers(1, 40)).map(
    lambda pair: (pair[0] / 8, min(pair[0] + pair[1], 40) / 8)
)
NARROW = (0.7, 0.7001)


def extrema(network, ends):
    """Return the least and the greatest value, from the values at all breakpoints."""
    values = refine(network, [Fraction(end) for end in ends])[1]
    return min(values), max(values)


@given(networks(), ENDS)
def test_both_extrema_are_exact_and_named(network, ends):
    for find, value in zip((least, greatest), extrema(network, ends), strict=True):
        found = find(network, ends)
        assert found.value == value == naive_exact(network, found.at)
        assert ends[0] <= found.at <= ends[1]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_networks(name):
    network, ends = HOSTILE[name], (-0.75, 1.0)
    low, high = extrema(network, ends)
    for find, value in ((least, low), (greatest, high)):
        found = find(network, ends)
        assert found.value == value == naive_exact(network, found.at)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_said_of_evaluation_is_said_of_the_whole_network(name):
    """Units that are not read may overflow, and are multiplied by 0 where layers are dense."""
    network = HOSTILE[name]
    found = greatest(network, (0.5, 1.0))
    if not rounding.in_range(network, BINARY64):
        assert math.isinf(found.evaluation)
    if math.isfinite(found.evaluation):
        assert math.isfinite(evaluate_dense(network, 0.5))


def evaluate_dense(network, x):
    """Evaluate in float64 with a product for every earlier value, also where the weight is 0."""
    values = [x]
    for row in network.rows:
        weights = dict(row.edges)
        total = row.bias + sum(weights.get(s, 0.0) * value for s, value in enumerate(values))
        values.append(max(total, 0.0))
    return total


@pytest.mark.parametrize("network", [ABSOLUTE, TENT, CONSTANT], ids=["|x|", "tent", "constant"])
@pytest.mark.parametrize("ends", [(-1.0, 1.0), (0.25, math.nextafter(0.25, 1)), (-0.0, 5e-324)])
def test_hand_made_networks_on_hand_made_intervals(network, ends):
    assert (least(network, ends).value, greatest(network, ends).value) == extrema(network, ends)


@given(networks(), ENDS, st.sets(st.integers(1, 15), max_size=3))
def test_nodes_from_anywhere_give_the_same(network, ends, inner):
    """Cells of many pieces have large radii; they are cut exactly, or rightly left out."""
    x = np.array(
        [ends[0], *(ends[0] + (ends[1] - ends[0]) * k / 16 for k in sorted(inner)), ends[1]]
    )
    nodes = DoubleDouble(x, np.zeros_like(x))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Finder, "blocks", lambda *_: iter([nodes]))
        assert greatest(network, ends).value == extrema(network, ends)[1]


def test_a_peak_that_no_node_sees_is_found(monkeypatch):
    peak = Network(
        [*(Row((0,), (1.0,), -k / 2) for k in (0, 1, 2)), Row((1, 2, 3), (1.0, -2.0, 1.5), 0.0)]
    )
    nodes = DoubleDouble(np.array([0.0, 1.0, 1.25]), np.zeros(3))
    monkeypatch.setattr(Finder, "blocks", lambda *_: iter([nodes]))
    assert greatest(peak, (0.0, 1.25)).at == 0.5


@pytest.mark.parametrize("ends", [NARROW, (-1.0, 3.0)])
def test_evaluation_is_bounded_at_the_floats_of_the_interval(ends, monkeypatch):
    monkeypatch.setattr(rounding, "CELLS", 4)
    network = build(tol="1e-3")
    found = greatest(network, ends)
    assert found.evaluation < 1e-13
    for x in np.linspace(*ends, 99).tolist():
        error = abs(Fraction(float(evaluate_float64(network, x))) - naive_exact(network, x))
        assert error <= found.evaluation


@given(networks(), ENDS)
@settings(max_examples=40)
def test_cells_left_are_cut_wherever_a_unit_changes_its_sign(network, ends):
    cells = list(exact_cells(network, *map(Fraction, ends)))
    assert [left[0] for left, _ in cells[1:]] == [right[0] for _, right in cells[:-1]]
    assert (cells[0][0][0], cells[-1][1][0]) == ends
    for (a, first), (b, second) in cells:
        assert naive_exact(network, (a + 3 * b) / 4) == (first + 3 * second) / 4


KINKS = [Row((0,), (1.0,), -k / 8) for k in range(8)]
WAVE = Network([*KINKS, Row(tuple(range(1, 9)), (1.0, -2.0, 2.0, -2.0, 2.0, -2.0, 2.0, -2.0), 0.0)])
"""Four teeth of the same height."""
RISING = Network([*KINKS, Row(tuple(range(1, 9)), (2.0**-60,) * 8, 0.0)])
UNREAD = Network([*KINKS, Row((), (), 0.5)])


def test_values_alike_in_too_many_cells_are_left_undecided(monkeypatch):
    assert greatest(WAVE, (-1.0, 1.0)).value == Fraction(1, 8) == extrema(WAVE, (-1.0, 1.0))[1]
    monkeypatch.setattr(extremum, "MOST_CELLS", 6)
    assert greatest(WAVE, (-1.0, 1.0)) is least(WAVE, (-1.0, 1.0)) is None
    assert greatest(WAVE, (0.0, 0.5)).value == Fraction(1, 8)
    assert greatest(RISING, (-1.0, 1.0)).at == 1
    assert greatest(UNREAD, (-1.0, 1.0)).value == Fraction(1, 2)


@pytest.mark.parametrize(("held", "blocks"), [(4, 3), (2**16, 4)])
def test_of_values_alike_all_over_few_are_held(held, blocks, monkeypatch):
    monkeypatch.setattr(rounding, "CELLS", 2)
    monkeypatch.setattr(extremum, "MOST_HELD", held)
    seen = []
    outputs = extremum.outputs
    monkeypatch.setattr(extremum, "outputs", lambda *given: map(counted, outputs(*given)))

    def counted(block):
        seen.append(block)
        return block

    found = greatest(
        Network([*KINKS, Row.of([(k, 2.0**-90) for k in range(1, 9)], 1.0)]), (0.0, 1.0)
    )
    assert len(seen) == blocks
    assert (found is None) == (blocks < 4)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (1.0, 0.5), (-math.inf, 0.0), (0.0, 2.0**21)])
def test_what_is_no_interval_is_refused(ends):
    with pytest.raises(RequestError, match="nodes"):
        greatest(TENT, ends)


@pytest.mark.parametrize("wiring", ["skip", "layered"])
def test_nothing_exceeds_the_extremum_at_ten_thousand_points(wiring):
    """The points are k/2⁴⁰, so that all values are whole numbers of some unit."""
    network, (low, high) = sin_network(wiring), NARROW
    found = greatest(network, NARROW)
    assert naive_exact(network, found.at) == found.value
    points = np.linspace(math.ceil(low * 2**40), math.floor(high * 2**40), 10_000).astype(np.int64)
    values, places = whole_values(network, points.astype(object), 40)
    assert max(values) <= found.value * 2**places
    assert (
        max(values) > (found.value - Fraction(1, 2**33)) * 2**places
    )  # a point at the end is near


def whole_values(network, points, places):
    """Return the output at points/2^places as whole numbers over a power of two, exactly."""
    columns = [(points, places)]
    for row in network.rows:
        numbers = [Fraction(number) for number in row.numbers]
        depths = [columns[source][1] for source in row.sources]
        terms = [number.denominator.bit_length() - 1 for number in numbers]
        place = max(terms[-1], *(a + b for a, b in zip(terms, depths, strict=False)))
        total = int(numbers[-1] * 2**place)
        for source, number in zip(row.sources, numbers, strict=False):
            column, depth = columns[source]
            total = total + column * int(number * 2 ** (place - depth))
        columns.append((np.maximum(total, 0), place))
    return total, place
