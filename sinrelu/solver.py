"""The smallest network for a tolerance, the sharpest for a budget, and as many digits as wanted.

All are fold-reflect with skip wiring; what is found is least, or sharpest, among the plans that
``searched`` describes, by their a-priori bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from mpmath import MPContext

from sinrelu.circuit import Real
from sinrelu.constructions.fold_reflect import (
    FLOAT_BITS,
    ROUNDING,
    Search,
    best_plan,
    circuit,
    reduction_for,
    sharpest_plan,
)
from sinrelu.errors import RequestError
from sinrelu.network import Network, Row

LARGEST_UNIT = 4
"""Beyond the folds of the range no unit exceeds this: angles are at most π/2, 1 − cos at most 2."""


@dataclass(frozen=True)
class Solution:
    """A network, and what is known about it before any proof on its pieces.

    Attributes
    ----------
    network : Network
        With skip wiring; its meta has the construction, domain, function and bound.
    error_bound : mpf
        A-priori bound of |N(x) − f(x)| on the domain. For a wide network it includes the rounding
        of every weight, and is a proof; in float64 rounding adds a few 1e-16.
    searched : str
        One line on what was compared.
    """

    network: Network
    error_bound: Real
    searched: str


def smallest(
    tol: Real | str,
    domain: tuple[Real, Real] | None = None,
    function: str = "sin",
    wide: bool | None = None,
) -> Solution:
    """Return the network of fewest connections that is f to within a tolerance.

    Parameters
    ----------
    tol : float, mpf or str
        Between 0 and 1; a string or an mpf where a float would underflow.
    domain : pair of numbers
        A < B within ±1e6; [−π, π] if None.
    function : str
        ``sin`` or ``cos``.
    wide : bool
        Whether weights have as many bits as the tolerance needs, with a proven bound; by default,
        where float64 does not suffice: below 1e-14.

    Raises
    ------
    RequestError
        If the tolerance, domain or function cannot be had.
    """
    numbers = MPContext()
    tol = _tolerance(numbers, tol)
    wide = tol < 1e-14 if wide is None else wide
    bits = FLOAT_BITS if not wide else int(-3 * numbers.log(tol, 2)) + 128
    low, high = _domain(bits, domain)
    reduction = reduction_for(low, high, function, tol, bits)
    goal = tol - (tol / 1024 if wide else reduction.rounding(_precise(bits)) + ROUNDING)
    search = best_plan(goal, reduction)
    return _written(search, tol, bits, wide, (low, high), function)


def sharpest(
    max_connections: int, domain: tuple[Real, Real] | None = None, function: str = "sin"
) -> Solution:
    """Return the network of least a-priori bound within a number of connections.

    Float64 weights where they suffice, wide ones beyond.

    Raises
    ------
    RequestError
        If there are too few connections, or the domain or function cannot be had.
    """
    low, high = _domain(FLOAT_BITS, domain)
    numbers = MPContext()
    reduction = reduction_for(low, high, function, numbers.mpf(1), FLOAT_BITS)
    search = sharpest_plan(max_connections, reduction)
    wide = search.error_bound < 1e-14
    bits = int(-3 * numbers.log(search.error_bound, 2)) + 128 if wide else FLOAT_BITS
    return _written(search, search.error_bound, bits, wide, (low, high), function)


def _written(
    search: Search,
    tol: Real,
    bits: int,
    wide: bool,
    domain: tuple[Real, Real],
    function: str,
) -> Solution:
    """Write a plan down, with enough bits that rounding adds at most a thousandth of tol."""
    largest = max(map(abs, domain))
    while True:
        output = circuit(search.plan, tol, 2 * bits)
        network = output.circuit.freeze(output, bits=bits if wide else None)
        if wide:
            rounding = rounding_bound(list(network.rows()), bits, largest)
        else:
            rounding = search.plan.reduction.rounding(_precise(bits), bits)
        if not wide or 1024 * rounding <= tol:
            break
        bits += int(MPContext().log(rounding / tol, 2)) + 16
    error = search.error_bound + rounding
    return Solution(
        network.with_meta(**_meta(search, tol, error, domain, function)), error, search.description
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


def _meta(
    search: Search, tol: Real, error: Real, domain: tuple[Real, Real], function: str
) -> Mapping[str, object]:
    text = MPContext().nstr
    return {
        "construction": "fold-reflect",
        "tol": text(tol, 6),
        "error_bound": text(error, 6),
        "domain": [float(end) for end in domain],
        "function": function,
        "parameters": {**asdict(search.plan), "plans_compared": search.candidates},
    }


def _tolerance(numbers: Any, tol: Real | str) -> Real:
    try:
        number = numbers.mpf(tol)
    except (TypeError, ValueError) as error:
        raise RequestError(f"tol: {tol!r} is not a number") from error
    if not 0 < number < 1:
        raise RequestError(f"tol: {tol} is outside (0, 1)")
    return number


def _precise(bits: int) -> Any:
    numbers = MPContext()
    numbers.prec = 4 * bits
    return numbers


def _domain(bits: int, domain: tuple[Real, Real] | None) -> tuple[Real, Real]:
    if domain is not None:
        return domain
    pi = _precise(bits).pi * 1
    return -pi, pi
