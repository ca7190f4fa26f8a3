"""What a construction is: a name, a paper, and a way from a tolerance to a circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Protocol, Self

from sinrelu.circuit import Affine, Real
from sinrelu.constructions.fold_reflect.range_reduction import Reduction
from sinrelu.constructions.fold_reflect.refined import Key, RefinedCell, StoredCell, stored


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
    def wiring(self) -> str:
        """``layered`` or ``skip``."""

    @property
    def reduction(self) -> Reduction:
        """How the domain is folded."""

    @property
    def connections(self) -> int:
        """Connections of the network."""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was chosen, as JSON has it."""

    def error_bound(self, numbers: Any) -> Real:
        """A-priori bound of |N(x) − f(x)| on the domain, before weights are rounded."""

    def circuit(self, tol: Real, bits: int) -> Affine:
        """Write the network down, with coefficients of so many bits."""


Remark = Callable[[str], None]


def ignore(_: str) -> None:
    """Tell nobody what is being done."""


class Refinable(Plan, Protocol):
    """A plan of whose last cell there may be a refined one."""

    @property
    def polished(self) -> RefinedCell | None:
        """The refined cell, if the plan has it."""

    @property
    def key(self) -> Key:
        """What the last cell depends on."""

    def refined(self, cell: StoredCell) -> Self:
        """Return the plan with a refined cell that is stored for it."""


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


def with_cells(plans: Iterable[Refinable]) -> dict[Refinable, StoredCell]:
    """Return the plans of whose last cells refined ones are stored, and those."""
    cells = {plan: stored(plan.wiring, plan.key) for plan in plans}
    return {plan: cell for plan, cell in cells.items() if cell is not None}


def closer(search: Search, candidates: Iterable[Refinable], tol: Real) -> Search:
    """Return the plan of fewest connections that keeps a tolerance with its cell refined.

    Or what was found before, if there is none of fewer connections.
    """
    near = {
        plan: (plan.connections, cell.error, cell)
        for plan, cell in with_cells(candidates).items()
        if cell.error <= tol and plan.connections < search.plan.connections
    }
    if not near:
        return search
    best = min(near, key=lambda plan: near[plan][:2])
    _, error, cell = near[best]
    return replace(search, plan=best.refined(cell), error_bound=error)


def sharper(search: Search, candidates: Iterable[Refinable]) -> Search:
    """Return the plan of least bound with its cell refined, or what was found before if better."""
    cells = with_cells(candidates)
    best = min(cells, key=lambda plan: cells[plan].error, default=None)
    if best is None or cells[best].error >= search.error_bound:
        return search
    return replace(search, plan=best.refined(cells[best]), error_bound=cells[best].error)


def described(plan: Any) -> Mapping[str, object]:
    """Return the parameters of a plan, and of a refined cell only that it is one."""
    return {**asdict(replace(plan, polished=None)), "polished": plan.polished is not None}
