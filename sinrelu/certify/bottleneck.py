"""A trusted reduction: from a network on a wide domain to a part of it on a short one.

Networks for wide domains first fold them. Where every path from the input to the output passes
through one value z = Σ aᵢvᵢ of early wires, N = G∘z; and where z is nearly ±x + mπ/2 on each of
its pieces, f(x) is nearly a function g of z, for f, as for g, sin or cos, up to the sign. Then only
G need be compared with g, on z's range.

Soundness. Let [a, b] be an interval with float64 ends, at most 2²⁰ in magnitude, and f(x) =
sin(x + q·π/2) with q = 0 or 1. Let a ``Cut`` be given, from wherever: a number n of early units,
wires with float64 weights, and r, any integer, for g(z) = sin(z + r·π/2). If ``reduced`` returns a
``Reduction`` with network G, function h, domain Z = [c, d] and offset ω, then for every real x of
[a, b]

    |N(x) − f(x)| ≤ sup over ζ ∈ Z of |G(ζ) − h(ζ)| + ω.

Proof:

1. *Wires.* The wire that a wire holds is itself, or what its source holds where it is a carry: a
   unit with one connection of weight 1 from a unit and no bias, which is equal to that unit
   (``held_by``). Let E be a set of wires with the input in it, any such set. ``split`` takes those
   that hold one numbered at most n, without the units that no path joins to the input. The other
   units and the output are the rows of G, before those that nothing reads are dropped.
2. *Two networks.* z = Σ aᵢvᵢ over wires numbered at most n is the output of the network of the
   rows of units 1 … n and one further row. Take a row of G. As a row of N it reads wires of E and
   others. The former add Σ cᵢvᵢ, with cᵢ the exact sum of the weights of all that hold vᵢ.
   ``_proportion`` returns a float64 λ only if cᵢ = λaᵢ for every i, in rational arithmetic, where
   aᵢ or cᵢ is 0 if it is not listed; so they add λ·z(x). In G the row reads its input with weight
   λ, and the other wires, which are units of G, and the bias are as in N. So, by induction over
   the rows, every row of G has the value at z(x) that it has in N at x: N(x) = G(z(x)).
3. *Phases.* For s = 1 and m ≡ q − r, g(sx + mπ/2) = sin(x + (m + r)π/2) = f(x); and for s = −1
   and m ≡ 2 − q − r, g(sx + mπ/2) = sin(−x + (2 − q)π/2) = sin(x + qπ/2) = f(x), as sin(π − t) =
   sin t; both modulo 4. g is 1-Lipschitz, so |g(z(x)) − f(x)| ≤ |z(x) − (sx + mπ/2)| for every
   such s and m, which may be chosen anew at every x.
4. *Cells.* The interval is cut into cells [xᵢ, xᵢ₊₁] with computed zᵢ and radii ρ, such that
   |z(x) − L(x)| ≤ ρ in the cell for the affine function L through the computed values: points 1 to
   4 and 7 of ``bound``. With one s and m for the cell, L(x) − sx − mπ/2 is affine, so its magnitude
   is at most the larger of those at the ends. ``_distance`` bounds that for s = 1 and for s = −1,
   with m = m₀ + 4k for the residue m₀ of point 3 and an integer k, whatever it is; the cell's
   offset is the smaller of the two bounds, plus ρ. ω is the largest of the cells' offsets.
5. *Rounding.* Write u = 2⁻⁵³ and let x = xʰ + xˡ and z = zʰ + zˡ be normalised, |xʰ|, |zʰ| ≤ 2²⁰
   (else point 6 gives no reduction). As |zʰ − sxʰ| ≤ 2²¹, what rint is given is below 2¹⁹ in
   magnitude, so m = m₀ + 4k is exact and |m| < 2²¹. The halves P₁, P₂, P₃ of PI_1, PI_2, PI_3 are
   exact, and π/2 = P₁ + P₂ + P₃ + ε/2 with |ε| < 2⁻¹⁰⁷. P₁ has 25 bits and P₂ has 24, so mP₁ and
   mP₂ are exact. TwoSum gives zʰ − sxʰ = A + e₁, A − mP₁ = B + e₂ and B − mP₂ = C + e₃ exactly. So
   the distance is that of 0 from C + e₁ + e₂ + e₃ + (zˡ − sxˡ) − mP₃ − mε/2. |A|, |B|, |C| < 2²⁴,
   so each |eᵢ| ≤ 2⁻²⁹; |zˡ|, |xˡ| ≤ 2⁻³³ and |mP₃| < 2⁻³¹. What is added to C is computed with one
   product and five sums, all below 2⁻²⁶ in magnitude, and errs by less than 6u·2⁻²⁶ + 2²⁰|ε| < 2⁻⁷⁶
   = ``ROUNDING``. The last sum errs by at most u times itself.
   (distance + ρ + ``ROUNDING``)·``UP`` covers this and its own roundings.
6. *Range.* In a cell z is at least min(zᵢ, zᵢ₊₁) − ρ, and zᵢ is at least the float before its high
   part, as it is normalised. The float before the computed difference is at most the exact one.
   Likewise above. So z(x) ∈ Z. Ends beyond 2²⁰ or not finite give no reduction, so zᵢ and ρ are
   finite in one.
7. *Together.* |N(x) − f(x)| ≤ |G(z(x)) − g(z(x))| + |g(z(x)) − f(x)|, where z(x) ∈ Z and the last
   is at most ω. With r ≡ 0, 1, 2, 3 modulo 4, g is sin, cos, −sin, −cos. For the last two, what
   is returned is −G, the output row negated exactly, and sin or cos in place of g.
8. *All of the interval.* ``check_nodes`` sees that the nodes of a part cut it into cells. The span
   of what is known grows only by parts that begin where it ends, and ``_measured`` compares it
   with [a, b]. Of parts that do not, the offset and the range count all the same.

9. *Sum.* If |G − h| ≤ B is proved on Z, |N − f| ≤ B + ω ≤ ``Reduction.total`` of B, which is
   the exact sum of two float64 rounded upwards. If B ≤ tol − ω, exactly, N keeps tol.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from sinrelu.arithmetic import QUARTER_TURNS, FloatArray, quarter_turns
from sinrelu.arithmetic.double_double import DoubleDouble, two_sum
from sinrelu.arithmetic.numbers import positive
from sinrelu.arithmetic.rounding import as_float, float_above, float_below
from sinrelu.arithmetic.sine import LIMIT, PI_1, PI_2, PI_3
from sinrelu.certify import pieces
from sinrelu.certify.bound import UP, Deviation, Interval, Judge, outputs
from sinrelu.certify.cuts import WORTH, Cut, constant_units, proposals
from sinrelu.certify.pieces import Finder, affordable, subintervals
from sinrelu.errors import RequestError
from sinrelu.kernels import backend_for
from sinrelu.network import Network, Row, without_dead_units
from sinrelu.progress import Progress, ignore

ROUNDING = 2.0**-76
"""Point 5: what ``_distance`` may be off by, besides a factor."""
SHARE, SMALL_SHARE = 1 / 2, 1 / 8
"""An offset is at most so much of the tolerance; where it is at most the latter, no other cut is
tried."""
TRIES = 6
"""Cuts that are tried at most."""
WORK = 2e8
"""What one of them may cost: nodes times numbers of the network."""
PARTS, FEWEST = 32, 2**14
"""The domain is cut in so many parts, or fewer so that z has so many pieces in each."""


class Stretch(NamedTuple):
    """What is known of z on an interval: within ``offset`` of ±x + mπ/2, in a range."""

    offset: float
    low: float
    high: float
    cells: int
    breakpoints: int
    span: Interval

    def __or__(self, other: Stretch) -> Stretch:
        """Join two; the span grows only if the other one begins where this one ends."""
        follows = other.span[0] == self.span[1]
        return Stretch(
            float(np.maximum(self.offset, other.offset)),
            float(np.minimum(self.low, other.low)),
            float(np.maximum(self.high, other.high)),
            self.cells + other.cells,
            self.breakpoints + other.breakpoints,
            (self.span[0], other.span[1] if follows else self.span[1]),
        )


@dataclass(frozen=True)
class Reduction:
    """|N − f| on ``source`` is at most |``network`` − ``function``| on ``domain``, plus ``offset``.

    ``network`` takes z, the output of ``fold``, which has ``pieces`` pieces (the finder is not
    trusted to count) on the ``cells`` that were looked at. ``cut`` is where N was cut in two, after
    what nothing reads was dropped from it: ``whole``.
    """

    network: Network
    function: str
    domain: Interval
    offset: float
    source: Interval
    whole: Network
    fold: Network
    cut: Cut
    cells: int
    pieces: int

    def remaining(self, tol: Fraction) -> Fraction:
        """Return what the error of ``network`` may be if that of N is to be at most tol."""
        return tol - Fraction(self.offset)

    def total(self, bound: float) -> float:
        """Return a bound of |N − f| where |``network`` − ``function``| ≤ bound on ``domain``.

        It is the next float64, so it may be above a tolerance that is kept.
        """
        finite = bound < math.inf
        return float_above(Fraction(bound) + Fraction(self.offset)) if finite else math.inf


def reduction(
    network: Network,
    function: str,
    domain: Interval,
    tol: object,
    backend: str | None = None,
    progress: Progress = ignore,
) -> Reduction | None:
    """Return the reduction that leaves the least to be proved, or None if none is worth it.

    The domain has float64 ends, at most 2²⁰ in magnitude. The offset is at most half of tol, a
    positive number. ``progress`` is told the fraction of the domain that the cut being tried was
    looked at on.

    A RequestError is raised if the domain, tol or the function cannot be judged or a weight has
    more bits than a float64, an ArithmeticAssumptionError if float64 is not what is assumed.
    """
    network.require_float64("proof piece by piece")
    quarters, limit = quarter_turns(function), float_below(positive(tol, "tol"))
    if not -LIMIT <= domain[0] < domain[1] <= LIMIT:
        raise RequestError(f"domain: {list(domain)} is not an interval within ±{LIMIT:g}")
    domain, best = (float(domain[0]), float(domain[1])), None
    network = Network(tuple(without_dead_units(network.rows)))  # they may read what they like
    for cut in proposals(network, quarters, domain, limit * SHARE)[:TRIES]:
        found = reduced(network, function, domain, cut, limit * SHARE, backend, progress)
        if found and _length(found.domain) <= WORTH * _length(domain):
            best = found if best is None or found.offset < best.offset else best
            if found.offset <= limit * SMALL_SHARE:
                return found
    return best


def reduced(
    network: Network,
    function: str,
    domain: Interval,
    cut: Cut,
    most: float = math.inf,
    backend: str | None = None,
    progress: Progress = ignore,
) -> Reduction | None:
    """Reduce a claim by a cut; see the module's proof. None if that fails or ω is above ``most``.

    Any cut may be given. Float64 weights and a domain as in ``reduction`` are taken for granted.
    """
    halves = split(network, cut)
    if halves is None:
        return None
    fold, rest = halves
    turns = quarter_turns(function), cut.quarters
    known = _measured(_stretches(fold, turns, domain, backend), domain, most, progress)
    if known is None:
        return None
    names = {turns: name for name, turns in QUARTER_TURNS.items()}
    return Reduction(
        network=_negated(rest) if cut.negative else rest,
        function=names[cut.quarters % 2],
        domain=(known.low, known.high),
        offset=known.offset,
        source=domain,
        whole=network,
        fold=fold,
        cut=cut,
        cells=known.cells,
        pieces=known.breakpoints + 1,
    )


def split(network: Network, cut: Cut) -> tuple[Network, Network] | None:
    """Points 1 and 2: the networks z and G, or None if N is not G∘z."""
    weights = dict(cut.terms)
    if not all(0 <= wire <= cut.early <= network.units for wire in weights):
        return None
    held, early = held_by(network), early_wires(network, cut)
    place, rows = {0: 0}, []
    for number, row in enumerate(network.rows, start=1):
        if number in early:
            continue
        through = _proportion(row, early, held, weights)
        if through is None:
            return None
        others = [(place[v], weight) for v, weight in row.edges if v not in early]
        rows.append(Row.of([(0, through), *others], row.bias))
        place[number] = len(rows)
    fold = Network((*network.rows[: cut.early], Row.of(weights.items(), 0.0)))
    return fold, Network(tuple(without_dead_units(rows)))


def early_wires(network: Network, cut: Cut) -> set[int]:
    """Point 1: the input and the early units, but for those that no path joins to it."""
    constant = constant_units(network)
    joined = (v for v, holds in enumerate(held_by(network)) if holds <= cut.early)
    return {0, *(v for v in joined if v not in constant)}


def held_by(network: Network) -> list[int]:
    """Return, for the input and every unit, the wire that it holds."""
    held = [0]
    for number, row in enumerate(network.rows[:-1], start=1):
        held.append(held[row.sources[0]] if row.is_carry else number)
    return held


def _proportion(
    row: Row, early: set[int], held: list[int], weights: dict[int, float]
) -> float | None:
    """Return the λ with which a row reads Σ weight·wire, if that is how it reads early wires."""
    read = dict.fromkeys(weights, Fraction(0))
    for wire, weight in row.edges:
        if wire in early:
            read[held[wire]] = read.get(held[wire], Fraction(0)) + Fraction(weight)
    if not any(read.values()):
        return 0.0
    exact = {wire: Fraction(weights.get(wire, 0)) for wire in read}
    first = next(iter(read))
    if not exact[first]:
        return None
    through = read[first] / exact[first]
    same = all(read[wire] == through * exact[wire] for wire in read)
    return as_float(through) if same else None


def _negated(network: Network) -> Network:
    """Return −N, exactly."""
    *units, output = network.rows
    weights = tuple(-weight for weight in output.weights)
    return Network((*units, Row(output.sources, weights, 0.0 - output.bias)))


def _measured(
    stretches: Iterable[Stretch], domain: Interval, most: float, progress: Progress
) -> Stretch | None:
    """Points 4 to 8: what is known of z on all of the domain, None if too little."""
    known = None
    for stretch in stretches:
        known = stretch if known is None else known | stretch
        if not known.offset <= most:
            return None
        progress((known.span[1] - domain[0]) / _length(domain))
    if known is None or known.span != domain:
        return None
    return known if known.low >= -LIMIT and known.high <= LIMIT else None


def _stretches(
    fold: Network, turns: tuple[int, int], domain: Interval, backend: str | None
) -> Iterator[Stretch]:
    """Yield what is known of z on parts of the domain, in their order; none if it is too much."""
    limit = most_cells(fold)
    expected = pieces.estimated_pieces(Finder.of(fold), domain)
    if expected > pieces.MARGIN * limit:
        return
    backend = backend_for(expected * fold.size, backend)
    finder, judge = Finder.of(fold, backend=backend), Judge.of(fold, backend=backend)
    for part in subintervals(domain, max(1, min(PARTS, int(expected / FEWEST)))):
        known = None
        for nodes, values, found in outputs(judge, part, finder.blocks(part)):
            stretch = _stretch(turns, nodes, values, found)
            known = stretch if known is None else known | stretch
            limit -= stretch.cells
            if limit < 0:
                return
        if known:
            yield known._replace(span=part)


def _stretch(
    turns: tuple[int, int], nodes: DoubleDouble, values: DoubleDouble, found: Deviation
) -> Stretch:
    """Points 4 to 6 on the cells between neighbouring nodes; nothing is known of a span yet."""
    radius = found.radius
    with np.errstate(all="ignore"):
        distance = np.minimum(*(_distance(nodes, values, turns, sign) for sign in (1, -1)))
        offset = np.max((distance + radius + ROUNDING) * UP)
        low = np.min(np.nextafter(np.minimum(*_ends(values.hi)), -np.inf) - radius)
        high = np.max(np.nextafter(np.maximum(*_ends(values.hi)), np.inf) + radius)
    return Stretch(
        float(offset),
        math.nextafter(low, -math.inf),
        math.nextafter(high, math.inf),
        len(radius),
        len(radius),
        (math.nan, math.nan),
    )


def _distance(
    nodes: DoubleDouble, values: DoubleDouble, turns: tuple[int, int], sign: int
) -> FloatArray:
    """Points 3 to 5: the larger of |z − (sign·x + mπ/2)| at the ends of every cell."""
    before, after = turns
    least = (before - after if sign == 1 else 2 - before - after) % 4
    near, rest = two_sum(values.hi, -sign * nodes.hi)
    low = rest + (values.lo - sign * nodes.lo)
    middle = (near[1:] + near[:-1]) / 2
    quarters = least + 4 * np.rint((middle / (math.pi / 2) - least) / 4)
    ends = zip(_ends(near), _ends(low), strict=True)
    return np.maximum(*(_without_turns(*end, quarters) for end in ends))


def _without_turns(high: FloatArray, low: FloatArray, quarters: FloatArray) -> FloatArray:
    """Return |high + low − quarters·π/2|."""
    high, first = two_sum(high, -quarters * (PI_1 / 2))
    high, second = two_sum(high, -quarters * (PI_2 / 2))
    distance: FloatArray = np.abs(high + (first + (second + (low - quarters * (PI_3 / 2)))))
    return distance


def _ends(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the values at the left and at the right ends of all cells."""
    return values[:-1], values[1:]


def _length(interval: Interval) -> float:
    return interval[1] - interval[0]


def most_cells(fold: Network) -> int:
    """Return on how many cells z is looked at, at most."""
    return affordable(fold, WORK)
