"""Tensors of a model: arrays of affine forms where they depend on the input, else of numbers."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sinrelu.errors import GraphError
from sinrelu.formats.dense import Assembler, Values, constant
from sinrelu.network import Row

Array = npt.NDArray[Any]

FLOAT, INT32, INT64, BOOL, DOUBLE = 1, 6, 7, 9, 11
ELEMENTS = {FLOAT: "float32", INT32: "int32", INT64: "int64", BOOL: "bool", DOUBLE: "float64"}
"""Numbers of ``TensorProto.DataType``, with numpy's names."""


class Tensor(NamedTuple):
    """An array and what its elements are in the model, a key of ``ELEMENTS``.

    float32 numbers are held as the float64 that they equal.
    """

    array: Array
    element: int

    @property
    def computed(self) -> bool:
        """Whether it depends on the input, and so holds affine forms."""
        return self.array.dtype == object

    @property
    def forms(self) -> Array:
        """The affine form of each entry."""
        if self.computed:
            return self.array
        return objects(map(constant, self.array.ravel().tolist()), self.array.shape)

    @property
    def values(self) -> Values:
        """The affine forms in order of the entries."""
        return tuple(self.forms.flat)

    @property
    def numbers(self) -> Array:
        """The array of a constant; GraphError for what depends on the input."""
        if self.computed:
            raise GraphError("an input that must be constant depends on the network's input")
        return self.array

    @property
    def integers(self) -> tuple[int, ...]:
        """The entries of a constant vector, or scalar, of integers."""
        if self.element not in (INT32, INT64) or self.array.ndim > 1:
            raise GraphError("expected a vector of integers")
        return tuple(self.numbers.ravel().tolist())


@dataclass(frozen=True)
class Step:
    """What a node has beside its tensors: where units are made, and its attributes."""

    assembler: Assembler
    attributes: Mapping[str, Any]


def objects(forms: Iterable[Row], shape: tuple[int, ...]) -> Array:
    """Return forms as an array; numpy would take a form for a sequence if it were asked."""
    return np.fromiter(forms, object, math.prod(shape)).reshape(shape)


def held(array: Array, element: int) -> Tensor:
    """Return numbers as a tensor of this type, to which they are rounded."""
    with np.errstate(all="ignore"):  # what is not finite is refused where it is used
        rounded = array.astype(ELEMENTS[element])
    return Tensor(rounded.astype(np.float64) if element == FLOAT else rounded, element)


def common_element(*tensors: Tensor) -> int:
    """Return the floating-point type that tensors have in common."""
    found = {tensor.element for tensor in tensors}
    if len(found) > 1 or not found <= {FLOAT, DOUBLE}:
        names = " and ".join(sorted(ELEMENTS[element] for element in found))
        raise GraphError(f"expected float64 alone or float32 alone, found {names}")
    return found.pop()
