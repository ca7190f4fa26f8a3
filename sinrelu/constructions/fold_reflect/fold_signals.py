"""How fold signals reach their gates in layered wiring: carried, or computed again just in time.

A network that folds first and unfolds last needs the signals in the opposite order of their making.
With layered wiring a signal that waits costs one connection a layer, so it can be cheaper to carry
a few values only and to fold them again: the checkpoints of Griewank's treeverse ("Achieving
logarithmic growth of temporal and spatial complexity in reverse automatic differentiation",
Optimization Methods and Software 1, 1992), with a price per layer.

A value is named by a letter and the number of its fold, whose pivot is τ_k = π/2^(k+1):

    z_0   what is folded, in [0, π]     z_k   z_0 folded at τ_0, …, τ_(k−1)
    r_k   relu(z_k − τ_k)               l_k   relu(τ_k − z_k)
    a_k   relu(τ_k − z_(k−1))           b_k   relu(z_(k−1) − 3τ_k), so l_k = a_k + b_k
    p_k   relu(z_(k−1) − τ_k)

A schedule says which values stand on each layer; what each unit reads follows: the fewest values of
the layer before that give it. With four folds and the last cell on layer 6:

    layer        1    2    3    4    5    6    7      8
    folding      z0   z1   z2   z3   z3   z3             the last cell reads z3 and l3
                 r0   r1   r2   l3   l3
    checkpoints       z0   z0   z0   z0   z0   z0        carried, one connection a layer
                                z2   z2
    computed again                        r2   a1,b1  r0
    gate                                  2    1      0  each reads what shuts it

Here r2 comes from the z2 that was carried, a1 and b1 (for gate 1) and r0 from z0.
The schedules of ``fold_signals.json`` were found by scripts/search_fold_signals.py; they are
checked when they are used.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

from sinrelu.circuit import Affine, Real, relu
from sinrelu.errors import GraphError

HALF = Fraction(1, 2)
PARTS: Mapping[str, tuple[int, Fraction | int]]
PARTS = {"r": (1, 1), "l": (-1, 1), "a": (-1, HALF), "b": (1, 3 * HALF), "p": (1, HALF)}
"""Each is relu(±(z − c·τ)), z and τ being those of the fold ``scale_of``: the sign, and c."""


class Sum(NamedTuple):
    """``constant·τ_k + Σ coefficient · value`` for the fold k that it belongs to."""

    constant: Fraction | int
    terms: Mapping[str, int]


class GatingSignal(NamedTuple):
    """What shuts gate k: 0 where it is alive and at least |z_k − τ_k| where it is dead."""

    right: bool  # whether it is z_k > τ_k that is dead
    signal: Sum


def folded(k: int) -> Iterator[Sum]:
    """Yield the ways to read z_k from other values."""
    yield Sum(0, {f"z{k}": 1})
    yield Sum(1, {f"r{k}": 1, f"l{k}": -1})
    yield Sum(0, {f"z{k + 1}": 1, f"r{k}": 2})
    yield Sum(2, {f"z{k + 1}": -1, f"l{k}": -2})
    if k > 0:
        yield Sum(0, {f"z{k - 1}": 1, f"r{k - 1}": -2})
        yield Sum(4, {f"z{k - 1}": -1, f"l{k - 1}": -2})
        yield Sum(2, {f"r{k - 1}": -1, f"l{k - 1}": -1})
    if k > 1:
        z, r, left = f"z{k - 2}", f"r{k - 2}", f"l{k - 2}"
        a, b, p = f"a{k - 1}", f"b{k - 1}", f"p{k - 1}"
        yield Sum(0, {z: 1, p: -2, r: 2, b: -2})
        yield Sum(4, {z: -1, a: -2, r: 2, b: -2})
        yield Sum(-8, {z: 3, p: -2, left: 2, b: -2})
        yield Sum(-4, {z: 1, a: -2, left: 2, b: -2})


@cache
def sources(value: str) -> tuple[Sum, ...]:
    """Return what a unit can read to hold a value: forms whose positive part it is."""
    kind, k = value[0], int(value[1:])
    if kind == "z":
        return tuple(folded(k))
    carry = Sum(0, {value: 1})
    split = (Sum(0, {f"a{k}": 1, f"b{k}": 1}),) if kind == "l" else ()
    sign, offset = PARTS[kind]
    shifted = (
        Sum(sign * constant - sign * offset, {read: sign * c for read, c in terms.items()})
        for constant, terms in folded(scale_of(value))
    )
    return (carry, *split, *shifted)


def scale_of(value: str) -> int:
    """Return the fold whose pivot is the unit of the constants in ``sources``."""
    return int(value[1:]) - (value[0] in "abp")


@cache
def gating_signals(k: int) -> tuple[GatingSignal, ...]:
    """Return what gate k can read to be shut on one side of its fold."""
    z, r, left, a, b, folds = f"z{k}", f"r{k}", f"l{k}", f"a{k}", f"b{k}", f"z{k + 1}"
    return (
        GatingSignal(True, Sum(0, {r: 1})),
        GatingSignal(False, Sum(0, {left: 1})),
        GatingSignal(False, Sum(0, {a: 1, b: 1})),
        GatingSignal(True, Sum(-1, {z: 1, left: 1})),
        GatingSignal(False, Sum(1, {z: -1, r: 1})),
        GatingSignal(True, Sum(0, {z: 1, folds: -1})),
        GatingSignal(False, Sum(2, {z: -1, folds: -1})),
        GatingSignal(True, Sum(1, {left: -1, folds: -1})),
        GatingSignal(False, Sum(1, {r: -1, folds: -1})),
    )


class Need(NamedTuple):
    """One of ``choices`` must stand on a layer; ``counted``: reading it is part of the price."""

    layer: int
    choices: tuple[frozenset[str], ...]
    counted: bool


def needs(folds: int, cell: int) -> Iterator[Need]:
    """Yield what the rest of the network reads when U and f stand on layer ``cell``."""
    last = folds - 1
    z, r, left = f"z{last}", f"r{last}", f"l{last}"
    pairs = (frozenset({z, left}), frozenset({z, r}), frozenset({left, r}))
    yield Need(folds, pairs, False)
    yield Need(cell - 1, (frozenset({left}),), False)
    yield Need(cell, (frozenset({z}),), False)
    for k in range(last):
        choices = tuple(frozenset(gating.signal.terms) for gating in gating_signals(k))
        yield Need(gate_layer(folds, cell, k), choices, True)


def gate_layer(folds: int, cell: int, k: int) -> int:
    """Return the layer on which gate k's gating signal stands, right before the gate's own."""
    return cell + folds - 2 - k


@dataclass(frozen=True)
class Schedule:
    """Which values stand on layers 1, 2, …, cell + n − 2; the cell's square stands on ``cell``.

    The signals of folds 0 … n−2, n ≥ 2, go to gates, that of fold n−1 to the last cell.
    """

    folds: int
    cell: int
    layers: tuple[frozenset[str], ...]

    @cached_property
    def connections(self) -> int:
        """Connections into the values from layer 2 on, and from them to the gates.

        GraphError if a value cannot be had from the layer before, or a gate lacks its signal.
        """
        steps = pairwise(self.layers)
        ways = (cheapest(sources(value), before) for before, here in steps for value in here)
        read = sum(len(way.terms) for way in ways)
        return read + sum(self._price(need) for need in needs(self.folds, self.cell))

    def _price(self, need: Need) -> int:
        held = self.layers[need.layer - 1]
        if not (prices := [len(choice) for choice in need.choices if choice <= held]):
            raise GraphError(f"schedule: layer {need.layer} lacks {sorted(need.choices[0])}")
        return min(prices) if need.counted else 0

    def wires(self, first: Mapping[str, Affine], pivots: Sequence[Real]) -> list[dict[str, Affine]]:
        """Write all units; entry t maps the values on layer t to their wires, entry 0 is empty.

        ``first`` has forms whose positive parts are z_0 and r_0; the pivots are τ_0, τ_1, ….
        """
        held = {value: relu(form) for value, form in first.items() if value in self.layers[0]}
        result: list[dict[str, Affine]] = [{}, held]
        for values in self.layers[1:]:
            ways = {value: cheapest(sources(value), held) for value in sorted(values)}
            held = {v: relu(form(way, held, pivots[scale_of(v)])) for v, way in ways.items()}
            result.append(held)
        return result

    def gating_signal(self, k: int) -> GatingSignal:
        """Return what gate k reads."""
        held = self.layers[gate_layer(self.folds, self.cell, k) - 1]
        ready = [gating for gating in gating_signals(k) if gating.signal.terms.keys() <= held]
        return min(ready, key=lambda gating: len(gating.signal.terms))


def cheapest(ways: Iterable[Sum], held: Iterable[str]) -> Sum:
    """Return the way that reads the fewest of the values held."""
    held = frozenset(held)
    if not (ready := [way for way in ways if way.terms.keys() <= held]):
        raise GraphError(f"schedule: nothing to read among {sorted(held)}")
    return min(ready, key=lambda way: len(way.terms))


def form(way: Sum, wires: Mapping[str, Affine], pivot: Real) -> Affine:
    """Write a sum as an affine form over wires."""
    [circuit] = {wires[value].circuit for value in way.terms}
    constant = circuit.constant(circuit.number(way.constant) * pivot)
    return sum((coefficient * wires[value] for value, coefficient in way.terms.items()), constant)


@cache
def schedule(folds: int, cell: int) -> Schedule:
    """Return the schedule of fewest connections that is known: stored, stretched or paired."""
    if (stored := _stored().get(f"{folds} {cell}")) is not None:
        return Schedule(folds, cell, tuple(frozenset(layer.split()) for layer in stored))
    plain = paired(folds, cell)
    if cell < folds + 3:
        return plain
    return min(plain, stretched(schedule(folds, cell - 1)), key=lambda found: found.connections)


@cache
def _stored() -> Mapping[str, Sequence[str]]:
    text = resources.files(__package__).joinpath("fold_signals.json").read_text("utf-8")
    return dict(json.loads(text))


def stretched(shorter: Schedule) -> Schedule:
    """Return a schedule for a cell one layer later: between folding and cell a layer is doubled."""
    layers = shorter.layers
    at = min(range(shorter.folds, shorter.cell - 1), key=lambda t: len(layers[t - 1]))
    return Schedule(shorter.folds, shorter.cell + 1, (*layers[:at], *layers[at - 1 :]))


def paired(folds: int, cell: int) -> Schedule:
    """Return a plain schedule: z_(k−1) is carried, and serves gates k and k−1."""
    last = folds - 1
    layers: list[set[str]] = [set() for _ in range(cell + folds - 1)]
    for k in range(last):
        layers[k + 1] |= {f"z{k}", f"r{k}"}
    for layer in range(folds, cell + 1):
        layers[layer].add(f"z{last}")
    for layer in (folds, cell - 1):
        layers[layer].add(f"l{last}")
    for k in range(last - 1, -1, -2):  # gates k and k−1; at last, of an odd number, gate 0 alone
        base, due = max(k - 1, 0), gate_layer(folds, cell, k)
        for layer in range(max(base + 1, 2), due + (k > 0)):
            layers[layer].add(f"z{base}")
        if k:
            layers[due] |= {f"a{k}", f"b{k}"}
        layers[due + (k > 0)].add(f"r{base}")
    return Schedule(folds, cell, tuple(map(frozenset, layers[1:])))
