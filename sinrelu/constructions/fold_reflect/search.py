"""The search for layered plans of fold-reflect: gates and a leaf, or interpolation alone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import product

from mpmath import MPContext, fp

from sinrelu.circuit import Real
from sinrelu.constructions.base import Design, Plan, Remark, Search, closer, ignore, sharper
from sinrelu.constructions.fold_reflect import interpolation as fold_interpolate
from sinrelu.constructions.fold_reflect.layered import Plan as Gated
from sinrelu.constructions.fold_reflect.range_reduction import Reduction
from sinrelu.constructions.fold_reflect.stages import cheapest_stages
from sinrelu.errors import RequestError

MOST_FOLDS, MOST_LAYERS, MOST_QUADRATICS = 17, 6, 8
COMPARED = (
    "folds undone by gates, layers and radices of the square, sines of 2 to 8 quadratics, "
    "interpolation without gates"
)


def ladders(reduction: Reduction) -> Iterator[list[Gated]]:
    """Yield series of plans, each with ever more pieces for ever more connections."""
    depths = range(1, MOST_LAYERS + 1)
    for folds, layers, quadratics in product(
        range(2, MOST_FOLDS + 1), depths, range(2, MOST_QUADRATICS + 1)
    ):
        ladder = [
            Gated(folds, choice, quadratics, reduction)
            for choice in cheapest_stages(layers, quadratics)
        ]
        if ladder[0].possible:
            yield ladder


def best_plan(
    tol: Real, reduction: Reduction | None = None, narrow: bool = True, remark: Remark = ignore
) -> Search:
    """Return the plan of fewest connections with a bound of at most tol; among equals, the best.

    Where weights are ``narrow``, that is float64, refined cells that are stored may do with fewer.

    Raises
    ------
    RequestError
        If there is none.
    """
    numbers = MPContext()
    reduction = reduction or Reduction()
    candidates = 1
    coarse = fold_interpolate.best_plan(tol, reduction)
    found: list[Plan] = [] if coarse is None else [coarse]
    for ladder in ladders(reduction):
        at = bisect_left(ladder, -tol, key=lambda plan: -plan.error_bound(fp))
        candidates += len(ladder)
        found += ladder[at : at + 1]
    if not found:
        raise RequestError(f"tol: no layered plan of fold-reflect reaches {numbers.nstr(tol, 3)}")
    plan = min(found, key=lambda plan: (plan.connections, plan.error_bound(fp)))
    search = Search(plan, plan.error_bound(numbers), candidates, COMPARED)
    if not narrow:
        return search
    return closer(search, (plan for ladder in ladders(reduction) for plan in ladder), tol)


def sharpest_plan(
    connections: int,
    reduction: Reduction | None = None,
    narrow: bool = True,
    remark: Remark = ignore,
) -> Search:
    """Return the plan of least bound within a number of connections.

    Raises
    ------
    RequestError
        If there is none.
    """
    numbers = MPContext()
    reduction = reduction or Reduction()
    candidates = 1
    coarse = fold_interpolate.sharpest_plan(connections, reduction)
    found: list[Plan] = [] if coarse is None else [coarse]
    for ladder in ladders(reduction):
        above = bisect_right(ladder, connections, key=lambda plan: plan.connections)
        candidates += len(ladder)
        found += ladder[max(above - 1, 0) : above]
    if not found:
        raise RequestError(f"max-connections: {connections} are too few for layered fold-reflect")
    found.sort(key=lambda plan: (plan.error_bound(fp), plan.connections))
    search = Search(found[0], found[0].error_bound(numbers), candidates, COMPARED)
    if not narrow:
        return search
    return sharper(search, (plan for plan in found if isinstance(plan, Gated)))


def design(tol: float) -> Design:
    """Choose the plan of fewest connections and write it down."""
    search = best_plan(tol)
    output = search.plan.circuit(tol, 256)
    return Design(output, float(search.error_bound), search.plan.parameters)
