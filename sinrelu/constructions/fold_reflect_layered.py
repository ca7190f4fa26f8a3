"""fold-reflect for layered wiring: a unit reads only the layer right before it.

Folding. With X = x + π and K_i = relu(X − iπ/2), z₀ = π/2 + X − 2K₁ + 2K₃ lies in [0, π] and
sin x = cos z₀. From there it is folded n times as in ``fold_reflect``, at τ_k = π/2^(k+1): the
sign of x is the first fold.

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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice, product
from typing import NamedTuple

from mpmath import fp

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions import fold_interpolate
from sinrelu.constructions.base import Design
from sinrelu.constructions.fold_reflect import GATE, Quadratics
from sinrelu.constructions.supply import Dead, Supply, form, gate_layer, supply
from sinrelu.errors import RequestError
from sinrelu.gadgets.leaf import thirds

MOST_FOLDS, MOST_LAYERS = 15, 6
ROUNDING = 1e-15
"""Kept free for the rounding of the weights to float64, which moves a network by less."""


@dataclass(frozen=True)
class Stages:
    """The folds of the leaf's square, one layer each: see ``gadgets.square``.

    Attributes
    ----------
    ternaries : int
        Smooth ternary folds.
    radices : tuple of int
        Radices of the inner folds; the knots of the last are read by the sum alone.
    """

    ternaries: int
    radices: tuple[int, ...]

    @property
    def layers(self) -> int:
        """Layers of folds."""
        return self.ternaries + len(self.radices)

    @property
    def connections(self) -> int:
        """Connections of the folds, of the square and of the gated square."""
        return self._connections()

    @property
    def bent_connections(self) -> int:
        """Connections with a bent square in addition, and its knot, read by a gate and a channel.

        See ``bend``; the knot takes three, and two units read what holds the square.
        """
        return self._connections(bends=1) + 3 + 2

    def _connections(self, bends: int = 0) -> int:
        signals = [(2, 1)] * self.ternaries + [(m - 1, m - 1) for m in self.radices]
        total, reads, held = 0, 2, 0
        for stage, (knots, summed) in enumerate(signals):
            last = stage == len(signals) - 1
            total += reads * (knots if last else knots + 1) + held
            reads, held = knots + 1, summed + (stage > 0)
        return total + held + (held + 1) + bends * (held + 2)

    @property
    def pieces(self) -> float:
        """Length of the range of |m| in pieces; the first one counts half."""
        return float(3**self.ternaries) * (math.prod(self.radices) - 0.5)

    def square(self, value: Affine, height: Real) -> Affine:
        """Return m² − ℓ²/8 for |m| ≤ height, from value = |m| + ℓ/2, read on the layer after.

        Proven error: ±ℓ²/8. The form is to be rectified: it is never negative.
        """
        piece = height / value.circuit.number(self.pieces)
        total = value.circuit.constant(0)
        third = value.circuit.number(height)
        for _ in range(self.ternaries):
            third = third / 3
            knots = [third + piece / 2, 2 * third + piece / 2]
            value, signals, total = _fold(value, knots, total)
            total += 4 * third * signals[0]
        count = math.prod(self.radices)
        for radix in self.radices[:-1]:
            count //= radix
            knots = [p * count * piece for p in range(1, radix)]
            value, signals, total = _fold(value, knots, total)
            for p, signal in enumerate(signals, start=1):
                total += (4 * count * piece - 2 * piece if p % 2 else 2 * piece) * signal
        held = relu(total)
        for p in range(1, self.radices[-1]):
            held += 2 * piece * relu(value - p * piece)
        return held


def _fold(
    value: Affine, knots: Sequence[Real], total: Affine
) -> tuple[Affine, list[Affine], Affine]:
    """Fold at equally spaced knots and hold the sum; what is returned is read a layer later."""
    signals = [relu(value - knot) for knot in knots]
    folded = relu(value)
    for p, signal in enumerate(signals, start=1):
        folded += -2 * signal if p % 2 else 2 * signal
    return folded, signals, relu(total)


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Attributes
    ----------
    folds : int
        n ≥ 2; the leaf undoes the last, gates the others.
    stages : Stages
        The folds of the square in the leaf.
    bent : bool
        Whether the sine in the leaf is made of three quadratics (``gadgets.leaf.thirds``): an error
        of h³/648 instead of h³/156, for about ten connections.
    """

    folds: int
    stages: Stages
    bent: bool = False

    @property
    def half_cell(self) -> float:
        """h, half the length of the cell on which the leaf's quadratics are used."""
        return math.ldexp(math.pi, -self.folds)

    @property
    def leaf_layer(self) -> int:
        """The layer on which U and f stand."""
        return self.folds + 1 + self.stages.layers

    @property
    def supply(self) -> Supply:
        """The supply of fold signals."""
        return supply(self.folds, self.leaf_layer)

    @property
    def possible(self) -> bool:
        """Whether the supply holds what the bend's knot is made of."""
        z = f"z{self.folds - 1}"
        return not self.bent or (
            self.stages.layers > 2
            and all(z in self.supply.layers[self.leaf_layer - back - 1] for back in (3, 2))
        )

    @property
    def connections(self) -> int:
        """Connections with layered wiring."""
        gates = {2: 8, 3: 12}.get(self.folds, 7 * self.folds - 10)
        stages = self.stages.bent_connections if self.bent else self.stages.connections
        return stages + gates + _supply_connections(self.folds, self.leaf_layer)

    @property
    def error_bound(self) -> float:
        """A-priori bound of |N(x) − sin x| on [−π, π], before weights are rounded to float64.

        As for ``fold_reflect.Plan``: the leaf's error as a vector; reflections keep its norm.
        """
        h = self.half_cell
        piece = h / self.stages.pieces
        fit = Quadratics.fit(fp, h, piece)
        cubic = h**3 / (24 * (1 + math.sqrt(3) / 2) ** 3) + h**5 / 120
        sine = cubic + abs(fit.s2) * piece**2 / 4
        if self.bent:
            bend = thirds(fp)
            sine = bend.error * h**3 / 6 + h**5 / 120 + bend.gain * h * piece**2 / 24
        cosine = abs(fit.k2) * piece**2 / 8 + h**4 / 192 + h**6 / 720
        return math.hypot(sine, cosine)


@cache
def _supply_connections(folds: int, leaf: int) -> int:
    return supply(folds, leaf).connections


class Direction(NamedTuple):
    """The functional sign·sin(angle − z) of (cos z, sin z)."""

    sign: int
    angle: Real

    def behind(self, pivot: Real, dead: Dead) -> Direction:
        """Return the same functional on the other side of a dead gate."""
        return Direction(-self.sign, 2 * pivot - self.angle) if dead.right else self

    def least(self, length: Real) -> float:
        """Return the least value for z in [0, length], length ≤ π/2."""
        low, high = float(self.angle - length), float(self.angle)
        ends = [self.sign * math.sin(low), self.sign * math.sin(high)]
        quarter = -self.sign * math.pi / 2
        turns = math.ceil((low - quarter) / math.tau)
        return -1.0 if quarter + turns * math.tau <= high else min(ends)


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


def leaf(plan: Plan, layers: Sequence[dict[str, Affine]], h: Real) -> tuple[Affine, Affine]:
    """Return cos m and sin m for m = z_{n−1} − h, exact up to the error of the plan."""
    last = plan.folds - 1
    z, left, right = f"z{last}", f"l{last}", f"r{last}"
    first = layers[plan.folds]
    if z in first and left in first:
        magnitude = first[z] - h + 2 * first[left]
    elif z in first:
        magnitude = h - first[z] + 2 * first[right]
    else:
        magnitude = first[left] + first[right]
    numbers = h.context
    piece = h / numbers.mpf(plan.stages.pieces)
    fit = Quadratics.fit(numbers, h, piece)
    total = plan.stages.square(magnitude + piece / 2, h)
    square = relu(total)
    dead = layers[plan.leaf_layer - 1][left]
    m = layers[plan.leaf_layer][z] - h
    cosine = fit.k0 + fit.k2 * square
    if not plan.bent:
        right_square = relu(total - dead)
        return cosine, fit.s1 * m + fit.s2 * (2 * right_square - square)
    bend = thirds(numbers)
    before, after = (layers[plan.leaf_layer - back][z] for back in (3, 2))
    knot = _third(before, after, h)
    curve = total - (bend.theta * h**2 - piece**2 / 8) - bend.tilt * h * knot
    curves = 2 * relu(curve - dead) - relu(curve)
    return cosine, (1 - bend.slope * h**2 / 6) * m - bend.gain * h / 6 * curves


def _third(before: Affine, z: Affine, h: Real) -> Affine:
    """Return relu(|z − h| − h/3), a layer after z and two after the same value before."""
    return relu(z - h + 2 * relu(h - before) - h / 3)


def circuit(plan: Plan, tol: float) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    numbers = x.circuit.numbers
    pivots = [numbers.pi / 2 ** (k + 1) for k in range(plan.folds)]
    given = plan.supply
    dead = [given.dead_signal(k) for k in range(plan.folds - 1)]
    layers = given.wires(x, pivots)
    gates, outputs = frame(pivots, dead)
    h = pivots[-1]
    cosine, sine = leaf(plan, layers, h)
    even = Held(Direction(1, h + numbers.pi / 2), cosine)
    turn = outputs[-1].angle - h
    result = Held(
        outputs[-1], outputs[-1].sign * (numbers.sin(turn) * cosine - numbers.cos(turn) * sine)
    )
    margin = 2.0 ** math.ceil(math.log2(10 * tol))
    signals = [
        form(side.signal, layers[gate_layer(plan.folds, plan.leaf_layer, k)], pivots[k])
        for k, side in enumerate(dead)
    ]
    for k in range(plan.folds - 2, 0, -1):
        gate = relu(combined(gates[k], even, result) - GATE * signals[k])
        if k > 1:
            even = even.held(1 + margin, -1).reflected(gates[k], gate)
        shift = margin + max(0.0, -outputs[k + 1].least(pivots[k]))
        result = result.held(shift, 1).reflected(gates[k], gate)
    sign = result.direction.sign * gates[0].sign
    sine = sign * result.value
    return sign * (relu(sine) - 2 * relu(sine - GATE * signals[0]))


def stages(layers: int) -> Iterator[Stages]:
    """Yield the folds of a square in so many layers: ternaries, then radices 2, 3 and 4."""
    for ternaries in range(layers):
        for radices in product((2, 3, 4), repeat=layers - ternaries):
            yield Stages(ternaries, radices)


@cache
def cheapest_stages(layers: int, bent: bool = False) -> tuple[Stages, ...]:
    """Return the stages that no others of as many layers beat in both pieces and connections."""

    def price(choice: Stages) -> int:
        return choice.bent_connections if bent else choice.connections

    best: list[Stages] = []
    for candidate in sorted(stages(layers), key=lambda choice: (price(choice), -choice.pieces)):
        if not best or candidate.pieces > best[-1].pieces:
            best.append(candidate)
    return tuple(best)


def plans(tol: float) -> Iterator[Plan]:
    """Yield the plans whose a-priori bound is below tol, for each depth the cheapest stages."""
    depths = range(1, MOST_LAYERS + 1)
    for folds, layers, bent in product(range(2, MOST_FOLDS + 1), depths, (False, True)):
        fitting = (Plan(folds, choice, bent) for choice in cheapest_stages(layers, bent))
        yield from islice((p for p in fitting if p.error_bound + ROUNDING <= tol and p.possible), 1)


def best_plan(tol: float) -> Plan:
    """Return the plan of fewest connections; among equals, of least error."""
    candidates = list(plans(tol))
    if not candidates:
        raise RequestError(f"{tol}: no layered plan of fold-reflect reaches this tolerance")
    return min(candidates, key=lambda plan: (plan.connections, plan.error_bound))


def design(tol: float) -> Design:
    """Choose the plan of fewest connections and write it down; interpolate where that is less."""
    plan = best_plan(tol)
    knots = fold_interpolate.knots_for(min(tol, fold_interpolate.COARSEST))
    if knots is not None and fold_interpolate.connections(len(knots)) < plan.connections:
        return fold_interpolate.design(tol)
    parameters = {**asdict(plan), "supply": plan.supply.connections}
    return Design(circuit(plan, tol), plan.error_bound, parameters)
