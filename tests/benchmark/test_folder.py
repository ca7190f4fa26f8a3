"""The folder: what is written, whether other programs take it, and whether the answers are true."""

import csv
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from graphs import naive_exact
from rational import refine

from sinrelu import load
from sinrelu.benchmark import Request, folder, written
from sinrelu.errors import FileAccessError, RequestError

MARGINS = ("1e-2", "1e-7", "1e-13")
REQUESTS = {
    "layered": Request(("1e-2", "1e-4"), margins=MARGINS),
    "skip": Request(("1e-3",), wiring="skip", margins=MARGINS, seed=1),
    "float32": Request(("1e-3",), weights="float32", margins=MARGINS, seed=2),
}
NUMBER = r"(-?\d+(?:\.\d+)?)"
QUESTION = re.compile(
    r"; [^\n]*\n\(declare-const X_0 Real\)\n\(declare-const Y_0 Real\)\n\n"
    rf"\(assert \(>= X_0 {NUMBER}\)\)\n\(assert \(<= X_0 {NUMBER}\)\)\n\n"
    rf"\(assert \((>=|<=) Y_0 {NUMBER}\)\)\n"
)


@pytest.fixture(scope="module", params=REQUESTS)
def place(request, tmp_path_factory):
    """Write a benchmark once."""
    place = tmp_path_factory.mktemp(request.param) / "questions"
    written(place, REQUESTS[request.param])
    return place


def truth(place: Path) -> list[dict[str, str]]:
    with (place / "truth.csv").open() as stream:
        return list(csv.DictReader(stream))


def fraction(text: str) -> Fraction:
    return Fraction(*(int(part, 16) for part in text.split("/")))


def reflected(row: dict[str, str]) -> str:
    """Return a threshold on the other side of the extremum."""
    return repr(float(2 * fraction(row["exact_extremum"]) - Fraction(float(row["threshold"]))))


def question(place: Path, row: dict[str, str]):
    """Read a question from its file: the ends, whether more is asked for, and the threshold."""
    low, high, relation, threshold = QUESTION.fullmatch(
        (place / row["vnnlib"]).read_text()
    ).groups()
    return Fraction(low), Fraction(high), relation == ">=", Fraction(threshold)


def is_beyond(row: dict[str, str], value) -> bool:
    over = Fraction(value) - Fraction(float(row["threshold"]))
    return (over if row["sense"] == "max" else -over) >= 0


def is_true(network, row: dict[str, str]) -> bool:
    """Whether an answer is what rational arithmetic says."""
    values = refine(network, [float(row["low"]), float(row["high"])])[1]
    extremum = max(values) if row["sense"] == "max" else min(values)
    named = fraction(row["exact_place"])
    if not extremum == fraction(row["exact_extremum"]) == naive_exact(network, named):
        return False
    if (row["expected"] == "sat") != is_beyond(row, extremum):
        return False
    if row["expected"] == "unsat":
        return row["counterexample"] == ""
    x = float(row["counterexample"])
    inside = float(row["low"]) <= x <= float(row["high"])
    return inside and is_beyond(row, naive_exact(network, x))


def test_every_answer_is_true_in_rational_arithmetic(place):
    networks = {row["onnx"]: load(place / row["onnx"]) for row in truth(place)}
    assert all(is_true(networks[row["onnx"]], row) for row in truth(place))


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("expected", lambda row: "unsat" if row["expected"] == "sat" else "sat"),
        ("exact_extremum", lambda row: row["exact_extremum"][:-1]),
        ("exact_place", lambda row: "0x0/0x1"),
        ("counterexample", lambda row: row["high"] if row["sense"] == "min" else row["low"]),
        ("threshold", reflected),
    ],
)
def test_a_wrong_answer_would_be_seen(place, column, wrong):
    row = next(row for row in truth(place) if row["margin_asked"] == "1e-13")
    network = load(place / row["onnx"])
    assert is_true(network, row)
    assert not is_true(network, {**row, column: wrong(row)})


def test_files_are_those_of_the_competitions(place):
    rows = truth(place)
    lines = (place / "instances.csv").read_text().splitlines()
    assert lines == [f"{row['onnx']},{row['vnnlib']},60" for row in rows]
    names = {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()}
    files = {row[key] for row in rows for key in ("onnx", "vnnlib")}
    assert names == files | {"instances.csv", "truth.csv"}
    assert len({row["vnnlib"] for row in rows}) == len(rows)
    assert set(rows[0]) == set(folder.COLUMNS)


def test_questions_say_exactly_what_the_answers_are_about(place):
    for row in truth(place):
        numbers = [Fraction(float(row[key])) for key in ("low", "high", "threshold")]
        low, high, more, threshold = question(place, row)
        assert ([low, high, threshold], more) == (numbers, row["sense"] == "max")
        distance = abs(fraction(row["exact_extremum"]) - threshold)
        assert Fraction(row["margin"]) <= distance < Fraction(row["margin"]) * Fraction(1001, 1000)
        assert distance / Fraction(row["margin_asked"]) == pytest.approx(1, rel=2e-3)


def test_every_margin_is_asked_on_either_side_and_nothing_is_left_out(place):
    asked = [
        (row["onnx"], row["low"], row["margin_asked"], row["expected"]) for row in truth(place)
    ]
    assert len(set(asked)) == len(asked)
    questions = {(name, low) for name, low, *_ in asked}
    assert len(asked) == len(questions) * len(MARGINS) * 2


def test_runtimes_take_the_networks_and_see_the_counterexamples(place):
    for name in {row["onnx"] for row in truth(place)}:
        onnx.checker.check_model(str(place / name), full_check=True)
        session = onnxruntime.InferenceSession(place / name)
        single = session.get_inputs()[0].type == "tensor(float)"
        for row in truth(place):
            if row["onnx"] == name and row["expected"] == "sat":
                assert single == (row["weights"] == "float32")
                formats = row["computed"].split()
                if single and "float32" not in formats:
                    continue
                assert formats[0] == "float64"
                x = np.array([[float(row["counterexample"])]], np.float32 if single else np.float64)
                assert float(x[0, 0]) == float(row["counterexample"])
                assert is_beyond(row, float(session.run(None, {"x": x})[0][0, 0]))


def test_spikes_are_seen_by_one_float_alone(tmp_path):
    written(tmp_path / "new", Request(("1e-3",), kinds=("spiked",), margins=("1e-1",)))
    sat, unsat = truth(tmp_path / "new")
    network, x = load(tmp_path / "new" / sat["onnx"]), float(sat["counterexample"])
    assert fraction(sat["exact_place"]) == x
    assert is_beyond(sat, naive_exact(network, x))
    grid = np.linspace(float(sat["low"]), float(sat["high"]), 101)
    neighbours = [math.nextafter(x, side) for side in (-9, 9)]
    for other in [*neighbours, *grid.tolist()]:
        assert naive_exact(network, x) - naive_exact(network, other) > Fraction(24, 100)
    assert (sat["expected"], unsat["expected"]) == ("sat", "unsat")


def test_differences_vanish_though_they_do_not_as_computed(tmp_path):
    written(tmp_path / "new", Request(("1e-4",), kinds=("difference",), margins=("1e-13",)))
    row = truth(tmp_path / "new")[0]
    assert fraction(row["exact_extremum"]) == 0
    session = onnxruntime.InferenceSession(tmp_path / "new" / row["onnx"])
    x = np.linspace(float(row["low"]), float(row["high"]), 1000).reshape(-1, 1)
    assert np.any(session.run(None, {"x": x})[0] != 0)


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(tmp_path):
    def content(name, seed):
        written(tmp_path / name, Request(("1e-2",), seed=seed))
        return {file.name: file.read_bytes() for file in (tmp_path / name).rglob("*.*")}

    assert content("one", 5) == content("two", 5) != content("three", 6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tolerances": ("1e-15",)}, "tol: 1e-15 is below 1e-14"),
        ({"tolerances": ("x",)}, "tol"),
        ({"tolerances": ()}, "tolerances: expected at least one"),
        ({"margins": ("0",)}, "margins: '0' is not a positive number"),
        ({"intervals": ("1:0",)}, "intervals: '1:0' does not rise"),
        ({"intervals": ("1",)}, "intervals: '1' is neither random nor of the form a:b"),
        ({"intervals": ("a:b",)}, "'a' is not a number"),
        ({"intervals": ("0:1e9",)}, "intervals: '0:1e9'"),
        ({"kinds": ("cosine",)}, "kinds: 'cosine' is unknown; choose from sine, spiked"),
        ({"weights": "float16"}, "weights: 'float16' is unknown"),
    ],
)
def test_what_cannot_be_asked_is_refused(wrong, message):
    with pytest.raises(RequestError, match=re.escape(message)):
        Request(**wrong)


def test_what_cannot_be_shown_is_left_out_and_said(tmp_path):
    said = []
    request = Request(
        ("1e-3",), margins=("1e-16", "1e-2"), intervals=("0.7:0.71",), kinds=("sine",)
    )
    found = written(tmp_path / "new", request, message=said.append)
    assert [instance.margin for instance in found if instance.expected == "sat"] == ["1e-2"]
    assert any("left out, as 1e-16 sat could not be shown" in line for line in said)


def test_margins_finer_than_float64_turn_no_answer(tmp_path):
    margins = tuple(f"{k}e-17" for k in range(1, 16))
    intervals = tuple(f"{k}/10:{2 * k + 1}/20" for k in range(-20, 20, 3))
    request = Request(("1e-3",), margins=margins, intervals=intervals, kinds=("sine",))
    written(tmp_path / "new", request)
    rows = truth(tmp_path / "new")
    network = load(tmp_path / "new" / rows[0]["onnx"])
    assert 0 < len(rows) < 2 * len(margins) * len(intervals)
    assert all(is_true(network, row) for row in rows)


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path):
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(RequestError, match="is not empty; name a new folder"):
        written(tmp_path, REQUESTS["skip"])
    with pytest.raises(RequestError, match="is a file; name a new folder"):
        written(tmp_path / "kept", REQUESTS["skip"])
    with pytest.raises(FileAccessError, match="cannot be made"):
        written(tmp_path / "kept" / "x", REQUESTS["skip"])
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(FileAccessError, match="new: No space left on device"):
        written(tmp_path / "new", Request(("1e-1",)))
    assert list(tmp_path.iterdir()) == []
