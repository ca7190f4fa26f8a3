"""Error-free transformations and affine forms, against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.arithmetic.double_double import (
    LARGEST,
    UNDERFLOW,
    DoubleDouble,
    U,
    add_product,
    finish,
    is_power_of_two,
    product_error,
    split,
    start,
    two_sum,
    unit_error,
)
from sinrelu.kernels import BACKENDS, NUMPY, on

laws = settings(max_examples=150, deadline=None)
backends = pytest.mark.parametrize("backend", BACKENDS)
in_range = st.floats(-LARGEST, LARGEST)
moderate = st.floats(-1e6, 1e6) | st.builds(
    lambda sign, m, e: sign * m * 2.0**e,
    st.sampled_from([1, -1]),
    st.integers(2**52, 2**53 - 1),
    st.integers(-90, -10),
)


def one(number):
    return np.array([number])


def exact(value):
    return Fraction(float(value.hi[0])) + Fraction(float(value.lo[0]))


def normalised(hi, part):
    """The double-double hi + part·u·hi, or nearly, normalised."""
    return DoubleDouble(*two_sum(one(hi), one(hi * part * U)))


doubledoubles = st.builds(normalised, moderate, st.floats(-1, 1))


@laws
@given(a=in_range, b=in_range)
def test_two_sum_is_exact(a, b):
    total, rest = two_sum(one(a), one(b))
    assert total[0] == a + b
    assert Fraction(a) + Fraction(b) == Fraction(total[0]) + Fraction(rest[0])


@laws
@given(a=in_range)
def test_split_is_exact_with_halves_of_26_bits(a):
    upper, lower = split(one(a))
    assert Fraction(a) == Fraction(upper[0]) + Fraction(lower[0])
    for half in (upper[0], lower[0]):
        odd = abs(half.as_integer_ratio()[0])
        assert (odd >> ((odd & -odd).bit_length() - 1 if odd else 0)).bit_length() <= 26


@laws
@given(a=in_range, weight=in_range)
def test_product_error_is_exact_above_underflow(a, weight):
    product = one(a) * weight
    error = product_error(product, one(a), *split(weight))[0]
    miss = abs(Fraction(a) * Fraction(weight) - Fraction(product[0]) - Fraction(error))
    if abs(product[0]) >= 2.0**-968:
        assert miss == 0
    else:
        assert miss <= Fraction(2) ** -1040


def affine_on(backend, terms, bias):
    """A form, step by step."""
    high, low = np.zeros((2, 1))
    on(backend, start)(high, low, bias, 1)
    for weight, value in terms:
        add = on(backend, add_product)
        add(high, low, weight, is_power_of_two(weight), value.hi, value.lo, 1)
    on(backend, finish)(high, low, 1)
    return DoubleDouble(high, low)


def excess(terms, bias, backend=NUMPY):
    """How far that is from the exact form, beyond what is documented; at most 0."""
    computed = affine_on(backend, terms, bias)
    assert computed.hi[0] + computed.lo[0] == computed.hi[0]
    truth = Fraction(bias) + sum(Fraction(weight) * exact(value) for weight, value in terms)
    magnitude = abs(Fraction(bias)) + sum(
        abs(Fraction(weight) * Fraction(float(value.hi[0]))) for weight, value in terms
    )
    allowed = Fraction(unit_error(len(terms))) * magnitude + Fraction(UNDERFLOW)
    return abs(exact(computed) - truth) - allowed


@backends
@laws
@given(terms=st.lists(st.tuples(moderate, doubledoubles), max_size=9), bias=moderate)
def test_affine_keeps_its_bound(backend, terms, bias):
    assert excess(terms, bias, backend) <= 0


@backends
@laws
@given(
    terms=st.lists(st.tuples(moderate, doubledoubles), min_size=1, max_size=5),
    nudge=st.floats(-4, 4),
)
def test_affine_keeps_its_bound_under_cancellation(backend, terms, nudge):
    """Every term is taken away again by another whose weight differs in the last places."""
    taken = [(-weight * (1 + nudge * U), value) for weight, value in terms]
    assert excess(terms + taken, 0.0, backend) <= 0
    assert (
        excess([pair for both in zip(terms, taken, strict=True) for pair in both], 1.0, backend)
        <= 0
    )


@backends
@laws
@given(pairs=st.lists(st.tuples(in_range, in_range, st.floats(-1, 1)), max_size=5), bias=in_range)
def test_affine_keeps_its_bound_in_the_whole_range(backend, pairs, bias):
    assert (
        excess([(weight, normalised(hi, part)) for weight, hi, part in pairs], bias, backend) <= 0
    )


@backends
@laws
@given(
    a=st.floats(1, 2).map(lambda m: m * 2.0**-500),
    weight=st.floats(1, 2),
    power=st.integers(400, 574),
)
def test_underflow_costs_less_than_stated(backend, a, weight, power):
    assert excess([(weight * 2.0**-power, normalised(a, 0.7))], 0.0, backend) <= 0


def test_the_bound_is_not_slack_beyond_use():
    """Some double-double work errs by more than u²/4: a bound below that would be wrong."""
    rng = np.random.default_rng(2018)
    worst = 0.0
    for _ in range(300):
        terms = [
            (rng.uniform(1, 2), normalised(rng.uniform(1, 2), rng.uniform(-1, 1))) for _ in range(6)
        ]
        computed = affine_on(NUMPY, terms, 0.1)
        truth = Fraction(0.1) + sum(Fraction(w) * exact(v) for w, v in terms)
        magnitude = 0.1 + sum(w * float(v.hi[0]) for w, v in terms)
        worst = max(worst, abs(float(exact(computed) - truth)) / magnitude)
    assert U * U / 4 < worst <= unit_error(6)


def test_float64_alone_would_break_the_bound():
    third = normalised(1 / 3, 0.9)
    plain = Fraction(0.1) * Fraction(float(third.hi[0]))
    assert abs(plain - Fraction(0.1) * exact(third)) > Fraction(unit_error(1)) * plain


@backends
@pytest.mark.parametrize("weight", [1.0, -1.0, 0.5, -(2.0**-1074), 2.0**500])
def test_powers_of_two_need_no_product_error(backend, weight):
    assert excess([(weight, normalised(1.1, 0.3))], 0.0, backend) <= 0


def test_no_terms_give_the_bias():
    value = affine_on(NUMPY, [], 0.1)
    assert (value.hi == 0.1).all()
    assert (value.lo == 0).all()


def test_beyond_the_range_products_are_wrong():
    """The documented range is needed: Dekker's split overflows near the largest float64."""
    assert not np.isfinite(split(1.5e308)[0])
