"""Variants are exact: equal as functions, or different by a spike alone."""

import math
from fractions import Fraction

import numpy as np
import pytest
from graphs import naive_exact, networks
from hypothesis import given
from hypothesis import strategies as st

from sinrelu import build, layered
from sinrelu.benchmark.variants import HEIGHT, difference, half_gap, resummed, spiked
from sinrelu.certify.floats import BINARY32, BINARY64

POINTS = st.integers(-64, 64).map(lambda k: k / 16)


@given(networks(), POINTS)
def test_a_resummed_network_is_equal(network, x):
    assert naive_exact(resummed(network), x) == naive_exact(network, x)


@given(networks(), networks(), POINTS)
def test_differences_are_those_of_the_values(first, second, x):
    both = naive_exact(first, x) - naive_exact(second, x)
    assert naive_exact(difference(first, second), x) == both


@given(networks(), POINTS.filter(bool), st.integers(-60, 2))
def test_a_spike_is_added_and_nothing_else(network, at, power):
    half = 2.0**power
    result = spiked(network, at, half)
    for part in (-2, -1, Fraction(-1, 2), 0, Fraction(1, 4), 1, 3):
        x = Fraction(at) + part * Fraction(half)
        spike = Fraction(HEIGHT) * max(0, 1 - abs(part))
        assert naive_exact(result, x) == naive_exact(network, x) + spike


@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_variants_are_wired_as_the_network_is(wiring):
    network = build(tol="1e-3", wiring=wiring)
    for variant in (spiked(network, 0.7, 2.0**-9), resummed(network)):
        assert variant.wiring == difference(network, variant).wiring == wiring


def test_deeper_variants_make_differences_that_can_be_layered():
    network = build(tol="1e-3")
    mixed = difference(network, spiked(build(tol="1e-2"), 0.7, 2.0**-9))
    assert layered(mixed).wiring == "layered"
    assert naive_exact(layered(mixed), 0.5) == naive_exact(mixed, 0.5)


@given(st.floats(1e-300, 1e300).filter(lambda x: math.frexp(x)[0] != 0.5), st.sampled_from([1, -1]))
def test_half_a_gap_leaves_room_for_one_float(x, sign):
    gap = Fraction(math.nextafter(x, math.inf)) - Fraction(x)
    assert Fraction(half_gap(sign * x)) == gap / 2


@given(st.one_of(st.floats(1e-30, 1e30), st.integers(-99, 99).map(lambda k: 2.0**k)))
def test_no_number_of_the_format_is_nearer_than_half_a_gap(x):
    for format, number in ((BINARY64, np.float64), (BINARY32, np.float32)):
        at = number(x)
        for other in (np.nextafter(at, number(side)) for side in (-math.inf, math.inf)):
            assert abs(Fraction(float(other)) - Fraction(float(at))) >= half_gap(float(at), format)
