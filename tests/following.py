"""What the trusted part knows of a network's output, and of its forms, in one block of nodes."""

from typing import NamedTuple

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Judge
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
