"""Networks for tests, and a naive evaluator that shares no code with the package."""

from collections.abc import Callable
from fractions import Fraction
from functools import cache

from hypothesis import strategies as st

from sinrelu.constructions import build
from sinrelu.network import Network, Row

ABSOLUTE = Network([Row((0,), (-1.0,), 0.0), Row((0, 1), (1.0, 2.0), 0.0)])
"""|x| = x + 2 relu(−x); the output reads the input past a unit, so wiring is skip."""

TENT = Network(
    [
        Row((0,), (1.0,), 0.0),
        Row((0,), (1.0,), -0.5),
        Row((1, 2), (2.0, -4.0), 0.0),
        Row((3,), (0.5,), 0.25),
    ]
)
"""A layered network with two hidden layers: 1/4 + max(0, tent(x))/2."""

CONSTANT = Network([Row((), (), 0.75)])
"""No unit and no connection: 3/4."""


@cache
def sin_network(wiring: str) -> Network:
    """The network of fewest connections for sin at 1e-12."""
    return build(wiring=wiring)


dyadics = st.builds(lambda k, n: k / 2**n, st.integers(-64, 64), st.integers(0, 5))
weights = st.one_of(st.sampled_from([1.0, -1.0]), dyadics.filter(bool))
biases = st.one_of(st.just(0.0), dyadics)


@st.composite
def networks(draw: Callable, max_units: int = 7, weights: st.SearchStrategy = weights) -> Network:
    """Any graph: skips, units that nothing reads, constant units, outputs reading the input."""
    units = draw(st.integers(0, max_units))
    rows = []
    for number in range(1, units + 2):
        sources = sorted(draw(st.sets(st.integers(0, number - 1), max_size=4)))
        values = [draw(weights) for _ in sources]
        rows.append(Row(tuple(sources), tuple(values), draw(biases)))
    return Network(rows)


def naive_exact(network: Network, x: float | Fraction) -> Fraction:
    """Evaluate straight from the rows, in rational arithmetic."""
    values = [Fraction(x)]
    for sources, weights, bias in network.rows:
        total = Fraction(bias)
        for source, weight in zip(sources, weights, strict=True):
            total += Fraction(weight) * values[source]
        values.append(max(total, Fraction(0)))
    return total


def with_number(network: Network, row: int, index: int, change: Callable) -> Network:
    """Change one number of a row: a weight, or the bias, which comes last."""
    rows = list(network.rows)
    numbers = list(rows[row].numbers)
    numbers[index] = change(numbers[index])
    rows[row] = Row(rows[row].sources, tuple(numbers[:-1]), numbers[-1])
    return Network(tuple(rows), network.meta)
