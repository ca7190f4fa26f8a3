"""What the trusted part knows of a network's output, and of its forms, in one block of nodes."""

from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Deviation, Interval, Judge, deviations
from sinrelu.certify.rounding import Rounding, State
from sinrelu.kernels import NUMPY
from sinrelu.network import Network


class Followed(NamedTuple):
    """The output at the nodes, its radius ρ in every cell, what is known of forms, and E."""

    output: DoubleDouble
    radius: FloatArray
    state: State
    evaluation: float


def follow_block(
    network: Network,
    nodes: DoubleDouble,
    rounding: Rounding | None = None,
    backend: str = NUMPY,
) -> Followed:
    """Run the proof on all nodes in one block; its last points leave the output as it is."""
    judge = Judge.of(network, rounding=rounding, backend=backend)
    n = len(nodes.hi)
    assert n <= judge.cells + 1
    memory, state = judge.memory()
    found = judge.block(nodes, (memory, state))
    slot = judge.steps.target[-1]
    output = DoubleDouble(memory.high[slot][:n].copy(), memory.low[slot][:n].copy())
    return Followed(output, found.radius, state, found.evaluation)


def deviation(
    network: Network,
    ends: Interval,
    nodes: DoubleDouble,
    function: str = "sin",
    rounding: Rounding | None = None,
    backend: str = NUMPY,
) -> Deviation:
    """What is known of |N(x) − f(x)| on every cell between neighbouring nodes."""
    judge = Judge.of(network, function, rounding, backend)
    found = [part for _, part in deviations(judge, ends, [nodes])]
    bound, radius = (np.concatenate(part) for part in list(zip(*found, strict=True))[:2])
    return Deviation(bound, radius, max(part.evaluation for part in found))
