"""Trained networks: the loss of every step, and error against connections."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from sinrelu.arithmetic import FloatArray
from sinrelu.errors import RequestError
from sinrelu.plots.style import BLUE, label_point, page

HEIGHT = 3.9


class SizeCurve(NamedTuple):
    """Networks of one kind: how large each is, and its error; the label is beside the last one."""

    label: str
    connections: Sequence[int]
    errors: Sequence[float]
    colour: str = BLUE
    label_on_left: bool = False


def loss_figure(losses: FloatArray) -> Figure:
    """Draw the loss of every step of a training, on logarithmic axes.

    Raises RequestError if no loss is positive and finite.
    """
    shown = np.isfinite(losses) & (losses > 0)
    if not shown.any():
        raise RequestError("no loss is positive and finite; there is nothing to draw")
    steps = np.arange(1, len(losses) + 1)
    with page(HEIGHT) as figure:
        axes = figure.subplots()
        axes.loglog(steps[shown], losses[shown], color=BLUE, linewidth=0.8)
        axes.set(xlabel="step", title="mean squared error at the points of the step")
    return figure


def sizes_figure(curves: Sequence[SizeCurve]) -> Figure:
    """Draw error against connections, both axes logarithmic."""
    with page(HEIGHT) as figure:
        axes = figure.subplots()
        for curve in curves:
            x, y, colour = curve.connections, curve.errors, curve.colour
            axes.loglog(x, y, "o-", color=colour, markersize=3.5)
            label_point(axes, x[-1], y[-1], curve.label, colour, curve.label_on_left)
        axes.set(xlabel="connections", title="proven error, largest over all real x in [−π, π]")
    return figure
