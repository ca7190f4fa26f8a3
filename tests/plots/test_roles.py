"""What units do is seen from the network alone, and agrees with how it was built."""

from collections import Counter

import numpy as np
import pytest

from sinrelu import Circuit, build, relu
from sinrelu.certify import DOMAIN
from sinrelu.network import Network
from sinrelu.plots.roles import FOLD, GATE, OTHER, roles
from sinrelu.target import Target


@pytest.mark.parametrize("wiring", ["skip", "layered"])
@pytest.mark.parametrize("tol", [1e-5, 1e-8, 1e-12])
def test_every_fold_of_fold_reflect_has_its_gate(wiring, tol):
    network = build(wiring=wiring, tol=tol)
    folds = network.meta["parameters"]["folds"]
    sign = 1 if wiring == "skip" else 0  # layered wiring counts the sign among its folds
    assert Counter(roles(network, DOMAIN))[GATE] == folds + sign


def test_nothing_that_the_file_says_is_asked():
    network = build(wiring="skip", tol=1e-6)
    assert roles(network, DOMAIN) == roles(Network(network.rows), DOMAIN)


def test_on_a_wide_domain_as_well():
    target = Target.parse("cos", ("-1000pi", "1000pi"))
    network = build(target, "skip", 1e-6)
    found = Counter(roles(network, target.cover))
    assert found[GATE] == network.meta["parameters"]["folds"] + 1
    assert found[FOLD] > 20


def gated(slope):
    """Fold x at 0, bend |x|, and gate what results by what is below 0; fold |x| again."""
    circuit = Circuit()
    below = relu(-circuit.input)
    size = circuit.input + 2 * below
    folded = relu(size - 1)
    bent = relu(size - 0.3 * folded)
    gate = relu(bent - slope * below)
    return circuit.freeze(gate + relu(2 - size + 2 * folded))


def test_a_fold_and_a_gate_by_hand():
    assert roles(gated(2), DOMAIN) == [FOLD, FOLD, OTHER, GATE, FOLD]


def test_a_gate_that_leaks_is_none():
    assert roles(gated(0.9), DOMAIN) == [FOLD, FOLD, OTHER, OTHER, FOLD]


def test_units_of_random_weights_do_neither():
    numbers = np.random.default_rng(3)
    circuit = Circuit()
    first = [relu(a * circuit.input + b) for a, b in numbers.normal(size=(12, 2))]
    second = [
        relu(sum(w * v for w, v in zip(row, first, strict=True)) + 0.1)
        for row in numbers.normal(size=(8, 12))
    ]
    network = circuit.freeze(sum(second))
    assert set(roles(network, DOMAIN)) == {OTHER}
