"""The enclosure of sin and cos, against Arb (python-flint) and by recomputing its proof."""

import math
from fractions import Fraction
from itertools import pairwise

import flint
import numpy as np
import pytest
from mpmath.libmp import pi_fixed

from sinrelu.arithmetic import QUARTER_TURNS, quarter_turns
from sinrelu.arithmetic.double_double import U
from sinrelu.arithmetic.sine import COEFFICIENTS, LIMIT, PI_1, PI_2, PI_3, RADIUS, sine
from sinrelu.errors import RequestError

both = pytest.mark.parametrize("function", ["sin", "cos"])
QUARTER_TURN = Fraction(pi_fixed(300), 2**301)
"""π/2 to within 2⁻³⁰⁰."""


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(160):
        yield


def worst_error(hi, lo, function="sin"):
    """Largest distance, in units of u, of ``sine`` from what Arb encloses."""
    computed = sine(hi, lo, QUARTER_TURNS[function] / 2)
    worst = 0.0
    for a, b, value in zip(hi.tolist(), lo.tolist(), computed.tolist(), strict=True):
        error = abs(flint.arb(value) - getattr(flint.arb(a) + flint.arb(b), function)())
        worst = max(worst, float(error.upper()))
    return worst / U


def with_low_parts(rng, hi):
    """Normalised double-doubles; the low parts reach half of a unit in the last place."""
    low = np.spacing(hi) * rng.uniform(-0.5, 0.5, hi.shape)
    low[::5] = 0
    return hi, np.where(hi + low == hi, low, 0)


def floats_around(centre, count):
    points = [float(centre)]
    for _ in range(count):
        points = [math.nextafter(points[0], -math.inf), *points, math.nextafter(points[-1], 9e9)]
    return points


def test_other_functions_are_refused():
    with pytest.raises(RequestError, match="'tan' is unknown; choose from sin, cos"):
        quarter_turns("tan")


@both
def test_in_the_domain_and_beyond(function):
    rng = np.random.default_rng(2018)
    hi = np.concatenate(
        [
            rng.uniform(-4, 4, 30_000),
            rng.uniform(-LIMIT, LIMIT, 30_000),
            np.geomspace(1e-300, 4, 4_000),
            -np.geomspace(1e-300, LIMIT, 4_000),
        ]
    )
    worst = worst_error(*with_low_parts(rng, hi), function)
    assert 0.9 < worst <= 5.2  # the docstring's sum; RADIUS is 6


@both
def test_beside_multiples_of_a_quarter_turn(function):
    """Where the reduction cancels most, and where it goes over to the next multiple of π."""
    rng = np.random.default_rng(1706)
    near = [x for k in range(-2, 3) for x in floats_around(k * QUARTER_TURN, 400)]
    near += [x for k in range(-5, 6) for x in floats_around(k * QUARTER_TURN / 2, 40)]
    multiples = rng.integers(1, int(LIMIT / math.pi * 2), 700).tolist()
    far = [x for k in multiples for x in floats_around(k * QUARTER_TURN, 5)]
    edge = [LIMIT, -LIMIT, math.nextafter(LIMIT, 0), 0.0, -0.0, 5e-324, -5e-324]
    edge += [2.0**-1022, -(2.0**-1022), 2.0**-30, 2.0**-53, -(2.0**-54), 0.5, -0.5, 1.0, -1.0]
    hi = np.array(near + far + [-x for x in far] + edge)
    hi = hi[np.abs(hi) <= LIMIT]
    assert worst_error(*with_low_parts(rng, hi), function) <= 5.2


def zeros(function):
    """Return double-doubles at zeros of a function, near 0 and near the limit, and their signs."""
    quarters = [*range(-399, 400), *range(667_400, 667_545), -667_543, -667_544]
    quarters = [q for q in quarters if q % 2 == (function == "cos")]
    hi = np.array([float(q * QUARTER_TURN) for q in quarters])
    rest = [q * QUARTER_TURN - Fraction(float(q * QUARTER_TURN)) for q in quarters]
    return hi, np.array([float(r) for r in rest])


@both
def test_where_low_parts_complete_a_zero(function):
    """f(hi + lo) is far below u here: only a double-double reduction gives it."""
    hi, lo = zeros(function)
    assert np.abs(hi).max() > LIMIT - 4
    assert np.abs(sine(hi, lo, QUARTER_TURNS[function] / 2)).max() < 2.0**-80
    assert worst_error(hi, lo, function) <= 2.0**-20


@both
def test_extrema_are_at_the_zeros_of_the_other(function):
    """Odd multiples of π/2 for sin, even ones for cos; half of them are minima."""
    other = "cos" if function == "sin" else "sin"
    hi, lo = zeros(other)
    exact = [getattr(flint.arb(a) + flint.arb(b), function)() for a, b in zip(hi, lo, strict=True)]
    found = sine(hi, lo, QUARTER_TURNS[function] / 2)
    assert np.all(np.abs(np.abs(found) - 1) <= 2 * U)
    assert [value > 0 for value in found] == [value > 0 for value in exact]
    assert 0.4 < np.mean(found > 0) < 0.6


def test_products_with_parts_of_pi_are_exact():
    """Point 1, for all n that occur: halves of integers up to 2²⁰."""
    n = np.arange(2**20) / 2
    for part, scale in ((PI_1, 2**24), (PI_2, 2**49)):
        half, rest = divmod(part * scale, 2)
        assert (half.is_integer(), rest) == (True, 0)
        assert np.array_equal((n * part * scale).astype(np.int64), np.arange(2**20) * int(half))


def test_parts_of_pi():
    assert (PI_1 * 2**23).is_integer()
    assert (PI_2 * 2**48).is_integer()
    rest = flint.arb.pi() - flint.arb(PI_1) - flint.arb(PI_2) - flint.arb(PI_3)
    assert abs(rest).upper() < 2.0**-107


def test_derivation_of_the_radius():
    """Points 2 to 6 of the proof in rational arithmetic, in units of u."""
    largest, slack = Fraction("1.5708"), 1 + Fraction(1, 2**40)
    assert largest > QUARTER_TURN * (1 + Fraction(1, 10**6))
    square = largest**2
    magnitudes = [abs(Fraction(c)) for c in COEFFICIENTS]
    for k, (c, magnitude) in enumerate(zip(COEFFICIENTS, magnitudes, strict=True), start=1):
        term = Fraction((-1) ** k, math.factorial(2 * k + 1))
        assert abs(Fraction(c) - term) <= U * magnitude
    assert all(square * after < before for before, after in pairwise(magnitudes))

    error = magnitudes[-1]
    for magnitude, after in zip(magnitudes[-2::-1], magnitudes[:0:-1], strict=True):
        error = (square * error + 2 * square * after + 2 * magnitude) * slack
    assert error <= Fraction("0.43")
    series = (square * error + 2 * square * magnitudes[0]) * slack
    assert series <= Fraction("1.87")

    effect = max(y * math.cos(y) for y in np.linspace(0, 1.5708, 10_001))
    truncation = largest**23 / math.factorial(23) / Fraction(U)
    product = largest * series + Fraction("0.571") * slack
    assert Fraction("0.571") > largest - 1
    assert effect < 0.57
    assert truncation < Fraction("0.012")
    total = Fraction("0.57") + truncation + product + 1
    assert total < Fraction("5.2") < Fraction(RADIUS / U)


@both
def test_nan_stays_nan(function):
    assert np.isnan(sine(np.array([np.nan]), np.array([0.0]), QUARTER_TURNS[function] / 2))
