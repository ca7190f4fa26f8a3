"""What a network is meant to equal: ends of domains, exactly, and floats that enclose them."""

import contextlib
import math
import sys
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext

from sinrelu.certify import DOMAIN
from sinrelu.errors import RequestError
from sinrelu.target import LEAST_TOL, PI, End, Target, tolerance


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("-100", End(Fraction(-100))),
        ("0.1", End(Fraction(1, 10))),
        ("1e6", End(Fraction(10**6))),
        ("-1000pi", End(Fraction(-1000), True)),
        ("π", PI),
        ("3*pi/4", End(Fraction(3, 4), True)),
        ("-PI/2", End(Fraction(-1, 2), True)),
        ("1.5pi", End(Fraction(3, 2), True)),
        ("1/3", End(Fraction(1, 3))),
        ("-0x1p-5", End(Fraction(-1, 32))),
        ("1.000000000000000000000000000001", End(1 + Fraction(1, 10**30))),
    ],
)
def test_ends_are_read_exactly(text, end):
    assert End.parse(text) == end


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pie",
        "nan",
        "inf",
        "1/0",
        "1/3/2",
        "0x",
        "pi/0",
        "1e99999999999",
        "1e-70",
        "1" * 100,
        "1e-9999/3",
        "1e-40/3e40",
        "1" * 40 + "pi/" + "7" * 60 + "1",
        "." + "7" * 61,
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(RequestError):
        End.parse(text)


@pytest.mark.parametrize(
    "ends", [("1", "0"), ("0", "0"), ("0pi", "0"), ("0", "1e7"), ("-1e7", "0")]
)
def test_other_domains_are_refused(ends):
    with pytest.raises(RequestError, match="not an interval"):
        Target.parse("sin", ends)


def test_an_unknown_function_is_refused():
    with pytest.raises(RequestError, match="'tan' is unknown; choose from sin, cos"):
        Target("tan")


def test_the_default_is_the_domain_of_the_proof():
    assert Target().cover == Target.parse("sin", None).cover == DOMAIN


@settings(deadline=None)
@given(st.fractions(-300, 300, max_denominator=10**6), st.booleans())
def test_the_cover_is_the_tightest(ratio, of_pi):
    end = End(ratio, of_pi)
    numbers = MPContext()
    numbers.prec = 500
    low, exact, high = end.outward(-1), end.value(numbers), end.outward(1)
    assert numbers.mpf(low) <= exact + abs(exact) * numbers.mpf(2) ** -490
    assert numbers.mpf(high) >= exact - abs(exact) * numbers.mpf(2) ** -490
    assert high <= math.nextafter(low, math.inf)
    assert low <= end.nearest() <= high


@pytest.mark.parametrize(
    ("x", "plain"),
    [
        (math.pi, "pi"),
        (-3141.5926535897934, "-1000pi"),
        (0.75 * math.pi, "3pi/4"),
        (math.pi / 3, "pi/3"),
        (math.nextafter(math.pi, 4), "pi"),
        (math.nextafter(math.pi, 0), "0x1.921fb54442d17p+1"),
        (100.0, "100"),
        (-0.5, "-0.5"),
        (-0.1, "-0x1.999999999999ap-4"),
        (1e300, "0x1.7e43c8800759cp+996"),
        (2.0**-20, "9.5367431640625e-07"),
        (0.0, "0"),
    ],
)
def test_floats_are_taken_for_multiples_of_pi_if_next_to_them(x, plain):
    end = End.of(x)
    assert x in (end.outward(-1), end.outward(1))
    assert (end.plain, End.parse(plain)) == (plain, end)


@settings(deadline=None)
@given(st.floats(-(10**6), 10**6))
def test_any_float_is_some_end(x):
    assert x in (End.of(x).outward(-1), End.of(x).outward(1))


digits = st.integers(-(10**59), 10**59)
texts = partial(st.from_regex, fullmatch=True)


@settings(deadline=None)
@given(
    st.one_of(
        st.builds(End, st.builds(Fraction, digits, digits.filter(bool)), st.booleans()),
        st.floats(allow_nan=False, allow_infinity=False).map(End.of),
        texts(r"-?[0-9]{1,25}(\.[0-9]{1,25})?(e-?[0-9])?").map(End.parse),
        texts(r"-?[0-9]{1,9}(\.[0-9]{1,9})?pi(/[1-9]{1,9})?").map(End.parse),
    )
)
def test_an_end_is_read_back_as_what_it_is(end):
    assert End.parse(end.plain) == end
    assert str(end).replace("−", "") == str(End(abs(end.ratio), end.of_pi))


@pytest.mark.parametrize("number", [1 + Fraction(1, 10**30), Fraction(1, 3), Fraction(0.1)])
def test_ends_that_differ_a_little_are_written_differently(number):
    assert End(number).plain != End(number + Fraction(1, 10**40)).plain
    assert str(End(number)) != str(End(number + Fraction(1, 10**40)))


def test_a_file_is_judged_as_what_it_says_it_is():
    """The float64 next to 0.3 is below it: as 0.3 the domain would reach one float64 further."""
    said = Target.claimed({"domain": [0.0, 0.3]})
    assert Target.parse("sin", tuple(said.options.split()[-2:])) == said


@pytest.mark.parametrize("x", [math.nan, math.inf])
def test_what_is_no_number_is_no_end(x):
    with pytest.raises(RequestError, match="not a finite number"):
        End.of(x)


@pytest.mark.parametrize("ends", [None, ("-1000pi", "pi/3"), ("-100", "0.1"), ("0", "1e-05")])
@pytest.mark.parametrize("function", ["sin", "cos"])
def test_what_a_file_says_is_understood(function, ends):
    target = Target.parse(function, ends)
    claimed = Target.claimed({"function": function, "domain": list(target.cover)})
    assert claimed.covers_alike(target)
    assert not claimed.covers_alike(Target.parse("cos" if function == "sin" else "sin", ends))
    assert not claimed.covers_alike(Target.parse(function, ("-7", "9")))
    words = claimed.options.split()
    again = Target.parse(words[1], tuple(words[3:]))
    assert again.low.nearest() == claimed.low.nearest()
    assert again.high.nearest() == claimed.high.nearest()


@pytest.mark.parametrize("x", [0.5, -3.0, 1e6])
def test_floats_are_their_own_cover(x):
    end = End(Fraction(x))
    assert end.outward(-1) == end.outward(1) == end.nearest() == x


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        (("-pi", "pi"), "[−π, π]"),
        (("-1000pi", "3pi/4"), "[−1000π, 3π/4]"),
        (("-100", "0.25"), "[−100, 0.25]"),
        (("0pi", "pi/2"), "[0, π/2]"),
    ],
)
def test_how_a_target_is_written(ends, text):
    assert str(Target.parse("cos", ends)) == f"cos on {text}"


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (1e-12, Fraction(1e-12)),
        (np.float64(1e-12), Fraction(1e-12)),
        (np.float32(0.1), Fraction(float(np.float32(0.1)))),
        ("1e-12", Fraction(1, 10**12)),
        (" 1E-12 ", Fraction(1, 10**12)),
        ("1e-1000", LEAST_TOL),
        (".001", Fraction(1, 1000)),
        ("1/3", Fraction(1, 3)),
        ("1e-3/3", Fraction(1, 3000)),
        ("0x1p-5", Fraction(1, 32)),
        ("0x1.8p-3000", Fraction(3, 2**3001)),
        ("0." + "9" * 5000, 1 - Fraction(1, 10**5000)),
        (Fraction(1, 7), Fraction(1, 7)),
        (Decimal("1e-100"), Fraction(1, 10**100)),
        (MPContext().mpf(2) ** -3000, Fraction(1, 2**3000)),
        (1 - 2**-53, 1 - Fraction(1, 2**53)),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str | float) else None,
)
def test_tolerances_are_taken_exactly(value, exact):
    assert tolerance(value) == exact


@pytest.mark.parametrize(
    "value",
    [
        0, 1, -1e-3, 1.5, math.nan, math.inf, np.float64("nan"), None, True, [1e-3], "", "x", "nan",
        "inf", "0", "1", "-1e-12", "1e-1001", "1e-999999999999", "1/0", "1/x", "/", "1/3/2",
        "1e-3,5", "pi", "0x", "1" * 20_000, "0." + "0" * 20_000 + "1", Decimal("NaN"),
        Decimal("1e-9999999"), Fraction(1), Fraction(1, 10**9999),
        Fraction(1, 10**1000 + 1), MPContext().mpf("nan"), MPContext().mpf("inf"),
        MPContext().mpf(2) ** -(10**30), MPContext().pi, 1e-3j, b"1e-3",
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str | float) else None,
)  # fmt: skip
def test_other_tolerances_are_refused(value):
    with pytest.raises(RequestError, match=r"^tol: .* is not a number from 1e-1000 to below 1"):
        tolerance(value)


def test_no_text_lifts_the_limit_on_the_digits_of_an_int():
    limit = sys.get_int_max_str_digits()
    for text in ("x", "1e-12", "9" * 9000, "1/" + "9" * 9000):
        for read in (tolerance, End.parse):
            with contextlib.suppress(RequestError):
                read(text)
    assert sys.get_int_max_str_digits() == limit


finite_ends = st.builds(End, st.fractions(-(10**6), 10**6, max_denominator=10**30), st.booleans())


def precisely(end):
    numbers = MPContext()
    numbers.prec = 2000
    return end.value(numbers)


@given(finite_ends, finite_ends)
def test_ends_are_compared_exactly(first, second):
    assert first.is_at_most(first)
    assert first.is_at_most(second) == (precisely(first) <= precisely(second))


@pytest.mark.parametrize("bits", [10, 130, 400, 3000])
def test_ends_next_to_each_other_are_told_apart(bits):
    """However many bits it takes: π is irrational."""
    numbers = MPContext()
    numbers.prec = bits + 60
    below = End(Fraction(int(numbers.floor(numbers.pi * 2**bits)), 2**bits))
    above = End(below.ratio + Fraction(1, 2**bits))
    assert below.is_at_most(PI)
    assert PI.is_at_most(above)
    assert not PI.is_at_most(below)
    assert not above.is_at_most(PI)


@pytest.mark.parametrize(
    "ends",
    [("-pi", "pi"), ("0", "1e-50"), ("-1e6", "1e6"), ("0.1", "0.7"), ("3.14159265358979", "pi")],
)
def test_what_is_inside_is_inside(ends):
    """Dyadic numbers right beside the ends, and the floats of the domain."""
    target = Target.parse("sin", ends)
    low, high = target.inner
    assert low < high
    assert target.contains(low)
    assert target.contains(high)
    width = high - low
    assert not target.contains(low - width / 2**70)
    assert not target.contains(high + width / 2**70)
    assert low.denominator.bit_count() == high.denominator.bit_count() == 1
    first, last = target.floats
    assert target.contains(Fraction(first))
    assert not target.contains(Fraction(math.nextafter(first, -math.inf)))
    assert target.contains(Fraction(last))
    assert not target.contains(Fraction(math.nextafter(last, math.inf)))


def test_a_domain_may_hold_no_float():
    target = Target("sin", End(1 + Fraction(1, 2**80)), End(1 + Fraction(1, 2**79)))
    first, last = target.floats
    assert last < first
    assert all(map(target.contains, target.inner))
