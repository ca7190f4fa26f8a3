"""Networks that grids and relaxations in floating point get wrong, made from others.

All are exact: their weights are those of the network that they are made from, or known dyadic
numbers, so nothing is rounded.
"""

import math
from collections import defaultdict
from fractions import Fraction

from sinrelu.certify.floats import BINARY64, Format, spacing
from sinrelu.layering import layered
from sinrelu.network import LAYERED, Network, Row

HEIGHT = 0.25
"""Of a spike: more than any margin that is asked about it."""


def spiked(network: Network, at: float, half_width: float, height: float = HEIGHT) -> Network:
    """Return N(x) + height·relu(1 − |x − at|/half_width), wired as the network is.

    The half width is a power of two, at least 2⁻¹⁰⁰⁰. Where it is half the gap between floats,
    ``at`` is the only float that sees the spike; there its value is exact, as x − at is computed.
    """
    units, slope = network.units, 1 / half_width
    right, left, spike = units + 1, units + 2, units + 3
    output = network.rows[-1]
    rows = (
        *network.rows[:-1],
        Row((0,), (1.0,), -at),
        Row((0,), (-1.0,), at),
        Row((right, left), (-slope, -slope), 1.0),
        Row.of([*output.edges, (spike, height)], output.bias),
    )
    result = Network(rows, network.meta)
    return layered(result) if network.wiring == LAYERED else result


def resummed(network: Network) -> Network:
    """Return an equal network that rounds differently: a twin beside every unit u, and 2wu − wu′.

    Twins are computed alike, so nothing cancels but what the twin adds; a method that forgets
    that they are alike loses a factor of three at every level.
    """
    rows = []
    for number, row in enumerate(network.rows, start=1):
        edges = [edge for source, weight in row.edges for edge in _split(source, weight)]
        rows += [Row.of(edges, row.bias)] * (1 if number > network.units else 2)
    return Network(tuple(rows), network.meta)


def _split(source: int, weight: float) -> list[tuple[int, float]]:
    """Read both twins of a unit instead of it; units 2u − 1 and 2u are those of u."""
    if source == 0:
        return [(0, weight)]
    return [(2 * source - 1, 2 * weight), (2 * source, -weight)]


def difference(first: Network, second: Network) -> Network:
    """Return N₁ − N₂, side by side; layered if both are, and equally deep.

    Two output biases, or two weights of the input there, are subtracted exactly.
    """
    offset = first.units
    shifted = [
        row._replace(sources=tuple(s + offset if s else 0 for s in row.sources))
        for row in second.rows
    ]
    edges: defaultdict[int, Fraction] = defaultdict(Fraction)
    for sign, output in ((1, first.rows[-1]), (-1, shifted[-1])):
        for source, weight in output.edges:
            edges[source] += sign * Fraction(weight)
    bias = Fraction(first.rows[-1].bias) - Fraction(second.rows[-1].bias)
    rows = (*first.rows[:-1], *shifted[:-1], Row.of(edges.items(), bias))
    return Network(rows, first.meta)


def half_gap(x: float, format: Format = BINARY64) -> float:
    """Return half the gap between a format's numbers beyond x; 0 if no float64 is so small.

    Towards 0 the gap may be half as wide, so no other number is nearer than what is returned.
    """
    return math.ldexp(1.0, spacing(format, abs(x)) - 1)
