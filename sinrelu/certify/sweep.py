"""The trusted part: how much rounding errors of all forms move the output; docs/float64.md, 5.

The adjoints of a network are swept from the output to the input, at many points at a time. Where
it is undecided whether a unit is on, they are not numbers but sets: a centre and generators, each
times any number of [−1, 1]. Arrays have a row for the centre and for each generator, and a column
for each point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.certify.windows import UP, Terms

BoolArray = npt.NDArray[np.bool_]


class Slopes(NamedTuple):
    """A unit's slope at every point: 0, 1, or ½ where it is undecided, which is ``undecided``."""

    slope: BoolArray | FloatArray
    undecided: IntArray | None = None

    def times(self, adjoint: FloatArray, used: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return slope times adjoint, and a bound of its size; Lemma 5."""
        product = adjoint * self.slope
        size = np.abs(product).sum(axis=0) * UP
        if self.undecided is not None and self.undecided.size:
            used[self.undecided] += 1
            rows = used[self.undecided]
            missing = int(rows.max()) + 1 - len(product)
            if missing > 0:
                product = np.concatenate((product, np.zeros((missing, len(used)))))
            product[rows, self.undecided] = size[self.undecided]
            size[self.undecided] *= 2
        return product, size


def largest_effect(
    rows: Sequence[Terms],
    local: FloatArray,
    always: Mapping[int, bool],
    slopes: Mapping[int, Slopes],
    points: int,
) -> float:
    """Return the largest Σ |adjoint|·error over all points, before repair by ``UP``.

    ``local`` are the errors of the forms; each but the last, the output, is ``always`` on or off,
    or has ``slopes`` at every point.
    """
    adjoints = {len(rows) - 1: np.ones((1, points))}
    used = np.zeros(points, np.int64)
    total = np.zeros(points)
    for index in range(len(rows) - 1, 0, -1):
        adjoint = adjoints.pop(index, None)
        if adjoint is None or always.get(index) is False:
            continue
        if index in slopes:
            adjoint, size = slopes[index].times(adjoint, used)
        else:
            size = np.abs(adjoint).sum(axis=0)
        total += size * local[index]
        for weight, source in rows[index]:
            if source:
                adjoints[source] = _sum(adjoints.get(source), weight * adjoint)
    return float(np.max(total))


def _sum(old: FloatArray | None, new: FloatArray) -> FloatArray:
    """Add sets of adjoints, of which one may have more generators; either may be overwritten."""
    if old is None:
        return new
    less, more = sorted((old, new), key=len)
    more[: len(less)] += less
    return more
