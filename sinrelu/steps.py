"""What a network computes, also as arrays: steps that write slots of a memory of live values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.double_double import is_power_of_two


class Computed(NamedTuple):
    """A row that really computes something, its sources traced back through carries.

    ``terms`` are (weight, source) in the order of the row. One source may stand in two of them,
    where a row reads a value and what carries it: they stay two, as what they are rounded to
    depends on it. ``finished`` are the sources that no later row reads, ascending.
    """

    number: int
    terms: tuple[tuple[Any, int], ...]
    bias: Any
    finished: tuple[int, ...]


class Steps(NamedTuple):
    """The computed rows of a network in their order, S of them; the last is the output's.

    Step s is bias[s] + Σ weight[k]·(slot source[k]) over k from first[s] to before first[s+1]. It
    goes to slot target[s], which none of its sources is, and is rectified but for the output.
    Slot 0 holds the input, to the end. Steps are counted from 1 in ``reads``, which for every term
    says whose value it reads, 0 standing for the input. ``ends`` marks the terms after which their
    source is read no more, and ``power`` weights that are powers of two.
    """

    first: IntArray
    weight: FloatArray
    source: IntArray
    reads: IntArray
    ends: BoolArray
    power: BoolArray
    bias: FloatArray
    target: IntArray
    slots: int

    @classmethod
    def of(cls, rows: Sequence[Computed]) -> Steps:
        """Lay out rows of float64 weights."""
        free: list[int] = []
        slot, step, count = {0: 0}, {0: 0}, 1
        sources, reads, ends, targets = [], [], [], []
        for number, row in enumerate(rows, start=1):
            if not free:
                free.append(count)
                count += 1
            target = free.pop()
            last = {source: k for k, (_, source) in enumerate(row.terms) if source in row.finished}
            sources += [slot[source] for _, source in row.terms]
            reads += [step[source] for _, source in row.terms]
            ends += [last.get(source) == k for k, (_, source) in enumerate(row.terms)]
            free += sorted((slot[source] for source in row.finished if source), reverse=True)
            slot[row.number], step[row.number] = target, number
            targets.append(target)
        weights = [weight for row in rows for weight, _ in row.terms]
        return cls(
            np.cumsum([0, *(len(row.terms) for row in rows)], dtype=np.int64),
            np.array(weights, np.float64),
            np.array(sources, np.int64),
            np.array(reads, np.int64),
            np.array(ends, np.bool_),
            np.array(list(map(is_power_of_two, weights)), np.bool_),
            np.array([row.bias for row in rows], np.float64),
            np.array(targets, np.int64),
            count,
        )

    def rounded(self, dtype: type) -> Steps:
        """Return the steps with weights and biases of a floating-point type."""
        weight: FloatArray = self.weight.astype(dtype, copy=False)
        bias: FloatArray = self.bias.astype(dtype, copy=False)
        return self._replace(weight=weight, bias=bias)
