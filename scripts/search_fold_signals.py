"""Search the schedules of fold_signals.json: which values to carry, which to redo.

    python scripts/search_fold_signals.py 13 19 --moves 4000000 --seed 1

searches the schedule for 13 folds with the cell on layer 19 and stores it if it needs fewer
connections than the one known. Simulated annealing over the sets of values on each layer, from
starts in which groups of gates are served from one checkpoint each. The result depends on the
arguments alone. It is an upper bound: nothing is proved about the least schedule.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from sinrelu.constructions.fold_reflect import fold_signals
from sinrelu.constructions.fold_reflect.fold_signals import (
    Schedule,
    gate_layer,
    needs,
    paired,
    sources,
)

STORE = Path(fold_signals.__file__).with_name("fold_signals.json")
MISSING = 30
"""Price of a value that cannot be had: more than it costs to fetch one from far away."""

FIRST = 2
"""Connections into a value of layer 1, from the folds of the range."""

Layers = list[set[str]]  # entry t: the values on layer t; entry 0 is empty
Group = tuple[int, int]  # gates first … last are served from z_first


def all_values(folds: int) -> list[str]:
    """Return every value that may stand on a layer."""
    kinds = [f"{kind}{k}" for k in range(folds) for kind in "zrl"]
    return [
        *kinds,
        *(f"{kind}{k}" for k in range(1, folds) for kind in "abp"),
    ]


def earliest(value: str) -> int:
    """Return the first layer on which a value can stand."""
    return int(value[1:]) + (value[0] in "zrl")


class Prices:
    """Connections into each layer; sets of values are bit masks, and what was priced is kept."""

    def __init__(self, folds: int, cell: int) -> None:
        self.values = all_values(folds)
        self.bit = {value: 1 << index for index, value in enumerate(self.values)}
        self.ways = [self._masks(value) for value in self.values]
        self.relevant = [_union(mask for mask, _ in ways) for ways in self.ways]
        self.known: list[dict[int, int]] = [{} for _ in self.values]
        self.needs: dict[int, list[tuple[bool, list[tuple[int, int]]]]] = {}
        for need in needs(folds, cell):
            known = [choice for choice in need.choices if choice <= self.bit.keys()]
            choices = [(self.mask(choice), len(choice)) for choice in known]
            self.needs.setdefault(need.layer, []).append((need.counted, choices))

    def mask(self, values: Iterable[str]) -> int:
        """Return a set of values as bits."""
        return _union(self.bit[value] for value in values)

    def _masks(self, value: str) -> list[tuple[int, int]]:
        forms = [way.terms for way in sources(value)]
        known = [terms for terms in forms if terms.keys() <= self.bit.keys()]
        return sorted(((self.mask(terms), len(terms)) for terms in known), key=lambda way: way[1])

    def layer(self, number: int, before: int, here: int) -> int:
        """Return what a layer costs, the gates that read it included."""
        total = FIRST * here.bit_count() if number == 1 else self._into(before, here)
        for counted, choices in self.needs.get(number, ()):
            total += min(
                (size * counted for mask, size in choices if not mask & ~here), default=MISSING
            )
        return total

    def _into(self, before: int, here: int) -> int:
        total = 0
        while here:
            low = here & -here
            index = low.bit_length() - 1
            here ^= low
            seen = before & self.relevant[index]
            known = self.known[index]
            if seen not in known:
                known[seen] = next((s for m, s in self.ways[index] if not m & ~seen), MISSING)
            total += known[seen]
        return total


def _union(masks: Iterable[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


class Annealing:
    """One run: a state, its price layer by layer, and moves."""

    def __init__(self, folds: int, cell: int, start: Layers, seed: int) -> None:
        self.prices = Prices(folds, cell)
        self.random = random.Random(seed)
        self.last = cell + folds - 2
        self.state = [self.prices.mask(values) for values in start]
        self.cost = [0] * (self.last + 1)
        self.cost[1:] = [self._price(layer) for layer in range(1, self.last + 1)]
        self.first = [earliest(value) for value in self.prices.values]
        self.relatives = self._relatives()

    def _relatives(self) -> list[list[int]]:
        """Return, for each value, those of the same fold and of the folds beside it."""
        fold = [int(value[1:]) for value in self.prices.values]
        return [[j for j, g in enumerate(fold) if abs(f - g) <= 1] for f in fold]

    def _price(self, layer: int) -> int:
        return self.prices.layer(layer, self.state[layer - 1], self.state[layer])

    def run(self, moves: int, hot: float, cold: float) -> list[int]:
        """Return the cheapest state seen that can be wired."""
        total = sum(self.cost)
        least, best = total, list(self.state)
        for move in range(moves):
            temperature = hot * (cold / hot) ** (move / moves)
            changes = self._propose()
            if not changes:
                continue
            old = self._apply(changes)
            change = sum(self.cost[layer] - price for layer, (_, price) in old.items())
            if change > 0 and self.random.random() >= math.exp(-change / temperature):
                for layer, (mask, price) in old.items():
                    self.state[layer], self.cost[layer] = mask, price
                continue
            total += change
            if total < least:
                least, best = total, list(self.state)
        return best

    def _apply(self, changes: dict[int, int]) -> dict[int, tuple[int, int]]:
        """Change layers and price them anew; return what they were."""
        touched = {layer for t in changes for layer in (t, t + 1) if layer <= self.last}
        old = {layer: (self.state[layer], self.cost[layer]) for layer in touched}
        for layer, mask in changes.items():
            self.state[layer] = mask
        for layer in touched:
            self.cost[layer] = self._price(layer)
        return old

    def _propose(self) -> dict[int, int]:
        """Add or drop a value on a run of layers, move it to a relative, or a diagonal of folds."""
        rng = self.random
        value = rng.randrange(len(self.first))
        start = rng.randint(self.first[value], max(self.first[value], self.last))
        length = 1
        while rng.random() < (0.85 if rng.random() < 0.25 else 0.5):
            length += 1
        add = not self.state[start] >> value & 1
        kind = rng.random()
        if kind < 0.45:
            layers = (
                range(start, max(0, start - length), -1)
                if kind < 0.22
                else range(start, start + length)
            )
            return self._set([(layer, value, add) for layer in layers])
        if kind < 0.75:
            other = rng.choice(self.relatives[value])
            shift = rng.choice((0, 0, 0, 0, -1, 1)) if kind < 0.6 else 0
            layers = range(start, start + length)
            return self._set(
                [(layer, value, add) for layer in layers]
                + [(layer + shift, other, not add) for layer in layers if other != value]
            )
        return self._set(self._diagonal(value, start, length, add))

    def _diagonal(
        self, value: int, start: int, length: int, add: bool
    ) -> list[tuple[int, int, bool]]:
        """Add or drop z and a part of its fold on successive layers for successive folds."""
        name = self.prices.values[value]
        result = []
        for step in range(length):
            fold = int(name[1:]) + step
            if f"z{fold}" not in self.prices.bit:
                break
            kinds = ("z", self.random.choice("rl")) if add else ("z", "r", "l")
            numbers = (self.prices.values.index(f"{kind}{fold}") for kind in kinds)
            result += [(start + step, number, add) for number in numbers]
        return result

    def _set(self, entries: list[tuple[int, int, bool]]) -> dict[int, int]:
        changes: dict[int, int] = {}
        for layer, value, present in entries:
            if self.first[value] <= layer <= self.last:
                mask = changes.get(layer, self.state[layer])
                changes[layer] = mask | 1 << value if present else mask & ~(1 << value)
        return {layer: mask for layer, mask in changes.items() if mask != self.state[layer]}


def starts(folds: int, cell: int) -> list[Layers]:
    """Return schedules in which z_0 is carried and groups of gates share a checkpoint.

    The checkpoints are kept from the first folding, but for the last groups before gate 0's, which
    are folded again from z_0. Those that cannot be wired are left out; the cheapest come first.
    """
    priced = []
    for sizes in compositions(folds - 1, 5):
        ends = [folds - 2 - sum(sizes[:i]) for i in range(len(sizes))]
        groups = [(end - size + 1, end) for size, end in zip(sizes, ends, strict=True)]
        for refolded in range(min(3, len(groups))):
            layers = grouped(folds, cell, groups, refolded)
            price = sum(Annealing(folds, cell, layers, 0).cost)
            if price < MISSING * folds:
                priced.append((price, layers))
    priced.sort(key=lambda entry: entry[0])
    return [layers for _, layers in priced]


def compositions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Yield the ways to write a number as an ordered sum of parts up to ``largest``."""
    if total == 0:
        yield ()
    for part in range(1, min(total, largest) + 1):
        for rest in compositions(total - part, largest):
            yield (part, *rest)


def grouped(folds: int, cell: int, groups: list[Group], refolded: int) -> Layers:
    """Write a start: the last group holds z_0, the ``refolded`` before it start from z_0."""
    layers: Layers = [set() for _ in range(cell + folds + 9)]
    layers[1] |= {"z0", "r0"}
    last = folds - 1
    for k in range(1, folds):
        layers[k + 1] |= {f"z{k}", f"l{k}" if k == last else f"r{k}"}
    hold(layers, f"z{last}", folds + 1, cell)
    hold(layers, f"l{last}", folds + 1, cell - 1)
    hold(layers, "z0", 2, cell + folds - 4)
    for index, group in enumerate(groups):
        kept = not len(groups) - 1 - refolded <= index < len(groups) - 1
        serve(layers, group, lambda k: gate_layer(folds, cell, k), kept)
    return layers[: cell + folds - 1]


def serve(layers: Layers, group: Group, due: Callable[[int], int], kept: bool) -> None:
    """Serve gates from z_first, kept from the first folding or folded again from z_0."""
    first, last = group
    steps = max(last - 1 - first, 0)
    start = due(last) - 1 - steps
    begin = max(first + 1, 2) if kept else start - (last > first)
    if not kept:
        for step in range(first):
            layers[begin - first + step] |= {f"z{step}", f"r{step}"}
    for step in range(steps):
        layers[start + step] |= {f"z{first + step}", f"r{first + step}"}
    if last > first:
        layers[due(last) - 1].add(f"z{last - 1}")
        layers[due(last)] |= {f"a{last}", f"b{last}"}
    for k in range(first, last):
        hold(layers, f"z{k}", begin if k == first else start + k - first, due(k) - 1)
        layers[due(k)].add(f"r{k}")
    if last == first:
        hold(layers, f"z{first}", begin, due(first) - 1)
        layers[due(first)].add(f"r{first}")


def hold(layers: Layers, value: str, begin: int, end: int) -> None:
    """Let a value stand on a run of layers."""
    for layer in range(begin, end + 1):
        layers[layer].add(value)


def search(folds: int, cell: int, moves: int, seed: int, tries: int) -> Schedule:
    """Anneal from the cheapest starts and return the best schedule met."""
    beginnings = starts(folds, cell)[:tries] if folds > 2 else [plain(folds, cell)]
    found = [paired(folds, cell)]
    for number, start in enumerate(beginnings):
        annealing = Annealing(folds, cell, start, seed + number)
        state = annealing.run(moves, 0.5, 0.15)
        values = annealing.prices.values
        layers = [frozenset(v for i, v in enumerate(values) if mask >> i & 1) for mask in state[1:]]
        found.append(Schedule(folds, cell, tuple(layers)))
        print(f"folds {folds}, cell {cell}, start {number}: {found[-1].connections}", flush=True)
    return min(found, key=lambda schedule: schedule.connections)


def plain(folds: int, cell: int) -> Layers:
    """Return the start for two folds, where nothing can be shared."""
    return [set(), *map(set, paired(folds, cell).layers)]


def store(schedule: Schedule) -> None:
    """Keep a schedule if it needs fewer connections than the one known."""
    if schedule.connections >= fold_signals.schedule(schedule.folds, schedule.cell).connections:
        return
    data = json.loads(STORE.read_text("utf-8"))
    data[f"{schedule.folds} {schedule.cell}"] = [
        " ".join(sorted(values)) for values in schedule.layers
    ]
    lines = []
    for key in sorted(data, key=lambda key: tuple(map(int, key.split()))):
        layers = ",\n".join(f"    {json.dumps(layer)}" for layer in data[key])
        lines.append(f'  "{key}": [\n{layers}\n  ]')
    STORE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folds", type=int)
    parser.add_argument("cell", type=int)
    parser.add_argument("--moves", type=int, default=3_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=2)
    options = parser.parse_args()
    schedule = search(options.folds, options.cell, options.moves, options.seed, options.tries)
    print(
        f"{schedule.connections} connections; known: "
        f"{fold_signals.schedule(options.folds, options.cell).connections}"
    )
    store(schedule)


if __name__ == "__main__":
    main()
