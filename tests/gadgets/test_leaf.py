"""The leaf: what its bends and its error bound promise, against exact sines."""

import numpy as np
import pytest
from mpmath import MPContext, fp

from sinrelu import program
from sinrelu.circuit import Circuit
from sinrelu.gadgets.leaf import BENDS, Leaf
from sinrelu.gadgets.square import Sawtooth

LEAVES = [
    Leaf(Sawtooth(0, 0, 2)),
    Leaf(Sawtooth(0, 1, 3)),
    Leaf(Sawtooth(1, 1, 2)),
    Leaf(Sawtooth(1, 0, 3), 3),
    Leaf(Sawtooth(2, 1, 2), 3),
    Leaf(Sawtooth(0, 1, 3, halved=True), 4),
    Leaf(Sawtooth(1, 0, 4, halved=True), 4),
]


@pytest.mark.parametrize("quadratics", [3, 4])
def test_bend_is_the_cube_up_to_its_error(quadratics):
    bend = BENDS[quadratics](fp)
    t = np.linspace(0, 1, 100001)
    knot = {3: 1 / 3, 4: 1 / 2}[quadratics]
    bent = np.maximum(t**2 - bend.theta - bend.tilt * np.maximum(t - knot, 0), 0)
    error = abs(t**3 - bend.slope * t - bend.square * t**2 - bend.gain * bent).max()
    assert 0.999 * bend.error <= error <= bend.error * (1 + 1e-12)


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("h", [np.pi / 8, np.pi / 64, np.pi / 1024])
def test_leaf_keeps_its_bound_and_attains_it(leaf, h):
    z = Circuit().input
    point = leaf.point(z, z.circuit.number(h))
    m = np.linspace(-h, h, 60001)
    cosine, sine = (program(z.circuit.freeze(form))(m + h) for form in point)
    error = np.hypot(cosine - np.cos(m), sine - np.sin(m)).max()
    bound = float(leaf.error(MPContext(), h))
    assert error <= bound + 2e-16
    assert error >= 0.6 * bound


@pytest.mark.parametrize("leaf", LEAVES)
def test_connections_of_a_square_are_counted(leaf):
    z = Circuit().input
    square = leaf.sawtooth.square(z + 0, z.circuit.number(1))
    value_and_output = 2
    network = z.circuit.freeze(square.value)
    assert network.connections == leaf.sawtooth.connections + value_and_output


def test_a_bend_needs_its_sawtooth():
    assert not Leaf(Sawtooth(0, 1, 2), 3).possible
    assert not Leaf(Sawtooth(1, 1, 2), 4).possible
    assert not Leaf(Sawtooth(1, 1, 2, halved=True), 3).possible
