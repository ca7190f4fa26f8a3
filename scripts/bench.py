"""Time every network against numpy.sin: evaluation, building, sampling.

Usage: scripts/bench [--tol 1e-12] [--construction NAME]...
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np

from sinrelu import CONSTRUCTIONS, Network, build, program
from sinrelu.constructions import WIRINGS
from sinrelu.network import FloatArray
from sinrelu.sampling import find_pieces, take_sample

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
    sampling = seconds(lambda: take_sample(network, find_pieces(network)))
    return (
        f"{name:<16}{wiring:<9}{network.connections:>12}{building:>9.2f}{sampling:>19.1f}"
        f"{evaluating:>11.1f}{evaluating / sine:>16.1f}"
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
        f"{'construction':<16}{'wiring':<9}{'connections':>12}{'build s':>9}"
        f"{'verify --sampled s':>19}{'ns/point':>11}{'x numpy.sin':>16}"
    )
    print(f"{'numpy.sin':<65}{sine:>11.1f}{1:>16.1f}", flush=True)
    for name in options.construction or CONSTRUCTIONS:
        for wiring in WIRINGS:
            print(row(name, wiring, options.tol, x, sine), flush=True)


if __name__ == "__main__":
    main()
