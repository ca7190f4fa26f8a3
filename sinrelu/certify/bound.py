"""The trusted part: a bound of |N(x) − f(x)| for every real x of an interval; f is sin or cos.

Soundness. Let [a, b] be an interval with float64 ends and let nodes a = x₀ < x₁ < … < x_n = b be
double-double numbers, from wherever. Then ``deviations`` gives, for every cell [xᵢ, xᵢ₊₁], a
number B with |N(x) − f(x)| ≤ B for every real x in the cell, where N is the network as a real
function of its float64 weights. Proof:

1. *Claim.* For every wire v (the input or a unit) there are numbers vᵢ at the nodes and, for every
   cell, a radius ρ such that |v(x) − L(x)| ≤ ρ in the cell, L being the affine function with
   L(xᵢ) = vᵢ and L(xᵢ₊₁) = vᵢ₊₁. For the input vᵢ = xᵢ and ρ = 0 (the code takes ρ = η, so that
   κm may underflow there). The rest is by induction.
2. *Affine forms.* p = bias + Σ wⱼvⱼ is in the cell within Σ |wⱼ|ρⱼ of the affine function through
   the exact values bias + Σ wⱼvⱼᵢ, and ``affine`` computes those to within κM + η at either end
   (κ = ``unit_error``, η = ``UNDERFLOW``, M = |bias| + Σ |wⱼ|mⱼ with mⱼ ≥ |hi of vⱼ| at both ends).
   Moving the ends of an affine function by at most ε moves it by at most ε between them. So p is
   within ρ_p = Σ |wⱼ|(ρⱼ + κmⱼ) + κ|bias| + η of the affine function L through the computed pᵢ.
3. *ReLU.* relu is 1-Lipschitz, so relu(p) is within ρ_p of relu(L). With top and bottom the larger
   and the smaller of pᵢ, pᵢ₊₁: (a) bottom ≥ 0: relu(L) = L is affine. (b) top ≤ 0: p ≤ top + ρ_p,
   so relu(p) is within max(0, top + ρ_p) of 0. (c) else relu(L) is convex and lies between 0 and
   its chord, and also between L and its chord, so it is within min(top, −bottom) of the chord.
   The new values are relu(pᵢ), exact in double-double, and the radius is ρ_p, max(0, top + ρ_p)
   or ρ_p + min(top, −bottom). The code uses hi in place of top and bottom, which are within a
   factor 1 ± u of them, with factors ½ and ``UP`` on the safe side.
4. *Carries.* A unit with one connection of weight 1 from a unit and no bias is equal to that unit,
   and ``Network.computed`` has that unit in its place. It leaves out what no path joins to the
   output, which says nothing about N.
5. *Sine or cosine.* With computed Eᵢ = (hi − sᵢ) + lo, where sᵢ is ``sine`` at xᵢ with f's
   quarter turns: the output at xᵢ minus f(xᵢ) is within RADIUS + 3u|Eᵢ| + 2u² of Eᵢ. On a cell
   of width w, f(x) lies above its chord by −½(x−xᵢ)(xᵢ₊₁−x)·f″(ξ) for a ξ in the cell. Of f the
   proof uses only that −f″ = f, that |f′| ≤ 1, so that f(ξ) is within w/2 of f at one of the ends,
   and that |f| ≤ 1. So output − f is within ρ + RADIUS + 3u·max|E| + 2u² of
   (1−t)Eᵢ + tEᵢ₊₁ − 4t(1−t)k for some k ∈ [k⁻, k⁺], which are w²/8 times the least and the
   greatest value that f(ξ) may have. The extrema of that quadratic over t ∈ [0, 1] are
   ``lowest`` and minus ``lowest`` of −E and −k.
6. *Rounding of this bookkeeping.* A radius is a sum of at most 2²⁰ + 2 nonnegative float64 terms,
   so it goes through fewer than 2²¹ roundings, each by a factor within 1 ± u, and is repaired by
   ``UP`` = 1 + 2⁻³⁰ once for the form and once for the unit. Every ρ_p is at least η, so what
   underflows, at most 2⁻¹⁰⁷⁵ a product, is covered by η and by what ``UP`` adds to it. The
   quadratic is computed to within 16u(|Eᵢ| + |Eᵢ₊₁| + 2|k|). Twice that is added, which covers
   the 3u·max|E| of point 5 as well; its 2u² is less than what ``UP`` adds to RADIUS.
7. *Range.* Beyond magnitude 2⁵⁰⁰ for any value or weight the arithmetic promises nothing, and the
   bound is infinite; a NaN is one too.

Assumed: float64 is IEEE 754 binary64 with rounding to nearest, gradual underflow and no fusing of
separate operations, where numpy computes as well as where kernels are compiled; the text is the
same. ``check_arithmetic`` tests it on the machine and in the thread that computes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, quarter_turns
from sinrelu.arithmetic.double_double import (
    LARGEST,
    MAX_TERMS,
    UNDERFLOW,
    DoubleDouble,
    U,
    add_product,
    finish,
    start,
    unit_error,
)
from sinrelu.arithmetic.lanes import aligned, chosen, fill, lanes, larger, smaller
from sinrelu.arithmetic.sine import LIMIT, RADIUS, sine
from sinrelu.certify.assumptions import check_arithmetic
from sinrelu.certify.rounding import Rounding, State, Tables, begin, evaluation_error, take
from sinrelu.errors import RequestError
from sinrelu.kernels import NUMPY, on
from sinrelu.network import Network
from sinrelu.steps import Steps

Interval = tuple[float, float]

UP = 1 + 2.0**-30


class Deviation(NamedTuple):
    """Per cell: the bound, and the radius ρ of the output that is part of it.

    ``evaluation`` bounds |fl(N)(x) − N(x)| for all floats x of the interval, those of
    the format that it was prepared for; see ``rounding``. ``slope`` is at least that of every chord
    of the output's values at the nodes.
    """

    bound: FloatArray
    radius: FloatArray
    evaluation: float
    slope: float = math.inf


class Memory(NamedTuple):
    """A block: live wires at its nodes and, per cell, ρ + κm of points 1 and 2; then one wire.

    ``high``, ``low`` and ``noise`` have a row for each slot; ``radius`` and ``bound`` are for the
    cells, ``exact`` and ``error`` for the nodes.
    """

    high: FloatArray
    low: FloatArray
    noise: FloatArray
    radius: FloatArray
    bound: FloatArray
    exact: FloatArray
    error: FloatArray


@dataclass(frozen=True)
class Judge:
    """A network prepared, once, for bounds of |N(x) − f(x)|; see the module's proof.

    Blocks have at most ``cells`` cells. Without a ``rounding``, nothing is said of evaluation.
    """

    steps: Steps
    kappa: float
    in_range: bool
    quarters: int
    cells: int
    rounding: Rounding
    backend: str

    @classmethod
    def of(
        cls,
        network: Network,
        function: str = "sin",
        rounding: Rounding | None = None,
        backend: str = NUMPY,
    ) -> Judge:
        """Prepare a network of float64 weights; f is sin or cos.

        A RequestError is raised if the function is unknown, the rounding is another network's, or a
        weight has more bits than a float64.
        """
        network.require_float64("proof piece by piece")
        quarters = quarter_turns(function)
        if rounding and rounding.network != network:
            raise RequestError("rounding: was prepared for another network")
        most_terms = max(len(row.sources) for row in network.rows)
        largest = max(abs(number) for row in network.rows for number in row.numbers)
        in_range = largest <= LARGEST and most_terms <= MAX_TERMS  # point 7 for weights, point 6
        rounding = rounding or Rounding.none(network)
        kappa, cells = unit_error(most_terms), rounding.cells
        return cls(network.steps, kappa, in_range, quarters, cells, rounding, backend)

    def memory(self) -> tuple[Memory, State]:
        """Return memory for a block, to be used for one after the other."""
        slots, nodes = self.steps.slots, self.cells + 1
        high, low, noise = (aligned(slots, nodes) for _ in range(3))
        return Memory(high, low, noise, *aligned(4, nodes)), self.rounding.state()

    def block(self, nodes: DoubleDouble, memory: tuple[Memory, State]) -> Deviation:
        """Bound the deviation on the cells of a block between nodes that ``check_nodes`` takes."""
        block, state = memory
        tables, n = self.rounding.tables, len(nodes.hi)
        block.high[0][:n], block.low[0][:n] = nodes
        judged = on(self.backend, judge)
        with np.errstate(all="ignore"):
            evaluation = judged(self.steps, self.kappa, self.quarters / 2, tables, block, state, n)
        bound, radius = (
            np.where(np.isnan(v), np.inf, v) for v in (block.bound[: n - 1], block.radius[: n - 1])
        )
        if not self.in_range:
            bound[:] = radius[:] = np.inf
        return Deviation(bound, radius, evaluation, self.slope(nodes, block))

    def slope(self, nodes: DoubleDouble, memory: Memory) -> float:
        """Bound the slopes between neighbouring nodes, where a bottleneck asks for it."""
        if not len(self.rounding.tables.entry.first):
            return math.inf
        slot, n = self.steps.target[-1], len(nodes.hi)
        with np.errstate(all="ignore"):
            rise = _differences(memory.high[slot][:n], memory.low[slot][:n], 1)
            slope = float(np.max(rise / _differences(*nodes, -1) * UP))
        return slope if slope >= 0 else math.inf


def _differences(high: FloatArray, low: FloatArray, direction: int) -> FloatArray:
    """Bound |differences| of neighbours from above (1) or below (−1); none below 0 is meant."""
    found = np.abs((high[1:] - high[:-1]) + (low[1:] - low[:-1]))
    slack = found * 2.0**-30 + (np.abs(high[1:]) + np.abs(high[:-1])) * 2.0**-100
    bounds: FloatArray = found + direction * slack
    return np.where(bounds > 0, bounds, np.nan) if direction < 0 else bounds


def deviations(
    judge: Judge, ends: Interval, runs: Iterable[DoubleDouble]
) -> Iterator[tuple[DoubleDouble, Deviation]]:
    """Yield nodes of blocks, one after the other from a to b, and what is known on their cells.

    The cells must cover the interval ``ends`` = [a, b], at most ``LIMIT`` in magnitude: nodes rise
    strictly from a to b and are normalised, and a run begins with the last node of the one before.
    Arrays have an element for each cell, infinite where nothing could be shown; so is
    ``evaluation``, and also without a ``rounding``.

    A RequestError is raised if the nodes are not as they should be, at the latest when the runs
    have come to an end that is not b; an ArithmeticAssumptionError if float64 is not what the proof
    assumes.
    """
    memory = judge.memory()
    for nodes in checked(judge, ends, runs):
        yield nodes, judge.block(nodes, memory)


def outputs(
    judge: Judge, ends: Interval, runs: Iterable[DoubleDouble]
) -> Iterator[tuple[DoubleDouble, DoubleDouble, Deviation]]:
    """Yield nodes likewise, the output there, and what ``deviation`` returns; points 1 to 4, 7."""
    memory = judge.memory()
    slot = judge.steps.target[-1]
    for nodes in checked(judge, ends, runs):
        found, n = judge.block(nodes, memory), len(nodes.hi)
        high, low = (values[slot][:n] for values in memory[0][:2])
        yield nodes, DoubleDouble(high, low), found


def checked(judge: Judge, ends: Interval, runs: Iterable[DoubleDouble]) -> Iterator[DoubleDouble]:
    """Yield the nodes of blocks, which are seen to cover an interval; the arithmetic is tested."""
    check_arithmetic(judge.backend)
    at = (ends[0], 0.0)
    for nodes in blocks_of(runs, judge.cells):
        at = check_nodes(nodes, at)
        yield nodes
    if at != (ends[1], 0.0):
        raise RequestError("nodes: must reach from a to b")


def blocks_of(runs: Iterable[DoubleDouble], cells: int) -> Iterator[DoubleDouble]:
    """Cut runs of nodes anew, into blocks of so many cells but for the last one."""
    high, low = np.empty(0), np.empty(0)
    for run in runs:
        new = slice(1 if len(high) else 0, None)
        high, low = np.append(high, run.hi[new]), np.append(low, run.lo[new])
        while len(high) > cells + 1:
            yield DoubleDouble(high[: cells + 1], low[: cells + 1])
            high, low = high[cells:], low[cells:]
    yield DoubleDouble(high, low)


def check_nodes(nodes: DoubleDouble, begin: tuple[float, float]) -> tuple[float, float]:
    """Refuse nodes that do not rise from ``begin``, or are not normalised; return the last one."""
    hi, lo = nodes
    if len(hi) < 2 or not hi.dtype == lo.dtype == np.float64:
        raise RequestError("nodes: expected at least two, in float64")
    normalised = np.all(hi + lo == hi) and np.all(np.abs(hi) <= LIMIT)
    rising = (hi[1:] > hi[:-1]) | ((hi[1:] == hi[:-1]) & (lo[1:] > lo[:-1]))
    if (hi[0], lo[0]) != begin or not normalised or not np.all(rising):
        raise RequestError("nodes: must be normalised and rise strictly from a to b")
    return float(hi[-1]), float(lo[-1])


def judge(
    steps: Steps,
    kappa: float,
    phase: float,
    tables: Tables,
    memory: Memory,
    state: State,
    n: int,
) -> float:
    """Run points 1 to 5 on the cells between n nodes; return the bound of evaluation."""
    begin(tables, state, memory.high[0], n)
    follow(steps, kappa, tables, memory, state, n)
    against_sine(steps, phase, memory, n)
    return evaluation_error(steps, tables, state, n)


def follow(
    steps: Steps, kappa: float, tables: Tables, memory: Memory, state: State, n: int
) -> None:
    """Run the induction of points 1 to 4; leave the output in its slot, and its radius."""
    input_noise(kappa, memory.high[0], memory.noise[0], n)
    output, radius = len(steps.target) - 1, memory.radius
    for step in range(output + 1):
        target = steps.target[step]
        high, low = memory.high[target], memory.low[target]
        affine_form(steps, step, kappa, memory, n)
        take(steps, tables, state, step + 1, high, radius, n)
        if step < output:
            rectify_cells(high, radius, memory.noise[target], kappa, n)
            rectify_nodes(high, low, n)


def input_noise(kappa: float, nodes: FloatArray, noise: FloatArray, n: int) -> None:
    """Point 1 for the input: ρ + κm, where ρ = η."""
    right = nodes[1:]
    for j in lanes(n - 1):
        noise[j] = kappa * larger(np.abs(right[j]), np.abs(nodes[j])) + UNDERFLOW


def affine_form(steps: Steps, step: int, kappa: float, memory: Memory, n: int) -> None:
    """Point 2: the form at the nodes, and ρ_p for every cell."""
    target, bias, radius = steps.target[step], steps.bias[step], memory.radius
    high, low = memory.high[target], memory.low[target]
    start(high, low, bias, n)
    fill(radius, kappa * abs(bias) + UNDERFLOW, n - 1)
    for k in range(steps.first[step], steps.first[step + 1]):
        source, weight = steps.source[k], steps.weight[k]
        value_high, value_low = memory.high[source], memory.low[source]
        add_product(high, low, weight, steps.power[k], value_high, value_low, n)
        add_noise(radius, abs(weight), memory.noise[source], n - 1)
    finish(high, low, n)
    for j in lanes(n - 1):
        radius[j] *= UP


def add_noise(radius: FloatArray, size: float, noise: FloatArray, n: int) -> None:
    """Add |w|(ρ + κm)."""
    for j in lanes(n):
        radius[j] += size * noise[j]


def rectify_cells(
    high: FloatArray, radius: FloatArray, noise: FloatArray, kappa: float, n: int
) -> None:
    """Point 3: ρ + κm of a unit for every cell."""
    right = high[1:]
    for j in lanes(n - 1):
        top, bottom = larger(right[j], high[j]), smaller(right[j], high[j])
        straight = larger(radius[j] + smaller(top / 2, 0.0), 0.0)
        kink = larger(smaller(top, -bottom), 0.0)
        found = (straight + kink + kappa * larger(top, 0.0)) * UP
        noise[j] = chosen(top <= LARGEST, found, np.inf)


def rectify_nodes(high: FloatArray, low: FloatArray, n: int) -> None:
    """Point 3: a unit's value at the nodes."""
    for j in lanes(n):
        low[j] *= high[j] > 0
        high[j] = larger(high[j], 0.0)


def against_sine(steps: Steps, phase: float, memory: Memory, n: int) -> None:
    """Point 5: the bound of |output − f| on each cell."""
    nodes, low, exact, error = memory.high[0], memory.low[0], memory.exact, memory.error
    output = steps.target[-1]
    value, rest = memory.high[output], memory.low[output]
    for j in lanes(n):
        exact[j] = sine(nodes[j], low[j], phase)
        error[j] = (value[j] - exact[j]) + rest[j]
    after, low_after, exact_after, error_after = nodes[1:], low[1:], exact[1:], error[1:]
    for j in lanes(n - 1):
        left, right = error[j], error_after[j]
        width = ((after[j] - nodes[j]) + (low_after[j] - low[j])) * UP
        width += (np.abs(after[j]) + np.abs(nodes[j])) * 2.0**-100
        bend = width * width / 8 * UP
        slack = width / 2 + 2 * RADIUS
        most = smaller(larger(larger(exact_after[j], exact[j]) + slack, 0.0), 1.0)
        most_below = smaller(larger(slack - smaller(exact_after[j], exact[j]), 0.0), 1.0)
        highest = -lowest(left, right, bend * most)
        extreme = larger(highest, -lowest(-left, -right, bend * most_below))
        rounding = 32 * U * (np.abs(left) + np.abs(right) + 2 * bend)
        memory.bound[j] = (extreme + rounding) * UP + (memory.radius[j] + RADIUS) * UP


def lowest(left: FloatArray, right: FloatArray, bend: FloatArray) -> FloatArray:
    """Minimum over t ∈ [0, 1] of (1−t)·left + t·right − 4t(1−t)·bend, for bend ≥ 0."""
    tilt = np.abs(right - left)
    inside = tilt < 4 * bend
    drop = chosen(inside, tilt * tilt / chosen(inside, 16 * bend, 1.0), 0.0)
    vertex = (left + right) / 2 - bend - drop
    found: FloatArray = chosen(inside, vertex, smaller(left, right))
    return found
