"""Verifiers that are right, lie, hang or break down, and what ``scripts/verifiers`` makes of it."""

import csv
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
from graphs import ABSOLUTE, dyadics, naive_exact, networks
from hypothesis import given
from hypothesis import strategies as st
from study import ROOT, load_script

from sinrelu import save
from sinrelu.errors import FileAccessError, FormatError, RequestError
from sinrelu.plots import rendered

answers = load_script("verifier_answers")
results = load_script("verifier_results")
pages = load_script("verifier_page")
verifiers = load_script("verifiers")

FAKE = """
import os, subprocess, sys, time
mode, onnx, vnnlib, timeout = sys.argv[1:]
text = open(vnnlib).read()
threshold = float(text.split()[-1].strip(")"))
side, best = (1, 2.0) if "(>= Y_0" in text else (-1, 0.0)
told = f"sat\\n((X_0 {best})\\n (Y_0 {best}))" if side * threshold <= side * best else "unsat"
if mode == "right":
    print("reading", onnx)
    print(told)
if mode == "lies":
    print("unsat")
if mode == "finds":
    print("sat\\n((X_0 0.5)(Y_0 9))")
if mode == "leaves":
    print("sat\\nX float64 [1,1]\\n3.0\\nY float64 [1,1]\\n3.0")
if mode == "claims":
    print("sat")
if mode == "hangs":
    child = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(60)"])
    open(os.path.join(os.path.dirname(vnnlib), "child"), "w").write(str(child.pid))
    time.sleep(60)
if mode == "crashes":
    sys.exit("out of\\nmemory\\x07")
if mode == "babbles":
    os.write(1, b"\\xff satisfied\\nunsatisfiable \\xfe\\n")
if mode == "gives up":
    print("timed-out")
"""
COLUMNS = (
    *("onnx", "vnnlib", "expected", "kind", "tol", "wiring", "weights", "low", "high", "sense"),
    *("threshold", "margin_asked", "margin", "counterexample"),
)
QUESTIONS = (("max", 1.5, 2.0), ("max", 2.5, None), ("min", 1e-7, 0.0), ("min", -1e-7, None))
"""About |x| in [−1, 2]: the sense, the threshold, and a counterexample if there is one."""


def ask_fake(folder, mode, limit=20.0, grace=10.0):
    [first, *_] = answers.instances(folder)
    return answers.ask(fake(folder, mode).command(first, limit), limit, grace)


def fake(folder, mode):
    places = "{onnx} {vnnlib} {timeout}"
    return verifiers.Verifier(mode, f"{sys.executable} -IS {folder / 'fake.py'} '{mode}' {places}")


def line(k, sense, threshold, point):
    margin = f"{abs(threshold - (2.0 if sense == 'max' else 0.0)):g}"
    known = {"expected": "unsat" if point is None else "sat", "kind": "sine", "wiring": "skip"}
    known |= {"onnx": "onnx/a.onnx", "vnnlib": f"vnnlib/a-{k}.vnnlib", "tol": "1e-3"}
    known |= {"weights": "float64", "low": "-1.0", "high": "2.0", "sense": sense}
    known |= {"threshold": repr(threshold), "margin_asked": margin, "margin": margin}
    return known | {"counterexample": "" if point is None else repr(point)}


def write_truth(folder, lines):
    with (folder / "truth.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)


def question(sense, threshold):
    relation = ">=" if sense == "max" else "<="
    return (
        "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n"
        f"(assert (>= X_0 -1.0))\n(assert (<= X_0 2.0))\n(assert ({relation} Y_0 {threshold}))\n"
    )


@pytest.fixture
def benchmark_folder(tmp_path):
    for name in ("onnx", "vnnlib"):
        (tmp_path / name).mkdir()
    save(ABSOLUTE, tmp_path / "onnx" / "a.onnx")
    for k, (sense, threshold, _) in enumerate(QUESTIONS):
        (tmp_path / "vnnlib" / f"a-{k}.vnnlib").write_text(question(sense, threshold))
    write_truth(tmp_path, [line(k, *asked) for k, asked in enumerate(QUESTIONS)])
    pairs = [f"onnx/a.onnx,vnnlib/a-{k}.vnnlib,60\n" for k in range(len(QUESTIONS))]
    (tmp_path / "instances.csv").write_text("".join(pairs))
    (tmp_path / "fake.py").write_text(FAKE)
    return tmp_path


def outcomes(folder, mode, **options):
    asked = {"limit": 20.0, "jobs": 2, "grace": 10.0, "known": []} | options
    *_, found = verifiers.all_runs([fake(folder, mode)], answers.instances(folder), **asked)
    return found


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("right", ["right", "right", "right", "right"]),
        ("lies", ["wrong unsat", "right", "wrong unsat", "right"]),
        ("finds", ["wrong point", "wrong sat", "wrong point", "wrong sat"]),
        ("leaves", ["wrong point", "wrong sat", "wrong point", "wrong sat"]),
        ("claims", ["right", "wrong sat", "right", "wrong sat"]),
        ("crashes", ["no answer"] * 4),
        ("babbles", ["no answer"] * 4),
        ("gives up", ["timeout"] * 4),
    ],
)
def test_answers_are_held_against_the_truth(benchmark_folder, mode, expected):
    found = outcomes(benchmark_folder, mode)
    assert [result.outcome for result in found] == expected
    assert [result.vnnlib for result in found] == [f"vnnlib/a-{k}.vnnlib" for k in range(4)]


def test_a_point_that_is_none_is_said_to_miss_by_how_much(benchmark_folder):
    first, *_ = outcomes(benchmark_folder, "finds")
    assert (first.x, first.outside, first.short) == ("0.5", "", "1")
    first, _, third, _ = outcomes(benchmark_folder, "leaves")
    assert (first.x, first.outside, first.short) == ("3.0", "1", "")
    assert (third.outside, third.short) == ("1", "3")


def test_what_hangs_is_killed_with_its_children(benchmark_folder):
    begin = time.monotonic()
    answer = ask_fake(benchmark_folder, "hangs", 0.5, 0.2)
    assert answer.verdict == "timeout"
    assert answer.seconds < time.monotonic() - begin < 30
    child = int((benchmark_folder / "vnnlib" / "child").read_text())
    assert not alive(child)


def alive(number):
    """Whether a process runs; one that is dead and not yet waited for does not."""
    for _ in range(100):
        with suppress(OSError):
            stat = Path(f"/proc/{number}/stat").read_text()
            if Path("/proc/self").exists() and stat.rpartition(")")[2].split()[0] == "Z":
                return False
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def test_what_breaks_down_is_told_with_its_last_words(benchmark_folder):
    answer = ask_fake(benchmark_folder, "crashes")
    assert answer[:2] == ("error", None)
    assert answer.message == "status 1 memory?"
    assert ask_fake(benchmark_folder, "babbles")[:2] == ("unknown", None)
    missing = answers.ask(["/nowhere/verifier"], 1.0)
    assert missing[:2] == ("error", None)
    assert "/nowhere/verifier" in missing.message


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("unsat\n", ("unsat", None)),
        ("SAT \n((X_0 -1.5e-3)\n(Y_0 2))", ("sat", "-1.5e-3")),
        ("loading\nsat\n( ( X_0 .5 ) ( Y_0 1. ) )", ("sat", ".5")),
        ("sat\nX float32 [1,1]\n0.25\nY float32 [1,1]\n7.0\n", ("sat", "0.25")),
        ("sat\n((X_0 1e999)(Y_0 0))", ("sat", "1e999")),
        ("sat\n((X_0 nan)(Y_0 0))", ("sat", None)),
        ("unsat\n((X_0 0.5))", ("unsat", None)),
        ("timed-out\n", ("timeout", None)),
        ("satisfiable\nnot unsat\n", ("unknown", None)),
        ("", ("unknown", None)),
    ],
)
def test_the_first_line_that_is_a_verdict_counts(printed, expected):
    assert answers.understood(printed) == expected


@given(networks(max_units=4), dyadics, dyadics, st.sampled_from(["min", "max"]))
def test_a_miss_is_exact(network, x, threshold, sense):
    instance = SimpleNamespace(
        folder=Path(), onnx="", low=-1.0, high=2.0, sense=sense, threshold=threshold
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "network", lambda _: network)
        miss = answers.missed(instance, x)
    value = naive_exact(network, x)
    beyond = value >= threshold if sense == "max" else value <= threshold
    assert miss.holds == (beyond and -1 <= x <= 2)
    assert abs(miss.short) == abs(value - Fraction(threshold))


@pytest.mark.parametrize("x", ["1e999", "-1e999", "1e99999", "9" * 20_000])
def test_a_point_far_out_is_none(benchmark_folder, x):
    [first, *_] = answers.instances(benchmark_folder)
    assert answers.judged(first, answers.Answer("sat", x, 0.0)).outcome == "wrong point"


@pytest.mark.parametrize(
    ("x", "threshold", "expected"),
    [
        ("0.3", Fraction(3, 10), "right"),  # which the float64 0.3 is below
        ("0.1", Fraction(0.1), "right"),  # which 1/10 is below
        ("2.00000000000000000001", 2, "right"),
        ("2.0000000000000004", 2, "wrong point"),
        ("0.3", Fraction("0.30000000000000000001"), "wrong point"),
    ],
)
def test_a_point_counts_as_it_is_written_and_as_the_float_it_is_written_for(
    benchmark_folder, x, threshold, expected
):
    """About |x| ≥ t on [−1, 2]: floats near a point may be counterexamples, or it alone."""
    [first, *_] = answers.instances(benchmark_folder)
    asked = replace(first, threshold=threshold)
    assert answers.judged(asked, answers.Answer("sat", x, 0.0)).outcome == expected


def test_a_counterexample_where_there_should_be_none_stops_everything(benchmark_folder):
    (benchmark_folder / "vnnlib" / "a-1.vnnlib").write_text(question("max", 1.75))
    lines = [line(0, *QUESTIONS[0]), line(1, "max", 1.75, None)]
    write_truth(benchmark_folder, lines)
    with pytest.raises(answers.TruthError, match=r"a-1.vnnlib: said to be unsat, but x = 2.0"):
        outcomes(benchmark_folder, "right")
    template = fake(benchmark_folder, "right").template
    with pytest.raises(SystemExit, match="the truth is wrong"):
        verifiers.main([f"{benchmark_folder}", "--verifier", f"fake={template}"])


@pytest.mark.parametrize(
    ("column", "value", "error", "told"),
    [
        ("counterexample", "0.5", answers.TruthError, "a-0.vnnlib: the counterexample named"),
        ("counterexample", "", FormatError, "a-0.vnnlib: counterexample"),
        ("expected", "maybe", FormatError, "truth.csv: vnnlib/a-0.vnnlib: .*maybe"),
        ("sense", "largest", FormatError, "largest"),
        ("threshold", "a", FormatError, "a"),
        ("tol", "", FormatError, "a-0"),
        ("onnx", "onnx/b.onnx", FileAccessError, "b.onnx"),
    ],
)
def test_a_broken_benchmark_is_refused(benchmark_folder, column, value, error, told):
    write_truth(benchmark_folder, [line(0, *QUESTIONS[0]) | {column: value}])
    with pytest.raises(error, match=told):
        answers.instances(benchmark_folder)


def test_a_folder_without_truth_is_refused_with_status_2(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        verifiers.main([f"{tmp_path}"])
    assert stopped.value.code == 2
    assert "truth.csv" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    (tmp_path / "truth.csv").write_text(",".join(COLUMNS))
    with pytest.raises(FormatError, match="has no line"):
        answers.instances(tmp_path)


def test_what_is_known_is_not_run_again_but_judged_again(benchmark_folder, monkeypatch):
    known = outcomes(benchmark_folder, "lies")
    other = [results.Result(**vars(known[0]) | {"verifier": "other"})]
    monkeypatch.setattr(verifiers, "ask", None)
    forgotten = [results.Result(**vars(result) | {"outcome": ""}) for result in known]
    assert outcomes(benchmark_folder, "lies", known=[*forgotten, *other]) == [*other, *known]
    with pytest.raises(TypeError):
        outcomes(benchmark_folder, "lies", known=known, limit=10.0)
    (benchmark_folder / "vnnlib" / "a-3.vnnlib").write_text(question("min", -1e-7) + "\n")
    with pytest.raises(TypeError):
        outcomes(benchmark_folder, "lies", known=known)


def test_results_are_kept_after_every_run_and_printed(benchmark_folder, capsys):
    template = fake(benchmark_folder, "lies").template.replace(" {timeout}", "\n {timeout}")
    arguments = [f"{benchmark_folder}", "--verifier", f"liar 1.0={template}", "--jobs", "1"]
    verifiers.main(arguments)
    shown, progress = capsys.readouterr()
    kept = results.read_results(benchmark_folder / "results.csv")
    assert [result.outcome for result in kept] == ["wrong unsat", "right", "wrong unsat", "right"]
    assert "| liar 1.0 | 4 | 2 | 2 | 0 | 0 | 0 | 0 |" in shown
    assert "| 5e-1 | 1 / **1** / 0 / 0 |" in shown
    assert "| 1e-7 | 1 / **1** / 0 / 0 |" in shown
    assert (
        "| liar 1.0 | wrong unsat | 1e-3 | sine, skip | 5e-1 | 2.0 | is a counterexample |" in shown
    )
    assert progress.count("wrong unsat") == 2
    verifiers.main([*arguments, "--results", f"{benchmark_folder / 'results.csv'}"])
    assert capsys.readouterr() == (shown, "")


def test_what_was_run_before_an_interruption_is_kept(benchmark_folder, monkeypatch):
    def interrupted(verifier, instance, *limits, run=verifiers.run):
        if instance.vnnlib.endswith("-2.vnnlib"):
            raise KeyboardInterrupt
        return run(verifier, instance, *limits)

    monkeypatch.setattr(verifiers, "run", interrupted)
    asked = ["--verifier", f"fake={fake(benchmark_folder, 'right').template}", "--jobs", "1"]
    with pytest.raises(SystemExit, match="interrupted; what was run is kept"):
        verifiers.main([f"{benchmark_folder}", *asked])
    assert len(results.read_results(benchmark_folder / "results.csv")) >= 1


def test_a_file_that_is_no_table_of_results_is_not_overwritten(benchmark_folder, capsys):
    file = benchmark_folder / "mine.csv"
    file.write_text("a,b\n1,2\n")
    template = fake(benchmark_folder, "right").template
    with pytest.raises(SystemExit):
        verifiers.main(
            [f"{benchmark_folder}", "--results", f"{file}", "--verifier", f"fake={template}"]
        )
    assert "mine.csv: no table of results" in capsys.readouterr().err
    assert file.read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "=true {onnx} {vnnlib}",
        "a=",
        "a=true {onnx}",
        "a=true {onnx} {vnnlib} {seed}",
        "a=true '{onnx} {vnnlib}",
        "a=true {onnx} {vnnlib} {",
        "a=true {onnx} {vnnlib} {onnx.x}",
        "a=true {onnx} {vnnlib} {onnx[x]}",
    ],
)
def test_a_command_without_its_places_is_refused(text):
    with pytest.raises(RequestError, match="--verifier"):
        verifiers.verifier(text)


def test_commands_are_filled_in_and_name_files_from_everywhere(benchmark_folder, monkeypatch):
    [first, *_] = answers.instances(benchmark_folder)
    words = verifiers.verifier("a b=README.md {onnx} -q={vnnlib} {timeout}").command(first, 2.5)
    onnx, vnnlib = (benchmark_folder.resolve() / name for name in (first.onnx, first.vnnlib))
    assert words == [f"{ROOT / 'README.md'}", f"{onnx}", f"-q={vnnlib}", "2.5"]
    assert verifiers.verifier("marabou").name == "maraboupy 2.0.0"
    monkeypatch.chdir(benchmark_folder)
    words = verifiers.verifier("a=./fake.py onnx {onnx} {vnnlib}").command(first, 2.5)
    assert words[:2] == [f"{benchmark_folder / 'fake.py'}", "onnx"]


def test_marabou_is_asked_with_its_own_defaults_and_only_its_answer_is_printed(tmp_path):
    (tmp_path / "maraboupy").mkdir()
    (tmp_path / "maraboupy" / "__init__.py").write_text(MARABOUPY)
    script = ROOT / "scripts" / "verifier_marabou.py"
    done = subprocess.run(
        [sys.executable, script, "a.onnx", "a.vnnlib", "20.0"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answers.understood(done.stdout) == ("sat", "0.1")
    assert done.stdout == "sat\n((X_0 0.1)\n(Y_0 0.2))\n"
    assert "noise {'verbosity': 0, 'timeoutInSeconds': 20} a.vnnlib" in done.stderr


MARABOUPY = """
import numpy as np

class Network:
    inputVars, outputVars = [np.array([[3]])], [np.array([[7]])]

    def solve(self, verbose, options, propertyFilename):
        print("noise", options, propertyFilename)
        return "sat", {3: 0.1, 7: 0.2}, None

class Marabou:
    read_onnx = staticmethod(lambda name: Network())
    createOptions = staticmethod(lambda **options: options)
"""


@pytest.fixture
def vnnlib(monkeypatch):
    """A stand-in for the parser ``vnnlib``, which reads what the fixture writes."""

    def read(file, inputs, outputs):
        text = Path(file).read_text()
        low, high, threshold = map(float, re.findall(r"_0 (\S+?)\)\)", text))
        sign = -1.0 if "(>= Y_0" in text else 1.0
        return [([[low, high]], [([[sign]], [[sign * threshold]])])]

    compat = SimpleNamespace(read_vnnlib_simple=read)
    monkeypatch.setitem(sys.modules, "vnnlib", SimpleNamespace(compat=compat))
    monkeypatch.setitem(sys.modules, "vnnlib.compat", compat)
    readers = load_script("verifier_readers")
    monkeypatch.setattr(readers, "version", lambda name: "1")
    return readers


def test_other_readers_see_the_same_questions(benchmark_folder, vnnlib, capsys):
    vnnlib.main(benchmark_folder)
    assert re.search("^1 networks and 4 questions .* at 2 of 2", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("k", "change"),
    [(0, {"low": "-0.5"}), (1, {"threshold": "2.25"}), (2, {"sense": "max"})],
)
def test_a_question_that_is_not_that_of_the_truth_is_seen(benchmark_folder, vnnlib, k, change):
    lines = [line(j, *asked) for j, asked in enumerate(QUESTIONS)]
    write_truth(benchmark_folder, [lines[j] | (change if j == k else {}) for j in range(4)])
    with pytest.raises(AssertionError, match=f"a-{k}.vnnlib"):
        vnnlib.main(benchmark_folder)


def test_a_counterexample_that_is_none_as_computed_is_seen(benchmark_folder, vnnlib):
    lines = [line(k, *asked) for k, asked in enumerate(QUESTIONS)]
    write_truth(benchmark_folder, [lines[0] | {"counterexample": "1.0"}, *lines[1:]])
    with pytest.raises(AssertionError, match=r"a-0\.vnnlib"):
        vnnlib.main(benchmark_folder)


def test_pairs_that_are_not_those_of_the_truth_are_seen(benchmark_folder, vnnlib):
    (benchmark_folder / "instances.csv").write_text("onnx/a.onnx,vnnlib/a-0.vnnlib,60\n")
    with pytest.raises(AssertionError, match=r"instances\.csv"):
        vnnlib.main(benchmark_folder)


def test_the_page_shows_what_is_in_its_table():
    text, kept = pages.PAGE.read_text(), results.read_results(verifiers.TABLE)
    assert kept
    shown = {match[2]: match[3] for match in load_script("timing").MARKED.finditer(text)}
    found = pages.sections(kept)
    assert set(shown) == {"read", *found}
    assert {name: shown[name] for name in found} == found, "run scripts/verifiers --write"
    assert "verifiers.png" in text
    assert pages.PICTURE.is_file()


def test_the_page_is_written_from_its_table(tmp_path, monkeypatch, capsys):
    kept = results.read_results(verifiers.TABLE)
    copies = {name: tmp_path / name for name in ("page.md", "page.png", "page.csv")}
    copies["page.md"].write_text("a\n<!-- totals -->\n<!-- /totals -->\nb\n")
    for name, file in zip(("PAGE", "PICTURE", "TABLE"), copies.values(), strict=True):
        monkeypatch.setattr(verifiers, name, file)
    copies["page.csv"].write_bytes(results.table_of(kept))
    verifiers.main(["--write"])
    assert capsys.readouterr().out.startswith("\ntotals\n")
    totals = pages.totals(kept)
    assert copies["page.md"].read_text() == f"a\n<!-- totals -->\n{totals}<!-- /totals -->\nb\n"
    assert copies["page.png"].read_bytes().startswith(b"\x89PNG")
    assert results.read_results(copies["page.csv"]) == kept


def test_every_outcome_is_drawn_by_a_shape_of_its_own(benchmark_folder):
    found = [
        result
        for mode in ("right", "lies", "finds", "crashes", "gives up")
        for result in outcomes(benchmark_folder, mode)
    ]
    shapes = {(marker, filled) for _, marker, filled in pages.LOOKS.values()}
    assert len(shapes) == len(answers.OUTCOMES) == len(pages.LOOKS)
    figure = pages.outcomes_figure(found)
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(answers.OUTCOMES)
    assert [axes.get_title(loc="left") for axes in figure.axes] == pages.names(found)
    for axes in figure.axes:
        assert len(axes.lines) == 4
    assert rendered(figure, ".png").startswith(b"\x89PNG")


def test_margins_below_a_documented_tolerance_are_marked():
    assert [pages.mark("maraboupy 2.0.0", margin) for margin in ("1e-5", "9e-6")] == ["", " †"]
    assert not pages.mark("another", "1e-13")
    assert [pages.power(text) for text in ("0.001", "1e-08", "1", "1e-13")] == [
        *("1e-3", "1e-8", "1e+0", "1e-13")
    ]


def test_the_farthest_off_of_wrong_answers_is_shown(benchmark_folder):
    found = outcomes(benchmark_folder, "finds")
    text = pages.worst(found)
    assert "| finds | wrong sat | 1e-3 | sine, skip | 5e-1 | 0.5 |" in text
    assert (
        "| finds | wrong point | 1e-3 | sine, skip | 5e-1 | 0.5 | N(x) misses the threshold by 1 |"
        in text
    )
    assert pages.worst(outcomes(benchmark_folder, "right")) == "There is none.\n"
