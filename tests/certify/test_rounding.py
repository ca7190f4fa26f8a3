"""The bound of evaluation in floating point, against evaluation in rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from graphs import naive_exact, networks
from hypothesis import given, settings
from hypothesis import strategies as st
from ieee import ORDERS, evaluated, rounded

from sinrelu.certify.bound import deviation
from sinrelu.certify.pieces import Finder
from sinrelu.certify.rounding import BINARY32, BINARY64, Rounding
from sinrelu.network import Network, Row

laws = settings(max_examples=150, deadline=None)
formats = pytest.mark.parametrize("format", [BINARY64, BINARY32], ids=["binary64", "binary32"])
full = st.floats(-3, 3).filter(lambda w: abs(w) > 0.01)
wild = st.builds(math.ldexp, full, st.integers(-60, 60))
extreme = st.builds(math.ldexp, full, st.sampled_from([-1060, -1000, -400, 0, 0, 0, 400]))
cancelling = st.sampled_from([1.0, -1.0, 0.1, -0.1, 2.0**40, -(2.0**40), 1 / 3, 3.0])
families = st.sampled_from([full, wild, extreme, cancelling])


@st.composite
def chains(draw, weights):
    """Networks that are deep, so that errors reach far: a unit reads one of the last few."""
    rows = []
    for number in range(1, draw(st.integers(3, 12))):
        near = st.integers(max(0, number - 3), number - 1)
        sources = sorted(draw(st.sets(near, min_size=1, max_size=3)))
        rows.append(Row(tuple(sources), tuple(draw(weights) for _ in sources), draw(weights)))
    return Network(rows)


evaluated_networks = families.flatmap(
    lambda weights: st.one_of(networks(weights=weights), chains(weights))
)


def in_format(network, format):
    """Round all numbers to a format."""

    def nearest(number):
        return float(rounded(Fraction(number), format))

    rows = (
        Row.of(((s, nearest(w)) for s, w in row.edges), nearest(row.bias)) for row in network.rows
    )
    return Network(tuple(rows))


def bound(network, a, b, format=BINARY64, points=()):
    """E on [a, b], with the breakpoints as nodes, or other points instead."""
    nodes = Finder.of(network).nodes(np.array([a, *points, b]), 2**12)
    return deviation(network, (a, b), nodes, rounding=Rounding.of(network, format)).evaluation


def floats(network, a, b, random, format):
    """Numbers of the format in [a, b]: near breakpoints, and anywhere."""
    near = Finder.of(network).nodes(np.array([a, b]), 2**12).hi.tolist()
    points = [random.choice(near) for _ in range(4)] + [random.uniform(a, b) for _ in range(3)]
    for point in points:
        x = rounded(Fraction(point), format)
        x += random.choice([0, 0, 1, -1, 2, -3]) * Fraction(2) ** format.spacing(abs(float(x)))
        if a <= rounded(x, format) <= b:
            yield float(rounded(x, format))


def errors(network, a, b, random, format, orders=ORDERS):
    """|fl(N)(x) − N(x)|, exactly, for some x and orders."""
    for x in floats(network, a, b, random, format):
        exact = naive_exact(network, x)
        for order in orders:
            yield abs(evaluated(network, x, order(random, format)) - exact)


def exceeded(network, a, b, random, format, orders=ORDERS):
    """Whether some error exceeds the bound; and the bound."""
    found = bound(network, a, b, format)
    if found == math.inf:
        return False
    return max(errors(network, a, b, random, format, orders), default=0) > Fraction(found)


ends = st.sampled_from([(-4.0, 4.0), (0.5, 1.0), (1.0, 2.0), (-2.5, 0.0), (-0.0625, 0.09375)])


@formats
@laws
@given(network=evaluated_networks, ends=ends, random=st.randoms(use_true_random=False))
def test_evaluation_in_any_order_is_within_the_bound(format, network, ends, random):
    assert not exceeded(in_format(network, format), *ends, random, format)
