"""The graph itself: every unit a circle, every connection a curve coloured by its weight.

Folds and gates are filled, see ``roles``.

With skip wiring the levels run down on the left and up again on the right, turning where the
connections between the two sides are shortest: where a construction folds and unfolds, what undoes
a fold stands beside it. Curved connections have arrows. With layered wiring
the layers run from left to right.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, SymLogNorm
from matplotlib.figure import Figure

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.certify import DOMAIN
from sinrelu.certify.bound import Interval
from sinrelu.errors import RequestError
from sinrelu.network import SKIP, Network
from sinrelu.plots.roles import FOLD, GATE, OTHER, roles
from sinrelu.plots.style import BLUE, ORANGE, PALE_GREEN, PURPLE, headline, page, short

MOST_CONNECTIONS = 800
"""More than this many lines on a page cannot be told apart."""
SMALLEST_WEIGHT = 1e-4
"""Weights smaller than this share the faintest colour."""
APART = 0.13
"""Between the units of a level on one side; the two sides are 1 apart."""
STAGGER = 0.4
"""In height, so that a connection across does not pass behind a unit of the same level."""
CURVE = np.linspace(0, 1, 25)
COLOURS = (ORANGE, "#E8B48F", "#BDBDBD", "#8FBFDD", BLUE)
ROLES = {FOLD: PALE_GREEN, GATE: PURPLE, OTHER: "white"}
"""A light, a dark and an empty circle: told apart in grey as well."""
PITCH, TALLEST = 0.19, 8.4
"""Inches between levels, and of all of them together at most: a page."""
NUMBERED = 0.13
"""Levels closer than this leave no room to number units."""
ARROW = 0.055
"""Inches."""


def network_figure(network: Network, domain: Interval = DOMAIN) -> Figure:
    """Draw the graph of a network, with what its units do over a domain.

    Raises RequestError if it has too many connections for a picture.
    """
    if network.connections > MOST_CONNECTIONS:
        wanted = f"{network.connections} connections cannot be told apart in a picture"
        advice = "a larger --tol gives a smaller network"
        raise RequestError(f"{wanted}, at most {MOST_CONNECTIONS} can; {advice}")
    skip = network.wiring == SKIP
    places = folded_places(network) if skip else layered_places(network)
    rows = float(np.ptp(places[:, 1])) + 2
    pitch = min(PITCH, TALLEST / rows)
    with page(1.45 + pitch * rows) as figure:
        axes = figure.add_subplot()
        _draw_connections(figure, axes, network, places)
        _draw_units(axes, places, roles(network, domain), pitch if skip else 0.0)
        axes.set_title(headline(network), pad=14 if skip else 6)
        axes.set_axis_off()
        axes.margins(0.03 if skip else 0.015, 0.04)
    return figure


def folded_places(network: Network) -> FloatArray:
    """Return where the input, the units and the output stand, (U+2, 2): levels down and up."""
    (levels, offsets), turn = layered_places(network).T, turning_level(network)
    up = levels > turn
    height = np.where(up, levels - 2 * turn - 1, -levels)
    return np.column_stack([up + offsets * APART, height - offsets * STAGGER])


def turning_level(network: Network) -> int:
    """Return the last level on the way down that makes the connections shortest in height."""
    levels, (source, target) = np.array(network.levels), ends(network)

    def length(turn: int) -> int:
        height = np.where(levels > turn, 2 * turn + 1 - levels, levels)
        return int(np.abs(height[source] - height[target]).sum())

    return min(range(1, network.depth + 1), key=length)


def layered_places(network: Network) -> FloatArray:
    """Return where the input, the units and the output stand, (U+2, 2): layers side by side.

    On its level each stands so many steps from the middle.
    """
    levels = np.array(network.levels)
    sizes, rank = np.bincount(levels), np.empty(len(levels))
    rank[np.argsort(levels, kind="stable")] = np.concatenate([*map(np.arange, sizes)])
    return np.column_stack([levels, rank - (sizes[levels] - 1) / 2])


def ends(network: Network) -> tuple[IntArray, IntArray]:
    """Return source and target of every connection; the output is U + 1."""
    pairs = [(s, target) for target, row in enumerate(network.rows, start=1) for s in row.sources]
    source, target = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return source, target


def curve(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return a connection as points (n, 2): straight to a neighbour, else around those between."""
    (x0, y0), (x1, y1) = start, end
    if (abs(y1 - y0) <= 1 + STAGGER and abs(x1 - x0) < 0.5) or y0 == y1:
        return np.array([start, end])
    if abs(x1 - x0) > 0.5:
        control = [((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1)]
    else:
        outward = 1 if (x0 + x1) / 2 > 0.5 else -1
        reach = outward * min(0.06 + 0.045 * abs(y1 - y0), 0.45)
        control = [(x0 + reach, y0), (x1 + reach, y1)]
    t = CURVE[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    drawn: FloatArray = weights @ np.array([start, *control, end])
    return drawn


def _draw_connections(figure: Figure, axes: Axes, network: Network, places: FloatArray) -> None:
    weight = np.array([w for row in network.rows for w in row.weights], dtype=np.float64)
    largest = float(np.abs(weight).max(initial=1.0))
    colours = LinearSegmentedColormap.from_list("weights", COLOURS)
    norm = SymLogNorm(SMALLEST_WEIGHT, vmin=-largest, vmax=largest)
    order = np.argsort(np.abs(weight), kind="stable")
    ordered = [(places[s], places[t]) for s, t in np.transpose(ends(network))[order]]
    straight = network.wiring != SKIP
    lines = [np.array(pair) if straight else curve(*pair) for pair in ordered]
    width = 0.7 if straight else 0.9
    drawn = LineCollection(lines, cmap=colours, norm=norm, linewidths=width, zorder=1)
    drawn.set_array(weight[order])
    axes.add_collection(drawn)
    bent = [k for k, line in enumerate(lines) if len(line) > 2 or line[0][1] == line[1][1]]
    if bent and not straight:
        _draw_arrows(axes, [lines[k] for k in bent], drawn.to_rgba(weight[order][bent]))
    bar = figure.colorbar(
        drawn, ax=axes, location="bottom", fraction=0.02, aspect=60, shrink=0.5, pad=0.01
    )
    ticks = [-1.0, -1e-2, 0.0, 1e-2, 1.0]
    bar.set_ticks(ticks, labels=[*map(short, ticks)])
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("weight")


def _draw_arrows(axes: Axes, lines: list[FloatArray], colours: FloatArray) -> None:
    """Draw a head in the middle of each line; its direction is that on the page."""
    middles = np.array(
        [line[(len(line) - 1) // 2 : len(line) // 2 + 1].mean(axis=0) for line in lines]
    )
    ahead = np.array([line[len(line) // 2 + len(line) % 2] for line in lines]) - middles
    ahead /= np.hypot(*ahead.T)[:, None]
    look: dict[str, Any] = {"angles": "xy", "pivot": "mid", "color": colours, "zorder": 1.5}
    look |= {"units": "inches", "scale_units": "inches", "scale": 1 / ARROW, "width": ARROW / 6}
    look |= {"headwidth": 4.5, "headlength": 6, "headaxislength": 6, "minlength": 0}
    axes.quiver(*middles.T, *ahead.T, **look)


def _draw_units(axes: Axes, places: FloatArray, does: list[str], pitch: float) -> None:
    """Draw circles, numbered if the pitch of levels leaves room, and whence and whither."""
    numbered = pitch >= NUMBERED
    size = 52 * (pitch / PITCH) ** 2 if pitch else 9
    for role, colour in ROLES.items():
        here = places[1:-1][[it == role for it in does]]
        if len(here):
            look: dict[str, Any] = {"s": size, "edgecolor": "0.25", "linewidth": 0.6}
            axes.scatter(here[:, 0], here[:, 1], facecolor=colour, label=role, zorder=2, **look)
    if FOLD in does or GATE in does:
        axes.figure.legend(loc="outside lower center", ncols=3, frameon=False, title=None)
    if numbered:
        for number, ((x, y), role) in enumerate(zip(places[1:-1], does, strict=True), start=1):
            ink = "white" if role == GATE else "0.1"
            type_size = 5.2 * pitch / PITCH
            axes.text(
                x, y, f"{number}", size=type_size, ha="center", va="center_baseline", color=ink
            )
    shifts = ((0, 6), (0, 6)) if pitch else ((-6, -3), (6, -3))
    for place, name, shift in zip(places[[0, -1]], ("x", "N(x)"), shifts, strict=True):
        axes.scatter(place[0], place[1], s=size, marker="s", color="0.2", zorder=2)
        side = "center" if pitch else ("right" if shift[0] < 0 else "left")
        axes.annotate(name, place, xytext=shift, textcoords="offset points", ha=side)
