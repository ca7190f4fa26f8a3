"""``verify``: for weights of every sort, what is judged, what it rests on, and when."""

import json
import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from mpmath import MPContext, libmp

import sinrelu
from sinrelu import verify
from sinrelu.certify import Certificate, pieces, prover, recheck, survey
from sinrelu.circuit import Circuit, relu
from sinrelu.constructions import build
from sinrelu.errors import RequestError
from sinrelu.evaluate.enclosed import enclosed_error
from sinrelu.evaluate.exact import evaluate_exact
from sinrelu.kernels import BACKENDS, NUMBA
from sinrelu.network import Network, Row
from sinrelu.target import Target
from sinrelu.verification import NO_INDUCTION, REFUTED_BY_SAMPLE, sampling
from sinrelu.verification.report import PROVED, REFUTED, SAMPLED_OK

TOL = Fraction(1, 10**20)
CONSTANT_ZERO = Network([Row((), (), 0.0)])


@pytest.fixture(autouse=True)
def few_points(monkeypatch):
    monkeypatch.setattr(sampling, "MULTIPRECISION_POINTS", 200)
    monkeypatch.setattr(sampling, "RANDOM_POINTS", 20_000)
    monkeypatch.setattr(sampling, "GRID_STEPS", 2**12)


@cache
def wide():
    return build(wiring="skip", tol="1e-20")


@cache
def plain():
    return build("fold-reflect", "skip", 1e-3)


def judged(tol=TOL, network=None, target=None, **options):
    return verify(network or wide(), target or Target(), tol, **options)


def with_weight(network, change):
    """Return the network with its last weight changed."""
    *rows, output = network.rows
    weights = (*output.weights[:-1], Fraction(output.weights[-1]) + change)
    return Network((*rows, output._replace(weights=weights)), network.meta)


def exact_error(network, x):
    """Return the error by the exact evaluator and mpmath's sine."""
    numbers = MPContext()
    numbers.dps = 60
    value = evaluate_exact(network, x)
    reference = numbers.sin(numbers.mpf(x.numerator) / x.denominator)
    error = abs(numbers.mpf(value.numerator) / value.denominator - reference)
    return Fraction(*map(int, libmp.to_rational(error._mpf_)))


class TestFloat64:
    def test_a_network_is_proved(self):
        report = verify(plain(), tol=1e-3)
        assert (report.verdict, report.exit_status, report.remarks) == (PROVED, 0, ())
        assert report.sample.exact.lower <= report.sup_error <= report.tol == Fraction(1e-3)
        assert report.proof.certificate.sup_error == report.sup_error
        assert "every real x of the domain\n" in report.as_text()

    @pytest.mark.parametrize(
        "tol", ["0.001", Fraction(1, 1000), Decimal("0.001"), MPContext().mpf("0.001"), "1/1000"]
    )
    def test_a_tolerance_may_be_any_sort_of_number(self, tol):
        report = verify(plain(), tol=tol, sampled=True)
        assert report.as_dict()["tol"] == 1e-3
        assert report.verdict == SAMPLED_OK

    @pytest.mark.parametrize("tol", [0.0, 1.0, math.nan, "x", "1e-1001", None])
    def test_other_tolerances_are_refused(self, tol):
        with pytest.raises(RequestError, match=r"^tol: "):
            verify(plain(), tol=tol)

    @pytest.mark.parametrize("tol", ["0.001", "1/1234", Fraction(1, 10**3) + Fraction(1, 10**400)])
    def test_the_tolerance_is_exact_in_the_certificate_too(self, tol):
        """As a float64, 0.001 is above 1/1000."""
        report = verify(plain(), tol=tol)
        made = report.proof.certificate
        assert made.tol == report.tol == (Fraction(tol) if isinstance(tol, str) else tol)
        assert Certificate.from_json(made.to_json()) == made
        assert made.verdict == report.verdict

    def test_no_certificate_refutes_what_the_report_leaves_open(self):
        """The tolerance is a little above the error, and the float64 below it a little below."""
        x = Fraction(1, 2)
        [(_, _, upper)] = enclosed_error(CONSTANT_ZERO, [x], Fraction(1, 2**2000))
        limit = upper + Fraction(1, 2**1200)
        report = verify(CONSTANT_ZERO, Target.parse("sin", ("0", "0.5")), limit)
        assert report.verdict == report.proof.certificate.verdict == "inconclusive"
        assert recheck(report.proof.certificate, CONSTANT_ZERO)[1] == []

    @pytest.mark.parametrize("tol", [1e-3, 0.3, 0.9])
    def test_a_certificate_for_a_coarse_tolerance_stands(self, tol):
        """Kinks are absorbed in proportion to it, but not when its bound is computed again."""
        made = verify(plain(), tol=tol).proof.certificate
        assert recheck(made, plain())[1] == []

    @pytest.mark.parametrize("ratio", ["0.999999", "1"])
    def test_below_its_error_a_network_is_refuted(self, ratio):
        """Also by the exact error that the sample has seen, to within 2⁻⁶⁰ of the tolerance."""
        seen = verify(plain(), tol=1e-3, sampled=True).sample.exact
        report = verify(plain(), tol=seen.lower * Fraction(ratio) * (1 - Fraction(1, 2**60)))
        assert (report.verdict, report.exit_status) == (REFUTED, 1)
        assert (
            report.tol
            < report.witness_error
            <= exact_error(plain(), report.witness) + Fraction("1e-50")
        )
        written = float.fromhex(report.as_dict()["witness"])
        assert Fraction(report.as_dict()["witness_error"]) <= report.witness_error
        assert Fraction(written) == report.witness

    def test_a_tolerance_below_all_floats(self):
        """The error of x on [0, 1e-150] is 2e-451 at most; no float64 bound can say so."""
        circuit = Circuit()
        line = circuit.freeze(circuit.input + 0)
        part = Target.parse("sin", ("0", "1e-50"))
        assert verify(line, part, "1e-12").verdict == PROVED
        assert verify(line, part, "1e-400").verdict == REFUTED

    def test_only_the_sample_is_judged_if_wished(self, monkeypatch):
        monkeypatch.setattr(survey, "deviations", lambda *_: pytest.fail("proved"))
        report = verify(plain(), tol=1e-3, sampled=True)
        assert (report.verdict, report.sup_error, report.proof) == (SAMPLED_OK, None, None)
        assert "sup error" not in report.as_text()

    def test_what_is_out_of_reach_is_said_before_it_is_sampled(self):
        """And no breakpoints are looked for, nor a proof begun, to say so in the end."""
        heard = []
        network = build("fold-reflect", "skip", 1e-14)
        report = verify(
            network,
            tol=1e-14,
            backend="numpy",
            message=heard.append,
            progress=lambda *told: heard.append(told[0]),
        )
        assert heard[0].startswith("a proof needs about 2.1e+07 cells, more than 20000000")
        assert set(heard[1:]) == {"sampling", "proving"}
        assert report.verdict == "inconclusive"
        assert report.proof.certificate.cells < 10**6
        assert any("a proof needs about" in remark for remark in report.remarks)
        assert any("a uniform grid" in remark for remark in report.remarks)

    @pytest.mark.parametrize("budget", [0, -5])
    def test_a_budget_of_nothing_is_refused(self, budget):
        with pytest.raises(RequestError, match=r"^budget: "):
            verify(plain(), tol=1e-3, budget=budget)

    def test_pieces_are_estimated_once(self, monkeypatch):
        calls = []
        honest = pieces.estimated_pieces
        monkeypatch.setattr(
            prover, "estimated_pieces", lambda *given: calls.append(1) or honest(*given)
        )
        verify(plain(), tol=1e-3)
        verify(plain(), tol=1e-3, budget=1)
        assert len(calls) == 2

    @pytest.mark.parametrize(
        ("sampled", "steps"),
        [(False, ["proving", "sampling"]), (True, ["finding pieces", "sampling"])],
    )
    def test_every_step_is_told(self, sampled, steps):
        told = []
        verify(plain(), tol=1e-3, sampled=sampled, progress=lambda *step: told.append(step))
        assert list(dict.fromkeys(name for name, _ in told)) == steps
        for name in steps:
            fractions = [fraction for step, fraction in told if step == name]
            assert fractions == sorted(fractions)
            assert fractions[-1] == pytest.approx(1)

    def test_both_backends_give_the_same_report(self):
        found = [verify(plain(), tol=1e-3, backend=backend) for backend in BACKENDS]
        assert found[0].as_dict() == found[1].as_dict()
        assert found[0].sample == found[1].sample
        certificates = [report.proof.certificate for report in found]
        assert [made.backend for made in certificates] == list(BACKENDS)
        assert replace(certificates[0], backend=NUMBA) == certificates[1]

    def test_an_unknown_backend_is_refused_at_once(self, monkeypatch):
        monkeypatch.setattr("sinrelu.verification.first_look", lambda *_: pytest.fail("sampled"))
        with pytest.raises(RequestError, match=r"^backend: 'cupy' is unknown"):
            verify(plain(), tol=1e-3, backend="cupy")

    def test_a_spike_is_seen_where_its_pieces_are(self):
        circuit = Circuit()
        near = circuit.input - Fraction(1234567, 2**20)
        edges = [relu(near + shift) for shift in (Fraction(k, 2**40) for k in (-1, 0, 1))]
        spike = 2**40 * (edges[0] - 2 * edges[1] + edges[2])
        base = plain()
        wires = [circuit.input]
        for row in base.rows:
            form = sum((w * wires[s] for s, w in row.edges), circuit.constant(row.bias))
            wires.append(relu(form) if len(wires) <= base.units else form)
        network = circuit.freeze(wires[-1] + spike)
        for sampled in (True, False):
            report = verify(network, tol=1e-3, sampled=sampled)
            assert report.verdict == REFUTED
            assert report.sample.pieces > 10
            assert report.witness_error > 0.9
        assert report.proof.certificate.verdict == REFUTED


class TestComputed:
    """What is computed in float64, beside what the network is."""

    def test_both_are_proved(self):
        report = verify(plain(), tol=1e-3)
        assert (report.verdict, report.computed_verdict) == (PROVED, PROVED)
        assert 0 < report.evaluation_error < Fraction(1, 10**14)
        assert report.computed_error == report.sup_error + report.evaluation_error
        assert report.sample.float64.error <= report.computed_error
        text, found = report.as_text(), report.as_dict()
        assert text.endswith("every real x of the domain, and for every float64 x as computed")
        assert "of evaluation, in any order, with or without fma" in text
        assert found["float64_verdict"] == PROVED
        assert Fraction(found["float64_error"]) == report.evaluation_error
        assert Fraction(found["computed_error"]) >= report.computed_error

    def test_the_exact_function_may_be_proved_alone(self):
        """Between the bound of the error and that of what is computed."""
        first = verify(plain(), tol=1e-3)
        report = verify(plain(), tol=first.sup_error + first.evaluation_error / 2)
        assert (report.verdict, report.computed_verdict) == (PROVED, "inconclusive")
        assert report.as_text().endswith("for every real x of the domain")
        assert "as computed in float64 the error was not shown to keep" in report.remarks[0]
        assert report.exit_status == 0

    def test_a_value_that_is_computed_may_refute(self):
        """relu(2⁵³ + 1 + x) − 2⁵³ − 1 is x at least; float64 has no 2⁵³ + 1."""
        far = Network(
            [Row((0,), (1.0,), 2.0**54), Row((1,), (1.0,), -(2.0**54)), Row((2,), (1.0,), 0.0)]
        )
        domain = Target.parse("sin", ("0", "1e-1"))
        report = verify(far, domain, 1e-2)
        assert (report.verdict, report.computed_verdict) == (PROVED, REFUTED)
        assert report.evaluated[1] > report.tol
        x = report.evaluated[0]
        assert abs(sinrelu.evaluate_float64(far, x) - math.sin(x)) > 1e-2
        assert f"exceeds the tolerance, at x = {x!r}" in report.remarks[0]

    def test_overflow_refutes_what_is_computed(self):
        """Exactly the two cancel; in float64 they are infinite, and the difference is none."""
        large, larger = Row((0,), (1e300,), 1e300), Row((1,), (1e300,), 0.0)
        net = Network([large, larger, larger, Row((0, 2, 3), (1.0, 1.0, -1.0), 0.0)])
        report = verify(net, Target.parse("sin", ("0", "1e-1")), 1e-2, sampled=True)
        assert report.computed_verdict == REFUTED
        assert json.loads(report.as_json())["float64_verdict"] == REFUTED

    def test_the_certificate_carries_it(self):
        made = verify(plain(), tol=1e-3).proof.certificate
        assert (made.evaluation, made.evaluation_error > 0) == ("float64", True)
        again, differences = recheck(made, plain())
        assert differences == []
        assert again.evaluation_error == pytest.approx(made.evaluation_error, rel=0.5)
        forged = replace(made, evaluation_error=made.evaluation_error / 4)
        assert any(said.startswith("evaluation_error: ") for said in recheck(forged, plain())[1])

    def test_a_certificate_for_float32(self):
        single = sinrelu.in_float32(plain())
        report = verify(single, tol="2e-3", precision="float32")
        made = report.proof.certificate
        assert (made.evaluation, report.computed_verdict) == ("float32", PROVED)
        assert 1e-8 < made.evaluation_error < 1e-5
        assert recheck(made, single)[1] == []

    def test_weights_of_more_bits_have_none(self):
        assert judged().computed_verdict is None
        assert judged().as_dict()["float64_error"] is None


class TestRefutedFirst:
    """Where the sample has a witness nothing more is done."""

    @pytest.fixture(autouse=True)
    def no_proof(self, monkeypatch):
        monkeypatch.setattr(survey, "deviations", lambda *_: pytest.fail("proved"))

    @pytest.mark.parametrize("sampled", [True, False])
    def test_another_function_is_seen_before_its_pieces_are_counted(self, sampled, monkeypatch):
        monkeypatch.setattr(prover, "estimated_pieces", lambda *_: pytest.fail("counted"))
        circuit = Circuit()
        report = verify(circuit.freeze(abs_of(circuit.input)), tol=1e-3, sampled=sampled)
        assert (report.verdict, report.exit_status) == (REFUTED, 1)
        assert report.witness_error > 2
        assert report.sup_error is None
        assert "pieces            not counted\n" in report.as_text()
        assert report.as_dict()["pieces"] is None

    def test_its_certificate_stands(self):
        seen = verify(plain(), tol=1e-3, sampled=True).sample.exact
        report = verify(plain(), tol=seen.lower * Fraction("0.9"))
        made = report.proof.certificate
        assert (made.verdict, made.witness, made.cells) == (REFUTED, report.witness, 0)
        assert recheck(made, plain())[1] == []
        assert REFUTED_BY_SAMPLE in report.remarks

    def test_no_bound_of_more_bits_is_sought(self, monkeypatch):
        induction = "sinrelu.verification.prove_by_induction"
        monkeypatch.setattr(induction, lambda *_: pytest.fail("proved"))
        assert judged(TOL / 2).verdict == REFUTED


def abs_of(x):
    return relu(x) + relu(-x)


class TestDomain:
    """The proof may cover a little more than the domain; a refutation may not."""

    def spiked(self, place):
        """Return a network that is right up to ``place``, and not at the next float."""
        step = math.ulp(place)
        beyond = Row((0,), (1.0,), -place)
        *units, output = plain().rows
        first = len(units) + 1
        spike = Row((first,), (1 / step,), -0.5)
        return Network(
            [*units, beyond, spike, Row.of([*output.edges, (first + 1, 8.0)], output.bias)]
        )

    def test_a_float_beyond_the_end_is_no_witness(self):
        spiked = self.spiked(math.pi)
        report = verify(spiked, tol=1e-3)
        assert report.verdict == "inconclusive"
        assert report.sample.float64.error < 1e-3
        assert report.sample.exact.upper < 1e-3
        assert report.proof.certificate.sup_error > 1
        further = Target.parse("sin", ("-pi", repr(math.nextafter(math.pi, 4))))
        assert verify(spiked, further, 1e-3).verdict == REFUTED

    def test_a_counterexample_outside_is_not_believed(self):
        report = verify(plain(), tol=1e-3, sampled=True)
        outside = replace(
            report, counterexample=(Fraction(math.nextafter(math.pi, 4)), Fraction(1))
        )
        assert outside.verdict == SAMPLED_OK
        inside = replace(report, counterexample=(Fraction(math.pi), Fraction(1)))
        assert inside.verdict == REFUTED

    @pytest.mark.parametrize(
        "ends",
        [
            ("1", "1.0000000000000002"),
            ("0", "5e-50"),
            ("1.00000000000000001", "1.00000000000000002"),
        ],
    )
    def test_domains_of_few_floats_or_none(self, ends):
        """Of the last, both ends lie between two neighbouring floats."""
        target = Target.parse("sin", ends)
        report = verify(plain(), target, 1e-3)
        assert report.verdict == PROVED
        assert (report.sample.float64 is None) == (target.floats[0] > target.floats[1])
        assert json.loads(report.as_json())["verdict"] == PROVED
        assert verify(plain(), target, 1e-9).verdict == REFUTED
        assert "sampled error" in report.as_text()

    def test_a_narrow_domain_of_a_multiprecision_network(self):
        """Sample points were up to three units of 2⁻ᵇ outside, and a right network refuted."""
        ends = ("1", "1.000000000000000000000000000001")
        target = Target.parse("sin", ends)
        report = judged(target=target)
        assert report.verdict == PROVED
        assert target.contains(report.sample.exact.x)


@cache
def folded():
    target = Target.parse("sin", ("-300", "300"))
    return verify(build(target, "skip", "1e-6"), target, "1e-6")


class TestBottleneck:
    def test_it_is_told(self):
        report = folded()
        assert (report.verdict, report.computed_verdict) == (PROVED, PROVED)
        found = report.as_dict()["bottleneck"]
        low, high = found["range"]
        assert -1e-9 < low < 0
        assert math.pi < high < math.pi + 1e-9
        assert 0 < found["error"] < 1e-13
        assert "all paths pass through one value, from -" in report.as_text()
        assert "pieces            not counted" in report.as_text()

    def test_its_certificate_stands(self):
        report = folded()
        certificate = report.proof.certificate
        assert Certificate.from_json(certificate.to_json()) == certificate
        again, differences = recheck(certificate, report.network)
        assert (differences, again.reduced) == ([], certificate.reduced)
        wrong = replace(certificate, sup_error=certificate.sup_error / 2)
        assert recheck(wrong, report.network)[1]

    def test_there_is_none_without(self):
        assert verify(plain(), tol=1e-3).as_dict()["bottleneck"] is None


class TestMultiprecision:
    def test_a_network_of_the_solver_is_proved(self):
        report = judged()
        assert (report.verdict, report.exit_status, report.remarks) == (PROVED, 0, ())
        seen = report.sample.exact
        assert seen.lower <= seen.upper <= report.sup_error <= TOL
        assert seen.upper > report.sup_error / 2
        assert "by induction on the plan" in report.as_text()

    def test_below_its_error_it_is_refuted_by_a_witness(self):
        report = judged(TOL / 2)
        assert (report.verdict, report.exit_status) == (REFUTED, 1)
        assert exact_error(wide(), report.witness) > 0.5e-20
        assert json.loads(report.as_json())["witness"].endswith(report.as_text()[-6:])

    def test_between_sample_and_bound_nothing_is_claimed(self):
        between = judged(judged().sup_error * (1 - TOL))
        assert (between.verdict, between.exit_status) == ("inconclusive", 3)
        assert "exceeds the tolerance" in between.remarks[0]

    @pytest.mark.parametrize("change", [Fraction(1, 2**33), Fraction(-1, 2**60)])
    def test_a_changed_weight_is_refuted(self, change):
        assert judged(network=with_weight(wide(), change)).verdict == REFUTED

    def test_a_graph_of_no_plan_is_not_proved(self):
        report = judged(network=Network(wide().rows))
        assert (report.verdict, report.sup_error) == ("inconclusive", None)
        assert report.remarks == (NO_INDUCTION,)

    def test_another_target(self):
        part, more = Target.parse("sin", ("0", "3")), Target.parse("sin", ("-4", "3"))
        assert judged(target=part).verdict == PROVED
        assert judged(target=more).verdict == REFUTED
        other = judged(target=Target("cos"))
        assert (other.verdict, other.sup_error) == (REFUTED, None)
        assert "to check that: --function sin --domain -pi pi" in other.remarks[0]

    def test_without_a_proof_the_sample_is_judged(self):
        report = judged(sampled=True)
        assert (report.verdict, report.sup_error, report.exit_status) == (SAMPLED_OK, None, 0)
        assert "sup error" not in report.as_text()

    def test_a_limit(self):
        report = replace(judged(), max_connections=5)
        assert report.exit_status == 1
        assert "exceed the limit 5" in report.remarks[-1]

    def test_a_budget_is_refused(self):
        with pytest.raises(RequestError, match=r"^budget: "):
            judged(budget=5)

    def test_the_keys_are_those_of_other_reports(self):
        other = verify(plain(), tol=1e-3, sampled=True)
        assert judged().as_dict().keys() == other.as_dict().keys()


def test_the_defaults_are_those_of_the_command():
    report = verify(plain(), sampled=True)
    assert (report.tol, report.max_connections) == (Fraction(1, 10**12), 10_000)
    assert report.target == Target()
    assert isinstance(report, sinrelu.Report)
