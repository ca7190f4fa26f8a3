"""Rigorous sine and cosine in fixed point, of any number of places."""

import math
from fractions import Fraction

from mpmath import libmp

GUARD = 32
RADIUS = 2
"""``sine_and_cosine`` errs by at most this many units of the last place."""


def sine_and_cosine(x: Fraction, bits: int) -> tuple[int, int]:
    """Return 2ᵇⁱᵗˢ·sin x and 2ᵇⁱᵗˢ·cos x as integers, to within ``RADIUS``, for every rational x.

    Proof, in units of 2⁻ʷ with w = bits + 32 once the angle is reduced.

    1. Reduction, with s + 4 bits more, |x| < 2ˢ. π is below by less than 2: mpmath rounds it down,
       and it is truncated. k is the integer nearest to 2x/π, so |k| ≤ 0.64·2ˢ + 1, and x − kπ/2
       errs by less than 1 + |k| + 1 < 2ˢ⁺⁴, hence by less than 2 when s + 4 bits are dropped. The
       rest r is below 0.8 in magnitude, since π/4 = 0.785….
    2. Terms t_j = |r|ʲ/j! for odd j. |r|² is rounded down, by less than 1, and where t_j is below
       2ᵃ units only its places from w − a on are used, which is less by at most 2ʷ⁻ᵃ and changes
       the product by at most 1. So, if t_j errs by at most e_j, and e₁ = 0, as |r|² ≤ 0.64,
       e_{j+2} ≤ (0.64·e_j + 0.8 + 1 + 1)/6 + 1 ≤ 2 with e_j ≤ 2, for the two floors.
    3. The sum stops at a term that is computed as 0 and hence is at most 2. The series alternates
       and its terms fall, so what is left out is at most 2. With n terms the sine errs by at most
       η = 2(n + 1) + 2, the last for r. The cosine is √(4ʷ − sin²): sin² errs by at most 1.5η·2ʷ,
       as |sin r| < 0.72, and both cosines are above 0.69·2ʷ, so they differ by at most 1.1η + 1.
       All that is far below 2³², as n < w.
    4. The last 32 bits are dropped: less than 1 for step 3, less than 1 for the floor.
    """
    size = max(0, abs(x.numerator).bit_length() - x.denominator.bit_length() + 1) + 4
    fine = bits + GUARD + size
    scaled = (x.numerator << fine) // x.denominator
    pi: int = libmp.to_fixed(libmp.mpf_pi(fine + 2, libmp.round_floor), fine)
    quarters = (4 * scaled + pi) // (2 * pi)
    rest = (scaled - (quarters * pi >> 1)) >> size
    sine, cosine = _series(abs(rest), bits + GUARD)
    sine = sine >> GUARD if rest >= 0 else -(sine >> GUARD)
    cosine >>= GUARD
    turned = ((sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine))
    return turned[int(quarters) % 4]


def _series(x: int, bits: int) -> tuple[int, int]:
    """Sum the Taylor series of sin at x ≥ 0 until its terms vanish; return cos as well."""
    square = x * x >> bits
    sine, term, power = 0, x, 1
    while term:
        sine += -term if power & 2 else term
        power += 2
        idle = bits - term.bit_length()  # places of the square that would change nothing
        term = (term * (square >> idle) >> bits - idle) // (power * (power - 1))
    return sine, math.isqrt((1 << 2 * bits) - sine * sine)
