"""The finder of pieces, against exact rational enumeration. Nothing proved depends on it."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import rational
from graphs import ABSOLUTE, CONSTANT, TENT, networks
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify import pieces
from sinrelu.certify.bound import check_nodes
from sinrelu.certify.pieces import (
    Finder,
    Pieces,
    estimated_pieces,
    subintervals,
    with_widest,
)
from sinrelu.constructions import build

laws = settings(max_examples=60, deadline=None)
small = st.sampled_from([1.0, -1.0, 0.5, -0.75, 2.0, -1.5])
ENDS = (-4.0, 3.5)


def close_to(points, sought, distance):
    """Whether each of ``sought`` has one of ``points`` nearby."""
    return all(min(abs(Fraction(p) - s) for p in points) <= distance for s in sought)


@laws
@given(network=networks(weights=small))
def test_every_breakpoint_is_a_node(network):
    nodes = Finder.of(network).nodes(np.array(ENDS), 10_000)
    assert nodes is not None
    check_nodes(nodes, ENDS)
    exact = rational.breakpoints(network, *ENDS)
    assert close_to(rational.fractions(nodes), exact, Fraction(1, 2**90))


@laws
@given(network=networks(weights=small))
def test_every_node_is_where_some_unit_begins(network):
    nodes = Finder.of(network).nodes(np.array(ENDS), 10_000)
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


@pytest.mark.parametrize("limit", [1, 3, 60])
def test_more_than_the_limit_gives_none(limit):
    network = build("chebyshev", "skip", 1e-3)
    everything = Pieces.of(network, (-3.0, 3.0), 10_000).breakpoints
    assert Pieces.of(network, (-3.0, 3.0), limit).breakpoints is None
    assert len(everything) - 1 > 60
    assert Finder.of(network).nodes(np.array([-3.0, 3.0]), limit) is None
    assert Pieces.of(network, (-3.0, 3.0), len(everything) - 1).breakpoints is not None


def test_progress_rises_to_one():
    seen = []
    Pieces.of(TENT, (-1.0, 2.0), 100, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_intervals_tile_whatever_the_memory(monkeypatch):
    finder = Finder.of(build("fold-reflect", "skip", 1e-3))
    whole = finder.nodes(np.array([-3.0, 3.0]), 10_000)
    monkeypatch.setattr(pieces, "INTERVAL_NODES", 7)
    parts = list(finder.intervals((-3.0, 3.0), 10_000))
    assert len(parts) > 10
    assert parts[0][0][0] == -3
    assert parts[-1][0][1] == 3
    for (ends, nodes), (after, _) in zip(parts, [*parts[1:], ((3.0, 0), None)], strict=True):
        assert ends[1] == after[0]
        assert len(nodes.hi) <= 7
        check_nodes(nodes, ends)
    together = np.unique(np.concatenate([nodes.hi for _, nodes in parts]))
    assert np.isin(whole.hi, together).mean() > 0.9


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
    check_nodes(cut, (-1.0, 1.0))
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
