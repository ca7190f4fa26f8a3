"""The trusted part: what is assumed of float64, tested on the machine that computes.

The tests are a kernel as well, so what a compiler might do to one, it does to the other.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.double_double import U, product_error, split, two_sum
from sinrelu.arithmetic.lanes import lanes
from sinrelu.errors import ArithmeticAssumptionError
from sinrelu.kernels import NUMPY, on


def check_arithmetic(backend: str = NUMPY) -> None:
    """Test what can be tested of the assumptions, on arrays long enough for vector units."""
    operands, expected = _examples()
    made = np.zeros_like(expected)
    with np.errstate(all="ignore"):
        on(backend, compute_examples)(operands, made, operands.shape[1])
    # in bits: where subnormals are taken for 0, they compare equal to it
    if not np.array_equal(made.view(np.int64), expected.view(np.int64)):
        raise ArithmeticAssumptionError(
            "float64 arithmetic here is not IEEE 754 rounding to nearest with gradual underflow"
        )


def compute_examples(operands: FloatArray, made: FloatArray, n: int) -> None:
    """Do one thing after the other with columns (1, 2⁻¹⁰⁷⁴, a, b)."""
    ones, tiny, left, right = operands
    for j in lanes(n):
        one, least, a, b = ones[j], tiny[j], left[j], right[j]
        made[0, j] = one + U  # ties to even
        made[1, j] = (one + 2 * U) + U
        made[2, j] = one + 1.5 * U
        made[3, j] = -one - U
        made[4, j] = least * one  # gradual underflow
        made[5, j] = least + least
        made[6, j] = (2.0**-1022 * one) / 2
        product = a * b
        upper, lower = split(b)
        made[7, j] = product - a * b  # not fused
        made[8, j] = product_error(product, a, upper, lower)
        made[9, j] = two_sum(a, b * 2.0**-30)[1]
        made[10, j] = (a + one) * b - one


@cache
def _examples() -> tuple[FloatArray, FloatArray]:
    """Return operands of ``compute_examples`` and, by rational arithmetic, what it should make."""
    a = [1 / (3 + j) for j in range(64)]
    b = [(j + 2) / 7 for j in range(64)]
    products = [Fraction(x) * Fraction(y) for x, y in zip(a, b, strict=True)]
    sums = [Fraction(x) + Fraction(y) / 2**30 for x, y in zip(a, b, strict=True)]
    constants = (1.0, 1 + 4 * U, 1 + 2 * U, -1.0, 2.0**-1074, 2.0**-1073, 2.0**-1023, 0.0)
    errors = [[float(exact - Fraction(float(exact))) for exact in row] for row in (products, sums)]
    separate = [float(Fraction(x + 1.0) * Fraction(y)) - 1 for x, y in zip(a, b, strict=True)]
    expected = np.array([*([constant] * 64 for constant in constants), *errors, separate])
    return np.array([[1.0] * 64, [2.0**-1074] * 64, a, b]), expected
