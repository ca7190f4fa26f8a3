"""Double-double numbers: pairs of float64 arrays whose exact sum hi + lo is the value.

Error-free transformations need IEEE 754 binary64 with rounding to nearest, ties to even, and no
fused multiply-add. Write u = 2⁻⁵³. Sources: Dekker, "A floating-point technique for extending the
available precision", Numer. Math. 18 (1971); Ogita, Rump and Oishi, "Accurate sum and dot
product", SIAM J. Sci. Comput. 26 (2005), algorithms 3.1 (TwoSum, Knuth's), 3.2 (Split, Dekker's)
and 3.3 (TwoProduct, Veltkamp's).

Range. Every function is proved for operands of magnitude at most ``LARGEST`` = 2⁵⁰⁰, which keeps
every product and every split below overflow; callers check it. Sums never underflow inexactly.
A product of magnitude 2⁻⁹⁶⁸ or more has an exact error term. Below that, TwoProduct errs by at
most 2⁻¹⁰⁷⁵ in each of its five products, and by 2⁻¹⁰⁴⁵ in each of its four sums, which are below
2⁻⁹⁹² then. So underflow costs one connection of ``affine`` less than 2⁻¹⁰⁴⁰, and ``UNDERFLOW``
covers 2²⁰ of them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from sinrelu.arithmetic import FloatArray

Number = TypeVar("Number", FloatArray, float)

U = 2.0**-53
LARGEST = 2.0**500
UNDERFLOW = 2.0**-1000
MAX_TERMS = 2**20
SPLITTER = 2.0**27 + 1


class DoubleDouble(NamedTuple):
    """An unevaluated sum hi + lo with hi = fl(hi + lo), hence |lo| ≤ u·|hi|, elementwise."""

    hi: FloatArray
    lo: FloatArray


class Factor(NamedTuple):
    """A double-double with its high part split in two halves of at most 26 bits each."""

    value: DoubleDouble
    upper: FloatArray
    lower: FloatArray


def two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return s = fl(a + b) and the exact error a + b − s (algorithm 3.1)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def split(a: Number) -> tuple[Number, Number]:
    """Return a = upper + lower exactly, with at most 26 significant bits each (algorithm 3.2)."""
    scaled = a * SPLITTER
    upper = scaled - (scaled - a)
    return upper, a - upper


def factor(value: DoubleDouble) -> Factor:
    """Prepare a value for ``affine``; the split is shared by all of the value's readers."""
    return Factor(value, *split(value.hi))


def affine(terms: Sequence[tuple[float, Factor]], bias: float, like: FloatArray) -> DoubleDouble:
    """Return bias + Σ wᵢ·vᵢ for double-doubles vᵢ and float64 weights wᵢ.

    Error, with n terms and M = |bias| + Σ |wᵢ|·|hiᵢ|: at most ``unit_error(n)``·M + ``UNDERFLOW``.

    Proof. Let pᵢ = fl(wᵢhiᵢ) with exact error eᵢ (TwoProduct), sᵢ = fl(sᵢ₋₁ + pᵢ), s₀ = bias, with
    exact error tᵢ (TwoSum), and lᵢ = fl(wᵢloᵢ). The exact result is sₙ + Σ(tᵢ + eᵢ + wᵢloᵢ). What
    is computed is sₙ + c, where c sums the 3n numbers tᵢ, eᵢ, lᵢ in float64, and the last TwoSum
    is exact. (1) |eᵢ| ≤ u|wᵢhiᵢ| and |lᵢ| ≤ (1+u)u|wᵢhiᵢ|, together at most (2+u)uM in sum.
    (2) |tᵢ| ≤ u(1+u)ⁿM, since |sᵢ₋₁ + pᵢ| ≤ (1+u)ⁿM. (3) Replacing wᵢloᵢ by lᵢ costs at most
    u·|wᵢloᵢ| ≤ u²|wᵢhiᵢ| each, u²M in all. (4) Summing c takes 3n − 1 additions that round, and
    costs at most γ = (3n−1)u/(1−(3n−1)u) times the sum of the magnitudes, which by (1) and (2) is
    at most (n + 2)(1+u)ⁿ⁺¹uM. The power and the denominator together are below 1 + 5nu, and
    (3n − 1)(n + 2)(1 + 5nu) < 3n(n + 2) + 1 for n ≤ 2²⁰; so the total is below
    (3n(n + 2) + 2)u²M. A weight that is a power of two has eᵢ = 0, but for underflow.
    """
    high = np.full_like(like, bias)
    low = np.zeros_like(like)
    for weight, (value, upper, lower) in terms:
        product = value.hi * weight
        high, rest = two_sum(high, product)
        low += rest
        if not _is_power_of_two(weight):
            low += _product_error(product, upper, lower, weight)
        low += value.lo * weight
    return DoubleDouble(*two_sum(high, low))


def unit_error(terms: int) -> float:
    """Return the relative error of ``affine`` with so many terms, in multiples of M."""
    return (3.0 * terms * (terms + 2) + 2) * U * U


def _product_error(
    product: FloatArray, upper: FloatArray, lower: FloatArray, weight: float
) -> FloatArray:
    """Return hi·weight − fl(hi·weight), exactly (algorithm 3.3)."""
    weight_upper, weight_lower = split(weight)
    error = upper * weight_upper
    error -= product
    error += upper * weight_lower
    error += lower * weight_upper
    error += lower * weight_lower
    return error


def _is_power_of_two(weight: float) -> bool:
    return abs(math.frexp(weight)[0]) == 0.5
