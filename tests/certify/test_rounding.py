"""The bound of evaluation in floating point, against evaluation in rational arithmetic."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from random import Random

import numpy as np
import pytest
from following import deviation, follow_block
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from ieee import ORDERS, Forward, evaluated, rounded
from rational import double_double

from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Judge, deviations
from sinrelu.certify.floats import BINARY32, BINARY64, spacing
from sinrelu.certify.pieces import Finder, joined, subintervals
from sinrelu.certify.prover import DOMAIN
from sinrelu.certify.rounding import HELD, TABULATED, Rounding
from sinrelu.certify.sweep import Signs, effect_at_nodes, effect_in_cells, memory_of
from sinrelu.certify.windows import UP
from sinrelu.constructions import build
from sinrelu.errors import RequestError
from sinrelu.evaluate import program
from sinrelu.formats.dense import stages
from sinrelu.formats.onnx import dumps
from sinrelu.kernels import BACKENDS, NUMPY, on
from sinrelu.network import Network, Row

laws = settings(max_examples=30, deadline=None)
backends = pytest.mark.parametrize("backend", BACKENDS)
formats = pytest.mark.parametrize("format", [BINARY64, BINARY32], ids=["binary64", "binary32"])
full = st.floats(-3, 3).filter(lambda w: abs(w) > 0.01)
wild = st.builds(math.ldexp, full, st.integers(-60, 60))
extreme = st.builds(math.ldexp, full, st.sampled_from([-1060, -1000, -400, 0, 0, 0, 400]))
cancelling = st.sampled_from([1.0, -1.0, 0.1, -0.1, 2.0**40, -(2.0**40), 1 / 3, 3.0])
families = st.sampled_from([full, wild, extreme, cancelling])


@st.composite
def chains(draw, weights):
    """Networks that are deep, so that errors reach far: a unit reads one of the last few."""
    rows = []
    for number in range(1, draw(st.integers(3, 12))):
        near = st.integers(max(0, number - 3), number - 1)
        sources = sorted(draw(st.sets(near, min_size=1, max_size=3)))
        rows.append(Row(tuple(sources), tuple(draw(weights) for _ in sources), draw(weights)))
    return Network(rows)


evaluated_networks = families.flatmap(
    lambda weights: st.one_of(networks(weights=weights), chains(weights))
)


def in_format(network, format):
    """Round all numbers to a format."""

    def nearest(number):
        return float(rounded(Fraction(number), format))

    rows = (
        Row.of(((s, nearest(w)) for s, w in row.edges), nearest(row.bias)) for row in network.rows
    )
    return Network(tuple(rows))


def bound(network, a, b, format=BINARY64, points=(), backend=NUMPY):
    """E on [a, b], with the breakpoints as nodes, or other points instead."""
    nodes = Finder.of(network).nodes(np.array([a, *points, b]), 2**12)
    rounding = Rounding.of(network, format)
    return deviation(network, (a, b), nodes, rounding=rounding, backend=backend).evaluation


def floats(network, a, b, random, format):
    """Numbers of the format in [a, b]: near breakpoints, and anywhere."""
    near = Finder.of(network).nodes(np.array([a, b]), 2**12).hi.tolist()
    points = [random.choice(near) for _ in range(4)] + [random.uniform(a, b) for _ in range(3)]
    for point in points:
        x = rounded(Fraction(point), format)
        x += random.choice([0, 0, 1, -1, 2, -3]) * Fraction(2) ** spacing(format, abs(float(x)))
        if a <= rounded(x, format) <= b:
            yield float(rounded(x, format))


def errors(network, a, b, random, format, orders=ORDERS):
    """|fl(N)(x) − N(x)|, exactly, for some x and orders."""
    for x in floats(network, a, b, random, format):
        exact = naive_exact(network, x)
        for order in orders:
            yield abs(evaluated(network, x, order(random, format)) - exact)


def exceeded(network, a, b, random, format, orders=ORDERS, backend=NUMPY):
    """Whether some error exceeds the bound."""
    found = bound(network, a, b, format, backend=backend)
    if found == math.inf:
        return False
    return max(errors(network, a, b, random, format, orders), default=0) > Fraction(found)


ends = st.sampled_from([(-4.0, 4.0), (0.5, 1.0), (1.0, 2.0), (-2.5, 0.0), (-0.0625, 0.09375)])


@backends
@formats
@laws
@given(network=evaluated_networks, ends=ends, random=st.randoms(use_true_random=False))
def test_evaluation_in_any_order_is_within_the_bound(backend, format, network, ends, random):
    assert not exceeded(in_format(network, format), *ends, random, format, backend=backend)


@backends
@laws
@given(network=networks(weights=full), points=st.lists(st.floats(-3.9, 3.9), max_size=4))
def test_nodes_that_miss_breakpoints_make_the_bound_larger_at_most(backend, network, points):
    nodes = double_double(sorted({Fraction(x) for x in [-4.0, *points, 4.0]}))
    ends, rounding = (-4.0, 4.0), Rounding.of(network)
    found = deviation(network, ends, nodes, rounding=rounding, backend=backend).evaluation
    assert max(errors(network, -4.0, 4.0, Random(1), BINARY64)) <= Fraction(found)


# --- what is lost ---------------------------------------------------------------------------------


def forms(network, x, deltas):
    """The value of every form that is computed, each off by so much."""
    values, found = {0: Fraction(x)}, []
    for row, delta in zip(network.computed, deltas, strict=True):
        found.append(Fraction(row.bias) + sum(Fraction(w) * values[s] for w, s in row.terms))
        found[-1] += Fraction(delta)
        values[row.number] = max(found[-1], Fraction(0))
    return found


def signs(network, x):
    """Signs of the adjoints at a point where no form is 0."""
    rows, exact = network.computed, forms(network, x, [0] * len(network.computed))
    adjoints = dict.fromkeys([0, *(row.number for row in rows)], Fraction(0))
    adjoints[rows[-1].number] = Fraction(1)
    for row, value in zip(reversed(rows), reversed(exact), strict=True):
        adjoints[row.number] *= value > 0 or row is rows[-1]
        for weight, source in row.terms:
            adjoints[source] += Fraction(weight) * adjoints[row.number]
    return [1 if adjoints[row.number] > 0 else -1 for row in rows]


def bound_and_errors(network, a, b, backend=NUMPY):
    """E on an interval of one block, the errors of the forms there, and the nodes."""
    nodes = Finder.of(network).nodes(np.array([a, b]), 2**12)
    found = follow_block(network, nodes, Rounding.of(network), backend)
    return found.evaluation, found.state.local[1:].tolist(), nodes.hi


@backends
@laws
@given(network=evaluated_networks, random=st.randoms(use_true_random=False))
def test_errors_of_the_forms_have_no_larger_effect(backend, network, random):
    """This the theorem promises for all errors up to D, also for those that no rounding makes."""
    a, b = -1.0, 2.0
    found, local, nodes = bound_and_errors(network, a, b, backend)
    if found == math.inf:
        return
    for node in random.choices(nodes.tolist(), k=5):
        x = min(max(node + random.choice([-1, 0, 0, 1]) * math.ulp(node), a), b)
        exact = naive_exact(network, x)
        for _ in range(8):
            deltas = [random.choice([-1, 1]) * error for error in local]
            assert abs(forms(network, x, deltas)[-1] - exact) <= Fraction(found)


@pytest.mark.parametrize("tol", ["1e-3", "1e-6"])
def test_errors_of_the_forms_reach_the_bound_within_cells(tol):
    network = build(wiring="skip", tol=tol)
    found, local, nodes = bound_and_errors(network, 0.3, 0.4)
    reached = []
    for x in ((nodes[1:] + nodes[:-1]) / 2).tolist():
        deltas = [sign * error for sign, error in zip(signs(network, x), local, strict=True)]
        reached.append(abs(forms(network, x, deltas)[-1] - naive_exact(network, x)))
    assert 0.99 * found <= max(reached) <= found


def effect(rows, local, slopes):
    """Σ |adjoint|·error for given slopes; the input has no error."""
    adjoints = [0] * (len(rows) - 1) + [1]
    for index in range(len(rows) - 1, 0, -1):
        adjoints[index] *= slopes[index]
        for weight, source in rows[index]:
            adjoints[source] += weight * adjoints[index]
    return sum(abs(a) * error for a, error in zip(adjoints[1:], local[1:], strict=True))


def form_terms(steps):
    """The terms of every form, which are numbered from 1."""
    terms = list(zip(steps.weight.tolist(), steps.reads.tolist(), strict=True))
    return [(), *(terms[first:last] for first, last in pairwise(steps.first.tolist()))]


small_chains = chains(st.sampled_from([1.0, -1.0, 2.0, -3.0]))


@backends
@laws
@given(network=small_chains, random=st.randoms())
def test_sets_of_adjoints_hold_those_of_all_vertices(backend, network, random):
    steps = network.steps
    rows, units = form_terms(steps), len(steps.target) - 1
    local = np.array([float(random.randint(0, 3)) for _ in rows])
    shape = np.ones((len(rows), 2), np.bool_)
    signs = Signs(np.full(len(rows), -1), ~shape[:, :1], shape)
    memory, nodes = memory_of(steps.slots, units + 1, 1), np.array([0])
    found = on(backend, effect_at_nodes)(steps, signs, local, memory, nodes, units + 1)
    vertices = product([0, 1], repeat=units)
    assert max(effect(rows, local, [0, *vertex, 1]) for vertex in vertices) <= found * UP


@backends
@laws
@given(network=small_chains, random=st.randoms())
def test_adjoints_in_cells_are_those_of_their_patterns(backend, network, random):
    """Also where units are on or off everywhere; memory may have room for more points."""
    steps, cells, start = network.steps, 5, random.randint(0, 2)
    rows, units = form_terms(steps), len(steps.target) - 1
    local = np.array([float(random.randint(0, 3)) for _ in rows])
    always = np.array([random.choice([-1, -1, 0, 1]) for _ in rows])
    on_in_cells = np.array([[random.random() < 0.5 for _ in range(cells)] for _ in rows])
    signs = Signs(always, on_in_cells, np.zeros((len(rows), cells + 1), np.bool_))
    memory = memory_of(steps.slots, 1, cells)
    count = random.randint(1, cells - start)
    found = on(backend, effect_in_cells)(steps, signs, local, memory, start, count)
    slopes = np.where(always[:, None] < 0, on_in_cells, always[:, None])
    patterns = slopes[1 : units + 1, start : start + count].T.tolist()
    assert max(effect(rows, local, [0, *pattern, 1]) for pattern in patterns) == found


# --- by name --------------------------------------------------------------------------------------


def path(*weights, bias=0.0):
    """One unit after the other; the last one has a bias."""
    rows = [Row((number,), (weight,), 0.0) for number, weight in enumerate(weights[:-1])]
    return Network([*rows, Row((len(rows),), (weights[-1],), bias)])


X = Row((0,), (1.0,), 0.0)
FOLD = Network([X, Row((1,), (1.0,), -0.5), Row((1, 2), (1.0, -2.0), 0.0)])
"""x until 1/2, then 1 − x: additions are exact, but for an order that begins with a product."""
NASTY = {
    "weights of 2^40 cancel": Network(
        [X, Row((0,), (1.0,), -0.1), Row((1, 2), (2.0**40, -(2.0**40)), 0.3)]
    ),
    "weights of 2^400 and 2^-400 on a path": path(
        0.7 * 2.0**490, 0.9 * 2.0**-400, 1.1 * 2.0**-400, 2.0**-400, 2.0**400, 2.0**310
    ),
    "products that underflow": path(
        0.7 * 2.0**-400, 0.9 * 2.0**-400, 1.1 * 2.0**-240, 2.0**400, 2.0**400, bias=0.1
    ),
    "adjacent breakpoints": Network(
        [
            Row((0,), (1.0,), -0.7),
            Row((0,), (1.0,), -math.nextafter(0.7, 1)),
            Row((1, 2), (2.0**50 / 3, -(2.0**50) / 3), 0.1),
        ]
    ),
    "subnormal weights": path(3 * 2.0**-1074, 2.0**490, 1.1 * 2.0**490, bias=0.1),
    "units that touch 0": Network(
        [X, Row((0,), (-1.0,), 0.0), Row((1, 2), (-0.3, -0.3), 0.0), Row((0, 3), (0.1, 3.0), 0.7)]
    ),
    "a source twice, by a carry": Network(
        [Row((0,), (0.3,), 0.1), Row((1,), (1.0,), 0.0), Row((1, 2), (0.7, -0.7), 0.3)]
    ),
    "constant units": Network([Row((), (), 0.1), Row((), (), -0.1), Row((1, 2), (0.3, 0.7), 1.0)]),
    "no units": Network([Row((0,), (0.1,), -0.3)]),
    "no connection": CONSTANT,
    "minus 0": Network([Row((0,), (-1.0,), -0.0), Row((1,), (0.1,), -0.0)]),
    "a fold": FOLD,
    "skips": ABSOLUTE,
    "layers": TENT,
}
INTERVALS = [(-1.0, 1.0), (0.0, 1.0), (0.625, 0.75), (0.7, math.nextafter(0.7, 1))]


@backends
@pytest.mark.parametrize("name", NASTY)
def test_nasty(backend, name):
    for a, b in INTERVALS:
        assert bound(NASTY[name], a, b, backend=backend) < 2.0**60
        assert not exceeded(NASTY[name], a, b, Random(1), BINARY64, backend=backend)


def test_exact_folds_cost_nothing():
    for a, b in [(0.3, 0.49), (0.55, 0.95), (0.625, 0.75)]:
        assert bound(FOLD, a, b) < 2.0**-900


def test_two_units_may_be_on_that_never_are_exactly():
    """Both sides of a fold, each of its own copy of 0.7x: errors of both copies count."""
    copies = [Row((0,), (0.7,), 0.0), Row((0,), (0.7,), 0.0)]
    sides = [Row((1,), (1.0,), -0.35), Row((2,), (-1.0,), 0.35)]
    network = Network([*copies, *sides, Row((3, 4), (1.0, 1.0), 0.0)])
    found, local, nodes = bound_and_errors(network, 0.3, 0.6)
    assert len(nodes) == 3
    worst = forms(network, nodes[1], [local[0], -local[1], 0, 0, 0])[-1]
    error = worst - naive_exact(network, nodes[1])
    assert max(local[:2]) < 0.6 * error <= 0.6 * found


def with_wrong_sign(random):
    """A unit that is off in exact arithmetic up to an end, where rounding turns it on.

    Its coefficients would underflow in a table; what it gives is amplified to about 1.
    """
    weights = [0.7, 0.9, 1.1 * 2.0**490, 2.0**-400, 2.0**-400]
    while True:
        x = random.uniform(0.5, 1.0)
        before = evaluated(path(*weights), x, Forward(random, BINARY64))
        threshold = math.nextafter(float(before), 0) * 2.0**-400
        if naive_exact(path(*weights), x) * Fraction(2) ** -400 < threshold:
            break
    rows = [*path(*weights).rows, Row((5,), (2.0**-400,), -threshold)]
    return Network([*rows, Row((6,), (2.0**400,), 0.0), Row((7,), (2.0**360,), 0.0)]), x


def test_what_underflows_in_tables_decides_no_sign():
    network, x = with_wrong_sign(Random(1))
    error = evaluated(network, x, Forward(Random(1), BINARY64))
    assert error > 2.0**-55
    assert naive_exact(network, x) == 0
    assert bound(network, math.nextafter(x, 0), x) >= error


@pytest.mark.parametrize("threshold", [0.2, 0.6])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_unit_may_be_on_in_part_of_a_cell(threshold, sign):
    unit = Row((1,), (sign,), -sign * threshold)
    network = Network([Row((0,), (0.7,), 0.0), unit, Row((2,), (0.5,), 0.0)])
    nodes = DoubleDouble(np.array([0.0, 1.0]), np.zeros(2))
    found = deviation(network, (0.0, 1.0), nodes, rounding=Rounding.of(network)).evaluation
    assert 2.0**-70 < max(errors(network, 0.0, 1.0, Random(1), BINARY64)) <= found


@pytest.mark.parametrize(
    "network",
    [
        path(1.0, 2.0**501),
        path(2.0**300, 2.0**300, 2.0**-300),
        path(2.0**490, 2.0**490, 2.0**-490),
        path(1.0, 1.0, bias=-(2.0**501)),
        Network([Row((0,), (2.0**300,), 0.0), Row((1,), (2.0**300,), 0.0), X]),
        Network([*[Row((0,), (2.0**498,), 0.0)] * 2, Row((1, 2), (4.0, -4.0), 0.0)]),
        path(2.0**-500, 2.0**-500, 2.0**-500, 2.0**500, 2.0**500, 2.0**500),
    ],
    ids=["weight", "value", "values", "bias", "unread", "sum", "adjoint"],
)
@backends
def test_nothing_is_claimed_out_of_range(backend, network):
    assert bound(network, -2.0, 2.0, backend=backend) == math.inf


def test_in_binary32_all_numbers_must_be():
    third = float(np.float32(1 / 3))
    assert bound(path(third), 0.0, 1.0, BINARY32) == pytest.approx(2.0**-26, rel=1e-6)
    for number in (1 / 3, 2.0**-150, 2.0**101):
        assert bound(path(number), 0.0, 1.0, BINARY32) == math.inf
        assert bound(path(third, bias=number), 0.0, 1.0, BINARY32) == math.inf


def test_values_have_the_spacing_of_the_smallest():
    network = Network([Row((0,), (0.7,), 0.0), Row((1,), (1.0,), 0.25)])
    found = bound(network, 0.4, 0.9)
    several = (max(errors(network, 0.4, 0.9, Random(seed), BINARY64)) for seed in range(20))
    assert 2.0**-54 < max(several) <= found


def test_products_that_underflow_in_binary32_are_amplified():
    digits = float(np.float32(0.7))
    network = path(digits * 2.0**-80, digits * 2.0**-65, 2.0**90, 2.0**50)
    found = bound(network, 0.5, 1.0, BINARY32)
    assert 2.0**-13 < max(errors(network, 0.5, 1.0, Random(1), BINARY32)) <= found


def test_without_a_rounding_nothing_is_claimed_and_anothers_is_refused():
    nodes = DoubleDouble(np.array([0.0, 1.0]), np.zeros(2))
    assert deviation(TENT, (0.0, 1.0), nodes).evaluation == math.inf
    with pytest.raises(RequestError, match="rounding: was prepared for another network"):
        deviation(TENT, (0.0, 1.0), nodes, rounding=Rounding.of(ABSOLUTE))


# --- networks that are built ----------------------------------------------------------------------


@cache
def known(construction, wiring, tol):
    """A network; its nodes, and the bound, in every block of a few intervals."""
    network = build(construction=construction, wiring=wiring, tol=tol)
    finder, judge, found = Finder.of(network), Judge.of(network, rounding=Rounding.of(network)), []
    for ends in subintervals(DOMAIN, 64)[::9]:
        for nodes, result in deviations(judge, ends, finder.blocks(ends)):
            found.append((nodes.hi, result.evaluation))
    return network, found


built = pytest.mark.parametrize(
    ("construction", "wiring", "tol", "most"),
    [
        ("fold-reflect", "skip", "1e-3", 2e-15),
        ("fold-reflect", "layered", "1e-3", 1e-14),
        ("fold-reflect", "skip", "1e-6", 4e-15),
        ("fold-reflect", "layered", "1e-6", 8e-15),
        ("fold-reflect", "skip", "1e-9", 4e-15),
        ("fold-reflect", "layered", "1e-9", 2e-15),
        ("chebyshev", "skip", "1e-6", 1e-14),
        ("taylor", "layered", "1e-3", 3e-14),
    ],
)


def dense(network):
    """Evaluate by dense matrices, and thus in numpy's BLAS."""
    parts = stages(network)

    def run(x):
        values = [x[None, :]]
        for part in parts[1:]:
            numbers = [number for read in part.reads for number in parts[read].numbers]
            form = part.weight(numbers) @ np.concatenate([values[read] for read in part.reads])
            form += part.bias[:, None]
            values.append(np.maximum(form, 0))
        return form[0]

    return run


def onnx_runtime(network):
    """Evaluate in ONNX Runtime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(dumps(network), providers=["CPUExecutionProvider"])
    return lambda x: session.run(["y"], {"x": x[:, None]})[0][:, 0]


def in_double_double(network, x):
    """N(x), to within far less than a rounding error."""
    return follow_block(network, DoubleDouble(x, np.zeros_like(x))).output


@built
@pytest.mark.parametrize("runtime", [program, dense, onnx_runtime])
def test_runtimes_stay_below_the_bound_which_is_small(runtime, construction, wiring, tol, most):
    network, found = known(construction, wiring, tol)
    run, random = runtime(network), np.random.default_rng(1)
    for nodes, proved in found:
        assert proved <= most
        near = random.choice(nodes, 500)
        x = np.sort(np.append(near, near + random.integers(-8, 9, 500) * np.spacing(near)))
        x = np.clip(x, nodes[0], nodes[-1])
        exact = in_double_double(network, x)
        assert np.max(np.abs((run(x) - exact.hi) - exact.lo)) <= proved


@backends
def test_the_bound_is_the_same_in_all_runs_and_threads(backend):
    """Blocks are the same, however long the runs of nodes are that they are cut from."""
    network = build(wiring="skip", tol="1e-6")
    judge = Judge.of(network, rounding=Rounding.of(network), backend=backend)
    parts = [(ends, list(Finder.of(network).blocks(ends))) for ends in subintervals(DOMAIN, 4)]

    def found(part):
        again = pickle.loads(pickle.dumps(judge))
        return [result.evaluation for _, result in deviations(again, *part)]

    def cut(runs):
        nodes = joined(runs)
        at = [*range(0, len(nodes.hi) - 1, 7), len(nodes.hi) - 1]
        return [DoubleDouble(*(half[a : b + 1] for half in nodes)) for a, b in pairwise(at)]

    usual = [found(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(found, [(ends, cut(runs)) for ends, runs in parts])) == usual
    assert all(0 < value < 1e-14 for values in usual for value in values)


@backends
def test_blocks_of_any_size_hold(backend):
    network = build(wiring="skip", tol="1e-3")
    a, b = 0.1, 0.7
    nodes = Finder.of(network).nodes(np.array([a, b]), 2**12)
    for cells in (1, 2, 5):
        rounding = replace(Rounding.of(network), cells=cells)
        found = deviation(network, (a, b), nodes, rounding=rounding, backend=backend).evaluation
        assert max(errors(network, a, b, Random(1), BINARY64)) <= found < 1e-14


@backends
def test_every_block_counts(backend):
    network, nodes = path(0.7), DoubleDouble(np.array([-0.9, -0.5, -0.1]), np.zeros(3))
    rounding = replace(Rounding.of(network), cells=1)
    ends = (-0.9, -0.1)
    found = deviation(network, ends, nodes, rounding=rounding, backend=backend).evaluation
    several = (max(errors(network, -0.9, -0.1, Random(seed), BINARY64)) for seed in range(20))
    assert 2.0**-55 < max(several) <= found


def test_a_large_network_is_prepared_within_bounds():
    rows = [Row((0,), (1.0,), -k / 3000) for k in range(2000)]
    rows += [Row(tuple(range(1, 2001)), (1 / 3,) * 2000, 0.1) for _ in range(40)]
    rows.append(Row(tuple(range(2001, 2041)), (1.0,) * 40, 0.0))
    rounding = Rounding.of(Network(rows))
    entries = rounding.tables.windows.entries.size
    assert 0 < entries <= 2 * TABULATED + Network(rows).connections
    assert rounding.cells * len(rounding.tables.readers) <= HELD
