"""The trusted part: how much rounding errors of all forms move the output; docs/float64.md, 5.

The adjoints of a network are swept from the output to the input, at many points at a time. Where
it is undecided whether a unit is on, they are not numbers but sets: a centre and generators, each
times any number of [−1, 1]. They stand where the values stood: the adjoint of a wire is begun where
the wire is read last, and done with where it was computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.lanes import chosen, fill, lanes, larger, largest
from sinrelu.certify.windows import UP
from sinrelu.steps import Steps


class Signs(NamedTuple):
    """What is known of the units of a block, whose rows are numbered from 1.

    always[i] is 1 or 0 where unit i is on or off everywhere, else −1. Then on[i] says for every
    cell if it is on in the middle, and undecided[i] for every node if nothing is known near it.
    """

    always: IntArray
    on: BoolArray
    undecided: BoolArray


class Sweep(NamedTuple):
    """Memory for the adjoints at some points, of shape (slots, sets, points), and rows of it."""

    adjoint: FloatArray
    total: FloatArray
    size: FloatArray
    slope: FloatArray
    used: IntArray


def memory_of(slots: int, sets: int, points: int) -> Sweep:
    """Return memory for so many points, where each needs at most so many sets."""
    total, size, slope = np.empty(points), np.empty(points), np.empty(points)
    adjoint = np.empty((slots, sets, points))
    return Sweep(adjoint, total, size, slope, np.empty(points, np.int64))


def effect_in_cells(
    steps: Steps, signs: Signs, local: FloatArray, memory: Sweep, start: int, n: int
) -> float:
    """Return the largest Σ |adjoint|·error over n cells, by the patterns of their middles.

    ``local`` are the errors of the forms. Repair by ``UP`` is left to the caller.
    """
    output = len(steps.target)
    begin(steps, memory, 1, n)
    for form in range(output, 0, -1):
        adjoint = memory.adjoint[steps.target[form - 1]]
        if form < output and signs.always[form] < 0:
            on = signs.on[form][start:]
            for j in lanes(n):
                adjoint[0][j] *= on[j]
        elif form < output and signs.always[form] == 0:
            fill(adjoint[0], 0.0, n)
        for j in lanes(n):
            memory.total[j] += np.abs(adjoint[0][j]) * local[form]
        spread(steps, form, memory, 1, n)
    return largest(memory.total, n)


def effect_at_nodes(
    steps: Steps,
    signs: Signs,
    local: FloatArray,
    memory: Sweep,
    nodes: IntArray,
    sets: int,
) -> float:
    """Likewise around some nodes: what is decided there is so in the cell on either side."""
    output, n = len(steps.target), len(nodes)
    begin(steps, memory, sets, n)
    for form in range(output, 0, -1):
        adjoint = memory.adjoint[steps.target[form - 1]]
        if form < output and signs.always[form] == 0:
            for row in range(sets):
                fill(adjoint[row], 0.0, n)
        if form < output and signs.always[form] < 0:
            times_slopes(signs, form, memory, adjoint, nodes, sets)
        else:
            add_sizes(memory, adjoint, sets, n)
        for j in lanes(n):
            memory.total[j] += memory.size[j] * local[form]
        spread(steps, form, memory, sets, n)
    return largest(memory.total, n)


def begin(steps: Steps, memory: Sweep, sets: int, n: int) -> None:
    """Set the adjoint of the output to 1."""
    fill(memory.total, 0.0, n)
    for j in lanes(n):
        memory.used[j] = 0
    adjoint = memory.adjoint[steps.target[-1]]
    for row in range(sets):
        fill(adjoint[row], 1.0 if row == 0 else 0.0, n)


def times_slopes(
    signs: Signs, form: int, memory: Sweep, adjoint: FloatArray, nodes: IntArray, sets: int
) -> None:
    """Multiply by the slope, or where it is undecided by ½ with a generator; Lemma 5."""
    n, on, undecided = len(nodes), signs.on[form], signs.undecided[form]
    slope, size, used = memory.slope, memory.size, memory.used
    for j in lanes(n):
        node = nodes[j]
        slope[j] = chosen(undecided[node], 0.5, on[larger(node - 1, 0)] * 1.0)
        used[j] += undecided[node]
    for row in range(sets):
        for j in lanes(n):
            adjoint[row][j] *= slope[j]
    add_sizes(memory, adjoint, sets, n)
    for row in range(1, sets):
        for j in lanes(n):
            own = (slope[j] == 0.5) & (used[j] == row)
            adjoint[row][j] = chosen(own, size[j], adjoint[row][j])
    for j in lanes(n):
        size[j] *= chosen(slope[j] == 0.5, 2.0, 1.0)


def add_sizes(memory: Sweep, adjoint: FloatArray, sets: int, n: int) -> None:
    """Sum up |centre| and |generators|, rounded up."""
    size = memory.size
    fill(size, 0.0, n)
    for row in range(sets):
        for j in lanes(n):
            size[j] += np.abs(adjoint[row][j])
    for j in lanes(n):
        size[j] *= UP


def spread(steps: Steps, form: int, memory: Sweep, sets: int, n: int) -> None:
    """Add a form's adjoint, times weights, to those of what it reads, the input left out."""
    own = memory.adjoint[steps.target[form - 1]]
    for k in range(steps.first[form] - 1, steps.first[form - 1] - 1, -1):
        if steps.reads[k]:
            other, weight = memory.adjoint[steps.source[k]], steps.weight[k]
            for row in range(sets):
                add(other[row], own[row], weight, steps.ends[k], n)


def add(other: FloatArray, own: FloatArray, weight: float, first: bool, n: int) -> None:
    """Add to what is there, or begin with it."""
    if first:
        for j in lanes(n):
            other[j] = weight * own[j]
    else:
        for j in lanes(n):
            other[j] += weight * own[j]
