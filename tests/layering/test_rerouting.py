"""The layering pass weighs carrying, gathering and computing again; here against an exhaustion."""

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import combinations, product

import pytest
from graphs import biases, naive_exact, networks, sin_network, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import evaluate_exact
from sinrelu.constructions import build
from sinrelu.layering import layered, start
from sinrelu.layering.rerouting import reroute
from sinrelu.layering.rewriting import ways
from sinrelu.layering.schedule import CARRY, Option
from sinrelu.layering.wiring import wired
from sinrelu.network import LAYERED, SKIP, Network, Row

IMPOSSIBLE = 10**6


def least_connections(ways, depth):
    """The fewest connections of any layout, by exhausting what each layer may hold.

    Backwards from the output: a layer's demands are values, and sums of some sources of a row on
    a later layer; each is met in every way there is.
    """

    @cache
    def least(layer, demands):
        if layer == 0:
            return 0 if demands <= {0} else IMPOSSIBLE
        best = IMPOSSIBLE
        for choice in product(*(list(supplies(demand, layer)) for demand in demands)):
            price = sum(own for own, _ in choice)
            if price < best:
                below = frozenset().union(*(needed for _, needed in choice))
                best = min(best, price + least(layer - 1, below))
        return best

    def supplies(demand, layer):
        if isinstance(demand, tuple):
            yield from sums(*demand)
            return
        if demand == 0:
            return
        yield 1, {demand}
        for way, row in enumerate(ways[demand]):
            if row.sources in ((), (0,)) and layer > 1:
                continue
            signs = {sign: frozenset() for sign in (1, -1)}
            for source, weight in zip(row.sources, row.weights, strict=True):
                signs[1 if weight > 0 else -1] |= {source}
            parts = [
                list(sums((demand, way, layer), sign, sources)) for sign, sources in signs.items()
            ]
            for positive, negative in product(*parts):
                yield positive[0] + negative[0], positive[1] | negative[1]

    def sums(row, sign, sources):
        for number in range(len(sources) + 1):
            for read in combinations(sorted(sources), number):
                rest = sources - set(read)
                yield number + bool(rest), {*read, *([(row, sign, rest)] if rest else [])}

    return least(depth, frozenset({len(ways) - 1}))


def counted(rows, effort=20_000):
    """The connections that the pass begins with, those it reaches, and the fewest."""
    schedule = start(Network.from_rows(rows))
    begun = schedule.connections
    reroute(schedule, effort)
    return begun, schedule.connections, least_connections(schedule.ways, schedule.depth)


SIGNALS = [
    Row((0,), (1.0,), 0.0),
    Row((1,), (1.0,), -1.0),
    Row((1,), (1.0,), -2.0),
    Row((2, 3), (1.0, 1.0), 0.5),
    Row((4,), (1.0,), 0.5),
    Row((5,), (1.0,), 0.5),
]
"""Two signals of one value, read at once and again at the end."""

CASES = {
    "signals computed again": (
        [*SIGNALS, Row((1, 2, 3, 6), (1.0, -2.0, 2.0, 1.0), 0.0), Row((7,), (1.0,), 1.0)],
        (18, 17),
    ),
    "both sides of a fold computed again": (
        [
            Row((0,), (1.0,), 0.0),
            Row((1,), (1.0,), -1.0),
            Row((1,), (-1.0,), 1.0),
            Row((2, 3), (1.0, 1.0), 0.5),
            Row((4,), (1.0,), 0.5),
            Row((1, 5), (-1.0, 1.0), 0.25),
            Row((2, 3, 6), (1.0, -1.0, 1.0), 0.0),
        ],
        (20, 16),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_fewest_connections_are_found(name):
    rows, (begun, fewest) = CASES[name]
    assert counted(rows) == (begun, fewest, fewest)


@st.composite
def small_graphs(draw):
    """Up to five rows of one or two sources: more would take the exhaustion long."""
    rows = []
    for number in range(1, draw(st.integers(2, 6))):
        sources = draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=2))
        values = tuple(draw(weights) for _ in sources)
        rows.append(Row(tuple(sorted(sources)), values, draw(biases)))
    return Network.from_rows(rows)


@settings(max_examples=50, deadline=None)
@given(small_graphs())
def test_no_layout_is_below_the_fewest(network):
    begun, reached, least = counted(list(network.rows()), 5_000)
    assert begun >= reached >= least


def test_the_exhaustion_finds_what_carrying_misses():
    rows, (begun, fewest) = CASES["signals computed again"]
    carried = start(Network.from_rows(rows))
    assert len(wired(carried)) > 0
    assert least_connections(carried.ways, carried.depth) == fewest < begun
    assert least_connections(carried.ways, carried.depth - 1) >= IMPOSSIBLE


def consistent(schedule):
    """Whether everything that is read stands, is counted, and everything that stands is read."""
    reads = [
        read
        for place, supply in schedule.supplies.items()
        for read in schedule.reads(place, supply)
    ]
    reads.append((schedule.output, schedule.depth))
    counts = {place: number for place, number in schedule.readers.items() if number}
    return counts == Counter(reads) and schedule.supplies.keys() == counts.keys()


@settings(max_examples=60, deadline=None)
@given(networks(), st.lists(st.fractions(-9, 9, max_denominator=64), min_size=1, max_size=5))
def test_a_search_keeps_schedule_function_and_count(network, points):
    schedule = start(network)
    assert consistent(schedule)
    reroute(schedule, 20_000)
    assert consistent(schedule)
    result = Network.from_rows(wired(schedule))
    assert result.skip_connections == 0
    assert result.connections == schedule.connections
    for x in points:
        assert naive_exact(result, x) == naive_exact(network, x)


def dearest(options):
    """The opposite of ``cheapest``."""
    return max(options, key=lambda option: option.price, default=Option(0, CARRY)).supply


def test_a_move_that_does_not_pay_is_undone():
    schedule = start(sin_network(SKIP))
    before = dict(schedule.supplies), schedule.connections
    schedule.move(list(schedule.supplies)[::3], [], dearest)
    assert (schedule.supplies, schedule.connections) == before
    assert consistent(schedule)


@pytest.mark.parametrize(
    ("construction", "tol", "begun", "fewest"),
    [
        ("fold-reflect", 1e-4, 97, 89),
        ("chebyshev", 1e-3, 70, 70),
        ("taylor", 1e-3, 484, 484),
    ],
)
def test_counts_that_scripts_search_layering_proves_least(construction, tol, begun, fewest):
    network = build(construction, SKIP, tol)
    assert layered(network, effort=0).connections == begun
    assert layered(network).connections == fewest


def test_signals_of_many_folds_are_computed_again():
    network = sin_network(SKIP)
    carried, result = layered(network, effort=0), layered(network)
    assert result.connections < 0.75 * carried.connections
    for k in range(-8, 9):
        x = Fraction(k * 4567, 8192)
        assert evaluate_exact(result, x) == evaluate_exact(network, x)


def test_the_result_depends_on_the_network_alone():
    network = sin_network(SKIP)
    assert layered(network, 50_000) == layered(network, 50_000)


@pytest.mark.parametrize("bias", [Fraction(1, 2), 1 + Fraction(1, 2**80)])
def test_wide_weights_stay_wide(bias):
    """As 1 + 2⁻⁸⁰ is no float64; the halves of the input are shared nevertheless."""
    fine = 1 + Fraction(1, 2**80)
    network = Network.from_rows(
        [
            Row((0,), (Fraction(1),), Fraction(0)),
            Row((1,), (fine,), Fraction(-1)),
            Row((0, 1, 2), (fine, fine, Fraction(-2)), bias),
        ]
    )
    result = layered(network)
    assert (result.wide, result.wiring) == (True, LAYERED)
    for x in (Fraction(-3), Fraction(1, 4), Fraction(7)):
        assert evaluate_exact(result, x) == evaluate_exact(network, x)


def test_a_unit_behind_a_unit_is_read_through():
    """relu(2·relu(f) − 1) = relu(2f − 1); not so with a positive bias, or a negative weight."""
    inner = Row((1, 2), (1.0, -2.0), 0.25)
    for row, through in (
        (Row((3,), (2.0,), -1.0), [Row((1, 2), (2.0, -4.0), -0.5)]),
        (Row((3,), (2.0,), 0.5), []),
        (Row((3,), (-2.0,), -1.0), []),
    ):
        halves = [Row((0,), (1.0,), 0.0), Row((0,), (-1.0,), 0.0)]
        rows = [*halves, inner, row, Row((3, 4), (1.0, 1.0), 0.0)]
        assert ways(rows, rows)[4] == (row, *through)
