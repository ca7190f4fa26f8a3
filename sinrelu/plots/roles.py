"""What units do: fold a value, or gate a sine. Seen from their slopes, whatever built them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray
from sinrelu.certify.bound import Interval
from sinrelu.network import Network

FOLD, GATE, OTHER = "fold", "gate", "other"
POINTS = 2048
SEED = 1
DIGITS = 6
"""Slopes are alike if they agree to so many decimals of the largest."""
SHUT, LEAK, OPEN = 0.02, 0.02, 0.02
"""What shuts a gate does so on more than this part of the domain; there it is not 0 on less than
this part, as a coarse sine does not vanish at its zeros; elsewhere it is not 0 on more than this.
"""
NOISE = 1e-9


class Forms(NamedTuple):
    """Every form, and the input's, at random points: values and slopes, (U+2, n)."""

    values: FloatArray
    slopes: FloatArray

    @classmethod
    def of(cls, network: Network, domain: Interval) -> Forms:
        """Evaluate with forward differentiation."""
        x = np.random.default_rng(SEED).uniform(*domain, POINTS)
        values, slopes = [x], [np.ones_like(x)]
        for row in network.rows:
            value, slope = np.full_like(x, row.bias), np.zeros_like(x)
            for source, weight in row.edges:
                on = (values[source] > 0) | (source == 0)
                value += weight * values[source] * on
                slope += weight * slopes[source] * on
            values.append(value)
            slopes.append(slope)
        return cls(np.array(values), np.array(slopes))

    @property
    def steepness(self) -> list[bytes]:
        """|slope| of each, up to a factor: the same for a value and what is folded of it."""
        size = np.abs(self.slopes)
        top = size.max(axis=1, keepdims=True)
        shapes = np.round(size / np.where(top > 0, top, 1), DIGITS)
        return [shape.tobytes() for shape in shapes]

    @property
    def up(self) -> BoolArray:
        """Where the slope has the sign that it has at the first point where it is not 0."""
        first = np.argmax(self.slopes != 0, axis=1)
        sign = np.sign(np.take_along_axis(self.slopes, first[:, None], axis=1))
        turned: BoolArray = self.slopes * sign >= 0
        return turned


def roles(network: Network, domain: Interval) -> list[str]:
    """Return what each unit does over a domain, U texts.

    Forms that are equally steep everywhere, some of which run backwards where others run forwards,
    are a value, what is above a pivot, and the value folded there. Units of such forms are *folds*,
    unless nothing is made of them but sums. A *gate* is none; it reads some, and is 0 wherever what
    it reads of them is not at its largest.
    """
    return roles_seen(network, Forms.of(network, domain))


def roles_seen(network: Network, forms: Forms) -> list[str]:
    """Return the same from forms that were evaluated already."""
    shapes = forms.steepness
    teeth = _teeth(forms, shapes)
    known = [OTHER]
    for number, row in enumerate(network.rows[:-1], start=1):
        read = {known[source] for source in row.sources}
        if row.is_carry or (read == {FOLD} and min(row.weights) > 0 and _is_sum(forms, number)):
            known.append(known[row.sources[0]])
        elif teeth[number] and GATE not in read:
            known.append(FOLD)
        else:
            fold = [role == FOLD for role in known]
            known.append(GATE if _shuts(network, forms, number, fold) else OTHER)
    kept = _used(network, forms, shapes, known)
    return [role if role != FOLD or kept[k] else OTHER for k, role in enumerate(known)][1:]


def _teeth(forms: Forms, shapes: list[bytes]) -> list[bool]:
    """Whether each form is one of those; the first of them is what is folded, unless it is x."""
    up = forms.up
    first: dict[bytes, int] = {}
    turned = set()
    for number, shape in enumerate(shapes):
        base = first.setdefault(shape, number)
        if np.any(up[number] != up[base]):
            turned.add(shape)
    return [shape in turned and first[shape] != number for number, shape in enumerate(shapes)]


def _used(network: Network, forms: Forms, shapes: list[bytes], known: list[str]) -> list[bool]:
    """Whether each source folds what it reads, or is read, also when carried, to fold or gate."""
    used = [False] * (len(network.rows) + 1)
    for number in range(len(network.rows), 0, -1):
        row = network.rows[number - 1]
        role = known[number] if number < len(known) else OTHER
        for source in row.sources:
            alike = role == FOLD and not row.is_carry and shapes[source] == shapes[number]
            used[source] |= alike or role == GATE or (used[number] and row.is_carry)
            if alike:
                along = forms.slopes[number] * forms.slopes[source]
                used[number] |= bool(along.min() < 0 < along.max())
    return used


def _is_sum(forms: Forms, number: int) -> bool:
    """Whether a unit's form is never negative, so that nothing is rectified."""
    return bool(forms.values[number].min() >= 0)


def _shuts(network: Network, forms: Forms, number: int, fold: list[bool]) -> bool:
    """Whether a unit is 0 where one fold that it reads, or all it reads, are below their largest.

    And not elsewhere.
    """
    row = network.rows[number - 1]
    signals = [
        weight * np.maximum(forms.values[source], 0) for source, weight in row.edges if fold[source]
    ]
    if not signals or len(signals) == len(row.sources):
        return False
    active = forms.values[number] > NOISE * np.abs(forms.values[number]).max()
    return any(_is_shut(active, total) for total in (np.sum(signals, axis=0), *signals))


def _is_shut(active: BoolArray, total: FloatArray) -> bool:
    shutting = total < total.max() - NOISE * np.ptp(total)
    return bool(
        np.mean(shutting) > SHUT
        and np.mean(active[shutting]) < LEAK
        and np.mean(active[~shutting]) > OPEN
    )
