"""What every unit computes, over x: small multiples, in which each fold doubles the teeth."""

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.certify.pieces import Pieces
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots.style import BAND, BLUE, FONT_SIZE, grouped, headline, page
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import GRID_STEPS, Domain

MOST_UNITS = 240
BLOCK = 2**16
POINTS = 2001
"""Drawn in each panel."""
LEVEL = 1e-9
"""A rise counts if it is more than this part of the unit's range in a block."""
READABLE = 20
"""A unit that rises more often is magnified until about ``TEETH`` rises are left."""
TEETH = 6
CENTRE = 1 / 3
"""Where magnified panels lie, as a part of the domain: a place of no symmetry."""


def units_figure(network: Network, pieces: Pieces, target: Target = DEFAULT) -> Figure:
    """Draw every unit that does more than carry a value, numbered as in the network.

    Raises RequestError if there are too many.
    """
    shown = units_to_draw(network)
    counts = rises(network, pieces)
    across = min(len(shown), 6 if len(shown) <= 30 else 8)
    down = math.ceil(len(shown) / across)
    with page(0.6 + 5.2 / across * down) as figure:
        figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.03, wspace=0.04, hspace=0.06)
        panels = figure.subplots(down, across, squeeze=False).flat
        for number, axes in zip(shown, panels, strict=False):
            _draw_unit(axes, network, number, int(counts[number - 1]), pieces.domain)
        for axes in panels:  # the iterator is where the units ended
            axes.set_axis_off()
        legend = "in each panel: the unit’s number, and how often it rises between "
        legend += f"{target.low} and {target.high}; grey panels are magnified"
        figure.suptitle(f"{headline(network)}\n{legend}", size=FONT_SIZE, x=0.01, ha="left")
    return figure


def units_to_draw(network: Network) -> list[int]:
    """Return the units that do more than carry a value; RequestError if there are too many."""
    rows = network.rows[:-1]
    shown = [number for number, row in enumerate(rows, start=1) if not row.is_carry]
    if not 1 <= len(shown) <= MOST_UNITS:
        wanted = f"{len(shown)} units cannot be drawn side by side"
        raise RequestError(f"{wanted}, at most {MOST_UNITS} can")
    return shown


def unit_values(network: Network, x: FloatArray) -> Iterator[FloatArray]:
    """Yield the values of units 1 … U at x, in float64."""
    values = [x]
    for row in network.rows[:-1]:
        form = np.full_like(x, row.bias)
        for source, weight in row.edges:
            form += weight * values[source]
        values.append(np.maximum(form, 0.0))
        yield values[-1]


def rises(network: Network, pieces: Pieces) -> IntArray:
    """Count how often each unit rises, at all breakpoints or, if they are too many, on a grid.

    Shape (U,). A rise is a maximal interval on which the unit never falls.
    """
    found = pieces.breakpoints
    points = np.linspace(*pieces.domain, GRID_STEPS + 1) if found is None else found
    counts, rising = np.zeros((2, network.units), dtype=np.int64)
    for start in range(0, len(points) - 1, BLOCK):
        block = points[start : start + BLOCK + 1]
        for unit, values in enumerate(unit_values(network, block)):
            steps = np.diff(values)
            steps = steps[np.abs(steps) > LEVEL * values.max()]
            up = np.concatenate([[rising[unit]], steps > 0]).astype(np.int8)
            counts[unit] += np.count_nonzero(np.diff(up) > 0)
            rising[unit] = up[-1]
    return counts


def window(domain: Domain, count: int) -> Domain:
    """Return the part of the domain to draw for a unit that rises so often."""
    low, high = domain
    if count <= READABLE:
        return domain
    centre, reach = low + CENTRE * (high - low), TEETH * (high - low) / count / 2
    return (centre - reach, centre + reach)


def _draw_unit(axes: Axes, network: Network, number: int, count: int, domain: Domain) -> None:
    seen = window(domain, count)
    x = np.linspace(*seen, POINTS)
    values = next(islice(unit_values(network, x), number - 1, None))
    top = float(values.max()) or 1.0
    if seen != domain:
        axes.set_facecolor(BAND)
    axes.plot(x, values / top, color=BLUE, linewidth=0.8)
    axes.set(ylim=(-0.06, 1.08), xlim=seen, xticks=[], yticks=[])
    axes.spines[["left", "bottom"]].set_color("0.75")
    axes.set_title(f"{number}", size=7, pad=1.5)
    axes.set_title(grouped(count), size=7, pad=1.5, color="0.4", loc="right")
