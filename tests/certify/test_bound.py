"""The trusted bound, against exact rational arithmetic piece by piece."""

import ctypes
import math
import platform
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

import flint
import numpy as np
import pytest
from following import deviation, follow_block
from graphs import ABSOLUTE, CONSTANT, TENT, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from rational import deviation_of_piece, double_double, fractions, per_cell, refine

from sinrelu.arithmetic.double_double import LARGEST, DoubleDouble, U
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify import assumptions
from sinrelu.certify.assumptions import check_arithmetic, compute_examples
from sinrelu.certify.bound import Judge, blocks_of, check_nodes, deviations
from sinrelu.certify.rounding import Rounding
from sinrelu.constructions import build
from sinrelu.errors import ArithmeticAssumptionError, RequestError
from sinrelu.kernels import BACKENDS, NUMPY
from sinrelu.network import Network, Row

laws = settings(max_examples=100, deadline=None)
places = st.integers(-(2**83), 2**83).map(lambda k: Fraction(k, 2**81))
node_sets = st.lists(places, min_size=2, max_size=6, unique=True).map(sorted)
full = st.floats(-3, 3).filter(lambda w: abs(w) > 0.01)
wild = st.builds(lambda w, e: w * 2.0**e, full, st.integers(-70, 70))
small = st.sampled_from([1.0, -1.0, 0.5, -0.75, 2.0, -1.5])


both = pytest.mark.parametrize("function", ["sin", "cos"])
backends = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(200):
        yield


def excess_over_radius(network, points, backend=NUMPY):
    """Largest excess of |N − L| over ρ on a cell (points 1 to 4), exactly, and the radii."""
    nodes = double_double(points)
    cells = fractions(nodes)
    output, radius, *_ = follow_block(network, nodes, backend=backend)
    line = fractions(output)

    def distance(i, *ends):
        """N and L are affine on a piece, so the ends decide."""
        slope = (line[i + 1] - line[i]) / (cells[i + 1] - cells[i])
        return max(abs(y - line[i] - slope * (x - cells[i])) for x, y in ends)

    found = per_cell(cells, *refine(network, cells), distance)
    return max(d - Fraction(r) for d, r in zip(found, radius.tolist(), strict=True)), radius


def bounds(network, points, function="sin", backend=NUMPY):
    """The bound on every cell, and the true sup of |N − f| on it; the ends are float64."""
    nodes = double_double(points)
    cells = fractions(nodes)
    ends = float(cells[0]), float(cells[-1])
    result = deviation(network, ends, nodes, function, backend=backend)
    worst = partial(deviation_of_piece, function=function)
    return result.bound, per_cell(cells, *refine(network, cells), worst)


def float_ends(points):
    """Move the first and the last node outwards to a float64."""
    return [Fraction(-4) if points[0] < 0 else Fraction(0), *points[1:-1], Fraction(4)]


@backends
@laws
@given(network=networks(), points=node_sets)
def test_output_is_affine_within_its_radius(backend, network, points):
    assert excess_over_radius(network, points, backend=backend)[0] <= 0


@backends
@laws
@given(network=networks(weights=full), points=node_sets)
def test_rounding_is_within_the_radius(backend, network, points):
    assert excess_over_radius(network, points, backend=backend)[0] <= 0


@backends
@laws
@given(network=networks(weights=wild), points=node_sets)
def test_weights_of_all_sizes_are_within_the_radius(backend, network, points):
    assert excess_over_radius(network, points, backend=backend)[0] <= 0


@backends
@laws
@given(network=networks(weights=small), points=node_sets)
def test_cells_between_breakpoints_have_a_negligible_radius(backend, network, points):
    exact, _ = refine(network, points)
    excess, radius = excess_over_radius(
        network, sorted(set(fractions(double_double(exact)))), backend=backend
    )
    assert excess <= 0
    assert radius.max() < 2.0**-75


@backends
@both
@laws
@given(network=networks(), points=node_sets)
def test_deviation_holds_on_arbitrary_cells(backend, function, network, points):
    found, truth = bounds(network, float_ends(points), function, backend=backend)
    assert all(b >= float(t) for b, t in zip(found, truth, strict=True))


@backends
@both
@laws
@given(a=st.floats(-2, 2), b=st.floats(-2, 2), points=node_sets)
def test_deviation_of_one_affine_piece(backend, function, a, b, points):
    """Point 5 alone: sound, and the excess is the third order that the docstring allows."""
    row = Row((0,), (a,), b) if a else Row((), (), b)
    cells = float_ends(points)
    found, truth = bounds(Network([row]), cells, function, backend=backend)
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


@backends
@both
@pytest.mark.parametrize("slack", [0.0, 1e-4, -3e-4, 5e-4])
def test_deviation_is_tight_near_the_function(backend, slack, function):
    found, truth = bounds(*near(function, slack), function, backend=backend)
    for bounded, true in zip(found, truth, strict=True):
        assert float(true) <= bounded <= float(true) + 1 / 16**3 / 8


@backends
@pytest.mark.parametrize("tol", [0.3, 1e-2, 1e-3])
def test_deviation_of_fold_reflect_is_within_a_per_mille(backend, tol):
    network = build("fold-reflect", "skip", tol)
    grid = [Fraction(k, 32) for k in range(-101, 102)]
    points, _ = refine(network, grid)
    nodes = sorted(set(fractions(double_double(points))))
    nodes = [a for a, b in pairwise(nodes) if b - a > 2.0**-90] + nodes[-1:]
    found, truth = bounds(network, nodes, backend=backend)
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


@backends
@pytest.mark.parametrize("name", HARD)
@settings(max_examples=25, deadline=None)
@given(points=node_sets)
def test_hard_networks_are_within_the_radius(backend, name, points):
    assert excess_over_radius(HARD[name], points, backend=backend)[0] <= 0
    found, truth = bounds(HARD[name], float_ends(points), backend=backend)
    assert all(b >= float(t) for b, t in zip(found, truth, strict=True))


@backends
def test_an_unseen_bump_is_in_the_bound(backend):
    """No node is inside, both ends look like 0: only the radius of a dead unit knows."""
    network = HARD["bump that every node misses"]
    excess, radius = excess_over_radius(network, [Fraction(0), Fraction(1)], backend=backend)
    assert excess <= 0
    assert radius[0] >= 2  # the height of the bump at x = 1/2


@backends
@pytest.mark.parametrize("depth", [0.01, 0.3, 0.6, 0.99])
def test_a_dead_unit_may_wake_inside_a_cell(backend, depth):
    """relu(2⁷⁰x + 1) is nearly a jump at 0, its chord is x + 1, and x + 1 minus it nearly 1."""
    rows = [row((0, 2.0**70), bias=1.0), row((0, 1.0), (1, -1.0), bias=1.0 - depth), row((2, 1.0))]
    excess, radius = excess_over_radius(Network(rows), [Fraction(-1), Fraction(0)], backend=backend)
    assert excess <= 0
    assert radius[0] >= (1 - depth) * (1 - 1e-9)


@backends
@laws
@given(
    weight=st.floats(1, 2).map(lambda w: w * 2.0**499),
    places=st.lists(st.integers(2**63, 2**64 - 1), min_size=2, max_size=3, unique=True),
)
def test_arguments_near_underflow_are_within_the_radius(backend, weight, places):
    """κ·m underflows to 0 for the input here, and a weight of 2⁴⁹⁹ makes that visible."""
    points = [Fraction(k, 2**1074) for k in sorted(places)]
    assert excess_over_radius(Network([row((0, weight))]), points, backend=backend)[0] <= 0


@backends
@both
@laws
@given(x=st.floats(-4, 4))
def test_rounding_of_the_function_is_within_the_bound(backend, function, x):
    """The output is the nearest float64 to f(x), so the truth is below u, and it is covered."""
    constant = Network([Row((), (), getattr(math, function)(x))])
    found, truth = bounds(
        constant, [Fraction(x), Fraction(math.nextafter(x, 5))], function, backend=backend
    )
    assert float(truth[0]) <= found[0] <= float(truth[0]) + 32 * U


@backends
@pytest.mark.parametrize("weight", [1e308, -1e308, LARGEST * 2, -LARGEST * 2])
def test_weights_beyond_the_range_bound_nothing(backend, weight):
    nodes = double_double([Fraction(0), Fraction(1)])
    for network in (
        Network([row((0, weight))]),
        Network([row((0, 1.0), bias=weight), row((0, 1.0))]),
    ):
        assert deviation(network, (0.0, 1.0), nodes, backend=backend).bound.tolist() == [math.inf]


@backends
@pytest.mark.parametrize("sign", [1, -1])
def test_values_beyond_the_range_bound_nothing_where_they_occur(backend, sign):
    """The unit is above 2⁵⁰⁰ right of 1, and what reads it then overflows or cancels."""
    rows = [row((0, LARGEST)), row((1, LARGEST)), row((2, LARGEST))]
    rows += [row((2, LARGEST), (3, -1.0)), row((0, 1.0), (4, sign * LARGEST))]
    nodes = double_double([Fraction(x) for x in (-2, -1, 1, 2)])
    found = deviation(Network(rows), (-2.0, 2.0), nodes, backend=backend)
    assert np.isfinite(found.bound).tolist() == [True, False, False]
    assert np.isinf(found.radius).tolist() == [False, True, True]


@backends
def test_values_above_the_range_bound_nothing_even_if_they_do_not_overflow(backend):
    net = Network([row((0, LARGEST)), row((1, 2.0**-510))])
    nodes = double_double([Fraction(x) for x in (0, 1, 2)])
    found = deviation(net, (0.0, 2.0), nodes, backend=backend)
    assert np.isfinite(found.bound).tolist() == [True, False]


@backends
def test_huge_fan_in(backend):
    """Many units of one value, summed and cancelled by a bias: κ grows with the square."""
    many = 200
    rows = [row((0, 0.1), bias=1.0)] * many
    rows.append(row(*((k, 0.1) for k in range(1, many + 1)), bias=-20.0))
    excess, radius = excess_over_radius(Network(rows), [Fraction(-1), Fraction(3)], backend=backend)
    assert excess <= 0
    assert radius[0] < 1e-15


GOOD = DoubleDouble(np.array([-1.0, 0.25, 2.0]), np.array([0.0, 2.0**-60, 0.0]))


@backends
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
def test_nodes_that_are_no_partition_are_refused(backend, hi, lo):
    assert check_nodes(GOOD, (-1.0, 0.0)) == (2.0, 0.0)
    with pytest.raises(RequestError, match="nodes"):
        deviation(TENT, (-1.0, 2.0), DoubleDouble(np.array(hi), np.array(lo)), backend=backend)


def test_an_unknown_function_is_refused():
    with pytest.raises(RequestError, match="function: 'tan' is unknown; choose from sin, cos"):
        deviation(TENT, (-1.0, 2.0), GOOD, "tan")


def test_nodes_beyond_the_limit_or_of_another_type_are_refused():
    far = 2 * LIMIT
    for hi in (np.array([0.0, far]), np.array([0, 1]), np.array([0, 1], dtype=np.longdouble)):
        with pytest.raises(RequestError, match="nodes"):
            check_nodes(DoubleDouble(hi, hi * 0), (0.0, 0.0))


def in_blocks(network, nodes, cells, backend):
    """Bounds and radii, where blocks have so many cells, and lengths of blocks."""
    judge = replace(Judge.of(network, backend=backend), cells=cells)
    ends = float(nodes.hi[0]), float(nodes.hi[-1])
    blocks = [found for _, found in deviations(judge, ends, [nodes])]
    joined = (np.concatenate(values) for values in list(zip(*blocks, strict=True))[:2])
    return *(values.tolist() for values in joined), [len(block.bound) for block in blocks]


@backends
@pytest.mark.parametrize("block", [1, 2, 7, 100])
def test_results_do_not_depend_on_the_block(backend, block):
    network, points = near("sin", 0.0)
    nodes = double_double(points)
    usual = deviation(network, (-4.0, 4.0), nodes, backend=backend)
    found, radius, lengths = in_blocks(network, nodes, block, backend)
    assert (found, radius) == (usual.bound.tolist(), usual.radius.tolist())
    assert set(lengths[:-1]) == {block}
    assert sum(lengths) == len(points) - 1


@given(
    inner=st.sets(st.integers(1, 39)),
    cuts=st.lists(st.integers(0, 40), max_size=9).map(sorted),
    cells=st.integers(1, 50),
)
def test_runs_of_nodes_are_cut_anew(inner, cuts, cells):
    """However long the runs are, also if they are a node each, blocks have so many cells."""
    places = np.array(sorted({0, 40} | inner)) / 8
    at = [0, *(min(cut, len(places) - 1) for cut in cuts), len(places) - 1]
    runs = [DoubleDouble(places[a : b + 1], places[a : b + 1] * 2.0**-60) for a, b in pairwise(at)]
    blocks = list(blocks_of(runs, cells))
    assert {len(block.hi) - 1 for block in blocks[:-1]} <= {cells}
    assert 1 <= len(blocks[-1].hi) - 1 <= cells
    assert all(a.hi[-1] == b.hi[0] and a.lo[-1] == b.lo[0] for a, b in pairwise(blocks))
    for half, kept in zip(zip(*blocks, strict=True), (places, places * 2.0**-60), strict=True):
        assert [*half[0][:1], *(x for part in half for x in part[1:])] == kept.tolist()


def test_no_cell_is_left_out_where_a_run_is():
    """The first node of a run is not looked at; so the cell from the node before covers a gap."""
    runs = [DoubleDouble(np.array(ends), np.zeros(2)) for ends in ([0, 1.0], [1.0, 2], [2.0, 3])]
    judge = replace(Judge.of(TENT), cells=1)

    def cells(*runs):
        return [tuple(nodes.hi.tolist()) for nodes, _ in deviations(judge, (0.0, 3.0), runs)]

    assert cells(*runs) == [(0, 1), (1, 2), (2, 3)]
    assert cells(runs[0], runs[2]) == [(0, 1), (1, 3)]
    for some in (runs[1:], runs[:2]):
        with pytest.raises(RequestError, match="nodes: must"):
            cells(*some)


@backends
def test_what_memory_held_before_plays_no_part(backend):
    network, points = near("sin", 0.0)
    nodes = double_double(points)
    judge = Judge.of(network, rounding=Rounding.of(network), backend=backend)
    usual = judge.block(nodes, judge.memory())
    for number in (math.nan, math.inf, 1e300):
        memory = judge.memory()
        for values in memory[0]:
            values.fill(number)
        again = judge.block(nodes, memory)
        assert again.bound.tolist() == usual.bound.tolist()
        assert again.radius.tolist() == usual.radius.tolist()
        assert again.evaluation == usual.evaluation < 1e-12


@backends
def test_the_block_before_plays_no_part(backend):
    """One that was longer, on which other units were on; bounds of evaluation, too."""
    network, points = near("sin", 0.0)
    nodes = double_double(points)
    judge = Judge.of(network, rounding=Rounding.of(network), backend=backend)
    memory = judge.memory()
    for first, last in ((0, 129), (0, 9), (100, 129), (40, 90), (3, 5)):
        block = DoubleDouble(nodes.hi[first:last], nodes.lo[first:last])
        fresh, again = judge.block(block, judge.memory()), judge.block(block, memory)
        assert again.bound.tolist() == fresh.bound.tolist()
        assert again.radius.tolist() == fresh.radius.tolist()
        assert again.evaluation == fresh.evaluation < 1e-12


@backends
@pytest.mark.parametrize("kind", [np.float32, np.longdouble])
def test_other_arithmetic_is_refused(backend, kind, monkeypatch):
    def otherwise(operands, made, n):
        others = np.zeros(made.shape, kind)
        compute_examples(operands.astype(kind), others, n)
        made[:] = others

    check_arithmetic(backend)
    monkeypatch.setattr(assumptions, "on", lambda *_: otherwise)
    with pytest.raises(ArithmeticAssumptionError, match="IEEE 754"):
        check_arithmetic(backend)


@pytest.mark.parametrize("operation", ["multiply", "add", "divide"])
def test_flushing_to_zero_is_refused(operation, monkeypatch):
    """What flushes products or quotients alone is found; sums make subnormals of subnormals."""

    class Flushing(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, **options):
            plain = [np.asarray(operand) for operand in inputs]
            result = getattr(ufunc, method)(*plain, **options)
            if ufunc.__name__ == operation:
                result = np.where(np.abs(result) < 2.0**-1022, 0, result)
            return result.view(Flushing)

    def flushed(operands, made, n):
        compute_examples(operands.view(Flushing), made, n)

    monkeypatch.setattr(assumptions, "compute_examples", flushed)
    with pytest.raises(ArithmeticAssumptionError, match="gradual underflow"):
        check_arithmetic()


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="sets a flag of x86-64"
)
@backends
@pytest.mark.parametrize("flags", [0x8000, 0x40, 0x8040])
def test_a_processor_that_flushes_to_zero_is_refused(flags, backend):
    """Also one that takes subnormals for 0 (0x40), and so finds them equal to what it makes."""
    libm = ctypes.CDLL(None)
    usual = ctypes.create_string_buffer(64)
    assert libm.fegetenv(usual) == 0
    words = np.frombuffer(usual.raw, np.uint32).copy()
    words[7] |= flags  # the control register of the vector units
    check_arithmetic(backend)
    try:
        libm.fesetenv(words.ctypes.data_as(ctypes.c_void_p))
        with pytest.raises(ArithmeticAssumptionError):
            check_arithmetic(backend)
    finally:
        libm.fesetenv(usual)
    check_arithmetic(backend)
