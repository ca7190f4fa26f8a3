"""The error: the whole domain with the tolerance, and zooms down to single pieces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from sinrelu.arithmetic import FloatArray
from sinrelu.certify.pieces import breakpoints
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots.style import (
    BAND,
    BLUE,
    FONT_SIZE,
    ORANGE,
    PALE_BLUE,
    grouped,
    headline,
    label_domain,
    page,
    power,
)
from sinrelu.verification.sampling import Curve, Domain, float64_error

HEIGHT = 4.4
COLUMNS = 1400
ZOOM_PIECES = 12
ZOOM_POINTS = 4001


@dataclass(frozen=True)
class Panel:
    """What one set of axes shows.

    Attributes
    ----------
    window : (float, float)
        Its part of the domain.
    x, low, high : (n,) float64
        The envelope of the error; ``low`` and ``high`` agree where the error itself is drawn.
    knots : (k,) float64
        Breakpoints to mark.
    """

    window: Domain
    x: FloatArray
    low: FloatArray
    high: FloatArray
    knots: FloatArray

    @property
    def width(self) -> float:
        """Length of the window."""
        return self.window[1] - self.window[0]

    @property
    def centre(self) -> float:
        """Middle of the window."""
        return self.window[0] + self.width / 2


def error_figure(network: Network, curve: Curve, tol: float) -> Figure:
    """Draw the error of a network over the domain of ``curve``, with zooms where it is largest.

    Raises
    ------
    RequestError
        If the error is not finite anywhere.
    """
    worst = worst_place(curve)
    whole = panel_of(curve, (float(curve.x[0]), float(curve.x[-1])))
    closest = closest_panel(network, curve, worst)
    between = middle_panel(network, curve, whole, closest)
    reach = max(tol, *(float(np.nanmax(np.abs([p.low, p.high]))) for p in (whole, closest)))
    with page(HEIGHT) as figure:
        axes = figure.subplot_mosaic("AA;BC")
        for name, panel in zip("ABC", (whole, between, closest), strict=True):
            _draw_error(axes[name], panel, tol, reach)
        axes["C"].tick_params(labelleft=False)
        _label_whole(axes["A"], network, tol)
        _label_zoom(axes["B"], between, whole)
        _label_zoom(axes["C"], closest, whole)
        _point_to(axes["A"], between)
        _point_to(axes["B"], closest)
        difference = f"N(x) − {curve.function} x"
        figure.supylabel(f"{difference},  in {power(_exponent(reach))}", fontsize=FONT_SIZE)
    return figure


def worst_place(curve: Curve) -> float:
    """Return where the error is largest."""
    size = np.where(np.isfinite(curve.error), np.abs(curve.error), -1.0)
    at = int(np.argmax(size))
    if size[at] < 0:
        raise RequestError("the error is not finite anywhere; there is nothing to draw")
    return float(curve.x[at])


def panel_of(curve: Curve, window: Domain) -> Panel:
    """Return the part of a curve in a window; more points than columns become an envelope."""
    first, last = np.searchsorted(curve.x, window, side="left")
    x, error = curve.x[first : last + 1], _finite(curve.error[first : last + 1])
    if len(x) < 4 * COLUMNS:
        return Panel(window, x, error, error, np.empty(0))
    starts = np.unique(np.searchsorted(x, np.linspace(*window, COLUMNS + 1)[:-1]))
    return Panel(
        window,
        x[starts],
        np.fmin.reduceat(error, starts),
        np.fmax.reduceat(error, starts),
        np.empty(0),
    )


def closest_panel(network: Network, curve: Curve, place: float) -> Panel:
    """Return the error itself on about ``ZOOM_PIECES`` pieces around a place."""
    knots = _pieces_around(network, curve, place)
    window = (float(knots[0]), float(knots[-1]))
    x = np.union1d(np.linspace(*window, ZOOM_POINTS), knots)
    error = _finite(float64_error(network, x, function=curve.function))
    return Panel(window, x, error, error, knots)


def middle_panel(network: Network, curve: Curve, whole: Panel, closest: Panel) -> Panel:
    """Return a panel around the closest one, its magnification half way on a logarithmic scale."""
    width = math.sqrt(whole.width * closest.width)
    start = min(max(closest.centre - width / 2, whole.window[0]), whole.window[1] - width)
    window = (start, start + width)
    if curve.breakpoints is not None:
        return panel_of(curve, window)
    x = np.linspace(*window, 100 * COLUMNS)
    error = float64_error(network, x, function=curve.function)
    return panel_of(Curve(None, x, error, curve.function), window)


def _pieces_around(network: Network, curve: Curve, place: float) -> FloatArray:
    """Return consecutive breakpoints around a place, the ends of the domain counted as such."""
    if curve.breakpoints is not None:
        at = int(np.searchsorted(curve.breakpoints, place))
        first = max(0, min(at - ZOOM_PIECES // 2, len(curve.breakpoints) - 1 - ZOOM_PIECES))
        return curve.breakpoints[first : first + ZOOM_PIECES + 1]
    low, high = float(curve.x[0]), float(curve.x[-1])
    reaches = (math.ldexp(high - low, -halvings) for halvings in range(1, 50))
    windows = ((max(low, place - reach), min(high, place + reach)) for reach in reaches)
    found = (breakpoints(network, window, 2 * ZOOM_PIECES) for window in windows)
    return next((knots for knots in found if knots is not None), np.array([low, high]))


def _draw_error(axes: Axes, panel: Panel, tol: float, reach: float) -> None:
    """Draw in units of the power of ten below ``reach``, over the band ±tol."""
    unit = 10.0 ** _exponent(reach)
    axes.axhspan(-tol / unit, tol / unit, color=BAND, zorder=0, linewidth=0)
    for side in (-1, 1):
        axes.axhline(side * tol / unit, color=ORANGE, linewidth=0.9, zorder=1)
    axes.axhline(0, color="0.75", linewidth=0.6, zorder=1)
    low, high = panel.low / unit, panel.high / unit
    if panel.low is panel.high:
        axes.plot(panel.x, low, color=BLUE, linewidth=1.0)
    else:
        axes.fill_between(panel.x, low, high, facecolor=PALE_BLUE, edgecolor=BLUE, linewidth=0.8)
    if panel.knots.size:
        at_knots = np.interp(panel.knots, panel.x, low)
        axes.plot(
            panel.knots, at_knots, "o", color=BLUE, markersize=3.2, mfc="white", clip_on=False
        )
    axes.set_xlim(*panel.window)
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylim(-1.12 * reach / unit, 1.12 * reach / unit)


def _label_whole(axes: Axes, network: Network, tol: float) -> None:
    label_domain(axes)
    axes.set_title(headline(network))
    axes.set_title(f"tolerance ±{tol:g}", loc="right", color=ORANGE)


def _label_zoom(axes: Axes, panel: Panel, whole: Panel) -> None:
    """Write distances from the centre in units of π times a power of ten."""
    exponent = _exponent(panel.width / math.pi / 2)
    unit = math.pi * 10.0**exponent
    step = next(s for s in (0.2, 0.5, 1, 2, 5) if panel.width / unit / s <= 6) * unit
    locator = MultipleLocator(step, offset=panel.centre)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _short((x - panel.centre) / unit)))
    magnification = whole.width / panel.width
    pieces = f", {len(panel.knots) - 1} pieces" if panel.knots.size else ""
    axes.set_title(f"magnified {grouped(round(magnification))} times{pieces}")
    sign = "+" if panel.centre < 0 else "−"
    axes.set_xlabel(f"x {sign} {abs(panel.centre) / math.pi:.6f} π,  in {power(exponent)} π")


def _point_to(axes: Axes, zoom: Panel) -> None:
    """Mark where the next panel lies."""
    axes.axvline(zoom.centre, color="0.15", linewidth=0.8, linestyle=(0, (2, 2)), zorder=3)


def _finite(error: FloatArray) -> FloatArray:
    return np.where(np.isfinite(error), error, np.nan)


def _exponent(number: float) -> int:
    """Return the power of ten at or below a positive number, up to rounding."""
    return math.floor(math.log10(number) + 1e-9)


def _short(number: float) -> str:
    return f"{round(number, 3) + 0.0:g}".replace("-", "−")
