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
2⁻⁹⁹² then. So underflow costs one term of a form less than 2⁻¹⁰⁴⁰, and ``UNDERFLOW``
covers 2²⁰ of them.
"""

import math
from typing import NamedTuple, TypeVar

from sinrelu.arithmetic import FloatArray
from sinrelu.arithmetic.lanes import fill, lanes

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


def two_sum(a: Number, b: Number) -> tuple[Number, Number]:
    """Return s = fl(a + b) and the exact error a + b − s (algorithm 3.1)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def split(a: Number) -> tuple[Number, Number]:
    """Return a = upper + lower exactly, with at most 26 significant bits each (algorithm 3.2)."""
    scaled = a * SPLITTER
    upper = scaled - (scaled - a)
    return upper, a - upper


def start(high: FloatArray, low: FloatArray, bias: float, n: int) -> None:
    """Begin a form bias + Σ wᵢ·vᵢ of double-doubles vᵢ: s₀ = bias and c = 0.

    ``add_product`` adds each of n terms to it, and ``finish`` ends it. With M = |bias| +
    Σ |wᵢ|·|hiᵢ|, the error is at most ``unit_error(n)``·M + ``UNDERFLOW``.

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
    fill(high, bias, n)
    fill(low, 0.0, n)


def add_product(
    high: FloatArray,
    low: FloatArray,
    weight: float,
    power: bool,
    value_high: FloatArray,
    value_low: FloatArray,
    n: int,
) -> None:
    """Add a term to a sum: to sᵢ, and to c what the proof of ``start`` calls tᵢ, eᵢ and lᵢ.

    ``power`` tells that the weight is a power of two, and eᵢ therefore 0.
    """
    if power:
        for j in lanes(n):
            high[j], rest = two_sum(high[j], value_high[j] * weight)
            low[j] = (low[j] + rest) + value_low[j] * weight
    else:
        weight_upper, weight_lower = split(weight)
        for j in lanes(n):
            product = value_high[j] * weight
            error = product_error(product, value_high[j], weight_upper, weight_lower)
            high[j], rest = two_sum(high[j], product)
            low[j] = ((low[j] + rest) + error) + value_low[j] * weight


def finish(high: FloatArray, low: FloatArray, n: int) -> None:
    """End a sum: normalise s + c."""
    for j in lanes(n):
        high[j], low[j] = two_sum(high[j], low[j])


def product_error(
    product: Number, factor: Number, weight_upper: float, weight_lower: float
) -> Number:
    """Return factor·weight − fl(factor·weight) exactly (algorithm 3.3); the weight is split."""
    upper, lower = split(factor)
    error = upper * weight_upper - product
    return ((error + upper * weight_lower) + lower * weight_upper) + lower * weight_lower


def unit_error(terms: int) -> float:
    """Return the relative error of a form of so many terms, in multiples of M."""
    return (3.0 * terms * (terms + 2) + 2) * U * U


def is_power_of_two(weight: float) -> bool:
    """Whether multiplying by a number is exact, but for underflow."""
    return abs(math.frexp(weight)[0]) == 0.5
