"""Connections against digits: every construction, the limit of the assignment, the laws."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sinrelu.compare import Entry
from sinrelu.compare.growth import FIRST_DIGITS, Law, digits, law, series
from sinrelu.constructions import CONSTRUCTIONS
from sinrelu.errors import RequestError
from sinrelu.network import LAYERED, SKIP
from sinrelu.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, label_point, page
from sinrelu.target import DEFAULT

HEIGHT, LOW = 5.2, 2.8
"""With laws and without."""
LIMIT = 10_000
"""Connections that the assignment allows."""
LOOKS = {
    "fold-reflect": (BLUE, "o"),
    "chebyshev": (GREEN, "s"),
    "double-angle": (PURPLE, "^"),
    "taylor": (GREY, "D"),
    "huybrechs": (ORANGE, "*"),
}
OTHERS = ("black", "x")
LABEL_DECADES = 0.22
"""Height of a label on the logarithmic scale."""


def scaling_figure(entries: Sequence[Entry]) -> Figure:
    """Draw connections against digits, each wiring on a logarithmic scale, and skip wiring's laws.

    What the table has no networks for is left out: a wiring, or the laws where no series is long
    enough for one.

    Raises RequestError if there is nothing to draw.
    """
    found = series(entries)
    wirings = [wiring for wiring in (LAYERED, SKIP) if any(its == wiring for _, its in found)]
    if not wirings:
        raise RequestError("the table is empty, or all in it refuted; there is nothing to draw")
    fitted = any(its == SKIP and law(its_entries) for (_, its), its_entries in found.items())
    with page(HEIGHT if fitted else LOW) as figure:
        top, rows = "AB"[: len(wirings)], 2 if fitted else 1
        mosaic = ";".join([top, "C" * len(wirings)][:rows])
        axes = figure.subplot_mosaic(mosaic, height_ratios=(1, 0.85)[:rows])
        for name, wiring in zip(top, wirings, strict=True):
            _draw_wiring(axes[name], entries, wiring)
        for name in top[1:]:
            axes[name].tick_params(labelleft=False)
        axes["A"].set_ylabel("connections")
        if fitted:
            _draw_laws(axes["C"], entries)
    return figure


def _draw_wiring(axes: Axes, entries: Sequence[Entry], wiring: str) -> None:
    shown = [(name, found) for (name, its), found in series(entries).items() if its == wiring]
    axes.set_yscale("log")
    axes.set_ylim(10, 2.2 * LIMIT)
    for name, found in shown:
        colour, marker = LOOKS.get(name, OTHERS)
        x, y = [digits(e) for e in found], [e.connections for e in found]
        size = 5.6 if marker == "*" else 3.4
        axes.plot(x, y, marker=marker, color=colour, markersize=size, linewidth=0.9)
    ends = [math.log10(found[-1].connections) for _, found in shown]
    end = max((digits(found[-1]) for _, found in shown), default=0.0)
    for (name, _), height in zip(shown, spread(ends, LABEL_DECADES), strict=True):
        target = CONSTRUCTIONS[name].target if name in CONSTRUCTIONS else DEFAULT
        label = name if target == DEFAULT else f"{name}, {target.interval} only"
        label_point(axes, end, 10**height, label, LOOKS.get(name, OTHERS)[0])
    axes.axhline(LIMIT, color="0.2", linewidth=0.8, linestyle=(0, (4, 3)))
    axes.text(0.02, LIMIT * 1.15, f"limit {LIMIT}", transform=axes.get_yaxis_transform())
    axes.set_yticks([100, 1000, 10000], ["100", "1000", "10000"])
    _digits_axis(axes, entries, room=0.55 if wiring == LAYERED else 0.4)
    axes.set_title(f"{wiring} wiring")


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move labels up until neighbours are ``gap`` apart."""
    moved = list(heights)
    order = sorted(range(len(moved)), key=lambda k: moved[k])
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + gap)
    return moved


def _draw_laws(axes: Axes, entries: Sequence[Entry]) -> None:
    """Draw the lower series of skip wiring on a linear scale, with the fitted laws."""
    shown = [(name, found) for (name, its), found in series(entries).items() if its == SKIP]
    lowest = sorted(shown, key=lambda pair: max(e.connections for e in pair[1]))[:3]
    for name, found in lowest:
        colour, marker = LOOKS.get(name, OTHERS)
        x, y = [digits(e) for e in found], [e.connections for e in found]
        axes.plot(x, y, marker, color=colour, markersize=3.4)
        fitted, label = law(found), name
        if fitted is not None:
            dense = np.linspace(FIRST_DIGITS, max(x), 200)
            axes.plot(dense, [fitted(d) for d in dense], color=colour, linewidth=0.9)
            label = f"{name}\n{_law_text(fitted)}"
        label_point(axes, x[-1], y[-1], label, colour)
    axes.set_ylim(0, 1.05 * max((e.connections for _, found in lowest for e in found), default=1))
    axes.set_ylabel("connections")
    axes.set_title("skip wiring again, on a linear scale, with least-squares laws")
    _digits_axis(axes, entries, room=0.55)


def _law_text(fitted: Law) -> str:
    a, b, c = fitted.coefficients
    signs = ["−" if value < 0 else "+" for value in (a, b, c)]
    start = f"{'−' if a < 0 else ''}{abs(a):.1f} {signs[1]} {abs(b):.1f} d"
    return f"{start} {signs[2]} ({abs(c):.2f} ± {fitted.errors[2]:.2f}) d²"


def _digits_axis(axes: Axes, entries: Sequence[Entry], room: float) -> None:
    """Leave room for labels at the right, as a part of the digits' span."""
    least, most = (pick(digits(e) for e in entries) for pick in (min, max))
    span = max(most - least, 1.0)
    axes.set_xlim(least - 0.04 * span, most + room * span)
    step = 2 if most - least > 4 else 1
    axes.set_xticks(np.arange(math.floor(least / step) * step, most + 1, step))
    axes.set_xticks([tick for tick in axes.get_xticks() if least - 0.01 <= tick <= most + 0.01])
    axes.spines["bottom"].set_bounds(least - 0.04 * span, most)
    axes.set_xlabel("digits d, tolerance 10⁻ᵈ", x=(0.5 * span) / (1.04 + room) / span)
