"""Search inner coefficients for the construction chebyshev: see RECIPES in that file.

    python scripts/search_recipes.py 1e-15 --squarings 3 --moves 30 --seed 1

Starts at the recipe of as many squarings that comes nearest to the tolerance, or at one of fewer
that is extended, perturbs it at random on a logarithmic scale, refines it by Levenberg and
Marquardt's method towards a smaller misfit, and keeps what needs fewer connections in folds, or, as
long as the tolerance is out of reach, what errs less. The result depends on the arguments alone.
Any values are valid in a recipe: its outer coefficients are fitted, and its error is bounded, when
it is used.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from typing import Any

from mpmath import MPContext

from sinrelu.constructions.squarings.chebyshev import RECIPES, Recipe, fold_costs, polynomial
from sinrelu.constructions.squarings.polynomial import allocated, nodes, stage_values

FLAT = 1e-25
OUT_OF_REACH = 10_000
"""More than any number of connections: the price of a recipe that errs too much, in digits."""


def price(numbers: MPContext, inner: Recipe, tol: float) -> float:
    """Return the connections in folds that a recipe needs, or how far from the tolerance it is."""
    try:
        p = polynomial(numbers, inner)
    except ZeroDivisionError:
        return math.inf
    if not p.error < tol:
        return OUT_OF_REACH + 100 * math.log10(p.error / tol)
    best = allocated(p, fold_costs(len(p.slopes)), tol)
    return best.cost + best.error_bound / tol / 2


def perturbed(inner: Recipe, draw: random.Random, step: float) -> Recipe:
    """Change one coefficient, or all of them, by a random factor near 1."""
    places = [(i, j) for i, row in enumerate(inner) for j in range(len(row))]
    chosen = set(draw.sample(places, draw.choice([1, 2, len(places)])))
    return tuple(
        tuple(
            float(f"{a * math.exp(draw.gauss(0, step)):.10g}") if (i, j) in chosen else a
            for j, a in enumerate(row)
        )
        for i, row in enumerate(inner)
    )


def misfit(numbers: MPContext, inner: Recipe) -> Any:
    """Return the error at the nodes, as a column, after the outer coefficients are fitted."""
    p = polynomial(numbers, inner)
    return numbers.matrix(
        [
            stage_values(p.rows, p.scales, v)[-1]
            - numbers.cos(numbers.pi / 2 * numbers.sqrt((1 + v) / 2))
            for v in nodes(numbers)
        ]
    )


def scaled(inner: Recipe, place: tuple[int, int], factor: Any) -> Recipe:
    """Multiply one coefficient."""
    return tuple(
        tuple(a * factor if (i, j) == place else a for j, a in enumerate(row))
        for i, row in enumerate(inner)
    )


def refined(numbers: MPContext, inner: Recipe, steps: int) -> Recipe:
    """Lessen the misfit by damped least squares in the logarithms of the coefficients."""
    places = [(i, j) for i, row in enumerate(inner) for j in range(len(row))]
    size, damping = len(places), numbers.mpf("1e-6")
    nudge = numbers.mpf(2) ** -60
    here = misfit(numbers, inner)
    for _ in range(steps):
        columns = [(misfit(numbers, scaled(inner, p, 1 + nudge)) - here) / nudge for p in places]
        normal = numbers.matrix(size)
        for a in range(size):
            for b in range(size):
                normal[a, b] = numbers.fdot(columns[a], columns[b])
        right = numbers.matrix([-numbers.fdot(column, here) for column in columns])
        trace = sum(normal[a, a] for a in range(size))
        for a in range(size):
            normal[a, a] += damping * normal[a, a] + trace * FLAT  # some directions do nothing
        change = numbers.lu_solve(normal, right)
        candidate = inner
        for place, part in zip(places, change, strict=True):
            candidate = scaled(candidate, place, 1 + max(-0.5, min(0.5, part)))
        there = misfit(numbers, candidate)
        better = numbers.norm(there) < numbers.norm(here)
        damping *= 0.2 if better else 20
        if better:
            inner, here = candidate, there
    return tuple(tuple(float(a) for a in row) for row in inner)


def extended(numbers: MPContext, inner: Recipe) -> Recipe:
    """Take the fitted last row for one more inner row."""
    p = polynomial(numbers, inner)
    return (*inner, tuple(float(a / p.scales[-1]) for a in p.rows[-1]))


def search(tol: float, squarings: int, moves: int, seed: int) -> tuple[float, Recipe]:
    """Return the best recipe met, and its price."""
    numbers = MPContext()
    numbers.prec = 200
    draw = random.Random(seed)
    known = [inner for inner in RECIPES if len(inner) + 1 == squarings]
    known = known or [extended(numbers, inner) for inner in RECIPES if len(inner) + 2 == squarings]
    best, recipe = min((price(numbers, inner, tol), inner) for inner in known)
    for move in range(moves):
        candidate = perturbed(recipe, draw, draw.choice([0, 0.01, 0.1, 0.5]))
        candidate = refined(numbers, candidate, 12)
        found = price(numbers, candidate, tol)
        if found < best:
            best, recipe = found, candidate
            print(f"{move}: {best:.2f} {recipe}", file=sys.stderr, flush=True)
    return best, recipe


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tol", type=float)
    parser.add_argument("--squarings", type=int, default=3)
    parser.add_argument("--moves", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    best, recipe = search(options.tol, options.squarings, options.moves, options.seed)
    print(f"{recipe}  # {best:.1f}")


if __name__ == "__main__":
    main()
