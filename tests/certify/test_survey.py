"""Findings of parts are joined so that nothing counts that was not seen."""

from fractions import Fraction

import numpy as np
import pytest

from sinrelu import build
from sinrelu.arithmetic.double_double import DoubleDouble
from sinrelu.certify.bound import Deviation, Judge
from sinrelu.certify.pieces import Finder
from sinrelu.certify.rounding import CELLS
from sinrelu.certify.survey import Finding, Survey, Task, _finding, examine

ENDS = (-3.0, 3.0)
POINT = (Fraction(0), Fraction(0))


@pytest.fixture(scope="module")
def task():
    network = build(wiring="skip", tol=1e-2)
    widest = (ENDS[1] - ENDS[0]) / (3 * CELLS)
    return Task(Finder.of(network), Judge.of(network), None, ENDS, widest, 10**6)


@pytest.mark.parametrize(("budget", "complete"), [(1, False), (CELLS, False), (10**6, True)])
def test_a_part_that_was_given_up_is_not_covered(task, budget, complete):
    found = examine(task._replace(budget=budget))
    assert Survey(ENDS, 0.0, (found,)).complete == complete
    assert (found.span == ENDS) == complete


def test_what_is_known_of_two_parts_holds_on_both():
    one = Finding(1.0, 0.5, 3e-15, 0.5, 5, 2, POINT, (0.0, 1.0), (1,))
    two = Finding(2.0, 0.25, 2e-15, 0.9, 7, 3, POINT, (1.0, 2.0), (2,))
    for left, right in ((one, two), (two._replace(span=one.span), one._replace(span=two.span))):
        both = left | right
        assert (both.bound, both.radius) == (2.0, 0.5)
        assert (both.evaluation, both.slope) == (3e-15, 0.9)
        assert (both.cells, both.kinks, both.span) == (12, 5, (0.0, 2.0))
        assert both.seen == left.seen + right.seen
    assert (one | two._replace(span=(1.5, 2.0))).span == one.span


def test_the_worst_cell_of_a_block_counts(task):
    nodes = DoubleDouble(np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4))
    known = Deviation(np.array([1.0, 5.0, 2.0]), np.array([0.1, 0.2, 0.7]), 1e-15)
    found = _finding(task, nodes, known, (0.0, 0.0))
    assert (found.bound, found.radius, found.cells) == (5.0, 0.7, 3)
    assert found.cell == (1, 2)
