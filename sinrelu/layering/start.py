"""Schedules to begin with: each value computed once, as early as possible, carried and gathered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sinrelu.layering.schedule import CARRY, Schedule, Supply, Ways
from sinrelu.network import Row


def earliest_ways(ways: Ways) -> list[int]:
    """Return, for each value, the first of its ways that lets it stand earliest."""
    levels, chosen = [0], [0]
    for rows in ways[1:]:
        here = [_level(row, levels) for row in rows]
        levels.append(min(here))
        chosen.append(here.index(min(here)))
    return chosen


def scheduled(ways: Ways, chosen: Sequence[int]) -> Schedule:
    """Compute each value in the chosen way, carry it while several rows wait, and gather it then.

    While several rows still wait for a value it is carried alone. Once a single row waits, it joins
    the sum of what that row reads with weights of the same sign.
    """
    rows = [Row((), (), 0.0), *(ways[v][way] for v, way in enumerate(chosen) if v)]
    levels = [0]
    for row in rows[1:]:
        levels.append(_level(row, levels))
    readers = _readers(rows)
    schedule = Schedule(ways, levels[-1])
    joins = {
        (source, reader): layer
        for source in readers
        for reader, layer in _joins(levels[source], {r: levels[r] for r in readers[source]}).items()
    }
    for value in (*readers, schedule.output):
        sources = rows[value].sources
        supply = Supply(chosen[value], tuple(joins.get((s, value), 1) for s in sources))
        schedule.add((value, levels[value]), supply)
        last = max((joins[value, reader] for reader in readers.get(value, ())), default=0)
        for layer in range(levels[value] + 1, last):
            schedule.add((value, layer), CARRY)
    return schedule


def _level(row: Row, levels: Sequence[int]) -> int:
    return 1 + max((levels[source] for source in row.sources), default=0)


def _readers(rows: list[Row]) -> dict[int, list[int]]:
    """Return the rows that read each unit that the last row depends on."""
    result: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(rows) - 1, 0, -1):
        if number == len(rows) - 1 or number in result:
            for source in rows[number].sources:
                if source:
                    result[source].append(number)
    return dict(sorted(result.items()))


def _joins(level: int, readers: dict[int, int]) -> dict[int, int]:
    """Return on which layer each row reads a value, given the rows' layers and the value's."""
    [*others, last] = sorted(readers.values())
    alone = max([level, *(layer - 1 for layer in others)]) + 1
    return {
        reader: min(layer, alone) if layer == last else layer for reader, layer in readers.items()
    }
