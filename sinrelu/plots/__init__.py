"""Pictures, one file per kind. Only this package imports matplotlib, and only to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sinrelu.compare.growth import read_csv
from sinrelu.formats import load
from sinrelu.network import Network
from sinrelu.plots.error import error_figure
from sinrelu.plots.network import network_figure
from sinrelu.plots.pieces import pieces_figure
from sinrelu.plots.scaling import scaling_figure
from sinrelu.plots.style import check_suffix, rendered
from sinrelu.plots.training import SizeCurve, loss_figure, sizes_figure
from sinrelu.plots.units import units_figure
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import Progress, error_curve, find_pieces, ignore

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    Draw = Callable[[Network, float, Progress, Target], Figure]

__all__ = [
    "KINDS",
    "SizeCurve",
    "check_suffix",
    "draw",
    "error_figure",
    "loss_figure",
    "rendered",
    "scaling_figure",
    "sizes_figure",
]


def _error(network: Network, tol: float, progress: Progress, target: Target) -> Figure:
    pieces = find_pieces(network, target.cover, progress)
    curve = error_curve(network, pieces, function=target.function)
    return error_figure(network, curve, tol)


def _network(network: Network, _: float, __: Progress, ___: Target) -> Figure:
    return network_figure(network)


def _units(network: Network, _: float, progress: Progress, target: Target) -> Figure:
    return units_figure(network, find_pieces(network, target.cover, progress), target)


def _pieces(network: Network, tol: float, progress: Progress, target: Target) -> Figure:
    found = find_pieces(network, target.cover, progress).breakpoints
    return pieces_figure(network, found, tol, target.function)


_OF_NETWORK: Mapping[str, Draw] = {
    "error": _error,
    "network": _network,
    "units": _units,
    "pieces": _pieces,
}
SCALING = "scaling"
KINDS = (*_OF_NETWORK, SCALING)


def draw(
    kind: str, file: Path, tol: float, progress: Progress = ignore, target: Target = DEFAULT
) -> Figure:
    """Draw one of ``KINDS``: of a network file, or for ``scaling`` of a table of ``compare``.

    The kinds ``network`` and ``scaling`` have no use for a target.

    Raises
    ------
    RequestError
        If the picture could not be read: too many units, connections or pieces; or if the
        network's weights have more bits than a float64.
    FormatError, FileAccessError
        If the file is not what the kind needs.
    """
    if kind == SCALING:
        return scaling_figure(read_csv(file))
    network = load(file)
    network.require_float64(f"{file}")
    return _OF_NETWORK[kind](network, tol, progress, target)
