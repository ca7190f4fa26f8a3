"""Search for large rounding errors of a network in float64, and compare them with the bound.

Usage: scripts/rounding_search FILE... [--points 200000] [--rounds 40] [--seed 1]

Points are breakpoints, up to 8 floats away from them, middles of pieces and random ones. In every
round each form is summed in an order of its own, each product fused with its addition or not; the
worst points are tried many times more. One line for each file: the largest error found, where, the
bound, and how many times larger it is. Exit status 1 if an error exceeds the bound.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from random import Random

import numpy as np

from sinrelu import Network, load
from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import (
    DoubleDouble,
    add_product,
    finish,
    is_power_of_two,
    split,
    start,
    two_sum,
)
from sinrelu.certify import DOMAIN, certify
from sinrelu.certify.pieces import Pieces, most_pieces
from sinrelu.precision import FLOAT64

WORST, AGAIN = 2000, 20
"""So many points are tried so many times as often as all."""
RESOLUTION = 1e-12
"""Kinks far below are left to the bound's radii."""


def product_and_rest(weight: float, value: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a product and its rounding error (TwoProduct)."""
    product = weight * value
    (a, b), (c, d) = split(np.full_like(value, weight)), split(value)
    return product, ((a * c - product) + a * d + b * c) + b * d


def summed(terms: list[tuple[float, FloatArray]], bias: float, random: Random) -> FloatArray:
    """Evaluate a form in a random order, with a fused multiply-add or without for each product."""
    order: list = [*terms, None] if bias or not terms else [*terms]
    random.shuffle(order)
    total: FloatArray | None = None
    for term in order:
        if term is None:
            total = np.float64(bias) if total is None else total + bias
        elif total is None:
            total = term[0] * term[1]
        elif random.random() < 0.5:
            total = total + term[0] * term[1]
        else:
            product, rest = product_and_rest(*term)
            high, low = two_sum(total, product)
            total = high + (low + rest)
    return total


def evaluated(network: Network, x: FloatArray, random: Random) -> FloatArray:
    """Evaluate a network, each form in a random order."""
    live = {0: x}
    for row in network.computed:
        terms = [(weight, live[source]) for weight, source in row.terms]
        live[row.number] = np.maximum(form := summed(terms, row.bias, random), 0)
        for source in row.finished:
            del live[source]
    return np.broadcast_to(form, x.shape)


def exact(network: Network, x: FloatArray) -> DoubleDouble:
    """Evaluate a network in double-double."""
    live = {0: DoubleDouble(x, np.zeros_like(x))}
    for row in network.computed:
        form = DoubleDouble(*np.empty((2, len(x))))
        start(*form, row.bias, len(x))
        for weight, source in row.terms:
            add_product(*form, weight, is_power_of_two(weight), *live[source], len(x))
        finish(*form, len(x))
        live[row.number] = DoubleDouble(np.maximum(form.hi, 0), form.lo * (form.hi > 0))
        for source in row.finished:
            del live[source]
    return form


def largest(network: Network, x: FloatArray, rounds: int, random: Random) -> FloatArray:
    """Return for each point the largest error of some rounds."""
    reference, worst = exact(network, x), np.zeros_like(x)
    for _ in range(rounds):
        difference = evaluated(network, x, random) - reference.hi
        np.maximum(worst, np.abs(difference - reference.lo), out=worst)
    return worst


def places(breakpoints: FloatArray, count: int, random: np.random.Generator) -> FloatArray:
    """Return breakpoints with floats around, middles and random points, about ``count`` in all."""
    middles = (breakpoints[1:] + breakpoints[:-1]) / 2
    some = [random.permutation(points)[: count // 4] for points in (breakpoints, middles)]
    steps = random.integers(-8, 9, len(some[0]) * 2)
    near = np.repeat(some[0], 2) + steps * np.spacing(np.repeat(some[0], 2))
    everywhere = random.uniform(breakpoints[0], breakpoints[-1], count // 4)
    return np.clip(np.concatenate([*some, near, everywhere]), breakpoints[0], breakpoints[-1])


def bound(network: Network) -> float:
    """Return the bound for the whole domain, whatever the network is meant to equal."""
    return certify(network, RESOLUTION, evaluation=FLOAT64).evaluation_error


def search(file: Path, options: argparse.Namespace) -> bool:
    """Print what is found for a file; return whether the bound holds."""
    network = load(file)
    pieces = Pieces.of(network, DOMAIN, most_pieces(network))
    if pieces.breakpoints is None:
        print(f"{file}: too many pieces")
        return True
    x = places(pieces.breakpoints, options.points, np.random.default_rng(options.seed))
    random = Random(options.seed)
    errors = largest(network, x, options.rounds, random)
    x = x[np.argsort(errors)[-WORST:]]
    errors = largest(network, x, options.rounds * AGAIN, random)
    found, proved = float(errors.max()), bound(network)
    print(
        f"{file}: error {found:.3e} at {float(x[errors.argmax()])!r}, "
        f"bound {proved:.3e}, {proved / found:.2f} times as large",
        flush=True,
    )
    return found <= proved


def main() -> int:
    """Search every file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--points", type=int, default=200_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=40, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args()
    held = [search(file, options) for file in options.files]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
