"""Minimax: the step that lowers the largest of many linear functions the most.

A linear program, solved by Mehrotra's predictor–corrector ("On the implementation of a primal–dual
interior point method", SIAM Journal on Optimization 2, 1992). It has few variables and many
constraints, all of them dense, so each of its thirty or so steps is one small system of normal
equations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

ITERATIONS = 60
GAP = 1e-9
"""The duality gap, in units of the largest value, at which a step is as good as the best."""
INSIDE = 0.99
"""How much of the way to the nearest constraint is gone."""
RIDGE = 1e-14


class State(NamedTuple):
    """The point δ and level t, the constraints' slacks, and their multipliers."""

    point: FloatArray
    slack: FloatArray
    dual: FloatArray

    @property
    def gap(self) -> float:
        """The mean product of slacks and multipliers."""
        return float(self.slack @ self.dual) / len(self.slack)


def least_maximum(values: FloatArray, gradients: FloatArray, radius: float) -> FloatArray:
    """Return the δ within ±radius in every coordinate that makes max(values + gradients·δ) least.

    Parameters
    ----------
    values : (n,) float64
        Of the order of 1.
    gradients : (n, m) float64
        Of the order of 1 in every column.
    radius : float
        Positive.
    """
    count, size = gradients.shape
    matrix = np.zeros((count + 2 * size, size + 1))
    matrix[:count, :size], matrix[:count, size] = gradients, -1
    matrix[count : count + size, :size] = np.eye(size)
    matrix[count + size :, :size] = -np.eye(size)
    state = _start(values, gradients, radius)
    for _ in range(ITERATIONS):
        if state.gap * len(state.slack) < GAP:
            break
        state = _step(matrix, state)
    return state.point[:size]


def _start(values: FloatArray, gradients: FloatArray, radius: float) -> State:
    """Return a point strictly inside all constraints, of the program and of its dual."""
    count, size = gradients.shape
    level = float(values.max()) + 1
    slack = np.concatenate([level - values, np.full(2 * size, radius)])
    slope = gradients.mean(axis=0)
    bounds = np.concatenate([np.maximum(-slope, 0), np.maximum(slope, 0)]) + 1 / count
    return State(
        np.append(np.zeros(size), level), slack, np.append(np.full(count, 1 / count), bounds)
    )


def _step(matrix: FloatArray, state: State) -> State:
    """Predict, correct, and go most of the way."""
    weights = state.dual / state.slack
    normal = matrix.T @ (weights[:, None] * matrix)
    normal[np.diag_indices_from(normal)] *= 1 + RIDGE

    def direction(target: FloatArray) -> State:
        """Newton's direction towards slack · dual = target + slack · dual."""
        newton = np.linalg.solve(normal, matrix.T @ (target / state.slack))
        point = -np.asarray(newton, dtype=np.float64)
        slack = -matrix @ point
        return State(point, slack, (target - state.dual * slack) / state.slack)

    product = state.slack * state.dual
    predicted = direction(-product)
    ahead = state.gap * (1 - _reach(state, predicted, 1.0)) ** 3
    corrected = direction(ahead - product - predicted.slack * predicted.dual)
    length = _reach(state, corrected, INSIDE)
    return State(
        state.point + length * corrected.point,
        state.slack + length * corrected.slack,
        state.dual + length * corrected.dual,
    )


def _reach(state: State, change: State, share: float) -> float:
    """Return a share of how far one may go until a slack or multiplier is 0; at most 1."""
    here = np.concatenate([state.slack, state.dual])
    there = np.concatenate([change.slack, change.dual])
    falls = there < 0
    return min(1.0, share * float(np.min(-here[falls] / there[falls], initial=np.inf)))
