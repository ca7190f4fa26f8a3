"""A network: an immutable graph of ReLU units, and everything that can be counted on it.

Sources are numbered 0 (the input x), 1 … U (the units, in topological order). Row ``r`` of the
graph, 1 ≤ r ≤ U, is the affine form that unit ``r`` rectifies; row U+1 is the output, which is not
rectified. A network is its rows.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from sinrelu.errors import GraphError, RequestError
from sinrelu.steps import Computed, Steps

Number = Any  # a float, or a Fraction k/2ⁿ that no float64 is equal to

LAYERED = "layered"
SKIP = "skip"


class Row(NamedTuple):
    """One affine form: ``bias + Σ weights[i] · value(sources[i])``."""

    sources: tuple[int, ...]
    weights: tuple[Number, ...]
    bias: Number

    @classmethod
    def of(cls, edges: Iterable[tuple[int, Number]], bias: Number) -> Row:
        """Write a form from its (source, weight), in any order, without those that vanish."""
        kept = sorted(edge for edge in edges if edge[1] != 0)
        return cls(tuple(source for source, _ in kept), tuple(w for _, w in kept), bias)

    @property
    def edges(self) -> Iterator[tuple[int, Number]]:
        """Each source with its weight."""
        return zip(self.sources, self.weights, strict=True)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """The weights, and then the bias."""
        return (*self.weights, self.bias)

    @property
    def is_carry(self) -> bool:
        """Whether the form is one unit's value, unchanged."""
        return self.weights == (1.0,) and self.bias == 0.0 and self.sources[0] > 0


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A ReLU network from one real input to one real output.

    ``rows`` are the affine forms of units 1 … U and then that of the output. Sources are ints,
    strictly increasing within a row, and below the row. Weights are finite and not zero, biases
    finite: floats or, where float64 is too narrow, Fractions k/2ⁿ. ``meta`` is informative only:
    nothing that is counted or proved is ever read from it.

    Raises GraphError if the rows do not describe such a graph, naming the field and the row, or
    if ``meta`` is nested too deeply to be copied.
    """

    rows: tuple[Row, ...]
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = tuple(_checked(number, row) for number, row in enumerate(self.rows, start=1))
        if not rows:
            raise GraphError("rows: expected at least one, the output's")
        object.__setattr__(self, "rows", rows)
        try:
            object.__setattr__(self, "meta", MappingProxyType(deepcopy(dict(self.meta))))
        except RecursionError as error:
            raise GraphError("meta: nested too deeply") from error

    def __reduce__(self) -> tuple[type[Network], tuple[object, ...]]:
        """Copy and pickle what was given alone; whatever was derived is derived again."""
        return type(self), (self.rows, dict(self.meta))

    def with_meta(self, **entries: object) -> Network:
        """Return the same graph with entries added to ``meta``."""
        return Network(self.rows, {**self.meta, **entries})

    def to_torch(self) -> Any:
        """Return the network as a float64 ``torch.nn.Sequential``; see ``sinrelu.formats.torch``.

        Raises MissingExtraError if PyTorch is not installed.
        """
        from sinrelu.formats.torch import to_torch  # above this module, so on demand only

        return to_torch(self)

    @staticmethod
    def from_torch(module: Any) -> Network:
        """Read a ``torch.nn.Module`` of Linear, ReLU and the like; see ``sinrelu.formats.torch``.

        Raises GraphError if the module is anything else, the message naming the layer, and
        MissingExtraError if PyTorch is not installed.
        """
        from sinrelu.formats.torch import from_torch

        return from_torch(module)

    @cached_property
    def multiprecision(self) -> bool:
        """Whether some weight or bias has more bits than a float64."""
        return any(isinstance(number, Fraction) for row in self.rows for number in row.numbers)

    def require_float64(self, purpose: str) -> None:
        """Refuse a multiprecision network, with a RequestError, where float64 is all there is."""
        if self.multiprecision:
            raise RequestError(
                f"{purpose}: the weights have more bits than a float64; "
                f"only the exact evaluator and .json take them"
            )

    @property
    def units(self) -> int:
        """Hidden units."""
        return len(self.rows) - 1

    @cached_property
    def connections(self) -> int:
        """Nonzero weights, whatever their size; biases are not connections."""
        return sum(len(row.weights) for row in self.rows)

    @property
    def size(self) -> int:
        """Numbers in the rows: connections and, zeros included, biases."""
        return self.connections + len(self.rows)

    @property
    def biases(self) -> int:
        """Nonzero biases, the output's included."""
        return sum(row.bias != 0 for row in self.rows)

    @property
    def parameters(self) -> int:
        """Connections and nonzero biases together."""
        return self.connections + self.biases

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The longest path, in connections, from the input to each source and to the output.

        U+2 numbers: entry 0 is the input's (0), the last entry is the output's, and a unit
        without connections stands on level 1.
        """
        levels = [0]
        for row in self.rows:
            levels.append(1 + max((levels[source] for source in row.sources), default=0))
        return tuple(levels)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Units on each level 1 … depth−1."""
        units = Counter(self.levels[1:-1])
        return tuple(units[level] for level in range(1, self.depth))

    @property
    def depth(self) -> int:
        """Affine layers: the longest path from the input to the output, or past all the units."""
        return max(self.levels[-1], 1 + max(self.levels[:-1]))

    @property
    def width(self) -> int:
        """Most units on a level."""
        return max(self.widths, default=0)

    @cached_property
    def skip_connections(self) -> int:
        """Connections that do not come from the level right before."""
        levels = (*self.levels[:-1], self.depth)
        return sum(
            levels[number] - levels[source] != 1
            for number, row in enumerate(self.rows, start=1)
            for source in row.sources
        )

    @property
    def wiring(self) -> str:
        """``layered`` if every unit reads only the layer right before it, else ``skip``."""
        return SKIP if self.skip_connections else LAYERED

    @property
    def dense_size(self) -> int | None:
        """Σ wᵢ·wᵢ₊₁ over the layers of a layered network, zeros counted; None with skips."""
        if self.skip_connections:
            return None
        widths = (1, *self.widths, 1)
        return sum(a * b for a, b in pairwise(widths))

    @property
    def dense_size_with_biases(self) -> int | None:
        """Dense size and one bias for each unit and for the output; None with skips."""
        return None if self.dense_size is None else self.dense_size + self.units + 1

    @cached_property
    def computed(self) -> tuple[Computed, ...]:
        """The rows that the output depends on, without those that carry; the output's is last."""
        holder = [0]
        for number, row in enumerate(self.rows, start=1):
            holder.append(holder[row.sources[0]] if row.is_carry else number)
        found: list[Computed] = []
        read = {len(self.rows)}
        for number in range(len(self.rows), 0, -1):
            if number in read:
                row = self.rows[number - 1]
                terms = tuple((weight, holder[source]) for source, weight in row.edges)
                finished = {source for _, source in terms} - read
                read |= finished
                found.append(Computed(number, terms, row.bias, tuple(sorted(finished))))
        return tuple(reversed(found))

    @cached_property
    def steps(self) -> Steps:
        """Those rows as arrays, laid out once; the weights must be float64."""
        return Steps.of(self.computed)

    @cached_property
    def most_live(self) -> int:
        """Most values held at a time while the rows are computed in their order."""
        live, most = 1, 1
        for row in self.computed:
            most = max(most, live + 1)
            live += 1 - len(row.finished)
        return most

    @cached_property
    def sha256(self) -> str:
        """Hash of the graph alone, the same on every platform and for every file format."""
        digest = hashlib.sha256(b"sinrelu-graph-1\n")
        for row in self.rows:
            edges = (f"{s}:{exact_hex(w)}" for s, w in row.edges)
            digest.update(f"{exact_hex(row.bias)};{','.join(edges)}\n".encode())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return (
            f"<Network: {self.units} units, {self.connections} connections, "
            f"depth {self.depth}, {self.wiring}>"
        )


def without_dead_units(rows: Sequence[Row]) -> list[Row]:
    """Drop the units that the last row does not depend on and renumber the others in order."""
    alive = {len(rows)}
    for number in range(len(rows), 0, -1):
        if number in alive:
            alive.update(rows[number - 1].sources)
    return reordered(rows, sorted(alive - {0}))


def reordered(rows: Sequence[Row], order: Sequence[int]) -> list[Row]:
    """Return the rows of these numbers in this order, which must hold all that they read."""
    place = {0: 0} | {old: new for new, old in enumerate(order, start=1)}
    chosen = [rows[old - 1] for old in order]
    return [Row.of(((place[s], w) for s, w in row.edges), row.bias) for row in chosen]


def exact_hex(number: float | Fraction) -> str:
    """Write a dyadic number exactly as an odd integer times a power of two: ``-0x3p-1`` is −1.5."""
    numerator, denominator = number.as_integer_ratio()
    twos = (numerator & -numerator).bit_length() - 1 if numerator else 0
    exponent = twos - (denominator.bit_length() - 1)
    return f"{numerator >> twos:#x}p{exponent}"


def fits_float64(number: Fraction) -> bool:
    """Whether a Fraction is exactly a float64."""
    try:
        return float(number) == number
    except OverflowError:
        return False


def _checked(number: int, row: Row) -> Row:
    """Return row ``number`` in plain numbers, or refuse it."""
    sources = tuple(row.sources)
    if not all(type(source) is int and 0 <= source < number for source in sources):
        raise GraphError(f"source: row {number}: must be the input or an earlier unit")
    if any(later <= source for source, later in pairwise(sources)):
        raise GraphError(f"source: row {number}: must increase strictly within a row")
    weights = tuple(_number("weight", number, weight) for weight in row.weights)
    if len(weights) != len(sources):
        raise GraphError(f"weight: row {number}: expected one for each source")
    if not all(weights):
        raise GraphError(f"weight: row {number}: must not be zero; leave the connection out")
    return Row(sources, weights, _number("bias", number, row.bias))


def _number(name: str, row: int, number: Number) -> Number:
    """Return a finite float, or a Fraction if no float is equal to it."""
    if isinstance(number, Fraction) and number.denominator.bit_count() == 1:
        return float(number) if fits_float64(number) else number
    if not isinstance(number, float):
        raise GraphError(f"{name}: row {row}: must be a float64 or a Fraction k/2ⁿ")
    if not math.isfinite(number):
        raise GraphError(f"{name}: row {row}: must be finite")
    return float(number)
