"""From skip wiring to layered wiring: an equal network in which units read the layer before.

A value that is read further down must stand on every layer in between. While several rows wait for
it, it is carried, by units relu(v) = v: one connection a layer, as a unit's value is never
negative. Once a single row waits, the value is gathered: what that row reads with positive weights
is summed on the way, what it reads with negative weights likewise, and only the sums are carried.
Here s reads a, and r = relu(a + b + 2c − 3d):

    layer 1        2            3            4

          a ────── a ─────┬──── s
                          │
          b ──┐           └─┐
          c ──┴── b + 2c ───┴ a + b + 2c ──┐
                                           ├── r
          d ────── 3d ─────── 3d ──────────┘

The input may be negative, so it is carried as relu(x) and relu(−x).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from sinrelu.network import Network, Number, Row, fits_float64, reordered, without_dead_units

HALVES = [Row((0,), (1.0,), 0.0), Row((0,), (-1.0,), 0.0)]


def layered(network: Network) -> Network:
    """Return a layered network that is equal to ``network`` as a function of every real x.

    Every weight of the result is ±1, a weight of ``network`` up to its sign, or an exact sum of
    two, so nothing is rounded. The units of a network that is already layered are numbered layer by
    layer, and nothing else is done to it.

    Each value is computed once, as early as possible, with ``shallower`` rows where this takes no
    more connections. Fewer connections may do: some values are cheaper to compute again than to
    carry.
    """
    if not network.skip_connections:
        return by_layer(network)
    rows, multiprecision = without_dead_units(network.rows), network.multiprecision
    results = [
        Network(tuple(_carried(split_input(choice, multiprecision))), network.meta)
        for choice in (shallower(rows, multiprecision), rows)
    ]
    return min(results, key=lambda result: result.connections)


def by_layer(network: Network) -> Network:
    """Renumber the units layer by layer, in their order within a layer."""
    levels = network.levels
    units = sorted(range(1, network.units + 1), key=lambda unit: levels[unit])
    if units == sorted(units):
        return network
    return Network(tuple(reordered(network.rows, [*units, len(network.rows)])), network.meta)


def shallower(rows: Sequence[Row], multiprecision: bool = False) -> list[Row]:
    """Let relu(relu(f) − t), t ≥ 0, read what f reads, as it equals relu(f − t): a layer less.

    This is so for the units of a fold, where f reads two units. Left alone is a form of more, for
    it is gathered on the way to a single reader, and, without ``multiprecision``, where a float64
    does not hold the sum of the two biases.
    """
    result: list[Row] = []
    for row in rows[:-1]:
        [source, *others] = row.sources or (0,)
        inner = result[source - 1] if source and not others else None
        if inner is None or len(inner.sources) > 2 or row.weights != (1.0,) or row.bias > 0:
            result.append(row)
            continue
        bias = Fraction(inner.bias) + Fraction(row.bias)
        result.append(inner._replace(bias=bias) if multiprecision or fits_float64(bias) else row)
    return [*result, rows[-1]]


def split_input(rows: Sequence[Row], multiprecision: bool = False) -> list[Row]:
    """Let only units of level 1 read the input: later rows read relu(x) and relu(−x) instead.

    Existing units relu(±x) serve for the halves where the sums of the weights that meet are
    float64 numbers, or with ``multiprecision``.
    """
    shifted = [row._replace(sources=tuple(s + 2 if s else 0 for s in row.sources)) for row in rows]
    units = enumerate(shifted[:-1], start=3)
    same = {number: 1 + HALVES.index(row) for number, row in units if row in HALVES}
    shared = [_read_halves(row, same) for row in shifted]
    held = (fits_float64(Fraction(weight)) for row in shared for weight in row.weights)
    if not (multiprecision or all(held)):
        shared = [_read_halves(row, {}) for row in shifted]
    return [*HALVES, *shared]


def _read_halves(row: Row, same: Mapping[int, int]) -> Row:
    """Replace w·x by w·relu(x) − w·relu(−x), and units by those that are the same."""
    if row.sources == (0,):
        return row
    weights: defaultdict[int, Fraction] = defaultdict(Fraction)
    for source, weight in row.edges:
        if source == 0:
            weights[1] += Fraction(weight)
            weights[2] -= Fraction(weight)
        else:
            weights[same.get(source, source)] += Fraction(weight)
    return Row.of(weights.items(), row.bias)


class Held(NamedTuple):
    """What a unit of the layered network holds: the value of a row, or a sum that the row awaits.

    ``row`` is its number before, ``sign`` 0 for its value, ±1 for the sum of what it reads with
    weights of this sign.
    """

    row: int
    sign: int = 0


Layer = dict[Held, dict[Held, Number]]
"""The affine forms of a layer's units over what those of the layer before hold."""


def _carried(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the layered network; ``rows`` read the input on level 1 only."""
    rows = without_dead_units(rows)
    levels = Network(tuple(rows)).levels
    alone = _alone(rows, levels)
    layers: list[Layer] = [{} for _ in range(levels[-1] + 1)]
    for number, row in enumerate(rows, start=1):
        here = levels[number]
        form = layers[here].setdefault(Held(number), {})
        for source, weight in row.edges:
            joined = min(alone[source], here)
            if joined == here:
                form[Held(source)] = weight
                continue
            held = Held(number, 1 if weight > 0 else -1)
            layers[joined].setdefault(held, {})[Held(source)] = abs(weight)
            for layer in layers[joined + 1 : here]:
                layer.setdefault(held, {})[held] = 1.0
            form[held] = float(held.sign)
        for layer in layers[here + 1 : alone[number]]:
            layer[Held(number)] = {Held(number): 1.0}
    return _numbered(rows, layers[1:])


def _alone(rows: Sequence[Row], levels: Sequence[int]) -> list[int]:
    """Return, for each source, the first layer behind it on which one row at most waits for it."""
    readers: list[list[int]] = [[] for _ in levels]
    for row, level in zip(rows, levels[1:], strict=True):
        for source in row.sources:
            readers[source].append(level)
    return [
        max([level + 1, *sorted(waiting)[:-1]])
        for level, waiting in zip(levels, readers, strict=True)
    ]


def _numbered(rows: Sequence[Row], layers: Sequence[Layer]) -> list[Row]:
    """Return the rows; on each layer what is computed comes first, and then what is carried."""
    result: list[Row] = []
    place = {Held(0): 0}
    for layer in layers:
        computed = [held for held in layer if not held.sign and held not in place]
        carried = [
            (min(place[source] for source in form), held.sign != 0, held)
            for held, form in layer.items()
            if held not in computed
        ]
        order = [*computed, *(held for _, _, held in sorted(carried))]
        for held in order:
            bias = rows[held.row - 1].bias if held in computed else 0.0
            result.append(Row.of(((place[s], w) for s, w in layer[held].items()), bias))
        place = {held: number for number, held in enumerate(order, len(result) - len(order) + 1)}
    return result
