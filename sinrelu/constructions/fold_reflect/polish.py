"""Polish: the weights of a small network refined together against the largest error.

A map from an interval to ℝᵏ by units and affine outputs, with the graph given, is brought nearer to
a smooth curve in the Euclidean norm. Each round finds all local maxima of the error, at kinks and
inside pieces, as in Remez's exchange; linearises them in the weights; and takes the step that makes
the largest least (``minimax``) within a trust region, which grows where the forecast was right. At
a kink the error rises on one side and falls on the other. Its height changes like the mixture of
both sides' forms whose slope is zero, wherever the kink itself moves to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sinrelu.constructions.fold_reflect.minimax import FloatArray, least_maximum
from sinrelu.network import Row

Mask = npt.NDArray[np.bool_]

ROUNDS = 100
TRUST = 0.1
"""First radius of the trust region: how much of the largest error one weight may be worth."""
TRIES = 12
"""Times that a step which makes matters worse is tried again, shorter and better informed."""
GAIN = 1e-6
"""A round that lowers the error by a smaller part ends the search."""
NEAR = 0.7
"""Maxima below this part of the largest are left out."""
NEGLIGIBLE = 1e-3
"""A number is left alone if changing it by its scale is worth less of the largest distance."""
NEWTON = 6
STARTS = tuple((2 * i + 1) / 16 for i in range(8))
"""Where in each piece Newton's method may begin."""
HIGH = 1e300
"""The slope outside the interval."""
SAMPLES = 256
"""Points inside every piece at which the bound looks; see ``bound``."""


@dataclass(frozen=True)
class Curve:
    """A smooth curve in ℝᵏ: from n points to its values and derivatives, each (k, n) float64."""

    value: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    bend: Callable[[FloatArray], FloatArray]


class Maxima(NamedTuple):
    """Places, the distances there, and their gradients by all weights and biases."""

    x: FloatArray
    size: FloatArray
    gradient: FloatArray

    def __add__(self, other: object) -> Maxima:
        """Put two together."""
        if not isinstance(other, Maxima):
            return NotImplemented
        return Maxima(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))

    def where(self, mask: Mask) -> Maxima:
        """Return some of them."""
        return Maxima(*(part[mask] for part in self))


class Pieces(NamedTuple):
    """Where a map is affine, and what it is there.

    Attributes
    ----------
    nodes : (p+1,) float64
        The ends of the interval and all breakpoints.
    active : (units, p) bool
        Which units are not zero in each piece.
    """

    nodes: FloatArray
    active: Mask


@dataclass(frozen=True)
class Branching:
    """A piecewise affine map by rows: units first, then k outputs, over the input, source 0.

    Attributes
    ----------
    rows : tuple of Row
        In topological order.
    outputs : int
        How many of the last rows are outputs, which are not rectified.
    """

    rows: tuple[Row, ...]
    outputs: int

    @property
    def units(self) -> int:
        """Rows that are rectified."""
        return len(self.rows) - self.outputs

    def values(self, x: FloatArray) -> FloatArray:
        """Return the input, all units and all outputs at n points, (1 + rows, n)."""
        values = np.empty((len(self.rows) + 1, len(x)))
        values[0] = x
        for number, row in enumerate(self.rows, start=1):
            form = _form(row, values)
            values[number] = np.maximum(form, 0) if number <= self.units else form
        return values

    def pieces(self, low: float, high: float) -> Pieces:
        """Find all pieces in an interval: every zero of a unit's form becomes a node."""
        values = np.array([[low, high]])
        for row in self.rows[: self.units]:
            form = _form(row, values)
            left, right = form[:-1], form[1:]
            cells = np.flatnonzero((left < 0) & (right > 0) | (left > 0) & (right < 0))
            share = left[cells] / (left[cells] - right[cells])
            grown = np.vstack([values, form])
            between = grown[:, cells] + share * (grown[:, cells + 1] - grown[:, cells])
            between[-1] = 0
            values = np.insert(grown, cells + 1, between, axis=1)
            values[-1] = np.maximum(values[-1], 0)
        nodes = np.unique(values[0])
        middles = self.values((nodes[1:] + nodes[:-1]) / 2)
        return Pieces(nodes, middles[1 : self.units + 1] > 0)

    def slopes(self, active: Mask) -> FloatArray:
        """Return the derivatives of all outputs in every piece, (k, p)."""
        slopes = np.ones((len(self.rows) + 1, active.shape[1]))
        for number, row in enumerate(self.rows, start=1):
            form = _form(row._replace(bias=0.0), slopes)
            slopes[number] = form * active[number - 1] if number <= self.units else form
        return slopes[self.units + 1 :]

    def gradients(self, values: FloatArray, active: Mask, weights: FloatArray) -> FloatArray:
        """Return derivatives of Σ weights · outputs by the weights and the bias of row after row.

        At n points, from the values there, the units active and the (k, n) ``weights``.
        """
        reach = np.zeros_like(values)
        reach[self.units + 1 :] = weights
        columns: list[FloatArray] = []
        for number in range(len(self.rows), 0, -1):
            row = self.rows[number - 1]
            own = reach[number] * active[number - 1] if number <= self.units else reach[number]
            columns[:0] = [*(own * values[source] for source in row.sources), own]
            for source, weight in zip(row.sources, row.weights, strict=True):
                reach[source] += weight * own
        return np.array(columns).T

    def with_numbers(self, numbers: Sequence[float]) -> Branching:
        """Return the same graph with other weights and biases, in the order of ``numbers``."""
        rest = iter(numbers)
        rows = tuple(
            Row(row.sources, tuple(islice(rest, len(row.sources))), next(rest)) for row in self.rows
        )
        return Branching(rows, self.outputs)

    def numbers(self) -> FloatArray:
        """Return the weights and the bias of row after row."""
        return np.array([number for row in self.rows for number in (*row.weights, row.bias)])

    def scale(self, low: float, high: float, fixed: int = 0) -> FloatArray:
        """Return the sizes of all weights, and for every bias the largest value of its row.

        0 for the first rows, if they are fixed, and for the first weight of every unit.
        """
        values = np.abs(self.values(self.pieces(low, high).nodes)).max(axis=1).tolist()
        scale: list[float] = []
        for number, row in enumerate(self.rows):
            own = [*map(abs, row.weights), values[number + 1]]
            if number < self.units:
                own[0] = 0.0
            scale += own if number >= fixed else [0.0] * len(own)
        return np.array(scale)

    def maxima(self, curve: Curve, low: float, high: float) -> Maxima:
        """Find the local maxima of the distance to a curve that are near the largest.

        Where a piece has none inside, another point of it may stand for it.
        """
        pieces = self.pieces(low, high)
        nodes, active = pieces
        slopes, values = self.slopes(active), self.values(nodes)
        sides = _Sides.at(nodes, values, slopes, curve)
        x = _farthest(nodes, values[self.units + 1 :], slopes, curve)
        inside = self.distances(x[(nodes[:-1] < x) & (x < nodes[1:])], pieces, curve)
        least = NEAR * max(np.max(inside.size, initial=0), np.max(sides.size))
        kinks = np.flatnonzero(sides.maximal & (sides.size >= least))
        direction = sides.error[:, kinks] / sides.size[kinks]
        mixed = sum(
            self.gradients(values[:, kinks], active[:, cells], direction * share)
            for cells, share in (
                (np.maximum(kinks - 1, 0), sides.left[kinks]),
                (np.minimum(kinks, active.shape[1] - 1), 1 - sides.left[kinks]),
            )
        )
        peaks = Maxima(nodes[kinks], sides.size[kinks], np.asarray(mixed))
        return inside.where(inside.size >= least) + peaks

    def distances(self, x: FloatArray, pieces: Pieces, curve: Curve) -> Maxima:
        """Return the distances to a curve at n points, whether they are maxima or not."""
        last = pieces.active.shape[1] - 1
        cells = np.clip(np.searchsorted(pieces.nodes, x, side="right") - 1, 0, last)
        values = self.values(x)
        error = values[self.units + 1 :] - curve.value(x)
        size = np.hypot.reduce(error, axis=0)
        direction = np.divide(error, size, out=np.zeros_like(error), where=size > 0)
        return Maxima(x, size, self.gradients(values, pieces.active[:, cells], direction))

    def bound(self, curve: Curve, low: float, high: float) -> float:
        """Bound the distance to a curve whose second derivative is at most 1 on an interval.

        On a piece of width w the square q of the distance, as a function of t ∈ [0, 1] along it,
        has |q″| ≤ 2(|E′|² + |E||E″|) with |E″| ≤ w² and |E′| ≤ |E(1) − E(0)| + w²/2 ≤ 2e + w²/2,
        e being the largest distance seen on it, which no other exceeds by more than w²/8. It
        exceeds the largest of its values at steps of 1/``SAMPLES`` by at most max |q″| times an
        eighth of the step squared. Rounding is not covered; it is a few 1e-16.
        """
        nodes, _ = self.pieces(low, high)
        size = np.zeros(len(nodes) - 1)
        for share in np.linspace(0, 1, SAMPLES + 1):
            x = nodes[:-1] + share * np.diff(nodes)
            error = self.values(x)[self.units + 1 :] - curve.value(x)
            size = np.maximum(size, np.hypot.reduce(error, axis=0))
        square = np.diff(nodes) ** 2
        curvature = 2 * ((2 * size + square / 2) ** 2 + (size + square / 8) * square)
        return float(np.sqrt(np.max(size**2 + curvature / (8 * SAMPLES**2))))


class _Sides(NamedTuple):
    """The nodes, seen from both sides."""

    error: FloatArray
    size: FloatArray
    maximal: Mask
    left: FloatArray  # the part of the form on the left in a mixture of slope 0

    @classmethod
    def at(cls, nodes: FloatArray, values: FloatArray, slopes: FloatArray, curve: Curve) -> _Sides:
        error = values[-len(slopes) :] - curve.value(nodes)
        size = np.hypot.reduce(error, axis=0)
        slope = curve.slope(nodes)
        rise = (error[:, 1:] * (slopes - slope[:, 1:])).sum(axis=0)
        fall = (error[:, :-1] * (slopes - slope[:, :-1])).sum(axis=0)
        before, after = np.append(HIGH, rise), np.append(fall, -HIGH)
        maximal = (before > 0) & (after <= 0)
        left = np.divide(-after, before - after, out=np.zeros_like(after), where=maximal)
        left[-1] = 1
        return cls(error, size, maximal, left)


def _form(row: Row, values: FloatArray) -> FloatArray:
    form = np.full(values.shape[1], float(row.bias))
    for source, weight in zip(row.sources, row.weights, strict=True):
        form += weight * values[source]
    return form


def _farthest(nodes: FloatArray, ends: FloatArray, slopes: FloatArray, curve: Curve) -> FloatArray:
    """Return about where inside each piece the distance is largest, by Newton's method."""

    def error(x: FloatArray) -> FloatArray:
        distance: FloatArray = ends[:, :-1] + slopes * (x - nodes[:-1]) - curve.value(x)
        return distance

    def size(x: FloatArray) -> FloatArray:
        length: FloatArray = np.hypot.reduce(error(x), axis=0)
        return length

    widths = np.diff(nodes)
    samples = [nodes[:-1] + share * widths for share in STARTS]
    start = np.array(samples)[np.argmax([size(x) for x in samples], axis=0), range(len(widths))]
    x = start
    for _ in range(NEWTON):
        slope = slopes - curve.slope(x)
        first = (error(x) * slope).sum(axis=0)
        second = (slope**2 - error(x) * curve.bend(x)).sum(axis=0)
        step = np.divide(first, second, out=np.zeros_like(x), where=second < 0)
        x = np.clip(x - step, nodes[:-1], nodes[1:])
    return np.where(size(x) >= size(start), x, start)


def polished(
    start: Branching, curve: Curve, low: float, high: float, fixed: int = 0, rounds: int = ROUNDS
) -> Branching:
    """Lower the largest distance to a curve on an interval, with the graph kept.

    Parameters
    ----------
    start : Branching
        Where to begin.
    curve : Curve
        What it is to be near.
    low, high : float
        The interval.
    fixed : int
        The first so many rows are left as they are. In all other units the first weight is, for
        its size is arbitrary.
    rounds : int
        At most so many steps. The result depends on the arguments, and on how the machine rounds.
    """
    scale = start.scale(low, high, fixed)
    best, maxima, trust = start, start.maxima(curve, low, high), TRUST
    for _ in range(rounds):
        largest = float(maxima.size.max())
        model, tries = maxima, 0
        while True:
            change, promise = _step(model, scale, trust)
            candidate = best.with_numbers((best.numbers() + change).tolist())
            found = candidate.maxima(curve, low, high)
            gain = 1 - float(found.size.max()) / largest
            if gain > 0 or tries == TRIES:
                break
            tries, trust = tries + 1, trust / 2
            model += best.distances(found.x, best.pieces(low, high), curve)
        if gain < GAIN:
            break
        best, maxima = candidate, found
        trust *= 2 if gain > 0.6 * promise else 0.5 if gain < 0.25 * promise else 1
    return best


def worth(
    branching: Branching, curve: Curve, low: float, high: float, fixed: int = 0
) -> FloatArray:
    """Return, for every number, a change worth the largest distance, or its scale if less."""
    maxima = branching.maxima(curve, low, high)
    return _worth(maxima, branching.scale(low, high, fixed))


def _worth(maxima: Maxima, scale: FloatArray) -> FloatArray:
    reach = np.abs(maxima.gradient).max(axis=0) / maxima.size.max()
    worth: FloatArray = np.divide(1, reach, out=np.zeros_like(reach), where=reach > 0)
    return np.minimum(scale, worth)


def _step(model: Maxima, scale: FloatArray, trust: float) -> tuple[FloatArray, float]:
    """Return the change that lowers the largest distance most, and by what part it would.

    Every number changes by at most ``trust`` times what it is worth.
    """
    largest = float(model.size.max())
    change = _worth(model, scale)
    gradient = model.gradient * change / largest
    used = np.abs(gradient).max(axis=0) > NEGLIGIBLE
    step = np.zeros_like(change)
    step[used] = least_maximum(model.size / largest, gradient[:, used], trust)
    change *= step
    return change, 1 - float((model.size + model.gradient @ change).max()) / largest
