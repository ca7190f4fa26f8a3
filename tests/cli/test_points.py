"""Points as people write them, read exactly or as the float64 nearest to them."""

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import Circuit, RequestError, relu
from sinrelu.cli.eval import value_lines
from sinrelu.network import exact_hex
from sinrelu.target import DEFAULT, Point, Target
from sinrelu.verification.report import as_float

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
@settings(deadline=None)
def test_every_float_is_read_back(x):
    assert Point.parse(repr(x)).x == x
    assert Point.parse(x.hex()).x == x
    assert Point.parse(x.hex()).exact
    assert Point.parse(exact_hex(Fraction(x))).x == x


@pytest.mark.parametrize(
    ("text", "exact"),
    [("0.5", True), ("-2", True), ("0.1", False), ("1e-3", False), ("3.5e0", True), ("-0", True)],
)
def test_decimal_numbers_say_whether_a_float_holds_them(text, exact):
    point = Point.parse(text)
    assert (point.x, point.exact) == (Fraction(float(text)), exact)


def test_hexadecimal_numbers_may_be_finer_than_floats():
    assert Point.parse("-0x1.00000000000000000001p+1").x == -2 - Fraction(2, 16**20)
    assert Point.parse("0x3p-2000").x == Fraction(3, 2**2000)
    assert as_float(Point.parse("0x3p-2000").x) is None
    assert as_float(Point.parse("0x1p2000").x) is None


@given(st.integers(-9999, 9999), st.integers(1, 999))
@settings(deadline=None, max_examples=50)
def test_multiples_of_pi_are_correctly_rounded(over, under):
    context = mpmath.MPContext()
    context.prec = 300
    target = context.pi * over / under
    x = float(Point.parse(f"{over}*pi/{under}").x)
    neighbours = [math.nextafter(x, -math.inf), x, math.nextafter(x, math.inf)]
    assert min(neighbours, key=lambda y: abs(context.mpf(y) - target)) == x


def test_ways_to_write_pi():
    assert Point.parse("pi").x == Point.parse("π").x == Point.parse("+PI").x == Fraction(math.pi)
    assert Point.parse("-3pi/4").x == Point.parse("-0.75*pi").x
    assert not Point.parse("pi").exact


@pytest.mark.parametrize(
    "text",
    ["", "x", "nan", "inf", "-infinity", "1e400", "pi/0", "0x", "0x1p99999", "--digts", "1,5",
     "1/3", "pi*", "1e-99999999999999999999", "\x1b[31m"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text):
    with pytest.raises(RequestError):
        Point.parse(text)


def test_values_are_those_of_the_exact_network():
    circuit = Circuit()
    network = circuit.freeze(relu(circuit.input * 3 - 1))
    lines = list(value_lines(network, Point.parse("0.5"), 20, DEFAULT))
    assert lines[1].split() == ["N(x)", "0.5" + "0" * 19]
    text = "\n".join(value_lines(network, Point.parse("0.1"), 30, DEFAULT))
    assert "0.1 = 0x1.999999999999ap-4, the float64 nearest to 0.1" in text
    assert "outside [−π, π]" not in text
    assert "outside [−π, π]" in "\n".join(value_lines(network, Point.parse("4"), 30, DEFAULT))


def test_lines_are_about_the_function_and_domain_asked_for():
    circuit = Circuit()
    network = circuit.freeze(relu(circuit.input * 3 - 1))
    lines = list(value_lines(network, Point.parse("7"), 30, Target.parse("cos", ("-100", "2pi"))))
    text = "\n".join(lines)
    assert "sin" not in text
    assert lines[0].endswith("outside [−100, 2π]")
    assert lines[2].split()[:2] == ["cos", "x"]
    assert float(lines[2].split()[2]) == math.cos(7)
    assert float(lines[3].split()[-1]) == pytest.approx(20 - math.cos(7), rel=1e-5)
    inside = next(
        value_lines(network, Point.parse("-99"), 30, Target.parse("cos", ("-100", "2pi")))
    )
    assert "outside" not in inside


@pytest.mark.parametrize("digits", [1, 40, 300])
def test_digits_are_those_asked_for(digits):
    circuit = Circuit()
    network = circuit.freeze(circuit.input * 1.5)
    lines = list(value_lines(network, Point.parse("0x1.8p0"), digits, DEFAULT))
    assert lines[1].split()[1].startswith("2." if digits > 1 else "2")
    with mpmath.workdps(digits + 5):
        assert lines[2].split()[-1][: digits - 1] in mpmath.nstr(mpmath.sin(1.5), digits + 3)
