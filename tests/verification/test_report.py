"""The report: verdicts, exit statuses and words; nothing is called proved that was not."""

import itertools
import json
import math
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import Circuit, relu
from sinrelu.arithmetic.rounding import exact_text
from sinrelu.certify import DOMAIN
from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED
from sinrelu.target import Target
from sinrelu.verification.report import (
    SAMPLED_OK,
    Proof,
    Report,
    construction_of,
    count_lines,
    domain_text,
    dyadic_text,
)
from sinrelu.verification.sampling import Enclosed, Sample, Worst

PROMISED_KEYS = {
    "verdict", "tol", "domain", "sup_error", "witness", "pieces", "sampled_error", "connections",
    "biases", "skip_connections", "units", "depth", "width", "dense_size", "max_connections",
    "wiring", "construction", "sha256", "function",
}  # fmt: skip


TOL = Fraction(1, 10**12)
SHOWN = Proof(Fraction(9, 10**13))
UNSURE = Proof(shortfall="too long")
FOUND = Proof()
HALF = Fraction(1, 2**80), Fraction(1, 2)


def sample(float64=8e-13, exact=7e-13, pieces=4):
    error, worst = Fraction(exact), Worst(float64, 1.0, 10)
    return Sample(Enclosed(error, error, Fraction(3, 4), 5), worst, pieces, on_grid=pieces is None)


def network(**meta):
    circuit = Circuit()
    return circuit.freeze(circuit.input + relu(circuit.input - 1), meta)


def report(proof=None, limit=10, **seen):
    made, found = sample(**seen), HALF
    if proof is not FOUND:
        found = made.exact.x, made.exact.lower
    return Report(network(), TOL, limit, made, proof, found)


def judged_as(function, ends=None, meta=None):
    target = Target.parse(function, ends)
    return Report(network(**(meta or {})), TOL, 10, sample(), target=target)


@pytest.mark.parametrize(
    ("made", "verdict", "status"),
    [
        (report(SHOWN), PROVED, 0),
        (report(None), SAMPLED_OK, 0),
        (report(UNSURE), INCONCLUSIVE, 3),
        (report(FOUND), REFUTED, 1),
        (report(None, exact=2e-12, float64=2e-12), REFUTED, 1),
        (report(UNSURE, exact=2e-12), REFUTED, 1),
        (report(SHOWN, exact=2e-12), REFUTED, 1),
        (report(None, float64=2e-12), SAMPLED_OK, 0),
        (report(None, float64=math.inf), INCONCLUSIVE, 3),
        (report(SHOWN, limit=2), PROVED, 1),
        (report(None, limit=2), SAMPLED_OK, 1),
        (report(UNSURE, limit=2), INCONCLUSIVE, 1),
    ],
)
def test_verdicts_and_exit_statuses(made, verdict, status):
    assert (made.verdict, made.exit_status) == (verdict, status)
    assert json.loads(made.as_json())["verdict"] == verdict
    assert made.as_text().splitlines()[-1].split()[:2] == ["verdict", f"{verdict}:"]


EDGE = Fraction(1, 10**40)


@pytest.mark.parametrize("step", [-EDGE, 0, EDGE])
def test_the_tolerance_is_exact(step):
    """By differences that no float64 shows: the tolerance itself is kept."""
    made = replace(report(), counterexample=None, proof=Proof(TOL + step))
    assert made.verdict == (INCONCLUSIVE if step > 0 else PROVED)
    assert ("exceeds the tolerance" in made.as_text()) == (step > 0)
    found = replace(made, proof=UNSURE, counterexample=(Fraction(1), TOL + step))
    assert found.verdict == (REFUTED if step > 0 else INCONCLUSIVE)
    assert (found.witness is None) == (found.witness_error is None) == (step <= 0)
    edge = Enclosed(TOL - EDGE, TOL + step, Fraction(1), 5)
    seen = replace(made, proof=None, sample=replace(sample(), exact=edge))
    assert seen.verdict == (INCONCLUSIVE if step > 0 else SAMPLED_OK)


@pytest.mark.parametrize("limit", [2, 3, 4])
def test_the_limit_itself_is_allowed(limit):
    assert network().connections == 3
    assert report(limit=limit).within_limit == (limit >= 3)


def test_only_a_proof_is_called_proved():
    for proof, float64, exact in itertools.product(
        (None, FOUND, UNSURE), (8e-13, 2e-12, math.inf), (8e-13, 2e-12)
    ):
        made = report(proof, float64=float64, exact=exact)
        assert made.verdict != PROVED
        assert "prove" not in made.as_text() + made.as_json()
        assert made.sup_error is None


def test_a_witness_is_exact_and_its_error_is_given():
    found = json.loads(report(FOUND).as_json())
    assert found["witness"] == "0x1p-80"
    assert found["witness_error"] == 0.5
    seen = json.loads(report(exact=2e-12).as_json())
    assert (float.fromhex(seen["witness"]), seen["witness_error"]) == (0.75, 2e-12)


@pytest.mark.parametrize("number", [0.1, -3.0, 5e-324, 2.0**70, 0.0])
def test_dyadic_numbers_are_written_exactly(number):
    assert float(dyadic_text(Fraction(number))) == number


def test_dyadic_numbers_beyond_float64_are_written_in_hexadecimal():
    assert dyadic_text(1 + Fraction(1, 2**99)) == f"{2**99 + 1:#x}p-99"
    assert dyadic_text(Fraction(2) ** 5000) == "0x1p5000"


def test_json_has_the_promised_keys_and_no_number_that_json_lacks():
    made = json.loads(report(float64=math.inf, pieces=None).as_json())
    assert set(made) >= PROMISED_KEYS
    assert made["sampled_error"] == {"float64": None, "mpmath": 7e-13}
    assert made["pieces"] is None
    assert made["domain"] == list(DOMAIN)
    assert any("grid" in remark for remark in made["remarks"])


def test_counts_come_from_the_graph_and_not_from_the_file():
    honest = report().as_dict()
    lying = replace(report(), network=network(connections=1, units=0, sha256="0", verdict="proved"))
    assert lying.as_dict() == honest


@pytest.mark.parametrize("name", [7, None, "a\x1b[2Jb", "two\nlines", "x" * 61, ["fold"]])
def test_a_construction_that_is_no_plain_name_is_not_repeated(name):
    assert construction_of(network(construction=name)) is None


def test_a_construction_is_repeated():
    made = Report(network(construction="fold-reflect"), TOL, 9, sample())
    assert made.as_dict()["construction"] == "fold-reflect"
    assert made.as_text().split()[:2] == ["construction", "fold-reflect"]


def test_text_shows_every_count():
    text = "\n".join(count_lines(network(), 10))
    for label, count in {
        "connections": 3, "biases": 1, "skip connections": 1, "units": 1, "depth": 2, "width": 1,
    }.items():  # fmt: skip
        assert any(
            line.startswith(label) and line.removeprefix(label).split()[0] == str(count)
            for line in text.splitlines()
        ), label
    assert "limit 10" in text


@pytest.mark.parametrize("function", ["sin", "cos"])
def test_every_sentence_names_the_function(function):
    made = judged_as(function)
    assert f"|N(x) − {function} x| ≤ 1e-12" in made.as_text()
    assert json.loads(made.as_json())["function"] == function
    other = "cos" if function == "sin" else "sin"
    assert other not in made.as_text() + made.as_json()


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        (None, "[−π, π] within [-3.1415926535897936, 3.1415926535897936]"),
        (("-1000pi", "0"), "[−1000π, 0] within [-3141.5926535897934, 0.0]"),
        (("-100", "0.5"), "[−100, 0.5]"),
        (("0", "0.1"), "[0, 0.1] within [0.0, 0.1]"),
    ],
)
def test_the_domain_is_written_with_the_floats_around_it(ends, text):
    assert domain_text(Target.parse("sin", ends)) == text
    assert f"\ndomain            {text}\n" in judged_as("sin", ends).as_text()


def test_what_a_file_says_is_repeated_if_it_is_another_target():
    said = {"function": "cos", "domain": [-3141.5926535897934, 100]}
    [remark] = judged_as("sin", meta=said).remarks
    assert "cos on [−1000π, 100]" in remark
    assert "--function cos --domain -1000pi 100" in remark
    assert judged_as("cos", ("-1000pi", "100"), said).remarks == ()
    assert len(judged_as("sin", ("-1000pi", "100"), said).remarks) == 1
    assert judged_as("sin", meta={"domain": [-math.pi, math.pi]}).remarks == ()


HOSTILE_META = [
    {"function": "tan", "domain": [0.0, 1.0]},
    {"function": ["cos"], "domain": [0.0, 1.0]},
    {"function": "cos\x1b[2J", "domain": [0.0, 1.0]},
    {"function": "cos"},
    {"function": "cos", "domain": None},
    {"function": "cos", "domain": "ab"},
    {"function": "cos", "domain": [0.0]},
    {"function": "cos", "domain": [1.0, 0.0]},
    {"function": "cos", "domain": [math.nan, 1.0]},
    {"function": "cos", "domain": [-math.inf, math.inf]},
    {"function": "cos", "domain": [0.0, 1e300]},
    {"function": "cos", "domain": [0, 10**400]},
    {"function": "cos", "domain": [False, True]},
    {"function": "cos", "domain": ["0", "1"]},
    {"function": "cos", "domain": {"0": 1, "1": 2}},
    {"function": "cos", "domain": [[0.0], [1.0]]},
]


@pytest.mark.parametrize("meta", HOSTILE_META, ids=str)
def test_what_a_file_says_in_vain_is_not_repeated(meta):
    assert Target.claimed(meta) is None
    assert judged_as("sin", meta=meta).remarks == ()


JUST_WITHIN = Fraction("9.692983661e-5"), Fraction("9.6929839e-5")


def test_a_bound_within_the_tolerance_is_not_printed_beyond_it():
    bound, tol = JUST_WITHIN
    made = replace(report(Proof(bound)), tol=tol, counterexample=None)
    text = made.as_text()
    assert "tolerance         9.6929839e-05\n" in text
    assert text.endswith("|N(x) − sin x| ≤ 9.6929839e-05 for every real x of the domain")
    [shown] = re.findall(r"sup error +(\S+)", text)
    assert bound <= Fraction(shown) <= tol
    found = json.loads(made.as_json())
    assert (found["tol"], found["sup_error"]) == (9.6929839e-05, 9.692983661e-05)


def test_a_witness_is_not_printed_within_the_tolerance():
    tol, error = JUST_WITHIN
    made = replace(report(), tol=tol, counterexample=(Fraction(1), error))
    [shown] = re.findall(r"≥ (\S+) > 9.692983661e-05 at x = 1.0", made.as_text())
    assert tol < Fraction(shown) <= error


@pytest.mark.parametrize("tol", [Fraction(1, 3), Fraction(2, 3), Fraction(1, 10**4), 1 - TOL / 7])
def test_json_rounds_a_tolerance_that_no_float_is_written_as_up(tol):
    made = replace(report(), tol=tol)
    assert max(tol, Fraction(json.loads(made.as_json())["tol"])) <= tol * (1 + Fraction(1, 10**15))
    assert Fraction(f"{json.loads(made.as_json())['tol']}") >= tol
    assert f" {exact_text(tol)}\n" in made.as_text()


@settings(deadline=None)
@given(st.floats(1e-300, 1e300), st.floats(1e-300, 0.9))
def test_figures_of_a_report_are_on_the_safe_side(error, tol):
    number = Fraction(error)
    made = replace(report(Proof(number)), tol=Fraction(tol), counterexample=(Fraction(1), number))
    text, found = made.as_text(), json.loads(made.as_json())
    [bound] = re.findall(r"sup error +(\S+)", text)
    assert Fraction(bound) >= number or float(bound) == error == tol
    assert found["sup_error"] == error
    for shown in re.findall(r"≥ (\S+) >", text):
        assert tol < Fraction(shown) <= number
