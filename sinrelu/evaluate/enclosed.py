"""A network enclosed at a point: fixed point, with a radius that covers all that is left out.

The exact evaluator needs numbers that grow longer with every unit. Here each value is an integer in
units of 2⁻ᵇⁱᵗˢ. How far off it may be follows from the weights alone, and with it how many bits a
wanted radius takes, whatever the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from operator import mul
from typing import NamedTuple

from sinrelu.arithmetic import quarter_turns
from sinrelu.arithmetic.fixed_point import RADIUS, sine_and_cosine
from sinrelu.arithmetic.numbers import binary_places, number, positive
from sinrelu.errors import RequestError
from sinrelu.evaluate.exact import Dyadic
from sinrelu.network import Network, Number, Row

DIGITS = 16
"""Significant bits of the smallest weight where only sizes matter."""
SPARE = 64
"""Places beyond those wanted that are enough for any weight."""
MAX_BITS = 2**17
"""Values with more binary places than that are refused: they would take hours."""
MAX_HELD_BITS = 2**31
"""Likewise places times connections: a network may be large, or its numbers long, but not both."""
KARATSUBA = 1.6
PLAIN_BITS = 512
"""Numbers with so many bits are multiplied about as fast as they are fetched."""


class Enclosure(NamedTuple):
    """All numbers from (centre − radius)/2ᵇⁱᵗˢ to (centre + radius)/2ᵇⁱᵗˢ."""

    centre: int
    radius: int
    bits: int

    @property
    def lower(self) -> Fraction:
        """The lower end."""
        return Fraction(self.centre - self.radius, 1 << self.bits)

    @property
    def upper(self) -> Fraction:
        """The upper end."""
        return Fraction(self.centre + self.radius, 1 << self.bits)

    @property
    def middle(self) -> Fraction:
        """The middle."""
        return Fraction(self.centre, 1 << self.bits)


class EnclosureEvaluator(NamedTuple):
    """A network in fixed point of ``bits`` binary places, for points with |x| ≤ reach.

    Its values may be off by ``radius`` units of 2⁻ᵇⁱᵗˢ. The rows hold integers, rounded down:
    weights in units of 2⁻ᵇⁱᵗˢ, biases in units of 2^(−2·bits).
    """

    rows: tuple[Row, ...]
    reach: int
    radius: int
    bits: int

    @classmethod
    def of(cls, network: Network, places: int, reach: int) -> EnclosureEvaluator:
        """Convert a network so that enclosures have radius at most 2^(−places), places ≥ 0.

        Raises RequestError if that takes too many bits.
        """
        bits, radius = _precision(network, places, reach)
        rows = []
        for sources, weights, bias in network.rows:
            fixed = tuple(_fixed(weight, bits) for weight in weights)
            rows.append(Row(sources, fixed, _fixed(bias, 2 * bits)))
        return cls(tuple(rows), reach, radius, bits)

    def __call__(self, x: Fraction) -> Enclosure:
        """Return an enclosure of the exact value at x, |x| ≤ reach; see ``worst_error``."""
        total = _fixed(x, self.bits)
        values = [total]
        for sources, weights, bias in self.rows:
            total = sum(map(mul, weights, [values[s] for s in sources]), bias) >> self.bits
            values.append(max(total, 0))
        return Enclosure(total, self.radius, self.bits)


def worst_error(network: Network, reach: int, coarse: int) -> int:
    """Bound by how much the output is off in fixed point, in units u of at most 2^(−coarse).

    Proof. Let |x| ≤ reach. A source's exact value v is at most V in magnitude, with V = Σ |w|V +
    |b| for a unit. Let its computed value be m, off by at most e: e = 1 for x, rounded down. With w
    rounded down to W, 0 ≤ w − W < u, the error of a term is wv − Wm = W(v − m) + (w − W)v, at most
    (|w| + u)e + uV. The bias and the sum are rounded down once each. So a row errs by at most
    Σ ((|w| + u)e + uV) + 2u, and rectifying is 1-Lipschitz. Here e and V are integers, rounded up,
    e in units of u; |w| + u is at most what ``_size`` gives in units of 2^(−coarse).
    """
    errors, largest = [1], [reach]
    for row in network.rows:
        _refuse_long(network, max(errors[-1].bit_length(), largest[-1].bit_length()) // 2)
        sizes = [_size(weight, coarse) for weight in row.weights]
        error = sum(a * errors[s] for a, s in zip(sizes, row.sources, strict=True))
        value = sum(a * largest[s] for a, s in zip(sizes, row.sources, strict=True))
        errors.append((error >> coarse) + sum(largest[s] for s in row.sources) + 3)
        largest.append(((value + _size(row.bias, coarse)) >> coarse) + 1)
    return errors[-1]


def enclosures(
    network: Network, points: Iterable[Dyadic], tolerance: Dyadic
) -> Iterator[tuple[Fraction, Enclosure]]:
    """Yield each point with an enclosure of N there, of radius at most tolerance > 0.

    Raises RequestError if a point is not finite, the tolerance not positive, or values need more
    than ``MAX_BITS`` binary places.
    """
    places = binary_places(positive(tolerance, "tolerance"))
    evaluator = EnclosureEvaluator.of(network, places, 4)
    for point in points:
        x = number(point, "x")
        if abs(x) > evaluator.reach:
            evaluator = EnclosureEvaluator.of(network, places, _reach(x))
        yield x, evaluator(x)


def enclosed_difference(
    network: Network, points: Iterable[Dyadic], tolerance: Dyadic, function: str = "sin"
) -> Iterator[tuple[Fraction, Enclosure]]:
    """Yield each point x with an enclosure of N(x) − f(x) of radius at most 3·tolerance.

    f is sin or cos; raises RequestError if it is another, and where ``enclosures`` does.
    """
    cosine = quarter_turns(function)
    for x, (centre, radius, bits) in enclosures(network, points, tolerance):
        value = sine_and_cosine(x, bits)[cosine]
        yield x, Enclosure(centre - value, radius + RADIUS, bits)


def enclosed_error(
    network: Network, points: Iterable[Dyadic], tolerance: Dyadic, function: str = "sin"
) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """Yield each point x with a lower and an upper bound of |N(x) − f(x)|.

    They are at most 6·tolerance apart; otherwise like ``enclosed_difference``.
    """
    for x, difference in enclosed_difference(network, points, tolerance, function):
        error = difference._replace(centre=abs(difference.centre))
        yield x, max(error.lower, Fraction(0)), error.upper


def cost(network: Network, tolerance: Dyadic, points: Sequence[Dyadic]) -> int:
    """Estimate what an enclosure at the worst of some points takes, in short multiplications.

    Raises RequestError where ``enclosures`` does.
    """
    reach = _reach(max(abs(number(x, "x")) for x in points))
    bits, _ = _precision(network, binary_places(positive(tolerance, "tolerance")), reach)
    return int(network.size * (1 + math.pow(bits / PLAIN_BITS, KARATSUBA)))


def _precision(network: Network, places: int, reach: int) -> tuple[int, int]:
    """Return how many binary places a radius of 2^(−places) takes, and the radius in units."""
    coarse = min(_coarse(network), places + SPARE)
    radius = worst_error(network, reach, coarse)
    bits = max(coarse, places + radius.bit_length())
    _refuse_long(network, bits)
    return bits, radius


def _refuse_long(network: Network, bits: int) -> None:
    most = min(MAX_BITS, MAX_HELD_BITS // network.size)
    if bits > most:
        raise RequestError(f"values of this network need more than {most} bits: too long a work")


def _reach(x: Fraction) -> int:
    """Return a power of two that |x| does not exceed, at least 4."""
    return max(4, 1 << int(abs(x)).bit_length())


def _fixed(number: Number, bits: int) -> int:
    """Return ⌊number·2ᵇⁱᵗˢ⌋."""
    numerator, denominator = number.as_integer_ratio()
    return int((numerator << bits) // denominator)


def _size(number: Number, bits: int) -> int:
    """Return at least 2ᵇⁱᵗˢ·|number| + 1."""
    return _fixed(abs(number), bits) + 2


def _coarse(network: Network) -> int:
    """Return binary places that leave ``DIGITS`` significant bits to the smallest weight."""
    ratios = (weight.as_integer_ratio() for row in network.rows for weight in row.weights)
    lengths = (below.bit_length() - abs(above).bit_length() for above, below in ratios)
    return DIGITS + max(0, max(lengths, default=0))
