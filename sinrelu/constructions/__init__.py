"""One file per method, its paper in the docstring; this registry; and ``build``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from sinrelu.constructions.base import Construction, Design
from sinrelu.constructions.fold_reflect import search as layered_search
from sinrelu.constructions.fold_reflect import skip as fold_reflect
from sinrelu.constructions.squarings import chebyshev, double_angle, taylor
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
SMALLEST_TOL = 1e-15
FLOAT_TOL = 1e-14
"""Below this, float64 weights cannot be trusted to keep what the a-priori bound promises."""
WIDE_BITS = 160
"""Bits of weights beyond; after the gain of any path through a network, 1e-20 and less is left."""

__all__ = [
    "CONSTRUCTIONS",
    "FLOAT_TOL",
    "SMALLEST_TOL",
    "WIRINGS",
    "Construction",
    "Design",
    "build",
]


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
        below it; nothing is measured or proved here. Below ``FLOAT_TOL`` weights have
        ``WIDE_BITS`` bits.

    Raises
    ------
    RequestError
        If a name is unknown, or the tolerance out of range or out of the construction's reach.
    """
    check_tol(tol)
    method = CONSTRUCTIONS[_known("construction", construction, CONSTRUCTIONS)]
    _known("wiring", wiring, WIRINGS)
    if wiring == SKIP:
        return _network(method, tol, method.design)
    return layered(_network(method, tol, method.design_layered or method.design))


def _network(method: Construction, tol: float, make: Callable[[float], Design]) -> Network:
    wide = tol < FLOAT_TOL
    design = make(tol if wide else tol - method.rounding)
    meta = {
        "construction": method.name,
        "tol": tol,
        "error_bound": design.error_bound,
        "parameters": dict(design.parameters),
    }
    return design.output.circuit.freeze(design.output, meta, WIDE_BITS if wide else None)


def check_tol(tol: float) -> None:
    """Refuse a tolerance for which nothing can be built."""
    if not SMALLEST_TOL <= tol < 1:
        reason = "is not a number" if math.isnan(tol) else f"is outside [{SMALLEST_TOL:g}, 1)"
        raise RequestError(f"tol: {tol} {reason}")


def _known(kind: str, name: str, names: Iterable[str]) -> str:
    if name not in names:
        raise RequestError(f"{kind}: {name!r} is unknown; choose from {', '.join(names)}")
    return name
