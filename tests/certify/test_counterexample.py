"""Exact refutation: enclosures of the error against naive evaluation and Arb."""

from fractions import Fraction

import flint
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, naive_exact, networks, sin_network
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rational import arb

from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify import counterexample
from sinrelu.certify.counterexample import error_bounds, worst_in_cell, worst_of
from sinrelu.constructions import build
from sinrelu.errors import RequestError
from sinrelu.evaluate.enclosed import enclosed_error
from sinrelu.network import Network, Row

laws = settings(max_examples=120, deadline=None)
any_weight = st.floats(allow_nan=False, allow_infinity=False).filter(bool)
dyadics = st.builds(
    lambda k, n: Fraction(k, 2**n), st.integers(-(2**80), 2**80), st.integers(60, 400)
)
arguments = dyadics | st.floats(-LIMIT, LIMIT).map(Fraction)
limits = st.sampled_from([Fraction(1, 10**300), Fraction(1e-12), Fraction(1, 3), Fraction(2**23)])
LIMIT_OF_ERROR = Fraction(1, 10**12)
ZERO = Network((Row((), (), 0.0),))

both = pytest.mark.parametrize("function", ["sin", "cos"])


@pytest.fixture(autouse=True)
def _precision():
    with flint.ctx.workprec(2000):
        yield


def truth(network, x, function="sin"):
    """Enclose the error by an evaluator and a sine that share no code with the package."""
    return abs(arb(naive_exact(network, x)) - getattr(arb(x), function)())


def holds(network, x, limit, function):
    """Whether both bounds hold and are as close as is promised."""
    lower, upper = error_bounds(network, x, limit, function)
    assert 0 <= lower <= upper <= lower + limit / 2**77
    error = truth(network, x, function)
    return not arb(lower) > error and not arb(upper) < error


@both
@laws
@given(network=networks(), x=arguments, limit=limits)
def test_the_error_is_between_its_bounds(function, network, x, limit):
    assert holds(network, x, limit, function)


@both
@settings(max_examples=60, deadline=None)
@given(network=networks(weights=any_weight), x=arguments)
def test_the_error_is_between_its_bounds_for_all_float64_weights(function, network, x):
    assert holds(network, x, LIMIT_OF_ERROR, function)


@both
@laws
@given(x=arguments)
@example(x=Fraction(LIMIT))
@example(x=Fraction(-LIMIT))
@example(x=Fraction(0))
@example(x=Fraction(1, 2**1074))
def test_the_function_itself(function, x):
    assert holds(ZERO, x, LIMIT_OF_ERROR, function)


@both
@pytest.mark.parametrize("turns", [*range(-9, 10), 1001, 333_771 * 2, -300_001 * 2])
@pytest.mark.parametrize("bits", [20, 52, 105, 200, 300])
def test_beside_multiples_of_a_quarter_turn(turns, bits, function):
    """Where the reduction goes over to the next multiple of π, or cancels."""
    quarter = (flint.arb.pi() / 2 * turns * flint.arb(2) ** bits).mid().floor()
    whole = int(quarter.unique_fmpz())
    for k in (whole - 1, whole, whole + 1, whole + 2):
        assert holds(ZERO, Fraction(k, 2**bits), LIMIT_OF_ERROR, function)
        assert holds(TENT, Fraction(k, 2**bits), LIMIT_OF_ERROR, function)


def test_the_record_network():
    for x in (Fraction(1, 4), Fraction(2.5), Fraction(-3), Fraction(1, 2**300)):
        assert holds(sin_network("skip"), x, LIMIT_OF_ERROR, "sin")


@both
@pytest.mark.parametrize("places", [20, 90, 300])
@pytest.mark.parametrize("side", [-1, 1])
def test_limits_next_to_the_error_are_decided(function, places, side):
    """With the first radius 2⁻⁹⁰ and 2⁻³⁰⁰ are not seen; the second decides."""
    x = Fraction(1)
    error = truth(CONSTANT, x, function).mid()
    limit = Fraction(int((error * flint.arb(2) ** 600).floor().unique_fmpz()), 2**600)
    limit *= 1 + Fraction(side, 2**places)
    lower, upper = error_bounds(CONSTANT, x, limit, function)
    assert upper <= limit if side > 0 else lower > limit


def test_an_error_that_is_the_limit_is_not_above_it():
    lower, upper = error_bounds(CONSTANT, Fraction(0), Fraction(3, 4))
    assert lower < Fraction(3, 4) < upper


def test_an_unknown_function_has_no_bounds():
    with pytest.raises(RequestError, match="'tan' is unknown"):
        error_bounds(CONSTANT, Fraction(0), Fraction(1), "tan")


def test_errors_of_known_networks():
    def error(network, x, function="sin"):
        return float(error_bounds(network, Fraction(x), LIMIT_OF_ERROR, function)[0])

    assert error(CONSTANT, 0) == pytest.approx(0.75)
    assert error(ABSOLUTE, 0) == 0  # the enclosure of sin 0 contains 0
    assert error(ABSOLUTE, -2) == pytest.approx(2.9092974268)
    assert error(CONSTANT, 0, "cos") == pytest.approx(0.25)
    assert error(ABSOLUTE, -2, "cos") == pytest.approx(2.4161468365)


def test_worst_in_cell_finds_the_vertex():
    """Between neighbouring breakpoints the largest error is inside, and it is found."""
    network, limit = build("fold-reflect", "skip", 1e-3), Fraction(1, 1000)
    left, right = Fraction(1.50), Fraction(1.53)
    x, error = worst_in_cell(network, (left, right), limit)
    assert left <= x <= right
    assert error == error_bounds(network, x, limit)[0]
    points = [left + (right - left) * k / 64 for k in range(65)]
    sampled = max(error_bounds(network, point, limit)[0] for point in points)
    assert error >= sampled * Fraction(95, 100)


@pytest.mark.parametrize("shift", [0, 4])
def test_the_vertex_is_found_in_a_cell_of_any_place(shift):
    """Also beyond 4, where enclosures have other bits than before it."""
    steep = Network((Row((0,), (0.25,), 0.5),))
    left, right = Fraction(1) + shift, Fraction(5, 2) + shift
    x, error = worst_in_cell(steep, (left, right), Fraction(1, 1000))
    points = [left + (right - left) * k / 64 for k in range(65)]
    largest = max(error_bounds(steep, point, Fraction(1, 1000))[0] for point in points)
    assert left <= x <= right
    assert error >= largest * Fraction(99, 100)


def test_worst_in_cell_is_that_of_the_function():
    left, right = Fraction(-1), Fraction(2)
    for function in ("sin", "cos"):
        x, error = worst_in_cell(CONSTANT, (left, right), LIMIT_OF_ERROR, function)
        assert error == error_bounds(CONSTANT, x, LIMIT_OF_ERROR, function)[0]
    assert worst_in_cell(CONSTANT, (left, right), LIMIT_OF_ERROR, "sin")[0] == left
    assert worst_in_cell(CONSTANT, (left, right), LIMIT_OF_ERROR, "cos")[0] == right


def test_a_float64_is_preferred_as_witness():
    tiny = Fraction(1, 2**90)
    cell = Fraction(-2) + tiny, Fraction(-1) + tiny
    x, error = worst_in_cell(ABSOLUTE, cell, LIMIT_OF_ERROR, inner=(cell[0] - 1, cell[1]))
    assert x == Fraction(float(x)) == -2
    assert error == error_bounds(ABSOLUTE, x, LIMIT_OF_ERROR)[0]
    assert cell[0] <= worst_in_cell(ABSOLUTE, cell, LIMIT_OF_ERROR)[0] < cell[1]


def test_the_first_radius_does_not_always_decide(monkeypatch):
    """What the second radius is for: without it, the limits above are undecided."""
    monkeypatch.setattr(counterexample, "PLACES", counterexample.PLACES[:1])
    with pytest.raises(AssertionError):
        test_limits_next_to_the_error_are_decided("sin", 90, 1)


@pytest.mark.parametrize("bits", [70, 200, 600])
def test_what_is_open_does_not_refute(bits):
    """The error is a little below the limit: so little that one radius, or two, do not tell."""
    network, x = build("fold-reflect", "skip", 1e-3), Fraction(3, 2)
    [(_, lower, upper)] = enclosed_error(network, [x], Fraction(1, 2**2000))
    limit = upper + Fraction(1, 2**bits)
    found, error = worst_of(network, [x], limit, "sin")
    assert found == x
    assert error <= lower
    assert worst_of(network, [x], lower * (1 - Fraction(1, 2**300)), "sin")[1] <= upper
