"""How good is the layering pass? The least number of connections by integer programming.

    python scripts/search_layering.py fold-reflect 1e-3 --seconds 60

lays out the skip network of a construction and prints three numbers for the same choices, which are
when to carry a value, when to compute it again, and when to gather it: what ``layered`` begins
with, what it reaches, and what no such layout of the same depth is below, as HiGHS proves within
the time. Where the last two meet, the layout is optimal. Needs scipy: pip install sinrelu[search].
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from sinrelu.constructions import CONSTRUCTIONS, build
from sinrelu.layering import EFFORT, start
from sinrelu.layering.rerouting import reroute
from sinrelu.layering.schedule import Schedule, by_sign
from sinrelu.network import SKIP, Row

Terms = list[tuple[int, float]]


class Program:
    """The 0/1 program of all schedules with the ways and the depth of a given one."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.costs: list[float] = []
        self.rows: list[Terms] = []  # each is at least 0
        self.first, last = _first_layers(schedule), _last_layers(schedule)
        self.stands = {
            (value, layer): self.variable(0)
            for value in range(1, len(schedule.ways))
            for layer in range(self.first[value], last[value] + 1)
        }
        for place in self.stands:
            self._supply(*place)

    def variable(self, cost: float) -> int:
        """Add a 0/1 variable."""
        self.costs.append(cost)
        return len(self.costs) - 1

    def at_most(self, one: int, others: Iterable[int]) -> None:
        """Demand one ≤ Σ others."""
        self.rows.append([(one, -1.0), *((other, 1.0) for other in others)])

    def _supply(self, value: int, layer: int) -> None:
        supplies = []
        if (value, layer - 1) in self.stands:
            carried = self.variable(1)
            self.at_most(carried, [self.stands[value, layer - 1]])
            supplies.append(carried)
        for row in self.schedule.ways[value]:
            supplies += self._computed(row, layer)
        self.at_most(self.stands[value, layer], supplies)

    def _computed(self, row: Row, layer: int) -> Iterator[int]:
        """Yield the variable of computing a row on a layer, if that is possible."""
        if row.sources in ((), (0,)):
            if layer == 1:
                yield self.variable(len(row.sources))
            return
        if any(self.first[source] >= layer for source in row.sources):
            return
        computed = self.variable(len(row.sources))
        for sign in by_sign(row):
            self._sum([row.sources[i] for i in sign], layer, computed)
        yield computed

    def _sum(self, sources: list[int], layer: int, computed: int) -> None:
        """Let each source join the sum of its sign on some layer, and carry the sum from there."""
        begin = layer if len(sources) == 1 else 1 + min(self.first[s] for s in sources)
        sums = {at: self.variable(1) for at in range(begin, layer)}
        for at in range(begin, layer - 1):
            self.at_most(sums[at], [sums[at + 1]])
        for source in sources:
            joined: list[int] = []
            for at in range(max(begin, self.first[source] + 1), layer + 1):
                joined.append(self.variable(0))
                self.at_most(joined[-1], [self.stands[source, at - 1]])
                if at < layer:
                    self.rows.append([(sums[at], 1.0), *((join, -1.0) for join in joined)])
            self.at_most(computed, joined)

    def least(self, seconds: float) -> tuple[float, float | None]:
        """Return a proven lower bound, and the connections of the best schedule found, if any."""
        entries = [(i, j, a) for i, row in enumerate(self.rows) for j, a in row]
        i, j, a = map(np.array, zip(*entries, strict=True))
        matrix = csr_array((a, (i, j)), shape=(len(self.rows), len(self.costs)))
        lower = np.zeros(len(self.costs))
        lower[self.stands[self.schedule.output, self.schedule.depth]] = 1
        found = milp(
            np.array(self.costs),
            constraints=LinearConstraint(matrix, 0, np.inf),
            bounds=Bounds(lower, 1),
            integrality=np.ones(len(self.costs)),
            options={"time_limit": seconds},
        )
        return float(found.mip_dual_bound or 0), found.fun


def _first_layers(schedule: Schedule) -> list[int]:
    """Return the first layer on which each value can stand."""
    first = [0]
    for rows in schedule.ways[1:]:
        first.append(min(1 + max((first[s] for s in row.sources), default=0) for row in rows))
    return first


def _last_layers(schedule: Schedule) -> list[int]:
    """Return the last layer from which each value can still reach the output."""
    last = [0] * schedule.output + [schedule.depth]
    for value in range(schedule.output, 0, -1):
        for source in {source for row in schedule.ways[value] for source in row.sources}:
            last[source] = max(last[source], last[value] - 1)
    return last


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("construction", choices=sorted(CONSTRUCTIONS))
    parser.add_argument("tol", type=float)
    parser.add_argument("--effort", type=int, default=EFFORT)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    network = build(options.construction, SKIP, options.tol)
    schedule = start(network)
    begun = schedule.connections
    reroute(schedule, options.effort)
    bound, found = Program(schedule).least(options.seconds)
    best = "none" if found is None else round(found)
    print(
        f"{options.construction} {options.tol:g}: skip {network.connections}, depth "
        f"{schedule.depth}; begun with {begun}, reached {schedule.connections}, proven to need "
        f"{np.ceil(bound - 1e-6):.0f}; best found by the program: {best}"
    )


if __name__ == "__main__":
    main()
