"""Time every network: building, finding pieces, sampling, proving, evaluating beside numpy.sin.

Usage: scripts/bench [--tol 1e-12] [--construction NAME]...

"find s" counts for both `verify` and `verify --sampled`, which find the pieces once.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np

from sinrelu import CONSTRUCTIONS, Network, build, program
from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.certify import Certificate, certify
from sinrelu.certify.pieces import Pieces
from sinrelu.compare.networks import candidates
from sinrelu.verification.sampling import find_pieces, take_sample

POINTS = 2**20
REPEATS = 5


def seconds(run: Callable[[], object], repeats: int = 1) -> float:
    """Return the least time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def nanoseconds_a_point(function: Callable[[FloatArray], object], x: FloatArray) -> float:
    """Return the time of a vectorised function for each point of x."""
    return 1e9 * seconds(lambda: function(x), REPEATS) / len(x)


def row(name: str, wiring: str, tol: float, x: FloatArray, sine: float) -> str:
    """Return one line of the table."""
    built: list[Network] = []
    building = seconds(lambda: built.append(build(name, wiring, tol)))
    network = built[0]
    evaluating = nanoseconds_a_point(program(network), x)
    found: list[Pieces] = []
    domain = CONSTRUCTIONS[name].target.cover
    finding = seconds(lambda: found.append(find_pieces(network, domain)))
    sampling = seconds(lambda: take_sample(network, found[0]))
    proofs: list[Certificate] = []
    proving = seconds(lambda: proofs.append(certify(network, tol, domain=domain, pieces=found[0])))
    bound = decimal_above(proofs[0].sup_error, 4)
    return (
        f"{name:<16}{wiring:<9}{network.connections:>12}{building:>9.2f}{finding:>8.1f}"
        f"{sampling:>9.1f}{proving:>9.1f}  {proofs[0].verdict:<14}{bound:>10}"
        f"{evaluating:>10.1f}{evaluating / sine:>9.1f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tol", type=float, default=1e-12)
    parser.add_argument("--construction", action="append", choices=sorted(CONSTRUCTIONS))
    options = parser.parse_args()
    x = np.random.default_rng(0).uniform(-math.pi, math.pi, POINTS)
    sine = nanoseconds_a_point(np.sin, x)
    print(
        f"{'construction':<16}{'wiring':<9}{'connections':>12}{'build s':>9}{'find s':>8}"
        f"{'sample s':>9}{'prove s':>9}  {'verdict':<14}{'sup error':>10}{'ns/point':>10}"
        f"{'x sin':>9}"
    )
    print(f"{'numpy.sin':<87}{sine:>10.1f}{1:>9.1f}", flush=True)
    for name, wiring in candidates(options.construction or CONSTRUCTIONS):
        print(row(name, wiring, options.tol, x, sine), flush=True)


if __name__ == "__main__":
    main()
