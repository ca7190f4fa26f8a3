"""Operators that compute nothing: constants, casts, and what moves entries about."""

import math
from typing import Any

import numpy as np

from sinrelu.errors import GraphError
from sinrelu.formats.onnx_reader.tensors import DOUBLE, ELEMENTS, FLOAT, INT64, Step, Tensor, held


def constant(step: Step) -> Tensor:
    """Constant."""
    if len(step.attributes) != 1:
        raise GraphError("expected one value")
    [(name, value)] = step.attributes.items()
    if isinstance(value, Tensor):
        return value
    return held(np.array(value), FLOAT if "float" in name else INT64)


def identity(step: Step, x: Tensor) -> Tensor:
    """Identity."""
    return x


def dropout(
    step: Step, x: Tensor, ratio: Tensor | None = None, training: Tensor | None = None
) -> Tensor:
    """Dropout, which does nothing unless it trains."""
    if training is not None and np.any(training.numbers):
        raise GraphError("training_mode is true; export the model for inference")
    return x


def cast(step: Step, x: Tensor) -> Tensor:
    """Cast what is computed without rounding, or a constant."""
    element = step.attributes["to"]
    if element not in ELEMENTS:
        raise GraphError(f"to: element type {element} is not read")
    if x.computed:
        if element not in (x.element, DOUBLE):
            names = f"{ELEMENTS[x.element]} to {ELEMENTS[element]}"
            raise GraphError(f"rounds, from {names}; export the model in one type")
        return x._replace(element=element)
    result = held(x.array, element)
    if element != FLOAT and not np.array_equal(result.array, x.array):
        raise GraphError(f"a constant is no {ELEMENTS[element]}")
    return result


def shape(step: Step, x: Tensor) -> Tensor:
    """Shape."""
    limits = slice(step.attributes["start"], step.attributes["end"])
    return Tensor(np.array(x.array.shape[limits], np.int64), INT64)


def reshape(step: Step, x: Tensor, sizes: Tensor) -> Tensor:
    """Reshape; a size of 0 is that of the input unless ``allowzero``."""
    asked = list(sizes.integers)
    if min(asked, default=0) < -1:
        raise GraphError(f"to the shape {asked}")
    if not step.attributes["allowzero"]:
        asked = [size or x.array.shape[axis] for axis, size in enumerate(asked)]
    return x._replace(array=x.array.reshape(asked))


def flatten(step: Step, x: Tensor) -> Tensor:
    """Flatten."""
    before, axis = x.array.shape, step.attributes["axis"]
    axis = axis if axis == len(before) else _axis(axis, len(before))
    return x._replace(array=x.array.reshape(math.prod(before[:axis]), math.prod(before[axis:])))


def squeeze(step: Step, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Squeeze these axes or, where none are given, all of length 1."""
    return x._replace(array=x.array.squeeze(_axes(step, axes)))


def unsqueeze(step: Step, x: Tensor, axes: Tensor | None = None) -> Tensor:
    """Unsqueeze."""
    return x._replace(array=np.expand_dims(x.array, _axes(step, axes) or ()))


def transpose(step: Step, x: Tensor) -> Tensor:
    """Transpose."""
    return x._replace(array=x.array.transpose(step.attributes["perm"] or None))


def concat(step: Step, *tensors: Tensor) -> Tensor:
    """Concat."""
    if len({tensor.element for tensor in tensors}) != 1:
        raise GraphError("joins tensors of several types")
    step.assembler.spend(sum(tensor.array.size for tensor in tensors))
    computed = any(tensor.computed for tensor in tensors)
    arrays = [tensor.forms if computed else tensor.array for tensor in tensors]
    return tensors[0]._replace(array=np.concatenate(arrays, step.attributes["axis"]))


def gather(step: Step, x: Tensor, indices: Tensor) -> Tensor:
    """Gather at constant indices."""
    before, axis = x.array.shape, _axis(step.attributes["axis"], x.array.ndim)
    places = indices._replace(array=indices.array.ravel()).integers
    after = (*before[:axis], *indices.array.shape, *before[axis + 1 :])
    step.assembler.spend(math.prod(after))
    found = x.array.take(np.array(places, np.int64), axis)
    return x._replace(array=found.reshape(after))


def cut(step: Step, x: Tensor, *inputs: Tensor | None) -> Tensor:
    """Slice between limits that stand in inputs or, in older models, in attributes."""
    given = [() if tensor is None else tensor.integers for tensor in inputs]
    given = given or [step.attributes[name] for name in ("starts", "ends", "axes")]
    starts, ends, axes, steps = (*given, (), ())[:4]
    index: list[Any] = [slice(None)] * x.array.ndim
    axes, steps = axes or tuple(range(len(starts))), steps or (1,) * len(starts)
    if len({len(starts), len(ends), len(axes), len(steps)}) > 1:
        raise GraphError("limits, axes and steps are of different numbers")
    for start, end, axis, pace in zip(starts, ends, axes, steps, strict=True):
        index[_axis(axis, x.array.ndim)] = slice(start, end, pace)
    return x._replace(array=x.array[(*index, ...)])


def expand(step: Step, x: Tensor, sizes: Tensor) -> Tensor:
    """Expand."""
    result = np.broadcast_shapes(x.array.shape, sizes.integers)
    step.assembler.spend(math.prod(result))
    return x._replace(array=np.broadcast_to(x.array, result))


def filled(step: Step, sizes: Tensor) -> Tensor:
    """ConstantOfShape."""
    value: Tensor = step.attributes["value"]
    return expand(step, value, sizes)


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise GraphError(f"axis {axis} of {rank}")
    return axis % rank


def _axes(step: Step, axes: Tensor | None) -> tuple[int, ...] | None:
    """Return axes that stand in an input or, in older models, in an attribute."""
    if axes is not None and not axes.integers:
        raise GraphError("no axes are given")
    return (axes.integers if axes is not None else step.attributes.get("axes")) or None
