"""fold-reflect: fold x into a tiny cell, use a quadratic there, undo the folds one by one.

The idea of unfolding by reflections is Huybrechs's, arXiv:2506.19104; this is a leaner version.

    x ─▶ z₀ ──fold at τ₀──▶ z₁ ──fold at τ₁──▶ z₂ ─ … ─▶ z_{n−1}     down: z_{k+1} = z_k − 2r_k
          │ r₀               │ r₁               │ r₂         │
          ▼                  ▼                  ▼            ▼
    f ◀─ gate e₀ ◀── y₁ ─── gate e₁ ◀── y₂ ─── gate e₂ ◀ … last cell  up: (cos, sin) of z_k

Range. sin is even about its extrema, so x is folded to z₀ ∈ [0, π/2] and a sign
(``range_reduction``); on [−π, π] z₀ = π/2 − | |x| − π/2 | and the sign is that of x.

Folding. z₀ is folded n times at the pivots τ_k = (π/2)/2^(k+1): r_k = relu(z_k − τ_k),
z_{k+1} = z_k − 2r_k ∈ [0, τ_k].

Last cell. With h = τ_{n−1} and m = z_{n−1} − h ∈ [−h, h], cos m and sin m are made of quadratics in
m, from one square (``quadratics``). A gate of their own undoes the last fold.

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
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import product
from typing import ClassVar, NamedTuple

from mpmath import MPContext

from sinrelu.circuit import Affine, Real, relu
from sinrelu.constructions.fold_reflect.quadratics import BEND_CONNECTIONS, LastCell
from sinrelu.constructions.fold_reflect.range_reduction import GATE, RangeReduction, mirror
from sinrelu.constructions.fold_reflect.refined import PiecewiseMap, drawn, stored_cells
from sinrelu.constructions.fold_reflect.square import Sawtooth
from sinrelu.network import SKIP

AROUND = 3
"""So many gates more or fewer than where both errors of the last cell meet are worth a look."""


@dataclass(frozen=True)
class Plan:
    """The parameters of one network: n ≥ 1 folds that are undone by gates, and the last cell.

    If ``refined``, the weights of the last cell are those of minimax refinement.
    """

    folds: int
    cell: LastCell
    refined: bool = False
    wiring: ClassVar[str] = SKIP

    @property
    def key(self) -> tuple[int, ...]:
        """What the last cell depends on."""
        return (self.folds, self.cell.quadratics, *map(int, astuple(self.cell.sawtooth)))

    def connections(self, reduction: RangeReduction) -> int:
        """Count the connections with a range reduction."""
        return reduction.connections() + unfolding(self.folds) + self.cell.connections

    @property
    def error_bound(self) -> Real:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded.

        The last cell errs by at most E as a vector (cos m, sin m). Rotations keep that norm. So do
        gates: with Ỹ = Y + η in place of Y, the error of 2·relu(Ỹ − 2r) − Ỹ lies in [−|η|, |η|],
        on either side of the fold and also where Ỹ has the wrong sign. Hence E bounds the error of
        every functional of (cos z_k, sin z_k), and of sin x in the end. Rounding to float64 adds a
        few 1e-16.
        """
        if self.refined:
            return stored_cells(SKIP)[self.key].error
        return _cell_error(self.cell, self.folds)

    def output(self, x: Affine, reduction: RangeReduction, margin: int) -> Affine:
        """Write the network over x, with a margin of 2^margin for the channels."""
        return written(self, x, reduction, margin)


@cache
def _cell_error(cell: LastCell, folds: int) -> Real:
    numbers = _numbers()
    return cell.error(numbers, numbers.ldexp(numbers.pi, -folds - 1))


_numbers = cache(MPContext)  # takes milliseconds to make, and a search bounds hundreds of errors


def unfolding(folds: int) -> int:
    """Count the connections of the folds and of all that undoes them, up to sin z₀."""
    return 3 * folds + {1: 5, 2: 10}.get(folds, 6 * folds - 3)


def plans(connections: int, reduction: RangeReduction) -> Iterator[Plan]:
    """Yield plans of formulas within a number of connections, the sharpest among them.

    For each number of quadratics, and each of gates that may be best: one more gate makes the error
    of the quadratics eight times smaller, and that of the square, whose sawtooth gets coarser,
    about seven times larger. So the best are near where the two meet.
    """
    left = connections - reduction.connections()
    for quadratics in BEND_CONNECTIONS:
        low, high = 0, left // 9 + 1
        while high - low > 1:
            middle = (low + high) // 2
            plan = _finest_plan(left, middle, quadratics)
            finer = plan is not None and _square_is_finer(plan)
            low, high = (middle, high) if finer else (low, middle)
        around = range(max(low - AROUND, 1), low + AROUND + 2)
        yield from filter(None, (_finest_plan(left, folds, quadratics) for folds in around))


def _finest_plan(connections: int, folds: int, quadratics: int) -> Plan | None:
    """Return the plan with the finest sawtooth, range reduction not counted."""
    left = connections - unfolding(folds) - BEND_CONNECTIONS[quadratics]
    sawtooth = finest(left, quadratics)
    return None if sawtooth is None else Plan(folds, LastCell(sawtooth, quadratics))


def _square_is_finer(plan: Plan) -> bool:
    """Whether the square errs by less than the quadratics: (h/p)²/16 ≤ (h/J)³/24."""
    pieces = plan.cell.sawtooth.pieces
    log_h = math.log2(math.pi) - plan.folds - 1
    square = 2 * (log_h - math.log2(pieces.numerator) + math.log2(pieces.denominator)) - 4
    return square <= 3 * (log_h - math.log2(plan.cell.quadratics)) - math.log2(24)


@cache
def finest(connections: int, quadratics: int) -> Sawtooth | None:
    """Return the sawtooth of most pieces within a number of connections, for a sort of cell."""
    halved = quadratics == 4
    choices = []
    for binaries, last, clipped in product(range(7), (2, 3, 4), (False, True)):
        least = Sawtooth(0, binaries, last, halved, clipped)
        ternaries = (connections - least.connections) // 6
        if ternaries >= (quadratics in {3, 6}) and least.possible:
            choices.append(replace(least, ternaries=ternaries))
    return max(choices, key=lambda s: (s.pieces, -s.connections), default=None)


@cache
def refined_plans() -> tuple[Plan, ...]:
    """Return the plans whose last cells are stored."""
    return tuple(
        Plan(n, LastCell(Sawtooth(ternaries, binaries, last, bool(halved), bool(clipped)), j), True)
        for n, j, ternaries, binaries, last, halved, clipped in stored_cells(SKIP)
    )


def drawn_cell(plan: Plan) -> PiecewiseMap:
    """Return the last cell of a plan as the formulas have it."""
    return drawn(lambda signals, h: plan.cell.cos_sin(signals[0], h), plan.folds + 1)


@cache
def refined_last_cell(plan: Plan) -> PiecewiseMap:
    """Return the last cell of a plan with its stored weights, its bound checked."""
    return drawn_cell(plan).refined(stored_cells(SKIP)[plan.key])


class Frame(NamedTuple):
    """Where z stands on the circle, seen from a pivot: cos(pivot − z) and sin(pivot − z)."""

    pivot: Real
    cosine: Affine
    sine: Affine

    def about(self, pivot: Real) -> Frame:
        """Turn to another pivot, by the addition formulas."""
        cos, sin = self.cosine.circuit.numbers.cos_sin(pivot - self.pivot)
        cosine, sine = self.cosine, self.sine
        return Frame(pivot, cos * cosine - sin * sine, cos * sine + sin * cosine)

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
        folded, above = mirror(value, pivot)
        signals.append(above)
        value = relu(folded)
    return value, signals


def channel(frame: Frame, pivot: Real, margin: Real) -> Frame:
    """Turn to a pivot and hold 1 − cos there in one unit; the sine is read from both channels.

    The margin keeps the channel away from 0, where the approximation error would clip it.
    """
    cos, sin = frame.cosine.circuit.numbers.cos_sin(pivot - frame.pivot)
    # one unit holds 1 + margin − cos(pivot − z) ≥ 0
    held = 1 + margin - relu(1 + margin - (cos * frame.cosine - sin * frame.sine))
    # held = cos·cosine − sin·sine in the old frame; solved for the old sine and turned by the same
    # angle, that is (cosine − cos·held)/sin: two reads, the old channel and the new one
    return Frame(pivot, held, (frame.cosine - cos * held) / sin)


def output(frame: Frame, pivots: list[Real], signals: list[Affine]) -> Affine:
    """Return sin z₀ from the frame at z_t, through the remaining gates t−1 … 0.

    If all remaining folds folded, sin z₀ would be ±sin(turned − z_t); each fold that does nothing
    adds a multiple of its gate.
    """
    numbers = frame.cosine.circuit.numbers
    # pull −sin(0 − z₀) back through fold after fold: folding at p turns sin(a − z) into
    # −sin((2p − a) − z), and where it does not fold the difference is 2·cos(a − p) times its gate
    sign, turned, gains = -1, numbers.mpf(0), []
    for pivot in pivots:
        gains.append(2 * sign * numbers.cos(turned - pivot))
        sign, turned = -sign, 2 * pivot - turned
    pulled_back = sign * frame.about(turned).sine
    if not pivots:
        return pulled_back
    # one unit holds it; the frame's sine is read from it and from the last channel
    total = relu(pulled_back)
    turn = turned - frame.pivot
    sine = (sign * total - numbers.sin(turn) * frame.cosine) / numbers.cos(turn)
    frame = frame._replace(sine=sine)
    # undo the folds, innermost first, each gate adding its share to the output
    for pivot, signal, gain in reversed(list(zip(pivots, signals, gains, strict=True))):
        frame = frame.about(pivot)
        gate = frame.gate(signal)
        frame = frame.unfold(gate)
        total += gain * gate
    return total


def written(plan: Plan, x: Affine, reduction: RangeReduction, margin: int) -> Affine:
    """Write the network of a plan over x, with a margin of 2^margin for the channels."""
    numbers = x.circuit.numbers
    pivots = [numbers.pi / 2 ** (k + 2) for k in range(plan.folds)]
    reduced = reduction.fold(x)
    z, signals = fold(reduced.z, pivots[:-1])
    h = pivots[-1]
    cosine, sine = refined_last_cell(plan).cos_sin([z]) if plan.refined else plan.cell.cos_sin(z, h)
    frame = Frame(h, cosine, -sine)
    aligned = min(2, plan.folds - 1)
    for k in range(plan.folds - 2, aligned - 1, -1):
        frame = channel(frame, pivots[k], x.circuit.number(Fraction(2) ** margin))
        frame = frame.unfold(frame.gate(signals[k]))
    return reduced.signed(output(frame, pivots[:aligned], signals[:aligned]))
