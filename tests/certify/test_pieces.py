"""The finder of pieces, against exact rational enumeration. Nothing proved depends on it."""

from fractions import Fraction
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import rational
from graphs import ABSOLUTE, CONSTANT, TENT, networks
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify import breakpoints, pieces
from sinrelu.certify.bound import check_nodes
from sinrelu.certify.pieces import (
    Finder,
    Pieces,
    estimated_pieces,
    joined,
    subintervals,
    with_widest,
)
from sinrelu.circuit import Circuit, relu
from sinrelu.constructions import build
from sinrelu.kernels import BACKENDS, NUMPY

laws = settings(max_examples=60, deadline=None)
backends = pytest.mark.parametrize("backend", BACKENDS)
small = st.sampled_from([1.0, -1.0, 0.5, -0.75, 2.0, -1.5])
ENDS = (-4.0, 3.5)


def close_to(points, sought, distance):
    """Whether each of ``sought`` has one of ``points`` nearby."""
    return all(min(abs(Fraction(p) - s) for p in points) <= distance for s in sought)


@backends
@laws
@given(network=networks(weights=small))
def test_every_breakpoint_is_a_node(backend, network):
    nodes = Finder.of(network, backend=backend).nodes(np.array(ENDS), 10_000)
    assert nodes is not None
    assert check_nodes(nodes, (ENDS[0], 0.0)) == (ENDS[1], 0.0)
    exact = rational.breakpoints(network, *ENDS)
    assert close_to(rational.fractions(nodes), exact, Fraction(1, 2**90))


@backends
@laws
@given(network=networks(weights=small))
def test_every_node_is_where_some_unit_begins(backend, network):
    nodes = Finder.of(network, backend=backend).nodes(np.array(ENDS), 10_000)
    kinks, _ = rational.refine(network, ENDS)
    assert close_to(kinks, rational.fractions(nodes), Fraction(1, 2**90))


@settings(max_examples=40, deadline=None)
@given(network=networks(weights=small))
def test_breakpoints_in_float64(network):
    found = Pieces.of(network, ENDS, 10_000).breakpoints
    assert found is not None
    assert (np.diff(found) > 0).all()
    assert (found[0], found[-1]) == ENDS
    assert close_to(found.tolist(), rational.breakpoints(network, *ENDS), Fraction(1, 2**50))


def test_known_breakpoints():
    assert Pieces.of(CONSTANT, (-1.0, 2.0), 9).breakpoints.tolist() == [-1, 2]
    assert Pieces.of(ABSOLUTE, (-1.0, 2.0), 9).breakpoints.tolist() == [-1, 0, 2]
    assert Pieces.of(TENT, (-1.0, 2.0), 9).breakpoints.tolist() == [-1, 0, 0.5, 1, 2]


def test_more_than_the_limit_gives_none():
    network = build("chebyshev", "skip", 1e-3)
    everything = Pieces.of(network, (-3.0, 3.0), 10_000).breakpoints
    assert len(everything) - 1 > 60
    assert Pieces.of(network, (-3.0, 3.0), len(everything) - 1).breakpoints is not None
    for limit in (1, 3, 60, len(everything) - 2):
        assert Pieces.of(network, (-3.0, 3.0), limit).breakpoints is None
        assert Finder.of(network).nodes(np.array([-3.0, 3.0]), limit) is None


def test_progress_rises_to_one():
    seen = []
    Pieces.of(TENT, (-1.0, 2.0), 100, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


@backends
@pytest.mark.parametrize("most", [7, 50])
def test_blocks_tile_whatever_the_memory(backend, most):
    finder = Finder.of(build("fold-reflect", "skip", 1e-5), backend=backend)
    whole = finder.nodes(np.array([-3.0, 3.0]), 10_000)
    runs = list(finder.blocks((-3.0, 3.0), most))
    assert len(runs) > 10
    assert check_nodes(joined(runs), (-3.0, 0.0)) == (3.0, 0.0)
    for run, after in pairwise(runs):
        assert (run.hi[-1], run.lo[-1]) == (after.hi[0], after.lo[0])
    assert (runs[0].hi[0], runs[-1].hi[-1], runs[-1].lo[-1]) == (-3, 3, 0)
    assert all(2 <= len(run.hi) <= most for run in runs)
    assert np.isin(whole.hi, joined(runs).hi).mean() > 0.9
    assert len(joined(runs).hi) == pytest.approx(len(whole.hi), rel=0.02)


@backends
@laws
@given(network=networks(weights=small, max_units=12), most=st.integers(1, 9))
def test_breakpoints_are_nodes_whatever_the_memory(backend, network, most):
    """A block that has no room for the next stage is cut in half, with all its live wires."""
    runs = list(Finder.of(network, backend=backend).blocks(ENDS, most))
    nodes = joined(runs)
    assert check_nodes(nodes, (ENDS[0], 0.0)) == (ENDS[1], 0.0)
    exact = rational.breakpoints(network, *ENDS)
    assert close_to(rational.fractions(nodes), exact, Fraction(1, 2**90))
    kinks, _ = rational.refine(network, ENDS)
    assert close_to(kinks, rational.fractions(nodes), Fraction(1, 2**90))


@backends
def test_what_memory_held_before_plays_no_part(backend):
    network = build("chebyshev", "skip", 1e-3)
    finder = Finder.of(network, backend=backend)
    usual = finder.nodes(np.array([-3.0, 3.0]), 10_000)
    for number in (np.nan, 7):
        start = DoubleDouble(np.array([-3.0, 3.0]), np.zeros(2))
        block = breakpoints.Block.of(finder.steps, start, 10_000)
        zeros = block.zeros
        for values in (block.high[1:], block.low[1:], block.high[0, 2:], block.low[0, 2:]):
            values.fill(number)
        for values in (block.old, zeros.ratio, zeros.ratio_low, zeros.x, zeros.x_low):
            values.fill(number)
        for values in (block.order, block.row, block.cells, zeros.cell, zeros.slot):
            values.fill(10**9)
        for values in (block.mask, zeros.kept, block.gaps[2:]):
            values.fill(True)
        assert finder.advance(block)
        assert block.nodes.hi.tolist() == usual.hi.tolist()
        assert block.nodes.lo.tolist() == usual.lo.tolist()


def test_pieces_do_not_keep_the_units_in_memory():
    """Two float64 for each node: no view of the values of all units at the nodes."""
    nodes = Finder.of(build("chebyshev", "skip", 1e-3)).nodes(np.array([-3.0, 3.0]), 10_000)
    assert nodes.hi.base is None
    assert nodes.lo.base is None


@pytest.mark.parametrize(("tol", "domain"), [(1e-7, (-3.0, 3.0)), (1e-8, ENDS)])
def test_estimates_are_close(tol, domain):
    network = build("fold-reflect", "skip", tol)
    found = Pieces.of(network, domain, 10**6)
    assert found.expected == sum(len(nodes.hi) - 2 for _, nodes in found.parts) + 1
    assert estimated_pieces(Finder.of(network), domain) == pytest.approx(found.expected, rel=0.3)


def test_clearly_too_many_pieces_are_not_enumerated(monkeypatch):
    network = build("fold-reflect", "skip", 1e-7)
    monkeypatch.setattr(pieces, "ThreadPoolExecutor", lambda *_: pytest.fail("enumerated"))
    found = Pieces.of(network, ENDS, 1000)
    assert found.parts is None
    assert found.expected > 1250


def test_negligible_kinks_are_left_out():
    network = build("fold-reflect", "skip", 1e-3)
    everything = Finder.of(network).nodes(np.array([-3.0, 3.0]), 10_000)
    coarse = Finder.of(network, negligible=0.1).nodes(np.array([-3.0, 3.0]), 10_000)
    assert 2 <= len(coarse.hi) < len(everything.hi)


@laws
@given(
    inner=st.sets(st.floats(-1, 1, exclude_min=True, exclude_max=True), max_size=6),
    low=st.floats(-0.5, 0.5),
    widest=st.floats(0.01, 3),
)
def test_with_widest_keeps_nodes_and_cuts_wide_cells(inner, low, widest):
    hi = np.array(sorted({-1.0, 1.0} | inner))
    lo = np.where(np.abs(hi) < 1, np.spacing(hi) * low, 0)
    nodes = DoubleDouble(hi, np.where(hi + lo == hi, lo, 0))
    cut = with_widest(nodes, widest)
    assert check_nodes(cut, (-1.0, 0.0)) == (1.0, 0.0)
    assert set(zip(hi, nodes.lo, strict=True)) <= set(zip(cut.hi, cut.lo, strict=True))
    assert np.diff(cut.hi).max() <= widest * (1 + 1e-9) + 1e-15


@laws
@given(
    a=st.floats(-(2.0**20), 2.0**20),
    width=st.floats(1e-320, 2.0**20),
    count=st.integers(1, 100),
)
def test_subintervals_tile_the_domain(a, width, count):
    b = max(a + width, np.nextafter(a, np.inf))
    parts = subintervals((a, b), count)
    assert (parts[0][0], parts[-1][1]) == (a, b)
    assert all(left < right for left, right in parts)
    assert all(p[1] == q[0] for p, q in pairwise(parts))
    assert 1 <= len(parts) <= count
    assert max(right - left for left, right in parts) <= 1.12 * (b - a) / count + 1e-9


@backends
@pytest.mark.parametrize("knots", [3, 40])
def test_many_zeros_in_one_cell(backend, knots):
    """A hidden layer bends all over the only cell that there is; its zeros come in one step."""
    places = [Fraction(7 * k + 1, 7 * knots) for k in range(knots)]
    circuit = Circuit()
    bent = sum((relu(circuit.input - p) for p in reversed(places)), circuit.input)
    nodes = Finder.of(circuit.freeze(bent), backend=backend).nodes(np.array([-1.0, 2.0]), 1000)
    assert check_nodes(nodes, (-1.0, 0.0)) == (2.0, 0.0)
    assert close_to(rational.fractions(nodes), places, Fraction(1, 2**52))
    assert len(nodes.hi) == knots + 2


@backends
def test_equal_zeros_give_one_node(backend):
    circuit = Circuit()
    x = circuit.input
    network = circuit.freeze(relu(x - 0.3) + relu(2 * x - 0.6) - relu(0.3 - x))
    nodes = Finder.of(network, backend=backend).nodes(np.array([-1.0, 2.0]), 1000)
    assert nodes.hi.tolist() == [-1, 0.3, 2]


@backends
@laws
@given(network=networks(weights=small), gap=st.sampled_from([0, 1, 2]))
def test_gaps_are_not_looked_into(backend, network, gap):
    start, gaps = np.array([-4.0, -1.0, 1.5, 3.5]), np.arange(3) == gap
    finder = Finder.of(network, backend=backend)
    everywhere = finder.nodes(start, 10_000)
    nodes = finder.nodes(start, 10_000, gaps)
    inside = (start[gap] < nodes.hi) & (nodes.hi < start[gap + 1])
    assert not inside.any()
    outside = (everywhere.hi <= start[gap]) | (everywhere.hi >= start[gap + 1])
    np.testing.assert_allclose(nodes.hi, everywhere.hi[outside], atol=1e-15)


@laws
@given(network=networks(weights=small))
def test_a_stage_reads_none_of_its_rows(network):
    finder, rows = Finder.of(network), network.computed[:-1]
    stages = [rows[first:last] for first, last in pairwise(finder.stages.tolist())]
    assert [row for stage in stages for row in stage] == list(rows)
    for stage in stages:
        assert not {row.number for row in stage} & {w for row in stage for _, w in row.terms}
    for before, after in pairwise(stages):
        assert {row.number for row in before} & {w for _, w in after[0].terms}


def wide(units):
    """A hidden layer whose units are all held until the output reads them."""
    circuit = Circuit()
    return circuit.freeze(sum(relu(circuit.input - 1 / (k + 2)) for k in range(units)))


def test_more_live_values_take_fewer_nodes_at_a_time():
    assert wide(50).most_live == 51
    assert wide(500).most_live == 501
    usual = pieces.BLOCK_NODES[NUMPY]
    assert pieces.nodes_at_once(wide(50)) == usual
    assert pieces.nodes_at_once(wide(500)) * 501 <= pieces.HELD < usual * 501


def test_no_node_is_inserted_beyond_the_limit(monkeypatch):
    """A layer may bend at a thousand places at once, and every value be held at each of them."""
    monkeypatch.setattr(breakpoints, "insert_zeros", lambda *_: pytest.fail("inserted"))
    assert Finder.of(wide(50)).nodes(np.array([-1.0, 1.0]), 40) is None


def test_a_larger_network_has_less_of_everything():
    little, much = wide(5), wide(2000)
    for measure in (pieces.most_parts, pieces.most_pieces, partial(pieces.affordable, work=1e9)):
        assert measure(little) > 10 * measure(much) > 0


def test_where_one_pass_is_too_much_nothing_is_estimated(monkeypatch):
    monkeypatch.setattr(pieces, "WORK", 10**5)
    monkeypatch.setattr(Finder, "nodes", lambda *_: pytest.fail("looked"))
    assert Pieces.of(wide(500), ENDS, 10).expected == float("inf")
