"""Operators that compute: affine ones exactly, and those that are made of a ReLU or two."""

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import chain

import numpy as np

from sinrelu.errors import GraphError
from sinrelu.formats.dense import INEXACT, InexactError, Values, exact
from sinrelu.formats.onnx_reader.tensors import ELEMENTS, Step, Tensor, common_element, objects


def add(step: Step, *terms: Tensor) -> Tensor:
    """Add, Sum."""
    return _combined(step, (1.0,) * len(terms), *terms)


def subtract(step: Step, a: Tensor, b: Tensor) -> Tensor:
    """Sub."""
    return _combined(step, (1.0, -1.0), a, b)


def negate(step: Step, a: Tensor) -> Tensor:
    """Neg."""
    return _combined(step, (-1.0,), a)


def multiply(step: Step, a: Tensor, b: Tensor) -> Tensor:
    """Mul by a constant."""
    a, b = _alike(step, *((b, a) if b.computed else (a, b)))
    factors = b.numbers.ravel().tolist()
    return _made(step.assembler.scale(a.values, factors), a.array.shape, a, b)


def divide(step: Step, a: Tensor, b: Tensor) -> Tensor:
    """Div by a constant."""
    a, b = _alike(step, a, b)
    divisors = b.numbers.ravel().tolist()
    if not all(divisors):
        raise GraphError("divides by 0")
    factors = (1 / exact(divisor) for divisor in divisors)
    return _made(step.assembler.scale(a.values, factors), a.array.shape, a, b)


def matmul(step: Step, a: Tensor, b: Tensor) -> Tensor:
    """MatMul with a constant matrix or vector on either side."""
    if b.computed and not a.computed:  # W·X = (Xᵀ·Wᵀ)ᵀ
        result = matmul(step, _turned(b), _turned(a))
        return _turned(result) if a.array.ndim > 1 else result
    weight = b.numbers
    if not a.array.ndim or weight.ndim not in (1, 2):
        raise GraphError("expected a matrix or a vector as the weight")
    matrix = weight.reshape(len(weight), -1).T
    rows = a.forms.reshape(-1, a.array.shape[-1])
    results = [step.assembler.affine(tuple(row), matrix) for row in rows]
    shape = (*a.array.shape[:-1], *weight.shape[1:])
    return _made(tuple(chain.from_iterable(results)), shape, a, b)


def gemm(step: Step, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """Gemm: alpha·A·B + beta·C, each of A and B transposed or not."""
    if (a.array.ndim, b.array.ndim) != (2, 2):
        raise GraphError("expected two matrices")
    a = _turned(a) if step.attributes["transA"] else a
    b = _turned(b) if step.attributes["transB"] else b
    product = _scaled(step, matmul(step, a, b), step.attributes["alpha"])
    if c is None:
        return product
    result = add(step, product, _scaled(step, c, step.attributes["beta"]))
    if result.array.shape != product.array.shape:
        raise GraphError(f"a bias of shape {c.array.shape} meets {product.array.shape}")
    return result


def relu(step: Step, x: Tensor) -> Tensor:
    """Relu."""
    return _units(step, step.assembler.relu, x)


def leaky_relu(step: Step, x: Tensor) -> Tensor:
    """LeakyRelu."""
    return _leaky(step, x, [step.attributes["alpha"]] * x.array.size)


def absolute(step: Step, x: Tensor) -> Tensor:
    """Abs."""
    return _leaky(step, x, [-1.0] * x.array.size)


def prelu(step: Step, x: Tensor, slope: Tensor) -> Tensor:
    """PRelu with constant slopes."""
    common_element(x, slope)
    return _leaky(step, x, np.broadcast_to(slope.numbers, x.array.shape).ravel().tolist())


def maximum(step: Step, *tensors: Tensor) -> Tensor:
    """Max."""
    return _extreme(step, step.assembler.maximum, tensors)


def minimum(step: Step, *tensors: Tensor) -> Tensor:
    """Min."""
    return _extreme(step, step.assembler.minimum, tensors)


def clip(step: Step, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Clip between constants that stand in inputs or, in older models, in attributes."""
    bounds = (_bound(step, "min", low, x.element), _bound(step, "max", high, x.element))
    return _units(step, lambda values: step.assembler.clip(values, *bounds), x)


def _alike(step: Step, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Repeat tensors along one another's axes until all have one shape."""
    common_element(*tensors)
    shape = np.broadcast_shapes(*(tensor.array.shape for tensor in tensors))
    step.assembler.spend(len(tensors) * math.prod(shape))
    return tuple(Tensor(np.broadcast_to(t.array, shape), t.element) for t in tensors)


def _made(values: Values, shape: tuple[int, ...], *inputs: Tensor) -> Tensor:
    """Return a tensor of these forms, or of numbers if the inputs are constant."""
    element = common_element(*inputs)
    if any(tensor.computed for tensor in inputs):
        return Tensor(objects(values, shape), element)
    if any(form.sources for form in values):  # units stand for a number that is no float64
        raise InexactError(INEXACT)
    return Tensor(np.array([form.bias for form in values]).reshape(shape), element)


def _combined(step: Step, factors: Sequence[float], *terms: Tensor) -> Tensor:
    alike = _alike(step, *terms)
    pairs = zip(factors, (tensor.values for tensor in alike), strict=True)
    return _made(step.assembler.combine(*pairs), alike[0].array.shape, *alike)


def _scaled(step: Step, a: Tensor, factor: float) -> Tensor:
    return a if factor == 1 else _combined(step, (factor,), a)


def _turned(tensor: Tensor) -> Tensor:
    array = tensor.array
    return tensor._replace(array=array.swapaxes(-1, -2) if array.ndim > 1 else array)


def _units(step: Step, make: Callable[..., Values], *tensors: Tensor) -> Tensor:
    if not any(tensor.computed for tensor in tensors):
        raise GraphError("its inputs do not depend on the network's input; fold the constants")
    alike = _alike(step, *tensors)
    return _made(make(*(tensor.values for tensor in alike)), alike[0].array.shape, *alike)


def _leaky(step: Step, x: Tensor, slopes: list[float]) -> Tensor:
    return _units(step, lambda values: step.assembler.leaky(values, slopes), x)


def _extreme(step: Step, make: Callable[..., Values], tensors: Sequence[Tensor]) -> Tensor:
    variable_first = sorted(tensors, key=lambda tensor: not tensor.computed)
    return reduce(lambda a, b: _units(step, make, a, b), variable_first)


def _bound(step: Step, name: str, tensor: Tensor | None, element: int) -> float:
    """Return a bound, infinite where no number of the type lies beyond it."""
    sign = -1 if name == "min" else 1
    bound = float(step.attributes.get(name, sign * math.inf))
    if tensor is not None:
        if tensor.array.size != 1 or tensor.element != element:
            raise GraphError(f"{name}: expected one {ELEMENTS[element]}")
        bound = float(tensor.numbers.item())
    if math.isnan(bound):
        raise GraphError(f"{name}: is NaN")
    return sign * math.inf if sign * bound >= np.finfo(ELEMENTS[element]).max else bound
