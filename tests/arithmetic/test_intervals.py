"""Sines in fixed point and in intervals, against Arb."""

from fractions import Fraction

import flint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import libmp

from sinrelu.arithmetic import fixed_point, intervals
from sinrelu.arithmetic.fixed_point import RADIUS, sine_and_cosine
from sinrelu.arithmetic.intervals import Intervals, lower, middle, upper

rationals = st.builds(
    lambda a, b, n: Fraction(a, b) * Fraction(2) ** n,
    st.integers(-(10**9), 10**9),
    st.integers(1, 10**6),
    st.integers(-80, 120),
)
HARD = [
    Fraction(0),
    Fraction(1, 2**5000),
    Fraction(-(2**3000)),
    Fraction(3.141592653589793),
    Fraction(1.5707963267948966),
    Fraction(5319372648326541, 2**50) * 2**853,  # the float64 nearest to a multiple of π/2
    Fraction(355, 113),
]


def arb(x, bits):
    """Return sin x and cos x as balls, times 2ᵇⁱᵗˢ."""
    size = x.numerator.bit_length()
    with flint.ctx.workprec(bits + size + 200):
        angle = flint.arb(flint.fmpz(x.numerator)) / flint.arb(flint.fmpz(x.denominator))
        scale = flint.arb(2) ** bits
        return angle.sin() * scale, angle.cos() * scale


def centre(ball):
    """Return a ball's centre; its radius is far below what is tested."""
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def misses(x, bits, radius):
    """Whether a sine or cosine is off by more than a radius."""
    pairs = zip(sine_and_cosine(x, bits), arb(x, bits), strict=True)
    return any(abs(value - centre(ball)) > radius for value, ball in pairs)


@settings(max_examples=60, deadline=None)
@given(rationals, st.sampled_from([1, 53, 400]))
def test_sine_and_cosine(x, bits):
    assert not misses(x, bits, RADIUS)


@pytest.mark.parametrize("x", HARD)
@pytest.mark.parametrize("bits", [2, 100, 3000])
def test_hard_angles(x, bits):
    assert not misses(x, bits, RADIUS)


def test_half_a_unit_would_not_do():
    assert any(misses(Fraction(k, 7), 100, 0.5) for k in range(40))


def test_a_pi_of_too_few_bits_is_found(monkeypatch):
    coarse = libmp.mpf_pi(60, libmp.round_floor)
    monkeypatch.setattr(fixed_point.libmp, "mpf_pi", lambda prec, rounding: coarse)
    assert misses(Fraction(100), 100, RADIUS)


@settings(max_examples=50, deadline=None)
@given(rationals, rationals, st.sampled_from([24, 64, 300]))
def test_intervals_hold_exact_results(x, y, bits):
    numbers = Intervals(bits)
    a, b = numbers.enclosing(x), numbers.enclosing(y)
    results = [(a + b, x + y), (a - b, x - y), (a * b, x * y), (a**5, x**5), (abs(a), abs(x))]
    if y:
        results.append((a / b, x / y))
    for interval, exact in results:
        assert lower(interval) <= exact <= upper(interval)
    assert lower(numbers.hypot(a, b)) ** 2 <= x**2 + y**2 <= upper(numbers.hypot(a, b)) ** 2


@settings(max_examples=30, deadline=None)
@given(rationals.filter(lambda x: abs(x) < 1000), st.sampled_from([30, 200]))
def test_functions_of_intervals(x, bits):
    numbers = Intervals(bits)
    wide = numbers.enclosing(x) + numbers.mpf([-1, 1]) / 2**20
    for angle in (numbers.enclosing(x), wide):
        values = [centre(ball) / 2**400 for ball in arb(x, 400)]
        for interval, exact in zip((numbers.sin(angle), numbers.cos(angle)), values, strict=True):
            assert lower(interval) <= exact <= upper(interval)
            assert upper(interval) - lower(interval) < Fraction(1, 2**17) + Fraction(
                1, 2 ** (bits - 12)
            )


def test_the_functions_are_not_those_of_mpmath(monkeypatch):
    monkeypatch.setattr(intervals, "sine_and_cosine", lambda x, bits: (3 << bits, 5 << bits))
    numbers = Intervals(53)
    for name, value in (("sin", 3), ("cos", 5)):
        interval = getattr(numbers, name)(numbers.mpf(1))
        assert lower(interval) <= value <= upper(interval)


def test_an_unbounded_interval_has_no_upper_end():
    numbers = Intervals(53)
    with pytest.raises(OverflowError):
        upper(1 / numbers.mpf([0, 1]))


def rounded(exact, bits):
    """Round to so many bits, to nearest with ties to even, in rational arithmetic."""
    power = exact.numerator.bit_length() - exact.denominator.bit_length()
    power -= abs(exact) < Fraction(2) ** power
    unit = Fraction(2) ** (power + 1 - bits)
    return round(exact / unit) * unit


@given(rationals, rationals, st.sampled_from([1, 2, 24, 300]))
def test_the_middle_is_rounded_once(x, y, bits):
    numbers = Intervals(64)
    low, high = sorted((numbers.enclosing(x), numbers.enclosing(y)), key=lower)
    hull = numbers.mpf([low.a, high.b])
    exact = (lower(hull) + upper(hull)) / 2
    assert middle(hull, bits) == rounded(exact, bits)
    assert middle(hull, 53) == float(exact)


def test_what_is_no_number_is_left_to_its_own_operators():
    with pytest.raises(TypeError):
        Intervals(53).mpf(1) * object()
