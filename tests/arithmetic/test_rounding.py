"""What does not fit is rounded to the safe side, and never to the wrong side of a limit."""

import math
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinrelu.arithmetic.rounding import (
    MOST_DIGITS,
    as_float,
    decimal_above,
    decimal_below,
    exact_text,
    float_above,
    float_below,
)

fractions = st.one_of(
    st.fractions(),
    st.fractions(Fraction(1, 10**400), 10),
    st.floats(allow_nan=False, allow_infinity=False).map(Fraction),
    st.builds(lambda n, power: n * Fraction(10) ** power, st.integers(), st.integers(-400, 400)),
)
positive = fractions.map(abs)
digits = st.integers(2, 20)


@given(fractions)
def test_floats_enclose_a_number_tightly(number):
    below, above = float_below(number), float_above(number)
    assert below <= number <= above
    assert above in (below, math.nextafter(below, math.inf))
    assert as_float(number) == (below if below == above else None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_own_bound(x):
    assert float_below(Fraction(x)) == float_above(Fraction(x)) == as_float(Fraction(x)) == x


def test_numbers_beyond_all_floats():
    largest, huge = sys.float_info.max, Fraction(10) ** 400
    assert (float_below(huge), float_above(huge)) == (largest, math.inf)
    assert (float_below(-huge), float_above(-huge)) == (-math.inf, -largest)
    assert (float_below(1 / huge), float_above(1 / huge)) == (0, math.ulp(0))
    assert math.copysign(1, float_above(Fraction(0))) == 1


@given(fractions, digits)
def test_a_bound_is_written_as_one(number, digits):
    below, above = (Fraction(write(number, digits)) for write in (decimal_below, decimal_above))
    slack = abs(number) * Fraction(10) ** (1 - digits)
    assert number - slack <= below <= number <= above <= number + slack


@given(positive, positive, digits)
def test_no_bound_gets_to_the_other_side_of_a_limit(number, limit, digits):
    above, below = decimal_above(number, digits, limit), decimal_below(number, digits, limit)
    if number != limit:
        assert (number < limit) <= (Fraction(above) <= limit)
        assert (number > limit) <= (Fraction(below) > limit)
        assert Fraction(below) <= number <= Fraction(above)
    else:
        assert above == below == exact_text(limit)


@given(positive, st.integers(1, 10**6), st.integers(7, 40))
def test_a_bound_just_within_a_limit_is_seen_to_be(limit, part, places):
    near = limit * (1 - Fraction(part, 10**places))
    assert Fraction(decimal_above(near, 6, limit)) <= limit
    beyond = limit * (1 + Fraction(part, 10**places))
    assert not limit or Fraction(decimal_below(beyond, 4, limit)) > limit


def test_bounds_by_name():
    assert decimal_above(Fraction(1, 3), 4) == "0.3334"
    assert decimal_below(Fraction(1, 3), 4) == "0.3333"
    assert decimal_above(Fraction(1, 10**300)) == "1e-300"
    assert decimal_above(9.692983661e-05) == "9.69299e-05"
    assert decimal_above(9.692983661e-05, limit=Fraction("9.6929839e-5")) == "9.69298366101e-05"
    found = decimal_below(Fraction("1.0000000102e-4"), 4, Fraction(1, 10**4))
    assert found == "0.00010000000102"
    assert decimal_above(math.inf) == "inf"


@given(fractions)
def test_a_number_is_written_as_what_it_is(number):
    text = exact_text(number)
    x = as_float(number)
    parts = abs(number.numerator), number.denominator
    if x is not None:
        assert float(text) == x
    elif max(parts) < 10**MOST_DIGITS:
        assert Fraction(text) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(1, 10**12), "1e-12"),
        (Fraction("9.6929839e-5"), "9.6929839e-05"),
        (Fraction(1, 10**4), "0.0001"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 3 * 10**20), "1/300000000000000000000"),
        (Fraction(1e-4), "0.0001"),
        (Fraction(0.1), "0.1"),
        (Fraction(1, 10**1000), "1e-1000"),
        (Fraction("1.000000000000000000000000000001"), "1.000000000000000000000000000001"),
        (Fraction(100), "100"),
    ],
)
def test_exact_texts_by_name(number, text):
    assert exact_text(number) == text


@pytest.mark.parametrize("number", [Fraction(1, 3**200), 1 - Fraction(1, 10**5000)])
def test_only_absurd_lengths_are_cut_and_upwards(number):
    text = exact_text(number)
    assert len(text) <= MOST_DIGITS + 6
    assert number < Fraction(text) < number * (1 + Fraction(1, 10**48))
