import itertools
import sys
from fractions import Fraction

import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, biases, naive_exact, networks, sin_network, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import evaluate_exact
from sinrelu.constructions import build
from sinrelu.layering import layered, shallower
from sinrelu.network import LAYERED, SKIP, Network, Row, without_dead_units

SCALES = [2.0**-1074, 2.0**-500, 2.0**1023, 1.7976931348623157e308, -1.7976931348623157e308]
wild_weights = st.one_of(weights, st.sampled_from(SCALES))


def layer_of_each_row(network):
    """The layer of each unit and the output in a layered network, from the edges alone."""
    layer = [0]
    for row in network.rows:
        before = {layer[source] for source in row.sources}
        assert len(before) <= 1, "a row reads two layers"
        layer.append(1 + (before.pop() if before else 0))
    return layer


def breakpoints(network):
    """Every x where a unit's affine form changes sign or kind, in rational arithmetic."""
    knots = [Fraction(-8), Fraction(8)]
    for number in range(1, network.units + 1):
        rows = list(network.rows)[:number]
        form = Network(rows)  # the form of unit ``number`` as an output
        crossings = []
        for left, right in itertools.pairwise(knots):
            a, b = naive_exact(form, left), naive_exact(form, right)
            if (a < 0 < b) or (b < 0 < a):
                crossings.append(left + (right - left) * a / (a - b))
        knots = sorted({*knots, *crossings})
    return knots


@settings(max_examples=150, deadline=None)
@given(networks(), st.lists(st.fractions(-9, 9, max_denominator=64), max_size=5))
def test_layering_keeps_the_function(network, points):
    result = layered(network)
    assert result.skip_connections == 0
    assert result.wiring == LAYERED
    layer_of_each_row(result)
    knots = breakpoints(network)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(knots)]
    for x in [*points, *knots, *middles, Fraction(-100), Fraction(100)]:
        assert naive_exact(result, x) == naive_exact(network, x)


def connections_if_all_is_carried(network):
    """Each value computed once, at its level, and carried to its last reader; nothing gathered.

    A row that reads more than the input reads both halves of it.
    """
    rows = without_dead_units(network.rows)
    levels = [0]
    for row in rows:
        halved = 0 in row.sources and row.sources != (0,)
        levels.append(1 + max([halved, *(levels[source] for source in row.sources)]))
    last = [max(1, level) for level in levels]
    count, input_halved = 0, False
    for row, level in zip(rows, levels[1:], strict=True):
        halved = 0 in row.sources and row.sources != (0,)
        input_halved = input_halved or halved
        count += len(row.sources) + halved
        for source in row.sources:
            if source or halved:
                last[source] = max(last[source], level - 1)
    carried = sum(end - level for end, level in zip(last[1:], levels[1:], strict=True))
    return count + carried + (2 * last[0] if input_halved else 0)


@settings(max_examples=150, deadline=None)
@given(networks())
def test_gathering_and_shallower_rows_never_cost_a_connection(network):
    assert layered(network).connections <= max(
        network.connections, connections_if_all_is_carried(network)
    )


def test_shallower_rows_are_used_where_they_save_connections_and_only_there():
    unit = Row((0,), (1.0,), -1.0)
    inner, wide = Row((1,), (1.0,), -1.0), Row((0, 1, 2), (1.0, 1.0, 1.0), -1.0)
    dearer = Network([unit, unit, inner, wide, Row((1, 3, 4), (1.0, -1.0, 1.0), -1.0)])
    assert layered(dearer).connections == 13  # relu(x − 2) from the input takes 14
    assert layered(build("chebyshev", SKIP, 1e-3)).connections == 70  # instead of 78


@settings(max_examples=100, deadline=None)
@given(networks(weights=wild_weights), st.fractions(-9, 9, max_denominator=8))
def test_layering_is_exact_where_sums_of_weights_overflow(network, x):
    assert naive_exact(layered(network), x) == naive_exact(network, x)


def test_existing_halves_are_not_used_where_the_sum_overflows():
    largest = sys.float_info.max
    network = Network([Row((0,), (1.0,), 0.0), Row((0, 1), (largest, largest), 0.0)])
    result = layered(network)
    assert result.wiring == LAYERED
    for x in (-2, 3):
        assert naive_exact(result, x) == naive_exact(network, x)


@pytest.mark.parametrize("network", [TENT, CONSTANT])
def test_a_layered_network_stays_as_it_is(network):
    assert layered(network) is network


def test_the_units_of_a_layered_network_are_numbered_layer_by_layer():
    network = Network(
        [
            Row((0,), (1.0,), 0.0),
            Row((1,), (2.0,), -1.0),
            Row((0,), (-1.0,), 0.5),
            Row((1, 3), (3.0, -4.0), 0.25),
            Row((2, 4), (1.0, 1.0), 0.0),
        ]
    )
    result = layered(network)
    assert list(result.rows) == [
        Row((0,), (1.0,), 0.0),
        Row((0,), (-1.0,), 0.5),
        Row((1,), (2.0,), -1.0),
        Row((1, 2), (3.0, -4.0), 0.25),
        Row((3, 4), (1.0, 1.0), 0.0),
    ]
    for x in breakpoints(network):
        assert naive_exact(result, x) == naive_exact(network, x)


def test_the_sin_network_is_numbered_layer_by_layer():
    levels = sin_network(LAYERED).levels
    assert list(levels) == sorted(levels)


def test_layering_is_idempotent_and_keeps_meta():
    once = layered(sin_network(SKIP))
    assert layered(once) is once
    assert once.meta["construction"] == "fold-reflect"


def test_the_input_is_carried_as_two_halves():
    network = Network(
        [Row((0,), (1.0,), -1.0), Row((1,), (2.0,), 1.0), Row((0, 2), (3.0, 1.0), -1.0)]
    )
    result = layered(network)
    # relu(x), relu(−x), relu(x−1) · both halves carried, relu(2·+1) · output
    assert (result.widths, result.connections) == ((3, 3), 3 + 3 + 3)
    assert naive_exact(result, -5) == -15


def test_existing_halves_of_the_input_are_used():
    result = layered(ABSOLUTE)
    assert list(result.rows) == [
        Row((0,), (1.0,), 0.0),
        Row((0,), (-1.0,), 0.0),
        Row((1, 2), (1.0, 1.0), 0.0),
    ]


def test_existing_halves_are_not_used_where_weights_would_be_rounded():
    network = Network(
        [Row((0,), (1.0,), 0.0), Row((1,), (1.0,), 0.0), Row((0, 1, 2), (1.0, 2.0**-60, 1.0), 0.0)]
    )
    result = layered(network)
    for x in (Fraction(-3), Fraction(5, 4)):
        assert naive_exact(result, x) == naive_exact(network, x)


def test_values_for_one_reader_are_gathered_by_sign():
    """Four units that the last row alone reads need two carried sums a layer, not four."""
    first = [Row((0,), (1.0,), -k / 4) for k in range(4)]
    chain = [Row((1,), (2.0,), 0.125), Row((5,), (2.0,), 0.125), Row((6,), (2.0,), 0.125)]
    last = Row((1, 2, 3, 4, 7), (1.0, -2.0, 3.0, -4.0, 5.0), 0.5)
    network = Network([*first, *chain, last])
    result = layered(network)
    assert result.widths == (4, 3, 3, 3)
    # 4 · relu(1) and four into two sums · chain and two sums, twice · output
    assert result.connections == 4 + (1 + 4) + 3 + 3 + 3
    assert {abs(w) for row in result.rows for w in row.weights} <= {1.0, 2.0, 3.0, 4.0, 5.0}
    for x in breakpoints(network):
        assert naive_exact(result, x) == naive_exact(network, x)


def test_constant_units_are_carried():
    network = Network(
        [
            Row((), (), 2.0),
            Row((0,), (1.0,), 0.0),
            Row((2,), (1.0,), -1.0),
            Row((1, 3), (-1.5, 1.0), 0.0),
        ]
    )
    result = layered(network)
    assert result.wiring == LAYERED
    assert naive_exact(result, 4) == naive_exact(network, 4) == 0


def test_dead_units_are_not_carried():
    network = Network(
        [Row((0,), (1.0,), 0.0), Row((0, 1), (1.0, 1.0), 0.0), Row((0,), (2.0,), 1.0)]
    )
    assert list(layered(network).rows) == [Row((0,), (2.0,), 1.0)]


@pytest.mark.parametrize("bias", [Fraction(1, 2), 1 + Fraction(1, 2**80)])
def test_wide_weights_stay_wide(bias):
    """As 1 + 2⁻⁸⁰ is no float64; the halves of the input are shared nevertheless."""
    fine = 1 + Fraction(1, 2**80)
    network = Network(
        [
            Row((0,), (Fraction(1),), Fraction(0)),
            Row((1,), (fine,), Fraction(-1)),
            Row((0, 1, 2), (fine, fine, Fraction(-2)), bias),
        ]
    )
    result = layered(network)
    assert (result.multiprecision, result.wiring, result.connections) == (True, LAYERED, 8)
    for x in (Fraction(-3), Fraction(1, 4), Fraction(7)):
        assert evaluate_exact(result, x) == evaluate_exact(network, x)


plain_weights = st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.0, 1.0, 1.0])


@st.composite
def row_lists(draw):
    """Rows in which single readers with weight 1 are frequent."""
    rows = []
    for number in range(1, draw(st.integers(2, 9))):
        sources = draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3))
        rows.append(
            Row(tuple(sorted(sources)), tuple(draw(plain_weights) for _ in sources), draw(biases))
        )
    return rows


@settings(max_examples=200, deadline=None)
@given(rows=row_lists(), x=st.integers(-64, 64).map(lambda k: Fraction(k, 16)))
def test_the_function_stays_and_the_depth_does_not_grow(rows, x):
    before, after = Network(rows), Network(shallower(rows))
    assert evaluate_exact(after, x) == evaluate_exact(before, x)
    assert after.depth <= before.depth
    assert evaluate_exact(layered(before), x) == evaluate_exact(before, x)


FOLD = [
    Row((0,), (1.0,), 0.0),
    Row((1,), (1.0,), -0.5),
    Row((1, 2), (1.0, -2.0), 0.0),
    Row((3,), (1.0,), -0.25),
    Row((3, 4), (1.0, -2.0), 0.0),
]


def test_a_chain_of_folds_takes_a_layer_each():
    rows = shallower(FOLD)
    assert rows[1] == Row((0,), (1.0,), -0.5)
    assert rows[3] == Row((1, 2), (1.0, -2.0), -0.25)
    assert Network(FOLD).depth == 5
    assert Network(rows).depth == 3


@pytest.mark.parametrize(
    "reader",
    [
        Row((3,), (1.0,), 0.25),  # relu(relu(f) + t) is not relu(f + t)
        Row((3,), (-1.0,), -0.25),
        Row((3,), (2.0,), -0.25),
        Row((2, 3), (1.0, 1.0), -0.25),
    ],
)
def test_other_units_are_left_alone(reader):
    assert shallower([*FOLD[:3], reader, FOLD[4]])[3] == reader


def test_biases_that_do_not_add_exactly_are_left_alone():
    rows = [Row((0,), (1.0,), 0.1), Row((1,), (1.0,), -1e-20), Row((2,), (1.0,), 0.0)]
    assert shallower(rows) == rows


def test_a_form_of_many_terms_is_left_alone():
    wide = Row((0, 1, 2), (1.0, 1.0, 1.0), 0.0)
    reader = Row((3,), (1.0,), -1.0)
    assert shallower([*FOLD[:2], wide, reader, Row((4,), (1.0,), 0.0)])[3] == reader
