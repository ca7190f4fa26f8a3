"""A network as arrays, as kernels take it: steps that write slots of a memory of live values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray, IntArray
from sinrelu.arithmetic.double_double import is_power_of_two
from sinrelu.network import Network


class Steps(NamedTuple):
    """The rows of ``network.computed`` in their order, S of them; the last is the output's.

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
    def of(cls, network: Network) -> Steps:
        """Lay out a network of float64 weights; a unit that only carries a value has no step."""
        free: list[int] = []
        slot, step, count = {0: 0}, {0: 0}, 1
        sources, reads, ends, targets = [], [], [], []
        for number, row in enumerate(network.computed, start=1):
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
        weights = [weight for row in network.computed for weight, _ in row.terms]
        return cls(
            np.cumsum([0, *(len(row.terms) for row in network.computed)], dtype=np.int64),
            np.array(weights, np.float64),
            np.array(sources, np.int64),
            np.array(reads, np.int64),
            np.array(ends, np.bool_),
            np.array(list(map(is_power_of_two, weights)), np.bool_),
            np.array([row.bias for row in network.computed], np.float64),
            np.array(targets, np.int64),
            count,
        )

    def rounded(self, dtype: type) -> Steps:
        """Return the steps with weights and biases of a floating-point type."""
        weight: FloatArray = self.weight.astype(dtype, copy=False)
        bias: FloatArray = self.bias.astype(dtype, copy=False)
        return self._replace(weight=weight, bias=bias)
