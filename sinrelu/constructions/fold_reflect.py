"""fold-reflect: fold x into a tiny cell, use a quadratic there, undo the folds one by one.

The idea of unfolding by reflections is Huybrechs's, arXiv:2506.19104; this is a leaner version.

Folding. |x| is folded at π/2 (sin is even about π/2) to z₀ ∈ [0, π/2], and then n times at the
pivots τ_k = (π/2)/2^(k+1): r_k = relu(z_k − τ_k), z_{k+1} = z_k − 2r_k ∈ [0, τ_k].

Leaf. With h = τ_{n−1} and m = z_{n−1} − h ∈ [−h, h], a sawtooth gives U ≈ m² − ℓ²/8, and so
cos m ≈ k₀ + k₂U. A gate f = relu(V − relu(−m)) = [m > 0]·V makes an odd function of an even one:
sin m ≈ s₁m + s₂(2f − V). Either V = U, or V is bent such that each third of [−h, h] has a quadratic
of its own, for three connections more and a quarter of the error.

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
from dataclasses import asdict, dataclass
from itertools import islice, product
from typing import Any, NamedTuple

from mpmath import fp

from sinrelu.circuit import Affine, Circuit, Real, relu
from sinrelu.constructions.base import Construction, Design
from sinrelu.errors import RequestError
from sinrelu.gadgets.fold import absolute, mirror
from sinrelu.gadgets.square import Sawtooth, Square

GATE = 2
"""Slope M of the gates: e = relu(Y − M·r) with Y = sin r must vanish for r > 0."""


@dataclass(frozen=True)
class Plan:
    """The parameters of one network.

    Attributes
    ----------
    folds : int
        n ≥ 1, the folds that are undone by gates.
    sawtooth : Sawtooth
        The folds of the square in the leaf.
    thirds : bool
        Whether each third of the leaf has its own quadratic in the sine; needs a ternary.
    """

    folds: int
    sawtooth: Sawtooth
    thirds: bool = False

    @property
    def half_cell(self) -> float:
        """h, half the length of the cell on which the leaf's quadratics are used."""
        return math.ldexp(math.pi, -self.folds - 1)

    @property
    def connections(self) -> int:
        """Connections with skip wiring."""
        unfolding = {1: 9, 2: 14}.get(self.folds, 6 * self.folds + 1)
        return 6 + 3 * self.folds + self.sawtooth.connections + 3 * self.thirds + unfolding

    @property
    def error_bound(self) -> float:
        """A-priori bound of |N(x) − sin x| on [−π, π], before weights are rounded to float64.

        The leaf errs by at most E = hypot(ε_sin, ε_cos) as a vector (cos m, sin m). Rotations keep
        that norm. So do gates: with Ỹ = Y + η in place of Y, the error of 2·relu(Ỹ − 2r) − Ỹ lies
        in [−|η|, |η|], on either side of the fold and also where Ỹ has the wrong sign. Hence E
        bounds the error of every functional of (cos z_k, sin z_k), and of sin x in the end.
        Rounding adds a few 1e-16.
        """
        h = self.half_cell
        piece = float(self.sawtooth.piece(h))
        fit = Quadratics.fit(fp, h, piece)
        if self.thirds:
            sine = h**3 / 648 + h**5 / 120 + h * piece**2 / 24
        else:
            cubic = h**3 / (24 * (1 + math.sqrt(3) / 2) ** 3) + h**5 / 120
            sine = cubic + abs(fit.s2) * piece**2 / 4
        cosine = abs(fit.k2) * piece**2 / 8 + h**4 / 192 + h**6 / 720
        return math.hypot(sine, cosine)


@dataclass(frozen=True)
class Quadratics:
    """cos m ≈ k₀ + k₂U and sin |m| ≈ s₁|m| + s₂U for |m| ≤ h, with U ≈ m² − ℓ²/8."""

    k0: Real
    k2: Real
    s1: Real
    s2: Real

    @classmethod
    def fit(cls, numbers: Any, h: Real, piece: Real) -> Quadratics:
        """Return near-minimax coefficients, computed in the mpmath context ``numbers``.

        In the sine, t³ is replaced by at + bt² such that the difference is a stretched Chebyshev
        polynomial T₃ with its zero −√3/2 at t = 0 and its end 1 at t = h: error h³/(4c³) with
        c = 1 + √3/2. In the cosine, t⁴ is replaced by h²t² − h⁴/8: error h⁴/8.
        """
        q = numbers.sqrt(3) / 2
        scale = h / (1 + q)
        a, b = -3 * scale**2 / 2, 3 * q * scale
        k2 = h**2 / 24 - numbers.mpf(1) / 2
        return cls(1 - h**4 / 192 + k2 * piece**2 / 8, k2, 1 - a / 6, -b / 6)


class Frame(NamedTuple):
    """Where z stands on the circle, seen from a pivot: cos(pivot − z) and sin(pivot − z)."""

    pivot: Real
    cosine: Affine
    sine: Affine

    def about(self, pivot: Real) -> Frame:
        """Turn to another pivot, by the addition formulas."""
        turn = pivot - self.pivot
        cos, sin = self.cosine.circuit.numbers.cos(turn), self.cosine.circuit.numbers.sin(turn)
        return Frame(
            pivot, cos * self.cosine - sin * self.sine, cos * self.sine + sin * self.cosine
        )

    def gate(self, signal: Affine) -> Affine:
        """Return the sine where the fold at the pivot does nothing, and 0 where it folds."""
        return relu(self.sine - GATE * signal)

    def unfold(self, gate: Affine) -> Frame:
        """Undo the fold at the pivot: from z_{k+1} to z_k."""
        return self._replace(sine=2 * gate - self.sine)


class Folding(NamedTuple):
    """z₀ folded n−1 times, and the signals of all folds: the sign's first, then r₀ … r_{n−2}."""

    value: Affine
    sign: Affine
    signals: tuple[Affine, ...]


def fold(x: Affine, pivots: list[Real]) -> Folding:
    """Fold the domain to [0, 2h]."""
    magnitude = absolute(x)
    value = relu(mirror(magnitude.value, 2 * pivots[0]).value)
    signals = []
    for pivot in pivots[:-1]:
        folded = mirror(value, pivot)
        signals.append(folded.signals[0])
        value = relu(folded.value)
    return Folding(value, magnitude.signals[0], tuple(signals))


def leaf(z: Affine, h: Real, plan: Plan) -> Frame:
    """Return the frame about h for z ∈ [0, 2h], exact up to the error of the plan."""
    piece = plan.sawtooth.piece(h)
    fit = Quadratics.fit(z.circuit.numbers, h, piece)
    m = z - h
    left = relu(-m)
    square = plan.sawtooth.square(m + 2 * left + piece / 2, h)
    if plan.thirds:
        curve = bent(square, h, piece)
        slope, gain = 1 - h**2 / 72, -h / 3
    else:
        curve, slope, gain = square.value, fit.s1, fit.s2
    sine = slope * m + gain * (2 * relu(curve - left) - curve)
    return Frame(h, fit.k0 + fit.k2 * square.value, -sine)


def bent(square: Square, h: Real, piece: Real) -> Affine:
    """Return V with 2hV ≈ t³ − h²t/12 for t = |m| ∈ [0, h], to ±h³/108.

    Up to h/3, V is 0 and t³ − h²t/12 a Chebyshev polynomial T₃. From h/3 on, V is the quadratic
    that leaves T₃ of [h/3, h]. Since U − θ turns positive by itself, no signal starts it: at
    √θ = 0.957·h/3, shortly before the third, where V bridges the jump from one T₃ to the other.
    """
    return relu(square.value + (piece**2 / 8 - 11 * h**2 / 108) - 2 * h / 3 * square.first)


def channel(frame: Frame, pivot: Real, margin: Real) -> Frame:
    """Turn to a pivot and hold 1 − cos there in one unit; the sine is read from both channels.

    The margin keeps the channel away from 0, where the approximation error would clip it.
    """
    held = 1 + margin - relu(1 + margin - frame.about(pivot).cosine)
    turn = pivot - frame.pivot
    numbers = held.circuit.numbers
    sine = (frame.cosine - numbers.cos(turn) * held) / numbers.sin(turn)
    return Frame(pivot, held, sine)


def output(frame: Frame, pivots: list[Real], signals: tuple[Affine, ...]) -> Affine:
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


def circuit(plan: Plan, tol: float) -> Affine:
    """Write the network of a plan: the output is an affine form over the units of a circuit."""
    x = Circuit().input
    numbers = x.circuit.numbers
    pivots = [numbers.pi / 2 ** (k + 2) for k in range(plan.folds)]
    z, sign, signals = fold(x, pivots)
    frame = leaf(z, pivots[-1], plan)
    margin = 2.0 ** math.ceil(math.log2(10 * tol))
    aligned = min(2, plan.folds - 1)
    for k in range(plan.folds - 2, aligned - 1, -1):
        frame = channel(frame, pivots[k], margin)
        frame = frame.unfold(frame.gate(signals[k]))
    sine = relu(output(frame, pivots[:aligned], signals[:aligned]))
    return 2 * relu(sine - GATE * sign) - sine


def plans(tol: float) -> Iterator[Plan]:
    """Yield every plan whose a-priori bound is below tol, the sawtooth being the least for it."""
    for folds, ternaries, last, thirds in product(range(1, 60), range(40), (2, 3), (False, True)):
        if thirds and not ternaries:
            continue
        fitting = (
            Plan(folds, Sawtooth(ternaries, binaries, last), thirds) for binaries in range(60)
        )
        yield from islice((plan for plan in fitting if plan.error_bound <= tol), 1)


def best_plan(tol: float) -> Plan:
    """Return the plan of fewest connections; among equals, of least error."""
    candidates = list(plans(tol))
    if not candidates:
        raise RequestError(f"{tol}: no plan of fold-reflect reaches this tolerance")
    return min(candidates, key=lambda plan: (plan.connections, plan.error_bound))


def design(tol: float) -> Design:
    """Choose the plan of fewest connections and write it down."""
    plan = best_plan(tol)
    return Design(circuit(plan, tol), plan.error_bound, asdict(plan))


CONSTRUCTION = Construction(
    name="fold-reflect",
    summary="fold to a tiny cell, a quadratic there, unfold by gated reflections",
    source="after Huybrechs, arXiv:2506.19104",
    design=design,
)
