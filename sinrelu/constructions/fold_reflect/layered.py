"""fold-reflect for layered wiring: a unit reads only the layer right before it.

Folding. x is folded to z₀ ∈ [0, π] with sin x = cos z₀ (``range_reduction``); on [−π, π]
X = x + π and K_i = relu(X − iπ/2) give z₀ = π/2 + X − 2K₁ + 2K₃. From there it is folded n times as
in ``fold_reflect``, at τ_k = π/2^(k+1): the sign of sin x is the first fold.

Unfolding. V = (cos z, sin z) is kept in the frame of the leaf, as if every gate that is still to
come were dead. Let d_k·V be what sin(τ_k − z_{k+1}) is in that frame. Then gate k is
e_k = relu(d_k·V − M·dead_k), and it reflects V ← V − 2d_k e_k. Two functionals of V are held:
1 − cos(z − h), which starts as a multiple of the leaf's square, and the one that becomes
sin x. One layer and eight connections a gate. Either side of a fold may be the dead one: it only
moves the frame.

The dead signals are supplied as ``supply`` finds cheapest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, NamedTuple

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import described
from sinrelu.constructions.fold_reflect.fold_signals import Dead, Supply, form, gate_layer, supply
from sinrelu.constructions.fold_reflect.quadratics import Point, Quadratics
from sinrelu.constructions.fold_reflect.range_reduction import GATE, Reduction
from sinrelu.constructions.fold_reflect.refined import (
    Key,
    PiecewiseMap,
    RefinedCell,
    Signal,
    StoredCell,
    drawn,
    refined_cell,
)
from sinrelu.constructions.fold_reflect.stages import Stages
from sinrelu.network import LAYERED

COARSE = 2**10
"""Shifts that keep a held value positive are multiples of 1/COARSE: they add and cancel exactly."""


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Attributes
    ----------
    folds : int
        n ≥ 2; the leaf undoes the last, gates the others.
    stages : Stages
        The folds of the square in the leaf.
    quadratics : int
        J ≥ 2: of how many quadratics the sine in the leaf is made (``gadgets.leaf``). Bends stand
        on the layer before the square and read it without its last folds.
    reduction : Reduction
        The folds of the range.
    polished : RefinedCell, optional
        The last cell with its weights refined together; without it, they are those of the formulas.
    """

    folds: int
    stages: Stages
    quadratics: int = 2
    reduction: Reduction = field(default_factory=Reduction)
    polished: RefinedCell | None = None

    @property
    def key(self) -> Key:
        """What the leaf depends on."""
        return (self.folds, self.quadratics, self.stages.ternaries, *self.stages.radices)

    @property
    def leaf_layer(self) -> int:
        """The layer on which U and f stand, folds of the range not counted."""
        return self.folds + 1 + self.stages.layers

    @property
    def supply(self) -> Supply:
        """The supply of fold signals."""
        return supply(self.folds, self.leaf_layer)

    @property
    def possible(self) -> bool:
        """Whether the supply holds what the bends' knots are made of."""
        z, layers = f"z{self.folds - 1}", self.supply.layers
        return self.quadratics == 2 or (
            self.stages.layers > 2
            and all(z in layers[self.leaf_layer - back - 1] for back in (4, 3))
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was chosen, for people to read."""
        return described(self)

    @property
    def wiring(self) -> str:
        """Which wiring the plan is for."""
        return LAYERED

    @property
    def connections(self) -> int:
        """Connections with layered wiring."""
        gates = {2: 8, 3: 12}.get(self.folds, 7 * self.folds - 10)
        stages = self.stages.leaf_connections(self.quadratics)
        return self.reduction.layered_connections + self.supply.connections + gates + stages

    def error_bound(self, numbers: Any) -> Real:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded.

        As for ``fold_reflect.Plan``: the leaf's error as a vector; reflections keep its norm.
        """
        if self.polished is not None:
            return numbers.mpf(self.polished.error)
        h = numbers.ldexp(numbers.pi, -self.folds)
        piece = h / self.stages.pieces
        fit = Quadratics.fit(numbers, h, piece, self.quadratics)
        return fit.error(numbers, piece, self.stages.rest(h) / 2)

    def refined(self, cell: StoredCell) -> Plan:
        """Return the plan with the refined cell that is stored for it."""
        return replace(self, polished=_refined(replace(self, reduction=Reduction()), cell))

    def circuit(self, tol: Real, bits: int = 256) -> Affine:
        """Write the network: the output is an affine form over the units of a circuit."""
        return circuit(self, tol, bits)


class Direction(NamedTuple):
    """The functional sign·sin(angle − z) of (cos z, sin z)."""

    sign: int
    angle: Real

    def behind(self, pivot: Real, dead: Dead) -> Direction:
        """Return the same functional on the other side of a dead gate."""
        return Direction(-self.sign, 2 * pivot - self.angle) if dead.right else self

    def least(self, length: Real) -> Real:
        """Return the least value for z in [0, length], length ≤ π/2."""
        numbers = self.angle.context
        low, high = self.angle - length, self.angle
        ends = [self.sign * numbers.sin(low), self.sign * numbers.sin(high)]
        quarter = -self.sign * numbers.pi / 2
        turns = numbers.ceil((low - quarter) / (2 * numbers.pi))
        touched = quarter + turns * 2 * numbers.pi <= high
        return numbers.mpf(-1) if touched else min(ends)


class Held(NamedTuple):
    """A functional of V: where it points in the frame of the leaf, and its value."""

    direction: Direction
    value: Affine

    def held(self, shift: Real, sign: int) -> Held:
        """Hold shift + sign·value, which must not be negative, in one unit."""
        return self._replace(value=sign * (relu(shift + sign * self.value) - shift))

    def reflected(self, gate: Direction, signal: Affine) -> Held:
        """Return the value after V ← V − 2d·e."""
        numbers = signal.circuit.numbers
        along = numbers.cos(self.direction.angle - gate.angle) * self.direction.sign * gate.sign
        return self._replace(value=self.value - 2 * along * signal)


def combined(wanted: Direction, first: Held, second: Held) -> Affine:
    """Return the value of a functional from those of two others."""
    sin = first.value.circuit.numbers.sin
    (sign_a, a), (sign_b, b) = first.direction, second.direction
    whole = sin(a - b)
    along_a = wanted.sign * sign_a * sin(wanted.angle - b) / whole
    along_b = wanted.sign * sign_b * sin(a - wanted.angle) / whole
    value: Affine = along_a * first.value + along_b * second.value
    return value


class Frame(NamedTuple):
    """Where the gates and the output point: the gates in the frame of the leaf."""

    gates: list[Direction]
    outputs: list[Direction]  # entry k: for z_k, gates 0 … k−1 being dead


def frame(pivots: Sequence[Real], dead: Sequence[Dead]) -> Frame:
    """Pull the gates' functionals and the output's back through the gates that follow."""
    gates: list[Direction] = []
    outputs = [Direction(1, pivots[0])]  # cos z₀
    for pivot, side in zip(pivots, dead, strict=False):
        gates = [gate.behind(pivot, side) for gate in gates]
        gates.append(Direction(1, pivot))  # of z_{k+1} already: behind its own gate
        outputs.append(outputs[-1].behind(pivot, side))
    return Frame(gates, outputs)


def supplied(plan: Plan) -> list[tuple[int, str]]:
    """Return what the leaf reads of the supply: on which layer, and which value."""
    last, top = plan.folds - 1, plan.leaf_layer
    z, left, right = f"z{last}", f"l{last}", f"r{last}"
    held = plan.supply.layers[plan.folds - 1]
    first = next(pair for pair in ((z, left), (z, right), (left, right)) if held.issuperset(pair))
    early = [(top - 4, z), (top - 3, z)] if plan.quadratics > 2 else []
    return [*((plan.folds, value) for value in first), (top - 1, left), (top, z), *early]


def leaf(plan: Plan, signals: Sequence[Affine], h: Real) -> Point:
    """Return cos m and sin m for m = z_{n−1} − h, from what is ``supplied``."""
    (_, first), (_, second), *_ = supplied(plan)
    a, b, dead, z, *early = signals
    if second[0] == "r" and first[0] == "l":
        magnitude = a + b
    elif second[0] == "r":
        magnitude = h - a + 2 * b
    else:
        magnitude = a - h + 2 * b
    numbers = z.circuit.numbers
    piece = h / numbers.mpf(plan.stages.pieces)
    fit = Quadratics.fit(numbers, h, piece, plan.quadratics)
    total, rest = plan.stages.square(magnitude + piece / 2, h)
    square = relu(total)
    m = z - h
    cosine = fit.k0 + fit.k2 * square
    bends = numbers.mpf(0) * total
    if early:
        before, after = early
        distance = after - h + 2 * relu(h - before)
        rough = rest + plan.stages.rest(h) / 2
        for knot in fit.knots:
            signal = relu(distance - knot * h / fit.count)
            bends += relu(fit.bend(rough, signal, knot))
    gated = relu(fit.jump + fit.square * total + fit.gain * bends - dead)
    curve = fit.jump + fit.square * square + fit.gain * relu(bends)
    return Point(cosine, fit.slope * m - (2 * gated - curve))


SIGNALS: Mapping[str, Signal] = {
    "z": lambda z, _: z,
    "l": lambda z, h: h - z,
    "r": lambda z, h: z - h,
}
"""The values of the last fold, over z_{n−1}."""


@cache
def _refined(plan: Plan, cell: StoredCell) -> RefinedCell:
    return refined_cell(start(plan), len(supplied(plan)), cell)


def start(plan: Plan) -> PiecewiseMap:
    """Return the last cell as the formulas have it, from which it is refined."""
    signals = [SIGNALS[value[0]] for _, value in supplied(plan)]
    return drawn(partial(leaf, plan), plan.folds, signals)


def circuit(plan: Plan, tol: Real, bits: int = 256) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit(bits).input
    numbers = x.circuit.numbers
    pivots = [numbers.pi / 2 ** (k + 1) for k in range(plan.folds)]
    given = plan.supply
    dead = [given.dead_signal(k) for k in range(plan.folds - 1)]
    z, past_zero = plan.reduction.half_wave(x)
    layers = given.wires({"z0": z, "r0": past_zero}, pivots)
    gates, outputs = frame(pivots, dead)
    h = pivots[-1]
    signals = [layers[layer][value] for layer, value in supplied(plan)]
    point = plan.polished.point(signals) if plan.polished else leaf(plan, signals, h)
    cosine, sine = point
    even = Held(Direction(1, h + numbers.pi / 2), cosine)
    turn = outputs[-1].angle - h
    result = Held(
        outputs[-1], outputs[-1].sign * (numbers.sin(turn) * cosine - numbers.cos(turn) * sine)
    )
    margin = numbers.mpf(2) ** math.ceil(numbers.log(10 * tol, 2))
    shut = [
        form(side.signal, layers[gate_layer(plan.folds, plan.leaf_layer, k)], pivots[k])
        for k, side in enumerate(dead)
    ]
    for k in range(plan.folds - 2, 0, -1):
        gate = relu(combined(gates[k], even, result) - GATE * shut[k])
        if k > 1:
            even = even.held(1 + margin, -1).reflected(gates[k], gate)
        shift = margin + numbers.ceil(COARSE * max(0, -outputs[k + 1].least(pivots[k]))) / COARSE
        result = result.held(shift, 1).reflected(gates[k], gate)
    sign = result.direction.sign * gates[0].sign
    sine = sign * result.value
    half = relu(sine) - 2 * relu(sine - GATE * shut[0])
    return plan.reduction.sign * sign * half
