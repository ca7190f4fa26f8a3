"""The baseline: the counts of the published code, and the error on [0, π]."""

import numpy as np
import pytest

from sinrelu import build, layered, program
from sinrelu.constructions.huybrechs import CONSTRUCTION, circuit, design, error_bound
from sinrelu.errors import RequestError
from sinrelu.target import Target

PUBLISHED = {
    20: {"weights": 2312, "biases": 200, "width": 44, "dense": 29274, "layers": 41},
    21: {"weights": 2512, "biases": 210, "width": 46, "dense": 33412, "layers": 43},
}
COSINE = 6
"""The published networks have a second output, cos: six weights and one bias."""


def network(levels):
    output = circuit(levels)
    return output.circuit.freeze(output)


@pytest.mark.parametrize("levels", PUBLISHED)
def test_counts_are_those_of_the_published_code(levels):
    published, built = PUBLISHED[levels], network(levels)
    assert built.wiring == "layered"
    assert built.connections + COSINE == published["weights"]
    assert built.biases + 1 == published["biases"]
    assert built.width == published["width"]
    assert built.dense_size_with_biases + COSINE + 1 == published["dense"]
    assert built.depth == published["layers"]


@pytest.mark.parametrize("levels", [1, 2, 3, 8, 14, 20])
def test_error_is_that_of_a_chord(levels):
    width = np.pi / 2**levels
    grid = np.linspace(0, np.pi, 100001)
    points = np.concatenate([grid, np.random.default_rng(1).uniform(0, np.pi, 100000)])
    error = abs(program(network(levels))(points) - np.sin(points)).max()
    assert error <= width**2 / 8 + width**3 / 15 + 1e-14
    assert error >= width**2 / 12


def test_it_covers_only_half_the_domain():
    assert abs(program(network(10))(-1.0) - np.sin(-1.0)) > 0.1
    assert CONSTRUCTION.target.interval == "[0, π]"
    with pytest.raises(RequestError, match=r"huybrechs is for sin on \[0, π\].*--domain 0 pi"):
        build(Target(), construction="huybrechs")


@pytest.mark.parametrize("tol", [0.1, 1e-6, 1e-12])
def test_design_has_the_fewest_levels_whose_bound_keeps_the_tolerance(tol):
    made = design(tol)
    levels = made.parameters["levels"]
    assert made.error_bound == error_bound(levels) <= tol < error_bound(levels - 1)
    assert made.output.circuit.freeze(made.output).sha256 == network(levels).sha256


def test_it_is_layered_as_it_is():
    assert layered(network(8)).sha256 == network(8).sha256


def test_out_of_reach_is_refused():
    with pytest.raises(RequestError, match="levels of huybrechs"):
        design(1e-40)
