"""Refine last cells of fold-reflect and store them in sinrelu's refined.json.

    scripts/refine_cells --all
    scripts/refine_cells skip --tol 1e-9 --restarts 20
    scripts/refine_cells layered --tol 1e-12 --connections 295 --restarts 2000 --seed 2

looks for a network of fewer connections than is known for a tolerance, with --all at 1, 2 and
5 × 10^−d, d = 1 … 15, and both wirings. The cells of plans that may do are refined, those of fewest
connections first; where that is not enough, again from places near the best one found, --restarts
times. The first that keeps the tolerance is stored. The result depends on the arguments, and in its
last digits on the machine.

A cell is refined by sequential linear programming. Each round finds all local maxima of the error,
at kinks and inside pieces, as in Remez's exchange; linearises them in the weights; and takes the
step that makes the largest least within a trust region, which grows where the forecast was right.
At a kink the error rises on one side and falls on the other. Its height changes like the mixture of
both sides' forms whose slope is zero, wherever the kink itself moves to.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from sinrelu.arithmetic import FloatArray
from sinrelu.constructions.base import FLOAT64_TOL
from sinrelu.constructions.fold_reflect import layered, skip
from sinrelu.constructions.fold_reflect import refined as store
from sinrelu.constructions.fold_reflect.range_reduction import RangeReduction
from sinrelu.constructions.fold_reflect.refined import PiecewiseMap, circle, combination
from sinrelu.constructions.fold_reflect.search import Search
from sinrelu.constructions.fold_reflect.weights import ROUNDING, precise
from sinrelu.network import LAYERED, SKIP

Mask = npt.NDArray[np.bool_]
Plan = skip.Plan | layered.Plan
WHOLE = RangeReduction()
"""That of [−π, π]."""

STORE = Path(store.__file__).with_name("refined.json")
ROUNDS = 100
TRUST = 0.1
"""First radius of the trust region: how much of the largest error one weight may be worth."""
TRIES = 12
"""Times that a step which makes matters worse is tried again, shorter and better informed."""
GAIN = 1e-6
"""A round that lowers the error by a smaller part ends the search."""
NEAR = 0.7
"""Maxima below this part of the largest are left out."""
NEGLIGIBLE = 1e-3
"""A number is left alone if changing it by its scale is worth less of the largest error."""
NEWTON = 6
STARTS = tuple((2 * i + 1) / 16 for i in range(8))
"""Where in each piece Newton's method may begin."""
HIGH = 1e300
"""The slope outside the cell."""
SIZES, SHARES = (0.01, 0.03, 0.1, 0.3, 1.0), (0.05, 0.2, 1.0)
"""By how much numbers are moved before a restart, in units of what they are worth; and how many."""
CLOSE = 1.08
"""Times the tolerance that a cell may err at first for restarts to be worth their time."""
MOST_SAVED = {SKIP: 8, LAYERED: 16}
"""Connections that a refined cell may save."""
FINEST, SLOPE, COARSEST = 0.98, 1.2, 0.92
"""How far below the errors of its quadratics and of its square together a refined cell gets."""


class Maxima(NamedTuple):
    """Places, the sizes of the error there, and their gradients by all weights and biases."""

    z: FloatArray
    size: FloatArray
    gradient: FloatArray

    def joined(self, other: Maxima) -> Maxima:
        """Put two together."""
        return Maxima(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))

    def where(self, mask: Mask) -> Maxima:
        """Return some of them."""
        return Maxima(*(part[mask] for part in self))


def errors(rows: PiecewiseMap, z: FloatArray) -> FloatArray:
    """Return how far both outputs are from cos m − 1 and sin m at n points, (2, n)."""
    return rows.values(z)[-2:] - circle(z - rows.half_width)


def activity(rows: PiecewiseMap, nodes: FloatArray) -> Mask:
    """Return which units are not zero in each piece, (units, pieces)."""
    return rows.values((nodes[1:] + nodes[:-1]) / 2)[1 : rows.units + 1] > 0


def slopes(rows: PiecewiseMap, active: Mask) -> FloatArray:
    """Return the derivatives of both outputs in every piece, (2, pieces)."""
    found = np.ones((len(rows.rows) + 1, active.shape[1]))
    for number, row in enumerate(rows.rows, start=1):
        form = combination(row._replace(bias=0.0), found)
        found[number] = form * active[number - 1] if number <= rows.units else form
    return found[-2:]


def gradients(
    rows: PiecewiseMap, values: FloatArray, active: Mask, weights: FloatArray
) -> FloatArray:
    """Return derivatives of Σ weights · outputs by the weights and the bias of row after row.

    At n points, from the values there, the units active and the (2, n) ``weights``.
    """
    reach = np.zeros_like(values)
    reach[-2:] = weights
    columns: list[FloatArray] = []
    for number in range(len(rows.rows), 0, -1):
        row = rows.rows[number - 1]
        own = reach[number] * active[number - 1] if number <= rows.units else reach[number]
        columns[:0] = [*(own * values[source] for source in row.sources), own]
        for source, weight in zip(row.sources, row.weights, strict=True):
            reach[source] += weight * own
    return np.array(columns).T


def scale(rows: PiecewiseMap, fixed: int = 0) -> FloatArray:
    """Return the sizes of all weights, and for every bias the largest value of its row.

    0 for the first rows, if they are fixed, and for the first weight of every unit.
    """
    largest = np.abs(rows.values(rows.nodes())).max(axis=1).tolist()
    sizes: list[float] = []
    for number, row in enumerate(rows.rows):
        own = [*map(abs, row.weights), largest[number + 1]]
        if number < rows.units:
            own[0] = 0.0
        sizes += own if number >= fixed else [0.0] * len(own)
    return np.array(sizes)


def maxima(rows: PiecewiseMap) -> Maxima:
    """Find the local maxima of the error's norm that are near the largest.

    Where a piece has none inside, another point of it may stand for it.
    """
    nodes = rows.nodes()
    active = activity(rows, nodes)
    slope, values, error = slopes(rows, active), rows.values(nodes), errors(rows, nodes)
    size = np.hypot(*error)
    z = farthest(rows, nodes, slope)
    inside = distances(rows, z[(nodes[:-1] < z) & (z < nodes[1:])])
    maximal, left = mixture(nodes - rows.half_width, error, slope)
    least = NEAR * max(np.max(inside.size, initial=0), np.max(size))
    kinks = np.flatnonzero(maximal & (size >= least))
    direction = error[:, kinks] / size[kinks]
    before, after = np.maximum(kinks - 1, 0), np.minimum(kinks, active.shape[1] - 1)
    mixed = gradients(rows, values[:, kinks], active[:, before], direction * left[kinks])
    mixed += gradients(rows, values[:, kinks], active[:, after], direction * (1 - left[kinks]))
    return inside.where(inside.size >= least).joined(Maxima(nodes[kinks], size[kinks], mixed))


def mixture(m: FloatArray, error: FloatArray, slope: FloatArray) -> tuple[Mask, FloatArray]:
    """Return at which nodes the error is maximal, and the left side's part in a slope of 0."""
    turn = tangent(m)
    rise = (error[:, 1:] * (slope - turn[:, 1:])).sum(axis=0)
    fall = (error[:, :-1] * (slope - turn[:, :-1])).sum(axis=0)
    before, after = np.append(HIGH, rise), np.append(fall, -HIGH)
    maximal = (before > 0) & (after <= 0)
    left = np.divide(-after, before - after, out=np.zeros_like(after), where=maximal)
    left[-1] = 1
    return maximal, left


def tangent(m: FloatArray) -> FloatArray:
    """Return the derivative of (cos m − 1, sin m)."""
    cosine, sine = circle(m)
    return np.array([-sine, cosine + 1])


def farthest(rows: PiecewiseMap, nodes: FloatArray, slope: FloatArray) -> FloatArray:
    """Return about where inside each piece the error is largest, by Newton's method."""
    widths, h = np.diff(nodes), rows.half_width

    def size(z: FloatArray) -> FloatArray:
        return np.hypot(*errors(rows, z))

    samples = [nodes[:-1] + share * widths for share in STARTS]
    start = np.array(samples)[np.argmax([size(z) for z in samples], axis=0), range(len(widths))]
    z = start
    for _ in range(NEWTON):
        turn, error = slope - tangent(z - h), errors(rows, z)
        cosine, sine = circle(z - h)
        first = (error * turn).sum(axis=0)
        second = (turn**2).sum(axis=0) + error[0] * (cosine + 1) + error[1] * sine
        step = np.divide(first, second, out=np.zeros_like(z), where=second < 0)
        z = np.clip(z - step, nodes[:-1], nodes[1:])
    return np.where(size(z) >= size(start), z, start)


def distances(rows: PiecewiseMap, z: FloatArray) -> Maxima:
    """Return the sizes of the error at n points, whether they are maxima or not."""
    nodes = rows.nodes()
    active = activity(rows, nodes)
    cells = np.clip(np.searchsorted(nodes, z, side="right") - 1, 0, active.shape[1] - 1)
    error = errors(rows, z)
    size = np.hypot(*error)
    direction = np.divide(error, size, out=np.zeros_like(error), where=size > 0)
    return Maxima(z, size, gradients(rows, rows.values(z), active[:, cells], direction))


def refined(start: PiecewiseMap, fixed: int = 0, rounds: int = ROUNDS) -> PiecewiseMap:
    """Lower the largest error of a cell, with the graph and the first ``fixed`` rows kept.

    In all other units the first weight is kept, for its size is arbitrary.
    """
    sizes = scale(start, fixed)
    best, found, trust = start, maxima(start), TRUST
    for _ in range(rounds):
        largest = float(found.size.max())
        model, tries = found, 0
        while True:
            change, promise = step(model, sizes, trust)
            candidate = best.with_numbers((np.array(best.numbers()) + change).tolist())
            other = maxima(candidate)
            gain = 1 - float(other.size.max()) / largest
            if gain > 0 or tries == TRIES:
                break
            tries, trust = tries + 1, trust / 2
            model = model.joined(distances(best, other.z))
        if gain < GAIN:
            break
        best, found = candidate, other
        trust *= 2 if gain > 0.6 * promise else 0.5 if gain < 0.25 * promise else 1
    return best


def worth(found: Maxima, sizes: FloatArray) -> FloatArray:
    """Return, for every number, a change worth the largest error, or its scale if less."""
    reach = np.abs(found.gradient).max(axis=0) / found.size.max()
    return np.minimum(sizes, np.divide(1, reach, out=np.zeros_like(reach), where=reach > 0))


def step(model: Maxima, sizes: FloatArray, trust: float) -> tuple[FloatArray, float]:
    """Return the change that lowers the largest error most, and by what part it would.

    Every number changes by at most ``trust`` times what it is worth.
    """
    largest = float(model.size.max())
    change = worth(model, sizes)
    gradient = model.gradient * change / largest
    used = np.abs(gradient).max(axis=0) > NEGLIGIBLE
    shares = np.zeros_like(change)
    shares[used] = least_maximum(model.size / largest, gradient[:, used], trust)
    change *= shares
    return change, 1 - float((model.size + model.gradient @ change).max()) / largest


def least_maximum(values: FloatArray, slope: FloatArray, radius: float) -> FloatArray:
    """Return the δ within ±radius in every coordinate that makes max(values + slope·δ) least.

    Parameters
    ----------
    values : (n,) float64
        Of the order of 1.
    slope : (n, m) float64
        Of the order of 1 in every column.
    radius : float
        Positive.
    """
    count, size = slope.shape
    answer = linprog(
        np.append(np.zeros(size), 1),
        A_ub=np.hstack([slope, -np.ones((count, 1))]),
        b_ub=-values,
        bounds=[(-radius, radius)] * size + [(None, None)],
        method="highs",
    )
    return np.zeros(size) if answer.x is None else answer.x[:size]


def moved(rows: PiecewiseMap, fixed: int, chance: np.random.Generator) -> PiecewiseMap:
    """Return a cell with some of its numbers changed."""
    numbers = np.array(rows.numbers())
    some = chance.random(len(numbers)) < chance.choice(SHARES)
    size = chance.choice(SIZES) * some * worth(maxima(rows), scale(rows, fixed))
    return rows.with_numbers((numbers + chance.normal(size=len(numbers)) * size).tolist())


def improved(plan: Plan, tol: float, restarts: int, seed: int) -> tuple[PiecewiseMap, float]:
    """Refine the cell of a plan until it keeps the tolerance or nothing is left to try."""
    chance = np.random.default_rng(seed)
    layers = isinstance(plan, layered.Plan)
    fixed = len(layered.cell_inputs(plan)) if layers else 0
    best = refined((layered if layers else skip).drawn_cell(plan), fixed)
    error = rounded_up(best.bound())
    for count in range(restarts if error <= CLOSE * tol else 0):
        if error <= tol:
            break
        other = refined(moved(best, fixed, chance), fixed)
        if (bound := rounded_up(other.bound())) < error:
            best, error = other, bound
            print(f"  restart {count}: {error}", flush=True)
    return best, error


def rounded_up(error: float) -> float:
    """Return a bound that holds whichever way a few last digits are rounded."""
    return error * (1 + 1e-9)


def predicted_error(plan: Plan) -> float:
    """Return what the error of a plan may be once its cell is refined, by experience."""
    if isinstance(plan, layered.Plan):
        h, pieces = math.pi / 2**plan.folds, float(plan.sawtooth.pieces)
        quadratics = plan.quadratics
    else:
        h, pieces = math.pi / 2 ** (plan.folds + 1), float(plan.cell.sawtooth.pieces)
        quadratics = plan.cell.quadratics
    share = max(FINEST - SLOPE * h, COARSEST)
    return share * math.hypot((h / quadratics) ** 3 / 24, (h / pieces) ** 2 / 16)


def near_misses(wiring: str, below: int, tol: float, reach: float) -> list[Plan]:
    """Return plans of fewer connections that may keep a tolerance, from fewer to more."""
    counts = range(below - MOST_SAVED[wiring], below)
    plans: Iterable[Plan]
    if wiring == LAYERED:
        plans = layered.all_plans()
    else:
        plans = (plan for count in counts for plan in skip.plans(count, WHOLE))
    near = {
        plan: (plan.connections(WHOLE), predicted_error(plan))
        for plan in plans
        if plan.connections(WHOLE) in counts and predicted_error(plan) <= reach * tol
    }
    return sorted(near, key=near.__getitem__)


def keep(wiring: str, plan: Plan, rows: PiecewiseMap, error: float) -> None:
    """Store a cell."""
    data = json.loads(STORE.read_text("utf-8"))
    key = " ".join(str(int(part)) for part in plan.key)
    data[wiring][key] = {"error": error, "numbers": rows.numbers()}
    lines = []
    for name, cells in sorted(data.items()):
        keys = sorted(cells, key=lambda key: [int(part) for part in key.split()])
        entries = [f"    {json.dumps(key)}: {json.dumps(cells[key])}" for key in keys]
        lines.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(entries) + "\n  }")
    STORE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    store.stored_cells.cache_clear()


def goal_for(tol: float) -> float:
    """Return what is left of a tolerance for the cell, once weights are rounded."""
    rounding = ROUNDING + float(WHOLE.rounding(precise(64)))
    return tol - (rounding if tol >= FLOAT64_TOL else tol / 1024)


def search(wiring: str, tol: float, options: argparse.Namespace) -> None:
    """Look for the cheapest cell that keeps a tolerance, and store it."""
    goal = goal_for(tol)
    known = Search(WHOLE, wiring).smallest(goal).plan.connections(WHOLE)
    print(f"{wiring} {tol:g}: known {known}", flush=True)
    for plan in near_misses(wiring, known, goal, options.reach):
        if options.connections not in (None, plan.connections(WHOLE)):
            continue
        rows, error = improved(plan, goal, options.restarts, options.seed)
        print(
            f"  {plan.connections(WHOLE)}: {plan.key} predicted {predicted_error(plan):.5g}, "
            f"reached {error}",
            flush=True,
        )
        if error <= goal:
            keep(wiring, plan, rows, error)
            return


def listed() -> Iterator[float]:
    """Yield 1, 2 and 5 × 10^−d, from coarse to fine."""
    for digits in range(1, 16):
        yield from (float(f"{lead}e-{digits}") for lead in (5, 2, 1))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wiring", choices=(LAYERED, SKIP), nargs="?", help="both if left out")
    parser.add_argument("--tol", type=float, nargs="+", default=[])
    parser.add_argument("--all", action="store_true", help="look at 1, 2 and 5 × 10^−d")
    parser.add_argument("--connections", type=int, help="look at plans of so many only")
    parser.add_argument("--restarts", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reach", type=float, default=1.0, help="of predicted error to tolerance")
    options = parser.parse_args()
    for wiring in (options.wiring,) if options.wiring else (LAYERED, SKIP):
        for tol in [*options.tol, *(listed() if options.all else ())]:
            search(wiring, tol, options)


if __name__ == "__main__":
    main()
