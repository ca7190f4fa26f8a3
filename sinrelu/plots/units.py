"""What every unit computes, over x: small multiples, in which each fold doubles the teeth."""

import math
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.certify.pieces import Pieces
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots.style import BAND, BLUE, FONT_SIZE, grouped, headline, page, plain
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import Domain

MOST_UNITS = 240
BLOCK = 2**16
POINTS = 2001
"""Drawn in each panel."""
LEVELS = np.arange(1, 8) / 8
HYSTERESIS = 1 / 32
"""A rise counts if it passes a level by more than this part of the range; small ripple does not."""
READABLE, TEETH = 20, 8
"""A unit that rises more often is magnified until at most ``TEETH`` rises are left."""
MOST_HALVINGS = 36
SCATTERED, SEED = 2**13, 1
"""Random points at which rises are counted in a window: a grid could keep step with the teeth."""
CENTRE = 1 / 3
"""Where magnified panels lie, as a part of the domain: a place of no symmetry."""
NOTE_SIZE, LONGEST_NOTE = 6, 15


def units_figure(network: Network, pieces: Pieces, target: Target = DEFAULT) -> Figure:
    """Draw every unit that does more than carry a value, numbered as in the network, and N(x).

    Each panel says what part of the domain it shows; the rises between are counted at the
    breakpoints, if they were found. Raises RequestError if there are too many units.
    """
    shown = [*units_to_draw(network), len(network.rows)]
    found, domain = pieces.breakpoints, pieces.domain
    counts = None if found is None else rises(network, found)
    windows = visible_windows(network, domain)
    down = math.ceil(len(shown) / (6 if len(shown) <= 30 else 8))
    across = math.ceil(len(shown) / down)
    with page(0.75 + (5.2 / across + 0.13) * down) as figure:
        figure.set_layout_engine("constrained", w_pad=0.03, h_pad=0.02, wspace=0.04, hspace=0.04)
        panels = figure.subplots(down, across, squeeze=False).flat
        for number, axes in zip(shown, panels, strict=False):
            _draw_unit(axes, network, number, windows[number - 1], target, domain)
            if counts is not None:
                rising = grouped(int(counts[number - 1]))
                axes.set_title(rising, size=7, pad=1.5, color="0.4", loc="right")
        for axes in panels:  # the iterator is where the units ended
            axes.set_axis_off()
        magnified = any(windows[number - 1] != domain for number in shown)
        title = _legend(counts is not None, target, _middle(domain) if magnified else None)
        figure.suptitle(f"{headline(network)}\n{title}", size=FONT_SIZE, x=0.01, ha="left")
    return figure


def _legend(counted: bool, target: Target, middle: float | None) -> str:
    often = ", and how often it rises in all" if counted else ""
    whole = f"each panel: the unit’s number{often}; x from {target.low} to {target.high}"
    if middle is None:
        return whole
    return f"{whole}\ngrey panels: magnified × so many times, x = {plain(middle)} ± what is below"


def units_to_draw(network: Network) -> list[int]:
    """Return the units that do more than carry a value; RequestError if there are too many."""
    rows = network.rows[:-1]
    shown = [number for number, row in enumerate(rows, start=1) if not row.is_carry]
    if not shown:
        raise RequestError("no unit does more than carry a value; there is nothing to draw")
    if len(shown) > MOST_UNITS:
        wanted = f"{len(shown)} units cannot be drawn side by side"
        raise RequestError(f"{wanted}, at most {MOST_UNITS} can")
    return shown


def values(network: Network, x: FloatArray) -> Iterator[FloatArray]:
    """Yield the values of units 1 … U and of the output at x, in float64."""
    known = [x]
    for number, row in enumerate(network.rows, start=1):
        form = np.full_like(x, row.bias)
        for source, weight in row.edges:
            form += weight * known[source]
        known.append(form if number == len(network.rows) else np.maximum(form, 0.0))
        yield known[-1]


def rises(network: Network, points: FloatArray) -> IntArray:
    """Count how often each unit and the output rise visibly at ascending points.

    Shape (U+1,). What is counted is the most passages upwards through one of ``LEVELS``, as parts
    of the range.
    """
    starts = range(0, len(points) - 1, BLOCK)
    blocks = [points[start : start + BLOCK + 1] for start in starts]
    bounds = np.array([[(v.min(), v.max()) for v in values(network, block)] for block in blocks])
    low, high = bounds[..., 0].min(axis=0), bounds[..., 1].max(axis=0)
    counts = np.zeros((len(network.rows), len(LEVELS)), dtype=np.int64)
    side = np.ones_like(counts)
    for block in blocks:
        for unit, value in enumerate(values(network, block)):
            if high[unit] > low[unit]:
                part = (value - low[unit]) / (high[unit] - low[unit])
                for level, height in enumerate(LEVELS):
                    passed, side[unit, level] = _passages(part - height, side[unit, level])
                    counts[unit, level] += passed
    most: IntArray = counts.max(axis=1)
    return most


def _passages(above: FloatArray, side: int) -> tuple[int, int]:
    """Count passages from −``HYSTERESIS`` to +``HYSTERESIS``; return the last side as well."""
    sides = (above > HYSTERESIS).astype(np.int8) - (above < -HYSTERESIS)
    sides = np.concatenate([[np.int8(side)], sides[sides != 0]])
    return int(np.count_nonzero(np.diff(sides) > 0)), int(sides[-1])


def visible_windows(network: Network, domain: Domain) -> list[Domain]:
    """Return for each unit and the output the part of the domain to draw, U+1 windows.

    All of it if the rises can be seen there, else the largest halving around ``CENTRE`` with at
    most ``TEETH`` of them, but with one at least.
    """
    found: list[Domain | None] = [None] * len(network.rows)
    last = np.zeros(len(network.rows), dtype=np.int64)
    for halvings in range(MOST_HALVINGS):
        seen = halved(domain, halvings)
        x = np.sort(np.random.default_rng(SEED).uniform(*seen, SCATTERED))
        counts = rises(network, np.concatenate([seen[:1], x, seen[1:]]))
        for unit, count in enumerate(counts):
            if found[unit] is None and count <= (TEETH if halvings else READABLE):
                back = int(count == 0 < last[unit])
                found[unit] = halved(domain, halvings - back)
        last = counts
        if None not in found:
            break
    return [window or halved(domain, MOST_HALVINGS) for window in found]


def halved(domain: Domain, times: int) -> Domain:
    """Return the domain, or a part of it that is 2^times narrower."""
    if times == 0:
        return domain
    middle, reach = _middle(domain), math.ldexp(domain[1] - domain[0], -times - 1)
    start = max(domain[0], middle - reach)
    return start, start + 2 * reach


def _middle(domain: Domain) -> float:
    return domain[0] + CENTRE * (domain[1] - domain[0])


def _draw_unit(
    axes: Axes, network: Network, number: int, seen: Domain, target: Target, domain: Domain
) -> None:
    x = np.linspace(*seen, POINTS)
    value = list(values(network, x))[number - 1]
    size = float(np.abs(value).max()) or 1.0
    axes.plot(x, value / size, color=BLUE, linewidth=0.8)
    lowest = min(0.0, float(value.min()) / size)
    axes.set(ylim=(lowest - 0.06, 1.08), xlim=seen, xticks=[], yticks=[])
    axes.spines[["left", "bottom"]].set_color("0.75")
    output = number == len(network.rows)
    axes.set_title("N(x)" if output else f"{number}", size=7, pad=1.5)
    note = f"{target.low} … {target.high}"
    note = note if len(note) <= LONGEST_NOTE else ""
    if seen != domain:
        axes.set_facecolor(BAND)
        note = _magnification(seen, domain)
    axes.set_xlabel(note, size=NOTE_SIZE, labelpad=1.5, color="0.3")


def _magnification(seen: Domain, domain: Domain) -> str:
    """Say how wide a window is, and what part of the domain: in two lines if one is too short."""
    width = seen[1] - seen[0]
    reach, times = float(f"{width / 2:.2g}"), round((domain[1] - domain[0]) / width)
    notes = f"± {plain(reach)}", f"× {grouped(times)}"
    line = "   ".join(notes)
    return line if len(line) <= LONGEST_NOTE else "\n".join(notes)
