"""Folds of two layers become folds of one: relu(relu(f) − t) = relu(f − t) for t ≥ 0."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu import evaluate_exact, layered
from sinrelu.layering import shallower
from sinrelu.network import Network, Row

eighths = st.integers(-16, 16).map(lambda k: k / 8)
weights = st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.0, 1.0, 1.0])


@st.composite
def row_lists(draw):
    """Rows in which single readers with weight 1 are frequent."""
    rows = []
    for number in range(1, draw(st.integers(2, 9))):
        sources = draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=3))
        rows.append(
            Row(tuple(sorted(sources)), tuple(draw(weights) for _ in sources), draw(eighths))
        )
    return rows


@settings(max_examples=200, deadline=None)
@given(rows=row_lists(), x=st.integers(-64, 64).map(lambda k: Fraction(k, 16)))
def test_the_function_stays_and_the_depth_does_not_grow(rows, x):
    before, after = Network.from_rows(rows), Network.from_rows(shallower(rows))
    assert evaluate_exact(after, x) == evaluate_exact(before, x)
    assert after.depth <= before.depth
    assert evaluate_exact(layered(before), x) == evaluate_exact(before, x)


FOLD = [
    Row((0,), (1.0,), 0.0),
    Row((1,), (1.0,), -0.5),
    Row((1, 2), (1.0, -2.0), 0.0),
    Row((3,), (1.0,), -0.25),
    Row((3, 4), (1.0, -2.0), 0.0),
]


def test_a_chain_of_folds_takes_a_layer_each():
    rows = shallower(FOLD)
    assert rows[1] == Row((0,), (1.0,), -0.5)
    assert rows[3] == Row((1, 2), (1.0, -2.0), -0.25)
    assert Network.from_rows(FOLD).depth == 5
    assert Network.from_rows(rows).depth == 3


@pytest.mark.parametrize(
    "reader",
    [
        Row((3,), (1.0,), 0.25),  # relu(relu(f) + t) is not relu(f + t)
        Row((3,), (-1.0,), -0.25),
        Row((3,), (2.0,), -0.25),
        Row((2, 3), (1.0, 1.0), -0.25),
    ],
)
def test_other_units_are_left_alone(reader):
    assert shallower([*FOLD[:3], reader, FOLD[4]])[3] == reader


def test_biases_that_do_not_add_exactly_are_left_alone():
    rows = [Row((0,), (1.0,), 0.1), Row((1,), (1.0,), -1e-20), Row((2,), (1.0,), 0.0)]
    assert shallower(rows) == rows


def test_a_form_of_many_terms_is_left_alone():
    wide = Row((0, 1, 2), (1.0, 1.0, 1.0), 0.0)
    reader = Row((3,), (1.0,), -1.0)
    assert shallower([*FOLD[:2], wide, reader, Row((4,), (1.0,), 0.0)])[3] == reader
