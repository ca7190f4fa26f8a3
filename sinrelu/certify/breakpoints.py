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
from sinrelu.arithmetic.lanes import chosen, fill, lanes, larger
from sinrelu.steps import Steps

SMALLEST_STEP = 2.0**-98
"""Breakpoints closer to a node than this, relative to the domain, are left to the radius."""


class Memory(NamedTuple):
    """A block: the live wires at its nodes, whether cells are gaps, and which slots are alive.

    ``place`` is how many nodes there are, at which stage, and whether its forms are computed. The
    rest is for zeros of wires: in what cell, at what ratio of its width, at what x, and their slot;
    and where nodes go.
    """

    high: FloatArray
    low: FloatArray
    gaps: BoolArray
    alive: BoolArray
    place: IntArray
    cells: IntArray
    slots: IntArray
    zeros: FloatArray
    moved: IntArray
    old: FloatArray


NODES, STAGE, READY = 0, 1, 2
"""Entries of ``Memory.place``."""
RATIO, RATIO_LOW, X, X_LOW = 0, 1, 2, 3
"""Rows of ``Memory.zeros``."""


class Block(NamedTuple):
    """Some nodes on their way through a network."""

    memory: Memory

    @classmethod
    def of(
        cls, steps: Steps, nodes: DoubleDouble, most: int, gaps: BoolArray | None = None
    ) -> Block:
        """Begin with some nodes, where there is room for so many."""
        made, count = cls.empty(steps.slots, most), len(nodes.hi)
        memory = made.memory
        memory.high[0, :count], memory.low[0, :count] = nodes
        memory.gaps[: count - 1] = False if gaps is None else gaps
        memory.alive[0] = True
        memory.place[NODES] = count
        return made

    @classmethod
    def empty(cls, slots: int, most: int) -> Block:
        """Return room for so many nodes."""
        high, low = np.empty((2, slots, most))
        cells, owners, moved = np.empty((3, most), np.int64)
        gaps, alive = np.zeros(most, np.bool_), np.zeros(slots, np.bool_)
        place, zeros, old = np.zeros(3, np.int64), np.empty((4, most)), np.empty((2, most))
        return cls(Memory(high, low, gaps, alive, place, cells, owners, zeros, moved, old))

    @property
    def nodes(self) -> DoubleDouble:
        """The nodes, copied: else all wires stay in memory."""
        high, low, count = self.memory.high, self.memory.low, self.memory.place[NODES]
        return DoubleDouble(high[0, :count].copy(), low[0, :count].copy())

    def halves(self) -> tuple[Block, Block]:
        """Return the right half and the left half, which share the node in the middle.

        The left one stays where the whole was.
        """
        own, count = self.memory, int(self.memory.place[NODES])
        middle, (slots, most) = count // 2, own.high.shape
        right = Block.empty(slots, most)
        other, length = right.memory, count - middle
        for slot in np.flatnonzero(own.alive).tolist():
            other.high[slot, :length] = own.high[slot, middle:count]
            other.low[slot, :length] = own.low[slot, middle:count]
        other.gaps[:length], other.alive[:] = own.gaps[middle:count], own.alive
        other.place[:], own.place[NODES] = (length, *own.place[1:]), middle + 1
        return right, self


def advance(
    steps: Steps, stages: IntArray, gains: FloatArray, negligible: float, memory: Memory
) -> None:
    """Carry a block on, to the end or before the stage whose zeros it has no room for."""
    place = memory.place
    while place[STAGE] < len(stages) - 1:
        first, last = stages[place[STAGE]], stages[place[STAGE] + 1]
        if not place[READY]:
            for step in range(first, last):
                compute(steps, step, memory, place[NODES])
            place[READY] = 1
        count = 0
        for step in range(first, last):
            if count >= 0:
                count = find_zeros(steps, step, gains[step + 1], negligible, memory, count)
        if count < 0:
            return
        if last > first + 1:
            count = sort_zeros(memory, count)
        if count:
            insert_zeros(memory, count)
        for step in range(first, last):
            target = steps.target[step]
            rectify(memory.high[target], memory.low[target], place[NODES])
        place[STAGE], place[READY] = place[STAGE] + 1, 0


def compute(steps: Steps, step: int, memory: Memory, n: int) -> None:
    """Compute a form at the nodes; what is read no more is alive no more."""
    target = steps.target[step]
    high, low = memory.high[target], memory.low[target]
    start(high, low, steps.bias[step], n)
    for k in range(steps.first[step], steps.first[step + 1]):
        source = steps.source[k]
        value_high, value_low = memory.high[source], memory.low[source]
        add_product(high, low, steps.weight[k], steps.power[k], value_high, value_low, n)
        if steps.ends[k] and source:
            memory.alive[source] = False
    finish(high, low, n)
    memory.alive[target] = True


def find_zeros(  # noqa: PLR0913, PLR0917 - a kernel: numbers and rows of arrays
    steps: Steps, step: int, gain: float, negligible: float, memory: Memory, count: int
) -> int:
    """Add where a form changes its sign, but for what is negligible or at a node.

    Returns how many zeros there are now, −1 if there is no room for them.
    """
    target, n = steps.target[step], memory.place[NODES]
    value, low = memory.high[target], memory.low[target]
    cells = np.flatnonzero(changes_sign(value, memory.gaps, n))
    left, right = value[cells], value[cells + 1]
    kink = 1 / (1 / np.abs(left) + 1 / np.abs(right))
    cells = cells[kink * gain > negligible]
    k = len(cells)
    if n + count + k > len(memory.cells):
        return -1
    x, x_low = memory.high[0], memory.low[0]
    zeros, kept = memory.zeros[:, count:], np.ones(k, np.bool_)
    for j in lanes(k):
        i = cells[j]
        high, rest = subtract(value[i], low[i], value[i + 1], low[i + 1])
        ratio, ratio_low = divide(value[i], low[i], high, rest)
        at, at_low = interpolate(x[i], x_low[i], x[i + 1], x_low[i + 1], ratio, ratio_low)
        zeros[RATIO][j], zeros[RATIO_LOW][j] = ratio, ratio_low
        zeros[X][j], zeros[X_LOW][j] = at, at_low
        before = clearly_below(x[i], x_low[i], at, at_low)
        kept[j] = before & clearly_below(at, at_low, x[i + 1], x_low[i + 1])
    return count + keep_zeros(memory, cells, kept, target, count)


def changes_sign(value: FloatArray, gaps: BoolArray, n: int) -> BoolArray:
    """Mark the cells, but for gaps, at whose ends the signs of a form are opposite."""
    changes, right = np.zeros(n - 1, np.bool_), value[1:]
    for j in lanes(n - 1):
        falls = (value[j] > 0) & (right[j] < 0)
        changes[j] = (falls | ((value[j] < 0) & (right[j] > 0))) & (gaps[j] ^ True)
    return changes


def keep_zeros(memory: Memory, cells: IntArray, kept: BoolArray, slot: int, count: int) -> int:
    """Keep some of the zeros that were written after the first ``count``; return how many."""
    index = np.flatnonzero(kept)
    k = len(index)
    memory.cells[count : count + k] = cells[index]
    memory.slots[count : count + k] = slot
    for row in range(4):
        values = memory.zeros[row][count:]
        values[:k] = values[index]
    return k


def sort_zeros(memory: Memory, count: int) -> int:
    """Sort zeros of several forms, and drop what is too close to the one before."""
    x, low = memory.zeros[X], memory.zeros[X_LOW]
    order = np.argsort(low[:count], kind="mergesort")
    order = order[np.argsort(x[order], kind="mergesort")]
    if count == 0:
        return 0
    apart, after, before = np.ones(count, np.bool_), order[1:], order
    later = apart[1:]
    for j in lanes(count - 1):
        i, next_one = before[j], after[j]
        later[j] = clearly_below(x[i], low[i], x[next_one], low[next_one])
    order = order[apart]
    k = len(order)
    memory.cells[:k], memory.slots[:k] = memory.cells[order], memory.slots[order]
    for row in range(4):
        values = memory.zeros[row]
        values[:k] = values[order]
    return k


def insert_zeros(memory: Memory, count: int) -> None:
    """Make nodes of zeros, and give every live wire its value there: 0 if the zero is its own."""
    n, cells, moved = memory.place[NODES], memory.cells, memory.moved
    shift = np.cumsum(np.bincount(cells[:count] + 1, minlength=n))
    for j in lanes(n):
        moved[j] = shift[j]
    moved[:n] += np.arange(n)
    fresh = cells[:count] + 1 + np.arange(count)
    for slot in range(len(memory.alive)):
        if memory.alive[slot]:
            insert_values(memory, memory.high[slot], memory.low[slot], fresh, n)
    for j in lanes(count):
        memory.high[memory.slots[j], fresh[j]] = 0.0
        memory.low[memory.slots[j], fresh[j]] = 0.0
    gaps = memory.gaps[:n].copy()
    fill(memory.gaps, False, n + count)
    memory.gaps[moved[:n]] = gaps
    memory.place[NODES] = n + count


def insert_values(
    memory: Memory, high: FloatArray, low: FloatArray, fresh: IntArray, n: int
) -> None:
    """Move a wire's values to where its nodes are now, and interpolate between them."""
    old, old_low = memory.old
    ratio, ratio_low, moved = memory.zeros[RATIO], memory.zeros[RATIO_LOW], memory.moved
    for j in lanes(n):
        old[j], old_low[j] = high[j], low[j]
    for j in lanes(n):
        high[moved[j]], low[moved[j]] = old[j], old_low[j]
    for j in lanes(len(fresh)):
        i, to = memory.cells[j], fresh[j]
        high[to], low[to] = interpolate(
            old[i], old_low[i], old[i + 1], old_low[i + 1], ratio[j], ratio_low[j]
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
