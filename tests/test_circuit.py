from fractions import Fraction

import pytest
from graphs import dyadics, naive_exact
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from sinrelu.arithmetic.intervals import Intervals, lower, upper
from sinrelu.circuit import Circuit, nearest_float, relu
from sinrelu.errors import GraphError, RequestError
from sinrelu.network import Row

WIRES = 4
coefficient_lists = st.lists(dyadics, min_size=WIRES + 1, max_size=WIRES + 1)


def wires(circuit):
    """The input and three units."""
    result = [circuit.input]
    for k in range(1, WIRES):
        result.append(relu(result[-1] - k))
    return result


def form(circuit, numbers):
    total = circuit.constant(numbers[-1])
    for wire, number in zip(wires(circuit), numbers, strict=False):
        total = total + number * wire
    return total


def coefficients(affine):
    """Read the coefficients back as rationals, by wire, and the constant."""
    values = {wire: as_fraction(c) for wire, c in affine.coefficients.items() if c != 0}
    return values, as_fraction(affine.constant)


def as_fraction(number):
    sign, mantissa, exponent, _ = number._mpf_
    return (-1) ** sign * int(mantissa) * Fraction(2) ** exponent


@settings(max_examples=50, deadline=None)
@given(coefficient_lists, coefficient_lists, dyadics)
def test_the_algebra_is_that_of_vectors(first, second, factor):
    circuit = Circuit()
    base = wires(circuit)

    def vector(numbers):
        total = circuit.constant(numbers[-1])
        for wire, number in zip(base, numbers, strict=False):
            total += number * wire
        return total

    def expected(numbers):
        positions = [next(iter(wire.coefficients)) for wire in base]
        values = {p: Fraction(n) for p, n in zip(positions, numbers, strict=False) if n}
        return values, Fraction(numbers[-1])

    f, g = vector(first), vector(second)
    assert coefficients(f) == expected(first)
    assert coefficients(f + g) == expected([a + b for a, b in zip(first, second, strict=True)])
    assert coefficients(f - g) == expected([a - b for a, b in zip(first, second, strict=True)])
    assert coefficients(factor * f) == expected([factor * a for a in first])
    assert coefficients(f * factor) == coefficients(factor * f)
    assert coefficients(-f) == expected([-a for a in first])
    assert coefficients(f + factor) == coefficients(factor + f)
    assert coefficients(f - factor) == coefficients(-(factor - f))
    assert coefficients(f / 8) == expected([a / 8 for a in first])


@settings(max_examples=50, deadline=None)
@given(coefficient_lists, dyadics)
def test_a_frozen_circuit_computes_what_was_written(numbers, x):
    circuit = Circuit()
    network = circuit.freeze(form(circuit, numbers))
    values = [Fraction(x)]
    for k in range(1, WIRES):
        values.append(max(values[-1] - k, Fraction(0)))
    expected = Fraction(numbers[-1]) + sum(
        Fraction(n) * v for n, v in zip(numbers, values, strict=False)
    )
    assert naive_exact(network, x) == expected


def test_coefficients_are_rounded_once():
    circuit = Circuit()
    third = circuit.number(Fraction(1, 3))
    network = circuit.freeze(3 * (third * circuit.input) - circuit.input / 3 + Fraction(1, 10))
    assert list(network.rows) == [Row((0,), (2 / 3,), 0.1)]


def test_halfway_cases_round_to_even_once():
    numbers = Circuit(bits=2000).numbers
    half = numbers.mpf(2) ** -53
    tiny = numbers.mpf(2) ** -1500
    assert nearest_float(1 + half) == 1.0
    assert nearest_float(1 + half + tiny) == 1.0 + 2.0**-52
    assert nearest_float(1 + 3 * half) == 1.0 + 2.0**-51
    assert nearest_float(-(1 + half + tiny)) == -(1.0 + 2.0**-52)


def test_subnormal_coefficients_round_once():
    numbers = Circuit(bits=2000).numbers
    least = numbers.mpf(2) ** -1074
    assert nearest_float(least) == 5e-324
    assert nearest_float(least / 2) == 0.0
    assert nearest_float(least / 2 * (1 + numbers.mpf(2) ** -900)) == 5e-324
    assert nearest_float(least * 3 / 2) == 1e-323


@settings(max_examples=100, deadline=None)
@given(st.fractions())
def test_rounding_agrees_with_rational_arithmetic(fraction):
    assert nearest_float(Circuit(bits=400).number(fraction)) == pytest.approx(
        float(fraction), rel=2e-16, abs=0
    )
    if fraction.denominator.bit_count() == 1:
        assert nearest_float(Circuit(bits=4000).number(fraction)) == float(fraction)


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e309", "-1e400"])
def test_a_coefficient_that_does_not_fit_is_refused(number):
    circuit = Circuit()
    with pytest.raises(GraphError, match="does not fit in a float64"):
        circuit.freeze(mpf(number) * circuit.input)
    with pytest.raises(GraphError, match="does not fit in a float64"):
        circuit.freeze(circuit.input + mpf(number))


def test_edges_are_merged_and_those_that_cancel_are_left_out():
    circuit = Circuit()
    x = circuit.input
    r = relu(x + x - 3 * x)
    network = circuit.freeze(r + x + r - x)
    assert list(network.rows) == [Row((0,), (-1.0,), 0.0), Row((1,), (2.0,), 0.0)]


def test_weights_that_round_to_zero_are_left_out():
    circuit = Circuit()
    x = circuit.input
    network = circuit.freeze(x + mpf("1e-400") * relu(x))
    assert list(network.rows) == [Row((0,), (1.0,), 0.0)]


def test_units_that_the_output_does_not_need_are_left_out():
    circuit = Circuit()
    x = circuit.input
    unused = relu(x - 1)
    relu(unused + x)
    network = circuit.freeze(relu(x - 2))
    assert list(network.rows) == [Row((0,), (1.0,), -2.0), Row((1,), (1.0,), 0.0)]


def test_a_constant_needs_no_unit():
    circuit = Circuit()
    x = circuit.input
    assert relu(circuit.constant(-2)).constant == 0
    assert relu(x - x + 3).constant == 3
    network = circuit.freeze(relu(circuit.constant(2)) + relu(circuit.constant(-2)))
    assert list(network.rows) == [Row((), (), 2.0)]


def test_circuits_do_not_mix():
    one, other = Circuit(), Circuit()
    with pytest.raises(RequestError, match="two circuits"):
        one.input + other.input
    with pytest.raises(RequestError, match="another circuit"):
        one.unit(other.input)
    with pytest.raises(RequestError, match="another circuit"):
        one.freeze(other.input)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda x: x * x, "a product, quotient or power of affine forms is not affine"),
        (lambda x: x / relu(x), "not affine; see sinrelu.constructions.squarings.square.product"),
        (lambda x: 1 / x, "expected a number, found an affine form"),
        (lambda x: x**2, "expected a number, found an affine form"),
        (lambda x: x.circuit.constant(x), "expected a number, found an affine form"),
        (lambda x: x + None, "expected a number, found None"),
        (lambda x: [1] - x, r"expected a number, found \[1\]"),
        (lambda x: x - "a", "expected a number, found 'a'"),
        (lambda x: {} * x, "expected a number, found {}"),
        (lambda x: relu(3.0), r"expected an affine form, found 3\.0"),
        (lambda x: x.circuit.unit("x"), "expected an affine form, found 'x'"),
        (lambda x: x.circuit.freeze(0), "expected an affine form, found 0"),
    ],
)
def test_what_is_not_affine_is_refused_in_a_sentence(mistake, sentence):
    with pytest.raises(RequestError, match=sentence):
        mistake(Circuit().input)


def test_the_global_precision_is_left_alone():
    import mpmath

    before = mpmath.mp.prec
    Circuit(bits=1000)
    assert mpmath.mp.prec == before


@pytest.mark.parametrize("ends", [(-1, 3), (-3, 1), (1, 2), (-2, -1), (0, 1), (-1, 0)])
def test_a_constant_is_rectified_also_as_an_interval(ends):
    """It was left alone where its sign was open, and so an interval missed the value."""
    numbers = Intervals(64)
    circuit = Circuit(numbers=numbers)
    constant = relu(circuit.constant(numbers.mpf(ends))).constant
    low, high = lower(constant), upper(constant)
    assert low <= max(ends[0], 0) <= max(ends[1], 0) <= high


def test_a_constant_is_rectified_exactly():
    circuit = Circuit()
    assert relu(circuit.constant(-3)).constant == 0
    assert relu(circuit.constant(Fraction(1, 3))).constant == circuit.number(Fraction(1, 3))
