"""A proof that a fold-reflect network is sin or cos to within a bound, along its own induction.

A network for 1e-100 has far too many pieces to enumerate. What is proved instead is that the plan
it was written from, taken with real numbers, gives a network that is close to sin; and that the
weights at hand are close to those real numbers. The plan is read from the network's ``meta`` and is
not trusted: a wrong one makes the bound large, or gives none. Every number below is computed in
interval arithmetic, and the upper end is what counts.

Proof. Let N* be the network that ``written`` describes, its weights being real numbers, and f the
plan's function. Every fold is exact: min(v, 2p − v) = v − 2 relu(v − p).

1.  Range (``range_reduction``). v = |x − cπ/2| for the first fold's place cπ/2, if x ≥ origin
    where there is one; v = ±(x − cπ/2) if the domain is on one side of it. Then f(x) = ± sin z₀
    with z₀ ∈ [0, π/2]. Within π/2 of an extremum (c + phase odd) z₀ = π/2 − v, and there is no sign
    gate. Else a fold at jπ takes [0, 2jπ] to [0, jπ] and keeps cos v; ``domain_of`` goes back from
    [0, π] through all of them; z₀ = |π/2 − v|, negative where r = relu(v − π/2) > 0, and there
    z₀ = r. About a zero (c + phase even, no further folds) z₀ = min(v, π − v), negative where
    r = relu(cπ/2 − x) > 0, and there v = r. So sin z₀ ≤ r wherever r > 0.
2.  Folds. z_{k+1} = min(z_k, 2τ_k − z_k) ∈ [0, τ_k], τ_k = π/2^(k+2), by induction from
    z₀ ∈ [0, 2τ₀]. For the last cell, h = τ_{n−1} and m = z_{n−1} − h ∈ [−h, h].
3.  Square (``Sawtooth.square``). U = m² − u with 0 ≤ u ≤ ℓ²/4, U ≥ 0, and U is even in m. For, with
    s = |m|: the halving s′ = min(s, H − s), H = h, has s² − s′² = 2H·relu(s − H/2); the ternary s′
    on [0, 3t] has s² − s′² = 4t·relu(s − t); and for the rest, with w = s + ℓ/2, the sum is
    k(k−1)ℓ² at w = kℓ, and affine in between: the last stage adds slope 2ℓ at each knot, and a
    binary fold at p = Mℓ maps k to 2M − k, where (2M−k)(2M−k−1) + (4M−2)(k−M) = k(k−1). At w = kℓ
    that is s² − ℓ²/4, and it is tangent to s² in between; below w = ℓ it is 0 ≤ s² ≤ ℓ²/4. A value
    that is clipped at w = ℓ and read with the weight 2ℓ is a knot there, where the last stage has
    none: its fold, at M = last + 1, maps no k ≤ 2·last + 1 below 1.
4.  Last cell (``LastCell.error``). Its error, as a vector (cos m, sin m), is at most E: the proof
    is there. V ≥ 0, as U, the bends and their coefficients are not negative, so the rectifiers that
    hold them leave them alone.
5.  Channels. Seen from a pivot, an error vector is rotated: its norm stays E. A channel holds
    1 + μ − (cos + ε), |ε| ≤ E, which the rectifier leaves alone if μ ≥ E. Then the two channels
    together give back cosine and sine without any further error.
6.  Gates. Let s ≥ 0 be the sine at z_{k+1}, seen from τ_k, and s + η what is computed. If the fold
    has not folded, r = 0, it is s at z_k too, and 2 relu(s + η) − (s + η) = |s + η| errs by at most
    |η|. If it has, s = sin r ≤ r, and the sine at z_k is −s. Where s + η ≤ 2r the result is −s − η.
    Where s + η > 2r it is s + η − 4r, which errs by 2s + η − 4r ≤ η − 2r ≤ η, and this is at least
    −η because η > 2r − s. Either way |η| does not grow, the cosine is the same at z_k and z_{k+1},
    and so the norm of the error at z_k is at most E.
7.  Top. The output pulled back through the last gates is ± the sine at another place, at least
    sin π/4 − E there, so the rectifier leaves it alone if E < 1/2; the multiples of the gates that
    are added turn it into the functional −sin(0 − z₀) of the frame at z₀, identically. Its error is
    at most E. Rectifying sin z₀ ≥ 0 adds nothing; the sign gate is step 6 with the r of step 1.
    Hence |N*(x) − f(x)| ≤ E on the domain.
8.  Rounding. Let w be a real weight of N* and w̃ the one at hand, |w − w̃| ≤ δ: the interval that
    encloses w, computed by the same construction, tells δ. Let |x| ≤ V₀ and let the network at hand
    have units at most V_s in magnitude, V = Σ |w̃|V_s + |b̃|. If the sources differ by at most c_s,
    a row differs by at most Σ ((|w̃| + δ)c_s + δV_s) + δ_b, for w·v − w̃·ṽ = w(v − ṽ) + (w − w̃)ṽ.
    Rectifying is 1-Lipschitz. The last c is what rounding adds to E. No property of the
    construction is used here, so any change to any weight is accounted for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from sinrelu.arithmetic import QUARTER_TURNS
from sinrelu.arithmetic.intervals import Interval, Intervals, upper
from sinrelu.circuit import Circuit
from sinrelu.constructions.fold_reflect.quadratics import LastCell
from sinrelu.constructions.fold_reflect.range_reduction import RangeReduction
from sinrelu.constructions.fold_reflect.skip import Plan, written
from sinrelu.constructions.fold_reflect.square import Sawtooth
from sinrelu.network import Network, Number, Row, without_dead_units
from sinrelu.target import LARGEST, End, Target

COARSE_BITS = 64
"""Precision where only sizes matter."""
LARGEST_PLAN = 13_000
"""Connections of the largest plan that is looked at, so that a file cannot ask for a long proof."""
LARGEST_BITS = 32_768
"""Likewise for the precision of a proof."""
_LIMITS: Mapping[str, tuple[int, int]] = {
    "folds": (1, LARGEST_PLAN),
    "margin": (-LARGEST_BITS, 16),
    "quadratics": (2, 6),
    **dict.fromkeys(("ternaries", "binaries"), (0, LARGEST_PLAN)),
    "last": (2, LARGEST_PLAN),
    **dict.fromkeys(("halved", "clipped", "half"), (False, True)),
    **dict.fromkeys(("origin", "centre"), (-2 * LARGEST, 2 * LARGEST)),
    "phase": (0, 1),
    "multiples": (1, 2 * LARGEST),
    "side": (-1, 1),
}
"""What a plan's parameters may be; they are of the same type as their limits."""


@dataclass(frozen=True)
class InductionBound:
    """What is proved: |N(x) − f(x)| ≤ sup_error for every real x of the domain, f sin or cos.

    ``cell`` bounds the error with real weights, steps 1 to 7; ``rounding`` what the rounding of
    weights adds, step 8.
    """

    function: str
    domain: tuple[End, End]
    cell: Fraction
    rounding: Fraction

    @property
    def sup_error(self) -> Fraction:
        """The proven bound."""
        return self.cell + self.rounding

    def covers(self, target: Target) -> bool:
        """Whether the bound is for the target's function, and for all of its domain."""
        low, high = self.domain
        inside = low.is_at_most(target.low) and target.high.is_at_most(high)
        return inside and self.function == target.function


def prove(network: Network, ideal: Sequence[Row] | None = None) -> InductionBound | None:
    """Prove a bound for a network that says in ``meta["parameters"]`` by what plan it was written.

    ``ideal`` are the ``ideal_rows`` of that plan, if they are at hand. None if it does not say so,
    if its graph is not the plan's, if there is no room for the error in the margin of its channels,
    or if the plan is too large.
    """
    found = read_plan(network.meta.get("parameters"))
    if found is None or found[0].connections(found[1]) != network.connections:
        return None
    plan, reduction, margin = found
    rows = network.rows
    longest = max(n.as_integer_ratio()[0].bit_length() for row in rows for n in row.numbers)
    numbers = Intervals(precision(longest))
    if numbers.prec > LARGEST_BITS:
        return None
    coarse = Intervals(COARSE_BITS)
    cell = upper(plan.cell.error(coarse, coarse.pi / 2 ** (plan.folds + 1)))  # steps 3 and 4
    if cell > min(Fraction(2) ** margin, Fraction(1, 2)):
        return None
    domain = domain_of(reduction)
    try:
        ideal = ideal or ideal_rows(plan, reduction, margin, numbers)
        if (off := distances(rows, ideal, numbers)) is None:
            return None
        rounding = change_bound(rows, off, largest_magnitude(*domain))
    except OverflowError:
        return None  # the weights have so few bits that at this precision an interval is unbounded
    function = next(name for name, turns in QUARTER_TURNS.items() if turns == reduction.phase)
    return InductionBound(function, domain, cell, rounding)


def precision(bits: int) -> int:
    """Return how many bits enclosures need of what is rounded to so many."""
    return 3 * bits // 2 + COARSE_BITS


def domain_of(reduction: RangeReduction) -> tuple[End, End]:
    """Return the ends of what a reduction folds to [0, π/2] without clipping: step 1."""
    reach = Fraction(1, 2) if reduction.half else Fraction(1)
    for multiple in reversed(reduction.multiples):
        if multiple <= reach:
            reach = Fraction(2 * multiple)
    centre = Fraction(reduction.centre, 2)
    low = End(centre if reduction.side > 0 else centre - reach, True)
    high = End(centre if reduction.side < 0 else centre + reach, True)
    origin = End(Fraction(reduction.origin))
    return (origin if origin.ratio and low.is_at_most(origin) else low), high


def largest_magnitude(*ends: End) -> Fraction:
    """Return an upper bound of |x| between two ends."""
    numbers = Intervals(COARSE_BITS)
    return max(upper(abs(end.value(numbers))) for end in ends)


def ideal_rows(plan: Plan, reduction: RangeReduction, margin: int, numbers: Intervals) -> list[Row]:
    """Return the rows of N*, every weight and bias an interval that holds the real number."""
    circuit = Circuit(numbers=numbers)
    output = written(plan, circuit.input, reduction, margin)
    return without_dead_units(circuit.rows(output, lambda number: number))


def distances(rows: Sequence[Row], ideal: Sequence[Row], numbers: Intervals) -> list[Row] | None:
    """Return rows that hold how far each number may be from the real one; None for other graphs."""
    if [row.sources for row in rows] != [row.sources for row in ideal]:
        return None
    coarse = Intervals(COARSE_BITS)

    def distance(number: Number, real: Interval) -> Interval:
        return coarse.largest(numbers.enclosing(number) - real)

    return [
        _row(a.sources, map(distance, a.numbers, b.numbers))
        for a, b in zip(rows, ideal, strict=True)
    ]


def relative_distances(rows: Sequence[Row], bits: int) -> list[Row]:
    """Return rows that hold the distance of numbers rounded to so many bits, twice over."""
    coarse = Intervals(COARSE_BITS)

    def distance(number: Number) -> Interval:
        return abs(coarse.enclosing(number)) * coarse.dyadic(1, 1 - bits)

    return [_row(row.sources, map(distance, row.numbers)) for row in rows]


def _row(sources: tuple[int, ...], numbers: Iterable[Interval]) -> Row:
    *weights, bias = numbers
    return Row(sources, tuple(weights), bias)


def change_bound(rows: Sequence[Row], distances: Sequence[Row], largest: Fraction) -> Fraction:
    """Bound by how much the output changes, for |x| ≤ largest, with numbers so far off: step 8."""
    coarse = Intervals(COARSE_BITS)
    sizes, changes = [coarse.enclosing(largest)], [coarse.mpf(0)]
    for row, off in zip(rows, distances, strict=True):
        size, change = abs(coarse.enclosing(row.bias)), off.bias
        for (source, weight), distance in zip(row.edges, off.weights, strict=True):
            magnitude = abs(coarse.enclosing(weight))
            size += magnitude * sizes[source]
            change += (magnitude + distance) * changes[source] + distance * sizes[source]
        sizes.append(size)
        changes.append(change)
    return upper(changes[-1])


def read_plan(parameters: Any) -> tuple[Plan, RangeReduction, int] | None:
    """Read a plan, its range reduction and the exponent of its margin; None if they are not valid.

    As JSON has them; older files call the last cell ``leaf``.
    """
    try:
        said = parameters["cell" if "cell" in parameters else "leaf"]
        cell = _read(LastCell, said, sawtooth=_read(Sawtooth, said["sawtooth"]))
        plan = _read(Plan, parameters, cell=cell, refined=False)
        margin = _value("margin", parameters["margin"])
        places = parameters["reduction"]["multiples"]
        if len(places) > LARGEST_PLAN:
            return None
        multiples = tuple(_value("multiples", place) for place in places)
        reduction = _read(RangeReduction, parameters["reduction"], multiples=multiples)
    except (KeyError, TypeError, ValueError):
        return None
    valid = cell.possible and _consistent(reduction)
    valid = valid and plan.connections(reduction) <= LARGEST_PLAN
    return (plan, reduction, margin) if valid else None


def _read(kind: Any, said: Any, **parts: object) -> Any:
    """Read a dataclass from a JSON object, but for the parts that are known."""
    names = {field.name for field in fields(kind)} - parts.keys()
    return kind(**{name: _value(name, said[name]) for name in names}, **parts)


def _value(name: str, value: Any) -> Any:
    low, high = _LIMITS[name]
    if type(value) is not type(low) or not low <= value <= high:
        raise ValueError(f"{name}: {low} to {high}")
    return value


def _consistent(reduction: RangeReduction) -> bool:
    """Whether all that is said of a reduction is used: see step 1."""
    if reduction.half:
        return not reduction.about_zero and not reduction.multiples
    return reduction.side == 0 and not (reduction.about_zero and reduction.multiples)
