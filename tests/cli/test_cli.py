"""The command line from the outside: what it prints, writes and returns, whatever it is given."""

import contextlib
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from graphs import sin_network

import sinrelu
from sinrelu import Circuit, build, evaluate_exact, load, save
from sinrelu.arithmetic.numbers import number
from sinrelu.cli import COMMANDS, HELP, main, run
from sinrelu.cli import shared as cli_shared
from sinrelu.evaluate import exact_error
from sinrelu.network import Network, Row
from sinrelu.target import FUNCTIONS, Target
from sinrelu.verification import sampling
from sinrelu.verification.report import VERDICTS

ROUGH = "1e-6"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run every test in an empty directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sampling, "RANDOM_POINTS", 20_000)
    monkeypatch.setattr(sampling, "WINDOWS", 100)
    return tmp_path


@pytest.fixture
def sinrelu_command(capfd):
    """Return a function that runs a command and gives its status, stdout and stderr."""

    def call(*arguments):
        status = run([str(argument) for argument in arguments])
        return status, *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def rough():
    return build(tol=float(ROUGH))


@pytest.fixture
def rough_file(rough, folder):
    save(rough, folder / "rough.npz")
    return "rough.npz"


def refusal(result):
    """Return the message of a command that must have refused, in one line, with status 2."""
    status, out, err = result
    assert (status, out) == (2, "")
    assert err.startswith("sinrelu: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def recount(file):
    """Count connections and nonzero biases in an .npz file, with no help from the package."""
    with np.load(file, allow_pickle=False) as arrays:
        assert all(begin <= end for begin, end in pairwise(arrays["indptr"].tolist()))
        return np.count_nonzero(arrays["weight"]), np.count_nonzero(arrays["bias"])


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_teaches_by_example(self, sinrelu_command, command):
        status, out, err = sinrelu_command(command, "--help")
        assert (status, err) == (0, "")
        assert f"\n    sinrelu {command} " in out
        assert "\n  -h, --help " in out
        assert sinrelu_command(command, "-h") == (status, out, err)

    @pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
    def test_help_lists_the_commands_and_the_exit_statuses(self, arguments):
        done = subprocess.run(
            [sys.executable, "-m", "sinrelu", *arguments], capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert all(f"\n  {command} ".encode() in done.stdout for command in COMMANDS)
        assert b"Exit status" in done.stdout

    def test_every_verdict_is_explained(self, sinrelu_command):
        _, out, _ = sinrelu_command("verify", "--help")
        assert all(f"\n    {verdict} " in out for verdict in VERDICTS)

    def test_version(self, sinrelu_command):
        assert sinrelu_command("--version") == (0, f"sinrelu {sinrelu.__version__}\n", "")


class TestBuild:
    def test_the_default_is_written_and_counted(self, sinrelu_command):
        status, out, err = sinrelu_command("build")
        assert (status, err) == (0, "")
        connections, biases = recount("sin.npz")
        assert connections < 10_000
        words = [line.split() for line in out.splitlines()]
        assert ["connections", str(connections)] in words
        assert ["biases", str(biases)] in words
        assert ["wiring", "layered"] in words
        assert load("sin.npz") == build()

    @pytest.mark.parametrize("suffix", [".npz", ".json", ".NPZ"])
    def test_the_suffix_chooses_the_format(self, sinrelu_command, rough, suffix):
        assert sinrelu_command("build", "--tol", ROUGH, "-o", f"a{suffix}")[0] == 0
        assert load(f"a{suffix}") == rough

    def test_a_limit_that_cannot_be_kept_says_what_is_needed(self, sinrelu_command, rough):
        needed = rough.connections
        arguments = ("build", "--tol", ROUGH, "-o", "a.npz", "--max-connections")
        status, out, err = sinrelu_command(*arguments, needed - 1)
        assert (status, out, err.startswith("sinrelu: ")) == (2, "", True)
        assert f"needs {needed} connections" in err
        assert list(Path().iterdir()) == []
        assert sinrelu_command(*arguments, needed)[0] == 0

    def test_without_a_tolerance_the_budget_is_spent_well(self, sinrelu_command):
        for wiring, budget in (("skip", 60), ("layered", 60), ("skip", 200)):
            arguments = ("--wiring", wiring, "--max-connections", budget, "-o", "a.json")
            status, out, err = sinrelu_command("build", *arguments)
            assert (status, err) == (0, "")
            network = load("a.json")
            assert budget - 4 <= network.connections <= budget
            assert network.wiring == wiring
            assert "plans compared" in out

    def test_a_budget_that_float64_cannot_use_up(self, sinrelu_command):
        arguments = ("--wiring", "skip", "--max-connections", "400", "-o", "a.npz")
        assert sinrelu_command("build", *arguments)[0] == 0
        assert load("a.npz").connections < 200
        assert load("a.npz") == build(wiring="skip", tol=1e-14)

    @pytest.mark.parametrize("wiring", ["skip", "layered"])
    def test_any_target(self, sinrelu_command, wiring):
        arguments = ("--function", "cos", "--domain", "-100pi", "2.5", "--tol", "1e-5")
        status, out, _ = sinrelu_command("build", *arguments, "--wiring", wiring)
        assert status == 0
        assert "cos on [−100π, 2.5]" in out
        x = np.random.default_rng(5).uniform(-100 * np.pi, 2.5, 10_000)
        error = abs(sinrelu.program(load("cos.npz"))(x) - np.cos(x)).max()
        assert 1e-6 < error < 1e-5

    def test_more_digits_than_a_float64_has(self, sinrelu_command):
        status, out, _ = sinrelu_command("build", "--tol", "1e-40")
        network = load("sin.json")
        assert (status, network.multiprecision, network.wiring) == (0, True, "skip")
        assert "with weights rounded" in out
        error = evaluate_exact(network, Fraction(1, 2)) - exact_sine_of_a_half()
        assert 0 < abs(error) < Fraction(1, 10**40)
        _, out, _ = sinrelu_command("eval", "sin.json", "0.5", "--digits", "5")
        [printed] = [line.split()[-1] for line in out.splitlines() if line.startswith("N(x) −")]
        assert float(printed) == pytest.approx(float(error), rel=1e-5, abs=0)
        status, out, err = sinrelu_command("verify", "sin.json", "--tol", "1e-40")
        assert (status, err) == (0, "")
        assert "verdict           proved: |N(x) − sin x| ≤ 1e-40" in out
        assert sinrelu_command("verify", "sin.json", "--tol", "1e-41")[0] == 1
        assert "not for it" in refusal(sinrelu_command("verify", "sin.json", "--plot", "a.png"))

    def test_what_other_constructions_cannot(self, sinrelu_command):
        for arguments in (("--function", "cos"), ("--domain", "0", "1")):
            message = refusal(sinrelu_command("build", "--construction", "taylor", *arguments))
            assert "taylor is for sin on [−π, π]" in message
        arguments = ("--construction", "taylor", "--max-connections", "9999")
        assert "taylor needs a tolerance" in refusal(sinrelu_command("build", *arguments))


def exact_sine_of_a_half():
    """Sum enough of the series of sin 1/2 in rational arithmetic."""
    total, term = Fraction(0), Fraction(1, 2)
    for k in range(1, 80, 2):
        total += term
        term /= -4 * (k + 1) * (k + 2)
    return total


class TestVerify:
    def test_functions_on_offer_are_those_of_targets(self):
        assert cli_shared.FUNCTIONS == FUNCTIONS

    def test_a_good_network_is_proved(self, sinrelu_command, rough_file, rough):
        status, out, err = sinrelu_command("verify", rough_file, "--tol", ROUGH)
        assert (status, err) == (0, "")
        assert out.splitlines()[-1].split()[:2] == ["verdict", "proved:"]
        assert f"connections       {rough.connections} " in out

    def test_json_is_one_object_with_exact_figures(self, sinrelu_command, rough_file, rough):
        status, out, err = sinrelu_command("verify", rough_file, "--tol", ROUGH, "--json")
        found = json.loads(out)
        assert (status, err, found["verdict"]) == (0, "", "proved")
        assert found["sampled_error"]["mpmath"] <= found["sup_error"] <= 1e-6
        assert (found["connections"], found["biases"]) == recount(rough_file)
        assert found["sha256"] == rough.sha256
        assert found["pieces"] > 100

    def test_a_sampled_verdict_is_called_so(self, sinrelu_command, rough_file):
        status, out, _ = sinrelu_command("verify", rough_file, "--tol", ROUGH, "--sampled")
        assert status == 0
        assert "proved" not in out
        assert out.splitlines()[-1].split()[:2] == ["verdict", "sampled-ok:"]

    @pytest.mark.parametrize("options", [(), ("--sampled",)])
    def test_a_bad_network_is_refuted_with_a_witness(self, sinrelu_command, rough_file, options):
        arguments = ("verify", rough_file, "--tol", "1e-9", "--json", *options)
        status, out, _ = sinrelu_command(*arguments)
        found = json.loads(out)
        assert (status, found["verdict"]) == (1, "refuted")
        x = float.fromhex(found["witness"])
        error = abs(evaluate_exact(load(rough_file), x) - Fraction(float(np.sin(x))))
        assert float(error) == pytest.approx(found["witness_error"], rel=1e-3)
        assert error > Fraction(1e-9)

    def test_more_connections_than_allowed_fail(self, sinrelu_command, rough_file, rough):
        arguments = ("verify", rough_file, "--tol", ROUGH, "--sampled", "--max-connections")
        status, out, _ = sinrelu_command(*arguments, rough.connections - 1)
        assert status == 1
        assert "exceed the limit" in out
        assert sinrelu_command(*arguments, rough.connections)[0] == 0

    def test_a_proof_without_means_is_inconclusive(self, sinrelu_command, rough_file):
        status, out, _ = sinrelu_command("verify", rough_file, "--tol", ROUGH, "--budget", 1)
        assert status == 3
        assert "\nremark " in out
        assert out.splitlines()[-1].split()[:2] == ["verdict", "inconclusive:"]

    def test_the_file_is_not_believed(self, sinrelu_command, rough):
        save(rough.with_meta(connections=1, verdict="proved", tol=1e-300), "liar.npz")
        _, out, _ = sinrelu_command("verify", "liar.npz", "--tol", "1e-9", "--json", "--sampled")
        found = json.loads(out)
        assert (found["connections"], found["verdict"]) == (rough.connections, "refuted")

    def test_the_picture_may_be_drawn_at_once(self, sinrelu_command, rough_file):
        options = ("--tol", ROUGH, "--sampled", "--plot", "error.svg")
        assert sinrelu_command("verify", rough_file, *options)[0] == 0
        drawn = Path("error.svg").read_bytes()
        assert sinrelu_command("plot", rough_file, "--tol", ROUGH, "-o", "error.svg")[0] == 0
        assert Path("error.svg").read_bytes() == drawn
        assert len(drawn) > 5000

    @pytest.fixture
    def cosine_file(self, folder):
        save(build(Target.parse("cos", ("-100", "100")), "skip", 1e-4), folder / "cos.npz")
        return "cos.npz"

    def test_a_cosine_on_a_wide_domain_is_proved(self, sinrelu_command, cosine_file):
        options = ("--tol", "1e-4", "--function", "cos", "--domain", "-100", "100", "--json")
        status, out, err = sinrelu_command("verify", *options, cosine_file)
        found = json.loads(out)
        assert (status, err, found["verdict"], found["remarks"]) == (0, "", "proved", [])
        assert (found["function"], found["domain"]) == ("cos", [-100, 100])
        assert found["sampled_error"]["mpmath"] <= found["sup_error"] <= 1e-4

    def test_what_a_file_is_meant_for_is_repeated_and_not_believed(
        self, sinrelu_command, cosine_file
    ):
        status, out, _ = sinrelu_command("verify", cosine_file, "--tol", "1e-4", "--sampled")
        assert status == 1
        assert "the file says that it is cos on [−100, 100]" in out
        assert "--function cos --domain -100 100\n" in out
        assert out.splitlines()[-1].split()[:2] == ["verdict", "refuted:"]
        assert "function          sin\ndomain            [−π, π] within" in out

    @pytest.mark.parametrize(
        ("tol", "shown"), [("1/3", "1/3"), ("0x1p-5", "0.03125"), ("9.6929839e-5", "9.6929839e-05")]
    )
    def test_tolerances_are_repeated_as_what_they_are(
        self, sinrelu_command, rough_file, tol, shown
    ):
        status, out, _ = sinrelu_command("verify", rough_file, "--tol", tol)
        assert status == 0
        assert f"\ntolerance         {shown}\n" in out
        assert f"proved: |N(x) − sin x| ≤ {shown} for every" in out
        assert load("rough.npz").meta["tol"] == "1e-06"

    def test_a_printed_bound_is_one(self, sinrelu_command):
        """9.69298e-05 was said to be one, and 9.69298366…e-05 is the error at −π."""
        assert sinrelu_command("build", "--tol", "1e-4", "-o", "a.npz")[0] == 0
        _, out, _ = sinrelu_command("verify", "a.npz", "--tol", "9.6929839e-5")
        figures = {line.split("  ")[0]: line[18:].split()[0] for line in out.splitlines() if line}
        error = number(abs(next(exact_error(load("a.npz"), [-math.pi]))[1]), "error")
        assert error <= Fraction(figures["sup error"]) <= Fraction("9.6929839e-5")
        assert figures["verdict"] == "proved:"

    @pytest.mark.parametrize("options", [("--sampled",), ()])
    def test_an_error_that_is_not_finite(self, sinrelu_command, options):
        """Float64 overflows; exactly the network is 10⁶⁰⁰·relu(x) here, and 0 there."""
        first, second = Row((0,), (1e300,), 0.0), Row((1,), (1e300,), 0.0)
        steep = Network([first, second])
        flat = Network([first, second, second, Row((2, 3), (1.0, -1.0), 0.0)])
        for network, bound in ((steep, sys.float_info.max), (flat, 1)):
            save(network, "a.npz")
            status, out, err = sinrelu_command("verify", "a.npz", "--json", *options)
            found = json.loads(out, parse_constant=pytest.fail)
            assert (status, err, found["verdict"]) == (1, "", "refuted")
            assert found["sampled_error"]["float64"] is None
            assert 0.99 * bound <= found["witness_error"] <= bound
            status, out, _ = sinrelu_command("verify", "a.npz", *options)
            assert (status, out.count("sampled error     inf ")) == (1, 1)

    def test_the_narrowest_domain(self, sinrelu_command, rough_file):
        options = ("--tol", ROUGH, "--domain", "1", "1.0000000000000002")
        status, out, _ = sinrelu_command("verify", rough_file, *options)
        assert (status, "within" in out) == (0, True)
        status, out, err = sinrelu_command("verify", rough_file, *options, "--budget", 1)
        assert (status, err.count("\n"), "proved: " in out) == (0, 1, True)

    def test_multiples_of_pi_are_ends_too(self, sinrelu_command, rough_file):
        options = ("--tol", ROUGH, "--domain", "-3pi/4", "0.5pi")
        status, out, _ = sinrelu_command("verify", rough_file, *options)
        assert status == 0
        assert "[−3π/4, π/2] within [-2.356194490192345" in out

    def test_beyond_the_budget_the_sample_is_shown(self, sinrelu_command, cosine_file):
        options = ("--tol", "1e-4", "--function", "cos", "--domain", "-100", "100")
        status, out, _ = sinrelu_command("verify", cosine_file, *options, "--budget", "1000")
        assert status == 3
        assert "raise --budget, or judge by --sampled alone" in out
        assert "sampled error" in out

    def test_certificates_of_other_targets_stand(self, sinrelu_command, rough_file):
        options = ("--tol", ROUGH, "--domain", "0", "1", "--certificate", "part.proof")
        assert sinrelu_command("verify", rough_file, *options)[0] == 0
        status, out, _ = sinrelu_command("recheck", "part.proof", rough_file)
        assert status == 0
        assert "domain            [0.0, 1.0]" in out

    def test_a_bar_is_shown_on_a_terminal(self, sinrelu_command, rough_file, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        monkeypatch.setattr(sys, "stderr", Terminal())
        assert sinrelu_command("verify", rough_file, "--tol", ROUGH)[0] == 0
        assert "sampling" in sys.stderr.getvalue()
        assert "100%" in sys.stderr.getvalue()


class TestRecheck:
    @pytest.fixture
    def proof_file(self, sinrelu_command, rough_file):
        options = ("--tol", ROUGH, "--certificate", "rough.proof")
        assert sinrelu_command("verify", rough_file, *options)[0] == 0
        return Path("rough.proof")

    def test_a_certificate_stands(self, sinrelu_command, rough_file, proof_file):
        status, out, err = sinrelu_command("recheck", proof_file, rough_file)
        assert (status, err) == (0, "")
        assert "the certificate stands" in out

    def test_a_forged_certificate_does_not(self, sinrelu_command, rough_file, proof_file):
        forged = {**json.loads(proof_file.read_text()), "sup_error": 1e-9}
        proof_file.write_text(json.dumps(forged))
        status, out, _ = sinrelu_command("recheck", proof_file, rough_file)
        assert status == 1
        assert "\ndifference " in out

    def test_a_certificate_is_for_one_network(self, sinrelu_command, proof_file):
        save(build("fold-reflect", "skip", float(ROUGH)), "other.npz")
        status, out, _ = sinrelu_command("recheck", proof_file, "other.npz")
        assert status == 1
        assert "another network" in out

    def test_what_is_no_certificate_is_refused(self, sinrelu_command, rough_file):
        Path("bad.proof").write_bytes(b"{}")
        assert "bad.proof" in refusal(sinrelu_command("recheck", "bad.proof", rough_file))

    def test_where_text_is_expected_a_network_file_is_named(self, sinrelu_command, rough_file):
        message = refusal(sinrelu_command("recheck", rough_file, rough_file))
        assert "rough.npz: not text, and so not a certificate of" in message
        message = refusal(sinrelu_command("plot", rough_file, "--kind", "scaling", "-o", "a.png"))
        assert "rough.npz: not text, and so not a table of `sinrelu compare --csv`" in message
        Path("a.json").write_bytes(Path(rough_file).read_bytes())
        message = refusal(sinrelu_command("verify", "a.json"))
        assert "a.json: not text, and so not a network as JSON" in message


class TestEval:
    def test_several_points_negative_ones_too(self, sinrelu_command, rough_file):
        status, out, err = sinrelu_command("eval", rough_file, "pi/2", "-1.5", "-0x1p-3", "-pi")
        assert status == 0
        assert all(line.startswith("default taken from the file: ") for line in err.splitlines())
        assert out.count("N(x) − sin x") == 4
        assert "the float64 nearest to -pi" in out

    def test_the_function_and_domain_are_those_asked_for(self, sinrelu_command, rough_file):
        options = ("--function", "cos", "--domain", "-10", "0")
        status, out, err = sinrelu_command("eval", rough_file, "-9", *options, "1")
        assert (status, err) == (0, "")
        assert out.count("N(x) − cos x") == 2
        assert out.count("outside [−10, 0]") == 1

    def test_what_is_not_asked_for_is_what_the_file_says(self, sinrelu_command, rough):
        claim = {"function": "cos", "domain": [-1.0, 2.0]}
        save(rough.with_meta(**claim), "cos.npz")
        _, out, err = sinrelu_command("eval", "cos.npz", "3")
        assert err == "default taken from the file: cos on [−1, 2]\n"
        assert "outside [−1, 2]" in out
        assert "cos x  " in out
        _, out, _ = sinrelu_command("eval", "cos.npz", "3", "--function", "sin")
        assert "outside [−1, 2]" in out
        assert "sin x  " in out

    def test_the_value_is_the_exact_one(self, sinrelu_command, rough_file, rough):
        _, out, _ = sinrelu_command("eval", rough_file, "0.75", "--digits", "60")
        [printed] = [line.split()[1] for line in out.splitlines() if line.startswith("N(x)  ")]
        assert abs(Fraction(printed) - evaluate_exact(rough, 0.75)) <= Fraction(1, 10**60)


def npz(**changes):
    """Return a small .npz file, with some entries changed or left out."""
    circuit = Circuit()
    network = circuit.freeze(circuit.input * 2)
    save(network, "good.npz")
    with np.load("good.npz") as arrays:
        entries = {**arrays, **changes}
    stream = io.BytesIO()
    np.savez(stream, **{name: value for name, value in entries.items() if value is not None})
    Path("good.npz").unlink()
    return stream.getvalue()


BAD_FILES = {
    "empty": lambda: b"",
    "garbage": lambda: b"not an archive",
    "truncated": lambda: npz()[:-200],
    "field missing": lambda: npz(weight=None),
    "wrong version": lambda: npz(format=np.array("sinrelu-network-99")),
    "pickled": lambda: npz(weight=np.array([{}], dtype=object)),
    "cyclic": lambda: npz(source=np.array([1])),
    "backwards": lambda: npz(source=np.array([-1])),
    "NaN weight": lambda: npz(weight=np.array([np.nan])),
    "infinite weight": lambda: npz(weight=np.array([np.inf])),
    "NaN bias": lambda: npz(bias=np.array([np.nan])),
    "zero weight": lambda: npz(weight=np.array([0.0])),
    "oversized": lambda: npz(weight=np.zeros(2**27)[:: 2**26]) + bytes(2**26 + 1),
}


@contextlib.contextmanager
def unprivileged():
    """Drop the rights of the administrator, who may read and write everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class TestBadInput:
    @pytest.mark.parametrize("kind", BAD_FILES)
    @pytest.mark.parametrize(
        "arguments",
        [("verify", "bad.npz"), ("plot", "bad.npz", "-o", "e.png"), ("eval", "bad.npz", "1")],
        ids=lambda arguments: arguments[0],
    )
    def test_a_bad_file_is_refused_by_name(self, sinrelu_command, kind, arguments):
        Path("bad.npz").write_bytes(BAD_FILES[kind]())
        assert "bad.npz: " in refusal(sinrelu_command(*arguments))
        assert [file.name for file in Path().iterdir()] == ["bad.npz"]

    @pytest.mark.parametrize(
        "content",
        ["", "[]", "{}", "[" * 100_000, '{"format": "sinrelu-network-1", "meta": {}, "rows": []}'],
    )
    def test_a_bad_json_file_is_refused_by_name(self, sinrelu_command, content):
        Path("bad.json").write_text(content)
        assert "bad.json: " in refusal(sinrelu_command("verify", "bad.json"))

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--no-such-option",),
            ("nonsense",),
            ("verify",),
            ("verify", "missing.npz"),
            ("verify", "directory.npz"),
            ("verify", "file.npz/inside.npz"),
            ("verify", "no-suffix"),
            ("verify", "file.txt"),
            ("verify", "file.npz", "--plot", "error.gif"),
            ("verify", "file.npz", "--plot", "missing/error.png"),
            ("verify", "file.npz", "--certificate", "missing/file.proof"),
            ("verify", "file.npz", "--max-connections", "0"),
            ("verify", "file.npz", "--max-connections", "many"),
            ("verify", "file.npz", "--sampled", "--certificate", "c.json"),
            ("verify", "file.npz", "--budget", "0"),
            ("verify", "file.npz", "--function", "tan"),
            ("verify", "file.npz", "--domain", "1"),
            ("verify", "file.npz", "--domain", "1", "0"),
            ("verify", "file.npz", "--domain", "0", "2e6"),
            ("verify", "file.npz", "--domain", "a", "b"),
            ("verify", "file.npz", "--domain", "0", "nan"),
            ("verify", "file.npz", "--domain", "1", "1.0000000000000002", "--plot", "e.png"),
            ("plot", "file.npz", "--domain", "1", "1.0000000000000002", "-o", "e.png"),
            ("plot", "file.npz", "-o", "e.png", "--domain", "0", "0"),
            ("plot", "file.npz", "-o", "e.png", "--tol", "1e-31"),
            ("eval", "file.npz", "1", "--function", "sine"),
            ("eval", "file.npz", "1", "--domain", "5"),
            ("plot", "file.npz"),
            ("plot", "file.npz", "-o", "error"),
            ("plot", "file.npz", "-o", "missing/error.png", "--tol", "0.5"),
            ("plot", "file.npz", "-o", "directory.png", "--tol", "0.5"),
            ("eval", "file.npz"),
            ("eval", "file.npz", "one"),
            ("eval", "file.npz", "1", "nan"),
            ("eval", "file.npz", "1", "--digits", "0"),
            ("eval", "file.npz", "1", "--digts", "9"),
            ("recheck", "file.npz"),
            ("recheck", "missing", "file.npz"),
            ("recheck", "file.npz", "file.npz"),
            ("build", "extra"),
            ("build", "--construction", "magic"),
            ("build", "--wiring", "loose"),
            ("build", "--max-connections", "-5"),
            ("build", "--wiring", "layered", "--tol", "1e-30"),
            ("build", "--tol", "1e-30", "-o", "a.npz"),
            ("build", "--tol", "1e-30", "-o", "a.onnx"),
            ("build", "--function", "tan"),
            ("build", "--domain", "1", "0"),
            ("build", "--domain", "1"),
            ("build", "--domain", "-1", "1e7"),
            ("build", "--domain", "one", "two"),
            ("build", "--domin", "1", "2"),
            ("build", "--max-connections", "9"),
            ("build", "-o", "sin.txt"),
            ("build", "-o", "sin"),
            ("build", "-o", "directory.npz", "--tol", "0.1"),
            ("build", "-o", "missing/sin.npz", "--tol", "0.1"),
        ],
        ids=" ".join,
    )
    def test_a_mistake_is_one_line_and_writes_nothing(self, sinrelu_command, arguments):
        circuit = Circuit()
        save(circuit.freeze(circuit.input), "file.npz")
        for name in ("directory.npz", "directory.png"):
            Path(name).mkdir()
        before = sorted(Path().rglob("*"))
        refusal(sinrelu_command(*arguments))
        assert sorted(Path().rglob("*")) == before

    @pytest.mark.parametrize("tol", ["0", "-1e-12", "nan", "inf", "1", "1e-1001", "tiny", "1e-3l"])
    @pytest.mark.parametrize("command", ["build", "verify", "plot"])
    def test_an_impossible_tolerance_is_refused(self, sinrelu_command, rough_file, command, tol):
        arguments = {"build": (), "verify": (rough_file,), "plot": (rough_file, "-o", "e.png")}
        message = refusal(sinrelu_command(command, *arguments[command], "--tol", tol))
        assert "tol" in message
        assert [file.name for file in Path().iterdir()] == [rough_file]

    def test_no_permission_to_read_or_write(self, sinrelu_command, rough_file, folder):
        sinrelu_command("eval", rough_file, "1")  # loads every module while that is allowed
        Path(rough_file).chmod(0)
        folder.chmod(0o500)
        with unprivileged():
            assert "ermission denied" in refusal(sinrelu_command("eval", folder / rough_file, "1"))
            arguments = ("build", "--tol", "0.1", "-o", folder / "new.npz")
            assert "ermission denied" in refusal(sinrelu_command(*arguments))
        folder.chmod(0o700)
        assert [file.name for file in folder.iterdir()] == [rough_file]

    def test_a_failed_build_leaves_the_old_file(self, sinrelu_command, rough_file):
        before = Path(rough_file).read_bytes()
        refusal(sinrelu_command("build", "-o", rough_file, "--max-connections", "1"))
        assert Path(rough_file).read_bytes() == before


class TestInterruption:
    def test_a_defect_is_one_line_and_a_status_of_its_own(self, rough_file, monkeypatch, capfd):
        """Through what the installed command calls; ``--help`` names the status."""
        monkeypatch.setattr("sinrelu.formats.load", lambda _: {}["gone"])
        monkeypatch.setattr(sys, "argv", ["sinrelu", "eval", rough_file, "1"])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capfd.readouterr()
        assert (caught.value.code, out, err.count("\n")) == (70, "", 1)
        assert err.startswith("sinrelu: unexpected KeyError in test_cli.py, line ")
        assert " 70 a defect of sinrelu itself" in HELP

    def test_a_defect_is_no_verdict(self, sinrelu_command, rough_file, monkeypatch):
        monkeypatch.setattr(sampling, "float64_error", lambda *_, **__: 1 // 0)
        status, out, err = sinrelu_command("verify", rough_file, "--json", "--tol", ROUGH)
        assert (status, out, err.count("\n")) == (70, "", 1)
        assert err.startswith("sinrelu: unexpected ZeroDivisionError in test_cli.py, line ")

    def test_a_verdict_is_printed_before_files_are_written(
        self, sinrelu_command, rough_file, monkeypatch, capfd
    ):
        def full(*_):
            raise OSError("disk full" if "sampled-ok" in capfd.readouterr().out else "no verdict")

        monkeypatch.setattr("sinrelu.plots.write", full)
        options = ("--sampled", "--tol", ROUGH, "--plot", "a.png")
        assert "disk full" in refusal(sinrelu_command("verify", rough_file, *options))

    def test_interrupt(self, sinrelu_command, rough_file, monkeypatch):
        def interrupted(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(sampling, "float64_error", interrupted)
        status, out, err = sinrelu_command("verify", rough_file, "--json", "--tol", ROUGH)
        assert (status, out, err) == (130, "", "sinrelu: interrupted\n")

    def test_out_of_memory(self, sinrelu_command, rough_file, monkeypatch):
        def exhausted(*_, **__):
            raise MemoryError

        monkeypatch.setattr(sampling, "float64_error", exhausted)
        assert "out of memory" in refusal(
            sinrelu_command("verify", rough_file, "--json", "--tol", ROUGH)
        )

    @staticmethod
    def shell(line, **environment):
        """Run a line of the shell in which $S is this package's command."""
        environment = {**os.environ, "S": f"{sys.executable} -m sinrelu", **environment}
        return subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=False)

    def test_closed_streams(self, rough_file):
        done = self.shell(f"$S eval {rough_file} 1 >&-")
        assert (done.returncode, done.stderr) == (2, b"sinrelu: stdout is closed\n")
        done = self.shell(f"$S verify {rough_file} --tol {ROUGH} --sampled 2>&-")
        assert (done.returncode, done.stdout.count(b"sampled-ok")) == (0, 1)

    @pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
    def test_an_encoding_without_pi(self, rough_file, encoding, capfd):
        with io.TextIOWrapper(io.BytesIO(), encoding) as stdout:
            with contextlib.redirect_stdout(stdout):
                assert run(["verify", rough_file, "--tol", ROUGH, "--sampled"]) == run(["-h"]) == 0
            written = stdout.buffer.getvalue()
        assert b"sampled-ok" in written
        assert b"that equal sin on [" in written
        assert capfd.readouterr() == ("", "")

    def test_the_encoding_of_a_terminal_without_pi(self):
        done = self.shell("$S -h", PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"that equal sin on [" in done.stdout

    def test_the_backend_of_a_notebook_does_not_matter(self, rough_file):
        line = f"$S plot {rough_file} --kind network -o a.svg"
        assert self.shell(line, MPLBACKEND="module://nowhere").returncode == 0

    @pytest.mark.parametrize("command", COMMANDS)
    def test_no_command_has_the_backend_of_a_notebook(self, monkeypatch, capfd, command):
        monkeypatch.setenv("MPLBACKEND", "module://nowhere")
        monkeypatch.setattr(sys, "argv", ["sinrelu", command, "--help"])
        with pytest.raises(SystemExit, match="0"):
            main()
        assert capfd.readouterr().out
        assert "MPLBACKEND" not in os.environ

    @staticmethod
    def evaluation(file, stdout):
        return subprocess.run(
            [sys.executable, "-m", "sinrelu", "eval", file, "1", "2"],
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
        )

    def test_a_reader_that_leaves_early(self, rough_file):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            done = self.evaluation(rough_file, pipe)
        assert (done.returncode, done.stderr) == (141, b"")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
    def test_a_full_disk(self, rough_file):
        with Path("/dev/full").open("wb") as full:
            done = self.evaluation(rough_file, full)
        assert done.returncode == 2
        assert done.stderr.count(b"\n") == 1
        assert b"No space left" in done.stderr


class TestAtOnce:
    """Somebody who marks homework sees the counts, and the broken limit, before anything else."""

    def test_a_broken_limit_is_said_before_json(self, sinrelu_command, rough_file, monkeypatch):
        monkeypatch.setattr("sinrelu.verification.verify", lambda *_, **__: 1 // 0)
        options = ("--max-connections", "5", "--json")
        status, out, err = sinrelu_command("verify", rough_file, *options)
        assert (status, out) == (70, "")
        assert re.match(r"\d+ connections, more than 5\n", err)

    def test_ctrl_c_ends_it_after_the_counts_and_leaves_no_file(self, tmp_path):
        """Also while threads compute."""
        save(sin_network("skip"), tmp_path / "a.npz")
        outputs = ("--certificate", "a.proof", "--plot", "a.png")
        hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        command = f"{hear}; from sinrelu.cli import main; main()"  # also where a shell ignores it
        done = subprocess.Popen(
            [sys.executable, "-c", command, "verify", "a.npz", "--max-connections", "5", *outputs],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        seen = next(line for line in done.stdout if line.startswith("connections"))
        assert re.search(r"\d+ +limit 5, exceeded$", seen)  # and now it computes
        time.sleep(1)
        done.send_signal(signal.SIGINT)
        _, err = done.communicate(timeout=60)
        assert err.endswith("sinrelu: interrupted\n")
        assert done.returncode == 130
        assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]
