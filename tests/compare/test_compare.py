"""Comparing: every figure of the tables is one of the graph, or says how it was found."""

import json
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surveys import surveyed

from sinrelu import RequestError, build
from sinrelu.certify.certificate import PROVED, REFUTED
from sinrelu.cli import run
from sinrelu.compare import NAMES, built, compare_all, judged, networks, sampled
from sinrelu.compare.networks import COUNTED, SAMPLED, candidates
from sinrelu.compare.tables import (
    HEADINGS,
    as_csv,
    as_json,
    as_markdown,
    as_text,
    bound_text,
    read_csv,
)
from sinrelu.constructions import huybrechs
from sinrelu.verification import sampling
from sinrelu.verification.report import Report

PEER = "huybrechs"
SOME = ("chebyshev", PEER)


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(networks, "POINTS", 5000)


@pytest.fixture(scope="module")
def entries():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "POINTS", 5000)
        return compare_all([1e-2, 1e-3], SOME, prove=True)


def test_every_construction_in_every_wiring_and_the_peer_in_its_own():
    pairs = list(candidates(NAMES))
    assert len(pairs) == len(set(pairs)) == 2 * len(NAMES) - 1
    assert [wiring for name, wiring in pairs if name == PEER] == ["layered"]


def test_counts_are_those_that_verify_gives(entries):
    entry = next(e for e in entries if (e.construction, e.wiring) == ("chebyshev", "layered"))
    network = build("chebyshev", "layered", entry.tol)
    report = Report(
        network,
        entry.tol,
        10_000,
        sampling.take_sample(network, surveyed(network)),
        None,
    ).as_dict()
    names = ("connections", "biases", "units", "depth", "width", "dense_size", "sha256", "wiring")
    assert {name: getattr(entry, name) for name in names} == {name: report[name] for name in names}
    assert 0 < entry.sampled_float64 <= report["sampled_error"]["float64"]
    assert entry.sampled_mpmath == pytest.approx(entry.sampled_float64)


def test_bounds_hold_and_samples_lie_below(entries):
    for entry in entries:
        assert entry.sampled_mpmath <= entry.sup_error <= entry.tol
        assert entry.evidence == PROVED


def test_evidence_is_what_was_shown():
    entry, network = built("chebyshev", "skip", 1e-2)
    assert entry.evidence == COUNTED
    assert sampled(entry, network).evidence == SAMPLED
    assert judged(entry, network, budget=1).sup_error is None
    tighter = replace(entry, tol=1e-5)
    assert judged(tighter, network).sup_error is None, "refuted"
    assert sampled(tighter, network).evidence == REFUTED
    assert replace(entry, sup_error=0.02, sampled_mpmath=0.01).evidence == SAMPLED


def test_the_peer_has_the_fewest_levels_that_do_and_its_own_domain():
    entry, network = built(PEER, "layered", 1e-12)
    assert network.meta["parameters"]["levels"] == 21
    assert huybrechs.error_bound(21) <= 1e-12 < huybrechs.error_bound(20)
    assert entry.domain[0] == 0.0
    assert (entry.connections, entry.depth) == (2506, 43)


def test_text_and_markdown_show_the_same_cells(entries):
    text, markdown = as_text(entries), as_markdown(entries)
    for entry in entries:
        start = f"| {entry.construction} | {entry.wiring} | {entry.connections} |"
        [row] = [line for line in markdown.splitlines() if line.startswith(start)]
        values = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(values) == len(HEADINGS)
        assert values[2] == str(entry.connections)
        assert any(re.split(r"\s{2,}", line) == values for line in text.splitlines())
    assert text.count("tolerance ") == 2
    assert "[0, π] only" in text


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_a_bound_is_never_rounded_down_nor_beyond_a_tolerance_that_it_keeps(bound, tol):
    shown = Fraction(bound_text(bound, tol))
    assert bound <= float(shown) <= bound * 1.0011
    assert shown <= Fraction(tol) or bound >= tol


def test_json_keeps_proven_and_sampled_apart(entries):
    found = json.loads(as_json(entries))["networks"]
    for entry, values in zip(entries, found, strict=True):
        assert values["sup_error"] == entry.sup_error
        assert set(values["sampled_error"]) == {"float64", "mpmath"}
        assert values["connections"] == entry.connections


@pytest.mark.parametrize(
    ("tolerances", "names", "message"),
    [
        ([1e-3], ["sine"], "'sine' is unknown"),
        ([2.0], SOME, "tol: 2"),
        ([0.0], SOME, "tol: 0"),
        (["1e-400"], SOME, "nothing can be built"),
    ],
)
def test_what_cannot_be_compared_is_refused(tolerances, names, message):
    with pytest.raises(RequestError, match=message):
        compare_all(tolerances, names)


def test_what_is_out_of_reach_is_left_out_with_a_remark(monkeypatch):
    def no_chebyshev(name, *request):
        if name == "chebyshev":
            raise RequestError("out of reach")
        return build(name, *request)

    monkeypatch.setattr(networks, "build", no_chebyshev)
    remarks = []
    entries = compare_all([1e-2], SOME, remark=remarks.append)
    assert [entry.construction for entry in entries] == [PEER]
    assert remarks.count("left out: out of reach") == 2
    with pytest.raises(RequestError, match="nothing can be built"):
        compare_all([1e-2], ["chebyshev"])


def test_the_command_writes_tables_and_a_picture(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    options = ["compare", "--tol", "1e-2", "--constructions", ",".join(SOME)]
    assert run([*options, "--csv", "--plot", "scaling.svg"]) == 0
    out, err = capfd.readouterr()
    (tmp_path / "table.csv").write_text(out)
    assert len(read_csv(tmp_path / "table.csv")) == 3
    assert "chebyshev, skip wiring" in err
    assert run(["plot", "table.csv", "--kind", "scaling", "-o", "again.svg"]) == 0
    assert (tmp_path / "again.svg").read_bytes() == (tmp_path / "scaling.svg").read_bytes()
    capfd.readouterr()
    assert run([*options, "--json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["networks"]) == 3


def test_csv_holds_everything_but_times(entries):
    assert "seconds" not in as_csv(entries)
    assert as_csv(entries).count("\n") == len(entries) + 1
