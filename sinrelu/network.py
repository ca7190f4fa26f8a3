"""A network: an immutable graph of ReLU units, and everything that can be counted on it.

Sources are numbered 0 (the input x), 1 … U (the units, in topological order). Row ``r`` of the
graph, 1 ≤ r ≤ U, is the affine form that unit ``r`` rectifies; row U+1 is the output, which is not
rectified. Rows are stored one after the other (compressed sparse rows).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sinrelu.errors import GraphError, RequestError

FloatArray = npt.NDArray[np.float64]
Number = Any  # a float, or a Fraction k/2ⁿ in a wide network
IntArray = npt.NDArray[np.int64]

LAYERED = "layered"
SKIP = "skip"


class Row(NamedTuple):
    """One affine form: ``bias + Σ weights[i] · value(sources[i])``."""

    sources: tuple[int, ...]
    weights: tuple[Number, ...]
    bias: Number

    @property
    def edges(self) -> Iterator[tuple[int, Number]]:
        """Each source with its weight."""
        return zip(self.sources, self.weights, strict=True)

    @property
    def is_carry(self) -> bool:
        """Whether the form is one unit's value, unchanged."""
        return self.weights == (1.0,) and self.bias == 0.0 and self.sources[0] > 0


@dataclass(frozen=True, eq=False)
class Network:
    """A ReLU network from one real input to one real output.

    Parameters
    ----------
    indptr : (U+2,) int64
        Row ``r`` owns the connections ``indptr[r-1]`` … ``indptr[r]-1``.
    source : (E,) int64
        Where each connection comes from; strictly increasing within a row, and below the row.
    weight : (E,) float64, or object
        Finite and not zero. Where float64 is too narrow, weights and biases are Fractions k/2ⁿ.
    bias : (U+1,) float64, or object
        Finite; one for each unit and one for the output.
    meta : mapping
        Informative only: nothing that is counted or proved is ever read from it.

    Raises
    ------
    GraphError
        If the arrays do not describe such a graph; the message names the row.
    """

    indptr: IntArray
    source: IntArray
    weight: FloatArray
    bias: FloatArray
    meta: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, dtype in (
            ("indptr", np.int64),
            ("source", np.int64),
        ):
            object.__setattr__(self, name, _frozen(name, getattr(self, name), dtype))
        for name in ("weight", "bias"):
            object.__setattr__(self, name, _frozen_numbers(name, getattr(self, name)))
        object.__setattr__(self, "meta", dict(self.meta))
        _check_shape(self.indptr, self.source, self.weight, self.bias)
        _check_order(self.indptr, self.source)
        _check_numbers(self.indptr, self.weight, self.bias)

    @classmethod
    def from_rows(cls, rows: Sequence[Row], meta: Mapping[str, object] | None = None) -> Network:
        """Assemble a network from its affine forms, the output last."""
        lengths = [len(row.sources) for row in rows]
        return cls(
            indptr=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
            source=np.array([s for row in rows for s in row.sources], dtype=np.int64),
            weight=_narrowest([w for row in rows for w in row.weights]),
            bias=_narrowest([row.bias for row in rows]),
            meta=meta or {},
        )

    def rows(self) -> Iterator[Row]:
        """Yield the affine forms of units 1 … U and then that of the output."""
        source, weight = self.source.tolist(), self.weight.tolist()
        ends = self.indptr.tolist()
        for (begin, end), bias in zip(pairwise(ends), self.bias.tolist(), strict=True):
            yield Row(tuple(source[begin:end]), tuple(weight[begin:end]), bias)

    def with_meta(self, **entries: object) -> Network:
        """Return the same graph with entries added to ``meta``."""
        return Network(self.indptr, self.source, self.weight, self.bias, {**self.meta, **entries})

    def to_torch(self) -> Any:
        """Return the network as a float64 ``torch.nn.Sequential``; see ``sinrelu.formats.torch``.

        Raises
        ------
        MissingExtraError
            If PyTorch is not installed.
        """
        from sinrelu.formats.torch import to_torch  # above this module, so on demand only

        return to_torch(self)

    @staticmethod
    def from_torch(module: Any) -> Network:
        """Read a float64 ``torch.nn.Module`` of Linear and ReLU; see ``sinrelu.formats.torch``.

        Raises
        ------
        GraphError
            If the module is anything else; the message names the layer.
        MissingExtraError
            If PyTorch is not installed.
        """
        from sinrelu.formats.torch import from_torch

        return from_torch(module)

    @property
    def wide(self) -> bool:
        """Whether some weight or bias has more bits than a float64."""
        return object in (self.weight.dtype, self.bias.dtype)

    def require_float64(self, purpose: str) -> None:
        """Refuse a wide network where float64 is all there is.

        Raises
        ------
        RequestError
            If the network is wide.
        """
        if self.wide:
            raise RequestError(
                f"{purpose}: the weights have more bits than a float64; "
                f"only the exact evaluator and .json take them"
            )

    @property
    def units(self) -> int:
        """Hidden units."""
        return len(self.bias) - 1

    @property
    def connections(self) -> int:
        """Nonzero weights, whatever their size; biases are not connections."""
        return len(self.weight)

    @property
    def biases(self) -> int:
        """Nonzero biases, the output's included."""
        return int(np.count_nonzero(self.bias))

    @property
    def parameters(self) -> int:
        """Connections and nonzero biases together."""
        return self.connections + self.biases

    @cached_property
    def levels(self) -> IntArray:
        """The longest path, in connections, from the input to each source and to the output.

        Shape (U+2,): entry 0 is the input's (0), the last entry is the output's, and a unit
        without connections stands on level 1.
        """
        levels = [0]
        for row in self.rows():
            levels.append(1 + max((levels[s] for s in row.sources), default=0))
        return np.array(levels, dtype=np.int64)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Units on each level 1 … depth−1."""
        return tuple(np.bincount(self.levels[1:-1], minlength=self.depth)[1:].tolist())

    @property
    def depth(self) -> int:
        """Affine layers: the longest path from the input to the output, or past all the units."""
        return int(max(self.levels[-1], 1 + max(self.levels[:-1])))

    @property
    def width(self) -> int:
        """Most units on a level."""
        return max(self.widths, default=0)

    @cached_property
    def skip_connections(self) -> int:
        """Connections that do not come from the level right before."""
        level = np.append(self.levels[:-1], self.depth)
        targets = np.repeat(np.arange(1, self.units + 2), np.diff(self.indptr))
        return int(np.count_nonzero(level[targets] - level[self.source] != 1))

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
    def sha256(self) -> str:
        """Hash of the graph alone, the same on every platform and for every file format."""
        digest = hashlib.sha256(b"sinrelu-graph-1\n")
        for row in self.rows():
            edges = (f"{s}:{exact_hex(w)}" for s, w in zip(row.sources, row.weights, strict=True))
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


def without_dead_units(rows: list[Row]) -> list[Row]:
    """Drop the units that the last row does not depend on and renumber the others in order."""
    alive = {len(rows)}
    for number in range(len(rows), 0, -1):
        if number in alive:
            alive.update(rows[number - 1].sources)
    kept = sorted(alive - {0})
    renumber = {0: 0} | {old: new for new, old in enumerate(kept, start=1)}
    return [
        row._replace(sources=tuple(renumber[s] for s in row.sources))
        for row in (rows[number - 1] for number in kept)
    ]


def exact_hex(number: float | Fraction) -> str:
    """Write a dyadic number exactly as an odd integer times a power of two: ``-0x3p-1`` is −1.5."""
    numerator, denominator = number.as_integer_ratio()
    twos = (numerator & -numerator).bit_length() - 1 if numerator else 0
    exponent = twos - (denominator.bit_length() - 1)
    return f"{numerator >> twos:#x}p{exponent}"


def _frozen(name: str, values: object, dtype: type) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and not np.can_cast(array.dtype, dtype, "safe")):
        raise GraphError(f"{name}: expected a one-dimensional array of {np.dtype(dtype).name}")
    copy: npt.NDArray[Any] = array.astype(dtype, copy=True)
    copy.flags.writeable = False
    return copy


def _narrowest(numbers: list[Number]) -> npt.NDArray[Any]:
    """Return a float64 array where every number fits in one, else an array of Fractions."""
    if any(isinstance(n, Fraction) and not fits_float64(n) for n in numbers):
        return np.array([Fraction(n) for n in numbers], dtype=object)
    return np.array(numbers, dtype=np.float64)


def fits_float64(number: Fraction) -> bool:
    """Whether a Fraction is exactly a float64."""
    try:
        return float(number) == number
    except OverflowError:
        return False


def _frozen_numbers(name: str, values: object) -> npt.NDArray[Any]:
    array = np.asarray(values)
    if array.dtype != object:
        return _frozen(name, array, np.float64)
    if array.ndim != 1 or not all(_is_dyadic(n) for n in array):
        raise GraphError(f"{name}: expected a one-dimensional array of float64 or of k/2ⁿ")
    copy = _narrowest(array.tolist())
    copy.flags.writeable = False
    return copy


def _is_dyadic(number: object) -> bool:
    return isinstance(number, Fraction) and number.denominator.bit_count() == 1


def _check_shape(indptr: IntArray, source: IntArray, weight: FloatArray, bias: FloatArray) -> None:
    if len(bias) < 1 or len(indptr) != len(bias) + 1:
        raise GraphError(
            f"indptr: expected {len(bias) + 1} entries (one more than bias has, at least 2), "
            f"found {len(indptr)}"
        )
    if indptr[0] != 0 or indptr[-1] != len(source) or np.any(indptr[1:] < indptr[:-1]):
        raise GraphError(f"indptr: must rise from 0 to the number of connections, {len(source)}")
    if len(source) != len(weight):
        raise GraphError(f"weight: expected {len(source)} entries like source, found {len(weight)}")


def _check_order(indptr: IntArray, source: IntArray) -> None:
    row = np.repeat(np.arange(1, len(indptr)), np.diff(indptr))
    _refuse(row, (source < 0) | (source >= row), "source", "must be the input or an earlier unit")
    same_row = row[1:] == row[:-1]
    unordered = np.append(False, same_row & (source[1:] <= source[:-1]))
    _refuse(row, unordered, "source", "must increase strictly within a row")


def _check_numbers(indptr: IntArray, weight: FloatArray, bias: FloatArray) -> None:
    row = np.repeat(np.arange(1, len(indptr)), np.diff(indptr))
    _refuse(row, weight == 0, "weight", "must not be zero; leave the connection out")
    for name, numbers, rows in (("weight", weight, row), ("bias", bias, np.arange(1, len(indptr)))):
        if numbers.dtype != object:  # Fractions are always finite
            _refuse(rows, ~np.isfinite(numbers), name, "must be finite")


def _refuse(row: IntArray, bad: npt.NDArray[np.bool_], name: str, rule: str) -> None:
    if bad.any():
        raise GraphError(f"{name}: row {row[np.argmax(bad)]}: {rule}")
