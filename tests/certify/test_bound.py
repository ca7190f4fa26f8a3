"""The trusted bound, against exact rational arithmetic piece by piece."""

import ctypes
import math
import platform
import sys
from fractions import Fraction
from functools import partial
from itertools import pairwise

import flint
import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from rational import deviation_of_piece, double_double, fractions, per_cell, refine

from sinrelu.arithmetic.double_double import LARGEST, DoubleDouble, U
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify import bound
from sinrelu.certify.bound import check_arithmetic, check_nodes, deviation
from sinrelu.constructions import build
from sinrelu.errors import ArithmeticAssumptionError, RequestError
from sinrelu.network import Network, Row

laws = settings(max_examples=100, deadline=None)
places = st.integers(-(2**83), 2**83).map(lambda k: Fraction(k, 2**81))
node_sets = st.lists(places, min_size=2, max_size=6, unique=True).map(sorted)
full = st.floats(-3, 3).filter(lambda w: abs(w) > 0.01)
wild = st.builds(lambda w, e: w * 2.0**e, full, st.integers(-70, 70))
small = st.sampled_from([1.0, -1.0, 0.5, -0.75, 2.0, -1.5])


both = pytest.mark.parametrize("function", ["sin", "cos"])


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(200):
        yield


def excess_over_radius(network, points):
    """Largest excess of |N − L| over ρ on a cell (points 1 to 4), exactly, and the radii."""
    nodes = double_double(points)
    cells = fractions(nodes)
    with np.errstate(all="ignore"):
        output, radius = bound._output(network, nodes)
    line = fractions(output)

    def distance(i, *ends):
        """N and L are affine on a piece, so the ends decide."""
        slope = (line[i + 1] - line[i]) / (cells[i + 1] - cells[i])
        return max(abs(y - line[i] - slope * (x - cells[i])) for x, y in ends)

    found = per_cell(cells, *refine(network, cells), distance)
    return max(d - Fraction(r) for d, r in zip(found, radius.tolist(), strict=True)), radius


def bounds(network, points, function="sin"):
    """The bound on every cell, and the true sup of |N − f| on it; the ends are float64."""
    nodes = double_double(points)
    cells = fractions(nodes)
    ends = float(cells[0]), float(cells[-1])
    result = deviation(network, ends, nodes, function)
    worst = partial(deviation_of_piece, function=function)
    return result.bound, per_cell(cells, *refine(network, cells), worst)


def float_ends(points):
    """Move the first and the last node outwards to a float64."""
    return [Fraction(-4) if points[0] < 0 else Fraction(0), *points[1:-1], Fraction(4)]


@laws
@given(network=networks(), points=node_sets)
def test_output_is_affine_within_its_radius(network, points):
    assert excess_over_radius(network, points)[0] <= 0


@laws
@given(network=networks(weights=full), points=node_sets)
def test_rounding_is_within_the_radius(network, points):
    assert excess_over_radius(network, points)[0] <= 0


@laws
@given(network=networks(weights=wild), points=node_sets)
def test_weights_of_all_sizes_are_within_the_radius(network, points):
    assert excess_over_radius(network, points)[0] <= 0


@laws
@given(network=networks(weights=small), points=node_sets)
def test_cells_between_breakpoints_have_a_negligible_radius(network, points):
    exact, _ = refine(network, points)
    excess, radius = excess_over_radius(network, sorted(set(fractions(double_double(exact)))))
    assert excess <= 0
    assert radius.max() < 2.0**-75


@both
@laws
@given(network=networks(), points=node_sets)
def test_deviation_holds_on_arbitrary_cells(function, network, points):
    found, truth = bounds(network, float_ends(points), function)
    assert all(b >= float(t) for b, t in zip(found, truth, strict=True))


@both
@laws
@given(a=st.floats(-2, 2), b=st.floats(-2, 2), points=node_sets)
def test_deviation_of_one_affine_piece(function, a, b, points):
    """Point 5 alone: sound, and the excess is the third order that the docstring allows."""
    row = Row((0,), (a,), b) if a else Row((), (), b)
    cells = float_ends(points)
    found, truth = bounds(Network([row]), cells, function)
    for bounded, true, left, right in zip(found, truth, cells, cells[1:], strict=False):
        width = float(right - left)
        assert float(true) <= bounded <= float(true) * (1 + 2.0**-28) + width**3 / 8 + 5e-15


def near(function, slack):
    """The interpolation of f at multiples of 1/16, lifted: a network close to f."""
    knots = np.arange(-64, 65) / 16
    f = {"sin": np.sin, "cos": np.cos}[function]
    slopes = np.diff(f(knots)) * 16
    turns = np.append(slopes[0], np.diff(slopes))
    rows = [Row((0,), (1.0,), -knot) for knot in knots[:-1][turns != 0].tolist()]
    turns = turns[turns != 0].tolist()
    rows.append(Row(tuple(range(1, len(rows) + 1)), tuple(turns), float(f(-4)) + slack))
    return Network(rows), [Fraction(knot) for knot in knots.tolist()]


@both
@pytest.mark.parametrize("slack", [0.0, 1e-4, -3e-4, 5e-4])
def test_deviation_is_tight_near_the_function(slack, function):
    found, truth = bounds(*near(function, slack), function)
    for bounded, true in zip(found, truth, strict=True):
        assert float(true) <= bounded <= float(true) + 1 / 16**3 / 8


@pytest.mark.parametrize("tol", [0.3, 1e-2, 1e-3])
def test_deviation_of_fold_reflect_is_within_a_per_mille(tol):
    network = build("fold-reflect", "skip", tol)
    grid = [Fraction(k, 32) for k in range(-101, 102)]
    points, _ = refine(network, grid)
    nodes = sorted(set(fractions(double_double(points))))
    nodes = [a for a, b in pairwise(nodes) if b - a > 2.0**-90] + nodes[-1:]
    found, truth = bounds(network, nodes)
    sup = max(float(t) for t in truth)
    assert all(b >= float(t) for b, t in zip(found, truth, strict=True))
    assert sup <= found.max() <= 1.001 * sup


def row(*edges, bias=0.0):
    return Row(tuple(s for s, _ in edges), tuple(w for _, w in edges), bias)


HARD = {
    "constant": CONSTANT,
    "output reads the input": ABSOLUTE,
    "tent": TENT,
    "constant unit": Network([row(bias=0.7), row(bias=-0.7), row((1, 1.3), (2, 0.9))]),
    "carries": Network(
        [row((0, 1.7), bias=0.1), row((1, 1.0)), row((2, 1.0)), row((0, 1.0)), row((3, -0.3))]
    ),
    "looks like a carry, with a bias": Network(
        [row((0, 1.7)), row((1, 1.0), bias=0.25), row((2, 1.0))]
    ),
    "looks like a carry, of the input": Network([row((0, 1.0)), row((1, 1.0))]),
    "looks like a carry, is the output": Network([row((0, -1.0)), row((1, 1.0))]),
    "bump that every node misses": Network(
        [row((0, 1.0), bias=-0.5), row((0, 0.5), (1, -1.0), bias=0.0), row((2, 8.0))]
    ),
    "smallest weight": Network([row((0, 5e-324), bias=5e-324), row((0, 1.0), (1, 2.0**499))]),
    "bias far above the rest": Network(
        [row((0, 1.1 * 2.0**-40), bias=math.pi), row((1, 2.0**100), bias=-math.pi * 2.0**100)]
    ),
    "only a product": Network([row((0, math.e)), row((1, math.pi * 2.0**90))]),
    "the same sum twice": Network(
        [
            row((0, 1.1), bias=7.7),
            row((1, math.e), bias=-0.3),
            row((0, 1.1 * math.e * 2.0**100), (2, -(2.0**100)), bias=0.1),
        ]
    ),
}


@pytest.mark.parametrize("name", HARD)
@settings(max_examples=25, deadline=None)
@given(points=node_sets)
def test_hard_networks_are_within_the_radius(name, points):
    assert excess_over_radius(HARD[name], points)[0] <= 0
    found, truth = bounds(HARD[name], float_ends(points))
    assert all(b >= float(t) for b, t in zip(found, truth, strict=True))


def test_an_unseen_bump_is_in_the_bound():
    """No node is inside, both ends look like 0: only the radius of a dead unit knows."""
    network = HARD["bump that every node misses"]
    excess, radius = excess_over_radius(network, [Fraction(0), Fraction(1)])
    assert excess <= 0
    assert radius[0] >= 2  # the height of the bump at x = 1/2


@pytest.mark.parametrize("depth", [0.01, 0.3, 0.6, 0.99])
def test_a_dead_unit_may_wake_inside_a_cell(depth):
    """relu(2⁷⁰x + 1) is nearly a jump at 0, its chord is x + 1, and x + 1 minus it nearly 1."""
    rows = [row((0, 2.0**70), bias=1.0), row((0, 1.0), (1, -1.0), bias=1.0 - depth), row((2, 1.0))]
    excess, radius = excess_over_radius(Network(rows), [Fraction(-1), Fraction(0)])
    assert excess <= 0
    assert radius[0] >= (1 - depth) * (1 - 1e-9)


@laws
@given(
    weight=st.floats(1, 2).map(lambda w: w * 2.0**499),
    places=st.lists(st.integers(2**63, 2**64 - 1), min_size=2, max_size=3, unique=True),
)
def test_arguments_near_underflow_are_within_the_radius(weight, places):
    """κ·m underflows to 0 for the input here, and a weight of 2⁴⁹⁹ makes that visible."""
    points = [Fraction(k, 2**1074) for k in sorted(places)]
    assert excess_over_radius(Network([row((0, weight))]), points)[0] <= 0


@both
@laws
@given(x=st.floats(-4, 4))
def test_rounding_of_the_function_is_within_the_bound(function, x):
    """The output is the nearest float64 to f(x), so the truth is below u, and it is covered."""
    constant = Network([Row((), (), getattr(math, function)(x))])
    found, truth = bounds(constant, [Fraction(x), Fraction(math.nextafter(x, 5))], function)
    assert float(truth[0]) <= found[0] <= float(truth[0]) + 32 * U


@pytest.mark.parametrize("weight", [1e308, -1e308, LARGEST * 2, -LARGEST * 2])
def test_weights_beyond_the_range_bound_nothing(weight):
    nodes = double_double([Fraction(0), Fraction(1)])
    for network in (
        Network([row((0, weight))]),
        Network([row((0, 1.0), bias=weight), row((0, 1.0))]),
    ):
        assert deviation(network, (0.0, 1.0), nodes).bound.tolist() == [math.inf]


@pytest.mark.parametrize("sign", [1, -1])
def test_values_beyond_the_range_bound_nothing_where_they_occur(sign):
    """The unit is above 2⁵⁰⁰ right of 1, and what reads it then overflows or cancels."""
    rows = [row((0, LARGEST)), row((1, LARGEST)), row((2, LARGEST))]
    rows += [row((2, LARGEST), (3, -1.0)), row((0, 1.0), (4, sign * LARGEST))]
    nodes = double_double([Fraction(x) for x in (-2, -1, 1, 2)])
    found = deviation(Network(rows), (-2.0, 2.0), nodes)
    assert np.isfinite(found.bound).tolist() == [True, False, False]
    assert np.isinf(found.radius).tolist() == [False, True, True]


def test_values_above_the_range_bound_nothing_even_if_they_do_not_overflow():
    net = Network([row((0, LARGEST)), row((1, 2.0**-510))])
    nodes = double_double([Fraction(x) for x in (0, 1, 2)])
    found = deviation(net, (0.0, 2.0), nodes)
    assert np.isfinite(found.bound).tolist() == [True, False]


def test_huge_fan_in():
    """Many units of one value, summed and cancelled by a bias: κ grows with the square."""
    many = 200
    rows = [row((0, 0.1), bias=1.0)] * many
    rows.append(row(*((k, 0.1) for k in range(1, many + 1)), bias=-20.0))
    excess, radius = excess_over_radius(Network(rows), [Fraction(-1), Fraction(3)])
    assert excess <= 0
    assert radius[0] < 1e-15


GOOD = DoubleDouble(np.array([-1.0, 0.25, 2.0]), np.array([0.0, 2.0**-60, 0.0]))


@pytest.mark.parametrize(
    ("hi", "lo"),
    [
        ([-1.0, 0.25, 1.5], [0.0, 0.0, 0.0]),  # do not reach b
        ([-0.5, 0.25, 2.0], [0.0, 0.0, 0.0]),  # do not reach a
        ([-1.0, 0.25, 2.0], [0.0, 0.0, 2.0**-60]),  # reach past b
        ([-1.0, 0.25, 2.0], [2.0**-60, 0.0, 0.0]),  # begin behind a
        ([-1.0, 2.5, 2.0], [0.0, 0.0, 0.0]),  # unsorted
        ([-1.0, 0.25, 0.25, 2.0], [0.0, 0.0, 0.0, 0.0]),  # twice the same
        ([-1.0, 0.25, 0.25, 2.0], [0.0, 2.0**-60, 2.0**-61, 0.0]),  # low parts unsorted
        ([-1.0, 0.25, 2.0], [0.0, 0.1, 0.0]),  # not normalised
        ([-1.0, math.nan, 2.0], [0.0, 0.0, 0.0]),
        ([-1.0, 0.25, 2.0], [0.0, math.nan, 0.0]),
        ([-1.0], [0.0]),
        ([], []),
    ],
)
def test_nodes_that_are_no_partition_are_refused(hi, lo):
    check_nodes(GOOD, (-1.0, 2.0))
    with pytest.raises(RequestError, match="nodes"):
        deviation(TENT, (-1.0, 2.0), DoubleDouble(np.array(hi), np.array(lo)))


def test_an_unknown_function_is_refused():
    with pytest.raises(RequestError, match="function: 'tan' is unknown; choose from sin, cos"):
        deviation(TENT, (-1.0, 2.0), GOOD, "tan")


def test_nodes_beyond_the_limit_or_of_another_type_are_refused():
    far = 2 * LIMIT
    for hi in (np.array([0.0, far]), np.array([0, 1]), np.array([0, 1], dtype=np.longdouble)):
        with pytest.raises(RequestError, match="nodes"):
            check_nodes(DoubleDouble(hi, hi * 0), (0.0, float(hi[1])))


@pytest.mark.parametrize("block", [1, 2, 7, 100])
def test_results_do_not_depend_on_the_block(block, monkeypatch):
    network, points = near("sin", 0.0)
    nodes = double_double(points)
    usual = deviation(network, (-4.0, 4.0), nodes)
    monkeypatch.setattr(bound, "BLOCK", block)
    again = deviation(network, (-4.0, 4.0), nodes)
    assert again.bound.tolist() == usual.bound.tolist()
    assert again.radius.tolist() == usual.radius.tolist()


@pytest.mark.parametrize("kind", [np.float32, np.longdouble])
def test_other_arithmetic_is_refused(kind, monkeypatch):
    class Numpy:
        def __getattr__(self, name):
            return getattr(np, name)

        def ones(self, count):
            return np.ones(count, dtype=kind)

    check_arithmetic()
    monkeypatch.setattr(bound, "np", Numpy())
    with pytest.raises(ArithmeticAssumptionError, match="IEEE 754"):
        check_arithmetic()


def test_flushing_to_zero_is_refused(monkeypatch):
    class Flushing(np.ndarray):
        def __truediv__(self, other):
            quotient = np.asarray(self) / other
            return np.where(np.abs(quotient) < 2.0**-1022, 0, quotient)

    class Numpy:
        def __getattr__(self, name):
            return getattr(np, name)

        def ones(self, count):
            return np.ones(count).view(Flushing)

    monkeypatch.setattr(bound, "np", Numpy())
    with pytest.raises(ArithmeticAssumptionError, match="gradual underflow"):
        check_arithmetic()


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="sets a flag of x86-64"
)
@pytest.mark.parametrize("flags", [0x8000, 0x40, 0x8040])
def test_a_processor_that_flushes_to_zero_is_refused(flags):
    """Also one that takes subnormals for 0 (0x40), and so finds them equal to what it makes."""
    libm = ctypes.CDLL(None)
    usual = ctypes.create_string_buffer(64)
    assert libm.fegetenv(usual) == 0
    words = np.frombuffer(usual.raw, np.uint32).copy()
    words[7] |= flags  # the control register of the vector units
    try:
        libm.fesetenv(words.ctypes.data_as(ctypes.c_void_p))
        with pytest.raises(ArithmeticAssumptionError):
            check_arithmetic()
    finally:
        libm.fesetenv(usual)
    check_arithmetic()
