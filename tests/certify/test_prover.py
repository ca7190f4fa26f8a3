"""Verdicts: damaged and spiked networks, tolerances near the truth, partitions, certificates."""

import json
import math
import multiprocessing
import random
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, with_number

from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.certify import (
    DOMAIN,
    Certificate,
    Partition,
    agreement,
    certify,
    pieces,
    prover,
    recheck,
    refutation,
    rounding,
    survey,
    usual_budget,
)
from sinrelu.certify.certificate import INCONCLUSIVE, PROVED, REFUTED
from sinrelu.certify.claim import Claim
from sinrelu.certify.counterexample import error_bounds
from sinrelu.certify.prover import Plan, prove
from sinrelu.certify.survey import USUAL, Finding
from sinrelu.constructions import build
from sinrelu.errors import FormatError, RequestError
from sinrelu.evaluate import evaluate_float64
from sinrelu.kernels import BACKENDS, NUMBA, NUMPY
from sinrelu.layering import layered
from sinrelu.network import Network, Row
from sinrelu.target import End, Target

COARSE = Partition(parts=6, cells=400)
"""Enough for a tolerance of 1e-3, and quick."""
MEDIUM = Partition(parts=8, cells=3000)
"""Enough for 1e-6."""
GRID = np.linspace(*DOMAIN, 5_001)

network = cache(build)


backends = pytest.mark.parametrize("backend", BACKENDS)


def error_at(net, x, function="sin"):
    """Return a lower bound of the error, as close as anyone may wish."""
    return error_bounds(net, x, Fraction(1, 2**200), function)[0]


@cache
def on_grid(function):
    return {"sin": np.sin, "cos": np.cos}[function](GRID)


@cache
def certificate(tol, partition):
    return certify(network("fold-reflect", "skip", tol), tol, partition=partition)


def expecting(net, tol, expected, **plan):
    """Judge where so many pieces are expected, whatever there are."""
    claim = Claim.of(net, tol, DOMAIN, None, "sin")
    return prove(claim, Plan(expected=expected, **plan))[0]


def seen_errors(net, *more, function="sin"):
    """Exact errors where a grid in float64 and other points show the largest ones."""
    sampled = np.abs(evaluate_float64(net, GRID) - on_grid(function))
    points = [Fraction(float(GRID[i])) for i in np.argsort(sampled)[-3:]]
    return max(error_at(net, x, function) for x in (*points, *more))


def agrees_with_exact_errors(found, net, tol, *points, function="sin"):
    """Fail if a verdict contradicts an exactly evaluated error; return the verdict."""
    seen = seen_errors(net, *points, function=function)
    assert found.sup_error >= seen
    if seen > tol:
        assert found.verdict != PROVED
    if found.verdict == REFUTED:
        assert DOMAIN[0] <= found.witness <= DOMAIN[1]
        assert error_at(net, found.witness, function) > tol
        assert tol <= found.lower_bound <= error_at(net, found.witness, function)
    else:
        assert found.lower_bound <= tol
    return found.verdict


def damaged(net, draw):
    """Change one weight or bias by a relative 1e-15 … 1e-2."""
    spots = [(row, i) for row, form in enumerate(net.rows) for i, n in enumerate(form.numbers) if n]

    def change(number):
        changed = number * (1 + draw.choice([1, -1]) * 10 ** draw.uniform(-15, -2))
        return changed if changed != number else math.nextafter(changed, math.inf)

    return with_number(net, *draw.choice(spots), change)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_networks_are_never_wrongly_proved(seed):
    """The tolerance is the proven sup_error of the intact network, so most damage exceeds it."""
    draw, verdicts = random.Random(seed), []
    intact, tol = network("fold-reflect", "skip", 1e-3), certificate(1e-3, COARSE).sup_error
    for _ in range(26):
        broken = damaged(intact, draw)
        found = certify(broken, tol, partition=COARSE)
        worst = certificate(1e-3, COARSE).witness
        verdicts.append(agrees_with_exact_errors(found, broken, tol, worst))
    assert {PROVED, REFUTED} <= set(verdicts)


@pytest.mark.parametrize("tol", [1e-6, 1e-9])
def test_damaged_finer_networks_are_never_wrongly_proved(tol):
    draw, intact = random.Random(2018), network("fold-reflect", "skip", tol)
    sup = certificate(tol, MEDIUM).sup_error
    for _ in range(6 if tol > 1e-8 else 2):
        broken = damaged(intact, draw)
        found = certify(broken, sup, partition=MEDIUM)
        agrees_with_exact_errors(found, broken, sup, certificate(tol, MEDIUM).witness)


def with_spike(net, base, power, place, height):
    """Add a tent of half-width 2^−power, its peak at base + place/2^power, by four units.

    Returns the network and the peak. Everything is exact: relu(x − base) is scaled by the
    steepness, so the biases of the tent are small integers.
    """
    *units, output = net.rows
    first = len(units) + 1
    units.append(Row((0,), (1.0,), -base))
    units += [Row((first,), (2.0**power,), -float(place + k)) for k in (-1, 0, 1)]
    sources = (*output.sources, first + 1, first + 2, first + 3)
    weights = (*output.weights, height, -2 * height, height)
    spiked = Network([*units, Row(sources, weights, output.bias)])
    return spiked, Fraction(base) + Fraction(place, 2**power)


def holds_a_float64(peak, power):
    """Whether a float64 lies on the upper half of the tent."""
    return abs(Fraction(float(peak)) - peak) * 2**power <= Fraction(1, 2)


@pytest.mark.parametrize(("tol", "partition"), [(1e-3, COARSE), (1e-6, MEDIUM)])
@pytest.mark.parametrize("power", [13, 17, 22, 27, 33, 38, 44, 48, 52, 56, 60, 75, 99, 130])
def test_spikes_are_never_proved(tol, partition, power):
    """Half-widths from 1e-4 down to 1e-39, where no float64 is near the peak."""
    draw, intact = random.Random(power), network("fold-reflect", "skip", tol)
    sign = draw.choice([1, -1])
    for height in (1.0 * sign, -4 * tol * sign):
        spiked, peak = with_spike(
            intact, draw.uniform(-3, 3), power, draw.randrange(3, 999, 2), height
        )
        found = certify(spiked, tol, partition=partition)
        verdict = agrees_with_exact_errors(found, spiked, tol, peak)
        assert verdict != PROVED
        if power <= 60 or holds_a_float64(peak, power):
            assert verdict == REFUTED
            assert abs(found.witness - peak) < Fraction(1, 2**power)


def test_spikes_just_above_a_small_tolerance():
    """Height 2.5e-9, half-width 2⁻⁵⁹: seen, though a thousandth of the gap between floats."""
    intact, tol = network("fold-reflect", "skip", 1e-9), 1e-9
    for height in (2.5e-9, -2.5e-9):
        spiked, peak = with_spike(intact, 1.234, 59, 7, height)
        found = certify(spiked, tol, partition=MEDIUM)
        assert agrees_with_exact_errors(found, spiked, tol, peak) == REFUTED


def test_a_spike_that_keeps_the_tolerance_is_proved():
    """The tests of spikes would pass on a prover that never proves: it does."""
    spiked, peak = with_spike(network("fold-reflect", "skip", 1e-3), 0.1, 56, 7, 1e-4)
    found = certify(spiked, 1e-3, partition=COARSE)
    assert agrees_with_exact_errors(found, spiked, 1e-3, peak) == PROVED


@pytest.mark.parametrize("seed", range(3))
def test_a_finder_that_misses_everything_proves_nothing_wrong(seed, monkeypatch):
    """Random nodes in place of breakpoints, so that every kink is in some cell."""
    draw, truth = np.random.default_rng(seed), certificate(1e-3, COARSE).lower_bound

    def anything(_finder, ends, _most=None):
        inner = np.sort(draw.uniform(*ends, 40))
        hi = np.concatenate([ends[:1], inner, ends[1:]])
        yield DoubleDouble(hi[:21], np.zeros(21))
        yield DoubleDouble(hi[20:], np.zeros(22))

    monkeypatch.setattr(pieces.Finder, "blocks", anything)
    net = network("fold-reflect", "skip", 1e-3)
    found = certify(net, 1e-3, partition=COARSE)
    assert found.verdict == INCONCLUSIVE
    assert found.sup_error > truth
    assert found.radius > 1e-3
    assert f"{decimal_above(found.radius, 2)} of the bound" in found.remark


@pytest.mark.parametrize("moved", ["last", "first"])
def test_a_finder_that_does_not_reach_the_ends_is_refused(moved, monkeypatch):
    honest = pieces.Finder.blocks

    def short(finder, ends, most=None):
        for nodes in honest(finder, ends, most):
            part = slice(None, -1) if moved == "last" else slice(1, None)
            yield DoubleDouble(nodes.hi[part], nodes.lo[part])

    monkeypatch.setattr(pieces.Finder, "blocks", short)
    with pytest.raises(RequestError, match="nodes"):
        certify(network("fold-reflect", "skip", 1e-3), 1e-3, partition=COARSE)


@pytest.mark.parametrize("gone", ["all", "first", "last", "inner"])
def test_runs_that_are_missing_are_not_covered(gone, monkeypatch):
    """Without its ends a part is refused; without a run inside, one cell covers the gap."""
    honest = pieces.Finder.blocks

    def some(finder, ends, _most=None):
        runs = list(honest(finder, ends, 7))
        assert len(runs) > 9
        return iter(
            {"all": [], "first": runs[1:], "last": runs[:-1]}.get(gone, runs[:3] + runs[6:])
        )

    monkeypatch.setattr(pieces.Finder, "blocks", some)
    net, whole = network("fold-reflect", "skip", 1e-6), Partition(1, 10)
    if gone == "inner":
        found = certify(net, 1e-6, partition=whole)
        assert (found.verdict, found.sup_error > 1e-5) == (INCONCLUSIVE, True)
    else:
        with pytest.raises(RequestError, match="nodes"):
            certify(net, 1e-6, partition=whole)


def test_the_number_of_pieces_that_is_expected_is_not_trusted():
    net = network("fold-reflect", "skip", 1e-3)
    for expected in (0.0, 1.0, 20.0, 1e5):
        found = expecting(net, 1e-3, expected, partition=COARSE)
        assert comparable(found) == comparable(certificate(1e-3, COARSE))


@pytest.mark.parametrize("wiring", ["skip", "layered"])
@pytest.mark.parametrize(
    ("construction", "tol", "partition"),
    [
        ("fold-reflect", 1e-3, MEDIUM),
        ("chebyshev", 1e-3, MEDIUM),
        ("fold-reflect", 1e-6, Partition(8, 2**15)),
    ],
)
def test_tolerances_within_a_per_cent_of_the_truth(construction, wiring, tol, partition):
    net = network(construction, wiring, tol)
    first = certify(net, tol, partition=partition)
    assert first.verdict == PROVED
    assert first.sup_error <= first.lower_bound * 1.001
    above = certify(net, first.sup_error * 1.0001, partition=partition)
    below = certify(net, first.lower_bound * 0.9999, partition=partition)
    assert above.verdict == PROVED
    assert agrees_with_exact_errors(below, net, first.lower_bound * 0.9999) == REFUTED


def test_wirings_have_the_same_proof():
    """A carry is the unit that it carries, so both wirings are computed alike."""
    skip = network("fold-reflect", "skip", 1e-3)
    carried = certify(layered(skip), 1e-3, partition=COARSE)
    assert layered(skip).units > skip.units
    assert carried.sup_error == pytest.approx(certificate(1e-3, COARSE).sup_error, rel=1e-9)
    assert carried.pieces == certificate(1e-3, COARSE).pieces
    assert carried.radius < 1e-13


def comparable(found):
    """Without what may differ: also the backend, which depends on whether numba is loaded."""
    return replace(found, versions={}, backend=NUMPY)


@backends
@pytest.mark.parametrize("block", [13, 1000])
def test_results_do_not_depend_on_the_block(block, backend, monkeypatch):
    usual, net = certificate(1e-3, COARSE), network("fold-reflect", "skip", 1e-3)
    monkeypatch.setattr(rounding, "CELLS", block)
    again = certify(net, 1e-3, partition=COARSE, backend=backend)
    assert comparable(again) == comparable(usual)


@pytest.mark.parametrize("evaluation", [None, "float64"])
def test_both_backends_give_the_same_certificate(evaluation):
    net = network("fold-reflect", "skip", 1e-6)
    found = [
        certify(net, 1e-6, partition=MEDIUM, evaluation=evaluation, backend=backend)
        for backend in BACKENDS
    ]
    assert [certificate.backend for certificate in found] == [NUMPY, NUMBA]
    assert comparable(found[0]) == comparable(found[1])
    assert (found[0].evaluation_error < 1e-14) == (evaluation is not None)


@pytest.mark.parametrize("workers", [1, 3])
def test_results_do_not_depend_on_the_threads(workers):
    with ThreadPoolExecutor(workers) as pool:
        again = certify(
            network("fold-reflect", "skip", 1e-3), 1e-3, partition=COARSE, executor=pool
        )
        assert pool.submit(int).result() == 0  # the caller's executor stays open
    assert comparable(again) == comparable(certificate(1e-3, COARSE))


def test_results_are_the_same_from_processes():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        again = certify(
            network("fold-reflect", "skip", 1e-3), 1e-3, partition=COARSE, executor=pool
        )
    assert comparable(again) == comparable(certificate(1e-3, COARSE))


@backends
def test_smaller_intervals_give_nearly_the_same_bound(backend, monkeypatch):
    usual, net = certificate(1e-3, COARSE), network("fold-reflect", "skip", 1e-3)
    monkeypatch.setattr(pieces, "BLOCK_NODES", dict.fromkeys(BACKENDS, 9))
    again = certify(net, 1e-3, partition=COARSE, backend=backend)
    assert again.verdict == PROVED
    assert again.sup_error == pytest.approx(usual.sup_error, rel=1e-2)


def test_progress_rises_to_one():
    seen = []
    net = network("fold-reflect", "skip", 1e-3)
    certify(net, 1e-3, partition=COARSE, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


@pytest.mark.parametrize("budget", [1, 150, 250, 350])
def test_a_spent_budget_is_inconclusive_and_says_so(budget):
    net = network("fold-reflect", "skip", 1e-3)
    found = certify(net, 1e-3, partition=COARSE, budget=budget)
    assert found.verdict == INCONCLUSIVE
    assert math.isinf(found.sup_error)
    assert found.cells < certificate(1e-3, COARSE).cells
    assert f"stopped after {found.cells} cells" in found.remark
    assert "budget" in found.remark


def test_a_proof_estimated_beyond_the_budget_is_not_tried():
    """At 1e-14 a twentieth more cells than the budget took five minutes, and proved nothing."""
    net = network("fold-reflect", "skip", 1e-3)
    expected = 1e6 - COARSE.cells
    whole = expecting(net, 1e-3, expected, partition=COARSE, budget=10**6)
    part = expecting(net, 1e-3, expected, partition=COARSE, budget=10**6 - 1)
    assert (whole.verdict, part.verdict) == (PROVED, INCONCLUSIVE)
    assert part.cells < whole.cells / 2
    assert "a proof needs about 1e+06" in part.remark


def test_a_budget_may_be_spent_before_the_end_against_all_estimates():
    net, usual = network("fold-reflect", "skip", 1e-3), Partition(9, 5)
    budget = expecting(net, 1e-3, 0.0, partition=usual).cells // 2
    found = expecting(net, 1e-3, 0.0, partition=usual, budget=budget)
    assert (found.verdict, found.sup_error) == (INCONCLUSIVE, math.inf)
    assert budget < found.cells < 2 * budget


def test_a_spent_budget_still_refutes():
    found = certify(CONSTANT, 1e-3, partition=COARSE, budget=1)
    assert found.verdict == REFUTED
    assert math.isinf(found.sup_error)


def test_every_budget_is_sound():
    """At no budget is a part forgotten: proved exactly when all cells were bounded."""
    net, usual = network("fold-reflect", "skip", 1e-2), Partition(3, 40)
    whole = certify(net, 1e-2, partition=usual)
    assert whole.verdict == PROVED
    verdicts = set()
    for budget in range(1, whole.cells + 20, 7):
        found = expecting(net, 1e-2, 0.0, partition=usual, budget=budget)
        assert (found.verdict == PROVED) == (found.cells == whole.cells)
        verdicts.add(found.verdict)
    assert verdicts == {PROVED, INCONCLUSIVE}


def test_a_gap_between_findings_is_not_covered():
    cell = Fraction(0), Fraction(1)
    first, last = (
        Finding(1.0, 0.0, 0.25, 2.0, 1, 1, cell, span, (span,)) for span in ((0.0, 1.0), (2.0, 3.0))
    )
    middle = Finding(5.0, 0.5, 0.125, 3.0, 2, 3, cell, (1.0, 2.0), (7,))
    assert (first | last).span == (0.0, 1.0)
    assert (last | first | middle).span == (2.0, 3.0)
    joined, seen = first | middle | last, ((0.0, 1.0), 7, (2.0, 3.0))
    assert joined == Finding(5.0, 0.5, 0.25, 3.0, 4, 5, cell, (0.0, 3.0), seen)


@pytest.mark.parametrize(("ends", "complete"), [((0.0, 3.0), True), ((0.0, 4.0), False)])
def test_a_survey_is_complete_if_all_of_the_domain_was_seen(ends, complete):
    cell = Fraction(0), Fraction(1)
    spans = ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0))
    findings = tuple(Finding(1.0, 0.0, 0.25, 2.0, 1, 1, cell, span) for span in spans)
    found = survey.Survey(ends, 9.0, findings)
    assert (found.complete, found.pieces) == (complete, 4 if complete else None)
    for gone in range(3):
        some = findings[:gone] + findings[gone + 1 :]
        assert not survey.Survey(ends, 9.0, some).complete
    assert not survey.Survey(ends, 9.0, ()).complete


def test_other_domains():
    line = Network([Row((0,), (1.0,), 0.0)])
    found = certify(line, 1e-9, domain=(-1e-3, 1e-3), partition=COARSE)
    assert found.verdict == PROVED
    assert found.lower_bound <= 1e-9 / 6 <= found.sup_error <= 1e-9 / 5.9
    tiny = certify(line, 1e-12, domain=(0.0, 5e-324), partition=COARSE)
    assert (tiny.verdict, tiny.pieces) == (PROVED, 1)
    assert certify(line, 1e-3, domain=(-1.0, 2.0), partition=COARSE).verdict == REFUTED
    assert certify(line, 2.0**23, domain=(-(2.0**20), 2.0**20), partition=COARSE).verdict == PROVED
    assert certify(line, 1e-9, domain=(0, 0.0009), partition=COARSE).domain == (0.0, 0.0009)


@cache
def cosine(tol):
    return build(Target("cos"), "skip", tol)


def test_a_cosine_is_proved_as_such_and_refuted_as_a_sine():
    net = cosine(1e-6)
    found = certify(net, 1e-6, function="cos", partition=MEDIUM)
    assert (found.verdict, found.function) == (PROVED, "cos")
    assert found.sup_error <= found.lower_bound * 1.01
    agrees_with_exact_errors(found, net, 1e-6, function="cos")
    as_sine = certify(net, 1e-6, partition=COARSE)
    assert (as_sine.verdict, as_sine.function) == (REFUTED, "sin")
    agrees_with_exact_errors(as_sine, net, 1e-6)
    assert as_sine.lower_bound == pytest.approx(math.sqrt(2), abs=1e-5)
    sine = certify(network("fold-reflect", "skip", 1e-3), 1e-3, function="cos", partition=COARSE)
    assert sine.verdict == REFUTED


@pytest.mark.parametrize("function", ["sin", "cos"])
@pytest.mark.parametrize("domain", [(-100.0, 100.0), (0.0, 7.0), (100.5, 101.0), (-9.5, -3.0)])
def test_wider_and_other_domains(function, domain):
    target = Target(function, *map(End.of, domain))
    net, other = build(target, "skip", 1e-3), {"sin": "cos", "cos": "sin"}[function]
    found = certify(net, 1e-3, domain=domain, function=function, partition=MEDIUM)
    assert (found.verdict, found.domain) == (PROVED, domain)
    assert found.lower_bound <= error_at(net, found.witness, function) <= found.sup_error
    worse = certify(net, found.lower_bound * 0.99, domain=domain, function=function)
    assert worse.verdict == REFUTED
    assert error_at(net, worse.witness, function) > found.lower_bound * 0.99
    assert certify(net, 1e-3, domain=domain, function=other, partition=MEDIUM).verdict == REFUTED


def test_damaged_cosines_are_never_wrongly_proved():
    draw, verdicts, net = random.Random(7), [], cosine(1e-3)
    intact = certify(net, 1e-3, function="cos", partition=COARSE)
    for _ in range(30):
        broken = damaged(net, draw)
        found = certify(broken, intact.sup_error, function="cos", partition=COARSE)
        arguments = (found, broken, intact.sup_error, intact.witness)
        verdicts.append(agrees_with_exact_errors(*arguments, function="cos"))
    assert {PROVED, REFUTED} <= set(verdicts)


def test_where_a_proof_would_be_too_long_the_cells_are_counted_and_few_are_looked_at(monkeypatch):
    """Where no bottleneck is known."""
    monkeypatch.setattr(prover, "reduction", lambda *_: None)
    net = build(Target.parse("sin", ("-1e6", "1e6")), "skip", 1e-9)
    found = certify(net, 1e-9, domain=(-1e6, 1e6), backend=NUMPY)
    assert found.verdict == INCONCLUSIVE
    assert 1e3 < found.cells < 4 * survey.PROBED * survey.BUDGET[NUMPY]
    assert "a proof needs about" in found.remark
    needed = float(found.remark.split("about ")[1].split(" cells")[0])
    assert 1e10 < needed < 1e11
    assert certify(net, 1e-9, domain=(-1e6, 1e6), function="cos", budget=1).verdict == REFUTED


def test_a_given_count_of_pieces_is_not_estimated_again(monkeypatch):
    net = network("fold-reflect", "skip", 1e-3)
    monkeypatch.setattr(prover, "estimated_pieces", lambda *_: pytest.fail("estimated twice"))
    assert expecting(net, 1e-3, 20.0, partition=COARSE).verdict == PROVED
    assert expecting(net, 1e-3, 1e9, partition=COARSE).verdict == INCONCLUSIVE
    with pytest.raises(pytest.fail.Exception):
        certify(net, 1e-3, partition=COARSE)


def test_the_usual_domain_contains_pi():
    assert Fraction(DOMAIN[1]) > Fraction(math.pi) + Fraction(1, 2**53)
    assert (-DOMAIN[1], math.nextafter(math.pi, 4)) == DOMAIN


@pytest.mark.parametrize(
    "wrong",
    [
        {"tol": 0.0},
        {"tol": -1e-3},
        {"tol": math.nan},
        {"tol": math.inf},
        {"domain": (1.0, 1.0)},
        {"domain": (2.0, 1.0)},
        {"domain": (0.0, 2.0**21)},
        {"domain": (math.nan, 1.0)},
        {"budget": 0},
        {"function": "tan"},
        {"function": ""},
        {"backend": "cupy"},
        {"evaluation": "half"},
    ],
)
def test_requests_that_cannot_be_judged(wrong):
    with pytest.raises(RequestError, match=f"^{next(iter(wrong))}: "):
        certify(TENT, **({"tol": 1e-3} | wrong))


def test_values_beyond_float64_are_refuted():
    huge = [Row((0,), (1e308,), 0.0), Row((1,), (1e308,), 0.0), Row((2,), (1e308,), 0.0)]
    found = certify(Network(huge), 1e-3, partition=COARSE)
    assert found.verdict == REFUTED
    assert math.isinf(found.sup_error)
    assert 1e308 < found.lower_bound < math.inf
    assert Certificate.from_json(found.to_json()) == found


@pytest.mark.parametrize("net", [TENT, ABSOLUTE, CONSTANT])
@pytest.mark.parametrize("tol", [1e-3, 10.0])
def test_certificates_survive_json(net, tol):
    found = certify(net, tol, partition=COARSE)
    assert Certificate.from_json(found.to_json()) == found
    assert Certificate.from_json(found.to_json().encode()) == found


def test_unbounded_certificates_survive_json():
    found = certify(CONSTANT, 10.0, partition=COARSE, budget=1)
    assert json.loads(found.to_json())["sup_error"] is None
    assert Certificate.from_json(found.to_json()) == found
    without = replace(found, witness=None)
    assert Certificate.from_json(without.to_json()) == without


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "sinrelu-certificate-0"),
        ("verdict", "true"),
        ("verdict", ["proved"]),
        ("tol", -1),
        ("tol", "1e-3"),
        ("tol", True),
        ("tol", math.nan),
        ("tol", None),
        ("format", "sinrelu-certificate-1"),
        ("format", "sinrelu-certificate-2"),
        ("format", "sinrelu-certificate-3"),
        ("backend", "cupy"),
        ("backend", None),
        ("backend", ["numpy"]),
        ("function", "tan"),
        ("function", None),
        ("function", ["sin"]),
        ("domain", [1, 0]),
        ("domain", [0]),
        ("domain", 5),
        ("domain", [0, math.inf]),
        ("sup_error", -1.0),
        ("sup_error", math.inf),
        ("sup_error", {}),
        ("lower_bound", None),
        ("witness_domain", [1, 2]),
        ("witness_domain", ["0x1p0", "0x0p0"]),
        ("witness_domain", ["0x1p0", None]),
        ("witness_domain", None),
        ("witness", 5),
        ("witness", "0x1"),
        ("witness", "0x1p"),
        ("witness", "0x1p999999"),
        ("witness", "zp0"),
        ("cells", 1.5),
        ("cells", -1),
        ("cells", True),
        ("tol", "0x1/0x0"),
        ("sha256", 7),
        ("sha256", "\x1b[2J" + "0" * 60),
        ("evaluation", "half"),
        ("evaluation_error", -1),
        ("remark", None),
        ("versions", ["numpy"]),
        ("versions", {"numpy": 2}),
    ],
)
def test_malformed_certificates_name_the_field(field, value):
    values = json.loads(certificate(1e-3, COARSE).to_json())
    Certificate.from_json(json.dumps(values))
    with pytest.raises(FormatError, match=f"^{field}: "):
        Certificate.from_json(json.dumps(values | {field: value}))
    if field != "format":
        del values[field]
        with pytest.raises(FormatError, match=f"^{field}: missing"):
            Certificate.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", b"\xff\xfe\xfa", "[" * 100_000])
def test_what_is_no_certificate_is_refused(text):
    with pytest.raises(FormatError):
        Certificate.from_json(text)


@pytest.fixture
def quick_recheck(monkeypatch):
    monkeypatch.setattr(agreement, "RECHECK", Partition(parts=7, cells=3001))


@pytest.mark.usefixtures("quick_recheck")
class TestRecheck:
    net = network("fold-reflect", "skip", 1e-3)

    @property
    def good(self):
        return certificate(1e-3, COARSE)

    def complaints(self, **changes):
        again, lines = recheck(replace(self.good, **changes), self.net)
        assert again.verdict == PROVED
        return lines

    def test_an_honest_certificate_stands(self):
        assert self.complaints() == []
        refuted = certify(self.net, 5e-4, partition=COARSE)
        again, lines = recheck(refuted, self.net)
        assert (refuted.verdict, again.verdict, lines) == (REFUTED, REFUTED, [])

    def test_another_network(self):
        assert "sha256" in self.complaints(sha256="0" * 64)[0]
        _, lines = recheck(self.good, network("fold-reflect", "layered", 1e-3))
        assert len(lines) == 1
        assert "another network" in lines[0]

    @pytest.mark.parametrize("factor", [0.98, 0.5, 0.0])
    def test_sup_error_too_low(self, factor):
        lines = self.complaints(sup_error=self.good.sup_error * factor)
        assert any("but an error of" in line for line in lines)
        assert any("recomputed" in line for line in lines)

    def test_another_function(self):
        again, lines = recheck(replace(self.good, function="cos"), self.net)
        assert (again.verdict, again.function) == (REFUTED, "cos")
        assert any("verdict" in line for line in lines)

    def test_a_cosine(self):
        good = certify(cosine(1e-3), 1e-3, function="cos", partition=COARSE)
        again, lines = recheck(good, cosine(1e-3))
        assert (again.verdict, again.function, lines) == (PROVED, "cos", [])

    def test_sup_error_below_an_exact_error_by_little(self):
        below = math.nextafter(self.good.lower_bound, 0) * (1 - 1e-6)
        assert any("sup_error" in line for line in self.complaints(sup_error=below))

    def test_a_moved_witness(self):
        assert self.complaints(witness=Fraction(7, 16)) == [
            "witness: the error there is smaller than lower_bound"
        ]
        assert self.complaints(witness=Fraction(4)) == ["witness: outside the domain"]
        assert self.complaints(lower_bound=self.good.lower_bound * 1.0001) != []

    def test_another_verdict(self):
        assert "verdict" in self.complaints(verdict=REFUTED)[0]
        again, lines = recheck(replace(self.good, tol=5e-4), self.net)
        assert again.verdict == REFUTED
        assert "verdict" in lines[0]


def test_recheck_uses_another_partition():
    assert math.gcd(agreement.RECHECK.parts, USUAL.parts) == 1
    again, lines = recheck(certificate(1e-3, COARSE), network("fold-reflect", "skip", 1e-3))
    assert lines == []
    assert again.cells > 200_000


def test_a_fine_network_is_proved():
    """Those for 1e-12 are proved in the notebook, which a test executes."""
    fine = network("fold-reflect", "skip", 1e-11)
    found = certify(fine, 1e-11)
    assert found.verdict == PROVED
    assert found.lower_bound <= found.sup_error <= 1e-11
    assert found.sup_error < 1.01 * found.lower_bound
    assert found.lower_bound <= error_at(fine, found.witness)
    assert found.radius < 1e-20


def test_a_domain_too_short_to_be_probed_is_searched_whole():
    ends = (1.0, math.nextafter(1.0, 2.0))
    result = certify(build("fold-reflect", "skip", 1e-3), 1e-3, domain=ends, budget=1)
    assert result.verdict in (PROVED, INCONCLUSIVE)


def with_outside_spike(net):
    """Add a spike that is 0 up to π, 2 at the float beyond."""
    beyond = Row((0,), (1.0,), -math.pi)  # of floats: π is 1.2e-16 further, the next one 4.4e-16
    first = net.units + 1
    *units, output = net.rows
    spike = Row((first,), (2.0**53,), -2.0)
    end = Row.of([*output.edges, (first + 1, 1.0)], output.bias)
    return Network([*units, beyond, spike, end])


def test_a_witness_lies_in_the_domain_that_is_meant():
    spiked = with_outside_spike(network("fold-reflect", "skip", 1e-3))
    assert error_at(spiked, Fraction(DOMAIN[1])) > 1.9
    around = certify(spiked, 1e-3, partition=COARSE)
    assert (around.verdict, around.witness) == (REFUTED, DOMAIN[1])
    low, high = Target().inner
    meant = certify(spiked, 1e-3, partition=COARSE, witness_domain=(low, high))
    assert meant.verdict == INCONCLUSIVE
    assert low <= meant.witness <= high < DOMAIN[1]
    assert meant.lower_bound <= 1e-3
    assert Certificate.from_json(meant.to_json()) == meant
    assert recheck(meant, spiked)[1] == []
    outside = replace(meant, verdict=REFUTED, witness=Fraction(DOMAIN[1]), lower_bound=1.0)
    found = recheck(outside, spiked)[1]
    assert any(text.startswith("verdict: certificate refuted, recomputed inco") for text in found)
    assert "witness: outside the domain" in found


@pytest.mark.parametrize("inner", [(-4, 3), (2, 1), (0, 4)])
def test_witness_domains_that_are_none(inner):
    with pytest.raises(RequestError, match=r"^witness_domain: "):
        certify(TENT, 1e-3, witness_domain=tuple(map(Fraction, inner)))


def test_a_point_may_refute():
    net, tol = network("fold-reflect", "skip", 1e-3), certificate(1e-3, COARSE).lower_bound / 2
    worst = certificate(1e-3, COARSE).witness
    found = refutation(net, tol, worst)
    assert (found.verdict, found.witness, found.sup_error) == (REFUTED, worst, math.inf)
    assert tol < found.lower_bound <= error_at(net, worst)
    assert refutation(net, 1e-3, worst).verdict == INCONCLUSIVE
    assert refutation(net, 1e-3, Fraction(4)).verdict == INCONCLUSIVE  # the error there is large
    assert error_at(net, Fraction(4)) > 1e-3


def test_a_refutation_is_rechecked_at_its_point(monkeypatch):
    """Another partition may not find the witness; that is no reason to doubt it."""
    net, worst = network("fold-reflect", "skip", 1e-3), certificate(1e-3, COARSE).witness
    found = refutation(net, 1e-4, worst)
    monkeypatch.setattr(survey, "examine", lambda *_: pytest.fail("proved"))
    assert recheck(Certificate.from_json(found.to_json()), net) == (found, [])
    for forged in (
        replace(found, lower_bound=0.5),
        replace(found, witness=Fraction(4)),
        replace(found, tol=1e-3),
    ):
        assert recheck(forged, net)[1]


def test_a_bound_of_a_refuted_network_is_rechecked():
    found = certify(network("fold-reflect", "skip", 1e-3), 1e-4, partition=MEDIUM)
    assert found.verdict == REFUTED
    net = network("fold-reflect", "skip", 1e-3)
    assert recheck(found, net)[1] == []
    [said] = recheck(replace(found, sup_error=found.sup_error * 0.9), net)[1][-1:]
    assert said.startswith("sup_error: ")


def test_a_large_network_is_given_fewer_cells(monkeypatch):
    net = network("fold-reflect", "skip", 1e-3)
    for backend in BACKENDS:
        assert usual_budget(net, backend) == survey.BUDGET[backend]
    monkeypatch.setattr(survey, "WORK", dict.fromkeys(BACKENDS, 1e4))
    assert 10 < usual_budget(net) < COARSE.cells
    assert certify(net, 1e-3, partition=COARSE).verdict == INCONCLUSIVE
    assert certify(net, 1e-3, partition=COARSE, budget=10**6).verdict == PROVED


def test_where_even_a_pass_is_too_much_none_is_made(monkeypatch):
    monkeypatch.setattr(pieces, "WORK", 1e3)
    monkeypatch.setattr(survey, "examine", lambda *_: pytest.fail("looked"))
    found = certify(network("fold-reflect", "skip", 1e-3), 1e-3)
    assert (found.verdict, found.cells, found.sup_error) == (INCONCLUSIVE, 0, math.inf)
    assert found.remark == "a proof needs too many cells to be counted"
    assert Certificate.from_json(found.to_json()) == found


def test_an_interruption_waits_for_nothing():
    """Also where a part takes for ever."""
    started, go_on = threading.Event(), threading.Event()

    def forever():
        started.set()
        go_on.wait()

    waiting = []

    def interrupted():
        with pieces.threads() as workers:
            waiting.extend(workers.submit(forever) for _ in range(100))
            started.wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not waiting[0].done()
    assert waiting[-1].cancelled()
    go_on.set()


def test_a_large_network_has_no_more_cells_than_its_tolerance_needs(monkeypatch):
    """Of width w they leave w³/16 open; parts are passes over the network."""
    net = network("fold-reflect", "skip", 1e-3)
    usual = survey.fitted(USUAL, net, DOMAIN, Fraction(1, 1000))
    assert usual == USUAL
    monkeypatch.setattr(survey, "WORK", dict.fromkeys(BACKENDS, 1e6))
    coarse, fine = (survey.fitted(USUAL, net, DOMAIN, Fraction(1, 10**d)) for d in (3, 30))
    assert coarse.cells == survey.FEWEST_CELLS < fine.cells == USUAL.cells
    found = certify(net, 1e-3, budget=10**6)
    assert found.verdict == PROVED
    assert found.cells < 600
    assert found.sup_error <= certificate(1e-3, MEDIUM).sup_error * 1.001
    width = (DOMAIN[1] - DOMAIN[0]) / coarse.cells
    assert width**3 / 16 < 1e-3 / 500
