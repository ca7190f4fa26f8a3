"""From skip wiring to layered wiring: an equal network in which units read the layer before.

A value that is read further down must stand on every layer in between, or stand there again. Three
means are weighed against each other:

* carry it, by units relu(v) = v: one connection a layer, as a unit's value is never negative;
* gather: where one row alone waits for several values, what it reads with positive weights is
  summed on the way, what it reads with negative weights likewise, and only the sums are carried;
* compute it again just before it is read, from values that stand there: the checkpoints of Griewank
  ("Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
  differentiation", Optimization Methods and Software 1, 1992), with a price for each layer.

The input may be negative, so it is carried as relu(x) and relu(−x).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sinrelu.layering.rerouting import reroute
from sinrelu.layering.rewriting import shallower, split_input, ways
from sinrelu.layering.schedule import Schedule
from sinrelu.layering.start import earliest_ways, scheduled
from sinrelu.layering.wiring import wired
from sinrelu.network import Network, Row, without_dead_units

EFFORT = 400_000
"""Prices looked at by default: one or two seconds, less where nothing can be gained."""

__all__ = ["EFFORT", "by_layer", "layered", "shallower", "split_input", "start"]


def layered(network: Network, effort: int = EFFORT) -> Network:
    """Return a layered network that is equal to ``network`` as a function of every real x.

    Every weight of the result is ±1, a weight of ``network`` up to its sign, or an exact sum of
    two or product of two, so nothing is rounded. The units of a network that is already layered
    are numbered layer by layer, and nothing else is done to it.

    The search begins with values carried and gathered, each computed once and as early as possible,
    and never ends above that. It tears out some values at a time and supplies them anew, most of
    them in the cheapest way there is, given all that stands elsewhere; two sources that share one
    of theirs are charged for it twice, and a row of more than three sources is computed again only
    where its value stood already.
    The least number of connections is not promised.
    scripts/search_layering.py computes it by integer programming, for the same depth: the search
    reaches it for every construction at 1e-3, and for fold-reflect, chebyshev and double-angle at
    1e-6.

    Parameters
    ----------
    network : Network
        Any network.
    effort : int
        How many prices the search may look at; 0 does not search. The result depends on the
        network and on this alone.
    """
    if not network.skip_connections:
        return by_layer(network)
    schedule = start(network)
    begun, begun_with = wired(schedule), schedule.connections
    reroute(schedule, effort)
    gained = schedule.connections < begun_with
    return Network.from_rows(wired(schedule) if gained else begun, network.meta)


def start(network: Network) -> Schedule:
    """Return the schedule of fewest connections among some that carry and gather only."""
    rows = without_dead_units(list(network.rows()))
    plain, shallow = split_input(rows), split_input(shallower(rows))
    choices = ways(plain, shallow)
    candidates = [
        scheduled(choices, [0] * len(choices)),
        scheduled(choices, [0, *map(tuple.index, choices[1:], shallow)]),
        scheduled(choices, earliest_ways(choices)),
    ]
    return min(candidates, key=lambda schedule: schedule.connections)


def by_layer(network: Network) -> Network:
    """Renumber the units layer by layer, in their order within a layer."""
    order = [0, *(1 + np.argsort(network.levels[1:-1], kind="stable")).tolist(), network.units + 1]
    if order == sorted(order):
        return network
    place = {old: new for new, old in enumerate(order)}
    rows = list(network.rows())
    return Network.from_rows([_moved(rows[old - 1], place) for old in order[1:]], network.meta)


def _moved(row: Row, place: Mapping[int, int]) -> Row:
    edges = sorted((place[source], w) for source, w in zip(row.sources, row.weights, strict=True))
    return Row(tuple(source for source, _ in edges), tuple(w for _, w in edges), row.bias)
