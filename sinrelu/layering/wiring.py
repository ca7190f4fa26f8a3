"""From a schedule to the rows of a layered network."""

from __future__ import annotations

from typing import NamedTuple

from sinrelu.layering.schedule import Place, Schedule, Supply
from sinrelu.network import Number, Row


class Gathered(NamedTuple):
    """The sum, on the way, of what a row on a later layer reads with weights of one sign."""

    row: Place
    sign: int


Held = int | Gathered  # what a unit of the layered network holds
Form = dict[Held, Number]


def wired(schedule: Schedule) -> list[Row]:
    """Return the rows, layer by layer, the output last."""
    layers: list[dict[Held, Form]] = [{} for _ in range(schedule.depth + 1)]
    biases: dict[tuple[Held, int], Number] = {}
    for place in sorted(schedule.supplies):
        supply = schedule.supplies[place]
        value, layer = place
        if supply.way < 0:
            layers[layer][value] = {value: 1.0}
            continue
        row = schedule.ways[value][supply.way]
        biases[place] = row.bias
        _compute(layers, place, row, supply)
    return _numbered(layers, biases)


def _compute(layers: list[dict[Held, Form]], place: Place, row: Row, supply: Supply) -> None:
    """Enter what a row reads, and what its sums read on the layers before."""
    value, layer = place
    form = layers[layer].setdefault(value, {})
    starts: dict[int, int] = {}
    for source, weight, join in zip(row.sources, row.weights, supply.joins, strict=True):
        sign = 1 if weight > 0 else -1
        if join == layer:
            form[source] = weight
            continue
        layers[join].setdefault(Gathered(place, sign), {})[source] = abs(weight)
        starts[sign] = min(join, starts.get(sign, join))
    for sign, start in starts.items():
        held = Gathered(place, sign)
        for later in range(start + 1, layer):
            layers[later].setdefault(held, {})[held] = 1.0
        form[held] = float(sign)


def _numbered(layers: list[dict[Held, Form]], biases: dict[tuple[Held, int], Number]) -> list[Row]:
    """Return the rows; on each layer what is computed comes first, and then what is carried."""
    result: list[Row] = []
    place: dict[Held, int] = {0: 0}
    for number, forms in enumerate(layers[1:], start=1):
        first = len(result) + 1
        computed = [held for held in forms if (held, number) in biases]
        waiting = [
            (min(place[source] for source in form), isinstance(held, Gathered), held)
            for held, form in forms.items()
            if (held, number) not in biases
        ]
        order = [*computed, *(held for _, _, held in sorted(waiting))]
        for held in order:
            edges = sorted((place[source], weight) for source, weight in forms[held].items())
            bias = biases.get((held, number), 0.0)
            result.append(Row(tuple(s for s, _ in edges), tuple(w for _, w in edges), bias))
        place = {held: first + index for index, held in enumerate(order)}
    return result
