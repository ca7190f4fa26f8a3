"""How a network folds its domain up and unfolds the sine: one step for each fold of the domain.

A step is seen from slopes, as in ``roles``: forms that are as steep as x everywhere are x folded,
and of two such the one with more turns may be the other one folded at *pivots*. A step is undone by
a gate if that is shut on one side of the fold. With the gates of some steps held at 0 the network
computes a function of the domain as it is folded by these.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import BoolArray, FloatArray
from sinrelu.certify.bound import Interval
from sinrelu.errors import RequestError
from sinrelu.network import Network
from sinrelu.plots.roles import GATE, Forms, roles_seen

MOST_PIVOTS = 4
"""Of one step."""
AGREEMENT = 1e-6
"""How exactly a form must be a folded one, as a part of what is folded."""
MOST_RISE = 4
"""A function of what is left rises and falls by so many times its range at most."""
CONTRAST = 0.3
"""A gate belongs to a step if it is open so much more often on one side of its fold."""


class Step(NamedTuple):
    """A fold of an interval at ascending pivots, where it turns back and forth; its gates' numbers.

    What lies below the first pivot stays where it is.
    """

    pivots: FloatArray
    gates: tuple[int, ...] = ()

    def place(self, z: FloatArray, angle: float) -> tuple[FloatArray, FloatArray]:
        """Return where points are, along and above, when every other segment has been turned.

        By π, all lie on one line again.
        """
        corners = np.concatenate([[-np.inf], self.pivots, [np.inf]])
        parts = np.array([np.clip(z, *ends) for ends in pairwise(corners)])
        lengths = np.vstack([parts[:1], parts[1:] - self.pivots[:, None]])
        turned = np.arange(len(lengths)) % 2 == 1
        along = lengths[~turned].sum(axis=0) + math.cos(angle) * lengths[turned].sum(axis=0)
        above: FloatArray = math.sin(angle) * lengths[turned].sum(axis=0)
        return along, above

    @property
    def parts(self) -> list[Step]:
        """The same as two folds, if it is three that lie evenly: the middle one, then the first."""
        even = len(self.pivots) == 3 and np.isclose(*np.diff(self.pivots))
        return [Step(self.pivots[1:2]), Step(self.pivots[:1])] if even else [self]

    def folded(self, z: FloatArray) -> FloatArray:
        """Return where points of the interval are when it is folded."""
        return self.place(z, math.pi)[0]

    def back(self, z: FloatArray) -> BoolArray:
        """Whether points lie where the folded interval runs backwards."""
        backwards: BoolArray = np.searchsorted(self.pivots, z) % 2 == 1
        return backwards


def steps(network: Network, domain: Interval) -> list[Step]:
    """Return the folds of a domain that a network makes and undoes, the first one first.

    After the last one, with all gates at 0, the output depends on the folded x alone.

    Raises RequestError if there is none.
    """
    forms = Forms.of(network, domain)
    gates = [k for k, role in enumerate(roles_seen(network, forms), start=1) if role == GATE]
    found = _with_gates(_folds(forms), forms, gates)
    kept: list[Step] = []
    z, shut = forms.values[0], dict[int, float]()
    for count, step in enumerate(found, start=1):
        z = step.folded(z)
        shut |= dict.fromkeys(step.gates, 0.0)
        if _depends_on(z, output(network, forms.values[0], shut)):
            kept = found[:count]
    if not kept:
        raise RequestError(
            "folding: the network does not fold its domain up and unfold the output, as those of "
            "fold-reflect do; --kind units shows what its units compute"
        )
    return kept


def _depends_on(z: FloatArray, value: FloatArray) -> bool:
    """Whether a value is a function of z that does not go up and down often."""
    ordered = value[np.argsort(z)]
    return bool(np.abs(np.diff(ordered)).sum() <= MOST_RISE * np.ptp(ordered))


def _folds(forms: Forms) -> list[Step]:
    """Return the chain of folds, each of what the one before leaves and at fewest pivots."""
    shapes, z, slope = forms.steepness, forms.values[0], forms.slopes[0]
    alike = [k for k, shape in enumerate(shapes) if shape == shapes[0]]
    scale = {k: float(np.abs(forms.slopes[k]).max()) for k in alike}
    found: list[Step] = []
    while True:
        asked = (_step(z, slope, forms.values[k] / scale[k], forms.slopes[k]) for k in alike)
        step = min(filter(None, asked), key=lambda step: len(step.pivots), default=None)
        if step is None:
            return found
        for part in step.parts:
            slope = np.where(part.back(z), -slope, slope)
            z = part.folded(z)
            found.append(part)


def _step(z: FloatArray, slope: FloatArray, value: FloatArray, other: FloatArray) -> Step | None:
    """Return how z is folded to another value, up to a sign and a constant; None if it is not."""
    order = np.argsort(z)
    sides = np.sign(slope * other)[order]
    sign = sides[0]
    # on a segment that is not turned, value = ±z + offset
    offsets = value[order] - sides * z[order]
    at = np.flatnonzero(np.diff(sides))
    if not 1 <= len(at) <= MOST_PIVOTS:
        return None
    pivots = (offsets[at + 1] - offsets[at]) / (sides[at] - sides[at + 1])
    step = Step(np.sort(pivots))
    rest = sign * value - step.folded(z)
    return step if np.ptp(rest) <= AGREEMENT * np.ptp(z) else None


def _with_gates(found: list[Step], forms: Forms, gates: list[int]) -> list[Step]:
    """Give each gate to the step on whose sides it is open most differently."""
    z, backs = forms.values[0], []
    for step in found:
        backs.append(step.back(z))
        z = step.folded(z)
    owned: list[list[int]] = [[] for _ in found]
    for gate in gates:
        active = forms.values[gate] > 0
        contrast = [abs(active[back].mean() - active[~back].mean()) for back in backs]
        if contrast and max(contrast) > CONTRAST:
            owned[int(np.argmax(contrast))].append(gate)
    return [step._replace(gates=tuple(own)) for step, own in zip(found, owned, strict=True)]


def output(network: Network, x: FloatArray, opened: dict[int, float]) -> FloatArray:
    """Evaluate a network in float64, some units multiplied by a number."""
    known = [x]
    for number, row in enumerate(network.rows, start=1):
        form = np.full_like(x, row.bias)
        for source, weight in row.edges:
            form += weight * known[source]
        known.append(np.maximum(form, 0.0) * opened.get(number, 1.0))
    return form
