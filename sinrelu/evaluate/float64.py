"""What a network computes in float64, fast, and the same bits everywhere.

Order of evaluation: units in their order; each starts from its bias (from 0 without one) and adds
``weight · value`` for its sources in increasing order, every product and every sum rounded to
nearest float64, no fused multiply-add; then max(·, 0). The output likewise, without the max.
"""

from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.numbers import number
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.precision import has_float32_weights

BLOCK = 2**15
"""Points at a time: enough to hide what a numpy call costs, few enough for a core's cache."""
MAX_HELD = 2**24
"""Values held at a time, whatever the network: one of a million units takes fewer points."""


class Step(NamedTuple):
    """One row, reading and writing slots of a block of memory in which live values stand."""

    terms: tuple[tuple[float, int], ...]
    bias: float
    target: int


class Program(NamedTuple):
    """A network compiled to steps over the fewest slots; slot 0 holds the input."""

    steps: tuple[Step, ...]
    slots: int
    dtype: type = np.float64

    @overload
    def __call__(self, x: float) -> np.float64: ...
    @overload
    def __call__(self, x: npt.ArrayLike) -> FloatArray: ...
    def __call__(self, x: npt.ArrayLike) -> FloatArray | np.float64:
        """Evaluate at float64 points of any shape; NaN gives NaN if the input is read at all.

        Other real numbers are rounded to nearest; what is none is a RequestError.
        """
        points: FloatArray = _float64(x).astype(self.dtype, copy=False)
        flat = points.reshape(-1)
        result = np.empty_like(flat)
        length = max(1, min(BLOCK, flat.size, MAX_HELD // (self.slots + 1)))
        memory: FloatArray = np.empty((self.slots + 1, length), self.dtype)
        with np.errstate(all="ignore"):
            for start in range(0, flat.size, length):
                block = flat[start : start + length]
                result[start : start + length] = self._run(block, memory[:, : block.size])
        return result.reshape(points.shape)[()]

    def _run(self, block: FloatArray, memory: FloatArray) -> FloatArray:
        product = memory[-1]
        memory[0] = block
        *units, output = self.steps
        for step in units:
            _affine(step, memory, product)
            np.maximum(memory[step.target], 0.0, out=memory[step.target])
        _affine(output, memory, product)
        answer: FloatArray = memory[output.target] + 0.0  # −0 becomes 0
        return answer


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
    """Compile a network. A unit that only carries a value costs nothing: it shares its slot."""
    network.require_float64("float64 evaluation")
    free: list[int] = []
    slot = {0: 0}
    steps = []
    count = 1
    for row in network.computed:
        if not free:
            free.append(count)
            count += 1
        slot[row.number] = free.pop()
        terms = tuple((weight, slot[source]) for weight, source in row.terms)
        steps.append(Step(terms, row.bias, slot[row.number]))
        free += sorted((slot[source] for source in row.finished), reverse=True)
    return Program(tuple(steps), count)


def _affine(step: Step, memory: FloatArray, product: FloatArray) -> None:
    """Write the step's affine form into its slot, which no source of it occupies."""
    total = memory[step.target]
    terms = iter(step.terms)
    if step.bias or not step.terms:
        total.fill(step.bias)
    else:
        weight, slot = next(terms)
        np.multiply(memory[slot], weight, out=total)
    for weight, slot in terms:
        if weight == 1.0:
            total += memory[slot]
        elif weight == -1.0:
            total -= memory[slot]
        else:
            np.multiply(memory[slot], weight, out=product)
            total += product
