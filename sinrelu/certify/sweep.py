"""The trusted part: how much rounding errors of all forms move the output; docs/float64.md, 5.

The adjoints of a network are swept from the output to the input, at many points at a time. Where
it is undecided whether a unit is on, they are not numbers but sets: a centre and generators, each
times any number of [−1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.certify.windows import UP, Terms

BoolArray = npt.NDArray[np.bool_]


class Signs(NamedTuple):
    """Where a unit is on, and where that is undecided; both of the same shape, if not None."""

    on: BoolArray
    undecided: BoolArray | None = None

    def slope(self, adjoint: FloatArray, used: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the adjoint times the unit's slope, and a bound of its size; Lemma 5."""
        if self.undecided is None:
            adjoint = adjoint * self.on
            return adjoint, np.abs(adjoint).sum(axis=0) * UP
        adjoint = adjoint * (self.on | self.undecided)
        size = np.abs(adjoint).sum(axis=0) * UP
        at = np.flatnonzero(self.undecided)
        used[at] += 1
        adjoint[:, at] *= 0.5
        adjoint[used[at], at] = size[at] / 2
        return adjoint, size


def largest_effect(
    rows: Sequence[Terms],
    local: FloatArray,
    always: Mapping[int, bool],
    signs: Mapping[int, Signs],
    shape: tuple[int, int],
) -> float:
    """Return the largest Σ |adjoint|·error over all points, before repair by ``UP``.

    ``local`` are the errors of the forms; each but the last, the output, is ``always`` on or off,
    or has ``signs`` at every point. The shape is (columns, points): at no point are there more
    undecided units than columns beside the first.
    """
    last = len(rows) - 1
    adjoints = {last: np.ones(shape)}
    adjoints[last][1:] = 0.0
    used = np.zeros(shape[1], np.int64)
    total = np.zeros(shape[1])
    for index in range(last, 0, -1):
        adjoint = adjoints.pop(index, None)
        if adjoint is None or always.get(index) is False:
            continue
        if index in signs:
            adjoint, size = signs[index].slope(adjoint, used)
        else:
            size = np.abs(adjoint).sum(axis=0)
        total += size * local[index]
        for weight, source in rows[index]:
            if source in adjoints:
                adjoints[source] += weight * adjoint
            elif source:
                adjoints[source] = weight * adjoint
    return float(np.max(total))
