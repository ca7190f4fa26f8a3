"""The scaling study: the fitted laws, the table that is committed, and what reads it."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from graphs import networks
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from study import ROOT, TABLE, load_script

from sinrelu import FormatError
from sinrelu.certify.certificate import PROVED, REFUTED
from sinrelu.compare.growth import (
    Law,
    Reach,
    digits,
    fewest_connections,
    law,
    most_lines,
    reached,
    series,
)
from sinrelu.compare.networks import COUNTED, SAMPLED, built
from sinrelu.compare.tables import as_csv, read_csv
from sinrelu.constructions import WIRINGS
from sinrelu.network import Network, Row
from sinrelu.plots.pieces import fewest_density
from sinrelu.verification.sampling import find_pieces


@pytest.fixture(scope="module")
def script():
    return load_script("scaling")


@given(st.tuples(*[st.integers(-1000, 1000)] * 3), st.integers(4, 20))
@settings(deadline=None, max_examples=30)
def test_an_exact_law_is_found_again(coefficients, points):
    a, b, c = coefficients
    found = Law.fit(range(points), [a + b * d + c * d**2 for d in range(points)])
    assert found.coefficients == pytest.approx(coefficients, abs=1e-6)
    assert found(3) == pytest.approx(a + 3 * b + 9 * c, abs=1e-5)


def test_standard_errors_are_those_of_the_textbook():
    """By rational arithmetic: the inverse of the normal equations times the residual variance."""
    counts = [5, 1, 4, 4, 9, 3]
    found = Law.fit(range(6), counts)
    sums = [[sum(Fraction(d) ** (i + j) for d in range(6)) for j in range(3)] for i in range(3)]
    (p, q, r), (_, t, u), (_, _, w) = sums
    determinant = p * (t * w - u * u) - q * (q * w - u * r) + r * (q * u - t * r)
    corner = (p * t - q * q) / determinant
    residuals = [found(d) - y for d, y in enumerate(counts)]
    variance = sum(residual**2 for residual in residuals) / 3
    assert found.errors[2] == pytest.approx((variance * float(corner)) ** 0.5)
    assert found.curved == pytest.approx(found.coefficients[2] / found.errors[2])


def test_connections_of_fold_reflect_grow_linearly_with_skip_wiring():
    found = law(series(TABLE)["fold-reflect", "skip"])
    assert abs(found.curved) < 2.228, "Student's t at 5 per cent: 13 tolerances, 3 coefficients"
    assert 10 < found.coefficients[1] < 13


@pytest.mark.parametrize(
    "key",
    [("chebyshev", "skip"), ("double-angle", "skip"), ("taylor", "skip"), ("huybrechs", "layered")],
)
def test_those_of_the_others_grow_with_the_square(key):
    assert law(series(TABLE)[key]).curved > 5


@pytest.mark.parametrize(
    ("construction", "wiring", "tol"),
    [
        ("fold-reflect", "skip", 1e-12),
        ("fold-reflect", "layered", 1e-12),
        ("chebyshev", "layered", 1e-9),
        ("double-angle", "skip", 1e-6),
        ("taylor", "skip", 1e-14),
        ("huybrechs", "layered", 1e-12),
    ],
)
def test_rows_of_the_table_are_built_again(construction, wiring, tol):
    entry, _ = built(construction, wiring, tol)
    [row] = [e for e in series(TABLE)[construction, wiring] if e.tol == tol]
    counts = ("connections", "biases", "units", "depth", "width", "dense_size", "sha256")
    shown, found = ({name: getattr(e, name) for name in counts} for e in (row, entry))
    assert shown == found, "run scripts/scaling"


def test_every_network_of_the_table_is_proved_or_sampled_within_its_tolerance():
    """But for the last digit that float64 weights can give."""
    for entry in TABLE:
        assert entry.evidence in (PROVED, SAMPLED, *([REFUTED] if entry.tol < 2e-14 else []))
        assert entry.evidence != PROVED or entry.sup_error <= entry.tol


def test_what_is_refuted_belongs_to_no_series():
    refuted = [replace(entry, sup_error=None, sampled_mpmath=1.0) for entry in TABLE]
    assert series(refuted) == {}
    assert {digits(e) for e in TABLE} == set(range(2, 16))


def test_a_table_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text(as_csv(TABLE), encoding="utf-8-sig")  # as spreadsheets do
    assert as_csv(read_csv(file)) == as_csv(TABLE) == (ROOT / "docs" / "scaling.csv").read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("connections,", "", "line 2: connections"),
        (",skip,", ",,", "wiring"),
        ("1e-05", "tiny", "tol"),
        ("1e-05", "-1", "tol"),
        ("1e-05", "nan", "tol"),
    ],
)
def test_a_broken_table_is_refused(tmp_path, old, new, message):
    file = tmp_path / "table.csv"
    file.write_text(as_csv(TABLE).replace(old, new))
    with pytest.raises(FormatError, match=message):
        read_csv(file)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n"])
def test_what_is_no_table_is_refused(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(FormatError, match="table"):
        read_csv(file)


def test_errors_are_taken_over_for_the_same_graph_only(script):
    old = TABLE[0]
    table = {(old.sha256, old.tol): old}
    fresh = replace(old, sampled_float64=None, sampled_mpmath=None, sup_error=None)
    assert script.known(fresh, table).sup_error == old.sup_error is not None
    assert script.known(replace(fresh, sha256="0" * 64), table).evidence == COUNTED
    assert script.known(replace(fresh, tol=1e-3), table).evidence == COUNTED


def test_laws_are_printed_beside_the_literature(script):
    lines = list(script.laws(TABLE))
    assert len(lines) == 4 + len(series(TABLE))
    assert all(name in script.LITERATURE for name, _ in series(TABLE))


def every_way(connections, groups):
    """Yield all sequences of groups: the lines of the form, and how many units share its group."""
    yield connections, groups
    cells = 0 if not groups else 1 + groups[0][1] + sum((1 + k) * n for n, k in groups[1:])
    for more in range(connections + 1):
        if not groups:
            yield from every_way(connections - more, [(1, more)])
        elif more <= connections - 2:
            two = lines_of_two(groups, cells)
            yield from every_way(connections - 2 - more, [*groups, (two, more)])
            if more <= connections - 3:
                yield from every_way(connections - 3 - more, [*groups, (cells, more)])


def lines_of_two(groups, cells):
    """Try every pair of groups that a form may read."""
    found, before = [min(groups[0][1] + 1, 3)], groups[0][1] + 1
    for number, (lines, more) in enumerate(groups[1:], start=1):
        found.append(min(more + 1, 3) * lines)
        found += [before + min(more + 1, 2) * other for other, _ in groups[:number]]
        before += (1 + more) * lines
    return min(cells, max(found))


@pytest.mark.parametrize("connections", range(1, 15))
def test_most_lines_are_those_of_an_exhaustion(connections):
    most = 1
    for left, groups in every_way(connections, []):
        if not groups:
            continue
        cells = 1 + groups[0][1] + sum((1 + k) * n for n, k in groups[1:])
        readings = [max(n for n, _ in groups), lines_of_two(groups, cells), cells]
        most = max([most, *readings[:left]])
    assert most_lines(connections) == most


def test_a_form_that_reads_three_may_have_a_line_in_every_cell():
    assert Reach(8, 5, 3).grown(3, 1) == (24, 16, 8)
    assert Reach(8, 5, 3).grown(2, 0) == (13, 11, 5)


def lines(network):
    """Count the output's different affine functions that are not constant, in rational numbers."""
    *units, output = network.rows
    pieces = [(-math.inf, math.inf, [(Fraction(1), Fraction(0))])]
    for row in units:
        pieces = [part for piece in pieces for part in cut(row, *piece)]
    return len({line for *_, of in pieces if (line := form(output, of))[0]})


def form(row, functions):
    """Return the slope and the offset of a row, before it is rectified."""
    slope = sum(Fraction(w) * functions[source][0] for source, w in row.edges)
    offset = sum(Fraction(w) * functions[source][1] for source, w in row.edges)
    return slope, offset + Fraction(row.bias)


def cut(row, low, high, functions):
    """Yield a piece, or its parts on either side of a row's zero, with what the row makes there."""
    slope, offset = form(row, functions)
    zero = -offset / slope if slope else low
    for a, b in ((low, zero), (zero, high)) if low < zero < high else ((low, high),):
        within = max(a, min(b, 0) - 1), min(b, max(a, 0) + 1)
        alive = slope * sum(within) / 2 + offset > 0
        yield a, b, [*functions, (slope, offset) if alive else (0, 0)]


ZIGZAG = Network(
    [
        Row((0,), (-1.0,), 1.0),
        Row((1,), (-1.0,), 1.0),
        Row((0, 2), (1.0, -2.0), 0.875),
        Row((3,), (-1.0,), 0.5),
        Row((4,), (-1.0,), 0.25),
        Row((3, 5), (1.0, -2.0), 0.0),
    ]
)
"""Two zigzags of three pieces, one after the other, for four connections each."""


def test_a_zigzag_has_as_many_lines_as_its_connections_allow():
    assert ZIGZAG.connections == 8
    assert lines(ZIGZAG) == most_lines(8) == 9 > most_lines(7)


APART = Network(
    [
        Row((0,), (-1.0,), 5.0),
        Row((1,), (-1.0,), 3.0),
        Row((0,), (-1.0,), 6.75),
        Row((3,), (-1.0,), 6.5),
        Row((0, 2), (1.0, -2.0), 0.0),
        Row((5,), (-1.0,), 1.0),
        Row((4, 6), (3.0, 1.0), 0.0),
    ]
)
"""The output reads units of two groups; the later one moves in all five cells before its own."""


def test_a_form_that_reads_two_groups_has_as_many_lines_as_it_may():
    four_units_of_x = Reach(5, 3, 1)
    assert lines(APART) == four_units_of_x.grown(2, 1).two == 7 > 3 * 2


@given(networks())
@settings(deadline=None, max_examples=200)
def test_no_network_has_more_lines_than_its_connections_allow(network):
    assert lines(network) <= (most_lines(network.connections) if network.connections else 0)


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("tol", [0.1, 1e-2, 1e-3])
def test_what_is_built_has_no_more_lines_and_pieces_than_its_connections_allow(wiring, tol):
    _, network = built("fold-reflect", wiring, tol)
    pieces = find_pieces(network, (-9.0, 9.0)).expected
    assert 1 < pieces <= max(found.cells for found in reached(network.connections))
    assert 1 < lines(network) <= most_lines(network.connections)


def test_the_numbers_hold_that_say_how_many_lines_are_needed():
    """Steps 1 to 4 of the proof in docs/growth.md, by mpmath."""
    tol, edge = mp.mpf("1e-12"), mp.mpf("0.03")
    left = 2 * mp.quad(lambda x: mp.sqrt(mp.sin(x)), [edge, 1, 2, mp.pi - edge])
    assert (left := left - 4 * mp.asin(0.001)) > 4.77
    assert left - 3e6 * 2 * tol / 0.001 > left - 0.007 > 4.76
    assert (longest := 4 * mp.sqrt(tol / mp.sin(edge))) < 2.4e-5
    assert mp.exp(longest / mp.tan(edge)) < 1.001, "the slope of log sin is at most 1/tan 0.03"
    x = np.linspace(0.03, math.pi - 0.03, 100_001)
    assert (np.cos(x) - (np.sin(x) - 1e-12) / x).max() < -0.0002
    assert 4 * math.sqrt(1.001) + 2 / 0.0002 * 1e-6 < 4.02
    assert 4.76 / 4.02e-6 > 1.18e6 > 2**20


def test_readme_says_how_many_connections_are_needed():
    x = np.linspace(-math.pi, math.pi, 200_001)
    fewest = fewest_density(x, 1e-12).sum() * (x[1] - x[0])
    assert most_lines(47) < 1.18e6 < 0.99 * fewest < most_lines(48)
    assert max(found.cells for found in reached(47)) < 3e6
    assert fewest_connections(1.18e6) == 48
    page = (ROOT / "docs" / "growth.md").read_text()
    assert "at least 21 units, and at least\n48 connections" in page
    assert all(f"{most_lines(n):,} lines".replace(",", " ") in page for n in (47, 48))
    assert "fewer than 48 connections" in (ROOT / "README.md").read_text()
