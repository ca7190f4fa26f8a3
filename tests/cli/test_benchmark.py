"""``sinrelu benchmark`` from the outside."""

import re

import pytest
from study import ROOT

from sinrelu.benchmark.folder import COLUMNS
from sinrelu.cli import run

SMALL = ("--tol", "1e-2", "--margins", "1e-3")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Run every test in an empty directory of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table_on_stdout_and_what_is_done_on_stderr(capsys, place):
    assert run(["benchmark", "new", *SMALL, "--timeout", "7"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "new: 8 instances",
        "",
        "kind        tolerance   sat  unsat",
        "sine        0.01          2      2",
        "spiked      0.01          1      1",
        "difference  0.01          1      1",
    ]
    assert err.startswith("0.01: building\n")
    lines = (place / "new" / "instances.csv").read_text().splitlines()
    assert len(lines) == 8
    assert all(line.endswith(",7") for line in lines)


def test_options_reach_the_networks(capsys, place):
    options = ["--wiring", "skip", "--weights", "float32", "--construction", "chebyshev"]
    options += ["--kinds", " sine", "--intervals", "0.7:0.8, pi/3:1.1", "--seed", "3"]
    assert run(["benchmark", "new", *SMALL, *options]) == 0
    assert capsys.readouterr().out.startswith("new: 4 instances\n")
    [model] = (place / "new" / "onnx").iterdir()
    assert model.name == "sine-chebyshev-skip-0.01-float32.onnx"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["--margins", "1e-3,x"], "margins"),
        (["--intervals", "0.7"], "intervals"),
        (["--intervals", "0:x"], "intervals"),
        (["--margins", "1e400"], "margins"),
        (["--kinds", ""], "kinds"),
        (["--tol", "2"], "tol"),
        (["--wiring", "dense"], "wiring"),
        (["--construction", "sawtooth"], "construction"),
        (["--weights", "half"], "weights"),
        (["--timeout", "0"], "timeout"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(capsys, place, wrong, named):
    assert run(["benchmark", "new", *wrong]) == 2
    assert named in capsys.readouterr().err
    assert list(place.iterdir()) == []


def test_a_folder_is_refused_before_the_work(capsys, place):
    (place / "notes.txt").write_text("mine")
    assert run(["benchmark", "."]) == 2
    assert capsys.readouterr().err == "sinrelu: .: is not empty; name a new folder\n"


def test_the_page_shows_what_is_printed(capsys):
    page = (ROOT / "docs" / "benchmark.md").read_text()
    _, command, shown = re.search(r"(\$ sinrelu (benchmark .*))\n([^`]*)", page).groups()
    assert run(command.split()) == 0
    assert capsys.readouterr().out == shown


def test_the_page_names_every_column():
    page = (ROOT / "docs" / "benchmark.md").read_text()
    assert {name for name in COLUMNS if f"`{name}`" not in page} <= {"onnx", "vnnlib"}
