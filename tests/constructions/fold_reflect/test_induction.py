"""The proof by induction: each of its steps, and what it does with files that are not so."""

import json
import random
from dataclasses import asdict, replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import MPContext, libmp

from sinrelu import build
from sinrelu.arithmetic.intervals import Intervals, lower, upper
from sinrelu.circuit import Circuit
from sinrelu.constructions.fold_reflect.induction import (
    change_bound,
    distances,
    domain_of,
    ideal_rows,
    prove,
    read_plan,
    relative_distances,
)
from sinrelu.constructions.fold_reflect.quadratics import BEND_CONNECTIONS, LastCell, Quadratics
from sinrelu.constructions.fold_reflect.range_reduction import GATE, RangeReduction
from sinrelu.constructions.fold_reflect.search import Search
from sinrelu.constructions.fold_reflect.skip import Plan, written
from sinrelu.constructions.fold_reflect.square import Sawtooth
from sinrelu.constructions.fold_reflect.weights import margin_exponent
from sinrelu.evaluate.enclosed import enclosed_error
from sinrelu.evaluate.exact import evaluate_exact
from sinrelu.formats import json as json_format
from sinrelu.network import Network, without_dead_units
from sinrelu.target import Target

CASES = {
    "1e-30": ("1e-30", "sin", ("-pi", "pi")),
    "1e-100": ("1e-100", "sin", ("-pi", "pi")),
    "a thousand": ("1e-25", "cos", ("-1000", "1000")),
    "far": ("1e-20", "sin", ("999000", "1e6")),
    "coarse": ("1e-3", "sin", ("-pi", "pi")),
    "half": ("1e-18", "sin", ("0", "pi")),
    "right": ("1e-18", "cos", ("0", "pi/2")),
    "left": ("1e-16", "cos", ("11pi/2", "6pi")),
}
PI = 3.141592653589793
"""The float64 right below π."""


@cache
def built(name):
    tol, function, ends = CASES[name]
    return build(Target.parse(function, ends), "skip", tol, multiprecision=True)


@cache
def thirty():
    return built("1e-30")


def parameters(network=None):
    """Return a copy of a network's parameters as they are after a file."""
    return json.loads(json.dumps((network or thirty()).meta["parameters"]))


def dyadics(low, high, count):
    draw = random.Random(2018)
    return [Fraction(draw.randint(low << 60, high << 60), 1 << 60) for _ in range(count)]


def changed(network, row, edge, factor):
    """Return the network with one weight, or one bias if edge is None, multiplied."""
    rows = list(network.rows)
    if edge is None:
        rows[row] = rows[row]._replace(bias=Fraction(rows[row].bias) * factor)
    else:
        weights = [
            Fraction(w) * (factor if e == edge else 1) for e, w in enumerate(rows[row].weights)
        ]
        rows[row] = rows[row]._replace(weights=tuple(weights))
    return Network(rows, network.meta)


# --- what is proved -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_bound_is_proved_and_holds(name):
    tol, function, ends = CASES[name]
    target = Target.parse(function, ends)
    network = built(name)
    proof = prove(json_format.loads(json_format.dumps(network)))
    assert proof == prove(network)
    assert proof.function == function
    assert proof.sup_error == proof.cell + proof.rounding <= Fraction(tol)
    assert 0 < proof.rounding <= proof.cell / 1000
    assert proof.covers(target)
    low, high = (Fraction(end.nearest()) for end in (target.low, target.high))
    shares = dyadics(0, 1, 40 if name == "1e-100" else 100)
    points = [low + (high - low) * (share * 1023 / 1024 + Fraction(1, 2048)) for share in shares]
    errors = enclosed_error(network, points, proof.sup_error / 2**20, function)
    worst = max(high for _, _, high in errors)
    assert Fraction(1, 3) * proof.sup_error <= worst <= proof.sup_error


def covered(name, low, high, function="sin"):
    """Whether what is proved for a network covers a function on a domain."""
    return prove(built(name)).covers(Target.parse(function, (low, high)))


def test_domain_is_the_whole_of_it():
    assert covered("1e-30", "-pi", "pi")
    assert covered("1e-30", "-3.141592653589793", "3.141592653589793238462643383279502884")
    assert not covered("1e-30", "-pi", "3.141592653589793238462643383279502885")
    assert not covered("1e-30", "-3.2", "0")
    assert not covered("1e-30", "-1", "1", "cos")
    assert covered("a thousand", "-319pi", "1000.5", "cos")
    assert not covered("a thousand", "-1100", "0", "cos")
    assert str(prove(built("far")).domain[0]) == "999000"
    assert not covered("far", "998999.5", "1e6")
    assert covered("half", "0", "pi")
    assert not covered("half", "-0.01", "3")
    assert covered("right", "0", "pi/2", "cos")
    assert not covered("right", "-0.01", "1", "cos")
    assert not covered("left", "17.2", "18.9", "cos")


def test_an_end_just_beyond_pi_is_reached():
    """In float64 it would make no difference."""
    end = "3.141592653589793238462643383279502884197169400"
    target = Target.parse("sin", (f"-{end}", end))
    network = build(target, tol="1e-20")
    assert prove(network).covers(target)
    assert network.connections > build(tol="1e-20").connections


# --- networks and plans that are not what they say ----------------------------------------------


@pytest.mark.parametrize("row", range(0, 120, 17))
@pytest.mark.parametrize("edge", [0, None])
def test_a_changed_number_shows_in_the_bound(row, edge):
    honest = prove(thirty())
    network = changed(thirty(), row, edge, 1 + Fraction(1, 2**20))
    proof = prove(network)
    if network == thirty():  # there is no bias
        assert proof == honest
        return
    assert proof.cell == honest.cell
    assert proof.rounding > 1e6 * honest.sup_error
    points = dyadics(-3, 3, 5)
    errors = enclosed_error(network, points, honest.sup_error / 2**20)
    assert max(high for _, _, high in errors) <= proof.sup_error


def test_other_graphs_are_not_proved():
    rows = list(thirty().rows)
    rows[56] = rows[56]._replace(sources=(54, 56))
    assert prove(Network(rows, thirty().meta)) is None
    assert prove(build(wiring="skip")).rounding > 1, "refined weights are not those of formulas"
    assert prove(Network(list(thirty().rows))) is None


FORGED = {
    "more folds": lambda p: p.update(folds=p["folds"] + 1),
    "another trade": lambda p: (
        p.update(folds=p["folds"] - 2),
        p["cell"]["sawtooth"].update(ternaries=p["cell"]["sawtooth"]["ternaries"] + 3),
    ),
    "other sawtooth": lambda p: p["cell"]["sawtooth"].update(
        ternaries=p["cell"]["sawtooth"]["ternaries"] - 2,
        binaries=p["cell"]["sawtooth"]["binaries"] + 3,
    ),
    "small margin": lambda p: p.update(margin=-120),
    "multiples about a zero": lambda p: p["reduction"].update(multiples=[1]),
    "no bend": lambda p: p["cell"].update(quadratics=2),
    "bend without its signal": lambda p: p["cell"].update(quadratics=4),
    "half of nothing": lambda p: p["reduction"].update(half=True),
    "half and multiples": lambda p: p["reduction"].update(half=True, centre=1, multiples=[1]),
    "half a number": lambda p: p["reduction"].update(half=1),
    "a side of nothing": lambda p: p["reduction"].update(side=1),
    "huge folds": lambda p: p.update(folds=10**18),
    "huge ternaries": lambda p: p["cell"]["sawtooth"].update(ternaries=10**300),
    "huge binaries": lambda p: p["cell"]["sawtooth"].update(binaries=11_000),
    "negative ternaries": lambda p: p["cell"]["sawtooth"].update(ternaries=-1),
    "no last stage": lambda p: p["cell"]["sawtooth"].update(last=1),
    "huge margin": lambda p: p.update(margin=-(10**12)),
    "huge origin": lambda p: p["reduction"].update(origin=10**4000),
    "many multiples": lambda p: p["reduction"].update(multiples=[1] * 10**6),
    "huge multiples": lambda p: p["reduction"].update(centre=1, multiples=[10**4000]),
    "no multiple": lambda p: p["reduction"].update(centre=1, multiples=[0]),
    "no function": lambda p: p["reduction"].update(phase=2),
    "float": lambda p: p.update(folds=31.0),
    "boolean": lambda p: p.update(folds=True),
    "text": lambda p: p.update(folds="31"),
    "not halved": lambda p: p["cell"]["sawtooth"].update(halved=0),
    "no cell": lambda p: p.pop("cell"),
    "cell a list": lambda p: p.update(cell=[1]),
    "multiples a number": lambda p: p["reduction"].update(multiples=3),
    "multiples a text": lambda p: p["reduction"].update(multiples="12"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_forged_plans_prove_nothing(forge):
    plan = parameters()
    forge(plan)
    assert prove(thirty().with_meta(parameters=plan)) is None


def of_plan(reduction, cell=None):
    """Return a network written from a plan, that says so."""
    plan = Plan(6, cell or LastCell(Sawtooth(2, 1, 2)))
    output = written(plan, Circuit(300).input, reduction, -10)
    said = {**asdict(plan), "reduction": asdict(reduction), "margin": -10}
    return output.circuit.freeze(output, {"parameters": said}, 200)


IMPOSSIBLE = {
    "half about a zero": (RangeReduction(half=True),),
    "half with further folds": (RangeReduction(0, 1, 0, (1,), half=True),),
    "side without half": (RangeReduction(0, 1, 0, (), False, 1),),
    "bend without its signal": (RangeReduction(), LastCell(Sawtooth(0, 3, 2), 3)),
    "bend at another signal": (RangeReduction(), LastCell(Sawtooth(2, 1, 2), 4)),
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_networks_of_impossible_plans_are_not_proved(impossible):
    """They are what their plans say, but their plans are not sines."""
    assert prove(of_plan(RangeReduction())).rounding < 1e-20
    assert prove(of_plan(RangeReduction(0, 1, 0, (), True, 1))).rounding < 1e-20
    assert prove(of_plan(*impossible)) is None


@pytest.mark.parametrize("meta", [None, 3, "x", [], {}, {"folds": 3, "margin": -9}])
def test_meta_of_any_kind(meta):
    assert read_plan(meta) is None


@pytest.mark.parametrize(
    "forge",
    [
        lambda p: p.update(margin=p["margin"] + 3),
        lambda p: p["reduction"].update(centre=2),
        lambda p: p["reduction"].update(phase=1, centre=1),
        lambda p: p["reduction"].update(phase=1, centre=-1),
    ],
)
def test_plans_of_the_same_graph_give_large_bounds(forge):
    """Another place or function has the same graph with other weights."""
    plan = parameters()
    forge(plan)
    assert prove(thirty().with_meta(parameters=plan)).rounding > 1e-30


def test_what_meta_says_besides_the_plan_is_ignored():
    forged = thirty().with_meta(tol="1e-99", error_bound="0", function="cos", domain=[-9, 9])
    assert prove(forged) == prove(thirty())


def test_weights_of_few_bits_for_a_fine_plan():
    """Intervals as wide as the angles between pivots are unbounded once divided by."""
    network = built("1e-100")
    rows = [
        row._replace(weights=tuple(map(float, row.weights)), bias=float(row.bias))
        for row in network.rows
    ]
    proof = prove(Network(rows, network.meta))
    assert proof is None or proof.rounding > 1


# --- the steps ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(-4, 4), st.integers(0, 1), st.lists(st.integers(1, 12), max_size=4), st.data())
def test_reach_of_a_reduction(centre, phase, multiples, data):
    """Step 1, in units of π from the first fold."""
    assume((centre + phase) % 2 or not multiples)
    low, high = domain_of(RangeReduction(0, centre, phase, tuple(multiples)))
    reach = high.ratio - Fraction(centre, 2)
    assert reach == Fraction(centre, 2) - low.ratio

    def kept(value):
        for multiple in multiples:
            value = min(value, 2 * multiple - value)
            if value < 0:
                return False
        return value <= 1

    assert all(kept(reach * data.draw(st.fractions(0, 1))) for _ in range(5))
    assert not all(kept(reach + Fraction(k, 8)) for k in range(1, 200))


SAWTOOTHS = [
    Sawtooth(0, 0, 2),
    Sawtooth(0, 3, 3),
    Sawtooth(2, 1, 4),
    Sawtooth(1, 2, 2, halved=True),
    Sawtooth(2, 0, 5, halved=True),
    Sawtooth(2, 2, 3, clipped=True),
    Sawtooth(1, 1, 2, halved=True, clipped=True),
]


def square_faults(sawtooth, spoil=lambda network: network):
    """Return where U is not within [m² − ℓ²/4, m²], for ℓ = 1 and exact weights: step 3."""
    m = Circuit(200).input
    height = sawtooth.pieces
    network = spoil(m.circuit.freeze(sawtooth.square(m + Fraction(1, 2), height).value))
    points = [Fraction(k, 8) for k in range(int(8 * height) + 1)]
    return [x for x in points if not 0 <= x**2 - evaluate_exact(network, x) <= Fraction(1, 4)]


@pytest.mark.parametrize("sawtooth", SAWTOOTHS)
def test_square(sawtooth):
    assert square_faults(sawtooth) == []
    assert square_faults(sawtooth, lambda n: changed(n, n.units - 1, -1, Fraction(9, 8))) != [] or (
        square_faults(sawtooth, lambda n: changed(n, n.units - 1, 0, Fraction(9, 8))) != []
    )


class Rational:
    """Stands in for an mpmath context where nothing is rounded."""

    mpf = staticmethod(Fraction)


def pieces_that_differ(fit):
    """Return the pieces on which V does not differ from the cube by T₃/(4J³), for h = 1."""
    count, cube = fit.count, Fraction(1, 6) - Fraction(1, 96)
    found = []
    for start in range(-(count % 2), count, 2):
        centre = Fraction(start + 1, count)
        for t in (centre + Fraction(k, 7 * count) for k in range(0 if start < 0 else -7, 8)):
            knots = [knot for knot in fit.knots if knot <= start]
            bends = sum(fit.bend(t**2, t - Fraction(knot, count), knot) for knot in knots)
            curve = fit.jump + fit.square * t**2 + fit.gain * bends
            cubic = (fit.slope - 1 + Fraction(1, 384)) * t + cube * t**3 - curve
            s = count * (t - centre)
            if cubic != cube * (4 * s**3 - 3 * s) / (4 * count**3):
                found.append(start)
    return found


@pytest.mark.parametrize("count", BEND_CONNECTIONS)
def test_quadratics_differ_by_a_chebyshev_polynomial_on_each_piece(count):
    fit = Quadratics.fit(Rational(), Fraction(1), Fraction(0), count)
    assert pieces_that_differ(fit) == []
    assert pieces_that_differ(replace(fit, gain=fit.gain + 1, jump=fit.jump + 1)) != []
    for knot in fit.knots:
        at = Fraction(knot, count)
        assert fit.bend(at**2, Fraction(0), knot) == Fraction(1, 12 * count**2)
        least = Fraction(9, 10 * count)  # below √θ, and from there to κ the difference falls
        assert fit.bend(least**2, Fraction(0), 1) < 0
        assert Fraction(9, 4 * count**2) - 12 * least / count < 0


@pytest.mark.parametrize("count", BEND_CONNECTIONS)
def test_the_sine_errs_by_its_jump_where_it_is_not_odd(count):
    for h in (1.0, 0.3, 1e-3):
        fit = Quadratics.fit(MPContext(), h, 0, count)
        t = np.linspace(0, 3 * float(fit.jump), 3001)
        curve = float(fit.jump) + float(fit.square) * t**2
        sine = -float(fit.slope) * t - (2 * np.maximum(curve - t, 0) - curve)
        error = abs(sine + np.sin(t))[curve > t]
        assert (error <= float(fit.jump) * (1 + 1e-9)).all()
        assert error.size > 900 or count % 2


def gate_error(s, r, eta, slope=GATE):
    """Return by how much 2 relu(s + η − M·r) − (s + η) misses ±s: step 6."""
    result = 2 * max(s + eta - slope * r, 0) - (s + eta)
    return abs(result - (s if r == 0 else -s))


small = st.fractions(0, 1)


@settings(max_examples=60, deadline=None)
@given(small, small, st.fractions(-3, 3))
def test_gates_do_not_increase_the_error(s, extra, eta):
    assert gate_error(s, Fraction(0), eta) <= abs(eta)
    assume(s + extra > 0)
    assert gate_error(s, s + extra, eta) <= abs(eta)


def test_gates_of_a_lower_slope_would():
    s, eta = Fraction(1, 2), Fraction(1, 8)
    assert gate_error(s, s, eta, slope=1) <= abs(eta) < gate_error(s, s, eta, slope=Fraction(3, 4))


def with_margin(exponent):
    """Return a network for 1e-20 with another margin, which it says."""
    reduction = RangeReduction()
    plan = Search(reduction, "skip", float64=False).smallest(MPContext().mpf("1e-20")).plan
    output = written(plan, Circuit(400).input, reduction, exponent)
    said = {**asdict(plan), "reduction": asdict(reduction), "margin": exponent}
    meta = {"parameters": said}
    return output.circuit.freeze(output, meta, 200)


def test_a_margin_below_the_error_is_clipped():
    """Step 5: what a channel loses at 0 makes it err by more than all its error otherwise."""
    wide, narrow = with_margin(-63), with_margin(-300)
    bound = prove(wide).sup_error
    assert prove(narrow) is None
    pi = Fraction(*libmp.to_rational(libmp.mpf_pi(80)))
    pivots = [pi / 2**k for k in range(2, 20)]
    worst = [max(low for _, low, _ in enclosed_error(n, pivots, 1e-30)) for n in (wide, narrow)]
    assert worst[0] <= bound < worst[1]


@pytest.mark.parametrize("name", ["1e-30", "a thousand"])
def test_ideal_weights_are_enclosed(name):
    """Step 8: intervals of few bits hold weights computed with many."""
    plan, reduction, margin = read_plan(parameters(built(name)))
    fine = Circuit(1500)
    exact = without_dead_units(
        fine.rows(
            written(plan, fine.input, reduction, margin),
            lambda w: Fraction(*libmp.to_rational(w._mpf_)),
        )
    )
    rows = ideal_rows(plan, reduction, margin, Intervals(500))
    for row, real in zip(exact, rows, strict=True):
        assert row.sources == real.sources
        for weight, interval in zip(
            (*row.weights, row.bias), (*real.weights, real.bias), strict=True
        ):
            assert lower(interval) <= weight <= upper(interval)
            assert upper(interval) - lower(interval) < Fraction(1, 2**300)


@pytest.mark.parametrize("bits", [20, 53])
def test_rounding_bound_covers_what_rounding_does(bits):
    fine = build(wiring="skip", tol=1e-6, multiprecision=True)
    plan, reduction, margin = read_plan(fine.meta["parameters"])
    numbers = Intervals(400)
    output = written(plan, Circuit(300).input, reduction, margin)
    coarse = output.circuit.freeze(output, bits=bits)
    rows = list(coarse.rows)
    off = distances(rows, ideal_rows(plan, reduction, margin, numbers), numbers)
    bound = change_bound(rows, off, 4)
    assert bound <= change_bound(rows, relative_distances(rows, bits), 4)
    points = dyadics(-3, 3, 50)
    worst = max(abs(evaluate_exact(coarse, x) - evaluate_exact(fine, x)) for x in points)
    assert Fraction(1, 10**8) * bound < worst <= bound


def test_interval_bound_of_a_cell_is_the_bound():
    sawtooths = {2: SAWTOOTHS[0], 3: SAWTOOTHS[2], 4: SAWTOOTHS[3], 6: SAWTOOTHS[5]}
    for quadratics, sawtooth in sawtooths.items():
        cell = LastCell(sawtooth, quadratics)
        for power in (2, 6, 40):
            numbers, plain = Intervals(200), MPContext()
            plain.prec = 400
            interval = cell.error(numbers, numbers.pi / 2**power)
            value = Fraction(*libmp.to_rational(cell.error(plain, plain.pi / 2**power)._mpf_))
            assert lower(interval) <= value <= upper(interval)
            assert upper(interval) - lower(interval) < value / 10**12


def test_the_plan_is_read_as_it_was_written():
    plan, reduction, margin = read_plan(parameters())
    assert isinstance(plan, Plan)
    said = {**asdict(plan), "reduction": asdict(reduction), "margin": margin}
    assert json.loads(json.dumps(said)).items() <= parameters().items()
    assert margin == margin_exponent(MPContext().mpf("1e-30"))


def test_older_files_call_the_last_cell_leaf():
    plan = parameters()
    plan["leaf"] = plan.pop("cell")
    assert read_plan(plan) == read_plan(parameters())
    assert prove(thirty().with_meta(parameters=plan)) == prove(thirty())
