"""Every construction keeps its a-priori bound, in float64 and in exact arithmetic."""

import random
from functools import cache

import numpy as np
import pytest
from graphs import with_number

from sinrelu import build, program
from sinrelu.evaluate.exact import exact_error

CONSTRUCTIONS = ("chebyshev", "double-angle", "taylor")
TOLS = (0.5, 1e-2, 1e-3, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-13)
ROUNDING = 1e-14
"""What rounding the weights, or computing in float64, may add to the bound."""

constructions = pytest.mark.parametrize("construction", CONSTRUCTIONS)
tols = pytest.mark.parametrize("tol", TOLS)

network = cache(build)


@cache
def points():
    """A dense grid, random points, and the neighbourhoods of the places where folds meet."""
    special = np.pi * np.arange(-8, 9) / 8
    near = special[:, None] + np.outer(np.sign(special), np.geomspace(1e-15, 1e-2, 60)) * -1
    random_points = np.random.default_rng(2018).uniform(-np.pi, np.pi, 20000)
    grid = np.linspace(-np.pi, np.pi, 20001)
    tiny = np.concatenate([np.geomspace(1e-300, 1, 300), -np.geomspace(1e-300, 1, 300)])
    return np.concatenate([grid, random_points, near.ravel(), special, tiny])


@constructions
@tols
def test_bound_holds_in_float64_and_is_not_slack(construction, tol):
    built = network(construction, "skip", tol)
    bound = float(built.meta["error_bound"])
    error = abs(program(built)(points()) - np.sin(points())).max()
    assert bound <= tol
    assert error <= bound + ROUNDING
    assert error <= tol
    assert error >= bound / 30


@constructions
@pytest.mark.parametrize("tol", [1e-2, 1e-7, 1e-12, 1e-13])
def test_bound_holds_in_exact_arithmetic(construction, tol):
    built = network(construction, "skip", tol)
    draw = random.Random(2018)
    sample = [draw.uniform(-np.pi, np.pi) for _ in range(40)] + [np.pi, -np.pi, np.pi / 2, 0.0]
    worst = max(abs(error) for _, error in exact_error(built, sample))
    assert worst <= float(built.meta["error_bound"]) + ROUNDING


@constructions
def test_the_layered_network_keeps_the_bound_too(construction):
    built = network(construction, "layered", 1e-12)
    error = abs(program(built)(points()) - np.sin(points())).max()
    assert error <= min(float(built.meta["error_bound"]) + ROUNDING, 1e-12)


@constructions
def test_wirings_are_the_same_function(construction):
    layered, skip = (network(construction, wiring, 1e-6) for wiring in ("layered", "skip"))
    assert layered.wiring == "layered"
    assert layered.skip_connections == 0
    sample = [k / 8 for k in range(-25, 26)]
    assert list(exact_error(layered, sample)) == list(exact_error(skip, sample))


@constructions
def test_tighter_tolerances_cost_more(construction):
    counts = [network(construction, "skip", tol).connections for tol in TOLS]
    assert counts == sorted(counts)


@constructions
def test_a_changed_weight_breaks_the_bound(construction):
    built = network(construction, "skip", 1e-6)
    broken = with_number(built, 0, 0, lambda weight: weight * 1.01)
    error = abs(program(broken)(points()) - np.sin(points())).max()
    assert error > float(built.meta["error_bound"])
