from fractions import Fraction

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, dyadics, naive_exact, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.errors import GraphError
from sinrelu.formats import dense
from sinrelu.formats.dense import Assembler, constant, stages
from sinrelu.layering import layered
from sinrelu.network import Network, Row


def reassembled(network: Network) -> Network:
    """Take a network apart into matrices and put it together again."""
    steps = stages(network)
    assembler = Assembler()
    values = [assembler.input]
    for step in steps[1:]:
        read = tuple(value for index in step.reads for value in values[index])
        sources = [source for index in step.reads for source in steps[index].numbers]
        form = assembler.affine(read, step.weight(sources), step.bias)
        values.append(form if step is steps[-1] else assembler.relu(form))
    return assembler.network(values[-1])


@settings(max_examples=150, deadline=None)
@given(networks())
def test_the_same_graph_comes_back(network):
    assert reassembled(network).rows == network.rows


@pytest.mark.parametrize("network", [ABSOLUTE, TENT, CONSTANT])
def test_stages_tile_the_rows(network):
    numbers = [number for step in stages(network) for number in step.numbers]
    assert numbers == list(range(network.units + 2))


def test_stages_by_hand():
    assert [(list(s.numbers), s.reads) for s in stages(ABSOLUTE)] == [
        ([0], ()),
        ([1], (0,)),
        ([2], (0, 1)),
    ]
    assert [(list(s.numbers), s.reads) for s in stages(TENT)] == [
        ([0], ()),
        ([1, 2], (0,)),
        ([3], (1,)),
        ([4], (2,)),
    ]
    assert stages(TENT)[2].weight([1, 2]).tolist() == [[2.0, -4.0]]
    assert stages(CONSTANT)[1].weight([0]).tolist() == [[0.0]]


@settings(max_examples=100, deadline=None)
@given(networks())
def test_the_stages_of_a_layered_network_are_its_layers(network):
    result = layered(network)
    steps = stages(result)
    assert [len(step.numbers) for step in steps] == [1, *result.widths, 1]
    assert [step.reads for step in steps[1:]] == [(k,) for k in range(len(steps) - 1)]


def test_the_sin_network_is_a_chain():
    steps = stages(sin_network("layered"))
    assert [step.reads for step in steps[1:]] == [(k,) for k in range(len(steps) - 1)]


def test_components_may_stand_in_any_order():
    assembler = Assembler()
    units = assembler.relu(assembler.affine(assembler.input, np.array([[1.0], [-1.0]])))
    output = assembler.affine(tuple(reversed(units)), np.array([[3.0, 2.0]]))
    assert assembler.network(output) == Network(
        [Row((0,), (1.0,), 0.0), Row((0,), (-1.0,), 0.0), Row((1, 2), (2.0, 3.0), 0.0)]
    )


def test_what_cannot_be_followed_is_refused():
    assembler = Assembler()
    x = assembler.input
    tenth = (constant(0.1),)
    with pytest.raises(GraphError, match="a matrix of 2 columns meets 1 values"):
        assembler.affine(x, np.ones((1, 2)))
    for inexact in (
        lambda: assembler.scale(x, [Fraction(1, 3)]),
        lambda: assembler.combine((1 / 3, x), (Fraction(1, 3), x)),
        lambda: assembler.scale(tenth, [0.1]),
        lambda: assembler.combine((1.0, x), (1.0, tenth), (0.1, tenth)),
    ):
        with pytest.raises(GraphError, match="needs more bits than a float64"):
            inexact()
    for number in (np.nan, np.inf):
        with pytest.raises(GraphError, match=f"a number is {number}, not finite"):
            assembler.scale(x, [number])
    with pytest.raises(GraphError, match="2 components"):
        assembler.network(x + x)


@settings(max_examples=60, deadline=None)
@given(
    x=st.fractions(-9, 9),
    weights=st.lists(st.floats(-9, 9, allow_subnormal=False).filter(bool), min_size=6, max_size=6),
    slope=st.sampled_from([None, 0.01, 0.3]),
)
def test_products_that_are_no_float64_are_not_multiplied_out(x, weights, slope):
    """Two layers with nothing, or a leaky unit, between: exact at the price of units."""
    assembler = Assembler()
    hidden = assembler.affine(assembler.input, np.array([weights[:2]]).T, np.array(weights[2:4]))
    hidden = hidden if slope is None else assembler.leaky(hidden, [slope] * 2)
    network = assembler.network(assembler.affine(hidden, np.array([weights[4:]])))
    values = [Fraction(w) * x + Fraction(b) for w, b in zip(weights[:2], weights[2:4], strict=True)]
    if slope is not None:
        values = [v if v > 0 else Fraction(slope) * v for v in values]
    expected = sum(Fraction(w) * v for w, v in zip(weights[4:], values, strict=True))
    assert naive_exact(network, x) == expected


any_float = st.floats(-9, 9, allow_subnormal=False)
INEXACT_STEPS = {
    "a residual": (
        lambda assembler, v, x, p, q: assembler.combine((p, v), (q, x)),
        lambda v, x, p, q: p * v + q * x,
    ),
    "a scaling": (lambda assembler, v, x, p, q: assembler.scale(v, [p]), lambda v, x, p, q: p * v),
    "a maximum": (
        lambda assembler, v, x, p, q: assembler.maximum(v, assembler.scale(x, [p])),
        lambda v, x, p, q: max(v, p * x),
    ),
    "a minimum": (
        lambda assembler, v, x, p, q: assembler.minimum(assembler.scale(x, [p]), v),
        lambda v, x, p, q: min(v, p * x),
    ),
    "a clip": (
        lambda assembler, v, x, p, q: assembler.clip(v, min(p, q), max(p, q)),
        lambda v, x, p, q: min(max(v, min(p, q)), max(p, q)),
    ),
}


@pytest.mark.parametrize(("step", "by_hand"), INEXACT_STEPS.values(), ids=INEXACT_STEPS.keys())
@settings(max_examples=60, deadline=None)
@given(
    x=st.fractions(-9, 9),
    a=any_float.filter(bool),  # or else b is a constant, and no unit mends p·b
    numbers=st.lists(any_float, min_size=6, max_size=6),
)
def test_steps_whose_numbers_are_no_float64_are_exact(step, by_hand, x, a, numbers):
    """On an affine form, and then on what it gave."""
    b, *factors, weight = numbers
    assembler = Assembler()
    values = assembler.affine(assembler.input, np.array([[a]]), np.array([b]))
    expected = Fraction(a) * x + Fraction(b)
    for p, q in (factors[:2], factors[2:]):
        values = step(assembler, values, assembler.input, p, q)
        expected = by_hand(expected, x, Fraction(p), Fraction(q))
    network = assembler.network(assembler.affine(values, np.array([[weight]])))
    assert naive_exact(network, x) == expected * Fraction(weight)


def test_products_beyond_the_range_of_float64_are_exact():
    for size in (1e200, 1e-200):
        assembler = Assembler()
        twice = assembler.scale(assembler.scale(assembler.input, [size]), [size])
        assert naive_exact(assembler.network(twice), -3.0) == -3 * Fraction(size) ** 2


def test_only_the_components_that_need_units_take_them():
    assembler = Assembler()
    pair = assembler.affine(assembler.input, np.array([[0.1], [2.0]]))
    split, plain = assembler.scale(pair, [0.1, 0.1])
    assert (split, plain) == (Row((1, 2), (0.1, -0.1), 0.0), Row((0,), (0.2,), 0.0))
    assert len(assembler.rows) == 2


def test_products_that_are_float64_take_no_units():
    assembler = Assembler()
    leaking = assembler.leaky(assembler.input, [0.25])
    assert assembler.network(assembler.affine(leaking, np.array([[3.0]]))).units == 2
    for factor, units in ((0.5, 0), (0.1, 2)):
        again = Assembler()
        tripled = again.affine(again.input, np.array([[3.0]]))
        assert again.network(again.affine(tripled, np.array([[factor]]))).units == units


def forms(draw, assembler, size):
    """Affine forms over the input and two units."""
    units = assembler.relu(assembler.combine((-1.0, assembler.input)) + assembler.input)
    wires = assembler.input + units
    weight = [[draw(dyadics) for _ in wires] for _ in range(size)]
    return assembler.affine(wires, np.array(weight), np.array([draw(dyadics) for _ in weight]))


def maximum_by_hand(a, b):
    return [max(pair) for pair in zip(a, b, strict=True)]


STEPS = {
    "affine": (
        lambda assembler, a, b: assembler.affine(a, np.array([[1.5, -2.0]]), np.array([0.25])),
        lambda a, b: [Fraction(3, 2) * a[0] - 2 * a[1] + Fraction(1, 4)],
    ),
    "sum": (
        lambda assembler, a, b: assembler.combine((1.0, a), (-0.5, b)),
        lambda a, b: [p - q / 2 for p, q in zip(a, b, strict=True)],
    ),
    "scale": (
        lambda assembler, a, b: assembler.scale(a, [0.0, Fraction(-1, 4)]),
        lambda a, b: [0, -a[1] / 4],
    ),
    "leaky": (
        lambda assembler, a, b: assembler.leaky(a, [0.25, -3.0]),
        lambda a, b: [v if v > 0 else s * v for v, s in zip(a, (Fraction(1, 4), -3), strict=True)],
    ),
    "maximum": (lambda assembler, a, b: assembler.maximum(a, b), maximum_by_hand),
    "minimum": (
        lambda assembler, a, b: assembler.minimum(a, b),
        lambda a, b: [min(pair) for pair in zip(a, b, strict=True)],
    ),
    "clip": (
        lambda assembler, a, b: assembler.clip(a, -0.5, 2.0),
        lambda a, b: [min(max(v, Fraction(-1, 2)), 2) for v in a],
    ),
}


@pytest.mark.parametrize(("step", "by_hand"), STEPS.values(), ids=STEPS.keys())
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_steps_equal_what_they_say(step, by_hand, data):
    assembler = Assembler()
    first, second = (forms(data.draw, assembler, 2) for _ in range(2))
    result = step(assembler, first, second)
    for x in (-3.0, -0.25, 0.0, 1.5):
        value = lambda row: naive_exact(assembler.network((row,)), x)  # noqa: B023, E731
        a, b = ([value(row) for row in rows] for rows in (first, second))
        assert [value(row) for row in result] == by_hand(a, b)


def test_the_work_is_bounded(monkeypatch):
    monkeypatch.setattr(dense, "MAX_ENTRIES", 10)
    with pytest.raises(GraphError, match="matrix entries"):
        Assembler().affine(Assembler().input, np.ones((11, 1)))
    assembler = Assembler()
    form = assembler.affine(assembler.input, np.ones((4, 1)))
    with pytest.raises(GraphError, match="matrix entries"):
        assembler.relu(form)
    monkeypatch.setattr(dense, "MAX_ENTRIES", 1000)
    assembler = Assembler()
    form = assembler.affine(assembler.relu(assembler.input * 100), np.ones((2, 100)))
    with pytest.raises(GraphError, match="matrix entries"):  # exact arithmetic costs more
        assembler.combine((-1.0, form))
