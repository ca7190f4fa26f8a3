"""One file per method, its paper in the docstring; this registry; and ``build``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from sinrelu.constructions import (
    chebyshev,
    double_angle,
    fold_reflect,
    layered_search,
    taylor,
)
from sinrelu.constructions.base import Construction, Design
from sinrelu.errors import RequestError
from sinrelu.layering import layered
from sinrelu.network import LAYERED, SKIP, Network

_METHODS = (
    replace(fold_reflect.CONSTRUCTION, design_layered=layered_search.design),
    chebyshev.CONSTRUCTION,
    double_angle.CONSTRUCTION,
    taylor.CONSTRUCTION,
)
CONSTRUCTIONS: dict[str, Construction] = {method.name: method for method in _METHODS}
WIRINGS = (LAYERED, SKIP)
SMALLEST_TOL = 1e-14
"""Below this, float64 weights cannot be trusted to keep what the a-priori bound promises."""

__all__ = ["CONSTRUCTIONS", "SMALLEST_TOL", "WIRINGS", "Construction", "Design", "build"]


def build(construction: str = "fold-reflect", wiring: str = LAYERED, tol: float = 1e-12) -> Network:
    """Build a network N with |N(x) − sin x| ≤ tol on [−π, π].

    Parameters
    ----------
    construction : str
        A name in ``CONSTRUCTIONS``.
    wiring : str
        ``layered`` (a plain multilayer perceptron) or ``skip``.
    tol : float
        Uniform tolerance, from ``SMALLEST_TOL`` to below 1. The construction's a-priori bound is
        below it; nothing is measured or proved here.

    Raises
    ------
    RequestError
        If a name is unknown, or the tolerance out of range or out of the construction's reach.
    """
    check_tol(tol)
    method = CONSTRUCTIONS[_known("construction", construction, CONSTRUCTIONS)]
    _known("wiring", wiring, WIRINGS)
    if wiring == SKIP:
        return _network(construction, tol, method.design(tol))
    candidates = [layered(_network(construction, tol, method.design(tol)))]
    if method.design_layered is not None:
        candidates.append(layered(_network(construction, tol, method.design_layered(tol))))
    return min(candidates, key=lambda network: network.connections)


def _network(construction: str, tol: float, design: Design) -> Network:
    return design.output.circuit.freeze(
        design.output,
        {
            "construction": construction,
            "tol": tol,
            "error_bound": design.error_bound,
            "parameters": dict(design.parameters),
        },
    )


def check_tol(tol: float) -> None:
    """Refuse a tolerance for which nothing can be built."""
    if not SMALLEST_TOL <= tol < 1:
        reason = "is not a number" if math.isnan(tol) else f"is outside [{SMALLEST_TOL:g}, 1)"
        raise RequestError(f"tol: {tol} {reason}")


def _known(kind: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise RequestError(f"{kind}: {name!r} is unknown; choose from {', '.join(names)}")
    return name
