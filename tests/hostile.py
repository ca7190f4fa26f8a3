"""Networks and nodes that are as bad for arithmetic as can be; and what kernels make of them."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from graphs import ABSOLUTE, CONSTANT, TENT

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Interval, Judge, deviations
from sinrelu.certify.floats import BINARY32, BINARY64, Format
from sinrelu.certify.pieces import Finder
from sinrelu.certify.rounding import Rounding
from sinrelu.evaluate import program
from sinrelu.network import Network, Row

LENGTHS = (1, 2, 63, 64, 65)
"""Reductions are taken 64 wide."""
INTERVALS = [(-4.0, 4.0), (0.5, 1.0), (-2.5, 0.0), (0.7, math.nextafter(0.7, 1))]
SPECIAL = (0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, -5e-324, 2.0**-1022, 1e308, -1e308)


def row(*edges: tuple[int, float], bias: float = 0.0) -> Row:
    return Row(tuple(s for s, _ in edges), tuple(w for _, w in edges), bias)


X = row((0, 1.0))
HOSTILE = {
    "nothing but a bias": CONSTANT,
    "a bias of 0": Network([row()]),
    "no units": Network([row((0, 0.1), bias=-0.3)]),
    "one unit": Network([row((0, 0.1), bias=-0.3), row((1, -1.0))]),
    "skips": ABSOLUTE,
    "layers": TENT,
    "constant units": Network([row(bias=0.1), row(bias=-0.1), row((1, 0.3), (2, 0.7), bias=1.0)]),
    "units that are always off": Network([row((0, 1.0), bias=-9.0), row((1, 3.0), bias=0.1)]),
    "unread units": Network([X, row((0, 3.0), bias=0.2), row((1, 0.5), bias=0.1)]),
    "an unread unit that overflows": Network([X, row((0, 1e308), bias=1e308), row((1, 0.5))]),
    "repeated sources, by carries": Network(
        [row((0, 0.3), bias=0.1), row((1, 1.0)), row((2, 1.0)), row((1, 0.7), (2, -0.7), (3, 0.3))]
    ),
    "infinite": Network([row((0, 1e308), bias=1e308), row((1, 1e308))]),
    "infinite, times 0 where off": Network(
        [row((0, 1e308)), row((1, 1e308)), row((0, 1.0), (2, -1.0)), row((2, 1.0), (3, 1.0))]
    ),
    "infinite minus infinite": Network(
        [row((0, 1e308)), row((1, 1e300)), row((1, 1e301)), row((2, 1.0), (3, -1.0)), row((4, 1.0))]
    ),
    "subnormal weights": Network([row((0, 5e-324), bias=5e-324), row((1, 5e-324), bias=5e-324)]),
    "products that underflow": Network(
        [row((0, 0.7 * 2.0**-400)), row((1, 0.9 * 2.0**-400)), row((2, 1.1 * 2.0**-240))]
    ),
    "weights of 2^500 and 2^-500": Network(
        [row((0, 2.0**500)), row((1, 2.0**-500)), row((0, 1.0), (2, -1.0)), row((3, 2.0**500))]
    ),
    "weights of 2^490 and 2^-400, not powers": Network(
        [row((0, 0.7 * 2.0**490)), row((1, 0.9 * 2.0**-400)), row((2, 1.1 * 2.0**-90), bias=-0.3)]
    ),
    "beyond the range": Network([row((0, 2.0**501)), row((1, 2.0**-501))]),
    "cancelling": Network([X, row((0, 1.0), bias=-0.1), row((1, 2.0**40), (2, -(2.0**40)))]),
    "adjacent breakpoints": Network(
        [
            row((0, 1.0), bias=-0.7),
            row((0, 1.0), bias=-math.nextafter(0.7, 1)),
            row((1, 2.0**50 / 3), (2, -(2.0**50) / 3), bias=0.1),
        ]
    ),
    "the same breakpoint twenty times": Network(
        [*[row((0, 0.3), bias=-0.21)] * 20, row(*((k, 0.1) for k in range(1, 21)))]
    ),
    "more breakpoints than a block has nodes": Network(
        [
            *(row((0, 1.0), bias=-k / 8) for k in range(-24, 24)),
            row(*((k, (-1.0) ** k / 3) for k in range(1, 49))),
        ]
    ),
    "a chain of folds": Network(
        [
            Row.of([(0, 1.0)], 4.0),
            *(
                r
                for k in range(1, 13, 2)
                for r in (row((k, 2.0), bias=-8.0), row((k, 2.0), (k + 1, -2.0)))
            ),
            row((13, 1 / 3), bias=-1.0),
        ]
    ),
    "jumps, nearly": Network(
        [row((0, 2.0**70), bias=1.0), row((0, 1.0), (1, -1.0), bias=0.7), row((2, 1.0))]
    ),
}

FAMILIES = ("dyadic", "full", "wild", "extreme", "huge")


def weight(rng: np.random.Generator, family: str) -> float:
    """A number other than 0."""
    if family == "dyadic":
        return float(rng.choice([1.0, -1.0, 0.5, -2.0, 0.75, -3.0]))
    number = float(rng.uniform(0.1, 3) * rng.choice([-1, 1]))
    powers = {"full": [0], "wild": [-60, 60], "extreme": [-1060, -400, 0, 400]}
    return math.ldexp(number, int(rng.choice(powers.get(family, [-500, 0, 500, 1000]))))


def random_networks(seed: int, count: int, most_units: int = 12) -> Iterator[Network]:
    """Any graphs, of weights of all sizes."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        family, rows = FAMILIES[index % len(FAMILIES)], []
        for number in range(1, int(rng.integers(0, most_units + 1)) + 2):
            few = int(rng.integers(0, min(number, 4) + 1))
            sources = sorted(rng.choice(number, few, replace=False).tolist())
            bias = 0.0 if rng.random() < 0.3 else weight(rng, family)
            rows.append(row(*((source, weight(rng, family)) for source in sources), bias=bias))
        yield Network(rows)


def evenly(ends: Interval, count: int) -> DoubleDouble:
    """So many nodes or fewer, whose low parts are not 0 inside, that miss breakpoints."""
    high = np.unique(np.linspace(*ends, count))
    low = np.spacing(high) / 3
    low[0] = low[-1] = 0
    return DoubleDouble(high, np.where(high + low == high, low, 0.0))


def one_ulp_apart(start: float, count: int) -> tuple[Interval, DoubleDouble]:
    """Neighbouring floats."""
    high = [start]
    for _ in range(count):
        high.append(math.nextafter(high[-1], math.inf))
    return (high[0], high[-1]), DoubleDouble(np.array(high), np.zeros(len(high)))


def found_nodes(
    network: Network, ends: Interval, backend: str, most: int | None = None
) -> list[DoubleDouble]:
    """Nodes as the finder gives them, in runs."""
    return list(Finder.of(network, backend=backend).blocks(ends, most))


def judged(
    network: Network,
    ends: Interval,
    runs: list[DoubleDouble],
    backend: str,
    function: str = "sin",
    format: Format | None = BINARY64,
    cells: int | None = None,
) -> list[list[Any]]:
    """The bound, the radius and the evaluation error of every block."""
    rounding = Rounding.of(network, format) if format else None
    judge = Judge.of(network, function, rounding, backend)
    judge = replace(judge, cells=min(cells or judge.cells, judge.cells))
    found = [deviation for _, deviation in deviations(judge, ends, runs)]
    return [list(part) for part in found]


def evaluated_at(
    network: Network, x: FloatArray, backend: str, dtype: type = np.float64
) -> FloatArray:
    run = program(network)._replace(backend=backend, dtype=dtype)
    return np.asarray(run(x))


def all_results(network: Network, backend: str, thorough: bool = True) -> Iterator[Any]:
    """What every kernel makes of a network, as arrays of numbers."""
    for index, ends in enumerate(INTERVALS if thorough else INTERVALS[:2]):
        for most in (None, 4) if thorough else (5,):
            runs = found_nodes(network, ends, backend, most)
            for run in runs:
                yield from run
        function, format = ("sin", "cos")[index % 2], (BINARY64, BINARY32, None)[index % 3]
        for cells in (None, 1, 7, 64) if thorough else (None, 3):
            for nodes in (runs, [evenly(ends, LENGTHS[index] + 1)]):
                for part in judged(network, ends, nodes, backend, function, format, cells):
                    yield from part
    for length in LENGTHS:
        x = np.linspace(-4, 4, length)
        yield evaluated_at(network, x, backend)
        yield evaluated_at(network, x, backend, np.float32)
    yield evaluated_at(network, np.array(SPECIAL), backend)
    yield evaluated_at(network, np.array(SPECIAL), backend, np.float32)
