import itertools
import sys
from fractions import Fraction

import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks, sin_network, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.layering import layered
from sinrelu.network import LAYERED, SKIP, Network, Row

SCALES = [2.0**-1074, 2.0**-500, 2.0**1023, 1.7976931348623157e308, -1.7976931348623157e308]
wild_weights = st.one_of(weights, st.sampled_from(SCALES))


def layer_of_each_row(network):
    """The layer of each unit and the output in a layered network, from the edges alone."""
    layer = [0]
    for row in network.rows():
        before = {layer[source] for source in row.sources}
        assert len(before) <= 1, "a row reads two layers"
        layer.append(1 + (before.pop() if before else 0))
    return layer


def breakpoints(network):
    """Every x where a unit's affine form changes sign or kind, in rational arithmetic."""
    knots = [Fraction(-8), Fraction(8)]
    for number in range(1, network.units + 1):
        rows = list(network.rows())[:number]
        form = Network.from_rows(rows)  # the form of unit ``number`` as an output
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


@settings(max_examples=100, deadline=None)
@given(networks(weights=wild_weights), st.fractions(-9, 9, max_denominator=8))
def test_layering_is_exact_where_sums_of_weights_overflow(network, x):
    assert naive_exact(layered(network), x) == naive_exact(network, x)


def test_existing_halves_are_not_used_where_the_sum_overflows():
    largest = sys.float_info.max
    network = Network.from_rows([Row((0,), (1.0,), 0.0), Row((0, 1), (largest, largest), 0.0)])
    result = layered(network)
    assert result.wiring == LAYERED
    for x in (-2, 3):
        assert naive_exact(result, x) == naive_exact(network, x)


@pytest.mark.parametrize("network", [TENT, CONSTANT])
def test_a_layered_network_stays_as_it_is(network):
    assert layered(network) is network


def test_the_units_of_a_layered_network_are_numbered_layer_by_layer():
    network = Network.from_rows(
        [
            Row((0,), (1.0,), 0.0),
            Row((1,), (2.0,), -1.0),
            Row((0,), (-1.0,), 0.5),
            Row((1, 3), (3.0, -4.0), 0.25),
            Row((2, 4), (1.0, 1.0), 0.0),
        ]
    )
    result = layered(network)
    assert list(result.rows()) == [
        Row((0,), (1.0,), 0.0),
        Row((0,), (-1.0,), 0.5),
        Row((1,), (2.0,), -1.0),
        Row((1, 2), (3.0, -4.0), 0.25),
        Row((3, 4), (1.0, 1.0), 0.0),
    ]
    for x in breakpoints(network):
        assert naive_exact(result, x) == naive_exact(network, x)


def test_the_sin_network_is_numbered_layer_by_layer():
    levels = sin_network(LAYERED).levels.tolist()
    assert levels == sorted(levels)


def test_layering_is_idempotent_and_keeps_meta():
    once = layered(sin_network(SKIP))
    assert layered(once) is once
    assert once.meta["construction"] == "fold-reflect"


def test_the_input_is_carried_as_two_halves():
    network = Network.from_rows(
        [Row((0,), (1.0,), -1.0), Row((1,), (2.0,), 1.0), Row((0, 2), (3.0, 1.0), -1.0)]
    )
    result = layered(network)
    # relu(x), relu(−x), relu(x−1) · both halves carried, relu(2·+1) · output
    assert (result.widths, result.connections) == ((3, 3), 3 + 3 + 3)
    assert naive_exact(result, -5) == -15


def test_existing_halves_of_the_input_are_used():
    result = layered(ABSOLUTE)
    assert list(result.rows()) == [
        Row((0,), (1.0,), 0.0),
        Row((0,), (-1.0,), 0.0),
        Row((1, 2), (1.0, 1.0), 0.0),
    ]


def test_existing_halves_are_not_used_where_weights_would_be_rounded():
    network = Network.from_rows(
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
    network = Network.from_rows([*first, *chain, last])
    result = layered(network)
    assert result.widths == (4, 3, 3, 3)
    # 4 · relu(1) and four into two sums · chain and two sums, twice · output
    assert result.connections == 4 + (1 + 4) + 3 + 3 + 3
    assert {abs(w) for w in result.weight} <= {1.0, 2.0, 3.0, 4.0, 5.0}
    for x in breakpoints(network):
        assert naive_exact(result, x) == naive_exact(network, x)


def test_constant_units_are_carried():
    network = Network.from_rows(
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
    network = Network.from_rows(
        [Row((0,), (1.0,), 0.0), Row((0, 1), (1.0, 1.0), 0.0), Row((0,), (2.0,), 1.0)]
    )
    assert list(layered(network).rows()) == [Row((0,), (2.0,), 1.0)]
