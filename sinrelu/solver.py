"""The smallest network for a tolerance, the sharpest for a budget, and as many digits as wanted.

All are fold-reflect. What is found is least, or sharpest, among the plans that ``searched``
describes, by their a-priori bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from mpmath import MPContext

from sinrelu.circuit import Real
from sinrelu.constructions import fold_reflect, layered_search
from sinrelu.constructions.base import Search
from sinrelu.constructions.fold_reflect import ROUNDING
from sinrelu.errors import RequestError
from sinrelu.gadgets.reduction import Reduction, cheapest_reduction
from sinrelu.layering import by_layer
from sinrelu.network import LAYERED, SKIP, Network, Row
from sinrelu.target import Target

FLOAT_BITS = 53
FLOAT_TOL = 1e-14
"""Below this float64 weights do not suffice."""
LEAST_LAYERED = 1e-15
"""Below this there are no layered plans, for want of supplies of so many folds."""
LEAST_TOL = "1e-1000"
LARGEST_UNIT = 4
"""Beyond the folds of the range no unit exceeds this: angles are at most π/2, 1 − cos at most 2."""


@dataclass(frozen=True)
class Solution:
    """A network, and what is known about it before any proof on its pieces.

    Attributes
    ----------
    network : Network
        Its meta has the construction, domain, function and bound.
    error_bound : mpf
        A-priori bound of |N(x) − f(x)| on the domain. For a wide network it includes the rounding
        of every weight, and is a proof; in float64 rounding adds a few 1e-16.
    searched : str
        One line on what was compared.
    """

    network: Network
    error_bound: Real
    searched: str


@dataclass(frozen=True)
class _Family:
    """The searches of a wiring."""

    best: Callable[[Real, Reduction | None], Search]
    sharpest: Callable[[int, Reduction | None], Search]


_FAMILIES = {
    SKIP: _Family(fold_reflect.best_plan, fold_reflect.sharpest_plan),
    LAYERED: _Family(layered_search.best_plan, layered_search.sharpest_plan),
}


def smallest(
    tol: Real | str, target: Target | None = None, wiring: str = SKIP, wide: bool | None = None
) -> Solution:
    """Return the network of fewest connections that equals a function to within a tolerance.

    Parameters
    ----------
    tol : float, mpf or str
        Between 0 and 1; a string or an mpf where a float would underflow.
    target : Target
        The function and the domain; sin on [−π, π] if None.
    wiring : str
        ``skip`` or ``layered``.
    wide : bool
        Whether weights have as many bits as the tolerance needs, with a proven bound; by default,
        where float64 does not suffice: below 1e-14.

    Raises
    ------
    RequestError
        If the tolerance, domain or wiring cannot be had.
    """
    numbers = MPContext()
    tol = checked_tolerance(tol)
    wide = tol < FLOAT_TOL if wide is None else wide
    target = target or Target()
    bits = int(-3 * numbers.log(tol, 2)) + 128 if wide else FLOAT_BITS
    reduction = _reduction(target, tol, bits, wiring)
    goal = tol - (tol / 1024 if wide else reduction.rounding(_precise(bits)) + ROUNDING)
    search = _family(wiring).best(goal, reduction)
    return _written(search, tol, bits, wide, target)


def sharpest(max_connections: int, target: Target | None = None, wiring: str = SKIP) -> Solution:
    """Return the network of least a-priori bound within a number of connections.

    Float64 weights where they suffice, wide ones beyond.

    Raises
    ------
    RequestError
        If there are too few connections, or the domain or wiring cannot be had.
    """
    target, numbers = target or Target(), MPContext()
    reduction = _reduction(target, numbers.mpf(1), FLOAT_BITS, wiring)
    search = _family(wiring).sharpest(max_connections, reduction)
    wide = search.error_bound < FLOAT_TOL
    bits = int(-3 * numbers.log(search.error_bound, 2)) + 128 if wide else FLOAT_BITS
    return _written(search, search.error_bound, bits, wide, target)


def _family(wiring: str) -> _Family:
    if wiring not in _FAMILIES:
        raise RequestError(f"wiring: {wiring!r} is unknown; choose from {', '.join(_FAMILIES)}")
    return _FAMILIES[wiring]


def _reduction(target: Target, tol: Real, bits: int, wiring: str) -> Reduction:
    low, high = target.ends(_precise(bits))
    return cheapest_reduction(low, high, target.function, tol, bits, wiring == LAYERED)


def _written(search: Search, tol: Real, bits: int, wide: bool, target: Target) -> Solution:
    """Write a plan down, with enough bits that rounding adds at most a thousandth of tol."""
    largest = max(map(abs, target.cover))
    while True:
        output = search.plan.circuit(tol, max(256, 2 * bits))
        network = output.circuit.freeze(output, bits=bits if wide else None)
        if wide:
            rounding = rounding_bound(list(network.rows()), bits, largest)
        else:
            rounding = search.plan.reduction.rounding(_precise(bits), bits)
        if not wide or 1024 * rounding <= tol:
            break
        bits += int(MPContext().log(rounding / tol, 2)) + 16
    if not network.skip_connections:
        network = by_layer(network)
    error = search.error_bound + rounding
    return Solution(
        network.with_meta(**_meta(search, tol, error, target)), error, search.description
    )


def rounding_bound(rows: list[Row], bits: int, largest: Real) -> Real:
    """Bound what rounding all weights and biases to ``bits`` bits changes in the output.

    If every source is at most V in magnitude before rounding and changes by at most e, a row
    changes by at most Σ |w|e + 2⁻ᵇⁱᵗˢ(Σ |w|V + |b|); rectifying does not add to it.
    """
    numbers = MPContext()
    unit = numbers.mpf(2) ** -bits * (1 + numbers.mpf(2) ** -20)
    size = LARGEST_UNIT + 2 * numbers.mpf(largest)
    changes = [numbers.mpf(0)]
    for row in rows:
        weights = [numbers.mpf(w.numerator) / w.denominator for w in map(Fraction, row.weights)]
        bias = Fraction(row.bias)
        change = unit * abs(numbers.mpf(bias.numerator) / bias.denominator)
        for weight, source in zip(weights, row.sources, strict=True):
            change += abs(weight) * (changes[source] + unit * size)
        changes.append(change * (1 + numbers.mpf(2) ** -40))
    return changes[-1]


def _meta(search: Search, tol: Real, error: Real, target: Target) -> Mapping[str, object]:
    text = MPContext().nstr
    return {
        "construction": "fold-reflect",
        "tol": text(tol, 6),
        "error_bound": text(error, 6),
        "domain": list(target.cover),
        "function": target.function,
        "parameters": {**asdict(search.plan), "plans_compared": search.candidates},
    }


def checked_tolerance(tol: Real | str) -> Real:
    """Return a tolerance as an mpf.

    Raises
    ------
    RequestError
        If it is no number from ``LEAST_TOL`` to below 1.
    """
    numbers = MPContext()
    try:
        number = numbers.mpf(tol)
    except (TypeError, ValueError) as error:
        raise RequestError(f"tol: {tol!r} is not a number") from error
    if not numbers.mpf(LEAST_TOL) <= number < 1:
        raise RequestError(f"tol: {tol} is outside [{LEAST_TOL}, 1)")
    return number


def _precise(bits: int) -> Any:
    numbers = MPContext()
    numbers.prec = 4 * bits
    return numbers
