"""Numbers of all kinds that people hold, at every door of the package: taken, or refused alike."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import MPContext

from sinrelu import RequestError, build, evaluate_exact, evaluate_float64, evaluate_mpmath, program
from sinrelu.arithmetic.numbers import dyadic, of_raw
from sinrelu.certify import Partition, certify
from sinrelu.evaluate import exact_error
from sinrelu.evaluate.enclosed import enclosed_error, enclosures
from sinrelu.layers.training import train
from sinrelu.target import End, Target, tolerance
from sinrelu.verification import verify

mpf = MPContext().mpf
KINDS = {
    "float": float,
    "numpy.float64": np.float64,
    "numpy.float32": np.float32,
    "numpy.float16": np.float16,
    "numpy.longdouble": np.longdouble,
    "array": np.array,
    "array of float32": lambda x: np.array(x, dtype=np.float32),
    "array of an object": lambda x: np.array(Fraction(x), dtype=object),
    "Fraction": Fraction,
    "Decimal": lambda x: Decimal(str(x)),
    "mpf": mpf,
}
INTEGERS = {
    "int": int,
    "numpy.int8": np.int8,
    "numpy.int64": np.int64,
    "numpy.uint64": np.uint64,
    "entry of an array": lambda n: np.arange(n + 1)[n],
    "array of int32": lambda n: np.array(n, dtype=np.int32),
}
TEXT = {"text": "0.5", "numpy.str_": np.str_("0.5"), "array of text": np.array("0.5")}
NOTHING = {
    "bytes": b"0.5",
    "complex": 1j,
    "numpy.complex128": np.complex128(0.5),
    "object": object(),
    "array of None": np.array(None),
    "signalling": Decimal("sNaN"),
    **{f"Decimal {name}": Decimal(name) for name in ("NaN", "Infinity")},
    **{f"mpf {name}": mpf(name) for name in ("nan", "inf", "-inf")},
}
NOT_FINITE = {
    f"{kind.__name__} {x}": kind(x)
    for kind in (float, np.float32, np.longdouble, np.array)
    for x in (math.nan, math.inf, -math.inf)
}


def judged(**asked):
    return certify(CONSTANT, **{"tol": 0.5, "partition": Partition(parts=2, cells=9), **asked})


def seen(**asked):
    return verify(CONSTANT, **{"tol": 0.5, "sampled": True, **asked})


POINTS = {
    "evaluate_exact": lambda x: evaluate_exact(TENT, x),
    "evaluate_mpmath": lambda x: evaluate_mpmath(TENT, x),
    "exact_error": lambda x: [error for _, error in exact_error(TENT, [x])],
    "enclosures": lambda x: list(enclosures(TENT, [x], 0.5)),
    "enclosed_error": lambda x: list(enclosed_error(TENT, [x], 0.5)),
    "End": End,
    "End.of": End.of,
    "Target": lambda x: Target("sin", -1, x),
    "certify domain": lambda x: judged(domain=(-1, x)).domain,
}
FLOAT64 = {
    "evaluate_float64": lambda x: evaluate_float64(TENT, x),
    "program": program(TENT),
}
RADII = {
    "enclosures tolerance": lambda x: list(enclosures(TENT, [0], x)),
    "enclosed_error tolerance": lambda x: list(enclosed_error(TENT, [0], x)),
}
TOLERANCES = {
    "tolerance": tolerance,
    "build": lambda x: build(tol=x),
    "verify": lambda x: seen(tol=x).tol,
    "certify": lambda x: judged(tol=x).tol,
}
COUNTS = {
    "build max_connections": lambda n: build(wiring="skip", max_connections=n),
    "verify max_connections": lambda n: seen(max_connections=n).max_connections,
    "verify budget": lambda n: seen(budget=n).verdict,
    "certify budget": lambda n: judged(budget=n).remark,
    "evaluate_mpmath digits": lambda n: evaluate_mpmath(TENT, 1, n),
    "exact_error digits": lambda n: list(exact_error(TENT, [1], n)),
    "train connections": lambda n: train(n, 1).network,
    "train steps": lambda n: train(20, n).network,
    "train seed": lambda n: train(20, 1, n).network,
    "train hidden_layers": lambda n: train(2000, 1, 0, n).network,
}


def at(doors):
    return pytest.mark.parametrize("door", doors.values(), ids=doors)


def of(kinds):
    return pytest.mark.parametrize("kind", kinds.values(), ids=kinds)


def refused(door, value, match=None):
    with pytest.raises(RequestError, match=match) as caught:
        door(value)
    assert "\n" not in str(caught.value)


@at(POINTS | FLOAT64 | RADII | TOLERANCES)
@of(KINDS)
def test_a_half_of_every_kind(door, kind):
    assert door(kind(0.5)) == door(Fraction(1, 2))


@at(POINTS | FLOAT64 | RADII)
@of(INTEGERS | KINDS)
def test_a_one_of_every_kind(door, kind):
    assert door(kind(1)) == door(Fraction(1))


@at(COUNTS)
@of(INTEGERS | KINDS)
def test_a_count_of_every_kind(door, kind):
    assert door(kind(30)) == door(30)


@at(POINTS | FLOAT64)
@of(TEXT)
def test_text_is_no_point(door, kind):
    refused(door, kind, "is text, not|this ndarray is not")


@at(RADII | TOLERANCES)
def test_text_is_a_tolerance(door):
    for text in ("0.5", "1/2", "0x1p-1", np.str_("0.5")):
        assert door(text) == door(Fraction(1, 2))


@at(POINTS | FLOAT64 | RADII | TOLERANCES)
@of(NOTHING)
def test_what_is_no_number(door, kind):
    refused(door, kind)


@at(POINTS | FLOAT64 | RADII | TOLERANCES)
def test_none_is_no_number(door):
    if door is not TOLERANCES["build"]:  # where it stands for the default
        refused(door, None)


@at(POINTS | RADII | TOLERANCES)
def test_a_list_is_no_number(door):
    refused(door, [0.5])
    refused(door, np.array([0.5]))


@at(POINTS | RADII | TOLERANCES)
@of(NOT_FINITE)
def test_what_is_not_finite(door, kind):
    refused(door, kind)


@at(FLOAT64)
def test_float64_evaluation_takes_what_float64_has(door):
    assert np.isnan([door(x) for name, x in NOT_FINITE.items() if "nan" in name]).all()
    assert {door(x) for name, x in NOT_FINITE.items() if "-inf" in name} == {0.25}


@at(FLOAT64)
@pytest.mark.parametrize("dtype", [bool, np.uint8, int, np.float16, np.longdouble])
def test_arrays_of_numbers(door, dtype):
    x = np.array([[0, 1, 1]], dtype=dtype)
    assert door(x).tolist() == door(x.astype(float)).tolist()
    assert door([]).shape == (0,)


@at(FLOAT64)
@pytest.mark.parametrize("array", [["0.5"], [None], [1j], [b"1"], [10**30, "a"], [Fraction(1, 2)]])
def test_other_arrays(door, array):
    refused(door, array, "not one of real numbers")
    refused(door, np.array(array, dtype=object), "not one of real numbers")


@at(COUNTS)
def test_what_counts_nothing(door):
    for value in (-1, 1.5, math.nan, math.inf, "30", 1j, [30], Fraction(61, 2), np.float32(0.5)):
        refused(door, value, "is not a whole number from [01] on")


@pytest.mark.parametrize("x", [10**400, Fraction(10**400, 3), Decimal("1e400")])
def test_numbers_beyond_float64(x):
    assert evaluate_exact(ABSOLUTE, -(10**400)) == 10**400
    refused(FLOAT64["evaluate_float64"], x, "beyond float64")
    assert not np.isfinite(evaluate_float64(ABSOLUTE, np.longdouble("1e4000")))
    refused(POINTS["Target"], x, "not an interval")


def test_ends_are_rounded_outwards_and_tolerances_are_exact():
    third = Fraction(1, 3)
    found = judged(tol=third, domain=(third, 2 * third))
    assert found.tol == third
    assert Fraction(found.domain[0]) < third < 2 * third < Fraction(found.domain[1])
    assert judged(tol=Fraction(1, 10**400)).verdict != "proved"


def test_a_tolerance_is_kept_as_what_it_is():
    assert build(tol="1/3").meta["tol"] == build(tol=Fraction(1, 3)).meta["tol"] == "1/3"
    assert build(tol=1e-4).meta["tol"] == build(tol="1e-4").meta["tol"] == "0.0001"


@given(st.integers(), st.integers(-2000, 2000))
@example(0, -5)
@example(-(3 << 500), -400)
def test_powers_of_two_are_cancelled(mantissa, exponent):
    found, expected = dyadic(mantissa, exponent), mantissa * Fraction(2) ** exponent
    assert type(found) is Fraction
    assert found.as_integer_ratio() == expected.as_integer_ratio()
    assert hash(found) == hash(expected)
    assert of_raw(MPContext().ldexp(mantissa % 2**53, exponent)._mpf_) == (
        mantissa % 2**53 * Fraction(2) ** exponent
    )
