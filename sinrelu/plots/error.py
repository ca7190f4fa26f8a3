"""The error: the whole domain with the tolerance, and zooms down to single pieces."""

from __future__ import annotations

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

HEIGHT, LOW = 4.4, 2.4
"""With zooms and without."""
COLUMNS, ZOOM_COLUMNS = 1400, 350
"""Of an envelope, at most."""
FULL_COLUMNS, FEWEST_COLUMNS = 16, 24
"""An envelope's columns have so many pieces, or more; with fewer its edges would be jagged."""
VARIED = 0.7
DRAWN, DRAWN_ZOOM = 120, 60
"""Pieces that are drawn as the parabolas they are, in the whole width and in half of it."""
SINGLE = 48
"""With so few pieces in the domain nothing is magnified."""
PIECE_POINTS = 40
ZOOM_PIECES = 12
SEARCHED = 8 * ZOOM_PIECES
"""The first window that has no more pieces is taken."""
DASHES = (0, (2, 2))


class Panel(NamedTuple):
    """The error on a part of the domain: itself, or the extremes in columns that begin at ``x``.

    ``low`` and ``high`` are one and the same array where the error itself is drawn; ``knots`` are
    breakpoints to mark, if any.
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

    @property
    def varied(self) -> bool:
        """Whether the extremes of most columns are much closer than those of all: no mere block."""
        height = np.nanmax(self.high) - np.nanmin(self.low)
        return bool(np.nanmedian(self.high - self.low) < VARIED * height)

    @property
    def reach(self) -> float:
        """The largest error that is drawn."""
        return float(np.nanmax(np.abs([self.low, self.high])))


class Unit(NamedTuple):
    """In what x is told, in all panels: multiples of π if the domain ends at such, else of 1."""

    size: float
    name: str

    @classmethod
    def of(cls, domain: Domain) -> Unit:
        """Choose for a domain."""
        return cls(math.pi, "π") if style.in_quarters(domain) else cls(1.0, "")


def error_figure(network: Network, curve: Curve, tol: Fraction | float | None = None) -> Figure:
    """Draw the error of a network over the domain of ``curve``, with zooms where it is largest.

    The band of a tolerance is drawn if there is one. Raises RequestError if the error is not finite
    anywhere, or the domain too narrow.
    """
    domain = float(curve.x[0]), float(curve.x[-1])
    style.check_domain(domain)
    panels = _panels(network, curve, domain)
    limit = None if tol is None else float(tol)
    reach = max(limit or 0.0, *(panel.reach for panel in panels)) or 1.0
    unit = Unit.of(domain)
    with page(HEIGHT if panels[1:] else LOW) as figure:
        mosaic = figure.subplot_mosaic("AA;BC" if panels[1:] else "A")
        all_axes = [mosaic[name] for name in sorted(mosaic)]
        for axes, panel in zip(all_axes, panels, strict=True):
            _draw_error(axes, panel, limit, reach)
        _label_whole(all_axes[0], network, panels, tol)
        for axes, panel in zip(all_axes[1:], panels[1:], strict=True):
            _label_zoom(axes, panel, panels[0], unit)
        for outer, panel in zip(all_axes, panels[1:], strict=False):
            outer.axvline(panel.centre, color="0.15", linewidth=0.8, linestyle=DASHES, zorder=3)
        for axes in all_axes[2:]:
            axes.tick_params(labelleft=False)
        in_power = style.times_power(style.decade(reach))
        figure.supylabel(f"N(x) − {curve.function} x{in_power}", fontsize=style.FONT_SIZE)
    return figure


def _panels(network: Network, curve: Curve, domain: Domain) -> list[Panel]:
    """Return the whole domain and, if it has many pieces, two closer views of the worst place."""
    worst = worst_place(curve)
    pieces = Pieces.of(network, domain, DRAWN)
    if pieces.breakpoints is not None and len(pieces.breakpoints) - 1 <= SINGLE:
        return [parabolas(network, curve.function, pieces.breakpoints, domain, marked=True)]
    whole = panel_of(network, curve, pieces)
    closest = closest_panel(network, curve, worst)
    return [whole, middle_panel(network, curve, whole, closest), closest]


def worst_place(curve: Curve) -> float:
    """Return where the error is largest."""
    size = np.abs(_finite(curve.error))
    if np.isnan(size).all():
        raise RequestError("the error is not finite anywhere; there is nothing to draw")
    return float(curve.x[np.nanargmax(size)])


def panel_of(network: Network, curve: Curve, pieces: Pieces, most: int = COLUMNS) -> Panel:
    """Return the error itself where its pieces were found, else the envelope of what was seen."""
    if pieces.breakpoints is not None:
        return parabolas(network, curve.function, pieces.breakpoints, pieces.domain)
    columns = max(FEWEST_COLUMNS, int(min(pieces.expected, len(curve.x))) // FULL_COLUMNS)
    return envelope(curve, pieces.domain, min(columns, most))


def envelope(curve: Curve, window: Domain, columns: int = COLUMNS) -> Panel:
    """Return the extremes of a curve in so many columns of a window, or fewer."""
    first, last = np.searchsorted(curve.x, window, side="left")
    x, error = curve.x[first : last + 1], _finite(curve.error[first : last + 1])
    starts = np.unique(np.searchsorted(x, np.linspace(*window, columns + 1)[:-1]))
    low, high = np.fmin.reduceat(error, starts), np.fmax.reduceat(error, starts)
    return Panel(window, x[starts], low, high)


def parabolas(
    network: Network, function: str, knots: FloatArray, window: Domain, marked: bool = False
) -> Panel:
    """Return the error itself, at many points of each piece between these knots of a window."""
    corners = np.union1d(knots, window)
    places = np.arange((len(corners) - 1) * PIECE_POINTS + 1) / PIECE_POINTS
    x = np.unique(np.append(np.interp(places, np.arange(len(corners)), corners), corners))
    error = _finite(float64_error(network, x, function=function))
    return Panel(window, x, error, error, knots if marked else ())


def closest_panel(network: Network, curve: Curve, place: float) -> Panel:
    """Return the error itself on about ``ZOOM_PIECES`` pieces around a place."""
    knots = _pieces_around(network, curve, place)
    domain = float(curve.x[0]), float(curve.x[-1])
    low, high = float(knots[0]), float(knots[-1])
    window = _window((low + high) / 2, max(high - low, style.narrowest(domain)), domain)
    return parabolas(network, curve.function, knots, window, marked=True)


def middle_panel(network: Network, curve: Curve, whole: Panel, closest: Panel) -> Panel:
    """Return a panel around the closest one, its magnification half way on a logarithmic scale."""
    window = _window(closest.centre, math.sqrt(whole.width * closest.width), whole.window)
    x = np.linspace(*window, 100 * COLUMNS)
    error = float64_error(network, x, function=curve.function)
    pieces = Pieces.of(network, window, DRAWN_ZOOM)
    return panel_of(network, Curve(x, error, curve.function), pieces, ZOOM_COLUMNS)


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


def _draw_error(axes: Axes, panel: Panel, tol: float | None, reach: float) -> None:
    """Draw in units of the power of ten below ``reach``, over the band ±tol if there is one."""
    unit = 10.0 ** style.decade(reach)
    if tol is not None:
        axes.axhspan(-tol / unit, tol / unit, color=BAND, zorder=0, linewidth=0)
        for side in (-1, 1):
            axes.axhline(side * tol / unit, color=ORANGE, linewidth=0.9, zorder=1)
    axes.axhline(0, color="0.75", linewidth=0.6, zorder=1)
    low, high = panel.low / unit, panel.high / unit
    if panel.low is panel.high:
        axes.plot(panel.x, low, color=BLUE, linewidth=1.0 if len(panel.knots) else 0.8)
    else:
        edges = np.append(panel.x, panel.window[1])
        if panel.varied:
            axes.stairs(high, edges, baseline=low, fill=True, color=PALE_BLUE)
        for extreme in (low, high):
            axes.stairs(extreme, edges, baseline=None, color=BLUE, linewidth=0.9)
    if len(panel.knots):
        at = np.interp(panel.knots, panel.x, low)
        axes.plot(panel.knots, at, "o", color=BLUE, markersize=3.2, mfc="white", clip_on=False)
    axes.set_xlim(*panel.window)
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylim(-1.12 * reach / unit, 1.12 * reach / unit)


def _label_whole(
    axes: Axes, network: Network, panels: list[Panel], tol: Fraction | float | None
) -> None:
    whole = panels[0]
    style.label_domain(axes)
    pieces = f", {_what(whole)}" if len(whole.knots) else ""
    axes.set_title(f"{style.headline(network)}{pieces}")
    if tol is not None:
        axes.set_title(f"tolerance {style.exact(tol)}", loc="right", color=ORANGE)
    if whole.low is not whole.high:
        side = "left" if panels[1].centre > whole.centre else "right"  # off the mark of the zoom
        at = 0.01 if side == "left" else 0.99
        place = (at, 0.84 if whole.varied else 0.53)
        note = axes.text(*place, _what(whole), transform=axes.transAxes, ha=side, color=BLUE)
        note.set_bbox({"facecolor": BAND, "edgecolor": "none", "pad": 1})


def _what(panel: Panel) -> str:
    """Say what is drawn: pieces, or extremes between which the error is."""
    if len(panel.knots):
        return style.counted(len(panel.knots) - 1, "piece")
    parts = style.grouped(len(panel.x))
    return "" if panel.low is panel.high else f"least and largest error of {parts} parts"


def _label_zoom(axes: Axes, panel: Panel, whole: Panel, unit: Unit) -> None:
    """Write distances from the centre in units of π, or of 1, times a power of ten."""
    exponent = style.decade(panel.width / unit.size / 2)
    scale = unit.size * 10.0**exponent
    step = next(s for s in (0.2, 0.5, 1, 2, 5) if panel.width / scale / s <= 6) * scale
    shown = 0 if abs(exponent) < 2 else exponent

    def distance(x: float, _: int | None) -> str:
        return style.short(round((x - panel.centre) / (unit.size * 10.0**shown), 3))

    axes.xaxis.set_major_locator(MultipleLocator(step, offset=panel.centre))
    axes.xaxis.set_major_formatter(FuncFormatter(distance))
    magnification = style.grouped(round(whole.width / panel.width))
    what = _what(panel)
    axes.set_title(f"× {magnification}{what and ', '}{what}")
    sign = "+" if panel.centre < 0 else "−"
    centre = f"{abs(panel.centre) / unit.size:.{max(0, 2 - exponent)}f} {unit.name}".rstrip()
    power = f"{style.power(shown)} {unit.name}" if shown else unit.name
    axes.set_xlabel(f"x {sign} {centre}" + (f",  in {power}" if power else ""))


def _finite(error: FloatArray) -> FloatArray:
    return np.where(np.isfinite(error), error, np.nan)
