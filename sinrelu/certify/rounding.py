"""The trusted part: a bound of |fl(N)(x) − N(x)| for every float x and every order of summation.

``docs/float64.md`` states the theorem with its proof, and its sections are named here. A network is
prepared once, by ``Rounding.of``. For each block of consecutive cells ``begin`` is called, then
``take`` for every form in its order, with values and radii as ``sinrelu.certify.bound`` proves
them, and then ``evaluation_error``, which is for all floats of the block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.double_double import MAX_TERMS, U
from sinrelu.arithmetic.lanes import fill, lanes, largest, least
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify.floats import (
    BINARY64,
    Format,
    inner_size,
    last_bit,
    product,
    rounded,
    spacing,
)
from sinrelu.certify.sweep import Signs, Sweep, effect_at_nodes, effect_in_cells, memory_of
from sinrelu.certify.windows import SIZES, TINY, UP, Terms, Windows, reach
from sinrelu.network import Network
from sinrelu.steps import Steps

CELLS = 2**12
"""Cells of a block, at most: few enough for a core's cache. Bounds of the error do not depend on
it; those of evaluation do, as a block shares its radii."""
HELD = 2**22
"""Cells of a block times forms, or values held at a time, at most; likewise points of a sweep times
slots and sets."""
SWEPT = 2**12
"""Points of a sweep, at most."""
UNDECIDED = 4
"""How many times the work of its cells a block may need where units are undecided."""
CLOSE = 0.9
"""Where the effect in cells is more than this part of R, nodes are not worth their sweeps."""
TABULATED = 2**20
"""Entries of all windows, at most, but for those of no unit."""


class Entry(NamedTuple):
    """How the forms of a network read its input, where that is a value at a bottleneck.

    Form i reads it by the products numbered from first[i−1] to before first[i]: multiples of 2^grid
    from −minus to plus, which are exact where ``power``. ``first`` is empty if the input is a
    float. Section 11.
    """

    first: IntArray
    plus: FloatArray
    minus: FloatArray
    grid: IntArray
    power: BoolArray

    @classmethod
    def plain(cls) -> Entry:
        """Return what stands for an input that is a float."""
        none, integers = np.zeros(0), np.zeros(0, np.int64)
        return cls(integers, none, none, integers, np.zeros(0, np.bool_))


class Tables(NamedTuple):
    """What kernels know of a network beside its steps; terms and steps are counted as there.

    ``bits`` and ``bias_bits`` are the last bits of weights and biases, and readers[i] is how often
    wire i is read. Where nothing is ``claimed``, the rest is not looked at.
    """

    claimed: bool
    entry: Entry
    format: Format
    bits: IntArray
    bias_bits: IntArray
    readers: IntArray
    windows: Windows


class State(NamedTuple):
    """What is known of the forms of a block so far; row 0 stands for the input.

    ``radii`` are the R and ``local`` the D of section 6. Computed values of a unit are multiples of
    2^grid from −below to above. ``open`` marks nodes that need a sweep of their own, and ``seen``
    those where some unit is undecided.
    """

    shown: BoolArray
    radii: FloatArray
    local: FloatArray
    above: FloatArray
    below: FloatArray
    grid: IntArray
    signs: Signs
    open: BoolArray
    seen: BoolArray
    off: BoolArray
    over: BoolArray
    under: BoolArray
    effects: FloatArray
    sweep: Sweep


@dataclass(frozen=True)
class Rounding:
    """A network prepared for bounds of what evaluating it in a format does, in blocks of cells."""

    network: Network
    format: Format
    tables: Tables
    cells: int

    @classmethod
    def of(
        cls, network: Network, format: Format = BINARY64, entry: Entry | None = None
    ) -> Rounding:
        """Prepare a network; nothing is claimed if not all of its numbers are the format's.

        Behind a bottleneck they are not what is computed with, and are not looked at.
        """
        rows, steps = network.computed, network.steps
        forms, claimed = len(rows) + 1, entry is not None or in_range(network, format)
        terms: list[Terms] = [()]
        for first, last in pairwise(steps.first.tolist()):
            weights, reads = steps.weight[first:last].tolist(), steps.reads[first:last].tolist()
            terms.append(list(zip(weights, reads, strict=True)))
        tables = Tables(
            claimed,
            entry or Entry.plain(),
            format,
            np.array(list(map(last_bit, steps.weight.tolist())), np.int64),
            np.array(list(map(last_bit, steps.bias.tolist())), np.int64),
            np.bincount(steps.reads, minlength=forms),
            Windows.of(terms if claimed else [()], TABULATED // forms),
        )
        return cls(network, format, tables, _cells(forms))

    @classmethod
    def none(cls, network: Network) -> Rounding:
        """Return what claims nothing."""
        nothing = np.zeros(1, np.int64)
        windows = Windows.of([()], 0)
        tables = Tables(False, Entry.plain(), BINARY64, nothing, nothing, nothing, windows)
        return cls(network, BINARY64, tables, _cells(network.most_live))

    def state(self) -> State:
        """Return memory for a block."""
        forms, cells = (len(self.tables.readers), self.cells) if self.tables.claimed else (1, 1)
        radii, local, above, below = np.zeros((4, forms))
        grid, always = np.zeros((2, forms), np.int64)
        on, undecided = np.zeros((forms, cells), np.bool_), np.zeros((forms, cells + 1), np.bool_)
        opened, seen, off, over, under = np.zeros((5, cells + 1), np.bool_)
        slots = self.network.most_live + 1
        points = max(1, min(SWEPT, HELD // slots)) if self.tables.claimed else 1
        return State(
            np.zeros(1, np.bool_),
            *(radii, local, above, below, grid),
            Signs(always, on, undecided),
            *(opened, seen, off, over, under),
            np.zeros(1 << SIZES[-1]),
            memory_of(slots, 1, points),
        )


def _cells(rows: int) -> int:
    """Return how many cells a block has of which so many rows are held."""
    return max(1, min(CELLS, HELD // rows))


def in_range(network: Network, format: Format) -> bool:
    """Whether the format has all numbers, and nothing overflows that the output does not read.

    What it reads is seen to by blocks. A unit that it does not read is computed too, perhaps, and
    multiplied by 0.
    """
    rows = network.rows
    longest = max(len(row.sources) for row in rows)
    if network.multiprecision or max(len(rows), longest) > MAX_TERMS:
        return False
    if not all(format.holds(number) for row in rows for number in row.numbers):
        return False
    followed = {row.number for row in network.computed}
    largest = [LIMIT]
    for row in rows:
        terms = (product(abs(w), largest[s]) for s, w in row.edges)
        largest.append(inner_size(abs(row.bias) + sum(terms), len(row.sources), format))
    left = (n for n, row in enumerate(rows, start=1) if n not in followed and not row.is_carry)
    return all(largest[number] <= format.largest for number in left)


def begin(tables: Tables, state: State, nodes: FloatArray, n: int) -> None:
    """Begin a block of n ≥ 2 nodes."""
    state.shown[0] = tables.claimed
    if not tables.claimed:
        return
    left, right = nodes[0], nodes[n - 1]
    state.above[0], state.below[0] = max(right, 0.0), max(-left, 0.0)
    state.grid[0] = spacing(tables.format, max(left, -right))
    fill(state.open, False, n)
    fill(state.seen, False, n)


def take(
    steps: Steps,
    tables: Tables,
    state: State,
    form: int,
    values: FloatArray,
    radius: FloatArray,
    n: int,
) -> None:
    """Take the next form: its values at n nodes, and a radius for every cell."""
    if not state.shown[0]:
        return
    output, always = form == len(steps.target), state.signs.always
    high, low = largest(values, n), least(values, n)
    size = max(high, -low)
    # of 4u: low parts of the values, and rounding of middles and of what is added to them
    distance = (largest(radius, n - 1) + 4 * U * size) * UP
    reaching = reach(tables.windows, form, state.radii, state.local, always, state.effects)
    top = (size if output else high) + (distance + reaching) * UP
    local, grid = lemma1(steps, tables, state, form, top)
    total = (reaching + local) * UP
    need = (total + distance) * UP
    state.local[form], state.radii[form] = local, total
    state.shown[0] = size + need <= tables.format.largest
    if state.shown[0] and not output:
        always[form] = -1 if high + need > 0 >= low - need else (1 if low - need > 0 else 0)
        if always[form] < 0:
            find_signs(state, form, values, need, n)
        take_values(tables.format, state, form, high + need, low - need, grid)


def lemma1(steps: Steps, tables: Tables, state: State, form: int, top: float) -> tuple[float, int]:
    """Return D and the grid of a form, read from computed values, whose own is at most top."""
    format, bias = tables.format, steps.bias[form - 1]
    plus, minus, errors = max(bias, 0.0), max(-bias, 0.0), 0.0
    products, grid, behind = 0, int(tables.bias_bits[form - 1]), len(tables.entry.first) > 0
    for k in range(steps.first[form - 1], steps.first[form]):
        weight, source = steps.weight[k], steps.reads[k]
        if (behind and source == 0) or (state.above[source] == 0 and state.below[source] == 0):
            continue  # read otherwise, or computed as 0
        products += 1
        own = int(state.grid[source] + tables.bits[k])
        high = product(abs(weight), state.above[source])
        low = product(abs(weight), state.below[source])
        plus, minus = (plus + high, minus + low) if weight > 0 else (plus + low, minus + high)
        if not steps.power[k]:
            errors += rounded(format, max(high, low), own)
        grid = min(grid, own)
    if behind:
        entry = tables.entry
        for k in range(entry.first[form - 1], entry.first[form]):
            products += 1
            plus, minus = plus + entry.plus[k], minus + entry.minus[k]
            if not entry.power[k]:
                size = max(entry.plus[k], entry.minus[k])
                errors += rounded(format, size, int(entry.grid[k]))
            grid = min(grid, int(entry.grid[k]))
    leaves = products + (1 if bias != 0 else 0)
    inner = inner_size(max(plus, minus), products, format)
    if not inner <= format.largest:
        return math.inf, grid
    errors += max(leaves - 2, 0) * rounded(format, inner, grid)
    if grid < format.safe:
        errors += math.ldexp(float(products), format.least + 1)
    errors *= UP
    last = rounded(format, (max(top, 0.0) + errors) * UP, grid) if leaves >= 2 else 0.0
    return (errors + last) * UP, grid


def take_values(
    format: Format, state: State, form: int, top: float, bottom: float, grid: int
) -> None:
    """Points (d) and (e): what a unit's computed values may be; if off, nothing is rounded."""
    if state.signs.always[form] == 0:
        state.radii[form] = state.local[form] = 0.0
    state.above[form], state.below[form] = max(top, 0.0), 0.0
    state.grid[form] = max(grid, spacing(format, bottom)) if top > 0 and bottom > 0 else grid


def find_signs(state: State, form: int, values: FloatArray, need: float, n: int) -> None:
    """Section 7: near a node a unit is decided by its sign there and at both middles."""
    on, undecided, right = state.signs.on[form], state.signs.undecided[form], values[1:]
    off, over, under = state.off, state.over, state.under
    for j in lanes(n):
        over[j] = values[j] > need
        under[j] = values[j] < -need
    after, below = over[1:], under[1:]
    for j in lanes(n - 1):
        middle = right[j] + values[j]  # twice
        on[j] = middle > 2 * need
        off[j] = middle < -2 * need
    for j in lanes(n - 1):
        over[j] &= on[j]
        under[j] &= off[j]
    for j in lanes(n - 1):
        after[j] &= on[j]
        below[j] &= off[j]
    for j in lanes(n):
        undecided[j] = (over[j] | under[j]) ^ True
    open_nodes(state, on, undecided, n)


def open_nodes(state: State, on: BoolArray, undecided: BoolArray, n: int) -> None:
    """Mark the nodes that need a sweep: where two units are undecided, or one and cells are alike.

    If a node has no other undecided unit, and both its signs are in the cells around, these do.
    """
    opened, seen, alike = state.open, state.seen, state.over
    inner, before, after = alike[1:], on, on[1:]
    fill(alike, True, n)
    for j in lanes(n - 2):
        inner[j] = (before[j] ^ after[j]) ^ True
    for j in lanes(n):
        opened[j] |= undecided[j] & (alike[j] | seen[j])
        seen[j] |= undecided[j]


def evaluation_error(steps: Steps, tables: Tables, state: State, n: int) -> float:
    """Return E for all numbers of the format in the block, infinite if nothing could be shown.

    Sections 6 and 7: R of the output or, if that is clearly less, the largest effect over all
    patterns: those of the cells, and then around the nodes.
    """
    if not state.shown[0]:
        return math.inf
    simple = state.radii[-1]
    nodes = np.flatnonzero(state.open[:n])
    sets = sets_needed(state.signs, nodes)
    if sets.sum() > UNDECIDED * (n + SWEPT):
        return float(simple)
    local = with_own_rounding(steps, tables, state)
    found, most = 0.0, len(state.sweep.total)
    for start in range(0, n - 1, most):
        points = min(most, n - 1 - start)
        effect = effect_in_cells(steps, state.signs, local, state.sweep, start, points)
        found = max(found, effect if effect < math.inf else math.inf)
    if found > CLOSE * simple:
        return float(simple)
    for needed in range(1, largest_set(sets) + 1):
        some = nodes[sets == needed]
        at_once = max(1, most // needed)
        memory = memory_of(steps.slots, needed, min(at_once, len(some)))
        for start in range(0, len(some), at_once):
            points = some[start : start + at_once]
            effect = effect_at_nodes(steps, state.signs, local, memory, points, needed)
            found = max(found, effect if effect < math.inf else math.inf)
    return float(min(simple, found * UP + TINY * (1 + state.radii.sum())))


def sets_needed(signs: Signs, nodes: IntArray) -> IntArray:
    """Return how many sets adjoints at nodes need: a centre, and one for each undecided unit."""
    sets = np.ones(len(nodes), np.int64)
    for form in range(1, len(signs.always) - 1):
        if signs.always[form] < 0:
            undecided = signs.undecided[form]
            for j in lanes(len(nodes)):
                sets[j] += undecided[nodes[j]]
    return sets


def largest_set(sets: IntArray) -> int:
    """Return the most sets that any node needs, 0 if there is none."""
    return int(sets.max()) if len(sets) else 0


def with_own_rounding(steps: Steps, tables: Tables, state: State) -> FloatArray:
    """Lemma 6: the rounding errors, increased by what the sweep's own rounding may hide."""
    increased = np.zeros(len(state.local))
    for form in range(1, len(state.local)):
        cost = 0.0
        for k in range(steps.first[form - 1], steps.first[form]):
            source = steps.reads[k]
            hidden = 2 * U * (tables.readers[source] + 1) * state.radii[source]
            cost += abs(steps.weight[k]) * hidden
        increased[form] = (state.local[form] + cost) * UP + TINY
    return increased
