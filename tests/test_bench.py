"""scripts/bench runs, and docs/performance.md shows what it measures; no time is judged."""

import math
import re
import sys
from fractions import Fraction

import numpy as np
import pytest
from study import ROOT, load_script

from sinrelu import build, evaluate_exact
from sinrelu.kernels import BACKENDS
from sinrelu.plots import rendered

PAGE = (ROOT / "docs" / "performance.md").read_text()
MARKS = ("evaluation", "proof", "constructions", "commands", "pieces", "connections")
STUB = """
#include <stddef.h>
void sinrelu_sin_array(const double *x, double *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = 2 * x[i];
}
"""


@pytest.fixture(scope="module")
def bench():
    return load_script("bench")


@pytest.fixture(scope="module")
def growth():
    return load_script("growth")


@pytest.fixture(scope="module")
def runtimes():
    return load_script("runtimes")


@pytest.fixture(scope="module")
def timing():
    return load_script("timing")


def rows(table):
    """Return the rows of a table in Markdown, the head first."""
    lines = [line.strip("| ").split("|") for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in (lines[0], *lines[2:])]


def disagreements(table, key, pairs, base):
    """Return the cells of a table that are not the ratios of its own figures.

    Rows with the same first ``key`` words are compared with the one called ``base``; ``pairs`` are
    columns of a figure and of its ratio.
    """
    _, *body = rows(table)
    bases = {tuple(row[:key]): row for row in body if row[key] == base}
    return [
        (row, ratio)
        for row in body
        for figure, ratio in pairs
        if not agree(row[ratio], row[figure], bases[tuple(row[:key])][figure])
    ]


def agree(shown, one, other):
    """Whether a ratio may be that of two figures, all of them rounded to three digits."""
    return math.isclose(float(shown), float(one) / float(other), rel_tol=0.016)


def gains(table, one, two, gain):
    """Return the rows where one thread against two is not what is said."""
    return [row for row in rows(table)[1:] if not agree(row[gain], row[one], row[two])]


def ratios_are_right(name, table):
    if name == "evaluation":
        assert not disagreements(table, 1, [(2, 3), (4, 5)], "ONNX Runtime")
        assert not gains(table, 2, 4, 6)
    if name == "proof":
        assert not disagreements(table, 2, [(3, 5), (6, 8)], "numpy")
        assert not gains(table, 3, 6, 9)


def test_the_page_has_every_table_and_says_what_it_was_measured_with(bench):
    shown = {match[2]: match[3] for match in load_script("timing").MARKED.finditer(PAGE)}
    assert tuple(shown) == MARKS
    for name, text in shown.items():
        assert len(rows(text)) > 1, name
        command = r"^`scripts/bench --only \w+[^`]*`: .* cores, load .*numpy .*; \d{4}-\d\d-\d\d\.$"
        assert re.search(command, text, re.MULTILINE), name
        assert "--quick" not in text, "run scripts/bench --write"
    assert "performance.png" in PAGE
    assert (ROOT / "docs" / "performance.png").is_file()


@pytest.mark.parametrize("name", ["evaluation", "proof"])
def test_ratios_on_the_page_are_those_of_its_figures(bench, name):
    [table] = [
        match[3] for match in load_script("timing").MARKED.finditer(PAGE) if match[2] == name
    ]
    ratios_are_right(name, table)
    with pytest.raises(AssertionError):
        ratios_are_right(name, re.sub(r"\| 1 \|", "| 1.1 |", table, count=1))


def test_a_quick_run_measures_evaluation_and_proofs(bench, capsys, monkeypatch, runtimes):
    monkeypatch.setattr(runtimes, "c_file", lambda network, folder: np.negative)
    bench.main(["--quick", "--only", "evaluation", "--only", "proof", "--only", "constructions"])
    printed = re.split(r"^(\w+)\n\n(?=\|)", capsys.readouterr().out, flags=re.MULTILINE)
    shown = dict(zip(printed[1::2], printed[2::2], strict=True))
    assert tuple(shown) == MARKS[:3]
    for name, text in shown.items():
        ratios_are_right(name, text)
    evaluated = {row[1]: row for row in rows(shown["evaluation"])[1:]}
    assert float(evaluated["sinrelu, numba"][7]) == 0
    assert 0 < float(evaluated["ONNX Runtime"][7]) < 1e-13
    assert 1e-3 < float(evaluated["numpy.sin"][7]) < 1e-2
    assert float(evaluated["sinrelu, C"][7]) > 1  # what is wrong is seen
    assert {row[2] for row in rows(shown["proof"])[1:]} == set(BACKENDS)
    assert {row[-1] for row in rows(shown["constructions"])[1:]} == {"proved"}


def test_a_quick_run_measures_commands(timing):
    proofs = load_script("proofs")
    _, built, verified = rows(proofs.command_table(timing.QUICK))
    assert [built[1], verified[1]] == ["22 connections", "proved"]
    assert all(1 < float(row[3]) < 1000 for row in (built, verified))


def test_growth_is_measured_in_a_process_of_its_own(growth):
    [found] = growth.in_turn("numpy", 1, ["2/2"])
    assert found[:4] == ("numpy", 2, 2, 2 * build(tol=1e-2).connections)
    assert found.cells > found.pieces > 1
    assert found.megabytes > 1


def test_tables_and_picture_of_growth_show_the_laws(growth):
    def series(backend, rate):
        return [
            growth.Grown(backend, d, 1, 100, 10**d, 10**d, rate * 10**d, 100.0) for d in (4, 5, 6)
        ]

    found = [*series("numba", 1e-6), *series("numpy", 1e-5)]
    text = growth.pieces_table(found)
    assert "Seconds grow by numba like pieces^1.00, by numpy like pieces^1.00, fitted" in text
    copied = [growth.Grown("numba", 9, k, 50 * k, 9, 9, k * k, 100.0) for k in (1, 2, 4)]
    text = growth.connections_table(copied)
    assert text.endswith("like connections^2.00.")
    assert rendered(growth.growth_figure(found, copied), ".png").startswith(b"\x89PNG")


@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_copies_are_the_same_function(growth, wiring):
    network = build(wiring=wiring, tol=1e-3)
    many = growth.copied(network, 4)
    assert many.connections == 4 * network.connections
    for x in (Fraction(0), Fraction(5, 7), Fraction(-3)):
        dyadic = Fraction(float(x))
        assert evaluate_exact(many, dyadic) == evaluate_exact(network, dyadic)


def test_a_c_file_is_compiled_and_called(runtimes, tmp_path, monkeypatch, capsys):
    network = build(tol=0.1)

    def convert(command, folder):
        (folder / command[-1]).write_text(STUB)

    monkeypatch.setattr(runtimes, "spent", convert)
    run = runtimes.c_file(network, tmp_path)
    if run is None:
        assert "no C compiler" in capsys.readouterr().err
    else:
        assert run(np.array([1.0, -0.5])).tolist() == [2.0, -1.0]


@pytest.mark.parametrize("missing", ["no C compiler", "wrote no C file"])
def test_the_row_of_c_is_left_out_with_a_message(runtimes, tmp_path, monkeypatch, capsys, missing):
    monkeypatch.setattr(runtimes, "spent", lambda *_: None)
    monkeypatch.setattr(runtimes.shutil, "which", lambda _: None if "compiler" in missing else "cc")
    assert runtimes.c_file(build(tol=0.1), tmp_path) is None
    assert missing in capsys.readouterr().err


def test_the_fastest_way_is_taken_and_compiled_before(runtimes, monkeypatch):
    calls = []
    ways = {name: (lambda x, name=name: calls.append(name)) for name in ("slow", "fast", "slower")}
    monkeypatch.setattr(
        runtimes, "seconds", lambda run: (run(), {"slow": 2, "fast": 1, "slower": 3}[calls[-1]])[1]
    )
    assert runtimes.at_best(ways, np.zeros(1))[0] == "fast"
    assert calls[:3] == ["slow", "fast", "slower"]


def test_alternatives_take_turns_and_the_least_counts(timing, monkeypatch):
    order, times = [], iter([9.0, 1.0, 8.0, 0.5, 0.7, 0.6, 0.4])
    monkeypatch.setattr(timing, "seconds", lambda run: (run(), next(times))[1])
    runs = {name: (lambda name=name: order.append(name)) for name in "abc"}
    assert timing.least_of_each({name: runs[name] for name in "ab"}, 3) == {"a": 9.0, "b": 0.5}
    assert order == ["a", "b", "b", "b", "b"]  # a takes too long to be repeated


def test_peaks_of_memory_are_not_those_of_the_process_that_measures(timing, tmp_path):
    held = np.ones(2**24)
    plain = timing.spent(["-c", "print(1)"], tmp_path)
    large = timing.spent(["-c", "x = bytearray(b'x') * 2**26; print(len(x))"], tmp_path)
    assert plain.output == "1\n"
    assert plain.megabytes < held.nbytes / 2**20
    assert large.megabytes > plain.megabytes + 60


def test_a_command_that_breaks_down_is_told(timing, tmp_path):
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        timing.spent(["-c", "1 / 0"], tmp_path)


def test_exponents_and_figures(timing):
    x = [1.0, 10.0, 1000.0]
    assert timing.exponent(x, [3 * v**1.5 for v in x]) == pytest.approx(1.5)
    shown = [timing.figure(v) for v in (0.01234, 1.0, 99.94, 123.4, 54321.0, math.inf)]
    assert shown == ["0.0123", "1", "99.9", "123", "54321", "–"]
    assert timing.machine().count(f"numpy {np.__version__}") == 1
    assert f"Python {sys.version.split()[0]}" in timing.machine()


def test_only_what_was_measured_is_written(bench):
    text = "a\n<!-- proof -->\nold\n<!-- /proof -->\nb\n<!-- pieces -->\n<!-- /pieces -->\n"
    found = bench.refreshed(text, {"pieces": "new\n"})
    assert found == text.replace("<!-- pieces -->\n", "<!-- pieces -->\nnew\n")
