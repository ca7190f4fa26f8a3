"""What is sampled: every breakpoint, middles, a grid where there are too many; never missed."""

import math
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext
from surveys import surveyed

from sinrelu import Circuit, build, evaluate_exact, evaluate_float64, relu
from sinrelu.certify import DOMAIN
from sinrelu.certify.prover import PI_UP
from sinrelu.kernels import BACKENDS
from sinrelu.target import Target
from sinrelu.verification import sampling
from sinrelu.verification.sampling import (
    Observer,
    dyadic_points,
    error_curve,
    find_pieces,
    float64_error,
    take_sample,
    with_middles,
)

PI_50 = Fraction("3.14159265358979323846264338327950288419716939937510")


@pytest.fixture(scope="module")
def rough():
    return build(wiring="skip", tol=1e-5)


class Recording(Observer):
    """An observer that keeps the nodes that it is shown."""

    def __call__(self, nodes):
        self.kept.append(nodes)
        return super().__call__(nodes)

    @cached_property
    def kept(self):
        return []


@pytest.fixture(scope="module")
def recording(rough):
    return Recording(rough, Target())


@pytest.fixture(scope="module")
def rough_sample(rough, recording):
    return take_sample(rough, surveyed(rough, observer=recording))


def zigzag(*knots):
    """Return a network that is affine but for the given knots."""
    circuit = Circuit()
    return circuit.freeze(sum((relu(circuit.input - knot) for knot in knots), circuit.input))


def spiked(height, place, half_width):
    """Return a good network with a triangular bump where no grid looks."""
    circuit = Circuit()
    x = circuit.input
    slope = height / half_width
    bump = [relu(x - place + shift * half_width) for shift in (1, 0, -1)]
    flat = relu(-x) * 0 + x
    return circuit.freeze(flat + slope * bump[0] - 2 * slope * bump[1] + slope * bump[2])


def test_the_domain_encloses_pi_and_no_float_fits_between():
    assert Fraction(math.pi) < PI_50 < Fraction(PI_UP)
    assert math.nextafter(PI_UP, 0) == math.pi
    assert DOMAIN == (-PI_UP, PI_UP)


def test_every_knot_is_found_and_counted():
    found = find_pieces(zigzag(-1.5, 0.25, 2.0))
    assert found.breakpoints.tolist() == [-PI_UP, -1.5, 0.25, 2.0, PI_UP]
    assert surveyed(zigzag(-1.5, 0.25, 2.0)).pieces == 4


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True).map(sorted))
@settings(deadline=None)
def test_middles_lie_between_their_ends(ends):
    points = with_middles(np.array(ends))
    assert points[::2].tolist() == ends
    assert np.all(np.diff(points) >= 0)


def test_figures_are_those_of_the_points_they_name(rough, rough_sample):
    seen = rough_sample.float64
    assert seen.error == abs(evaluate_float64(rough, seen.x) - np.sin(seen.x))
    exact = rough_sample.exact
    error = abs(float(evaluate_exact(rough, exact.x)) - math.sin(exact.x))
    assert float(exact.lower) == float(exact.upper) == pytest.approx(error, abs=1e-15)
    assert float(exact.upper) == pytest.approx(seen.error, abs=1e-14)
    assert 0 < exact.upper - exact.lower < Fraction(1, 2**100)


def test_no_sampled_point_is_worse_than_what_is_reported(rough, rough_sample, recording):
    """At all nodes of the proof, in the middles between, and at random points."""
    parts = [with_middles(nodes) for nodes in recording.kept]
    x = np.concatenate(parts)
    inside = np.abs(x) <= math.pi  # without the ends of the cover: π is no float64
    assert len(x) - inside.sum() == 2
    assert np.max(np.abs(float64_error(rough, x[inside]))) <= rough_sample.float64.error
    assert rough_sample.float64.points == inside.sum() + sampling.RANDOM_POINTS
    assert 500 < rough_sample.exact.points < 5000


def test_every_breakpoint_is_shown_to_the_observer(rough, rough_sample, recording):
    shown = np.unique(np.concatenate(recording.kept))
    found = find_pieces(rough).breakpoints
    near = shown[np.clip(np.searchsorted(shown, found), 1, len(shown) - 1)]
    before = shown[np.clip(np.searchsorted(shown, found) - 1, 0, None)]
    assert np.minimum(np.abs(near - found), np.abs(before - found)).max() < 1e-15
    assert abs(rough_sample.pieces - (len(found) - 1)) <= 2
    assert not rough_sample.on_grid


def test_the_worst_point_is_that_of_the_curve(rough, rough_sample):
    curve = error_curve(rough)
    np.testing.assert_array_equal(curve.error, float64_error(rough, curve.x))
    assert np.max(np.abs(curve.error)) == pytest.approx(rough_sample.float64.error, rel=1e-4)


def test_sampling_twice_gives_the_same(rough, rough_sample):
    for backend in BACKENDS:
        observer = Observer(rough, Target(), backend)
        again = take_sample(rough, surveyed(rough, backend=backend, observer=observer))
        assert again == rough_sample


@pytest.mark.parametrize("half_width", [1e-4, 1e-9, 1e-13])
def test_a_spike_between_grid_points_is_seen(half_width):
    place = 1.2345678901234567
    base = take_sample(zigzag(), surveyed(zigzag())).exact
    high = spiked(100.0, place, half_width)
    seen = take_sample(high, surveyed(high))
    assert base.upper < 4
    assert seen.float64.error > 50
    assert seen.exact.lower > 50
    assert abs(seen.exact.x - Fraction(place)) < half_width


def test_the_curve_is_on_a_grid(rough):
    curve = error_curve(rough)
    assert (curve.x[0], curve.x[-1]) == DOMAIN
    np.testing.assert_allclose(np.diff(curve.x), 2 * PI_UP / sampling.GRID_STEPS, rtol=1e-6)


def test_where_not_all_nodes_were_seen_a_grid_is_sampled(rough, rough_sample):
    few = surveyed(rough, expected=1e9)
    assert few.findings
    seen = take_sample(rough, few)
    assert (seen.on_grid, seen.pieces) == (True, None)
    outside = 2  # the ends of the cover
    points = sampling.GRID_STEPS + 1 - outside + sampling.RANDOM_POINTS
    assert seen.float64.points == points
    assert seen.float64.error == pytest.approx(rough_sample.float64.error, rel=1e-3)


@pytest.mark.parametrize("function", ["sin", "cos"])
def test_the_reference_is_the_function(function):
    target = Target.parse(function, ("-20", "30"))
    network = build(target, "skip", 1e-3)
    seen = take_sample(network, surveyed(network, target), target)
    curve = error_curve(network, (-20.0, 30.0), function=function)
    assert (curve.x[0], curve.x[-1], curve.function) == (-20.0, 30.0, function)
    assert np.max(np.abs(curve.error)) == pytest.approx(seen.float64.error, rel=1e-6)
    assert 5e-4 < seen.exact.lower <= 1e-3
    assert seen.float64.error == pytest.approx(float(seen.exact.upper), abs=1e-12)
    other = "cos" if function == "sin" else "sin"
    unlike = replace(target, function=other)
    unlike = take_sample(network, surveyed(network, unlike), unlike)
    assert float(unlike.exact.lower) == pytest.approx(math.sqrt(2), abs=2e-3)


@pytest.mark.parametrize("domain", [DOMAIN, (-100.0, 100.0), (0.1, 0.2), (-1e6, 1e6)])
def test_landmarks_are_zeros_and_extrema_all_over_the_domain(domain):
    found = sampling.landmarks(domain)
    assert set(domain) <= set(found)
    assert found.min() >= domain[0]
    assert found.max() <= domain[1]
    assert len(found) <= sampling.LANDMARKS + 2
    inner = found[2:]
    np.testing.assert_allclose(np.sin(2 * inner), 0, atol=1e-9)
    expected = (domain[1] - domain[0]) / (math.pi / 2)
    if expected < sampling.LANDMARKS:
        assert abs(len(inner) - expected) <= 1
    else:
        assert np.diff(inner).max() < 1.1 * (domain[1] - domain[0]) / sampling.LANDMARKS
        kinds = np.unique(np.round(inner / (math.pi / 2)).astype(int) % 4)
        assert kinds.tolist() == [0, 1, 2, 3]


def test_overflow_is_an_infinite_error_not_a_good_one():
    circuit = Circuit()
    huge = relu(relu(circuit.input * 1e300) * 1e300)
    network = circuit.freeze(huge - huge * 0.5)
    sample = take_sample(network, surveyed(network))
    assert sample.float64.error == math.inf
    assert sample.exact.lower > 2**1024


def test_progress_rises_to_the_end(rough):
    heard = []
    take_sample(rough, surveyed(rough), progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1)
    assert all(0 <= fraction <= 1 + 1e-12 for fraction in heard)


def test_dyadic_points_are_inside_and_near_the_ends():
    numbers = MPContext()
    numbers.prec = 500
    found = list(dyadic_points(Target(), 100, 50))
    assert len(found) == len(set(found)) == 50
    for x in found:
        assert x.denominator & (x.denominator - 1) == 0
        assert abs(numbers.mpf(x.numerator) / x.denominator) < numbers.pi
    assert numbers.pi - float(max(found)) < 1e-15
    assert float(numbers.pi - numbers.mpf(max(found).numerator) / max(found).denominator) < 1e-29
