"""The trusted part: a bound of |N(x) − f(x)| for every real x of an interval; f is sin or cos.

Soundness. Let [a, b] be an interval with float64 ends and let nodes a = x₀ < x₁ < … < x_n = b be
double-double numbers, from wherever. Then ``deviation`` returns, for every cell [xᵢ, xᵢ₊₁], a
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
   ``_lowest`` and minus ``_lowest`` of −E and −k.
6. *Rounding of this bookkeeping.* A radius is a sum of at most 2²⁰ + 2 nonnegative float64 terms,
   so it goes through fewer than 2²¹ roundings, each by a factor within 1 ± u, and is repaired by
   ``UP`` = 1 + 2⁻³⁰ once for the form and once for the unit. Every ρ_p is at least η, so what
   underflows, at most 2⁻¹⁰⁷⁵ a product, is covered by η and by what ``UP`` adds to it. The
   quadratic is computed to within 16u(|Eᵢ| + |Eᵢ₊₁| + 2|k|). Twice that is added, which covers
   the 3u·max|E| of point 5 as well; its 2u² is less than what ``UP`` adds to RADIUS.
7. *Range.* Beyond magnitude 2⁵⁰⁰ for any value or weight the arithmetic promises nothing, and the
   bound is infinite; a NaN is one too.

Assumed: numpy's float64 is IEEE 754 binary64 with rounding to nearest, gradual underflow and no
fusing of separate operations. ``check_arithmetic`` tests it in the thread that computes.
"""

import math
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import FloatArray, quarter_turns
from sinrelu.arithmetic.double_double import (
    LARGEST,
    MAX_TERMS,
    UNDERFLOW,
    DoubleDouble,
    Factor,
    U,
    affine,
    factor,
    unit_error,
)
from sinrelu.arithmetic.sine import LIMIT, RADIUS, sine
from sinrelu.certify.rounding import Block, Rounding
from sinrelu.errors import ArithmeticAssumptionError, RequestError
from sinrelu.network import Computed, Network

UP = 1 + 2.0**-30
BLOCK = 2**15
"""Nodes at a time; results do not depend on it. Much fewer, and threads wait for each other."""
HELD = 2**22
"""Nodes times values held, at most; so a network of many live values takes fewer at a time."""


class Ball(NamedTuple):
    """A wire at the nodes (n+1) and, per cell (n), ρ + κm of points 1 and 2."""

    factor: Factor
    noise: FloatArray


class Deviation(NamedTuple):
    """Per cell: the bound, and the radius ρ of the output that is part of it.

    ``evaluation`` bounds |fl(N)(x) − N(x)| for all floats x of the interval, those of
    the format that it was prepared for; see ``rounding``.
    """

    bound: FloatArray
    radius: FloatArray
    evaluation: float


def deviation(
    network: Network,
    ends: tuple[float, float],
    nodes: DoubleDouble,
    function: str = "sin",
    rounding: Rounding | None = None,
) -> Deviation:
    """Bound |N(x) − f(x)| on every cell between neighbouring nodes; see the module's proof.

    The cells must cover the interval ``ends`` = [a, b], at most ``LIMIT`` in magnitude: the nodes,
    of shape (n+1,) with n ≥ 1, rise strictly from a to b and are normalised. Both arrays returned
    have shape (n,) and are infinite where nothing could be shown. So is ``evaluation``, and also
    without the ``rounding`` of the network.

    A RequestError is raised if the nodes are not as they should be, the function is unknown, the
    rounding is another network's, or a weight has more bits than a float64, an
    ArithmeticAssumptionError if float64 is not what the proof assumes.
    """
    network.require_float64("proof piece by piece")
    check_arithmetic()
    check_nodes(nodes, ends)
    quarters = quarter_turns(function)
    if rounding and rounding.network != network:
        raise RequestError("rounding: was prepared for another network")
    parts, evaluation = [], 0.0 if rounding else math.inf
    block = rounding.cells if rounding else max(1, min(BLOCK, HELD // network.most_live))
    with np.errstate(all="ignore"):
        for start in range(0, len(nodes.hi) - 1, block):
            around = slice(start, start + block + 1)
            inside = DoubleDouble(nodes.hi[around], nodes.lo[around])
            evaluated = Block(rounding, inside.hi) if rounding else None
            output, radius = _output(network, inside, evaluated)
            error = _against_sine(inside, output, quarters)
            parts.append((error * UP + (radius + RADIUS) * UP, radius))
            evaluation = max(evaluation, evaluated.bound()) if evaluated else math.inf
    whole = (np.concatenate(part) for part in zip(*parts, strict=True))
    bound, radius = (np.where(np.isnan(values), np.inf, values) for values in whole)
    return Deviation(bound, radius, evaluation)


def check_nodes(nodes: DoubleDouble, ends: tuple[float, float]) -> None:
    """Refuse nodes that do not cut [a, b] into cells, or are not normalised."""
    hi, lo = nodes
    if len(hi) < 2 or not hi.dtype == lo.dtype == np.float64:
        raise RequestError("nodes: expected at least two, in float64")
    covering = (hi[0], lo[0], hi[-1], lo[-1]) == (ends[0], 0, ends[1], 0)
    normalised = np.all(hi + lo == hi) and np.all(np.abs(hi) <= LIMIT)
    rising = (hi[1:] > hi[:-1]) | ((hi[1:] == hi[:-1]) & (lo[1:] > lo[:-1]))
    if not covering or not normalised or not np.all(rising):
        raise RequestError("nodes: must be normalised and rise strictly from a to b")


def check_arithmetic() -> None:
    """Test what can be tested of the assumptions, on arrays long enough for vector units."""
    ones, tiny = np.ones(64), np.full(64, 2.0**-1074)
    even = ones + U
    odd = (ones + 2 * U) + U
    above = ones + 1.5 * U
    third = 1 / (3 * ones)
    product = third * third
    exact = [even == 1, odd == 1 + 4 * U, above == 1 + 2 * U, -ones - U == -1]
    # in bits: where subnormals are taken for 0, they compare equal to it
    subnormal = {1: tiny * 1.0, 2: tiny + tiny, 2**51: (2.0**-1022 * ones) / 2}
    gradual = [value.view(np.int64) == bits for bits, value in subnormal.items()]
    separate = [product - third * third == 0, product.dtype == np.float64]
    if not all(np.all(condition) for condition in exact + gradual + separate):
        raise ArithmeticAssumptionError(
            "float64 arithmetic here is not IEEE 754 rounding to nearest with gradual underflow"
        )


def _output(
    network: Network, nodes: DoubleDouble, evaluated: Block | None = None
) -> tuple[DoubleDouble, FloatArray]:
    """Run the induction of points 1 to 4; return the output at the nodes and its radius."""
    *units, output = network.computed
    most_terms = max(len(row.sources) for row in network.rows)
    kappa = unit_error(most_terms)
    size = np.abs(nodes.hi)
    magnitude = np.maximum(size[1:], size[:-1])
    wires = {0: Ball(factor(nodes), kappa * magnitude + UNDERFLOW)}
    for row in units:
        form, radius = _affine_form(row, kappa, wires, nodes.hi)
        for wire in row.finished:
            del wires[wire]
        if evaluated:
            evaluated.add(form.hi, radius)
        wires[row.number] = _rectified(form, radius, kappa)
    form, radius = _affine_form(output, kappa, wires, nodes.hi)
    if evaluated:
        evaluated.add(form.hi, radius)
    largest = max(abs(number) for row in network.rows for number in row.numbers)
    in_range = largest <= LARGEST and most_terms <= MAX_TERMS  # point 7 for weights, point 6
    return form, radius if in_range else np.full_like(radius, np.inf)


def _affine_form(
    row: Computed, kappa: float, wires: dict[int, Ball], like: FloatArray
) -> tuple[DoubleDouble, FloatArray]:
    """Point 2: the form at the nodes, and ρ_p for every cell."""
    radius = np.full(len(like) - 1, kappa * abs(row.bias) + UNDERFLOW)
    for weight, source in row.terms:
        radius += abs(weight) * wires[source].noise
    radius *= UP
    terms = [(weight, wires[source].factor) for weight, source in row.terms]
    return affine(terms, row.bias, like), radius


def _rectified(form: DoubleDouble, radius: FloatArray, kappa: float) -> Ball:
    """Point 3: the unit's value at the nodes, and ρ + κm for every cell."""
    top = np.maximum(form.hi[1:], form.hi[:-1])
    bottom = np.minimum(form.hi[1:], form.hi[:-1])
    straight = np.maximum(radius + np.minimum(top / 2, 0), 0)
    kink = np.maximum(np.minimum(top, -bottom), 0)
    noise = (straight + kink + kappa * np.maximum(top, 0)) * UP
    if not np.max(top) <= LARGEST:
        noise = np.where(top <= LARGEST, noise, np.inf)
    value = DoubleDouble(np.maximum(form.hi, 0), form.lo * (form.hi > 0))
    return Ball(factor(value), noise)


def _against_sine(nodes: DoubleDouble, output: DoubleDouble, quarters: int) -> FloatArray:
    """Point 5, for an output without radius: the largest |output − f| on each cell."""
    exact = sine(nodes, quarters)
    error = (output.hi - exact) + output.lo
    left, right = error[:-1], error[1:]
    reach = np.abs(nodes.hi[1:]) + np.abs(nodes.hi[:-1])
    width = ((nodes.hi[1:] - nodes.hi[:-1]) + (nodes.lo[1:] - nodes.lo[:-1])) * UP
    width += reach * 2.0**-100
    bend = width * width / 8 * UP
    slack = width / 2 + 2 * RADIUS
    upper = bend * np.clip(np.maximum(exact[1:], exact[:-1]) + slack, 0, 1)
    lower = bend * np.clip(slack - np.minimum(exact[1:], exact[:-1]), 0, 1)
    extreme = np.maximum(-_lowest(left, right, upper), -_lowest(-left, -right, lower))
    rounding = 32 * U * (np.abs(left) + np.abs(right) + 2 * bend)
    return extreme + rounding


def _lowest(left: FloatArray, right: FloatArray, bend: FloatArray) -> FloatArray:
    """Minimum over t ∈ [0, 1] of (1−t)·left + t·right − 4t(1−t)·bend, for bend ≥ 0."""
    tilt = np.abs(right - left)
    inside = tilt < 4 * bend
    drop = np.where(inside, tilt * tilt / np.where(inside, 16 * bend, 1), 0)
    vertex = (left + right) / 2 - bend - drop
    return np.where(inside, vertex, np.minimum(left, right))
