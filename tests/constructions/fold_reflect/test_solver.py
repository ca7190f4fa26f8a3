"""Smallest and sharpest networks, and weights of more than 53 bits."""

import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from mpmath import MPContext

from sinrelu import program
from sinrelu.certify import certify
from sinrelu.constructions import build
from sinrelu.constructions.fold_reflect.solver import sharpest, smallest
from sinrelu.errors import RequestError
from sinrelu.evaluate.exact import evaluate_exact, exact_error
from sinrelu.formats import json as json_format
from sinrelu.formats import npz as npz_format
from sinrelu.formats import onnx as onnx_format
from sinrelu.target import Target


@pytest.fixture(scope="module")
def wide():
    return smallest("1e-30")


def dyadic_points(count, largest=3):
    draw = random.Random(2018)
    return [Fraction(draw.randrange(-largest << 40, largest << 40), 1 << 40) for _ in range(count)]


@pytest.mark.parametrize(("tol", "connections"), [(1e-3, 30), ("1e-12", 136), ("1e-15", 172)])
def test_smallest(tol, connections):
    solution = smallest(tol)
    assert solution.network.connections == connections
    assert solution.error_bound <= float(tol)
    assert "plans compared" in solution.searched


@pytest.mark.parametrize("wiring", ["skip", "layered"])
@pytest.mark.parametrize("tol", [1e-3, 1e-12])
def test_the_default_target_is_what_build_builds(tol, wiring):
    solution = smallest(tol, wiring=wiring)
    assert solution.network.sha256 == build(wiring=wiring, tol=tol).sha256


@pytest.mark.parametrize("wiring", ["skip", "layered"])
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
    solution = smallest(tol, target, wiring)
    network = solution.network
    assert (network.skip_connections == 0) == (wiring == "layered")
    assert (network.meta["function"], network.meta["domain"]) == (function, list(target.cover))
    x = np.random.default_rng(1).uniform(*target.cover, 20_000)
    error = abs(program(network)(x) - getattr(np, function)(x)).max()
    moved = 1e-9  # in float64, near 1e6, x moves by 1e-10
    assert error <= solution.error_bound + moved
    narrow = target.cover[1] - target.cover[0] < 2  # then the worst cells may not be met
    assert (0.1 if narrow else 0.8) * solution.error_bound <= error <= tol + moved


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
    assert smallest(1e-12, Target.parse(function, ends)).network.connections == connections


@pytest.mark.parametrize(("wiring", "slope"), [("skip", 3), ("layered", 4)])
def test_connections_grow_with_the_logarithm_of_the_range(wiring, slope):
    counts = [
        smallest(1e-6, Target.parse("sin", (f"-{2**k}", f"{2**k}")), wiring).network.connections
        for k in range(4, 20, 3)
    ]
    assert all(more - less <= 3 * slope for less, more in pairwise(counts))


def test_an_unknown_wiring_is_refused():
    with pytest.raises(RequestError, match="wiring: 'dense' is unknown"):
        smallest(1e-6, wiring="dense")


def test_sharpest_is_within_its_budget():
    for budget in (31, 100, 136, 400):
        solution = sharpest(budget)
        assert budget - 3 <= solution.network.connections <= budget
        assert solution.error_bound <= smallest(solution.error_bound * 1.01).error_bound * 1.3
    assert sharpest(400).network.wide


def test_thirty_digits(wide):
    assert wide.network.wide
    assert wide.network.connections == 353
    worst = max(abs(error) for _, error in exact_error(wide.network, dyadic_points(200), 60))
    assert 0.7 * wide.error_bound <= worst <= wide.error_bound <= MPContext().mpf("1e-30")


def test_a_hundred_digits():
    solution = smallest("1e-100")
    worst = max(abs(error) for _, error in exact_error(solution.network, dyadic_points(5), 130))
    assert 1e-3 * solution.error_bound <= worst <= solution.error_bound
    assert solution.network.connections == 1197
    assert solution.error_bound <= MPContext().mpf("1e-100")


def test_wide_network_on_another_domain():
    solution = smallest("1e-25", Target.parse("cos", ("-1000", "1000")))
    numbers = MPContext()
    numbers.dps = 60
    for x in dyadic_points(30, 1000):
        exact = numbers.cos(numbers.mpf(x.numerator) / x.denominator)
        value = evaluate_exact(solution.network, x)
        error = abs(numbers.mpf(value.numerator) / value.denominator - exact)
        assert error <= solution.error_bound


def test_wide_layered_network():
    solution = smallest("2e-15", wiring="layered")
    assert solution.network.wide
    assert solution.network.skip_connections == 0
    worst = max(abs(error) for _, error in exact_error(solution.network, dyadic_points(100), 40))
    assert 0.5 * solution.error_bound <= worst <= solution.error_bound <= 2e-15


def test_wide_json_round_trip(wide):
    again = json_format.loads(json_format.dumps(wide.network))
    assert again == wide.network
    assert again.wide
    assert again.biases == wide.network.biases


@pytest.mark.parametrize(
    "use", [program, npz_format.dumps, onnx_format.dumps, lambda n: certify(n, 1e-3)]
)
def test_float64_tools_refuse_wide_networks(wide, use):
    with pytest.raises(RequestError, match="more bits than a float64"):
        use(wide.network)


@pytest.mark.parametrize("tol", [0, 1, -1, "abc", None])
def test_bad_tolerances_are_refused(tol):
    with pytest.raises(RequestError, match="tol"):
        smallest(tol)
