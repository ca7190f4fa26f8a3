"""Which value stands on which layer, and how each is supplied; the cheapest supply of one more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sinrelu.layering.rewriting import NARROW
from sinrelu.network import Row

UNREACHABLE = 10**6
"""A price above that of every supply."""

Place = tuple[int, int]  # a value and a layer on which it stands
Ways = Sequence[tuple[Row, ...]]  # the rows that compute each value


class Supply(NamedTuple):
    """How a value comes to stand on a layer.

    Attributes
    ----------
    way : int
        Which of its rows is computed there; −1 if it is carried from the layer before.
    joins : tuple of int
        The layer on which each source is read: this one, or an earlier one by a sum of sources
        whose weights have the same sign, which is carried from there.
    """

    way: int
    joins: tuple[int, ...]


CARRY = Supply(-1, ())


class Option(NamedTuple):
    """A way to supply a value and its price, with all that has to stand for it."""

    price: int
    supply: Supply


Choice = Callable[[list[Option]], Supply]


def cheapest(options: list[Option]) -> Supply:
    """Return the supply of least price; without options, carry from where there may be some."""
    return min(options, key=lambda option: option.price, default=Option(0, CARRY)).supply


class Schedule:
    """The places on which values stand, each with its supply, up to the output on the last layer.

    For every place there is a price, the fewest connections for which the value could stand there,
    given all that stands: 0 where it does, else that of carrying it or of computing it from at most
    ``NARROW`` sources on the layer before, and these need a supply in turn (two that share one are
    charged for it twice). A wider row is computed where it is asked for, and nowhere else.
    """

    def __init__(self, ways: Ways, depth: int) -> None:
        self.ways, self.depth = ways, depth
        self.output = len(ways) - 1
        self.connections = 0
        self.prices_seen = 0
        self.supplies: dict[Place, Supply] = {}
        self.readers: defaultdict[Place, int] = defaultdict(int)
        self.readers[self.output, depth] = 1
        self._signs = [[by_sign(row) for row in rows] for rows in ways]
        self._narrow = [[row.sources for row in rows if _is_narrow(row)] for rows in ways]
        self._affected = _affected(self._narrow)
        self._first = [
            min(
                (len(row.sources) for row in rows if row.sources in ((), (0,))), default=UNREACHABLE
            )
            for rows in ways
        ]
        self._price = [[UNREACHABLE] * len(ways) for _ in range(depth + 1)]
        self._stale: list[set[int]] = [set() for _ in range(depth + 2)]
        self._stale[1].update(range(1, len(ways)))
        self._changes: list[tuple[Place, Supply, bool]] = []
        self._idle: list[Place] = []

    def reads(self, place: Place, supply: Supply) -> list[Place]:
        """Return the places that a supply reads."""
        value, layer = place
        if supply.way < 0:
            return [(value, layer - 1)]
        row = self.ways[value][supply.way]
        return [(s, at - 1) for s, at in zip(row.sources, supply.joins, strict=True) if s]

    def price(self, place: Place, supply: Supply) -> int:
        """Return the connections of a supply, those of its sums included."""
        value, layer = place
        if supply.way < 0:
            return 1
        waits = (
            layer - min(supply.joins[i] for i in sign) for sign in self._signs[value][supply.way]
        )
        return len(supply.joins) + sum(waits)

    def add(self, place: Place, supply: Supply) -> None:
        """Let a value stand on a layer."""
        self.supplies[place] = supply
        self.connections += self.price(place, supply)
        self._stale[place[1]].add(place[0])
        for read in self.reads(place, supply):
            self.readers[read] += 1

    def remove(self, place: Place) -> Supply:
        """Let a value no longer stand on a layer; what it read stays."""
        supply = self.supplies.pop(place)
        self.connections -= self.price(place, supply)
        self._stale[place[1]].add(place[0])
        for read in self.reads(place, supply):
            self.readers[read] -= 1
        return supply

    def move(self, places: Sequence[Place], seeds: Sequence[Place], choose: Choice) -> None:
        """Tear out what stands on these places and supply it anew, in this order.

        Beforehand, some more places are supplied, so that several of the others may come to share
        them: a price does not foresee that. Whatever is read by nobody in the end goes. If the
        result has more connections than before, all is left as it was.
        """
        before = self.connections
        self._changes.clear()
        self._idle.clear()
        for place in places:
            self._tear(place)
        torn = self.connections
        done = all(self._supplied(place, choose) for place in seeds)
        most = before + self.connections - torn
        self._idle += seeds
        for place in places:
            if self.readers[place]:
                done = done and self._supplied(place, choose) and self.connections <= most
        if not done or not self._tidied(before):
            self._undo()

    def _tear(self, place: Place) -> None:
        """Remove a place and all that only it has use of, but for wide rows: see ``_tidied``."""
        torn = [place]
        while torn:
            last = torn.pop()
            if last not in self.supplies:
                continue
            supply = self.remove(last)
            self._changes.append((last, supply, False))
            for read in self.reads(last, supply):
                if not self.readers[read] and read in self.supplies:
                    (self._idle if self._is_wide(read) else torn).append(read)

    def _is_wide(self, place: Place) -> bool:
        return len(self.supplies[place].joins) > NARROW

    def _supplied(self, place: Place, choose: Choice) -> bool:
        """Let a value stand on a layer; say whether it can."""
        wanted = [place]
        self._refresh()
        while wanted:
            last = wanted.pop()
            if last in self.supplies:
                continue
            if last[1] == 0:
                return False
            supply = choose(list(self._options(last)))
            self.add(last, supply)
            self._changes.append((last, supply, True))
            wanted += self.reads(last, supply)
        return True

    def _tidied(self, most: int) -> bool:
        """Remove what was kept and is not read; say if there are at most ``most`` connections."""
        while self._idle:
            place = self._idle.pop()
            if not self.readers[place]:
                self._tear(place)
        return self.connections <= most

    def _undo(self) -> None:
        for place, supply, added in reversed(self._changes):
            if added:
                self.remove(place)
            else:
                self.add(place, supply)

    def _options(self, place: Place) -> Iterator[Option]:
        value, layer = place
        if self._price[layer - 1][value] < UNREACHABLE:
            yield Option(1 + self._price[layer - 1][value], CARRY)
        for way, row in enumerate(self.ways[value]):
            if layer == 1 and row.sources in ((), (0,)):
                yield Option(len(row.sources), Supply(way, (1,) * len(row.sources)))
            elif layer > 1 and row.sources and row.sources != (0,):
                price, joins = self._gathered(value, way, layer)
                if price < UNREACHABLE:
                    yield Option(price, Supply(way, joins))

    def _gathered(self, value: int, way: int, layer: int) -> tuple[int, tuple[int, ...]]:
        """Return the least price of a row, and where its sources join the sums of their signs."""
        sources = self.ways[value][way].sources
        price, joins = len(sources), [layer] * len(sources)
        for sign in self._signs[value][way]:
            best, places = self._sum([sources[i] for i in sign], layer)
            price += best
            for i, at in zip(sign, places, strict=True):
                joins[i] = at
        return price, tuple(joins)

    def _sum(self, sources: list[int], layer: int) -> tuple[int, list[int]]:
        """Return the least price of a sum on a layer beyond its sources, and where they join it.

        A sum that starts s layers earlier costs s, and each source joins it where it is cheapest.
        """
        cheapest = [self._price[layer - 1][source] for source in sources]
        joins = [layer] * len(sources)
        best, best_joins = sum(cheapest), list(joins)
        start = layer
        while len(sources) > 1 and start > 2 and any(cheapest) and layer - start + 1 < best:
            start -= 1
            before = self._price[start - 1]
            for i, source in enumerate(sources):
                if before[source] < cheapest[i]:
                    cheapest[i], joins[i] = before[source], start
            price = layer - start + sum(cheapest)
            if price < best:
                best, best_joins = price, list(joins)
        return best, best_joins

    def _refresh(self) -> None:
        """Bring the prices up to date, layer by layer, as far as a change is felt."""
        for layer in range(1, self.depth + 1):
            stale = self._stale[layer]
            if not stale:
                continue
            here, before, above = self._price[layer], self._price[layer - 1], self._stale[layer + 1]
            self.prices_seen += len(stale)
            for value in stale:
                price = self._least(value, layer, before)
                if price != here[value]:
                    here[value] = price
                    above.update(self._affected[value])
            stale.clear()
        self._stale[self.depth + 1].clear()

    def _least(self, value: int, layer: int, before: list[int]) -> int:
        if (value, layer) in self.supplies:
            return 0
        if layer == 1:
            return self._first[value]
        best = before[value] + 1
        for sources in self._narrow[value]:
            price = len(sources)
            for source in sources:
                price += before[source]
            if price < best:  # noqa: PLR1730 - faster than min(), and here the time goes
                best = price
        return best if best < UNREACHABLE else UNREACHABLE


def by_sign(row: Row) -> list[list[int]]:
    """Return which sources of a row have positive weights, and which have negative ones."""
    positive = [i for i, weight in enumerate(row.weights) if weight > 0]
    negative = [i for i, weight in enumerate(row.weights) if weight < 0]
    return [sign for sign in (positive, negative) if sign]


def _is_narrow(row: Row) -> bool:
    return 0 < len(row.sources) <= NARROW and row.sources != (0,)


def _affected(narrow: list[list[tuple[int, ...]]]) -> list[tuple[int, ...]]:
    """Return the values whose prices depend on each value's on the layer before."""
    result = [{value} for value in range(len(narrow))]
    for value, rows in enumerate(narrow):
        for sources in rows:
            for source in sources:
                result[source].add(value)
    return [tuple(sorted(values)) for values in result]
