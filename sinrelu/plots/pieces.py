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
    network: Network, found: FloatArray | None, tol: Fraction | float, function: str = "sin"
) -> Figure:
    """Draw the density of a network's breakpoints.

    Raises RequestError if there are too many to enumerate (``found`` is None).
    """
    if found is None:
        raise RequestError("the network has too many pieces to enumerate")
    domain = (float(found[0]), float(found[-1]))
    edges = np.linspace(*domain, BINS + 1)
    counts, _ = np.histogram(found[1:-1], edges)
    x = np.linspace(*domain, 2001)
    density, fewest = counts / (edges[1] - edges[0]), fewest_density(x, float(tol), function)
    fine = fewest_density(np.linspace(*domain, INTEGRAL_POINTS), float(tol), function)
    least = round(float((found[-1] - found[0]) * (fine[:-1] + fine[1:]).mean() / 2))
    top = max(density.max(), fewest.max())
    exponent = style.decade(top)
    unit = 10.0**exponent
    with page(HEIGHT) as figure:
        axes = figure.add_subplot()
        axes.stairs(density / unit, edges, fill=True, color=PALE_BLUE, alpha=0.45)
        axes.stairs(density / unit, edges, color=BLUE, linewidth=0.9)
        axes.plot(x, fewest / unit, color=ORANGE, linewidth=1.3)
        per_unit = f"pieces per unit of x,  in {style.power(exponent)}"
        axes.set(xlim=domain, ylim=(0, 1.28 * top / unit), xlabel="x", ylabel=per_unit)
        style.label_domain(axes)
        axes.set_title(style.headline(network))
        law = rf"$\sqrt{{|\{function}\,x|}}\,/\,4\sqrt{{\varepsilon}}$"
        best = f"fewest for {style.exact(tol)}: {style.grouped(least)},  {law}"
        own = f"this network: {style.grouped(len(found) - 1)} pieces"
        axes.text(0.01, 0.92, own, color=BLUE, transform=axes.transAxes)
        axes.text(0.99, 0.92, best, color=ORANGE, transform=axes.transAxes, ha="right")
    return figure
