"""What a network computes in float64, fast, and the same bits everywhere.

Order of evaluation: units in their order; each starts from its bias (from 0 without one) and adds
``weight · value`` for its sources in increasing order, every product and every sum rounded to
nearest float64, no fused multiply-add; then max(·, 0). The output likewise, without the max.
"""

from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.lanes import aligned, at_least, fill, lanes
from sinrelu.arithmetic.numbers import number
from sinrelu.errors import RequestError
from sinrelu.kernels import backend_for, on
from sinrelu.network import Network
from sinrelu.precision import has_float32_weights
from sinrelu.steps import Steps

BLOCK = {"numpy": 2**13, "numba": 768}
"""Points at a time: few enough for a core's cache, and for numpy enough to hide what calls cost."""
MAX_HELD = 2**24
"""Values held at a time, whatever the network: one of a million units takes fewer points."""


class Program(NamedTuple):
    """A network laid out in steps; what a dtype other than float64 computes is rounded to that.

    ``backend`` names a machine, ``numpy`` or ``numba``, that is not left to the number of points.
    """

    steps: Steps
    dtype: type = np.float64
    backend: str | None = None

    @property
    def slots(self) -> int:
        """Values held at a time."""
        return self.steps.slots

    @overload
    def __call__(self, x: float) -> np.float64: ...
    @overload
    def __call__(self, x: npt.ArrayLike) -> FloatArray: ...
    def __call__(self, x: npt.ArrayLike) -> FloatArray | np.float64:
        """Evaluate at float64 points of any shape; NaN gives NaN if the input is read at all.

        Other real numbers are rounded to nearest; what is none is a RequestError.
        """
        with np.errstate(over="ignore"):
            points: FloatArray = _float64(x).astype(self.dtype, copy=False)
        flat = np.ascontiguousarray(points.reshape(-1))
        result = np.empty_like(flat)
        backend = backend_for(flat.size * float(len(self.steps.weight)), self.backend)
        length = max(1, min(BLOCK[backend], flat.size, MAX_HELD // self.slots))
        memory = aligned(self.slots, length, self.dtype)
        with np.errstate(all="ignore"):
            on(backend, evaluate)(self.steps.rounded(self.dtype), flat, result, memory)
        return result.reshape(points.shape)[()]


def evaluate(steps: Steps, x: FloatArray, result: FloatArray, memory: FloatArray) -> None:
    """Evaluate a network at points of shape (n,), as many at a time as the memory has room for."""
    length, output = memory.shape[1], memory[steps.target[-1]]
    for begin in range(0, len(x), length):
        points = x[begin : begin + length]
        n = len(points)
        for j in lanes(n):
            memory[0][j] = points[j]
        run(steps, memory, n)
        answer = result[begin : begin + length]
        for j in lanes(n):
            answer[j] = output[j] + 0.0  # −0 becomes 0


def run(steps: Steps, memory: FloatArray, n: int) -> None:
    """Compute all steps in order; see the module for the order within a step."""
    weight, source, output = steps.weight, steps.source, len(steps.target) - 1
    for step in range(output + 1):
        total, bias = memory[steps.target[step]], steps.bias[step]
        k, terms = steps.first[step], steps.first[step + 1] - steps.first[step]
        floor = 0.0 if step < output else -np.inf
        if terms == 1:
            rectify_one(total, bias, weight[k], memory[source[k]], floor, n)
        elif terms == 2:
            values = memory[source[k]], memory[source[k + 1]]
            rectify_two(total, bias, weight[k], weight[k + 1], values, floor, n)
        else:
            fill(total, bias, n)
            for term in range(k, k + terms):
                add(total, weight[term], memory[source[term]], n)
            rectify(total, floor, n)


def rectify_one(
    total: FloatArray, bias: float, weight: float, value: FloatArray, floor: float, n: int
) -> None:
    """Compute a step of one term: most are, and a pass over the points each takes longer."""
    for j in lanes(n):
        total[j] = at_least(bias + weight * value[j], floor)


def rectify_two(
    total: FloatArray,
    bias: float,
    first: float,
    second: float,
    values: tuple[FloatArray, FloatArray],
    floor: float,
    n: int,
) -> None:
    """Likewise a step of two terms."""
    value, other = values
    for j in lanes(n):
        total[j] = at_least((bias + first * value[j]) + second * other[j], floor)


def add(total: FloatArray, weight: float, value: FloatArray, n: int) -> None:
    """Add weight · value."""
    for j in lanes(n):
        total[j] += weight * value[j]


def rectify(total: FloatArray, floor: float, n: int) -> None:
    """Replace what is below the floor."""
    for j in lanes(n):
        total[j] = at_least(total[j], floor)


@overload
def evaluate_float64(network: Network, x: float) -> np.float64: ...
@overload
def evaluate_float64(network: Network, x: npt.ArrayLike) -> FloatArray: ...
def evaluate_float64(network: Network, x: npt.ArrayLike) -> FloatArray | np.float64:
    """Evaluate a network at float64 points of any shape; to do so often, keep its ``program``.

    Other real numbers are rounded to nearest; what is none is a RequestError.
    """
    return program(network)(x)


def evaluate_float32(network: Network, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Evaluate in float32, in the same order; points of any shape are rounded to float32.

    Raises RequestError if a weight is no float32; ``sinrelu.precision.in_float32`` rounds them.
    """
    if not has_float32_weights(network):
        raise RequestError("float32: a weight is no float32; round them by convert --float32")
    result: npt.NDArray[np.float32] = np.asarray(program(network)._replace(dtype=np.float32)(x))
    return result


def _float64(x: npt.ArrayLike) -> FloatArray:
    """Return an array of real numbers, or one number of any kind, in float64."""
    try:
        points = np.asarray(x)
    except ValueError as error:
        raise RequestError("x: expected numbers, or an array of one shape") from error
    if points.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            return points.astype(np.float64, copy=False)
    if points.ndim:
        raise RequestError(f"x: an array of {points.dtype} is not one of real numbers")
    try:
        return np.array(float(number(x, "x")))
    except OverflowError as error:
        raise RequestError("x: a number is beyond float64") from error


def program(network: Network) -> Program:
    """Lay out a network once, to be evaluated often."""
    network.require_float64("float64 evaluation")
    return Program(network.steps)
