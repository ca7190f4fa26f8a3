"""Rip up and reroute, as in the routing of circuits: supply some values anew, given the others.

Large neighbourhood search after Shaw ("Using constraint programming and local search methods to
solve vehicle routing problems", CP 1998): what is torn out together stands close together, so that
values that are cheap only together, as those of a fold, can move together.
"""

from __future__ import annotations

import random

from sinrelu.layering.schedule import Option, Place, Schedule, Supply, cheapest

SEED = 0
PATIENCE = 200
"""Moves without gain after which the search ends, and two more for every place in use."""
SLACK = 2
"""By how much a supply may be dearer than the cheapest and still be taken now and then."""
REACH = 4
"""Most layers, and most numbers of values, between a place and those torn out with it."""


def reroute(schedule: Schedule, effort: int) -> None:
    """Lower the number of connections until ``effort`` prices have been looked at."""
    chance = random.Random(SEED)

    def choose(options: list[Option]) -> Supply:
        """Now and then, take a supply that is a little dearer on its own."""
        best = cheapest(options)
        if len(options) < 2 or chance.random() >= 0.2:
            return best
        most = min(option.price for option in options) + SLACK
        near = [option.supply for option in options if option.price <= most]
        return near[_below(chance, len(near))]

    idle = 0
    while schedule.prices_seen < effort and idle < PATIENCE + 2 * len(schedule.supplies):
        before = schedule.connections
        torn = _torn(schedule, chance)
        schedule.move(torn, _seeds(schedule, torn, chance), choose)
        idle = idle + 1 if schedule.connections == before else 0


def _torn(schedule: Schedule, chance: random.Random) -> list[Place]:
    """Return places to tear out: on a few layers, or around one, or anywhere; in some order."""
    places = list(schedule.supplies)
    kind, order = chance.random(), chance.random()
    if kind < 0.4:
        first = _below(chance, schedule.depth) + 1
        last = first + _below(chance, REACH + 2)
        torn = [p for p in places if first <= p[1] <= last and chance.random() < 0.8]
    elif kind < 0.8:
        value, layer = places[_below(chance, len(places))]
        reach = _below(chance, REACH) + 1
        torn = [p for p in places if abs(p[0] - value) <= reach and abs(p[1] - layer) <= reach]
    else:
        torn = [places[_below(chance, len(places))] for _ in range(_below(chance, 6) + 1)]
    keys = {place: chance.random() for place in torn}
    if order < 0.7:
        keys = {place: float(place[1] if order < 0.3 else -place[1]) for place in torn}
    return sorted(keys, key=keys.__getitem__)


def _seeds(schedule: Schedule, torn: list[Place], chance: random.Random) -> list[Place]:
    """Return now and then a place that one of those torn out could be computed from."""
    if not torn or chance.random() < 0.5:
        return []
    value, layer = torn[_below(chance, len(torn))]
    for _ in range(_below(chance, 3) + 1):
        rows = schedule.ways[value]
        sources = rows[_below(chance, len(rows))].sources
        if layer < 2 or not sources or 0 in sources:
            break
        value, layer = sources[_below(chance, len(sources))], layer - 1
    return [(value, layer)]


def _below(chance: random.Random, bound: int) -> int:
    return int(chance.random() * bound)
