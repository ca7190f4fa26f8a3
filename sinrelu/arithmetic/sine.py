"""A proven enclosure of sin and cos at double-double points, in float64."""

import math
from typing import Any

import numpy as np

from sinrelu.arithmetic.double_double import U, two_sum
from sinrelu.arithmetic.lanes import chosen

RADIUS = 6 * U
"""|sine(hi, lo, phase) − sin(hi + lo + phase·π)| ≤ RADIUS ≈ 6.7e-16 for |hi| ≤ LIMIT."""
LIMIT = 2.0**20

PI_1 = float.fromhex("0x1.921fb5p+1")
PI_2 = float.fromhex("0x1.110b46p-25")
PI_3 = float.fromhex("0x1.1a62633145c07p-53")
"""π = PI_1 + PI_2 + PI_3 + ε with |ε| < 2⁻¹⁰⁷; PI_1 is a multiple of 2⁻²³, PI_2 of 2⁻⁴⁸."""

COEFFICIENTS = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(1, 11))
C1, C2, C3, C4, C5, C6, C7, C8, C9, C10 = COEFFICIENTS


def sine(high: Any, low: Any, phase: float) -> Any:
    """Return sin(hi + lo + phase·π) to within ``RADIUS``, elementwise, for phase = 0 or ½.

    For a normalised double-double with |hi| ≤ ``LIMIT``. Proof, with u = 2⁻⁵³.

    1. Reduction. k = rint(hi/π + phase) and n = k − phase are exact, and 2n is an integer below
       2²⁰ in magnitude. With r = x − nπ, sin(x + phase·π) = sin(r + kπ) = (−1)ᵏ sin r. PI_1 has
       25 bits and PI_2 has 24, so n·PI_1 and n·PI_2 are exact. TwoSum gives hi − n·PI_1 = a + e
       exactly, and then a − n·PI_2 = h + l. So r = h + l + e + lo − n·(PI_3 + ε). (Where |hi| ≥ 1
       all are multiples of ulp(hi) and e is 0; the cosine needs it near x = 0.) The argument of
       rint errs by less than 2⁻³³, so |r| ≤ π/2 + 2⁻³⁰ and |a|, |h| < 2, hence |e|, |l| ≤ u; |lo|
       and |n·PI_3| are at most 2⁻³³. What is added to h in float64, l + (e + (lo − n·PI_3)), is
       below 2⁻³¹; its product and three sums err by less than 4u·2⁻³¹ + 2¹⁹·|ε| < 2⁻⁸¹. The last
       sum, y, errs by u|y| more. So |y − r| ≤ u|y| + 2⁻⁸¹ and |y| ≤ 1.5708.
    2. Effect of 1: |sin y − sin r| ≤ u·|y|·cos y·(1 + 2⁻⁴⁰) + 2⁻⁸⁰, at most 0.57u, because
       y·cos y ≤ 0.5611 on [0, π/2].
    3. Truncation. The first term left out is y²³/23! < 1.3e-18 < 0.012u.
    4. Horner. t = fl(y²) ≤ 2.4675 has relative error u. With q₁₀ = c₁₀ and
       qₖ = fl(cₖ + fl(t·qₖ₊₁)), coefficients rounded to u, alternating and decreasing so that
       |qₖ| ≤ |cₖ|(1+u): if qₖ₊₁ errs by ηu, then t·qₖ₊₁ errs by (2.4675η + 2·2.4675|cₖ₊₁|)u and
       qₖ by that plus 2|cₖ|u, up to a factor 1 + 2⁻⁴⁰. Running this down gives η₁ ≤ 0.43, and
       1.87u for t·q₁. ``tests/arithmetic/test_sine.py`` recomputes it in rational arithmetic.
    5. y·(t·q₁): at most 1.5708·1.87u + 0.58u = 3.52u, since |y − sin y| < 0.571. The last sum
       rounds by u·|sin| ≤ u.
    6. Sum of 2 to 5: less than 5.2u, below ``RADIUS``.
    """
    half_turns = np.rint(high / math.pi + phase)
    turns = half_turns - phase
    near, rest = two_sum(high, -turns * PI_1)
    above, below = two_sum(near, -turns * PI_2)
    y = above + (below + (rest + (low - turns * PI_3)))
    t = y * y
    series = C6 + t * (C7 + t * (C8 + t * (C9 + t * C10)))
    series = C1 + t * (C2 + t * (C3 + t * (C4 + t * (C5 + t * series))))
    value = y + y * (t * series)
    even = half_turns == 2 * np.floor(half_turns / 2)
    return chosen(even, value, -value)
