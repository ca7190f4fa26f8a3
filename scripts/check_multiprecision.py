"""Prove networks beyond float64, and check them at many points against what is proved.

Usage: scripts/check_multiprecision [--points 10000] [--connections N] [TOL]...

For each tolerance (1e-30 and 1e-100 by default) the smallest network is built, written to JSON and
read back, and proved. At each point, drawn from the domain or near a place where a fold is, an
enclosure of |N(x) − sin x| is compared with the bound: exit status 1 if any lower end exceeds it.
With --connections, the sharpest network of so many connections as well: how many digits they buy.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from random import Random

from mpmath import libmp

from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.constructions import build
from sinrelu.constructions.fold_reflect.induction import InductionBound, prove
from sinrelu.evaluate.enclosed import enclosed_error
from sinrelu.formats import json as json_format
from sinrelu.network import Network

HEADER = (
    "connections",
    "build s",
    "prove s",
    "points",
    "check s",
    "largest |N − sin| there",
    "proved for every x",
)
NARROW = 2**20
"""Enclosures at points are this much narrower than the bound."""


def points(count: int, folds: int) -> Iterator[Fraction]:
    """Yield dyadic points of [−π, π], a quarter of them near pivots π/2ᵏ, where channels vanish."""
    random = Random(2018)
    places = 3 * folds + 64
    pi = Fraction(*libmp.to_rational(libmp.mpf_pi(places, libmp.round_floor)))
    for number in range(count):
        if number % 4:
            draw = Fraction(random.randint(-(1 << places), 1 << places), 1 << places)
        else:
            draw = Fraction(random.choice([-1, 1]), 1 << random.randint(0, folds + 2))
            draw *= 1 - Fraction(1, 1 << random.randint(1, places))
        x = pi * draw
        yield Fraction(int(x * (1 << 2 * places)), 1 << 2 * places)


def check(built: Network, building: float, count: int) -> bool:
    """Print one line on a network; return whether nothing contradicts its proof."""
    start = time.process_time()
    network: Network = json_format.loads(json_format.dumps(built))
    proof = prove(network)
    assert isinstance(proof, InductionBound), "every such network is proved"
    proving = time.process_time() - start
    start = time.process_time()
    largest = lowest = Fraction(0)
    folds = network.meta["parameters"]["folds"]
    tolerance = proof.sup_error / NARROW
    for _, low, high in enclosed_error(network, points(count, folds), tolerance):
        lowest, largest = max(lowest, low), max(largest, high)
    checking = time.process_time() - start
    seconds = (f"{building:.1f}", f"{proving:.1f}", f"{count}", f"{checking:.1f}")
    values = (decimal_above(largest, 5), decimal_above(proof.sup_error, 5))
    row(f"{network.connections}", *seconds, *values)
    return lowest <= proof.sup_error


def row(*cells: str) -> None:
    """Print a row of the table."""
    print("  ".join(f"{cell:>{len(name)}}" for cell, name in zip(cells, HEADER, strict=True)))


def main() -> int:
    """Build, prove and check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tol", nargs="*", default=["1e-30", "1e-100"])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--connections", type=int)
    arguments = parser.parse_args()
    row(*HEADER)
    good = True
    for tol in arguments.tol:
        start = time.process_time()
        network = build(wiring="skip", tol=tol, multiprecision=True)
        good &= check(network, time.process_time() - start, arguments.points)
    if arguments.connections:
        start = time.process_time()
        network = build(wiring="skip", max_connections=arguments.connections)
        good &= check(network, time.process_time() - start, arguments.points)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
