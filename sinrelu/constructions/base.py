"""What a construction is: a name, a paper, and a way from a tolerance to a circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from sinrelu.circuit import Affine, Real
from sinrelu.gadgets.reduction import Reduction


@dataclass(frozen=True)
class Design:
    """One network, written down and not yet rounded.

    Attributes
    ----------
    output : Affine
        The output, an affine form over the units of its circuit.
    error_bound : float
        A-priori bound of |N(x) − sin x| on [−π, π], before weights are rounded to float64.
    parameters : mapping
        What the construction chose, for people to read.
    """

    output: Affine
    error_bound: float
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class Construction:
    """A method from the literature, or after it.

    Attributes
    ----------
    name, summary, source : str
        What the command line calls it, one line about it, and the paper it is from.
    design : callable
        From a tolerance to the design of fewest connections that the method finds for it; raises
        RequestError where it finds none.
    design_layered : callable, optional
        Likewise for layered wiring, where the method has a design of its own for it; without one,
        the layers are those of the general pass.
    rounding : float
        What is kept free of a tolerance for the rounding of weights to float64; measured, not
        proved.
    """

    name: str
    summary: str
    source: str
    design: Callable[[float], Design]
    design_layered: Callable[[float], Design] | None = None
    rounding: float = 0.0


class Plan(Protocol):
    """The parameters of one network of a family: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def reduction(self) -> Reduction:
        """How the domain is folded."""

    @property
    def connections(self) -> int:
        """Connections of the network."""

    def error_bound(self, numbers: Any) -> Real:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded."""

    def circuit(self, tol: Real, bits: int) -> Affine:
        """Write the network down, with coefficients of so many bits."""


@dataclass(frozen=True)
class Search:
    """What was looked at, and the best of it.

    Attributes
    ----------
    plan : Plan
        The best plan.
    error_bound : mpf
        Its a-priori bound.
    candidates : int
        How many plans were compared.
    compared : str
        In what they differ.
    """

    plan: Plan
    error_bound: Real
    candidates: int
    compared: str

    @property
    def description(self) -> str:
        """One line for people."""
        return f"{self.candidates} plans compared: {self.compared}"
