"""fold-reflect: fold x into a tiny cell, use a quadratic there, undo the folds one by one.

The idea of unfolding by reflections is Huybrechs's, arXiv:2506.19104; this is a leaner version.

Range. sin is even about its extrema, so x is folded to z₀ ∈ [0, π/2] and a sign
(``range_reduction``); on [−π, π] z₀ = π/2 − | |x| − π/2 | and the sign is that of x.

Folding. z₀ is folded n times at the pivots τ_k = (π/2)/2^(k+1): r_k = relu(z_k − τ_k),
z_{k+1} = z_k − 2r_k ∈ [0, τ_k].

Leaf. With h = τ_{n−1} and m = z_{n−1} − h ∈ [−h, h], cos m and sin m are made of quadratics in m,
from one square (``quadratics``). A gate of their own undoes the last fold.

Unfolding. About the pivot, cos(τ_k − z) is even: it has the same value at z_k and z_{k+1}.
sin(τ_k − z) is odd: with Y = sin(τ_k − z_{k+1}) ≥ 0 and e_k = relu(Y − 2r_k), which is Y where the
fold does nothing and 0 where it folds (sin r ≤ r), it is 2e_k − Y at z_k. So each fold is undone by
one gate and one channel y_k = 1 − cos(τ_k − z), which is even about τ_k and never negative; the
channels y_k and y_{k+1} together know both cos z_{k+1} and sin z_{k+1}. Six connections a fold.

Top. The last two gates do not need channels of their own: the output, pulled back through them as
if both folds had folded, is the last channel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from itertools import count, product
from typing import Any, NamedTuple

from mpmath import MPContext

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import (
    Construction,
    Design,
    Remark,
    Search,
    closer,
    described,
    ignore,
    sharper,
)
from sinrelu.constructions.base import Plan as AnyPlan
from sinrelu.constructions.fold_reflect import interpolation as fold_interpolate
from sinrelu.constructions.fold_reflect.fold import mirror
from sinrelu.constructions.fold_reflect.quadratics import BEND_CONNECTIONS, Leaf, Point, Quadratics
from sinrelu.constructions.fold_reflect.range_reduction import GATE, Reduction
from sinrelu.constructions.fold_reflect.refined import (
    Key,
    PiecewiseMap,
    RefinedCell,
    StoredCell,
    drawn,
    refined_cell,
)
from sinrelu.constructions.fold_reflect.square import Sawtooth
from sinrelu.errors import RequestError
from sinrelu.network import SKIP

__all__ = ["CONSTRUCTION", "Plan", "Quadratics", "Search", "best_plan", "design"]

COMPARED = (
    "folds undone by gates, sines of 2, 3, 4 or 6 quadratics, sawtooths of binary and ternary "
    "folds, interpolation without gates"
)
MOST_SAVED = 8
"""Connections that a refined cell may save."""
ROUNDING = 1e-15
"""Kept free for the rounding of weights to float64; measured, not proved."""


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Attributes
    ----------
    folds : int
        n ≥ 1, the folds that are undone by gates.
    leaf : Leaf
        The quadratics in the last cell.
    reduction : Reduction
        The folds before those, which need no gates.
    polished : RefinedCell, optional
        The last cell with its weights refined together; without it, they are those of the formulas.
    """

    folds: int
    leaf: Leaf
    reduction: Reduction = field(default_factory=Reduction)
    polished: RefinedCell | None = None

    @property
    def wiring(self) -> str:
        """Which wiring the plan is for."""
        return SKIP

    @property
    def connections(self) -> int:
        """Connections with skip wiring."""
        return self.reduction.connections + unfolding(self.folds) + self.leaf.connections

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was chosen, for people and for ``induction`` to read."""
        return described(self)

    @property
    def key(self) -> Key:
        """What the leaf depends on."""
        saw = self.leaf.sawtooth
        counts = (saw.ternaries, saw.binaries, saw.last, saw.halved, saw.clipped)
        return (self.folds, self.leaf.quadratics, *counts)

    def error_bound(self, numbers: Any) -> Real:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded.

        The leaf errs by at most E as a vector (cos m, sin m). Rotations keep
        that norm. So do gates: with Ỹ = Y + η in place of Y, the error of 2·relu(Ỹ − 2r) − Ỹ lies
        in [−|η|, |η|], on either side of the fold and also where Ỹ has the wrong sign. Hence E
        bounds the error of every functional of (cos z_k, sin z_k), and of sin x in the end.
        Rounding to float64 adds a few 1e-16.
        """
        if self.polished is not None:
            return numbers.mpf(self.polished.error)
        return self.leaf.error(numbers, numbers.ldexp(numbers.pi, -self.folds - 1))

    def point(self, z: Affine, h: Real) -> Point:
        """Return cos m and sin m for m = z − h, z ∈ [0, 2h]."""
        return self.leaf.point(z, h) if self.polished is None else self.polished.point([z])

    def refined(self, cell: StoredCell) -> Plan:
        """Return the plan with the refined cell that is stored for it."""
        return replace(self, polished=_refined(replace(self, reduction=Reduction()), cell))

    def circuit(self, tol: Real, bits: int = 256) -> Affine:
        """Write the network: the output is an affine form over the units of a circuit."""
        return circuit(self, tol, bits)


def unfolding(folds: int) -> int:
    """Count the connections of the folds and of all that undoes them, up to sin z₀."""
    return 3 * folds + {1: 5, 2: 10}.get(folds, 6 * folds - 3)


class Frame(NamedTuple):
    """Where z stands on the circle, seen from a pivot: cos(pivot − z) and sin(pivot − z)."""

    pivot: Real
    cosine: Affine
    sine: Affine

    def about(self, pivot: Real) -> Frame:
        """Turn to another pivot, by the addition formulas."""
        return self.turned(pivot, *self.cosine.circuit.numbers.cos_sin(pivot - self.pivot))

    def turned(self, pivot: Real, cos: Real, sin: Real) -> Frame:
        """Turn to a pivot by the angle that has this cosine and sine."""
        return Frame(
            pivot, cos * self.cosine - sin * self.sine, cos * self.sine + sin * self.cosine
        )

    def gate(self, signal: Affine) -> Affine:
        """Return the sine where the fold at the pivot does nothing, and 0 where it folds."""
        return relu(self.sine - GATE * signal)

    def unfold(self, gate: Affine) -> Frame:
        """Undo the fold at the pivot: from z_{k+1} to z_k."""
        return self._replace(sine=2 * gate - self.sine)


def fold(value: Affine, pivots: list[Real]) -> tuple[Affine, list[Affine]]:
    """Fold [0, 2·pivot] at one pivot after the other; return the last value and all signals."""
    signals = []
    for pivot in pivots:
        folded = mirror(value, pivot)
        signals.append(folded.signals[0])
        value = relu(folded.value)
    return value, signals


def channel(frame: Frame, pivot: Real, margin: Real) -> Frame:
    """Turn to a pivot and hold 1 − cos there in one unit; the sine is read from both channels.

    The margin keeps the channel away from 0, where the approximation error would clip it.
    """
    cos, sin = frame.cosine.circuit.numbers.cos_sin(pivot - frame.pivot)
    held = 1 + margin - relu(1 + margin - frame.turned(pivot, cos, sin).cosine)
    return Frame(pivot, held, (frame.cosine - cos * held) / sin)


def output(frame: Frame, pivots: list[Real], signals: list[Affine]) -> Affine:
    """Return sin z₀ from the frame at z_t, through the remaining gates t−1 … 0.

    If all remaining folds folded, sin z₀ would be ±sin(turned − z_t); each fold that does nothing
    adds a multiple of its gate.
    """
    numbers = frame.cosine.circuit.numbers
    sign, turned, gains = -1, numbers.mpf(0), []
    for pivot in pivots:
        gains.append(2 * sign * numbers.cos(turned - pivot))
        sign, turned = -sign, 2 * pivot - turned
    pulled_back = sign * frame.about(turned).sine
    if not pivots:
        return pulled_back
    total = relu(pulled_back)
    turn = turned - frame.pivot
    sine = (sign * total - numbers.sin(turn) * frame.cosine) / numbers.cos(turn)
    frame = frame._replace(sine=sine)
    for pivot, signal, gain in reversed(list(zip(pivots, signals, gains, strict=True))):
        frame = frame.about(pivot)
        gate = frame.gate(signal)
        frame = frame.unfold(gate)
        total += gain * gate
    return total


def circuit(plan: Plan, tol: Real, bits: int = 256) -> Affine:
    """Write the network of a plan, its margin being ten times the tolerance or a little more."""
    return written(plan, Circuit(bits).input, margin_exponent(tol))


def margin_exponent(tol: Real) -> int:
    """Return the least e with 2ᵉ ≥ 10·tol."""
    exponent: int = math.ceil(MPContext().log(10 * tol, 2))
    return exponent


def written(plan: Plan, x: Affine, margin: int) -> Affine:
    """Write the network of a plan over x, with a margin of 2^margin for the channels."""
    numbers = x.circuit.numbers
    pivots = [numbers.pi / 2 ** (k + 2) for k in range(plan.folds)]
    reduced = plan.reduction.fold(x)
    z, signals = fold(reduced.z, pivots[:-1])
    point = plan.point(z, pivots[-1])
    frame = Frame(pivots[-1], point.cosine, -point.sine)
    aligned = min(2, plan.folds - 1)
    for k in range(plan.folds - 2, aligned - 1, -1):
        frame = channel(frame, pivots[k], x.circuit.number(Fraction(2) ** margin))
        frame = frame.unfold(frame.gate(signals[k]))
    return reduced.signed(output(frame, pivots[:aligned], signals[:aligned]))


def best_plan(
    tol: Real, reduction: Reduction | None = None, narrow: bool = True, remark: Remark = ignore
) -> Search:
    """Return the plan of fewest connections with a bound of at most tol; among equals, the best.

    For each number of gates and of quadratics, the cheapest sawtooth is found by bisection. Three
    more gates than the fewest that can do never pay: a gate costs nine connections, a sawtooth
    twice as fine four. Where weights are ``narrow``, that is float64, so may be the numbers of an
    interpolation, and those of refined cells that are stored.
    """
    numbers = MPContext()
    reduction = reduction or Reduction()
    found: list[tuple[int, Real, Plan]] = []
    coarse = fold_interpolate.best_plan(tol, reduction, SKIP) if narrow else None
    candidates = 1
    for quadratics in BEND_CONNECTIONS:
        reached = 0
        for folds in count(1):
            ladder = _Ladder(numbers, folds, quadratics, reduction)
            plan = ladder.cheapest(tol)
            candidates += ladder.looked_at
            if plan is not None:
                found.append((plan.connections, plan.error_bound(numbers), plan))
                reached += 1
            if reached == 3:
                break
    least, error, plan = min(found, key=lambda entry: entry[:2])
    search = Search(plan, error, candidates, COMPARED)
    if coarse is not None and coarse.connections < least:
        search = Search(coarse, coarse.error_bound(numbers), candidates, COMPARED)
    if not narrow:
        return search
    near = (p for c in range(least - MOST_SAVED, least) for p in plans_within(c, reduction))
    return closer(search, near, tol)


def sharpest_plan(
    connections: int,
    reduction: Reduction | None = None,
    narrow: bool = True,
    remark: Remark = ignore,
) -> Search:
    """Return the plan of least bound within a number of connections.

    Raises
    ------
    RequestError
        If there is none.
    """
    numbers = MPContext()
    reduction = reduction or Reduction()
    plans: list[AnyPlan] = list(plans_within(connections, reduction))
    coarse = fold_interpolate.sharpest_plan(connections, reduction, SKIP) if narrow else None
    plans += [coarse] if coarse is not None else []
    if not plans:
        raise RequestError(f"max-connections: {connections} are too few for fold-reflect")
    plans.sort(key=lambda plan: (plan.error_bound(numbers), plan.connections))
    search = Search(plans[0], plans[0].error_bound(numbers), len(plans), COMPARED)
    if not narrow:
        return search
    return sharper(search, (plan for plan in plans if isinstance(plan, Plan)))


def plans_within(connections: int, reduction: Reduction) -> Iterator[Plan]:
    """Yield, for each number of gates and quadratics, the plan with the finest sawtooth."""
    for quadratics, folds in product(BEND_CONNECTIONS, range(1, connections // 9 + 1)):
        rest = connections - Plan(folds, Leaf(Sawtooth(0, 0, 2)), reduction).connections + 1
        sawtooth = finest(rest - BEND_CONNECTIONS[quadratics], quadratics)
        if sawtooth is not None:
            yield Plan(folds, Leaf(sawtooth, quadratics), reduction)


@cache
def _refined(plan: Plan, cell: StoredCell) -> RefinedCell:
    return refined_cell(start(plan), 0, cell)


def start(plan: Plan) -> PiecewiseMap:
    """Return the last cell as the formulas have it, from which it is refined."""
    return drawn(lambda signals, h: plan.leaf.point(signals[0], h), plan.folds + 1)


class _Ladder:
    """Plans with ever finer sawtooths, all else being equal."""

    def __init__(self, numbers: Any, folds: int, quadratics: int, reduction: Reduction) -> None:
        self.numbers, self.folds, self.quadratics = numbers, folds, quadratics
        self.reduction = reduction
        self.looked_at = 0

    def plan(self, budget: int) -> Plan | None:
        """Return the plan whose sawtooth is the finest within a budget of connections."""
        sawtooth = finest(budget, self.quadratics)
        if sawtooth is None:
            return None
        return Plan(self.folds, Leaf(sawtooth, self.quadratics), self.reduction)

    def holds(self, budget: int, tol: Real) -> bool:
        """Whether the finest sawtooth within a budget is fine enough."""
        plan = self.plan(budget)
        self.looked_at += plan is not None
        return plan is not None and plan.error_bound(self.numbers) <= tol

    def cheapest(self, tol: Real) -> Plan | None:
        """Return the plan with the cheapest sawtooth that is fine enough; None if none is."""
        low, high = 0, 16 + 8 * self.folds
        if not self.holds(high, tol):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.holds(middle, tol) else (middle, high)
        return self.plan(high)


def finest(connections: int, quadratics: int) -> Sawtooth | None:
    """Return the sawtooth of most pieces within a number of connections, for a sort of leaf."""
    halved = quadratics == 4
    choices = []
    for binaries, last, clipped in product(range(7), (2, 3, 4), (False, True)):
        least = Sawtooth(0, binaries, last, halved, clipped)
        ternaries = (connections - least.connections) // 6
        if ternaries >= (quadratics in {3, 6}) and least.possible:
            choices.append(replace(least, ternaries=ternaries))
    return max(choices, key=lambda s: (s.pieces, -s.connections), default=None)


def design(tol: float) -> Design:
    """Choose the plan of fewest connections and write it down."""
    search = best_plan(tol)
    parameters = {**search.plan.parameters, "plans_compared": search.candidates}
    return Design(search.plan.circuit(tol, 256), float(search.error_bound), parameters)


CONSTRUCTION = Construction(
    name="fold-reflect",
    summary="fold to a tiny cell, a quadratic there, unfold by gated reflections",
    source="after Huybrechs, arXiv:2506.19104",
    design=design,
    rounding=ROUNDING,
)
