"""A network as dense matrices, for runtimes that know only those, and back again.

Consecutive units that do not read each other form a stage, relu(W·v + b), where v are the values
of some earlier stages, side by side. Unit numbers only grow along the stages, so the same graph
comes back, its order included. The stages of a layered network in order are its layers, and each
reads only the one before.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.errors import GraphError
from sinrelu.network import Network, Row

MAX_ENTRIES = 2**22
"""Matrix entries that an ``Assembler`` looks at, and connections it makes, before it gives up."""


class Stage(NamedTuple):
    """One affine map, rectified unless it is the last: the rows of these numbers in the network.

    ``reads`` are the stages that it reads, in order, never none; stage 0 is the input.
    """

    numbers: range
    rows: tuple[Row, ...]
    reads: tuple[int, ...]

    @property
    def bias(self) -> FloatArray:
        """Shape (rows,)."""
        return np.array([row.bias for row in self.rows])

    def weight(self, sources: Sequence[int]) -> FloatArray:
        """Return the dense matrix over these sources, shape (rows, sources)."""
        column = {source: index for index, source in enumerate(sources)}
        matrix = np.zeros((len(self.rows), len(sources)))
        for target, row in zip(matrix, self.rows, strict=True):
            target[[column[source] for source in row.sources]] = row.weights
        return matrix


def stages(network: Network) -> list[Stage]:
    """Split a network into stages: the first stands for the input, the last is the output."""
    starts = [1]
    for number, row in enumerate(network.rows[:-1], start=1):
        if max(row.sources, default=0) >= starts[-1]:
            starts.append(number)
    result = [Stage(range(1), (), ())]
    home = [0]
    output = len(network.rows)
    for first, end in pairwise([*starts, *([output] if network.units else []), output + 1]):
        rows = network.rows[first - 1 : end - 1]
        reads = sorted({home[source] for row in rows for source in row.sources})
        result.append(Stage(range(first, end), rows, tuple(reads) or (len(result) - 1,)))
        home += [len(result) - 1] * len(rows)
    return result


Values = tuple[Row, ...]
"""What is known of a vector: each component as an affine form over the input and the units."""


class Assembler:
    """Builds a graph from dense steps; every one raises GraphError where it cannot be followed."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.input: Values = (_wire(0),)
        self._left = MAX_ENTRIES

    def affine(self, values: Values, weight: FloatArray, bias: FloatArray | None = None) -> Values:
        """Return W·v + b for a vector v of the input and of units."""
        if weight.shape[1] != len(values):
            raise GraphError(f"a matrix of {weight.shape[1]} columns meets {len(values)} values")
        self.spend(weight.size)
        if any(value.numbers != (1.0, 0.0) for value in values):
            raise GraphError("reads an affine form with no ReLU between")
        sources = np.array([value.sources[0] for value in values])
        if len(np.unique(sources)) < len(sources):
            raise GraphError("reads the same value twice")
        biases = [0.0] * len(weight) if bias is None else bias.tolist()
        return tuple(_row(sources, form, b) for form, b in zip(weight, biases, strict=True))

    def relu(self, values: Values) -> Values:
        """Make a unit of every component."""
        self.spend(sum(1 + len(value.sources) for value in values))
        first = len(self.rows) + 1
        self.rows += values
        return tuple(_wire(number) for number in range(first, first + len(values)))

    def add(self, values: Values, bias: FloatArray) -> Values:
        """Return v + b, where v has no bias yet."""
        self.spend(len(values))
        if any(value.bias for value in values):
            raise GraphError("adds a second bias")
        return tuple(v._replace(bias=b) for v, b in zip(values, bias.tolist(), strict=True))

    def network(self, output: Values, meta: Mapping[str, object] | None = None) -> Network:
        """Return the network with this output, which must have one component."""
        if len(output) != 1:
            raise GraphError(f"the output has {len(output)} components, expected one")
        self.spend(len(output[0].sources))
        return Network((*self.rows, *output), meta or {})

    def spend(self, entries: int) -> None:
        """Bound the work: what is read may repeat a large matrix a million times."""
        self._left -= entries
        if self._left < 0:
            raise GraphError(f"more than {MAX_ENTRIES} matrix entries; that is no network of ours")


def _wire(number: int) -> Row:
    return Row((number,), (1.0,), 0.0)


def _row(sources: IntArray, form: FloatArray, bias: float) -> Row:
    kept = np.flatnonzero(form)
    return Row.of(zip(sources[kept].tolist(), form[kept].tolist(), strict=True), bias)
