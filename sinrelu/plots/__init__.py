"""Pictures, one file per kind. Only this package imports matplotlib."""

from fractions import Fraction

from matplotlib.figure import Figure

from sinrelu.network import Network
from sinrelu.plots.error import error_figure
from sinrelu.plots.film import folding_film
from sinrelu.plots.forms import check_kind
from sinrelu.plots.network import network_figure
from sinrelu.plots.page import error_page
from sinrelu.plots.pieces import pieces_figure
from sinrelu.plots.scaling import scaling_figure
from sinrelu.plots.style import check_domain, check_suffix, rendered, write
from sinrelu.plots.training import SizeCurve, loss_figure, sizes_figure
from sinrelu.plots.units import units_figure, units_to_draw
from sinrelu.progress import Progress, ignore
from sinrelu.target import DEFAULT, Target
from sinrelu.verification.sampling import find_pieces, seen_curve

__all__ = [
    "SizeCurve",
    "check_domain",
    "check_kind",
    "check_suffix",
    "draw",
    "error_figure",
    "error_page",
    "folding_film",
    "loss_figure",
    "rendered",
    "scaling_figure",
    "sizes_figure",
    "write",
]


def draw(
    kind: str,
    network: Network,
    tol: Fraction | float | None = None,
    progress: Progress = ignore,
    target: Target = DEFAULT,
) -> Figure:
    """Draw a picture of a network: ``error``, ``network``, ``units`` or ``pieces``.

    Only ``error`` and ``pieces`` show a tolerance, if there is one.

    Raises RequestError if the picture could not be read: too many units, connections or pieces,
    or too narrow a domain.
    """
    if kind == "network":
        return network_figure(network, target.cover)
    if kind == "units":
        units_to_draw(network)  # before its pieces are found
    check_domain(target.cover)
    if kind == "error":
        return error_figure(network, seen_curve(network, target, progress), tol)
    pieces = find_pieces(network, target.cover, progress)
    if kind == "units":
        return units_figure(network, pieces, target)
    return pieces_figure(network, pieces.breakpoints, tol, target.function)
