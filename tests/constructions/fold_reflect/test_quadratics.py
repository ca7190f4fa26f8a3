"""The last cell: what its bends and its error bound promise, against exact sines."""

import numpy as np
import pytest
from mpmath import MPContext

from sinrelu import program
from sinrelu.circuit import Circuit
from sinrelu.constructions.fold_reflect.quadratics import BEND_CONNECTIONS, LastCell, Quadratics
from sinrelu.constructions.fold_reflect.square import Sawtooth

CELLS = [
    LastCell(Sawtooth(0, 0, 2)),
    LastCell(Sawtooth(0, 1, 3)),
    LastCell(Sawtooth(1, 1, 2)),
    LastCell(Sawtooth(1, 2, 2, clipped=True)),
    LastCell(Sawtooth(1, 0, 3), 3),
    LastCell(Sawtooth(2, 1, 2), 3),
    LastCell(Sawtooth(0, 1, 3, halved=True), 4),
    LastCell(Sawtooth(0, 1, 3, halved=True, clipped=True), 4),
    LastCell(Sawtooth(1, 0, 4, halved=True), 4),
    LastCell(Sawtooth(1, 1, 3), 6),
    LastCell(Sawtooth(2, 1, 3, clipped=True), 6),
]


@pytest.mark.parametrize("count", BEND_CONNECTIONS)
def test_quadratics_are_the_sine_up_to_a_chebyshev_polynomial_on_each_piece(count):
    h = 1 / 64
    fit = Quadratics.fit(MPContext(), h, 0, count)
    t = np.linspace(0, h, 100_001)
    bend = 0 * t
    for knot in reversed(range(2 - count % 2, count, 2)):
        at = knot * h / count
        theta = at**2 - (h / count) ** 2 / 12
        bend = np.maximum(t**2 - theta - 2 * at * np.maximum(t - at, 0) + bend, 0)
    slope, jump, square, gain = map(float, (fit.slope, fit.jump, fit.square, fit.gain))
    error = slope * t - jump - square * t**2 - gain * bend - np.sin(t)
    expected = (h / count) ** 3 / 24
    assert abs(error).max() == pytest.approx(expected, rel=1e-3)
    extremes = np.flatnonzero(abs(error) > 0.99 * expected)
    turns = np.count_nonzero(np.diff(np.sign(error[extremes])))
    assert turns == 2 * (count // 2) + 1


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("h", [np.pi / 8, np.pi / 64, np.pi / 1024])
def test_the_cell_keeps_its_bound_and_attains_it(cell, h):
    z = Circuit().input
    point = cell.cos_sin(z, z.circuit.number(h))
    m = np.linspace(-h, h, 60001)
    cosine, sine = (program(z.circuit.freeze(form))(m + h) for form in point)
    error = np.hypot(cosine - np.cos(m), sine - np.sin(m)).max()
    bound = float(cell.error(MPContext(), h))
    assert error <= bound + 2e-16
    assert error >= 0.6 * bound


@pytest.mark.parametrize("cell", CELLS)
def test_connections_of_a_cell_are_counted(cell):
    z = Circuit().input
    point = cell.cos_sin(z, z.circuit.number(1))
    network = z.circuit.freeze(point.cosine + point.sine)
    left, magnitude, gated, read = 1, 2, 2, 3
    assert network.connections == cell.connections + left + magnitude + gated + read


def test_a_bend_needs_its_sawtooth():
    assert not LastCell(Sawtooth(0, 1, 2), 3).possible
    assert not LastCell(Sawtooth(0, 1, 2), 6).possible
    assert not LastCell(Sawtooth(1, 1, 2), 4).possible
    assert not LastCell(Sawtooth(1, 1, 2, halved=True), 3).possible
