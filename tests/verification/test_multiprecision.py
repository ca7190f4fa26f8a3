"""Reports on wide networks: verdicts, what they rest on, and figures that are rounded up."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from graphs import with_number
from hypothesis import given
from hypothesis import strategies as st
from mpmath import MPContext

from sinrelu.circuit import Circuit
from sinrelu.constructions.fold_reflect.solver import smallest
from sinrelu.evaluate.exact import evaluate_exact
from sinrelu.network import Network
from sinrelu.target import Target
from sinrelu.verification import multiprecision as wide
from sinrelu.verification.multiprecision import WideReport, figure, points
from sinrelu.verification.report import Report
from sinrelu.verification.sampling import find_pieces, take_sample

TOL = Fraction(1, 10**20)


@pytest.fixture(autouse=True)
def few_points(monkeypatch):
    monkeypatch.setattr(wide, "POINTS", 200)


@pytest.fixture(scope="module")
def network():
    return smallest("1e-20").network


def judged(network, tol=TOL, target=None, **options):
    return WideReport.of(network, Fraction(tol), 10_000, target or Target(), **options)


def with_weight(network, change):
    """Return the network with its last weight changed."""
    return with_number(network, -1, -2, lambda weight: Fraction(weight) + change)


def test_a_network_of_the_solver_is_proved(network):
    report = judged(network)
    assert (report.verdict, report.exit_status, report.remarks) == ("proved", 0, ())
    assert report.sample.lower <= report.sample.upper <= report.sup_error <= TOL
    assert report.sample.upper > report.sup_error / 2
    assert "by induction on the plan" in report.as_text()


def test_below_its_error_it_is_refuted_by_a_witness(network):
    report = judged(network, TOL / 2)
    assert (report.verdict, report.exit_status) == ("refuted", 1)
    witness = report.sample.x
    numbers = MPContext()
    numbers.dps = 60
    value = evaluate_exact(network, witness)
    exact = numbers.sin(numbers.mpf(witness.numerator) / witness.denominator)
    error = abs(numbers.mpf(value.numerator) / value.denominator - exact)
    assert error > 0.5e-20
    assert json.loads(report.as_json())["witness"].endswith(report.as_text()[-6:])


def test_between_sample_and_bound_nothing_is_claimed(network):
    report = judged(network)
    between = judged(network, report.sup_error * (1 - TOL))
    assert (between.verdict, between.exit_status) == ("inconclusive", 3)
    assert "exceeds the tolerance" in between.remarks[0]


@pytest.mark.parametrize("change", [Fraction(1, 2**33), Fraction(-1, 2**60)])
def test_a_changed_weight_is_refuted(network, change):
    assert judged(with_weight(network, change)).verdict == "refuted"


def test_a_graph_of_no_plan_is_not_proved(network):
    stranger = replace_meta(network, {})
    report = judged(stranger)
    assert (report.verdict, report.sup_error) == ("inconclusive", None)
    assert report.remarks == (wide.NO_INDUCTION,)


def replace_meta(network, meta):
    return Network(network.rows, meta)


def test_another_target(network):
    part, more = Target.parse("sin", ("0", "3")), Target.parse("sin", ("-4", "3"))
    assert judged(network, target=part).verdict == "proved"
    assert judged(network, target=more).verdict == "refuted"
    other = judged(network, target=Target("cos"))
    assert (other.verdict, other.sup_error) == ("refuted", None)
    assert "to check that: --function sin --domain -pi pi" in other.remarks[0]


def test_without_a_proof_the_sample_is_judged(network):
    report = judged(network, sampled=True)
    assert (report.verdict, report.sup_error, report.exit_status) == ("sampled-ok", None, 0)
    assert "sup error" not in report.as_text()


def test_a_limit(network):
    report = replace(judged(network), max_connections=5)
    assert report.exit_status == 1
    assert "exceed the limit 5" in report.remarks[-1]


def test_the_keys_are_those_of_other_reports(network):
    circuit = Circuit()
    plain = circuit.freeze(circuit.input)
    sample = take_sample(plain, find_pieces(plain))
    assert judged(network).as_dict().keys() == Report(plain, 1, 9, sample, None).as_dict().keys()


def test_points_are_dyadic_inside_and_near_the_ends():
    numbers = MPContext()
    numbers.prec = 500
    found = list(points(Target(), 100, 50))
    assert len(found) == len(set(found)) == 50
    for x in found:
        assert x.denominator & (x.denominator - 1) == 0
        assert abs(numbers.mpf(x.numerator) / x.denominator) < numbers.pi
    assert numbers.pi - float(max(found)) < 1e-15
    assert float(numbers.pi - numbers.mpf(max(found).numerator) / max(found).denominator) < 1e-29


@given(st.fractions(Fraction(1, 10**400), 10), st.integers(2, 8))
def test_figures_are_rounded_up(number, digits):
    shown = Fraction(figure(number, digits))
    assert number <= shown <= number * (1 + 3 * Fraction(1, 10 ** (digits - 1)))


def test_figures_that_are_exact_stay():
    assert Fraction(figure(Fraction(1, 10**300))) == Fraction(1, 10**300)
    assert np.isclose(float(figure(Fraction(1, 3))), 1 / 3)
