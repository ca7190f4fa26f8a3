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
from sinrelu.benchmark import KINDS, Request, folder, written
from sinrelu.benchmark.variants import HEIGHT
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


def test_spikes_are_seen_on_wide_intervals_too_where_rounding_does_much_elsewhere(tmp_path):
    asked = Request(("1e-3",), kinds=("spiked",), margins=("1e-8",), intervals=("-3:2",))
    written(tmp_path / "new", asked)
    sat, _ = truth(tmp_path / "new")
    assert sat["computed"] == "float64"
    assert float(sat["evaluation_bound"]) > 0.1
    session, x = (
        onnxruntime.InferenceSession(tmp_path / "new" / sat["onnx"]),
        float(sat["counterexample"]),
    )
    assert is_beyond(sat, float(session.run(None, {"x": [[x]]})[0][0, 0]))


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
        ({"intervals": ("a:b",)}, "intervals: 'a' is not a number"),
        ({"intervals": ("0:5e-324",)}, "intervals: '5e-324' is not a number"),
        ({"margins": ("1e-3", "1e400")}, "margins: '1e400' is above 1000000"),
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


def test_a_benchmark_without_a_question_is_not_written(tmp_path):
    request = Request(("1e-2",), margins=("1e-400",), intervals=("0:1",))
    with pytest.raises(RequestError, match="no answer could be shown; ask for other margins"):
        written(tmp_path / "new", request)
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_for_twice_is_written_once(tmp_path):
    twice = Request(
        tolerances=("1/10", f"0.01{'0' * 60}1", "0.1", "1e-02"),
        margins=("1e-2", " 0.01", "1/100", "0x1p-3", "1/8"),
        intervals=("0:1", "0.0:1/1", "-0:1"),
        kinds=("sine", "spiked", "sine", "spiked"),
    )
    once = Request(("0.1", "0.01"), margins=("1e-2", "1/8"), intervals=("0:1",), kinds=KINDS[:2])
    files = []
    for name, request in (("twice", twice), ("once", once)):
        written(tmp_path / name, request)
        place = tmp_path / name
        files.append({file.relative_to(place): file.read_bytes() for file in place.rglob("*.*")})
    assert files[0] == files[1]


def test_numbers_of_the_tables_are_such_wherever_they_are_read(tmp_path):
    """Quotients are written as people write them, but make no folders and no cells of a table."""
    request = Request(("1/30",), margins=("1/3", "0x1p-4"), intervals=("1/3:pi/3",))
    written(tmp_path / "new", request)
    rows = truth(tmp_path / "new")
    assert {float(row["margin_asked"]) for row in rows} == {1 / 3, 1 / 16}
    assert {float(row["tol"]) for row in rows} == {1 / 30}
    assert {len(Path(row[key]).parts) for row in rows for key in ("onnx", "vnnlib")} == {2}


TINY = [
    ("float64", "0:0x1p-1074"),
    ("float64", "-0x1p-1074:0x1p-1074"),
    ("float64", "0x1p-1000:0x1p-999"),
    ("float64", f"0.5:{math.nextafter(0.5, 1)!r}"),
    ("float64", f"-1:{math.nextafter(-1, 0)!r}"),
    ("float32", "-1e-40:1e-40"),
    ("float32", "0x1p-149:0x1p-140"),
    ("float32", f"0.7:{math.nextafter(0.7, 1)!r}"),
]


@pytest.mark.parametrize(("weights", "ends"), TINY)
def test_tiny_intervals_get_true_answers_and_spikes_that_fit_or_none(weights, ends, tmp_path):
    said = []
    request = Request(("1e-2",), weights=weights, margins=("1e-3",), intervals=(ends,))
    found = written(tmp_path / "new", request, message=said.append)
    networks = {
        name: load(tmp_path / "new" / name) for name in {r["onnx"] for r in truth(tmp_path / "new")}
    }
    for row in truth(tmp_path / "new"):
        assert is_true(networks[row["onnx"]], row)
        model = onnx.load(tmp_path / "new" / row["onnx"])
        single = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        assert single == (weights == "float32")
    spikes = [each for each in found if each.subject.kind == "spiked"]
    assert bool(spikes) != any("spiked left out, as no spike so narrow fits" in s for s in said)
    for spike in spikes:
        assert (
            spike.known.extremum.value > HEIGHT + min(math.sin(x) for x in spike.known.ends) - 0.01
        )


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
    with pytest.raises(FileAccessError, match="cannot be written"):
        written(tmp_path / "kept" / "x", REQUESTS["skip"])
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


NAMES = (".", "../link", "../dangling", "../real", "with space", "ü π", "slash/", "../real/../new")


@pytest.mark.parametrize("name", NAMES)
def test_however_a_folder_is_named_it_is_written_and_nothing_beside_it(name, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("wanted")
    monkeypatch.chdir(tmp_path / "here")
    place = Path(name)
    written(place, Request(("1e-1",), kinds=("sine",)))
    parts = {"onnx", "vnnlib", "instances.csv", "truth.csv"}
    assert {file.name for file in place.iterdir()} == parts
    names = {file.name for folder in (tmp_path, tmp_path / "here") for file in folder.iterdir()}
    assert names - parts <= {"here", "real", "link", "dangling", "wanted", "new", *NAMES, "slash"}
    with pytest.raises(RequestError, match="is not empty; name a new folder"):
        written(place, Request(("1e-1",)))


def test_a_link_to_itself_is_no_folder(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(RequestError, match="loop: is a file; name a new folder"):
        written(tmp_path / "loop", Request(("1e-1",)))


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_where_writing_fails(there, error, tmp_path, monkeypatch):
    def fail(path, content):
        if path.name == "truth.csv":
            raise error
        return path.write_text(content.hex())

    place = tmp_path / "new"
    if there:
        place.mkdir()
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises((FileAccessError, KeyboardInterrupt)) as raised:
        written(place, Request(("1e-1",), kinds=("sine",)))
    assert isinstance(error, KeyboardInterrupt) or "new: No space left" in str(raised.value)
    assert [*tmp_path.rglob("*")] == ([place] if there else [])
