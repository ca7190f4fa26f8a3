"""fold-reflect for layered wiring: a unit reads only the layer right before it.

Folding. x is folded to z₀ ∈ [0, π] with sin x = cos z₀ (``range_reduction``); on [−π, π]
X = x + π and K_i = relu(X − iπ/2) give z₀ = π/2 + X − 2K₁ + 2K₃. From there it is folded n times as
in ``skip``, at τ_k = π/2^(k+1): the sign of sin x is the first fold.

Unfolding. V = (cos z, sin z) is kept in the frame of the last cell, as if every gate that is still
to come were dead. Let d_k·V be what sin(τ_k − z_{k+1}) is in that frame. Then gate k is
e_k = relu(d_k·V − M·g_k) with the gating signal g_k, and it reflects V ← V − 2d_k e_k. Two
functionals of V are held: 1 − cos(z − h), which starts as a multiple of the cell's square, and the
one that becomes sin x. One layer and eight connections a gate. Either side of a fold may be the
dead one: it only moves the frame.

The gating signals come by the cheapest schedule that is known (``fold_signals``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import ClassVar, NamedTuple

from mpmath import fp

from sinrelu.circuit import Affine, Real, relu
from sinrelu.constructions.fold_reflect import fold_signals, square
from sinrelu.constructions.fold_reflect.fold_signals import GatingSignal, Schedule, form
from sinrelu.constructions.fold_reflect.quadratics import CosSin, Quadratics
from sinrelu.constructions.fold_reflect.range_reduction import GATE, RangeReduction
from sinrelu.constructions.fold_reflect.refined import PiecewiseMap, Signal, drawn, stored_cells
from sinrelu.constructions.fold_reflect.square import LayeredSawtooth
from sinrelu.network import LAYERED

COARSE = 2**10
"""Shifts that keep a held value positive are multiples of 1/COARSE: they add and cancel exactly."""
MOST_FOLDS, MOST_LAYERS, MOST_QUADRATICS = 17, 6, 8


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Of n ≥ 2 folds the last cell undoes the last, gates the others. The sine there is made of J ≥ 2
    ``quadratics`` and the sawtooth's square; bends stand on the layer before the square and read it
    without its last folds. If ``refined``, the weights there are those of minimax refinement.
    """

    folds: int
    sawtooth: LayeredSawtooth
    quadratics: int = 2
    refined: bool = False
    wiring: ClassVar[str] = LAYERED

    @property
    def key(self) -> tuple[int, ...]:
        """What the last cell depends on."""
        return (self.folds, self.quadratics, self.sawtooth.ternaries, *self.sawtooth.radices)

    @property
    def cell_layer(self) -> int:
        """The layer on which U and f stand, folds of the range not counted."""
        return self.folds + 1 + self.sawtooth.layers

    @property
    def schedule(self) -> Schedule:
        """The schedule of recomputed fold signals."""
        return fold_signals.schedule(self.folds, self.cell_layer)

    @property
    def possible(self) -> bool:
        """Whether the schedule holds what the bends' knots are made of."""
        z, layers = f"z{self.folds - 1}", self.schedule.layers
        early = layers[self.cell_layer - 5 : self.cell_layer - 3]
        return self.quadratics == 2 or (self.sawtooth.layers > 2 and all(z in on for on in early))

    def connections(self, reduction: RangeReduction) -> int:
        """Count the connections with a range reduction."""
        return self.own_connections + reduction.connections(layered=True)

    @property
    def own_connections(self) -> int:
        """Connections without the range reduction."""
        gates = {2: 8, 3: 12}.get(self.folds, 7 * self.folds - 10)
        return self.schedule.connections + gates + self.sawtooth.connections(self.quadratics)

    @property
    def error_bound(self) -> float:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded.

        As for ``skip.Plan``: the last cell's error as a vector; reflections keep its norm.
        """
        if self.refined:
            return stored_cells(LAYERED)[self.key].error
        h = fp.ldexp(fp.pi, -self.folds)
        piece = h / self.sawtooth.pieces
        fit = Quadratics.fit(fp, h, piece, self.quadratics)
        return float(fit.error(fp, piece, self.sawtooth.rest(h) / 2))

    def output(self, x: Affine, reduction: RangeReduction, margin: int) -> Affine:
        """Write the network over x, with a margin of 2^margin for what is held."""
        return written(self, x, reduction, margin)


def plans(connections: int, reduction: RangeReduction) -> Iterator[Plan]:
    """Yield the plan of formulas that is sharpest within a number of connections."""
    front = sharpest_plans()
    left = connections - reduction.connections(layered=True)
    at = bisect_right(front, left, key=lambda plan: plan.own_connections)
    yield from front[max(at - 1, 0) : at]


@cache
def sharpest_plans() -> tuple[Plan, ...]:
    """Return the plans that no others of as few connections are sharper than, ascending."""
    return square.undominated(all_plans(), lambda plan: (plan.own_connections, plan.error_bound))


def all_plans() -> Iterator[Plan]:
    """Yield all plans of formulas: folds, layers and radices of the square, quadratics."""
    folds, layers = range(2, MOST_FOLDS + 1), range(1, MOST_LAYERS + 1)
    for n, depth, quadratics in product(folds, layers, range(2, MOST_QUADRATICS + 1)):
        found = [
            Plan(n, choice, quadratics) for choice in square.cheapest_sawtooths(depth, quadratics)
        ]
        if found[0].possible:
            yield from found


@cache
def refined_plans() -> tuple[Plan, ...]:
    """Return the plans whose last cells are stored."""
    return tuple(
        Plan(folds, LayeredSawtooth(ternaries, tuple(radices)), quadratics, refined=True)
        for folds, quadratics, ternaries, *radices in stored_cells(LAYERED)
    )


class Direction(NamedTuple):
    """The functional sign·sin(angle − z) of (cos z, sin z)."""

    sign: int
    angle: Real

    def behind(self, pivot: Real, gating: GatingSignal) -> Direction:
        """Return the same functional on the other side of a dead gate."""
        return Direction(-self.sign, 2 * pivot - self.angle) if gating.right else self

    def least(self, length: Real) -> Real:
        """Return the least value for z in [0, length], length ≤ π/2."""
        numbers = self.angle.context
        low, high = self.angle - length, self.angle
        ends = [self.sign * numbers.sin(low), self.sign * numbers.sin(high)]
        quarter = -self.sign * numbers.pi / 2  # where sign·sin is −1, up to whole turns
        turns = numbers.ceil((low - quarter) / (2 * numbers.pi))
        touched = quarter + turns * 2 * numbers.pi <= high
        return numbers.mpf(-1) if touched else min(ends)


class Held(NamedTuple):
    """A functional of V: where it points in the frame of the last cell, and its value."""

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
    # sin(a − b)·sin(w − z) = sin(w − b)·sin(a − z) + sin(a − w)·sin(b − z)
    whole = sin(a - b)
    along_a = wanted.sign * sign_a * sin(wanted.angle - b) / whole
    along_b = wanted.sign * sign_b * sin(a - wanted.angle) / whole
    value: Affine = along_a * first.value + along_b * second.value
    return value


def pulled_back(
    pivots: Sequence[Real], gating: Sequence[GatingSignal]
) -> tuple[list[Direction], list[Direction]]:
    """Pull the gates' functionals and the output's back through the gates that follow.

    The gates point there in the frame of the last cell; the k-th entry for the output is for z_k,
    gates 0 … k−1 being dead.
    """
    gates: list[Direction] = []
    outputs = [Direction(1, pivots[0])]  # cos z₀
    for pivot, side in zip(pivots, gating, strict=False):
        gates = [gate.behind(pivot, side) for gate in gates]
        gates.append(Direction(1, pivot))  # of z_{k+1} already: behind its own gate
        outputs.append(outputs[-1].behind(pivot, side))
    return gates, outputs


def cell_inputs(plan: Plan) -> list[tuple[int, str]]:
    """Return what the last cell reads of the schedule: on which layer, and which value."""
    last, top = plan.folds - 1, plan.cell_layer
    z, left, right = f"z{last}", f"l{last}", f"r{last}"
    held = plan.schedule.layers[plan.folds - 1]
    first = next(pair for pair in ((z, left), (z, right), (left, right)) if held.issuperset(pair))
    early = [(top - 4, z), (top - 3, z)] if plan.quadratics > 2 else []
    return [*((plan.folds, value) for value in first), (top - 1, left), (top, z), *early]


def last_cell(plan: Plan, signals: Sequence[Affine], h: Real) -> CosSin:
    """Return cos m and sin m for m = z_{n−1} − h, from the ``cell_inputs``."""
    (_, first), (_, second), *_ = cell_inputs(plan)
    a, b, left, z, *early = signals
    # |m| = relu(h − z) + relu(z − h), from whichever two of z, l and r are there
    magnitudes = {"lr": a + b, "zr": h - a + 2 * b, "zl": a - h + 2 * b}
    magnitude = magnitudes[first[0] + second[0]]
    numbers = z.circuit.numbers
    piece = h / numbers.mpf(plan.sawtooth.pieces)
    fit = Quadratics.fit(numbers, h, piece, plan.quadratics)
    total, rest = plan.sawtooth.square(magnitude + piece / 2, h)
    held = relu(total)
    m = z - h
    cosine = fit.k0 + fit.k2 * held
    bends = numbers.mpf(0) * total
    if early:
        before, after = early
        distance = after - h + 2 * relu(h - before)  # |m| again, for the knots
        rough = rest + plan.sawtooth.rest(h) / 2  # the square to within half of its last folds
        for knot in fit.knots:
            signal = relu(distance - knot * h / fit.count)
            bends += relu(fit.bend(rough, signal, knot))
    gated = relu(fit.jump + fit.square * total + fit.gain * bends - left)  # V where m > 0, else 0
    curve = fit.jump + fit.square * held + fit.gain * relu(bends)  # V itself
    return CosSin(cosine, fit.slope * m - (2 * gated - curve))


SIGNALS: Mapping[str, Signal]
SIGNALS = {"z": lambda z, _: z, "l": lambda z, h: h - z, "r": lambda z, h: z - h}
"""The values of the last fold, over z_{n−1}."""


def drawn_cell(plan: Plan) -> PiecewiseMap:
    """Return the last cell of a plan as the formulas have it, its inputs first."""
    signals = [SIGNALS[value[0]] for _, value in cell_inputs(plan)]
    return drawn(partial(last_cell, plan), plan.folds, signals)


@cache
def refined_last_cell(plan: Plan) -> PiecewiseMap:
    """Return the last cell of a plan with its stored weights, its bound checked."""
    return drawn_cell(plan).refined(stored_cells(LAYERED)[plan.key])


def written(plan: Plan, x: Affine, reduction: RangeReduction, margin: int) -> Affine:
    """Write the network of a plan over x, with a margin of 2^margin for what is held."""
    numbers = x.circuit.numbers
    # fold: z₀ from x, and all that stands on the layers below the gates
    pivots = [numbers.pi / 2 ** (k + 1) for k in range(plan.folds)]
    gating = [plan.schedule.gating_signal(k) for k in range(plan.folds - 1)]
    z, past_zero = reduction.half_wave(x)
    layers = plan.schedule.wires({"z0": z, "r0": past_zero}, pivots)
    shut = [
        form(
            side.signal, layers[fold_signals.gate_layer(plan.folds, plan.cell_layer, k)], pivots[k]
        )
        for k, side in enumerate(gating)
    ]
    # the last cell: V = (cos m, sin m)
    h = pivots[-1]
    signals = [layers[layer][value] for layer, value in cell_inputs(plan)]
    cell = refined_last_cell(plan).cos_sin(signals) if plan.refined else last_cell(plan, signals, h)
    cosine, sine = cell
    # the two functionals that are held: cos(z − h) = sin(h + π/2 − z), and what the output points
    # to, turned by its angle from h
    gates, outputs = pulled_back(pivots, gating)
    even = Held(Direction(1, h + numbers.pi / 2), cosine)
    turn = outputs[-1].angle - h
    turned = numbers.sin(turn) * cosine - numbers.cos(turn) * sine
    result = Held(outputs[-1], outputs[-1].sign * turned)
    # unfold, from the innermost gate outwards: V ← V − 2d_k·e_k, both functionals held positive
    room = numbers.mpf(2) ** margin
    for k in range(plan.folds - 2, 0, -1):
        gate = relu(combined(gates[k], even, result) - GATE * shut[k])
        if k > 1:
            even = even.held(1 + room, -1).reflected(gates[k], gate)
        shift = room + numbers.ceil(COARSE * max(0, -outputs[k + 1].least(pivots[k]))) / COARSE
        result = result.held(shift, 1).reflected(gates[k], gate)
    # gate 0 is the sign of f: there the sine itself is what it rectifies
    sign = result.direction.sign * gates[0].sign
    sine = sign * result.value
    half = relu(sine) - 2 * relu(sine - GATE * shut[0])
    return reduction.sign * sign * half
