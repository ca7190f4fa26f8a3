"""The error: the whole domain with the tolerance, and zooms down to single pieces."""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from sinrelu.arithmetic import FloatArray
from sinrelu.certify.pieces import Pieces
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots import style
from sinrelu.plots.style import BAND, BLUE, ORANGE, PALE_BLUE, page
from sinrelu.verification.sampling import Curve, Domain, float64_error

HEIGHT = 4.4
COLUMNS = 1400
ZOOM_PIECES = 12
SEARCHED = 8 * ZOOM_PIECES
"""The first window that has no more pieces is taken."""
ZOOM_POINTS = 4001


class Panel(NamedTuple):
    """The envelope of the error on a part of the domain, with breakpoints to mark, if any.

    ``low`` and ``high`` are one and the same array where the error itself is drawn.
    """

    window: Domain
    x: FloatArray
    low: FloatArray
    high: FloatArray
    knots: FloatArray | tuple[()] = ()

    @property
    def width(self) -> float:
        """Length of the window."""
        return self.window[1] - self.window[0]

    @property
    def centre(self) -> float:
        """Middle of the window."""
        return self.window[0] + self.width / 2


def error_figure(network: Network, curve: Curve, tol: Fraction | float) -> Figure:
    """Draw the error of a network over the domain of ``curve``, with zooms where it is largest.

    Raises RequestError if the error is not finite anywhere, or the domain too narrow.
    """
    domain = float(curve.x[0]), float(curve.x[-1])
    style.check_domain(domain)
    worst = worst_place(curve)
    whole = panel_of(curve, domain)
    closest = closest_panel(network, curve, worst)
    between = middle_panel(network, curve, whole, closest)
    reach = max(float(tol), *(float(np.nanmax(np.abs([p.low, p.high]))) for p in (whole, closest)))
    with page(HEIGHT) as figure:
        all_axes = figure.subplot_mosaic("AA;BC")
        first, second, third = (all_axes[name] for name in "ABC")
        for axes, panel in ((first, whole), (second, between), (third, closest)):
            _draw_error(axes, panel, float(tol), reach)
        third.tick_params(labelleft=False)
        style.label_domain(first)
        first.set_title(style.headline(network))
        first.set_title(f"tolerance {style.exact(tol)}", loc="right", color=ORANGE)
        dashes = (0, (2, 2))
        for outer, axes, zoom in ((first, second, between), (second, third, closest)):
            _label_zoom(axes, zoom, whole)
            outer.axvline(zoom.centre, color="0.15", linewidth=0.8, linestyle=dashes, zorder=3)
        unit = style.power(style.decade(reach))
        figure.supylabel(f"N(x) − {curve.function} x,  in {unit}", fontsize=style.FONT_SIZE)
    return figure


def worst_place(curve: Curve) -> float:
    """Return where the error is largest."""
    size = np.abs(_finite(curve.error))
    if np.isnan(size).all():
        raise RequestError("the error is not finite anywhere; there is nothing to draw")
    return float(curve.x[np.nanargmax(size)])


def panel_of(curve: Curve, window: Domain) -> Panel:
    """Return the part of a curve in a window; more points than columns become an envelope."""
    first, last = np.searchsorted(curve.x, window, side="left")
    x, error = curve.x[first : last + 1], _finite(curve.error[first : last + 1])
    if len(x) < 4 * COLUMNS:
        return Panel(window, x, error, error)
    starts = np.unique(np.searchsorted(x, np.linspace(*window, COLUMNS + 1)[:-1]))
    low, high = np.fmin.reduceat(error, starts), np.fmax.reduceat(error, starts)
    return Panel(window, x[starts], low, high)


def closest_panel(network: Network, curve: Curve, place: float) -> Panel:
    """Return the error itself on about ``ZOOM_PIECES`` pieces around a place."""
    knots = _pieces_around(network, curve, place)
    domain = float(curve.x[0]), float(curve.x[-1])
    low, high = float(knots[0]), float(knots[-1])
    window = _window((low + high) / 2, max(high - low, style.narrowest(domain)), domain)
    x = np.union1d(np.linspace(*window, ZOOM_POINTS), knots)
    error = _finite(float64_error(network, x, function=curve.function))
    return Panel(window, x, error, error, knots)


def middle_panel(network: Network, curve: Curve, whole: Panel, closest: Panel) -> Panel:
    """Return a panel around the closest one, its magnification half way on a logarithmic scale."""
    window = _window(closest.centre, math.sqrt(whole.width * closest.width), whole.window)
    x = np.linspace(*window, 100 * COLUMNS)
    error = float64_error(network, x, function=curve.function)
    return panel_of(Curve(x, error, curve.function), window)


def _window(centre: float, width: float, domain: Domain) -> Domain:
    """Return an interval of some width around a place, moved into a domain."""
    start = min(max(centre - width / 2, domain[0]), domain[1] - width)
    return start, start + width


def _pieces_around(network: Network, curve: Curve, place: float) -> FloatArray:
    """Return consecutive breakpoints around a place, the ends of the domain counted as such."""
    low, high = float(curve.x[0]), float(curve.x[-1])
    reaches = (math.ldexp(high - low, -halvings) for halvings in range(50))
    windows = ((max(low, place - reach), min(high, place + reach)) for reach in reaches)
    found = (Pieces.of(network, window, SEARCHED).breakpoints for window in windows)
    knots = next((knots for knots in found if knots is not None), np.array([low, high]))
    at = int(np.searchsorted(knots, place))
    first = max(0, min(at - ZOOM_PIECES // 2, len(knots) - 1 - ZOOM_PIECES))
    return knots[first : first + ZOOM_PIECES + 1]


def _draw_error(axes: Axes, panel: Panel, tol: float, reach: float) -> None:
    """Draw in units of the power of ten below ``reach``, over the band ±tol."""
    unit = 10.0 ** style.decade(reach)
    axes.axhspan(-tol / unit, tol / unit, color=BAND, zorder=0, linewidth=0)
    for side in (-1, 1):
        axes.axhline(side * tol / unit, color=ORANGE, linewidth=0.9, zorder=1)
    axes.axhline(0, color="0.75", linewidth=0.6, zorder=1)
    low, high = panel.low / unit, panel.high / unit
    if panel.low is panel.high:
        axes.plot(panel.x, low, color=BLUE, linewidth=1.0)
    else:
        axes.fill_between(panel.x, low, high, facecolor=PALE_BLUE, edgecolor=BLUE, linewidth=0.8)
    if len(panel.knots):
        at = np.interp(panel.knots, panel.x, low)
        axes.plot(panel.knots, at, "o", color=BLUE, markersize=3.2, mfc="white", clip_on=False)
    axes.set_xlim(*panel.window)
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylim(-1.12 * reach / unit, 1.12 * reach / unit)


def _label_zoom(axes: Axes, panel: Panel, whole: Panel) -> None:
    """Write distances from the centre in units of π times a power of ten."""
    exponent = style.decade(panel.width / math.pi / 2)
    unit = math.pi * 10.0**exponent
    step = next(s for s in (0.2, 0.5, 1, 2, 5) if panel.width / unit / s <= 6) * unit

    def distance(x: float, _: int | None) -> str:
        return style.short(round((x - panel.centre) / unit, 3) + 0.0)

    axes.xaxis.set_major_locator(MultipleLocator(step, offset=panel.centre))
    axes.xaxis.set_major_formatter(FuncFormatter(distance))
    magnification = style.grouped(round(whole.width / panel.width))
    pieces = f", {len(panel.knots) - 1} pieces" if len(panel.knots) else ""
    axes.set_title(f"magnified {magnification} times{pieces}")
    sign = "+" if panel.centre < 0 else "−"
    axes.set_xlabel(f"x {sign} {abs(panel.centre) / math.pi:.6f} π,  in {style.power(exponent)} π")


def _finite(error: FloatArray) -> FloatArray:
    return np.where(np.isfinite(error), error, np.nan)
