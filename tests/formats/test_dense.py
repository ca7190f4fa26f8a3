import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import given, settings

from sinrelu.errors import GraphError
from sinrelu.formats import dense
from sinrelu.formats.dense import Assembler, stages
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
    twice = assembler.affine(x, np.array([[2.0]]), np.array([1.0]))
    with pytest.raises(GraphError, match="a matrix of 2 columns meets 1 values"):
        assembler.affine(x, np.ones((1, 2)))
    with pytest.raises(GraphError, match="no ReLU between"):
        assembler.affine(twice, np.ones((1, 1)))
    with pytest.raises(GraphError, match="the same value twice"):
        assembler.affine(x + x, np.ones((1, 2)))
    with pytest.raises(GraphError, match="a second bias"):
        assembler.add(twice, np.array([1.0]))
    with pytest.raises(GraphError, match="2 components"):
        assembler.network(x + x)


def test_the_work_is_bounded(monkeypatch):
    monkeypatch.setattr(dense, "MAX_ENTRIES", 10)
    with pytest.raises(GraphError, match="matrix entries"):
        Assembler().affine(Assembler().input, np.ones((11, 1)))
    assembler = Assembler()
    form = assembler.affine(assembler.input, np.ones((4, 1)))
    with pytest.raises(GraphError, match="matrix entries"):
        assembler.relu(form)
