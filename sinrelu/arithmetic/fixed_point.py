"""Rigorous sine and cosine in fixed point, of any number of places."""

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
    2. Terms t_j = |r|ʲ/j!, computed as t_{j+1} = ⌊⌊t_j·r⌋/(j+1)⌋. If t_j errs by at most e_j, then
       e_{j+1} ≤ (0.8·e_j + 1)/(j+1) + 1. t₀ is exact, so e₁ ≤ 2, and e_j ≤ 3 for all j.
    3. The sums stop at a term that is computed as 0 and hence is at most 3. The series alternate
       and their terms fall, so what is left out of either is at most 3. With n terms the sums err
       by at most 3(n + 1), and 2 for r: far below 2³², as n < w.
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
    """Sum the Taylor series of sin and cos at x ≥ 0 until their terms vanish."""
    sums = [0, 0]
    term, power = 1 << bits, 0
    while term:
        sums[power % 2] += -term if power & 2 else term
        power += 1
        term = (term * x >> bits) // power
    cosine, sine = sums
    return sine, cosine
