"""The trusted part: what evaluation does at a bottleneck; docs/float64.md, 11.

Behind a bottleneck forms read z = Σ aᵢvᵢ, and what is computed in its place is Σ aᵢṽᵢ, a real
number that is no float. Their rounding is that of the products that they really add up.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, IntArray
from sinrelu.arithmetic.double_double import is_power_of_two
from sinrelu.arithmetic.sine import LIMIT
from sinrelu.certify.bottleneck import Reduction, early_wires, held_by
from sinrelu.certify.bound import UP, Interval, Judge, checked
from sinrelu.certify.floats import Format, last_bit, product
from sinrelu.certify.pieces import Finder, with_widest
from sinrelu.certify.rounding import Entry, Rounding, in_range
from sinrelu.certify.survey import Finding
from sinrelu.kernels import backend_for
from sinrelu.network import Network

BLOCKS, FEWEST = 2**6, 2**9
"""So many blocks at least make up a domain, as x of one magnitude round alike; each has at least
so many cells."""
NOTHING = 10**6
"""Of what bit 0 is a multiple."""


class Values(NamedTuple):
    """What is computed of early steps: multiples of 2^grid from −below to above, in every block."""

    error: float
    above: FloatArray
    below: FloatArray
    grid: IntArray


class Product(NamedTuple):
    """A product that a form adds up: a multiple of 2^grid from −minus to plus."""

    plus: float
    minus: float
    grid: int
    power: bool


class Known(NamedTuple):
    """What is to be proved behind a bottleneck so that something can be said of evaluation, too.

    What is computed for z is within ``error`` of it, and so in ``domain``. Without a ``rounding``
    nothing is said of evaluation.
    """

    domain: Interval
    rounding: Rounding | None = None
    error: float = math.inf

    def total(self, found: Finding) -> float:
        """Bound |fl(N)(x) − N(x)| where ``found`` is known of the domain; section 11."""
        carried = found.slope * self.error + 2 * found.radius
        total = (found.evaluation + carried) * UP
        return total if self.rounding and total < math.inf else math.inf


def entry_of(
    network: Network, found: Reduction, format: Format | None, backend: str | None
) -> Known:
    """Return what is known of evaluation at a bottleneck of a network.

    Nothing is claimed if not all of its numbers are the format's, those included that nothing
    reads, and that the reduction leaves out.
    """
    reads = _reads(found)
    if format is None or reads is None or not in_range(network, format):
        return Known(found.domain)
    values = _values(found, format, backend_for(found.cells * found.fold.size, backend))
    low, high = found.domain[0] - values.error, found.domain[1] + values.error
    domain = math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
    if not -LIMIT <= domain[0] < domain[1] <= LIMIT:
        return Known(found.domain)
    products = [[_product(weight, step, values) for weight, step in row] for row in reads]
    return Known(domain, Rounding.of(found.network, format, _joined(products)), values.error)


def _reads(found: Reduction) -> list[list[tuple[float, int]]] | None:
    """Return for every form of the reduced network which early steps it reads, and how.

    None if that cannot be said: where something was dropped, or is no carry but looks like one, as
    what it reads of early wires cancels, though only without rounding.
    """
    whole, held, early = found.whole, held_by(found.whole), early_wires(found.whole, found.cut)
    late = [row for number, row in enumerate(whole.rows, start=1) if number not in early]
    if len(late) != len(found.network.rows):
        return None
    computed = [row.number for row in found.network.computed]
    left = set(range(1, len(late))).difference(computed)
    if not all(late[number - 1].is_carry for number in left):
        return None
    steps = {0: 0} | {row.number: i for i, row in enumerate(found.fold.computed, start=1)}
    rows = [late[number - 1] for number in computed]
    read = [[(weight, held[v]) for v, weight in row.edges if v in early] for row in rows]
    if found.cut.negative:
        read[-1] = [(-weight, wire) for weight, wire in read[-1]]
    if not all(wire in steps for row in read for _, wire in row):
        return None
    return [[(weight, steps[wire]) for weight, wire in row] for row in read]


def _values(found: Reduction, format: Format, backend: str) -> Values:
    """Follow the early part over the whole domain."""
    rounding = Rounding.of(found.fold, format)
    judge = Judge.of(found.fold, rounding=rounding, backend=backend)
    judge = replace(judge, cells=min(judge.cells, max(FEWEST, found.pieces // BLOCKS)))
    widest = (found.source[1] - found.source[0]) / (judge.cells * BLOCKS)
    runs = Finder.of(found.fold, backend=backend).blocks(found.source)
    runs = (with_widest(nodes, widest) for nodes in runs)
    memory, count = judge.memory(), len(found.fold.computed) + 1
    known = Values(0.0, np.zeros(count), np.zeros(count), np.full(count, NOTHING))
    for nodes in checked(judge, found.source, runs):
        error, state = judge.block(nodes, memory).evaluation, memory[1]
        if not error < math.inf:
            return known._replace(error=math.inf)
        grid = np.where((state.above > 0) | (state.below > 0), state.grid, NOTHING)
        known = Values(
            max(known.error, error),
            np.maximum(known.above, state.above),
            np.maximum(known.below, state.below),
            np.minimum(known.grid, grid),
        )
    return known


def _product(weight: float, step: int, values: Values) -> Product:
    """Bound a product of a weight and what is computed of a step."""
    high = product(abs(weight), float(values.above[step]))
    low = product(abs(weight), float(values.below[step]))
    grid = int(values.grid[step]) + last_bit(weight)
    plus, minus = (high, low) if weight > 0 else (low, high)
    return Product(plus, minus, grid, is_power_of_two(weight))


def _joined(products: list[list[Product]]) -> Entry:
    """Lay products out; those that are computed as 0 are left out."""
    kept = [[made for made in row if made.plus or made.minus] for row in products]
    every = [made for row in kept for made in row]
    return Entry(
        np.cumsum([0, *map(len, kept)], dtype=np.int64),
        np.array([made.plus for made in every]),
        np.array([made.minus for made in every]),
        np.array([made.grid for made in every], np.int64),
        np.array([made.power for made in every], np.bool_),
    )
