"""Where the breakpoints are, beside where the fewest pieces for the tolerance would have them."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots.style import (
    BLUE,
    ORANGE,
    PALE_BLUE,
    grouped,
    headline,
    label_domain,
    page,
    power,
)
from sinrelu.verification.sampling import MAX_PIECES

HEIGHT = 2.9
BINS = 144
INTEGRAL_POINTS = 10**6 + 1


def fewest_density(x: FloatArray, tol: float, function: str = "sin") -> FloatArray:
    """Pieces per unit length of the best piecewise affine function, as tol tends to 0.

    The best affine function on an interval of length w errs by w²·|f″|/16, up to terms of higher
    order; with |f″| = |f| each piece may be w = 4·√(tol/|f(x)|) long.
    """
    density: FloatArray = np.sqrt(np.abs(getattr(np, function)(x))) / (4 * math.sqrt(tol))
    return density


def pieces_figure(
    network: Network, found: FloatArray | None, tol: float, function: str = "sin"
) -> Figure:
    """Draw the density of a network's breakpoints.

    Raises
    ------
    RequestError
        If there are too many to enumerate (``found`` is None).
    """
    if found is None:
        raise RequestError(f"the network has more than {MAX_PIECES} pieces, too many to enumerate")
    edges = np.linspace(found[0], found[-1], BINS + 1)
    counts, _ = np.histogram(found[1:-1], edges)
    x = np.linspace(found[0], found[-1], 2001)
    density, fewest = counts / (edges[1] - edges[0]), fewest_density(x, tol, function)
    fine = fewest_density(np.linspace(found[0], found[-1], INTEGRAL_POINTS), tol, function)
    least = round(float((found[-1] - found[0]) * (fine[:-1] + fine[1:]).mean() / 2))
    exponent = math.floor(math.log10(max(density.max(), fewest.max())))
    unit = 10.0**exponent
    with page(HEIGHT) as figure:
        axes = figure.add_subplot()
        axes.stairs(density / unit, edges, fill=True, color=PALE_BLUE, alpha=0.45)
        axes.stairs(density / unit, edges, color=BLUE, linewidth=0.9)
        axes.plot(x, fewest / unit, color=ORANGE, linewidth=1.3)
        axes.set_xlim(float(found[0]), float(found[-1]))
        top = 1.28 * max(density.max(), fewest.max()) / unit
        axes.set_ylim(0, top)
        label_domain(axes)
        axes.set_xlabel("x")
        axes.set_ylabel(f"pieces per unit of x,  in {power(exponent)}")
        axes.set_title(headline(network))
        law = rf"$\sqrt{{|\{function}\,x|}}\,/\,4\sqrt{{\varepsilon}}$"
        best = f"fewest for ±{tol:g}: {grouped(least)},  {law}"
        own = f"this network: {grouped(len(found) - 1)} pieces"
        for place, text, colour in ((0.01, own, BLUE), (0.99, best, ORANGE)):
            side = "left" if place < 0.5 else "right"
            axes.text(
                place, 0.92, text, color=colour, transform=axes.transAxes, va="baseline", ha=side
            )
    return figure
