"""The smallest network for a tolerance, the sharpest for a budget, and as many digits as wanted.

All are fold-reflect. What is found is least, or sharpest, among the plans that ``searched``
describes, by their a-priori bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from mpmath import MPContext

from sinrelu.circuit import Real
from sinrelu.constructions.base import Remark, Search, ignore
from sinrelu.constructions.fold_reflect import search as layered_search
from sinrelu.constructions.fold_reflect import skip as fold_reflect
from sinrelu.constructions.fold_reflect.induction import (
    change_bound,
    largest_magnitude,
    prove,
    relative_distances,
)
from sinrelu.constructions.fold_reflect.range_reduction import Reduction, cheapest_reduction
from sinrelu.constructions.fold_reflect.skip import ROUNDING, margin_exponent
from sinrelu.errors import RequestError
from sinrelu.layering import by_layer
from sinrelu.network import LAYERED, SKIP, Network
from sinrelu.target import Target

FLOAT_BITS = 53
FLOAT_TOL = 1e-14
"""Below this float64 weights do not suffice."""
LEAST_LAYERED = 1e-15
"""Below this there are no layered plans, for want of supplies of so many folds."""
LEAST_TOL = "1e-1000"


@dataclass(frozen=True)
class Solution:
    """A network, and what is known about it before any proof on its pieces.

    Attributes
    ----------
    network : Network
        Its meta has the construction, domain, function and bound.
    error_bound : mpf
        A-priori bound of |N(x) − f(x)| on the domain. For a wide network it includes the rounding
        of every weight, and with skip wiring it is what ``induction.prove`` proves; in float64
        rounding adds a few 1e-16.
    searched : str
        One line on what was compared.
    """

    network: Network
    error_bound: Real
    searched: str


@dataclass(frozen=True)
class _Family:
    """The searches of a wiring."""

    best: Callable[[Real, Reduction | None, bool, Remark], Search]
    sharpest: Callable[[int, Reduction | None, bool, Remark], Search]


_FAMILIES = {
    SKIP: _Family(fold_reflect.best_plan, fold_reflect.sharpest_plan),
    LAYERED: _Family(layered_search.best_plan, layered_search.sharpest_plan),
}


def smallest(
    tol: Real | str,
    target: Target | None = None,
    wiring: str = SKIP,
    wide: bool | None = None,
    remark: Remark = ignore,
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
    remark : callable
        Told what is being done, where that takes a second or more.

    Raises
    ------
    RequestError
        If the tolerance, domain or wiring cannot be had.
    """
    tol = checked_tolerance(tol)
    wide = tol < FLOAT_TOL if wide is None else wide
    target = target or Target()
    bits = _first_bits(tol) if wide else FLOAT_BITS
    reduction = _reduction(target, tol, bits, wiring)
    goal = tol - (tol / 1024 if wide else _rounding(reduction, wiring) + ROUNDING)
    search = _family(wiring).best(goal, reduction, not wide, remark)
    return (_wide if wide else _narrow)(search, tol, target)


def sharpest(
    max_connections: int,
    target: Target | None = None,
    wiring: str = SKIP,
    remark: Remark = ignore,
) -> Solution:
    """Return the network of least a-priori bound within a number of connections.

    Float64 weights where they suffice, wide ones beyond.

    Raises
    ------
    RequestError
        If there are too few connections, or the domain or wiring cannot be had.
    """
    target = target or Target()
    reduction = _reduction(target, MPContext().mpf(1), FLOAT_BITS, wiring)
    find = _family(wiring).sharpest
    search = find(max_connections, reduction, False, remark)
    if search.error_bound >= FLOAT_TOL:
        search = find(max_connections, reduction, True, remark)
        return _narrow(search, search.error_bound, target)
    exact = _reduction(target, search.error_bound, _first_bits(search.error_bound), wiring)
    if exact != reduction:
        search = find(max_connections, exact, False, remark)
    return _wide(search, search.error_bound, target)


def _family(wiring: str) -> _Family:
    if wiring not in _FAMILIES:
        raise RequestError(f"wiring: {wiring!r} is unknown; choose from {', '.join(_FAMILIES)}")
    return _FAMILIES[wiring]


def _reduction(target: Target, tol: Real, bits: int, wiring: str) -> Reduction:
    low, high = target.ends(_precise(bits))
    return cheapest_reduction(low, high, target.function, tol, bits, wiring == LAYERED)


def _rounding(reduction: Reduction, wiring: str) -> Real:
    """Bound what float64 folds of the range add to the error."""
    return reduction.rounding(_precise(FLOAT_BITS), layered=wiring == LAYERED)


def _narrow(search: Search, tol: Real, target: Target) -> Solution:
    """Write a plan down in float64."""
    output = search.plan.circuit(tol, 256)
    error = search.error_bound + _rounding(search.plan.reduction, search.plan.wiring)
    network = _ordered(output.circuit.freeze(output, _meta(search, tol, error, target)))
    return Solution(network, error, search.description)


def _wide(search: Search, tol: Real, target: Target) -> Solution:
    """Write a plan down with enough bits that rounding adds at most a two-thousandth of tol."""
    numbers = MPContext()
    bits = _first_bits(tol)
    meta = _meta(search, tol, tol, target)
    while True:
        output = search.plan.circuit(tol, 3 * bits // 2 + 64)
        network = _ordered(output.circuit.freeze(output, meta, bits))
        error, rounding = _error_and_rounding(search, network, target, bits)
        excess = 2048 * rounding / tol
        if excess <= 1:
            break
        bits += int(numbers.log(excess, 2)) + 2
    network = network.with_meta(error_bound=numbers.nstr(error, 6))
    return Solution(network, error, search.description)


def _error_and_rounding(
    search: Search, network: Network, target: Target, bits: int
) -> tuple[Real, Real]:
    """Return the bound of a wide network, proved with skip wiring, and what rounding adds to it."""
    numbers = MPContext()
    if not isinstance(search.plan, fold_reflect.Plan):
        rows = network.rows
        largest = largest_magnitude(target.low, target.high)
        change = change_bound(rows, relative_distances(rows, bits), largest)
        rounding = numbers.mpf(change.numerator) / change.denominator
        return search.error_bound + rounding, rounding
    proof = prove(network)
    if proof is None or not proof.covers(target):
        raise RequestError(f"domain: there is no proof for {target}")
    return tuple(
        numbers.mpf(part.numerator) / part.denominator for part in (proof.sup_error, proof.rounding)
    )


def _ordered(network: Network) -> Network:
    """Return a layered network with its units in the order of the layers."""
    return network if network.skip_connections else by_layer(network)


def _meta(search: Search, tol: Real, error: Real, target: Target) -> Mapping[str, object]:
    text = MPContext().nstr
    return {
        "construction": "fold-reflect",
        "tol": text(tol, 6),
        "error_bound": text(error, 6),
        "domain": list(target.cover),
        "function": target.function,
        "parameters": {
            **search.plan.parameters,
            "margin": margin_exponent(tol),
            "plans_compared": search.candidates,
        },
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
        # mpmath, given what is no number, lifts Python's limit on the digits of an int for good
        number = numbers.mpf(f"{Decimal(tol)}" if isinstance(tol, str) else tol)
    except (TypeError, ValueError, InvalidOperation) as error:
        raise RequestError(f"tol: {tol!r} is not a number") from error
    if not numbers.mpf(LEAST_TOL) <= number < 1:
        raise RequestError(f"tol: {tol} is outside [{LEAST_TOL}, 1)")
    return number


def _precise(bits: int) -> Any:
    numbers = MPContext()
    numbers.prec = 4 * bits
    return numbers


def _first_bits(tol: Real) -> int:
    """Return how many bits weights may need, to begin with."""
    return int(-2.2 * MPContext().log(tol, 2)) + 64
