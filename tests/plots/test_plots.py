"""Pictures: what they show is the error, all of it, down to single pieces."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from sinrelu import Circuit, RequestError, build, evaluate_float64, relu
from sinrelu.certify import DOMAIN
from sinrelu.plots import error_figure, rendered
from sinrelu.plots.error import (
    COLUMNS,
    ZOOM_PIECES,
    closest_panel,
    envelope,
    worst_place,
)
from sinrelu.plots.style import label_domain
from sinrelu.target import Target
from sinrelu.verification import sampling
from sinrelu.verification.sampling import Curve, error_curve


@pytest.fixture(scope="module", autouse=True)
def _coarse_grid():
    """Of a point for each pixel many times over, and not for each piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "GRID_STEPS", 2**17)
        yield


@pytest.fixture(scope="module")
def network():
    return build(wiring="skip", tol=1e-7)


@pytest.fixture(scope="module")
def curve(network):
    return error_curve(network)


@pytest.fixture(scope="module")
def figure(network, curve):
    return error_figure(network, curve, 1e-7)


@pytest.fixture(scope="module")
def again(network, curve):
    return error_figure(network, curve, 1e-7)


def test_three_panels_each_inside_the_one_before(figure):
    windows = [axes.get_xlim() for axes in figure.axes]
    assert windows[0] == DOMAIN
    for (low, high), (inner_low, inner_high) in pairwise(windows):
        assert low <= inner_low < inner_high <= high


def test_all_panels_share_the_scale_and_show_the_tolerance(figure):
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    low, high = figure.axes[0].get_ylim()
    assert low < -10 < 10 < high or low < -1 < 1 < high


def test_the_closest_panel_shows_single_pieces(network, curve):
    panel = closest_panel(network, curve, worst_place(curve))
    assert len(panel.knots) == ZOOM_PIECES + 1
    assert set(panel.knots) <= set(panel.x)
    expected = evaluate_float64(network, panel.x) - np.sin(panel.x)
    np.testing.assert_array_equal(panel.low, expected)
    assert panel.window[0] <= worst_place(curve) <= panel.window[1]


@given(st.integers(0, 2**32 - 1), st.integers(10, 50_000))
@settings(deadline=None, max_examples=25)
def test_the_envelope_holds_every_error_and_touches_the_worst(seed, count):
    numbers = np.random.default_rng(seed)
    x = np.unique(np.append(numbers.uniform(-1, 1, count), [-1, 1]))
    error = numbers.normal(size=len(x))
    panel = envelope(Curve(x, error), (-1.0, 1.0))
    assert (panel.low.min(), panel.high.max()) == (error.min(), error.max())
    column = np.searchsorted(panel.x, x, side="right") - 1
    assert np.all((panel.low[column] <= error) & (error <= panel.high[column]))
    assert len(panel.x) <= COLUMNS


@pytest.mark.parametrize("place", DOMAIN)
def test_the_worst_error_may_be_at_an_end(place):
    circuit = Circuit()
    bent = circuit.freeze(circuit.input + 5 * relu(math.copysign(1, place) * circuit.input - 3))
    drawn = error_figure(bent, error_curve(bent), 1e-3)
    assert all(DOMAIN[0] <= end <= DOMAIN[1] for axes in drawn.axes for end in axes.get_xlim())


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")]
)
def test_pictures_are_what_their_suffix_says_and_reproducible(figure, again, suffix, start):
    content = rendered(figure, suffix)
    assert content.startswith(start)
    assert content == rendered(again, suffix)


@pytest.mark.parametrize("function", ["sin", "cos"])
def test_the_function_and_domain_are_those_of_the_curve(function):
    low, high = -3.0, 20.0
    wide = build(Target.parse(function, ("-3", "20")), "skip", 1e-4)
    curve = error_curve(wide, (low, high), function=function)
    figure = error_figure(wide, curve, 1e-4)
    assert figure.axes[0].get_xlim() == (low, high)
    assert f"N(x) − {function} x" in figure.get_supylabel()
    reach = max(np.abs(axes.lines[-1].get_ydata()).max() for axes in figure.axes[1:])
    assert reach < 1.12 * 10
    panel = closest_panel(wide, curve, worst_place(curve))
    reference = {"sin": np.sin, "cos": np.cos}[function]
    expected = evaluate_float64(wide, panel.x) - reference(panel.x)
    np.testing.assert_array_equal(panel.low, expected)


@pytest.mark.parametrize(
    ("window", "labels"),
    [
        (DOMAIN, ["−π", "−¾π", "−½π", "−¼π", "0", "¼π", "½π", "¾π", "π"]),
        ((0.0, 2 * math.pi), ["0", "¼π", "½π", "¾π", "π", "1¼π", "1½π", "1¾π", "2π"]),
        ((-1000 * math.pi, 1000 * math.pi), ["−1000π", "−500π", "0", "500π", "1000π"]),
        ((-math.pi / 2, 7.5 * math.pi), ["0", "π", "2π", "3π", "4π", "5π", "6π", "7π"]),
    ],
)
def test_domains_between_multiples_of_pi_are_labelled_so(window, labels):
    axes = Figure().add_subplot()
    axes.set_xlim(*window)
    label_domain(axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == labels
    assert axes.get_xlim() == window


def test_the_tolerance_is_named_above_all_that_is_drawn(figure):
    [axes] = figure.axes[:1]
    assert axes.get_title("right") == "tolerance ±1e-07"
    assert not any("tolerance" in text.get_text() for text in axes.texts)


def test_an_error_that_is_nowhere_finite_cannot_be_drawn():
    curve = Curve(np.array(DOMAIN), np.array([np.nan, np.inf]))
    with pytest.raises(RequestError, match="not finite"):
        worst_place(curve)


def test_an_exact_line_can_be_drawn():
    circuit = Circuit()
    line = circuit.freeze(circuit.input)
    assert len(error_figure(line, error_curve(line), 1e-12).axes) == 1


def test_few_pieces_are_drawn_at_once_each_as_a_parabola():
    coarse = build(wiring="skip", tol=1e-2)
    [axes] = error_figure(coarse, error_curve(coarse)).axes
    line, marks = axes.lines[-2:]
    x, drawn = line.get_data()
    expected = evaluate_float64(coarse, x) - np.sin(x)
    unit = np.abs(expected).max() / np.abs(drawn).max()
    np.testing.assert_allclose(drawn * unit, expected, atol=1e-12)
    assert len(x) >= 20 * len(marks.get_xdata())


def test_without_a_tolerance_none_is_drawn(network, curve):
    axes = error_figure(network, curve).axes[0]
    assert axes.get_title("right") == ""
    assert not axes.patches or all(type(patch).__name__ == "StepPatch" for patch in axes.patches)


def steps_of(axes):
    return [patch for patch in axes.patches if type(patch).__name__ == "StepPatch"]


def test_many_pieces_are_two_lines_and_no_block(figure):
    steps = steps_of(figure.axes[0])
    assert len(steps) == 2
    assert not any(patch.get_fill() for patch in steps)


@pytest.mark.parametrize(("period", "filled"), [(2.0, True), (0.001, False)])
def test_what_is_between_is_filled_where_it_has_a_shape(period, filled):
    x = np.linspace(0, 10, 100_001)
    panel = envelope(Curve(x, np.sign(np.sin(2 * math.pi * x / period))), (0.0, 10.0), 200)
    assert panel.varied == filled


@pytest.mark.parametrize(("ends", "unit"), [(("-100", "100"), ""), (("0", "20pi"), "π")])
def test_all_panels_tell_x_in_one_unit(ends, unit):
    target = Target.parse("cos", ends)
    wide = build(target, "skip", 1e-3)
    first, *zooms = error_figure(wide, error_curve(wide, target.cover, function="cos"), 1e-3).axes
    assert any("π" in label.get_text() for label in first.get_xticklabels()) == bool(unit)
    assert len(zooms) == 2
    assert all(("π" in axes.get_xlabel()) == bool(unit) for axes in zooms)
    for axes in zooms:
        sign, centre = axes.get_xlabel().split(",")[0].split()[1:3]
        size = math.pi if unit else 1.0
        middle = sum(axes.get_xlim()) / 2
        written = float(centre) * size * (1 if sign == "−" else -1)
        assert written == pytest.approx(middle, abs=0.02 * np.ptp(axes.get_xlim()))


def test_a_wide_axis_has_no_power_of_ten():
    axes = Figure().add_subplot()
    axes.set_xlim(-1e6, 1e6)
    label_domain(axes)
    labels = [axes.xaxis.get_major_formatter()(x, 0) for x in (-1e6, 0.0, 250.5)]
    assert labels == ["−1\u2009000\u2009000", "0", "250.5"]
