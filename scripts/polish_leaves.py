"""Polish leaves and store them in sinrelu/constructions/refined.json.

    python scripts/polish_leaves.py skip 1e-9
    python scripts/polish_leaves.py layered 1e-12 --connections 295 --restarts 2000

looks for a network of fewer connections than the formulas of fold-reflect need for a tolerance. The
leaves of near misses are polished, the cheapest first; where that is not enough, again from places
near the best one found, --restarts times. The first leaf that keeps the tolerance is stored. The
result depends on the arguments, and in its last digits on the machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from mpmath import MPContext, fp

from sinrelu.constructions.base import Refinable, near_misses
from sinrelu.constructions.fold_reflect import search as layered_search
from sinrelu.constructions.fold_reflect import skip as fold_reflect
from sinrelu.constructions.fold_reflect import store
from sinrelu.constructions.fold_reflect.polish import Branching, worth
from sinrelu.constructions.fold_reflect.range_reduction import Reduction
from sinrelu.constructions.fold_reflect.refined import PolishedLeaf, circle, polished_leaf
from sinrelu.constructions.fold_reflect.skip import ROUNDING
from sinrelu.constructions.fold_reflect.store import Key
from sinrelu.network import LAYERED, SKIP

STORE = Path(store.__file__).with_name("refined.json")
SIZES, SHARES = (0.01, 0.03, 0.1, 0.3, 1.0), (0.05, 0.2, 1.0)
"""By how much numbers are moved before a restart, in units of what they are worth; and how many."""


def candidates(wiring: str, below: int) -> Iterable[Refinable]:
    """Return the plans among which near misses are sought."""
    if wiring == LAYERED:
        return (plan for ladder in layered_search.ladders(Reduction()) for plan in ladder)
    counts = range(below - fold_reflect.MOST_SAVED, below)
    return (plan for count in counts for plan in fold_reflect.plans_within(count, Reduction()))


def moved(leaf: PolishedLeaf, chance: np.random.Generator) -> Branching:
    """Return the leaf's rows with some of their numbers changed."""
    curve, ends = circle(leaf.halvings)
    numbers, scale = leaf.rows.numbers(), worth(leaf.rows, curve, *ends, leaf.supplied)
    some = chance.random(len(numbers)) < chance.choice(SHARES)
    change = chance.normal(size=len(numbers)) * chance.choice(SIZES) * scale * some
    return leaf.rows.with_numbers((numbers + change).tolist())


def improved(plan: Refinable, tol: float, restarts: int, seed: int) -> PolishedLeaf:
    """Polish the leaf of a plan until it keeps the tolerance or nothing is left to try."""
    chance = np.random.default_rng(seed)
    leaf = plan.refined().polished
    for count in range(restarts):
        if leaf.error <= tol:
            break
        other = polished_leaf(moved(leaf, chance), leaf.halvings, leaf.supplied)
        if other.error < leaf.error:
            leaf = other
            print(f"  restart {count}: {leaf.error:.5g}", flush=True)
    return leaf


def keep(wiring: str, key: Key, numbers: Sequence[float]) -> None:
    """Store the numbers of a leaf."""
    data = json.loads(STORE.read_text("utf-8"))
    data[wiring][store.name_of(key)] = list(numbers)
    lines = []
    for name, leaves in sorted(data.items()):
        rows = [f"    {json.dumps(key)}: {json.dumps(leaves[key])}" for key in sorted(leaves)]
        lines.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n  }")
    STORE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def search(wiring: str, tol: float, restarts: int, seed: int, connections: int | None) -> None:
    """Look for the cheapest leaf that keeps a tolerance, and store it."""
    goal = tol - ROUNDING - float(Reduction().rounding(_precise()))
    method = layered_search if wiring == LAYERED else fold_reflect
    known = method.best_plan(goal)
    print(f"{wiring} {tol:g}: known {known.plan.connections}", flush=True)
    formulas = method.best_plan(goal, narrow=False)
    for plan in near_misses(formulas, candidates(wiring, formulas.plan.connections), goal):
        if plan.connections > known.plan.connections:
            return
        if connections not in (None, plan.connections):
            continue
        leaf = improved(plan, goal, restarts, seed)
        bounds = [float(plan.error_bound(fp)), plan.hope, leaf.error]
        print(f"{plan.connections}: %.5g, hoped for %.5g, reached %.5g" % tuple(bounds), flush=True)
        if leaf.error <= goal:
            keep(wiring, plan.key, leaf.rows.numbers().tolist())
            return


def _precise() -> MPContext:
    numbers = MPContext()
    numbers.prec = 256
    return numbers


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wiring", choices=(LAYERED, SKIP))
    parser.add_argument("tol", type=float, nargs="+")
    parser.add_argument("--restarts", type=int, default=0)
    parser.add_argument("--connections", type=int, help="look at plans of so many only")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for tol in options.tol:
        search(options.wiring, tol, options.restarts, options.seed, options.connections)


if __name__ == "__main__":
    main()
