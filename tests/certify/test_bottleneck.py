"""Reductions at bottlenecks: against the plain proof, exact arithmetic, and networks made to fool.

Networks are folds z of the domain with something behind them: a fold at an extremum of the function
keeps it a function of z. They are written twice, exactly and in wires of any disguise.
"""

import math
import random
from fractions import Fraction
from functools import cache, reduce
from itertools import pairwise
from operator import or_

import mpmath
import numpy as np
import pytest
from graphs import networks
from hypothesis import given, settings
from hypothesis import strategies as st
from rational import double_double, fractions, refine

from sinrelu.arithmetic import QUARTER_TURNS
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify import Partition, bottleneck, bound, certify, cuts
from sinrelu.certify.bottleneck import Reduction, reduced, reduction, split
from sinrelu.certify.bound import Judge, outputs
from sinrelu.certify.counterexample import error_bounds
from sinrelu.certify.cuts import Cut, preimage
from sinrelu.certify.pieces import Finder
from sinrelu.constructions import build
from sinrelu.errors import ArithmeticAssumptionError, RequestError
from sinrelu.evaluate import evaluate_exact
from sinrelu.layering import layered
from sinrelu.network import Network, Row
from sinrelu.target import End, Target


def stretch(network, turns, ends, nodes):
    """What is known of a network's output on an interval that is cut at nodes."""
    blocks = outputs(Judge.of(network), ends, [nodes])
    return reduce(or_, [bottleneck._stretch(turns, *block) for block in blocks])._replace(span=ends)


laws = settings(max_examples=40, deadline=None)
both = pytest.mark.parametrize("function", ["sin", "cos"])
CELLS = Partition(parts=4, cells=4000)
PRECISE = mpmath.MPContext()
PRECISE.dps = 60
HALF_PI = PRECISE.pi / 2


class Wires:
    """Rows in the making, and a value z as a sum over the wires so far, exactly."""

    def __init__(self, domain):
        self.domain = domain
        self.rows = []
        self.form = {0: Fraction(1)}

    def unit(self, form, bias, twos=0):
        """Add relu(form + bias) times a power of two; return it as a form."""
        scale = Fraction(2) ** twos
        edges = [(wire, float(weight * scale)) for wire, weight in form.items()]
        self.rows.append(Row.of(edges, float(bias * scale)))
        return {len(self.rows): 1 / scale}

    def values(self):
        """Return z at its breakpoints and at the ends."""
        edges = [(wire, float(weight)) for wire, weight in self.form.items()]
        fold = Network([*self.rows, Row.of(edges, 0.0)])
        return refine(fold, [Fraction(end) for end in self.domain])[1]

    def fold(self, at, twos=0):
        """Reflect z downwards where it is above a number: z − 2·relu(z − at)."""
        kink = self.unit(self.form, -Fraction(at), twos)
        self.form = combined(self.form, kink, -2)

    def absolute(self, at, twos=0):
        """Make z the distance from a number, by two units that replace it."""
        above = self.unit(self.form, -Fraction(at), twos)
        below = self.unit({w: -c for w, c in self.form.items()}, Fraction(at), twos)
        self.form = combined(above, below, 1)

    def carry(self):
        """Carry every unit of z on; a wire is then read half as itself and half as its carry."""
        for wire, weight in list(self.form.items()):
            if wire:
                copy = self.unit({wire: Fraction(1)}, Fraction(0))
                self.form = combined({**self.form, wire: weight / 4}, copy, weight * 3 / 4)

    def rectify(self, twos, shift=0.0):
        """Replace z by one unit, moved by a number; say whether it is nowhere negative."""
        even = min(self.values()) >= 0
        if even:
            self.form = self.unit(self.form, Fraction(shift), twos)
        return even

    def network(self, behind):
        """Put units behind that read z times a dyadic number, the input of ``behind``."""
        shift = len(self.rows)
        rows = []
        for row in behind.rows:
            edges = [(w + shift, c) for w, c in row.edges if w]
            for weight in (c for w, c in row.edges if w == 0):
                edges += [(w, float(Fraction(weight) * c)) for w, c in self.form.items()]
            rows.append(Row.of(edges, row.bias))
        return Network([*self.rows, *rows])

    def cut(self, quarters):
        held = Network([*self.rows, Row((), (), 0.0)])
        origin = bottleneck.held_by(held)
        total = {}
        for wire, weight in self.form.items():
            total[origin[wire]] = total.get(origin[wire], 0) + weight
        terms = tuple((wire, float(weight)) for wire, weight in sorted(total.items()))
        return Cut(len(self.rows), terms, quarters)


def combined(first, second, factor):
    wires = sorted({*first, *second})
    return {w: first.get(w, Fraction(0)) + factor * second.get(w, Fraction(0)) for w in wires}


BEHIND = Network(
    [
        Row((0,), (2.0,), -1.0),
        Row((0, 1), (-0.5, 1.0), 0.25),
        Row((), (), 0.125),
        Row((0, 2, 3), (3.0, -1.0, 0.5), 0.0),
        Row((1, 4), (0.25, -0.5), 0.75),
    ]
)
"""Reads z at four places, and has a constant unit."""


@st.composite
def folded(draw):
    """A function, a domain, wires that fold it, and what to compare with behind."""
    function = draw(st.sampled_from(["sin", "cos"]))
    half = draw(st.sampled_from([7.0, 20.5, 100.0]))
    middle = draw(st.integers(-2, 2)) * 2 + 1 - QUARTER_TURNS[function]
    centre = middle * math.pi / 2
    wires = Wires((centre - half, centre + half / 2))
    twos = st.integers(-3, 3)
    wires.absolute(centre, draw(twos))
    for _ in range(draw(st.integers(0, 4))):
        least, most = (float(end(wires.values())) for end in (min, max))
        at = math.ceil((least + most) / 2 / math.pi) * math.pi
        if at < most:
            wires.fold(at, draw(twos))
        if draw(st.booleans()):
            wires.carry()
        if draw(st.booleans()):
            wires.rectify(draw(twos))
    quarters = 1 if getattr(math, function)(centre) > 0 else 3
    moved_by = draw(st.integers(0, 3))
    if moved_by and wires.rectify(0, moved_by * math.pi / 2):
        quarters = (quarters - moved_by) % 4
    return function, wires, quarters


def points_of(domain, network=None, count=40):
    """Dyadic points of a domain: its ends, random ones, and floats next to breakpoints."""
    a, b = map(Fraction, domain)
    numbers = random.Random(1)
    inner = [Fraction(numbers.uniform(float(a), float(b))) for _ in range(count)]
    breaks = [Fraction(float(x)) for x in refine(network, [a, b])[0]] if network else []
    return [x for x in [a, b, *inner, *breaks] if a <= x <= b]


def sine(x, quarters):
    exact = PRECISE.mpf(x.numerator) / x.denominator
    return PRECISE.sin(exact + quarters * HALF_PI)


def worst_difference(network, function, found: Reduction):
    """Check N = G∘z and the range at points of the domain; return the largest |g(z) − f|."""
    sign = -1 if found.cut.quarters % 4 >= 2 else 1
    low, high = map(Fraction, found.domain)
    worst = 0
    for x in points_of(found.source, found.fold):
        z = evaluate_exact(found.fold, x)
        assert low <= z <= high
        assert evaluate_exact(network, x) == sign * evaluate_exact(found.network, z)
        near = sign * sine(z, QUARTER_TURNS[found.function])
        worst = max(worst, abs(near - sine(x, QUARTER_TURNS[function])))
    return worst


@laws
@given(case=folded())
def test_a_folded_network_is_the_rest_behind_the_fold(case):
    function, wires, quarters = case
    network = wires.network(BEHIND)
    found = reduced(network, function, wires.domain, wires.cut(quarters))
    assert worst_difference(network, function, found) <= found.offset < 1e-13
    values = wires.values()
    low, high = map(Fraction, found.domain)
    assert 0 <= min(values) - low < Fraction(1, 10**13)
    assert 0 <= high - max(values) < Fraction(1, 10**13)


@laws
@given(case=folded())
def test_a_fold_is_found(case):
    function, wires, _ = case
    values = wires.values()
    found = reduction(wires.network(BEHIND), function, wires.domain, 1e-9)
    assert found.domain[1] - found.domain[0] <= float(max(values) - min(values)) + 1e-12
    assert found.offset < 1e-13


@laws
@given(case=folded(), seed=st.integers(0, 2**32))
def test_any_order_will_do(case, seed):
    function, wires, _ = case
    network = shuffled(wires.network(BEHIND), random.Random(seed))
    found = reduction(network, function, wires.domain, 1e-9)
    assert worst_difference(network, function, found) <= found.offset < 1e-13


@laws
@given(case=folded())
def test_gathered_wires_are_right_or_refused(case):
    """With layered wiring, parts of z may be added to other values before they are read."""
    function, wires, _ = case
    network = layered(wires.network(BEHIND))
    found = reduction(network, function, wires.domain, 1e-9)
    assert not found or worst_difference(network, function, found) <= found.offset < 1e-13


@both
def test_other_layers_of_the_same_function_are_cut_as_well(function):
    network = layered(built(function, -20, 20, "skip", 1e-6))
    assert network.wiring == "layered"
    found = reduction(network, function, (-20.0, 20.0), 1e-6)
    assert worst_difference(network, function, found) <= found.offset < 1e-14
    assert found.domain[1] - found.domain[0] < 3.2


def shuffled(network, numbers):
    """Number the units in another order in which each still comes after what it reads."""
    place, rows, waiting = {0: 0}, [], dict(enumerate(network.rows[:-1], start=1))
    while waiting:
        ready = [n for n, row in waiting.items() if set(row.sources) <= set(place)]
        number = numbers.choice(ready)
        rows.append(moved(waiting.pop(number), place))
        place[number] = len(rows)
    return Network([*rows, moved(network.rows[-1], place)])


def moved(row, place):
    return Row.of([(place[wire], weight) for wire, weight in row.edges], row.bias)


places = st.integers(-(2**83), 2**83).map(lambda k: Fraction(k, 2**81))
node_sets = st.lists(places, min_size=2, max_size=6, unique=True).map(sorted)
full = st.floats(-3, 3).filter(lambda w: abs(w) > 0.01)


@laws
@given(
    network=st.one_of(networks(), networks(weights=full)),
    points=node_sets,
    turns=st.tuples(st.integers(0, 1), st.integers(-5, 5)),
)
def test_whatever_the_nodes_and_the_network_the_offset_and_the_range_hold(network, points, turns):
    points = [Fraction(-4) if points[0] < 0 else Fraction(0), *points[1:-1], Fraction(4)]
    nodes = double_double(points)
    known = stretch(network, turns, (float(points[0]), 4.0), nodes)
    before, after = turns
    for x, z in zip(*refine(network, fractions(nodes)), strict=True):
        assert Fraction(known.low) <= z <= Fraction(known.high)
        assert abs(sine(z, after) - sine(x, before)) <= known.offset


@both
@laws
@given(
    sign=st.sampled_from([1.0, -1.0]),
    turns=st.integers(-300_000, 300_000),
    ends=st.lists(st.floats(-(2**19), 2**19), min_size=2, max_size=2, unique=True).map(sorted),
    off=st.sampled_from([0.0, 1e-20, -1e-15, 1e-11, 0.3]),
)
def test_the_offset_of_one_piece_is_exact_to_76_places(function, sign, turns, ends, off):
    before = QUARTER_TURNS[function]
    after = before - turns if sign > 0 else 2 - before - turns
    row = Row((0,), (sign,), turns * (math.pi / 2) + off)
    middle = sum(ends) / 2
    between = [middle] if ends[0] < middle < ends[1] else []
    low = [math.ulp(middle) / 4] * len(between)
    nodes = DoubleDouble(np.array([ends[0], *between, ends[1]]), np.array([0.0, *low, 0.0]))
    found = stretch(Network([row]), (before, after), tuple(ends), nodes).offset
    true = abs(PRECISE.mpf(row.bias) - turns * HALF_PI)
    assert true <= found <= true * (1 + 2.0**-28) + 2.0**-70


@cache
def built(function, low, high, wiring, tol):
    return build(Target(function, End.of(low), End.of(high)), wiring, tol)


@both
@pytest.mark.parametrize("wiring", ["skip", "layered"])
@pytest.mark.parametrize(("low", "high", "tol"), [(-10, 10, 1e-3), (-20, 20, 1e-6), (3, 50, 1e-5)])
def test_the_reduced_proof_agrees_with_the_plain_one(function, wiring, low, high, tol):
    network = built(function, low, high, wiring, tol)
    domain = float(low), float(high)
    found = reduction(network, function, domain, tol)
    assert found.domain[1] - found.domain[0] < 3.2
    plain = certify(network, tol, domain=domain, function=function, partition=CELLS)
    rest = certify(
        found.network,
        found.remaining(plain.tol),
        domain=found.domain,
        function=found.function,
        partition=CELLS,
    )
    assert (plain.verdict, rest.verdict) == ("proved", "proved")
    assert plain.lower_bound <= found.total(rest.sup_error) <= 1.001 * plain.sup_error
    x = preimage(found.fold, found.source, rest.witness)
    assert domain[0] <= x <= domain[1]
    at_x, _ = error_bounds(network, x, plain.tol, function)
    assert abs(float(at_x) - rest.lower_bound) <= found.offset * 1.01


@both
@pytest.mark.parametrize("wiring", ["skip", "layered"])
def test_what_is_refuted_is_refuted_either_way(function, wiring):
    network = built(function, -10, 10, wiring, 1e-3)
    tol = 7e-4
    found = reduction(network, function, (-10.0, 10.0), tol)
    rest = certify(
        found.network,
        found.remaining(Fraction(tol)),
        domain=found.domain,
        function=found.function,
        partition=CELLS,
    )
    assert rest.verdict == "refuted"
    x = preimage(found.fold, found.source, rest.witness)
    assert error_bounds(network, x, Fraction(tol), function)[0] > tol


def test_a_proof_on_a_thousand_waves():
    network = built("sin", -3141.5, 3141.5, "skip", 1e-6)
    found = reduction(network, "sin", (-3141.5, 3141.5), 1e-6)
    assert found.pieces >= 1999
    assert found.offset < 1e-12
    rest = certify(
        found.network,
        found.remaining(Fraction(1, 10**6)),
        domain=found.domain,
        function=found.function,
        partition=CELLS,
    )
    assert rest.verdict == "proved"


def test_a_preimage_is_found_all_over_the_range():
    wires = distance_from(0.0)
    found = reduction(wires.network(BEHIND), "cos", wires.domain, 1e-6)
    for z in map(Fraction, (0.0, 0.1, 1.0, 3.0, 20.0)):
        assert evaluate_exact(found.fold, preimage(found.fold, found.source, z)) == z
    low, high = map(Fraction, found.domain)
    assert abs(evaluate_exact(found.fold, preimage(found.fold, found.source, high)) - high) < 1e-14
    assert abs(preimage(found.fold, found.source, low)) < 1e-20


def distance_from(at, domain=(-20.0, 20.0)):
    wires = Wires(domain)
    wires.absolute(at)
    return wires


def offset_of(network, function="cos", domain=(-20.0, 20.0), cut=None, **options):
    cut = cut or Cut(2, ((1, 1.0), (2, 1.0)), 1)
    found = reduced(network, function, domain, cut, **options)
    return None if found is None else found.offset


def with_early(first, second, behind=BEHIND):
    """Two early units that read x by weight and bias, and what reads their sum."""
    wires = Wires((-20.0, 20.0))
    wires.rows = [Row((0,), (first[0],), first[1]), Row((0,), (second[0],), second[1])]
    wires.form = {1: Fraction(1), 2: Fraction(1)}
    return wires.network(behind)


EVEN = with_early((1.0, 0.0), (-1.0, 0.0))
"""Something of |x|."""


def test_the_offset_of_an_exact_fold_is_next_to_nothing():
    assert offset_of(EVEN) < 1e-22
    assert reduction(EVEN, "cos", (-20.0, 20.0), 1e-12).offset < 1e-22


def test_a_slope_beside_1_is_in_the_offset():
    steep = 1 + 2.0**-40
    network = with_early((steep, 0.0), (-1.0, 0.0))
    assert 20 * 2.0**-40 <= offset_of(network) <= 20.001 * 2.0**-40
    assert reduction(network, "cos", (-20.0, 20.0), 1e-12) is None
    assert reduction(network, "cos", (-20.0, 20.0), 1e-9).offset >= 20 * 2.0**-40


def test_an_offset_of_1e_11_is_in_the_offset():
    network = with_early((1.0, 1e-11), (-1.0, -1e-11))
    assert 1e-11 <= offset_of(network) <= 1.001e-11
    assert reduction(network, "cos", (-20.0, 20.0), 1e-12) is None


def test_an_offset_above_what_may_be_is_refused():
    network = with_early((1.0, 1e-11), (-1.0, -1e-11))
    assert offset_of(network, most=1.01e-11) < math.inf
    assert offset_of(network, most=1e-11) is None


@pytest.mark.parametrize("weight", [1e-300, 5e-324, -1.0])
@pytest.mark.parametrize("wire", [0, 1])
def test_a_second_path_is_seen_however_thin(weight, wire):
    *rows, output = EVEN.rows
    network = Network([*rows, Row.of([(wire, weight), *output.edges], output.bias)])
    assert offset_of(network) is None
    assert reduction(network, "cos", (-20.0, 20.0), 1e-3) is None


def test_a_proportion_off_by_an_ulp_is_none():
    rows = list(EVEN.rows)
    first, second = rows[2].weights
    beside = math.nextafter(first, 0), math.nextafter(second, 9)
    for weights in ((first, beside[1]), (beside[0], second), (first, -second)):
        rows[2] = Row((1, 2), weights, rows[2].bias)
        assert offset_of(Network(rows)) is None
        assert reduction(Network(rows), "cos", (-20.0, 20.0), 1e-3) is None


def test_a_row_that_reads_some_of_the_wires_is_none():
    rows = list(EVEN.rows)
    rows[2] = Row((1,), (2.0,), rows[2].bias)
    assert offset_of(Network(rows)) is None


def test_a_factor_that_is_no_float64_is_none():
    rows = list(EVEN.rows)
    rows[2] = Row((1, 2), (0.1, 0.1), 0.0)
    assert offset_of(Network(rows)) < 1e-22
    cut = Cut(2, ((1, 3.0), (2, 3.0)), 1)
    assert split(Network(rows), cut) is None


def test_a_fold_at_a_zero_is_refused():
    assert offset_of(EVEN, function="sin") > 1
    assert reduction(EVEN, "sin", (-20.0, 20.0), 1e-1) is None


@both
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_phase_is_right_or_refused(function, quarters):
    """One fold at an extremum and then one at a zero: all cuts of the second are wrong."""
    wires = distance_from(0.0 if function == "cos" else math.pi / 2)
    right = 1
    assert (offset_of(wires.network(BEHIND), function, cut=wires.cut(quarters)) < 1) == (
        quarters == right
    )
    wires.fold(2.5 * math.pi)
    network = wires.network(BEHIND)
    assert offset_of(network, function, cut=wires.cut(quarters)) > 1


@pytest.mark.parametrize("twos", [-500, -490, -30, 30, 490])
def test_weights_of_all_sizes(twos):
    wires = Wires((-20.0, 20.0))
    wires.absolute(0.0, twos)
    network = wires.network(BEHIND)
    found = reduction(network, "cos", wires.domain, 1e-12)
    assert worst_difference(network, "cos", found) <= found.offset < 1e-22


@pytest.mark.parametrize("twos", [-510, 510])
def test_weights_beyond_what_is_proved_are_refused(twos):
    wires = Wires((-20.0, 20.0))
    wires.absolute(0.0, twos)
    assert offset_of(wires.network(BEHIND), cut=wires.cut(1)) is None
    assert reduction(wires.network(BEHIND), "cos", wires.domain, 1e-12) is None


def test_an_overflow_is_refused():
    rows = [Row((0,), (1e300,), 0.0), Row((1,), (1e300,), 0.0), Row((0,), (1e300,), 0.0)]
    rows += [Row((2, 3), (1.0, -1e300), 0.0), Row((4,), (1.0,), 1.0), Row((4, 5), (1.0, 2.0), 0.0)]
    network = Network(rows)
    assert reduction(network, "sin", (-20.0, 20.0), 1e-3) is None
    assert offset_of(network, cut=Cut(4, ((4, 1.0),), 0)) is None


def test_a_value_that_does_not_change_is_no_reduction():
    rows = [Row((0,), (1.0,), -30.0), Row((1,), (1.0,), 1.0), Row((1, 2), (1.0, 1.0), 0.0)]
    assert reduction(Network(rows), "sin", (-20.0, 20.0), 1e-3) is None


def test_a_range_beyond_the_sine_is_refused():
    """z = |x| + 2²⁰, nearly: the phase is right."""
    turns = round(2.0**20 / (2 * math.pi)) * 2 * math.pi
    early = Wires((-20.0, 20.0))
    early.absolute(0.0)
    early.form = early.unit(early.form, Fraction(turns))
    assert offset_of(early.network(BEHIND), cut=early.cut(1)) is None
    far = -(2.0**20), 2.0**20
    for weight in (1.0, -1.0):
        assert offset_of(EVEN, domain=far, cut=Cut(2, ((1, weight), (2, weight)), 1)) is None


def test_a_domain_that_is_not_folded_is_left_alone():
    network = built("sin", -3, 3, "skip", 1e-3)
    assert reduction(network, "sin", (-3.0, 3.0), 1e-3) is None
    assert reduction(Network([Row((), (), 0.75)]), "sin", (-3.0, 3.0), 1e-3) is None
    assert reduction(Network([Row((0,), (1.0,), 0.0)]), "sin", (-3.0, 3.0), 1e-3) is None


def test_a_wire_read_twice_counts_exactly():
    """By itself and by its carry: 1 + 2⁻⁶⁰ is no float64, 1/4 + 3/4 is one."""
    for parts, expected in (((0.25, 0.75), True), ((1.0, 2.0**-60), False), ((1.0, -1.0), True)):
        rows = [*EVEN.rows[:2], Row((1,), (1.0,), 0.0)]
        total = sum(parts)
        weights = [(1, parts[0]), (2, total), (3, parts[1])]
        rows += [Row.of(weights, -1.0), Row.of([*weights, (4, 1.0)], 0.5)]
        network = Network(rows)
        found = reduction(network, "cos", (-20.0, 20.0), 1e-3)
        assert (offset_of(network) is not None) == expected
        assert (found is not None) == (expected and total != 0)


@pytest.mark.parametrize(("weight", "bias"), [(2.0, 0.0), (1.0, 0.5), (1.0, 5e-324)])
def test_what_is_nearly_a_carry_is_none(weight, bias):
    rows = [*EVEN.rows[:2], Row((1,), (weight,), bias)]
    rows += [Row.of([(1, 0.25), (2, 1.0), (3, 0.75)], at) for at in (-1.0, 0.5)]
    network = Network([*rows, Row((4, 5), (1.0, 1.0), 0.0)])
    for early in (2, 3):
        assert split(network, Cut(early, ((1, 1.0), (2, 1.0)), 1)) is None


def test_a_kink_that_the_nodes_miss_is_in_the_offset_and_in_the_range():
    """x and a tent on it, whose feet are nodes."""
    kinks = [Row((0,), (1.0,), -float(at)) for at in (1, 2, 3)]
    tent = Network([*kinks, Row((0, 1, 2, 3), (1.0, 8.0, -16.0, 8.0), 0.0)])
    nodes = DoubleDouble(np.array([0.0, 1.0, 3.0, 4.0]), np.zeros(4))
    known = stretch(tent, (0, 0), (0.0, 4.0), nodes)
    assert known.offset >= 8
    assert known.high >= 10
    upside_down = Network([*kinks, Row((0, 1, 2, 3), (1.0, -8.0, 16.0, -8.0), 0.0)])
    assert stretch(upside_down, (0, 0), (0.0, 4.0), nodes).low <= -6


def test_constant_units_and_unread_ones_are_no_second_path():
    unread, constant = Row((1,), (7.0,), 0.0), Row((), (), 1.5)
    rows = [*EVEN.rows[:2], unread, constant, Row((4,), (2.0,), -1.0)]
    rows += [Row((1, 2, 4), (1.0, 1.0, 1.0), 0.0), Row((1, 2, 5, 6), (2.0, 2.0, 1.0, -1.0), 0.0)]
    network = Network(rows)
    found = reduction(network, "cos", (-20.0, 20.0), 1e-3)
    assert worst_difference(network, "cos", found) <= found.offset < 1e-22


def test_cuts_that_are_none_are_refused():
    for cut in (
        Cut(99, ((1, 1.0), (2, 1.0)), 1),
        Cut(2, ((1, 1.0), (3, 1.0)), 1),
        Cut(2, ((1, 1.0),), 1),
        Cut(2, (), 1),
        Cut(2, ((1, 0.0), (2, 1.0)), 1),
        Cut(1, ((1, 1.0), (0, 1.0)), 1),
        Cut(2, ((-1, 1.0), (2, 1.0)), 1),
    ):
        assert split(EVEN, cut) is None
    nowhere = Network([*EVEN.rows[:2], Row((), (), 0.75)])
    assert split(nowhere, Cut(2, ((1, 1.0),), 1)) is not None
    for cut in Cut(1, ((2, 1.0),), 1), Cut(3, ((3, 1.0),), 1), Cut(99, ((50, 1.0),), 1):
        assert split(nowhere, cut) is None


def test_a_gap_between_parts_is_no_proof(monkeypatch):
    whole = list(Finder.of(EVEN).blocks((-20.0, 20.0)))
    assert offset_of(EVEN) < 1
    for parts in ([(-20.0, 1.0), (2.0, 20.0)], [(-19.0, 20.0)], [(-20.0, 19.0)], []):
        monkeypatch.setattr(bottleneck, "subintervals", lambda *_, parts=parts: parts)
        assert offset_of(EVEN) is None
    assert len(whole) == 1


def test_parts_are_joined_by_their_worst():
    values = [
        bottleneck.Stretch(offset, low, low + 1, 1, 0, (start, start + 1.0))
        for start, offset, low in ((0.0, 3.0, 0.0), (1.0, math.nan, -1.0), (2.0, 1.0, 5.0))
    ]
    first, gap, last = values
    joined = first | gap | last
    assert (joined.low, joined.high, joined.span, joined.cells) == (-1.0, 6.0, (0.0, 3.0), 3)
    assert math.isnan(joined.offset)
    assert (first | last).span == (0.0, 1.0)
    assert (last | first).offset == (first | last).offset == 3.0
    assert (last | first).low == (first | last).low == 0.0
    assert (last | first).high == (first | last).high == 6.0


def test_too_many_pieces_are_given_up(monkeypatch):
    monkeypatch.setattr(bottleneck, "most_cells", lambda _: 1)
    assert offset_of(EVEN) is None


def test_nodes_and_arithmetic_are_checked(monkeypatch):
    nodes = DoubleDouble(np.array([-20.0, 3.0, 2.0, 20.0]), np.zeros(4))
    with pytest.raises(RequestError, match="nodes"):
        stretch(EVEN, (1, 1), (-20.0, 20.0), nodes)

    def refuse(_backend):
        raise ArithmeticAssumptionError("no")

    monkeypatch.setattr(bound, "check_arithmetic", refuse)
    with pytest.raises(ArithmeticAssumptionError):
        offset_of(EVEN)


def test_requests_that_cannot_be_judged():
    for function, domain, tol, message in (
        ("tan", (-1.0, 1.0), 1, "function"),
        ("sin", (1.0, -1.0), 1, "domain"),
        ("sin", (0.0, 2.0**21), 1, "domain"),
        ("sin", (0.0, math.nan), 1, "domain"),
        ("sin", (0.0, 1.0), 0, "tol"),
    ):
        with pytest.raises(RequestError, match=message):
            reduction(EVEN, function, domain, tol)
    wide = Network([Row((0,), (Fraction(2**60 + 1, 2**60),), 0.0)])
    with pytest.raises(RequestError, match="bits"):
        reduction(wide, "sin", (0.0, 1.0), 1)


def test_sums_are_rounded_upwards():
    found = reduction(built("sin", -10, 10, "skip", 1e-3), "sin", (-10.0, 10.0), 1e-3)
    for error in (1e-3, 1e-12, 0.0, 5e-324):
        total = found.total(error)
        assert Fraction(total) >= Fraction(error) + Fraction(found.offset)
        assert total <= math.nextafter(error + found.offset, 1)
    assert found.total(math.inf) == math.inf
    assert found.total(math.nan) == math.inf
    assert found.remaining(Fraction(1, 1000)) + Fraction(found.offset) == Fraction(1, 1000)


@pytest.mark.parametrize(("wide", "expected"), [(64, [64]), (65, [])])
def test_a_wide_layer_is_not_proposed(wide, expected):
    wires = tuple(range(1, wide + 1))
    rows = [Row((0,), (1.0,), float(-wire)) for wire in wires]
    rows += [Row(wires, (1.0,) * wide, bias) for bias in (0.0, -1.0)]
    rows.append(Row((wide + 1, wide + 2), (1.0, 1.0), 0.0))
    found = cuts.bottlenecks(Network(rows))
    assert [len(each.values) for each in found] == expected


def test_progress_rises_to_1():
    seen = []
    reduction(built("sin", -10, 10, "skip", 1e-3), "sin", (-10.0, 10.0), 1e-3, progress=seen.append)
    assert seen[-1] == 1
    assert all(before <= after for before, after in pairwise(seen))
