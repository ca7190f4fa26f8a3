"""From a tolerance or a budget to a network: how many bits weights need, what rounding adds."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from mpmath import MPContext

from sinrelu.arithmetic.intervals import Intervals, middle
from sinrelu.circuit import Circuit, Real
from sinrelu.constructions.base import (
    FLOAT64_TOL,
    Construction,
    Request,
    claim,
    described,
    evaluation_room,
    tolerance_text,
)
from sinrelu.constructions.fold_reflect import induction, skip
from sinrelu.constructions.fold_reflect.range_reduction import cheapest_reduction
from sinrelu.constructions.fold_reflect.search import COMPARED, Found, Search
from sinrelu.errors import RequestError
from sinrelu.layering import by_layer
from sinrelu.network import LAYERED, Network, Row

FLOAT64_BITS = 53
ROUNDING = 1e-15
"""Kept free for the rounding of weights to float64; measured, not proved."""
LONG = 1000
"""Bits from which on it takes seconds."""
SHARE = 2048
"""Rounding weights of more bits adds at most this part of a tolerance."""


class FoldReflect(Construction):
    """The smallest there is, for sin and cos on any domain, with any number of digits."""

    def network(self, request: Request) -> Network:
        """Build the smallest network for a tolerance, or the sharpest within a budget."""
        if request.tol is None:
            return _sharpest(request)
        beyond = request.tol < FLOAT64_TOL
        if beyond and request.multiprecision is False:
            raise RequestError(f"tol: float64 weights reach {FLOAT64_TOL:g} at best")
        return _smallest(request, request.tol, beyond or bool(request.multiprecision))


def _smallest(request: Request, tol: Real, multiprecision: bool) -> Network:
    bits = first_bits(tol) if multiprecision else FLOAT64_BITS
    search = _search(request, tol, bits)
    kept_free = tol / (SHARE // 2)
    if not multiprecision:
        kept_free = _float64_rounding(search) + ROUNDING + evaluation_room(tol)
    if (found := search.smallest(tol - kept_free)) is None:
        reached = f"no {request.wiring} plan of fold-reflect reaches {tolerance_text(tol)}"
        raise RequestError(f"tol: {reached}")
    return _Choice(found, search, tol, request).network()


def _sharpest(request: Request) -> Network:
    """Build with float64 weights where they suffice, with more bits beyond."""
    budget = request.max_connections or 0
    search = _search(request, MPContext().mpf(1), FLOAT64_BITS)
    found = _within(search, budget)
    if found.plan.error_bound < FLOAT64_TOL and request.multiprecision is False:
        return _smallest(request, MPContext().mpf(FLOAT64_TOL), False)  # all that float64 can do
    if found.plan.error_bound < FLOAT64_TOL or request.multiprecision:
        bits = first_bits(found.plan.error_bound)
        search = _search(request, found.plan.error_bound, bits)
        found = _within(search, budget)
    return _Choice(found, search, found.plan.error_bound, request).network()


def _search(request: Request, tol: Real, bits: int) -> Search:
    reduction = cheapest_reduction(request.target, tol, bits, request.wiring == LAYERED)
    return Search(reduction, request.wiring, float64=bits == FLOAT64_BITS)


def _float64_rounding(search: Search) -> Real:
    """Return what rounding the places of folds to float64 adds to the error."""
    return search.reduction.rounding(precise(FLOAT64_BITS), layered=search.wiring == LAYERED)


def _within(search: Search, connections: int) -> Found:
    if (found := search.sharpest(connections)) is None:
        raise RequestError(
            f"max-connections: {connections} are too few for {search.wiring} wiring, the least "
            f"is {search.least_connections}"
        )
    return found


class _Choice(NamedTuple):
    """A plan that was found, and what for."""

    found: Found
    search: Search
    tol: Real
    request: Request

    def network(self) -> Network:
        """Write the plan down, with weights of as many bits as the tolerance needs."""
        if self.search.float64:
            error = self.found.plan.error_bound + _float64_rounding(self.search)
            room = evaluation_room(self.tol) if self.request.tol is not None else 0.0
            return described(self._frozen(None), error, room)
        numbers, bits = MPContext(), first_bits(self.tol)
        while True:
            if self.request.message is not None and bits > LONG:
                self.request.message(f"weights of {bits} bits, and what is proved of them")
            network, error, rounding = self._rounded(bits)
            excess = SHARE * rounding / self.tol
            if excess <= 1:
                return described(network, error)
            bits += int(numbers.log(excess, 2)) + 2

    def _rounded(self, bits: int) -> tuple[Network, Real, Real]:
        """Round the weights to so many bits; return the error bound, and what rounding adds.

        With skip wiring both are proved, and what is rounded are the enclosures of that proof.
        """
        target, number = self.request.target, Circuit(FLOAT64_BITS).number
        if not isinstance(self.found.plan, skip.Plan):
            network = self._frozen(bits)
            largest = induction.largest_magnitude(target.low, target.high)
            off = induction.relative_distances(network.rows, bits)
            rounding = number(induction.change_bound(network.rows, off, largest))
            return network, self.found.plan.error_bound + rounding, rounding
        numbers, margin = Intervals(induction.precision(bits)), margin_exponent(self.tol)
        ideal = induction.ideal_rows(self.found.plan, self.search.reduction, margin, numbers)
        network = Network(tuple(_middles(row, bits) for row in ideal), self._meta)
        proof = induction.prove(network, ideal)
        if proof is None or not proof.covers(target):
            raise RequestError(f"domain: there is no proof for {target}")
        return network, proof.sup_error, number(proof.rounding)

    def _frozen(self, bits: int | None) -> Network:
        """Round the weights to so many bits; layered units stand in the order of the layers."""
        x = Circuit(256 if bits is None else 3 * bits // 2 + 64).input
        output = self.found.plan.output(x, self.search.reduction, margin_exponent(self.tol))
        network = x.circuit.freeze(output, self._meta, bits)
        return network if network.skip_connections else by_layer(network)

    @property
    def _meta(self) -> Mapping[str, object]:
        plan, compared = self.found
        searched = f"{compared} plans compared: {COMPARED[self.search.wiring]}"
        reduction, margin = asdict(self.search.reduction), margin_exponent(self.tol)
        chosen = {"reduction": reduction, "margin": margin, "plans_compared": compared}
        claimed = {"construction": FOLD_REFLECT.name, **claim(self.request.target, self.tol)}
        return {**claimed, "searched": searched, "parameters": {**asdict(plan), **chosen}}


def _middles(ideal: Row, bits: int) -> Row:
    """Round the numbers that a row encloses to so many bits."""
    *weights, bias = (middle(number, bits) for number in ideal.numbers)
    return Row(ideal.sources, tuple(weights), bias)


def margin_exponent(tol: Real) -> int:
    """Return the least e with 2ᵉ ≥ 10·tol."""
    numbers = MPContext()
    return int(numbers.ceil(numbers.log(10 * tol, 2)))


def precise(bits: int) -> Any:
    """Return an mpmath context of four times as many bits."""
    return Circuit(4 * bits).numbers


def first_bits(tol: Real) -> int:
    """Return how many bits weights may need, to begin with."""
    return int(-2.2 * MPContext().log(tol, 2)) + 64


FOLD_REFLECT = FoldReflect(
    name="fold-reflect",
    summary="fold to a tiny cell, a quadratic there, unfold by gated reflections",
    source="after Huybrechs, arXiv:2506.19104",
)
