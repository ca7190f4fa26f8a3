"""Breakpoints of one block of nodes, as kernels: the untrusted finder's part that takes the time.

A block is carried through the network stage by stage. The forms of a stage are computed at the
nodes; where one changes its sign between two of them, the place becomes a node, and every live wire
is interpolated there. All that in double-double, as a place that is off by ε makes the proof's
radius larger by that much.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.double_double import (
    DoubleDouble,
    add_product,
    finish,
    product_error,
    split,
    start,
    two_sum,
)
from sinrelu.arithmetic.lanes import (
    aligned,
    chosen,
    count_below,
    fill,
    indices,
    lanes,
    larger,
    sort_by,
)
from sinrelu.steps import Steps

SMALLEST_STEP = 2.0**-98
"""Breakpoints closer to a node than this, relative to the domain, are left to the radius."""


class Zeros(NamedTuple):
    """Where forms change their signs: in what cell, at what ratio of its width, at what x.

    ``slot`` is that of the form. ``kept`` are those that are clearly inside of the cell.
    """

    cell: IntArray
    slot: IntArray
    ratio: FloatArray
    ratio_low: FloatArray
    x: FloatArray
    x_low: FloatArray
    kept: BoolArray

    @classmethod
    def empty(cls, most: int) -> Zeros:
        """Return room for so many."""
        cell, slot = np.empty((2, most), np.int64)
        ratio, ratio_low, x, x_low = np.empty((4, most))
        return cls(cell, slot, ratio, ratio_low, x, x_low, np.empty(most, np.bool_))


class Block(NamedTuple):
    """Nodes on their way through a network: the live wires there, and which cells are gaps.

    ``alive`` marks the slots in use. ``place`` is how many nodes there are, at which stage, whether
    its forms are computed, and how many zeros were found; ``order`` is that of those that become
    nodes. ``rank`` is 0, 1, 2, …; the rest are rows to write in.
    """

    high: FloatArray
    low: FloatArray
    gaps: BoolArray
    alive: BoolArray
    place: IntArray
    zeros: Zeros
    order: IntArray
    rank: IntArray
    row: IntArray
    cells: IntArray
    mask: BoolArray
    old: FloatArray

    @classmethod
    def of(
        cls, steps: Steps, nodes: DoubleDouble, most: int, gaps: BoolArray | None = None
    ) -> Block:
        """Begin with some nodes, where there is room for so many."""
        made, count = cls.empty(steps.slots, most), len(nodes.hi)
        made.high[0, :count], made.low[0, :count] = nodes
        made.gaps[: count - 1] = False if gaps is None else gaps
        made.alive[0] = True
        made.place[NODES] = count
        return made

    @classmethod
    def empty(cls, slots: int, most: int) -> Block:
        """Return room for so many nodes."""
        alive, place = np.zeros(slots, np.bool_), np.zeros(4, np.int64)
        gaps, mask = np.zeros((2, most), np.bool_)
        order, row, cells = np.empty((3, most), np.int64)
        high, low = aligned(slots, most), aligned(slots, most)
        zeros, rank, old = Zeros.empty(most), np.arange(most), np.empty((2, most))
        return cls(high, low, gaps, alive, place, zeros, order, rank, row, cells, mask, old)

    @property
    def nodes(self) -> DoubleDouble:
        """The nodes, copied: else all wires stay in memory."""
        count = self.place[NODES]
        return DoubleDouble(self.high[0, :count].copy(), self.low[0, :count].copy())

    def halves(self) -> tuple[Block, Block]:
        """Return the right half and the left half, which share the node in the middle.

        The left one stays where the whole was.
        """
        count = int(self.place[NODES])
        middle = count // 2
        right, length = Block.empty(len(self.alive), len(self.row)), count - middle
        for slot in np.flatnonzero(self.alive).tolist():
            right.high[slot, :length] = self.high[slot, middle:count]
            right.low[slot, :length] = self.low[slot, middle:count]
        right.gaps[:length], right.alive[:] = self.gaps[middle:count], self.alive
        right.place[:], self.place[NODES] = (length, *self.place[1:]), middle + 1
        return right, self


NODES, STAGE, READY, FOUND = 0, 1, 2, 3
"""Entries of ``Block.place``."""
FULL = -1
"""Found where there is no room for the zeros."""


def advance(
    steps: Steps, stages: IntArray, gains: FloatArray, negligible: float, block: Block
) -> None:
    """Carry a block on, to the end or before the stage whose zeros it has no room for."""
    place = block.place
    while place[STAGE] < len(stages) - 1:
        first, last = stages[place[STAGE]], stages[place[STAGE] + 1]
        if not place[READY]:
            for step in range(first, last):
                compute(steps, step, block, place[NODES])
            place[READY] = 1
        place[FOUND] = 0
        for step in range(first, last):
            if place[FOUND] != FULL:
                find_zeros(block, steps.target[step], gains[step + 1], negligible)
        if place[FOUND] == FULL:
            return
        count = sort_zeros(block, place[FOUND])
        if count:
            insert_zeros(block, place[NODES], count)
        for step in range(first, last):
            target = steps.target[step]
            rectify(block.high[target], block.low[target], place[NODES])
        place[STAGE], place[READY] = place[STAGE] + 1, 0


def compute(steps: Steps, step: int, block: Block, n: int) -> None:
    """Compute a form at the nodes; what is read no more is alive no more."""
    target = steps.target[step]
    high, low = block.high[target], block.low[target]
    start(high, low, steps.bias[step], n)
    for k in range(steps.first[step], steps.first[step + 1]):
        source = steps.source[k]
        value_high, value_low = block.high[source], block.low[source]
        add_product(high, low, steps.weight[k], steps.power[k], value_high, value_low, n)
        if steps.ends[k] and source:
            block.alive[source] = False
    finish(high, low, n)
    block.alive[target] = True


def find_zeros(block: Block, slot: int, gain: float, negligible: float) -> None:
    """Add where a form changes its sign, but for what is negligible or at a node."""
    form, zeros, place, index = block.high[slot], block.zeros, block.place, block.row
    n, found = place[NODES], place[FOUND]
    count = find_changes(block, form, gain, negligible, n - 1)
    if n + found + count > len(index):
        place[FOUND] = FULL
        return
    cell = zeros.cell[found:]
    for j in lanes(count):
        cell[j] = index[block.cells[j]]
    fill(zeros.slot[found:], slot, count)
    find_places(block, form, block.low[slot], found, count)
    place[FOUND] = found + count


def find_changes(block: Block, form: FloatArray, gain: float, negligible: float, n: int) -> int:
    """Find the cells at whose ends a form's signs are opposite, but for gaps and small kinks.

    They are ``index`` at the first so many of ``cells``.
    """
    mask, gaps, right, index = block.mask, block.gaps, form[1:], block.row
    for j in lanes(n):
        falls = (form[j] > 0) & (right[j] < 0)
        changes = falls | ((form[j] < 0) & (right[j] > 0))
        mask[j] = changes & (gaps[j] ^ True)
    count = indices(mask, index, n)
    for j in lanes(count):
        kink = 1 / (1 / np.abs(form[index[j]]) + 1 / np.abs(right[index[j]]))
        mask[j] = kink * gain > negligible
    return indices(mask, block.cells, count)


def find_places(block: Block, form: FloatArray, rest: FloatArray, found: int, n: int) -> None:
    """Interpolate n zeros after those that were found."""
    zeros, x, x_low = block.zeros, block.high[0], block.low[0]
    cell, ratios, ratios_low = zeros.cell[found:], zeros.ratio[found:], zeros.ratio_low[found:]
    places, places_low, kept = zeros.x[found:], zeros.x_low[found:], zeros.kept[found:]
    for j in lanes(n):
        i = cell[j]
        step, step_low = subtract(form[i], rest[i], form[i + 1], rest[i + 1])
        ratio, ratio_low = divide(form[i], rest[i], step, step_low)
        at, at_low = interpolate(x[i], x_low[i], x[i + 1], x_low[i + 1], ratio, ratio_low)
        after = clearly_below(x[i], x_low[i], at, at_low)
        kept[j] = after & clearly_below(at, at_low, x[i + 1], x_low[i + 1])
        ratios[j], ratios_low[j], places[j], places_low[j] = ratio, ratio_low, at, at_low


def sort_zeros(block: Block, found: int) -> int:
    """Order the zeros that are kept, without those too close to the one before; return how many."""
    zeros, order, mask = block.zeros, block.order, block.mask
    count = indices(zeros.kept, order, found)
    if count < 2:
        return count
    sort_by(zeros.x, zeros.x_low, order, count)
    x, low, later, apart = zeros.x, zeros.x_low, order[1:], mask[1:]
    mask[0] = True
    for j in lanes(count - 1):
        i, k = order[j], later[j]
        apart[j] = clearly_below(x[i], low[i], x[k], low[k])
    count = indices(mask, block.row, count)
    for j in lanes(count):
        order[j] = order[block.row[j]]
    return count


def insert_zeros(block: Block, n: int, count: int) -> None:
    """Make nodes of zeros, and give every live wire its value there: 0 if the zero is its own."""
    zeros, order, moved, cells = block.zeros, block.order, block.row, block.cells
    for j in lanes(count):
        cells[j] = zeros.cell[order[j]]
    count_below(cells, count, moved, n)
    for j in lanes(n):
        moved[j] += block.rank[j]
    for slot in range(len(block.alive)):
        if block.alive[slot]:
            insert_values(block, block.high[slot], block.low[slot], n, count)
    for j in lanes(count):
        own, to = zeros.slot[order[j]], cells[j] + 1 + block.rank[j]
        block.high[own, to], block.low[own, to] = 0.0, 0.0
    gaps, mask = block.gaps, block.mask
    for j in lanes(n):
        mask[j] = gaps[j]
    fill(gaps, False, n + count)
    for j in lanes(n):
        gaps[moved[j]] = mask[j]
    block.place[NODES] = n + count


def insert_values(block: Block, high: FloatArray, low: FloatArray, n: int, count: int) -> None:
    """Move a wire's values to where its nodes are now, and interpolate between them."""
    old, old_low, zeros, cells = block.old[0], block.old[1], block.zeros, block.cells
    for j in lanes(n):
        old[j], old_low[j] = high[j], low[j]
    for j in lanes(n):
        high[block.row[j]], low[block.row[j]] = old[j], old_low[j]
    for j in lanes(count):
        zero, i, to = block.order[j], cells[j], cells[j] + 1 + block.rank[j]
        ratio, ratio_low = zeros.ratio[zero], zeros.ratio_low[zero]
        high[to], low[to] = interpolate(
            old[i], old_low[i], old[i + 1], old_low[i + 1], ratio, ratio_low
        )


def rectify(high: FloatArray, low: FloatArray, n: int) -> None:
    """Compute a unit's values from those of its form."""
    for j in lanes(n):
        low[j] = chosen(high[j] > 0, low[j], 0.0)
        high[j] = larger(high[j], 0.0)


# double-double arithmetic, elementwise: a number is two arguments, or a tuple of two results


def interpolate(a: Any, a_low: Any, b: Any, b_low: Any, ratio: Any, ratio_low: Any) -> Any:
    """Return a + ratio·(b − a)."""
    step, step_low = subtract(b, b_low, a, a_low)
    step, step_low = multiply(ratio, ratio_low, step, step_low)
    return plus(a, a_low, step, step_low)


def clearly_below(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """Whether b exceeds a by more than a node needs."""
    return subtract(b, b_low, a, a_low)[0] > SMALLEST_STEP * (np.abs(b) + 1)


def plus(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """Return a + b."""
    high, low = two_sum(a, b)
    return normalised(high, low + (a_low + b_low))


def subtract(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """Return a − b."""
    return plus(a, a_low, -b, -b_low)


def multiply(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """Return a·b."""
    product = a * b
    upper, lower = split(b)
    error = product_error(product, a, upper, lower)
    return normalised(product, error + (a * b_low + a_low * b))


def divide(a: Any, a_low: Any, b: Any, b_low: Any) -> Any:
    """Return a / b."""
    quotient = a / b
    product, product_low = multiply(b, b_low, quotient, 0.0 * quotient)
    rest, _ = subtract(a, a_low, product, product_low)
    return normalised(quotient, rest / b)


def normalised(high: Any, low: Any) -> Any:
    """Return the sum of two numbers, of which the first is the larger."""
    total = high + low
    return total, low - (total - high)
