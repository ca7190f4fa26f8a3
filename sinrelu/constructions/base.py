"""What a construction is: a name, a paper, and a way from a request to a network."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sinrelu.arithmetic.numbers import number
from sinrelu.arithmetic.rounding import decimal_above
from sinrelu.circuit import Affine, Real
from sinrelu.errors import RequestError
from sinrelu.layering import layered
from sinrelu.network import LAYERED, SKIP, Network
from sinrelu.target import DEFAULT, Target

WIRINGS = (LAYERED, SKIP)
FLOAT64_TOL = 1e-14
"""Below this, float64 weights cannot be trusted to keep what the a-priori bound promises."""
EVALUATION_ROOM = ((2e-12, 1e-14), (1e-12, 3.7e-15))
"""From a tolerance on, so much of it is kept free for evaluation in float64; below, nothing is.

Measured: what fold-reflect needs on [−π, π], where a finer tolerance is harder to keep in float64.
``verify`` proves what a network needs.
"""
MULTIPRECISION_BITS = 160
"""Bits of weights beyond; after the gain of any path through a network, 1e-20 and less is left."""


class Request(NamedTuple):
    """What is to be built, checked; what None stands for is said in ``build``."""

    target: Target
    wiring: str
    tol: Real | None
    max_connections: int | None
    multiprecision: bool | None
    message: Callable[[str], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Construction(ABC):
    """A method, the paper it is from, what it is for by default, its wirings, the usual first."""

    name: str
    summary: str
    source: str
    target: Target = DEFAULT
    wirings: tuple[str, ...] = WIRINGS

    @abstractmethod
    def network(self, request: Request) -> Network:
        """Build a network, its meta with the error bound and what was chosen, or RequestError."""


class Design(NamedTuple):
    """One network, its a-priori bound of |N(x) − sin x| before rounding, and what was chosen."""

    output: Affine
    error_bound: float
    parameters: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Designed(Construction):
    """A method for one function on one domain; what is skip by design is layered by a general pass.

    ``design`` finds the fewest connections for a tolerance, or raises RequestError. ``rounding`` is
    kept free for the rounding of weights to float64; measured, not proved.
    """

    design: Callable[[float], Design]
    rounding: float = 0.0

    def network(self, request: Request) -> Network:
        """Write the method's design down."""
        own = self.target
        if request.target != own:
            raise RequestError(
                f"{self.name} is for {own} ({own.options}); for {request.target} take fold-reflect"
            )
        if request.tol is None:
            raise RequestError(f"max-connections: {self.name} needs a tolerance as well")
        beyond = request.multiprecision is None and request.tol < FLOAT64_TOL
        bits, room = (MULTIPRECISION_BITS, 0.0) if beyond else (None, evaluation_room(request.tol))
        kept_free = 0.0 if beyond else self.rounding + room
        design = self.design(float(request.tol) - kept_free)
        claimed = claim(own, request.tol)
        meta = {"construction": self.name, **claimed, "parameters": dict(design.parameters)}
        network = design.output.circuit.freeze(design.output, meta, bits)
        network = layered(network) if request.wiring == LAYERED else network
        return described(network, design.error_bound, room)


def claim(target: Target, tol: Real) -> Mapping[str, object]:
    """Return what a network file says of its purpose."""
    domain = list(target.cover)
    return {"tol": tolerance_text(tol), "domain": domain, "function": target.function}


def evaluation_room(tol: Real) -> float:
    """Return what part of a tolerance is kept free for evaluation in float64."""
    return next((room for least, room in EVALUATION_ROOM if tol >= least), 0.0)


def tolerance_text(tol: Real) -> str:
    """Write a tolerance that was rounded down when it was read."""
    return decimal_above(number(tol, "tol"), 15)


def described(network: Network, error_bound: Real, room: float = 0.0) -> Network:
    """Return a network whose meta has its a-priori bound, rounded up, and the room beside it."""
    bound = decimal_above(number(error_bound, "error_bound"))
    said = {"evaluation_room": f"{room}"} if room else {}
    return network.with_meta(error_bound=bound, **said)
