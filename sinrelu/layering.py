"""From skip wiring to layered wiring: an equal network in which units read the layer before.

A value that is read further down has to be carried there by units relu(v) = v, one connection a
layer; this works because a unit's value is never negative. While several rows still wait for a
value it is carried alone. Once a single row waits, the value is gathered: what that row reads with
positive weights is summed on the way, what it reads with negative weights likewise, and only the
two sums are carried. The input may be negative, so it is carried as relu(x) and relu(−x).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from sinrelu.network import Network, Row, without_dead_units

POSITIVE_HALF = Row((0,), (1.0,), 0.0)
NEGATIVE_HALF = Row((0,), (-1.0,), 0.0)


class Gathered(NamedTuple):
    """The part of a later row's form that is summed on the way: |weights| of one sign."""

    row: int
    sign: int


Value = int | Gathered  # what a unit of the layered network holds: a skip unit's value, or a sum
Form = dict[Value, float]


def layered(network: Network) -> Network:
    """Return a layered network that is equal to ``network`` as a function of every real x.

    Every weight of the result is ±1, a weight of ``network`` up to its sign, or an exact sum of
    two, so nothing is rounded. The units of a network that is already layered are numbered layer
    by layer, and nothing else is done to it.
    """
    if not network.skip_connections:
        return by_layer(network)
    rows = without_dead_units(list(network.rows()))
    candidates = (without_dead_units(split_input(form)) for form in (rows, shallower(rows)))
    networks = (Network.from_rows(_Carrier(form).layers(), network.meta) for form in candidates)
    return min(networks, key=lambda network: network.connections)


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


def shallower(rows: list[Row]) -> list[Row]:
    """Let relu(relu(f) − t), t ≥ 0, read what f reads, as it equals relu(f − t): a layer less.

    This is so for the units of a fold, where f reads two units. Left alone is a form of more, for
    it is gathered on the way to a single reader, and where the two biases do not add exactly.
    """
    result: list[Row] = []
    for row in rows[:-1]:
        [source, *others] = row.sources or (0,)
        inner = result[source - 1] if source and not others else None
        if inner is None or len(inner.sources) > 2 or row.weights != (1.0,) or row.bias > 0:
            result.append(row)
            continue
        bias = inner.bias + row.bias
        exact = Fraction(inner.bias) + Fraction(row.bias) == bias
        result.append(inner._replace(bias=bias) if exact else row)
    return [*result, rows[-1]]


def split_input(rows: list[Row]) -> list[Row]:
    """Let only units of level 1 read the input: later rows read relu(x) and relu(−x) instead.

    Existing units relu(±x) serve for the halves where the weights that meet add exactly.
    """
    shifted = [row._replace(sources=tuple(s + 2 if s else 0 for s in row.sources)) for row in rows]
    first_level = [POSITIVE_HALF, NEGATIVE_HALF]
    same = {
        number: 1 + first_level.index(row)
        for number, row in enumerate(shifted[:-1], start=3)
        if row in first_level
    }
    later = [_read_halves(row, same) for row in shifted]
    if None in later:
        later = [_read_halves(row, {}) for row in shifted]
    return [*first_level, *(row for row in later if row is not None)]


def _read_halves(row: Row, same: Mapping[int, int]) -> Row | None:
    """Replace w·x by w·relu(x) − w·relu(−x); None where two weights do not add exactly."""
    if row.sources == (0,):
        return row
    weights: defaultdict[int, Fraction] = defaultdict(Fraction)
    for source, weight in zip(row.sources, row.weights, strict=True):
        if source == 0:
            weights[1] += Fraction(weight)
            weights[2] -= Fraction(weight)
        else:
            weights[same.get(source, source)] += Fraction(weight)
    if not all(_fits(weight) for weight in weights.values()):
        return None
    edges = sorted((source, float(weight)) for source, weight in weights.items() if weight)
    return Row(tuple(s for s, _ in edges), tuple(w for _, w in edges), row.bias)


def _fits(number: Fraction) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


class _Carrier:
    """Lays the rows of a skip graph out in layers, as early as possible, and carries values."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.levels = Network.from_rows(rows).levels.tolist()
        self.depth: int = self.levels[-1]
        self.readers: defaultdict[int, dict[int, float]] = defaultdict(dict)
        for number, row in enumerate(rows, start=1):
            for source, weight in zip(row.sources, row.weights, strict=True):
                self.readers[source][number] = weight

    def layers(self) -> list[Row]:
        """Return the rows of the layered network, layer by layer, the output last."""
        result: list[Row] = []
        place: dict[Value, int] = {0: 0}
        for level in range(1, self.depth + 1):
            forms = self._forms(place, level)
            first = len(result) + 1
            result += [self._row(value, form, place) for value, form in forms.items()]
            place = {value: first + index for index, value in enumerate(forms)}
        return result

    def _forms(self, held: Mapping[Value, int], level: int) -> dict[Value, Form]:
        """Return what each unit of a layer reads, given the values held on the layer before."""
        forms: defaultdict[Value, Form] = defaultdict(dict)
        for number, row_level in enumerate(self.levels[1:], start=1):
            if row_level == level:
                forms[number] = {}
        for value in held:
            for target, weight in self._destinations(value, level):
                forms[target][value] = weight
        return dict(forms)

    def _destinations(self, value: Value, level: int) -> list[tuple[Value, float]]:
        """Return which units on ``level`` read a value of the layer before, with what weights."""
        if isinstance(value, Gathered):
            due = self.levels[value.row] == level
            return [(value.row, float(value.sign)) if due else (value, 1.0)]
        due_now = [(r, w) for r, w in self.readers[value].items() if self.levels[r] == level]
        waiting = [(r, w) for r, w in self.readers[value].items() if self.levels[r] > level]
        if len(waiting) == 1:
            [(row, weight)] = waiting
            return [*due_now, (Gathered(row, 1 if weight > 0 else -1), abs(weight))]
        return [*due_now, (value, 1.0)] if waiting else list(due_now)

    def _row(self, value: Value, form: Form, place: Mapping[Value, int]) -> Row:
        edges = sorted((place[source], weight) for source, weight in form.items())
        return Row(
            tuple(source for source, _ in edges),
            tuple(weight for _, weight in edges),
            self.rows[value - 1].bias if isinstance(value, int) and value not in form else 0.0,
        )
