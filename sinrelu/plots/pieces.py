"""Where the breakpoints are, beside where the fewest pieces for the tolerance would have them."""

import math
from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots import style
from sinrelu.plots.style import BLUE, ORANGE, PALE_BLUE, page

HEIGHT = 2.9
BINS, FEWEST_BINS, FILLED = 144, 8, 8
"""Bins of the histogram, at least and at most, and pieces in each, if they are enough."""
MOST_WAVES = 12
"""Where the domain has more half waves, the mean of the fewest pieces is drawn."""
ARCS = 4096


def fewest_density(x: FloatArray, tol: float, function: str = "sin") -> FloatArray:
    """Pieces per unit length of the best piecewise affine function, as tol tends to 0.

    The best affine function on an interval of length w errs by w²·|f″|/16, up to terms of higher
    order; with |f″| = |f| each piece may be w = 4·√(tol/|f(x)|) long.
    """
    density: FloatArray = np.sqrt(np.abs(getattr(np, function)(x))) / (4 * math.sqrt(tol))
    return density


def fewest_before(x: FloatArray, tol: float, function: str = "sin") -> FloatArray:
    """Integrate ``fewest_density`` from 0 to x, (n,): whole half waves and what is left.

    With t = π(1 − cos u)/2 the integrand √(sin t)·dt/du is smooth. Relative error below 1e-6.
    """
    u = np.linspace(0, math.pi, ARCS + 1)
    t = math.pi * (1 - np.cos(u)) / 2
    rate = np.sqrt(np.maximum(np.sin(t), 0)) * math.pi * np.sin(u) / 2
    arc = np.append(0, np.cumsum((rate[1:] + rate[:-1]) / 2) * (math.pi / ARCS))
    waves, rest = np.divmod(x + (math.pi / 2 if function == "cos" else 0), math.pi)
    along: FloatArray = (waves * arc[-1] + np.interp(rest, t, arc)) / (4 * math.sqrt(tol))
    return along


def pieces_figure(
    network: Network,
    found: FloatArray | None,
    tol: Fraction | float | None = None,
    function: str = "sin",
) -> Figure:
    """Draw the density of a network's breakpoints, and the least for a tolerance if one is given.

    Raises RequestError if there are too many to enumerate (``found`` is None).
    """
    if found is None:
        raise RequestError("the network has too many pieces to enumerate")
    domain = (float(found[0]), float(found[-1]))
    edges = np.linspace(*domain, min(BINS, max(FEWEST_BINS, len(found) // FILLED)) + 1)
    counts, _ = np.histogram(found[1:-1], edges)
    density = counts / (edges[1] - edges[0])
    x, fewest = _fewest(domain, tol, function)
    top = max(density.max(), fewest.max(initial=0)) or 1.0
    exponent = style.decade(top)
    unit = 10.0**exponent
    with page(HEIGHT) as figure:
        axes = figure.add_subplot()
        axes.stairs(density / unit, edges, fill=True, color=PALE_BLUE, alpha=0.45)
        axes.stairs(density / unit, edges, color=BLUE, linewidth=0.9)
        axes.plot(x, fewest / unit, color=ORANGE, linewidth=1.3)
        per_unit = f"pieces per unit of x{style.times_power(exponent)}"
        axes.set(xlim=domain, ylim=(0, 1.28 * top / unit), xlabel="x", ylabel=per_unit)
        style.label_domain(axes)
        axes.set_title(style.headline(network))
        own = f"this network: {style.counted(len(found) - 1, 'piece')}"
        axes.text(0.01, 0.92, own, color=BLUE, transform=axes.transAxes)
        if tol is not None:
            best = _fewest_text(domain, tol, function)
            axes.text(0.99, 0.92, best, color=ORANGE, transform=axes.transAxes, ha="right")
    return figure


def _fewest(
    domain: tuple[float, float], tol: Fraction | float | None, function: str
) -> tuple[FloatArray, FloatArray]:
    """Return points of the curve of the fewest pieces, or of their mean where waves are many."""
    if tol is None:
        return np.empty(0), np.empty(0)
    if _are_many(domain):
        ends = np.array(domain)
        return ends, np.diff(fewest_before(ends, float(tol), function)).repeat(2) / np.diff(ends)
    x = np.linspace(*domain, 2001)
    return x, fewest_density(x, float(tol), function)


def _are_many(domain: tuple[float, float]) -> bool:
    return domain[1] - domain[0] > MOST_WAVES * math.pi


def _fewest_text(domain: tuple[float, float], tol: Fraction | float, function: str) -> str:
    least = np.diff(fewest_before(np.array(domain), float(tol), function)).item()
    law = rf"$\sqrt{{|\{function}\,x|}}\,/\,4\sqrt{{\varepsilon}}$"
    mean = " in the mean" if _are_many(domain) else ""
    return f"fewest for {style.exact(tol)}: {style.grouped(round(least))},  {law}{mean}"
