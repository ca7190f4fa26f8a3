"""A proven enclosure of sin at double-double points, in float64."""

from __future__ import annotations

import math

import numpy as np

from sinrelu.certify.doubledouble import DoubleDouble, FloatArray, U, two_sum

RADIUS = 8 * U
"""|sine(x) − sin(x)| ≤ RADIUS ≈ 8.9e-16 for every |x| ≤ LIMIT."""
LIMIT = 2.0**20

PI_1 = float.fromhex("0x1.921fb5p+1")
PI_2 = float.fromhex("0x1.110b46p-25")
PI_3 = float.fromhex("0x1.1a62633145c07p-53")
"""π = PI_1 + PI_2 + PI_3 + ε with |ε| < 2⁻¹⁰⁷; PI_1 is a multiple of 2⁻²³, PI_2 of 2⁻⁴⁸."""

COEFFICIENTS = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(1, 11))


def sine(x: DoubleDouble) -> FloatArray:
    """Return sin(hi + lo) to within ``RADIUS``, for normalised x with |hi| ≤ ``LIMIT``.

    Proof, with u = 2⁻⁵³.

    1. Reduction. k = rint(hi/π) has |k| < 2¹⁹, and r = x − kπ. PI_1 is a multiple of 2⁻²³, so
       k·PI_1 is exact, and so is hi − k·PI_1: for k ≠ 0 both are multiples of ulp(hi), which is
       from 2⁻⁵² to 2⁻³², and the difference is below 2. k·PI_2 is exact too (43 bits), and
       TwoSum gives hi − k·PI_1 − k·PI_2 = h + l. What is added to h in float64 is
       l + (lo − k·PI_3), which is below 2⁻³¹ and errs by less than 3u·2⁻³¹ + 2¹⁹·|ε| < 2⁻⁸¹. The
       last sum, y, errs by u|y| more. So |y − r| ≤ u|y| + 2⁻⁸¹ and |y| ≤ 1.5708.
    2. Effect of 1: |sin y − sin r| ≤ u·|y|·cos y·(1 + 2⁻⁴⁰) + 2⁻⁸⁰, at most 0.57u, because
       y·cos y ≤ 0.5611 on [0, π/2].
    3. Truncation. The first term left out is y²³/23! < 1.3e-18 < 0.012u.
    4. Horner. t = fl(y²) ≤ 2.4675 has relative error u. With q₁₀ = c₁₀ and
       qₖ = fl(cₖ + fl(t·qₖ₊₁)), coefficients rounded to u, alternating and decreasing so that
       |qₖ| ≤ |cₖ|(1+u): if qₖ₊₁ errs by ηu, then t·qₖ₊₁ errs by (2.4675η + 2·2.4675|cₖ₊₁|)u and
       qₖ by that plus 2|cₖ|u, up to a factor 1 + 2⁻⁴⁰. Running this down gives η₁ ≤ 0.43, and
       1.87u for t·q₁. ``tests/certify/test_sine.py`` recomputes it in rational arithmetic.
    5. y·(t·q₁): at most 1.5708·1.87u + 0.58u = 3.52u, since |y − sin y| < 0.571. The last sum
       rounds by u·|sin| ≤ u.
    6. Sum of 2 to 5: less than 5.2u, below ``RADIUS``.
    """
    turns = np.rint(x.hi / math.pi)
    high, low = two_sum(x.hi - turns * PI_1, -turns * PI_2)
    y = high + (low + (x.lo - turns * PI_3))
    t = y * y
    series = np.full_like(y, COEFFICIENTS[-1])
    for coefficient in COEFFICIENTS[-2::-1]:
        series = coefficient + t * series
    value: FloatArray = y + y * (t * series)
    return np.where(turns % 2 == 0, value, -value)
