"""The one door: what is asked for, what comes, and that every way in leads to the same network."""

import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from mpmath import MPContext

from sinrelu import build, cli, compare, load, program
from sinrelu.certify import certify
from sinrelu.constructions import CONSTRUCTIONS, WIRINGS
from sinrelu.constructions.fold_reflect.induction import prove
from sinrelu.errors import RequestError
from sinrelu.evaluate.exact import evaluate_exact, exact_error
from sinrelu.formats import json as json_format
from sinrelu.formats import npz as npz_format
from sinrelu.formats import onnx as onnx_format
from sinrelu.network import Network
from sinrelu.target import Target


def bound_of(network):
    return MPContext().mpf(network.meta["error_bound"])


@pytest.fixture(scope="module")
def thirty():
    return build(tol="1e-30")


def dyadic_points(count, largest=3):
    draw = random.Random(2018)
    return [Fraction(draw.randrange(-largest << 40, largest << 40), 1 << 40) for _ in range(count)]


# --- one door -----------------------------------------------------------------------------------

DOORS = [
    *((wiring, tol) for wiring in WIRINGS for tol in ("1e-1", "0.003", "1e-6", "1e-12", "2e-14")),
    *((wiring, tol) for wiring in WIRINGS for tol in ("5e-15", "1e-15")),
    ("skip", "1e-16"),
    ("skip", "1e-40"),
]


@pytest.mark.parametrize(("wiring", "tol"), DOORS)
def test_every_door_leads_to_the_same_network(wiring, tol, tmp_path):
    network = build(wiring=wiring, tol=tol)
    assert build(Target(), wiring, Fraction(tol)) == network
    assert build("fold-reflect", wiring, tol) == network
    if Fraction(tol) > Fraction("1e-300"):
        assert build(tol=float(tol), wiring=wiring) == network
    file = tmp_path / f"n.{'json' if network.multiprecision else 'npz'}"
    assert cli.run(["build", "--wiring", wiring, "--tol", tol, "-o", str(file)]) == 0
    assert load(file) == network
    assert compare.built("fold-reflect", wiring, tol)[1] == network


def test_the_last_tolerance_there_is(thirty):
    network = build(tol="1e-1000")
    assert network.connections == 12_053
    assert bound_of(network) <= MPContext().mpf("1e-1000")
    assert build() == build(tol=1e-12, wiring="layered")
    assert thirty == build(Target(), "skip", "1e-30")


@pytest.mark.parametrize("name", [n for n in CONSTRUCTIONS if n != "fold-reflect"])
def test_other_methods_go_through_the_same_door(name, tmp_path):
    target = CONSTRUCTIONS[name].target
    network = build(name, tol=1e-5)
    assert build(target, tol="1e-5", construction=name) == network
    file = tmp_path / "n.npz"
    ends = [target.low.plain, target.high.plain]
    arguments = ["build", "--construction", name, "--tol", "1e-5", "--domain", *ends]
    assert cli.run([*arguments, "-o", str(file)]) == 0
    assert load(file) == network
    assert compare.built(name, "layered", 1e-5)[1] == network


# --- what is asked for --------------------------------------------------------------------------


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("function", ["sin", "cos"])
@pytest.mark.parametrize(
    "ends",
    [
        ("0", "pi"),
        ("pi/2", "3"),
        ("100", "100.5"),
        ("-100", "100"),
        ("3", "5"),
        ("-1e6", "1e6"),
        ("999000", "1e6"),
        ("0", "2pi"),
    ],
)
def test_other_targets(ends, function, wiring):
    tol = 1e-2 if function == "cos" and wiring == "layered" else 1e-7
    target = Target.parse(function, ends)
    network = build(target, wiring, tol)
    assert (network.skip_connections == 0) == (wiring == "layered")
    assert (network.meta["function"], network.meta["domain"]) == (function, list(target.cover))
    x = np.random.default_rng(1).uniform(*target.cover, 20_000)
    error = abs(program(network)(x) - getattr(np, function)(x)).max()
    moved = 1e-9  # in float64, near 1e6, x moves by 1e-10
    assert error <= bound_of(network) + moved
    narrow = target.cover[1] - target.cover[0] < 2  # then the worst cells may not be met
    assert (0.1 if narrow else 0.8) * bound_of(network) <= error <= tol + moved


@pytest.mark.parametrize(
    ("function", "ends", "connections"),
    [
        ("sin", ("-pi", "pi"), 136),
        ("cos", ("-pi", "pi"), 136),
        ("sin", ("0", "pi"), 129),
        ("cos", ("-pi/2", "pi/2"), 129),
        ("sin", ("0", "pi/2"), 126),
        ("cos", ("0", "1"), 126),
    ],
)
def test_small_domains_need_fewer(function, ends, connections):
    assert build(Target.parse(function, ends), "skip", 1e-12).connections == connections


@pytest.mark.parametrize(("wiring", "slope"), [("skip", 3), ("layered", 4)])
def test_connections_grow_with_the_logarithm_of_the_range(wiring, slope):
    targets = (Target.parse("sin", (f"-{2**k}", f"{2**k}")) for k in range(4, 20, 3))
    counts = [build(target, wiring, 1e-6).connections for target in targets]
    assert all(more - less <= 3 * slope for less, more in pairwise(counts))


@pytest.mark.parametrize("tol", ["5e-2", "1e-2", "5e-3", "1e-5"])
@pytest.mark.parametrize("wiring", WIRINGS)
def test_a_budget_gives_what_the_tolerance_of_so_many_connections_gives(wiring, tol):
    network = build(wiring=wiring, tol=tol)
    other = build(wiring=wiring, max_connections=network.connections)
    assert other.connections == network.connections
    assert bound_of(other) <= bound_of(network)


@pytest.mark.parametrize("budget", range(300, 480, 12))
def test_every_layered_budget_has_a_network(budget):
    network = build(wiring="layered", max_connections=budget)
    assert budget - 40 <= network.connections <= budget
    assert network.skip_connections == 0


def test_a_budget_is_spent():
    for budget in (31, 100, 136, 400):
        network = build(wiring="skip", max_connections=budget)
        assert budget - 3 <= network.connections <= budget
    assert network.multiprecision
    float64 = build(wiring="skip", max_connections=400, multiprecision=False)
    assert not float64.multiprecision
    assert bound_of(float64) <= 1e-14


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"wiring": "dense"}, "wiring: 'dense' is unknown; choose from layered, skip"),
        ({"construction": "spline"}, "construction: 'spline' is unknown"),
        ({"target": "spline"}, "construction: 'spline' is unknown"),
        ({"max_connections": 11, "wiring": "skip"}, "11 are too few .* the least is 12"),
        ({"max_connections": 17}, "17 are too few .* the least is 18"),
        ({"max_connections": 100, "tol": 1e-9}, "needs 209 connections for the tolerance 1e-09"),
        ({"tol": "1e-30", "wiring": "layered"}, "no layered plan of fold-reflect reaches 1e-30"),
        ({"target": "taylor", "max_connections": 500}, "taylor needs a tolerance"),
        ({"target": "huybrechs", "wiring": "skip"}, "wiring: 'skip' is unknown"),
        (
            {"construction": "taylor", "target": Target("cos")},
            "taylor is for sin on .*--domain -pi pi.* take fold-reflect",
        ),
        ({"tol": "1e-30", "multiprecision": False}, "float64 weights reach 1e-14"),
        *(({"tol": tol}, "^tol: ") for tol in (0, 1, -1, "abc", "1e-1001", float("nan"), [])),
    ],
)
def test_what_cannot_be_had_is_refused(request_, message):
    with pytest.raises(RequestError, match=message):
        build(**request_)


# --- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wiring", "most"), [("skip", 15), ("layered", 20)])
def test_changed_weights_break_the_bound(wiring, most):
    """What only holds a gate shut need not be exact; every other weight matters."""
    network = build(wiring=wiring, tol=1e-4)
    points = np.random.default_rng(7).uniform(-np.pi, np.pi, 20_000)
    kept = 0
    for number, row in enumerate(network.rows):
        for edge, weight in enumerate(row.weights):
            weights = (*row.weights[:edge], weight * (1 + 1e-2), *row.weights[edge + 1 :])
            rows = list(network.rows)
            rows[number] = row._replace(weights=weights)
            broken = program(Network(rows))(points)
            kept += abs(broken - np.sin(points)).max() <= bound_of(network)
    assert kept <= most


@pytest.mark.parametrize("tol", [1e-6, 1e-12])
def test_the_bound_holds_for_the_exact_function(tol):
    points = np.random.default_rng(11).uniform(-np.pi, np.pi, 300).tolist()
    for wiring in WIRINGS:
        network = build(wiring=wiring, tol=tol)
        worst = max(abs(error) for _, error in exact_error(network, points))
        assert worst <= bound_of(network) + 1e-15


# --- weights of more than 53 bits ---------------------------------------------------------------


def test_thirty_digits(thirty):
    assert thirty.multiprecision
    assert thirty.connections == 353
    worst = max(abs(error) for _, error in exact_error(thirty, dyadic_points(200), 60))
    assert 0.7 * bound_of(thirty) <= worst <= bound_of(thirty) <= MPContext().mpf("1e-30")


def test_a_hundred_digits():
    network = build(tol="1e-100")
    worst = max(abs(error) for _, error in exact_error(network, dyadic_points(5), 130))
    assert 1e-3 * bound_of(network) <= worst <= bound_of(network)
    assert network.connections == 1197
    assert bound_of(network) <= MPContext().mpf("1e-100")


def test_multiprecision_on_another_domain():
    network = build(Target.parse("cos", ("-1000", "1000")), tol="1e-25")
    numbers = MPContext()
    numbers.dps = 60
    for x in dyadic_points(30, 1000):
        exact = numbers.cos(numbers.mpf(x.numerator) / x.denominator)
        value = evaluate_exact(network, x)
        error = abs(numbers.mpf(value.numerator) / value.denominator - exact)
        assert error <= bound_of(network)


def test_multiprecision_where_float64_would_do():
    network = build(wiring="skip", tol=1e-3, multiprecision=True)
    proof = prove(network)
    assert network.multiprecision
    assert Fraction(1, 2000) < proof.sup_error <= Fraction(1, 1000)


def test_multiprecision_layered():
    network = build(tol="2e-15", wiring="layered")
    assert network.multiprecision
    assert network.skip_connections == 0
    worst = max(abs(error) for _, error in exact_error(network, dyadic_points(100), 40))
    assert 0.5 * bound_of(network) <= worst <= bound_of(network) <= 2e-15


def test_multiprecision_json_round_trip(thirty):
    again = json_format.loads(json_format.dumps(thirty))
    assert again == thirty
    assert again.multiprecision
    assert again.biases == thirty.biases


@pytest.mark.parametrize(
    "use", [program, npz_format.dumps, onnx_format.dumps, lambda n: certify(n, 1e-3)]
)
def test_float64_tools_refuse_multiprecision_networks(thirty, use):
    with pytest.raises(RequestError, match="more bits than a float64"):
        use(thirty)
